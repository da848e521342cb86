"""Where `fit` is, taken into a file and put back from one, so that an interruption changes nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any

from kerastorch.callbacks import CallbackList, LazyLogs, Logs
from kerastorch.training import model_state, random_state
from kerastorch.training.data import DataSource

VERSION = 1


class Run:
    """One call of `fit`: its data, its callbacks and how far it has come.

    `epoch` is the running one, or the one that comes next; `step` counts its batches that are done. As a context the
    model knows it, and callbacks are told when `fit` ends with an error.
    """

    def __init__(
        self, model: Any, source: DataSource, steps: int | None, callbacks: CallbackList, epochs: range
    ) -> None:
        self.model, self.source, self.steps, self.callbacks, self.epochs = model, source, steps, callbacks, epochs
        self.kind = model_state.describe_compiled(model)  # as it is before training changes the learning rate
        self.epoch, self.step = epochs.start, 0
        self.first_epoch = epochs.start  # of the training that this goes on with
        self.logs: Mapping[str, Any] = {}  # of the last step or epoch
        self.iterator: Iterator[Any] | None = None
        self.taken = 0  # batches that the iterator gave in the epochs before
        self.resumed = False
        self._is_over = False
        self._unsettled = False  # whether what is there now is nothing to go on from
        self._description: dict[str, Any] | None = None

    def __enter__(self) -> Run:
        self._outer = self.model._fitting
        self.model.__dict__["_fitting"] = self
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        self.model.__dict__["_fitting"] = self._outer
        if kind is not None:
            for callback in self.callbacks:
                if hasattr(callback, "release"):
                    callback.release()

    # --- the way through the epochs -------------------------------------------------------------------------------

    def epochs_left(self) -> range:
        """The epochs to come; none where the interruption came after the last one."""
        return range(self.epoch, self.epoch if self._is_over else self.epochs.stop)

    def begin_epoch(self, epoch: int) -> None:
        """Start an epoch, unless it was interrupted after it had begun."""
        self.epoch = epoch
        if self.step:
            return
        self.model.reset_metrics()
        self.callbacks.on_epoch_begin(epoch)
        if self.iterator is None or self.source.restarts:
            self.iterator, self.taken = iter(self.source.epoch()), 0

    def validate(self, function: Callable[[CallbackList], dict[str, Any]]) -> dict[str, Any]:
        """The logs of the validation after an epoch."""
        self._unsettled = True
        logs = function(self.callbacks)
        self._unsettled = False
        return logs

    def end_epoch(self, logs: Mapping[str, Any]) -> None:
        """Call the hooks behind an epoch."""
        self.logs = logs
        self.source.end_of_epoch()
        self.callbacks.on_epoch_end(self.epoch, logs)
        self._count_epoch()

    def _count_epoch(self) -> None:
        if self.steps is None and self.source.restarts:
            self.steps = self.step
        self.taken = 0 if self.source.restarts else self.taken + self.step
        self.epoch, self.step = self.epoch + 1, 0
        self._is_over = self.model.stop_training

    def end(self) -> None:
        """Call the hooks behind the last epoch."""
        self._is_over = True
        self.callbacks.on_train_end(self.logs)

    # --- out of and into a file -----------------------------------------------------------------------------------

    def get_state(self, with_weights: bool) -> dict[str, Any] | None:
        """All that training needs to go on from the hook that is being called.

        None at other times, in validation, and before the first step.
        """
        running = self.callbacks.running
        nothing_done = self.epoch == self.epochs.start and not self.step and not self.resumed
        if running is None or self._unsettled or self._is_over or nothing_done:
            return None
        name, number, logs = running
        is_end = name in ("on_train_batch_end", "on_epoch_end")
        of_step = name == "on_train_batch_end"
        anew = self.source.restarts and name == "on_epoch_end"
        state = {
            "version": VERSION,
            "first_epoch": self.first_epoch,
            "epoch": self.epoch,
            "step": self.step,
            "steps": self.steps,
            "taken": self.taken,
            "place": self.source.place(0 if anew else self.taken + self.step),
            "data": self.source.description(),
            "stopped": self.model.stop_training,
            "hook": [name, number] if is_end else None,
            "hook_logs": _values(logs),
            "logs": _values(logs if of_step else self.logs),
            "callbacks": self.callbacks.get_states(),
            "metrics": model_state.of_metrics(self.model) if name.startswith("on_train_batch") else None,
            "layers": model_state.of_layers(self.model),
            "random": random_state.of_model(self.model),
        }
        if with_weights:
            state["weights"] = model_state.of_weights(self.model)
            state["kind"] = self._describe()
        return state

    def _describe(self) -> dict[str, Any]:
        if self._description is None:
            self._description = {**self.kind, "model": model_state.describe(self.model)}
        return self._description

    def resume(self, state: Mapping[str, Any], label: str, function: Callable[[Iterator[Any]], Any]) -> None:
        """Go on from `state`; `label` begins the errors, `function` trains on the next batch of an iterator.

        Raises ValueError for a state of other data, or of another model or optimizer.
        """
        weights = state.get("weights")
        hook = None if state["hook"] is None else state["hook"][0]
        # who loads a model and trains it on from the next epoch may take other data
        other_data = weights is None and hook == "on_epoch_end" and state["data"] != self.source.description()
        if not other_data:
            self._check_data(state, label)
        if weights is not None and self.model.weights:
            model_state.check(state["kind"], self._describe(), label)
        self._unsettled = True
        if state["metrics"] is not None or not model_state.has_weights(self.model, weights):
            self._make_ready(function)
        if weights is not None and self._description is None:
            model_state.check(state["kind"], self._describe(), label)
        self.epoch, self.step, self.taken = state["epoch"], state["step"], state["taken"]
        if self.step and hook != "on_epoch_end":
            self.model.reset_metrics()
            self.callbacks.on_epoch_begin(self.epoch)
        # what the lines above have changed is put back by those below
        if weights is not None:
            model_state.restore_weights(self.model, weights)
        model_state.restore_layers(self.model, state["layers"])
        if state["metrics"] is not None:
            model_state.restore_metrics(self.model, state["metrics"])
        if not other_data:
            before = self.epochs.start - state["first_epoch"]
            self.steps, self.iterator = state["steps"], self.source.resume(state["place"], before)
            self.first_epoch = state["first_epoch"]
        self.model.stop_training = state["stopped"]
        self.logs = self._logs(state["logs"])
        waiting = self.callbacks.set_states(state["callbacks"])
        random_state.restore_model(self.model, state["random"])
        self.resumed, self._unsettled = True, False
        if hook is not None:
            self.callbacks.finish(hook, state["hook"][1], self._logs(state["hook_logs"]), waiting)
        if hook == "on_epoch_end":
            self._count_epoch()

    def _logs(self, values: Mapping[str, Any] | None) -> Mapping[str, Any]:
        return self.model.get_metrics_result() if values is None else Logs(values)

    def _check_data(self, state: Mapping[str, Any], label: str) -> None:
        now, before = self.source.description(), state["data"]
        for what in {**before, **now}:
            if before.get(what) != now.get(what):
                raise ValueError(
                    f"{label}: expected the data that training began with, {what} {before.get(what)}; received "
                    f"{now.get(what)}. Pass the same data and batch_size to fit(), or delete the file to start anew."
                )
        if self.steps is not None and self.steps != state["steps"]:
            raise ValueError(
                f"{label}: expected {state['steps']} steps in an epoch, as before; received {self.steps}. Pass the "
                "same steps_per_epoch to fit(), or delete the file to start anew."
            )
        if not self.source.resumes:
            warnings.warn(
                f"{label}: expected data that can be started again, such as arrays, a Sequence or a DataLoader; "
                "received a generator, which goes on where it is. The batches may be others than without the "
                "interruption.",
                UserWarning,
                stacklevel=4,
            )

    def _make_ready(self, function: Callable[[Iterator[Any]], Any]) -> None:
        """Take one step, which makes the weights, metrics and slots that only a step makes, and undo what it changes.

        What it does to metrics and random generators is undone by the state that is restored next.
        """
        before = model_state.copy_of_weights(self.model)
        function(repeat(self.source.first_batch()))
        if before is not None:
            model_state.restore_weights(self.model, before)


class Resumable:
    """A model's side of interruptions."""

    def get_training_state(self, with_weights: bool = True) -> dict[str, Any] | None:
        """What `fit` needs to go on from the hook of a callback that is running now, as plain values and tensors.

        None outside of `fit`, in validation and before the first step, where there is nothing to go on from.
        """
        return None if self._fitting is None else self._fitting.get_state(with_weights)

    def set_training_state(self, state: Mapping[str, Any], label: str = "fit") -> None:
        """Let the running `fit`, or the next one whose `initial_epoch` fits, go on from `state`.

        A state with weights is that of a backup, for the `fit` whose callback calls this in `on_train_begin`; one
        without belongs to a model that was saved during `fit`. `label` begins the errors.
        Raises ValueError for what is no such state.
        """
        numbers = [state.get(name) for name in ("epoch", "first_epoch", "step", "taken")]
        if state.get("version") != VERSION or not all(type(number) is int for number in numbers):
            raise ValueError(
                f"{label}: expected the state of a training of version {VERSION}; received one of version "
                f"{state.get('version')!r}. Start the training anew."
            )
        self.__dict__["_resume_from"] = (state, label)

    def state_from_file(self, initial_epoch: int | None = None) -> tuple[Mapping[str, Any], str] | None:
        """The state that `set_training_state` has left, once; with `initial_epoch`, only one that fits."""
        state, self.__dict__["_resume_from"] = self._resume_from, None
        if state is None or initial_epoch is None:
            return state
        next_epoch = state[0]["epoch"] + (state[0]["hook"] or [""])[0].startswith("on_epoch_end")
        return state if initial_epoch == next_epoch > 0 else None


def _values(logs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Logs as plain values; None for those that the metrics give, whose state is kept, at any time."""
    if type(logs) is LazyLogs and logs.running:
        return None
    return {name: value for name, value in logs.items() if name is not None}
