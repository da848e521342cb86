"""The list that calls the hooks of several callbacks."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from kerastorch.callbacks.callback import BATCH_HOOKS, HOOKS, Callback, ModelReference
from kerastorch.callbacks.history import History
from kerastorch.callbacks.logs import LazyLogs, Logs, as_logs
from kerastorch.callbacks.progress import ProgbarLogger
from kerastorch.core import nest
from kerastorch.core.errors import describe


def _own_hook(callback: Any, name: str) -> Callable[..., None] | None:
    """The bound hook `name` of a callback when it is not the empty one of the base class."""
    hook = getattr(callback, name, None)
    inherited = getattr(hook, "__func__", hook) is getattr(Callback, name)
    return None if inherited else hook


def _is_ours(hook: Callable[..., None]) -> bool:
    return str(getattr(hook, "__module__", "")).startswith("kerastorch.")


def _find_hook(callback: Any, name: str) -> Callable[..., None] | None:
    if name in BATCH_HOOKS:
        mode = name.split("_")[1]
        if not getattr(callback, f"_implements_{mode}_batch_hooks", lambda: True)():
            return None
    hook = _own_hook(callback, name)
    if hook is None and name.startswith("on_train_batch"):
        hook = _own_hook(callback, name.replace("train_", ""))
    return hook


class CallbackList:
    """Calls the hooks of several callbacks in order, and none that nobody has overridden.

    `hooks` maps the name of each hook to the bound methods to call: a loop may skip a hook whose list is
    empty. `params` ('verbose', 'epochs', 'steps') go to every callback. Raises TypeError for what is not a
    callback.

    >>> callbacks = CallbackList([EarlyStopping()], add_history=True, epochs=2, steps=10, verbose=0)
    >>> callbacks.hooks["on_train_batch_end"]
    []
    """

    model = ModelReference()

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks = [_checked(callback) for callback in nest.flatten(callbacks or [])]
        self.params = params
        self.history = self._default(History, add_history)
        self.progbar = self._default(ProgbarLogger, add_progbar)
        self.hooks: dict[str, list[Callable[..., None]]] = {}
        self.running: tuple[str, int, Logs] | None = None  # the numbered hook that is being called
        self._called = 0  # how many callbacks have been called for it
        if model is not None:
            self.set_model(model)
        for callback in self.callbacks:
            callback.set_params(params)
        self._collect()

    def _collect(self) -> None:
        if not self.callbacks:
            self.hooks = {name: [] for name in HOOKS}
            return
        for name in HOOKS:
            found = (_find_hook(callback, name) for callback in self.callbacks)
            self.hooks[name] = [hook for hook in found if hook is not None]

    def _default(self, kind: type[Callback], wanted: bool) -> Any:
        """The callback of class `kind` that is in the list, appended first when it is wanted and missing."""
        found = next((callback for callback in self.callbacks if isinstance(callback, kind)), None)
        if found is None and wanted:
            found = kind()
            self.callbacks.append(found)
        return found

    def append(self, callback: Any) -> None:
        """Add a callback at the end."""
        self.callbacks.append(_checked(callback))
        self._collect()

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)
        self._collect()  # whether a bar wants batches depends on `verbose`

    def set_model(self, model: Any) -> None:
        self.model = model
        if self.history is not None:
            model.history = self.history
        for callback in self.callbacks:
            callback.set_model(model)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.callbacks)

    def _call(self, name: str, logs: Mapping[str, Any] | None) -> None:
        if self.hooks[name]:
            logs = as_logs(logs)
            for hook in self.hooks[name]:
                hook(logs)

    def _call_numbered(self, name: str, number: int, logs: Mapping[str, Any] | None) -> None:
        hooks = self.hooks[name]
        if not hooks:
            return
        logs = as_logs(logs)
        self.running = (name, number, logs)
        held = sys.getrefcount(logs)
        for self._called, hook in enumerate(hooks, 1):
            hook(number, logs)
        if type(logs) is LazyLogs and logs.pending and sys.getrefcount(logs) > held:
            logs.read()  # a callback has kept the logs, and later the values would be those of another batch
        self.running = None

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_epoch_end", epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_train_batch_end", batch, logs)

    on_batch_begin = on_train_batch_begin
    on_batch_end = on_train_batch_end

    def on_test_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._call_numbered("on_predict_batch_end", batch, logs)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_train_begin", logs)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_train_end", logs)

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_test_begin", logs)

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_test_end", logs)

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_predict_begin", logs)

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._call("on_predict_end", logs)

    # --- names of logs --------------------------------------------------------------------------------------------

    def may_add_to_logs(self) -> bool:
        """Whether a callback of the user's own could write values of its own into the logs of an epoch."""
        found = (_own_hook(callback, "on_epoch_end") for callback in self.callbacks)
        return any(hook is not None and not _is_ours(hook) for hook in found)

    def added_names(self) -> list[str]:
        """The names that callbacks of the package write into the logs of an epoch."""
        return [name for callback in self.callbacks for name in getattr(callback, "adds_to_logs", ())]

    # --- interruptions --------------------------------------------------------------------------------------------

    def get_states(self) -> list[dict[str, Any]]:
        """What every callback but the bar remembers, and whether the hook that is being called still waits for it."""
        waiting: list[Any] = []
        if self.running is not None:
            name = self.running[0]
            waiting = [one for one in self._kept() if _find_hook(one, name) in self.hooks[name][self._called :]]
        return [
            {
                "class": type(callback).__name__,
                "state": callback.get_state() if hasattr(callback, "get_state") else {},
                "waits": any(callback is one for one in waiting),
            }
            for callback in self._kept()
        ]

    def set_states(self, states: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Give every callback its state back; returns those that waited for the hook that was being called.

        Callbacks find their state by class and order. Warns where those that have a state are others than before.
        """
        left = list(states)
        waiting = []
        for callback in self._kept():
            place = next((at for at, one in enumerate(left) if one["class"] == type(callback).__name__), None)
            if place is None:
                continue
            found = left.pop(place)
            if found["state"]:
                callback.set_state(dict(found["state"]))
            if found["waits"]:
                waiting.append(callback)
        before = [one["class"] for one in states if one["state"]]
        now = [one["class"] for one in self.get_states() if one["state"]]
        if before != now:
            warnings.warn(
                f"fit: expected the callbacks with a state of before the interruption, {', '.join(before)}; received "
                f"{', '.join(now)}. Those of the same class go on, the others start anew.",
                UserWarning,
                stacklevel=5,
            )
        return waiting

    def finish(self, name: str, number: int, logs: Logs, waiting: Sequence[Any]) -> None:
        """Call a hook for the callbacks that an interruption has kept from it."""
        wanted = [_find_hook(callback, name) for callback in waiting]
        hooks = self.hooks[name]
        self.running = (name, number, logs)
        for self._called, hook in enumerate(hooks, 1):
            if hook in wanted:
                hook(number, logs)
        self.running = None

    def _kept(self) -> list[Any]:
        """The callbacks that have something to go on with: all but the progress bar."""
        return [callback for callback in self.callbacks if not isinstance(callback, ProgbarLogger)]


def _checked(callback: Any) -> Any:
    """`callback` if it has what a callback needs."""
    if isinstance(callback, type):
        raise TypeError(
            f"CallbackList: expected callback objects; received the class {callback.__name__}. "
            f"Create one: {callback.__name__}(...)."
        )
    if not (hasattr(callback, "set_model") and hasattr(callback, "set_params")):
        raise TypeError(
            f"CallbackList: expected objects of class Callback; received {describe(callback)}. "
            "Subclass Callback, or wrap a function in LambdaCallback(on_epoch_end=...)."
        )
    return callback
