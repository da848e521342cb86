"""compile, fit, evaluate, predict: the methods that every model has, each step of which can be overridden."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch

from kerastorch import optimizers as optimizers_module
from kerastorch.callbacks import CallbackList, History, TerminateOnNaN
from kerastorch.callbacks.logs import to_python
from kerastorch.core import nest
from kerastorch.core.errors import did_you_mean
from kerastorch.core.variable import numpy_of
from kerastorch.mixed_precision.loss_scale_optimizer import with_loss_scale
from kerastorch.training import checks
from kerastorch.training.arrays import as_tensors, split_validation
from kerastorch.training.batches import move, pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerastorch.training.class_weights import ClassWeights
from kerastorch.training.compiled_loss import CompiledLoss
from kerastorch.training.compiled_metrics import CompiledMetrics
from kerastorch.training.data import ArraySource, DataSource, make_source, warn_out_of_data
from kerastorch.training.frozen_features import FeatureCache
from kerastorch.training.merging import SCORED_TOGETHER, batches_at_once, scoring_together, worth_folding
from kerastorch.training.modes import trainable_as_compiled, training_mode
from kerastorch.training.old_methods import OldMethods, takes_old_words
from kerastorch.training.run import Resumable, Run
from kerastorch.training.steps import Steps

COMPILE_OPTIONS = ("sample_weight_mode", "target_tensors", "distribute", "auto_scale_loss", "from_serialized")


# what a model may override to see single batches in evaluate and predict
STEPS_OF_INFERENCE = {
    "test": ("test_step", "make_test_function", "compute_loss", "compute_metrics", "get_metrics_result"),
    "predict": ("predict_step", "make_predict_function"),
}


class Trainer(Steps, Resumable, OldMethods):
    """Training for models: a mixin that needs `__call__`, `train`, `trainable_weights` and `losses` of a model."""

    def init_training_state(self) -> None:
        """Set what training keeps with a model, before anything is compiled."""
        self.__dict__.update(
            optimizer=None, loss=None, compiled_loss=None, compiled_metrics=None, stop_training=False, history=None,
            run_eagerly=False, steps_per_execution=1, jit_compile=False, compile_arguments=None,
            _trained=(-1, []), _trainable_when_compiled={}, _held=(-1, []), _added_means={}, _reader=None,
            _fitting=None, _resume_from=None,
        )  # fmt: skip

    # --- compile -------------------------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool | None = None,
        steps_per_execution: int | None = None,
        jit_compile: bool | None = None,
        gradient_checkpointing: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Choose optimizer, loss and metrics by name, object or function; lists or dicts for several outputs.

        torch's optimizers, losses and schedulers are accepted too; `jit_compile=True` runs the forward through
        torch.compile, `gradient_checkpointing` sets the model's attribute of that name.
        Raises ValueError, with the nearest right name, for names that do not exist.
        """
        for key in kwargs:
            if key not in COMPILE_OPTIONS:
                known = ("optimizer", "loss", "metrics", "loss_weights", "weighted_metrics", "run_eagerly")
                known += ("steps_per_execution", "jit_compile", "gradient_checkpointing")
                raise TypeError(
                    f"{type(self).__name__} '{self.name}': expected arguments of compile(); received {key}="
                    f"{kwargs[key]!r}. {did_you_mean(key, known)}"
                )
        if steps_per_execution is not None and (not isinstance(steps_per_execution, int) or steps_per_execution < 1):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected steps_per_execution as a positive integer; "
                f"received {steps_per_execution!r}."
            )
        if optimizer is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected an optimizer; received None. Pass for example 'adam'."
            )
        optimizer = with_loss_scale(optimizers_module.get(optimizer), (self, *self.inner_layers))
        compiled_loss = CompiledLoss(loss, loss_weights, self.output_names)
        compiled_metrics = CompiledMetrics(metrics, weighted_metrics, self.output_names)
        outputs = self.output_structure
        if outputs is not None:
            compiled_loss.check_names(outputs)
            compiled_metrics.check_names(outputs)
        state = self.__dict__
        state["optimizer"] = optimizer
        state["loss"] = loss
        state["compiled_loss"] = compiled_loss
        state["compiled_metrics"] = compiled_metrics
        state["run_eagerly"] = bool(run_eagerly)
        state["steps_per_execution"] = steps_per_execution or 1
        state["jit_compile"] = bool(jit_compile)
        if gradient_checkpointing is not None:
            self.gradient_checkpointing = gradient_checkpointing
        state["_trained"] = (-1, [])
        state["_resume_from"] = None  # another training
        # by identity, as a reference to the model itself would make a cycle
        state["_trainable_when_compiled"] = {id(layer): layer.trainable for layer in (self, *self.inner_layers)}
        state["compile_arguments"] = {
            "optimizer": state["optimizer"], "loss": loss, "metrics": metrics, "loss_weights": loss_weights,
            "weighted_metrics": weighted_metrics,
        }  # fmt: skip
        self._compiled_call_impl = torch.compile(self._call_impl) if jit_compile and not run_eagerly else None

    def outputs_changed(self) -> None:
        """Tell the compiled loss and metrics what the outputs are called, when a graph has been made."""
        for compiled in (self.compiled_loss, self.compiled_metrics):
            if compiled is not None:
                compiled.forget_outputs(self.output_names)

    def _require_compiled(self, method: str) -> None:
        if self.compiled_loss is None:
            raise RuntimeError(
                f"{type(self).__name__} '{self.name}': expected a compiled model for {method}(); received one that is "
                "not. Call model.compile(optimizer, loss) first."
            )

    # --- fit -----------------------------------------------------------------------------------------------------

    @takes_old_words
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: float | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        cache_features: bool | str = "auto",
    ) -> History:
        """Train on arrays, tensors, a Dataset, a DataLoader, a generator or a `utils.Sequence`; returns the History.

        Where a model begins with frozen layers that draw no random numbers, `cache_features` has their outputs for
        arrays computed once and kept for all epochs; 'auto' does so where it saves time.
        Bad data raise ValueError or TypeError before the first step. After Ctrl-C model and History stay usable.
        """
        self._require_compiled("fit")
        epochs, verbose = checks.number_of_epochs(epochs), checks.verbosity(verbose)
        if validation_split:
            (x, y, sample_weight), validation_data = self._split(x, y, sample_weight, validation_split, validation_data)
        if sample_weight is not None:
            checks.check_sample_weight(as_tensors(sample_weight, "sample_weight"))
        source = self._source(
            x, y, sample_weight, batch_size, steps_per_epoch, shuffle=shuffle, class_weight=class_weight,
            passes=epochs - initial_epoch,
        )  # fmt: skip
        ahead = workers, use_multiprocessing, max_queue_size
        source.make_ahead(*ahead)
        steps = checks.steps_of(source, steps_per_epoch)
        with trainable_as_compiled(self):
            cache = FeatureCache(self, cache_features, source, steps, epochs, verbose)
        source = cache.streamed(cache.applied_to(source))
        batch_size = validation_batch_size or batch_size
        validate = self._validation(validation_data, batch_size, validation_steps, cache, ahead)
        callback_list = self._callback_list(callbacks, verbose, steps, epochs, add_history=True)
        self.stop_training = False
        self.__dict__["_trained"] = (-1, [])
        run = Run(self, source, steps, callback_list, range(initial_epoch, epochs))
        checks.expect_logs(self, callback_list, validates=validate is not None)
        with training_mode(self, True), trainable_as_compiled(self), run:
            train_function = self.make_train_function()
            state = self.state_from_file(initial_epoch)
            callback_list.on_train_begin()
            state = self.state_from_file() or state
            if state is not None:
                run.resume(*state, train_function)
            nan_said = any(isinstance(callback, TerminateOnNaN) for callback in callback_list)
            for epoch in run.epochs_left():
                run.begin_epoch(epoch)
                self._run_epoch(train_function, run)
                if run.step == 0 and epoch == initial_epoch:
                    raise checks.no_batches(self)
                if run.step == 0:
                    warn_out_of_data(0, run.steps)
                    break
                logs = {name: to_python(value) for name, value in run.logs.items()}
                nan_said = nan_said or checks.warn_of_nan(self, logs, epoch)
                if validate is not None and checks.is_validation_epoch(validation_freq, epoch):
                    with training_mode(self, False):
                        logs.update(run.validate(validate))
                finished, steps = run.step, run.steps
                run.end_epoch(logs)
                if self.stop_training:
                    break
                if steps is not None and finished < steps:
                    warn_out_of_data(finished, steps)
                    break
            if isinstance(self.optimizer, optimizers_module.Optimizer):
                self.optimizer.finalize_variable_values(self.trainable_weights)
            run.end()
        return self.history

    def _run_epoch(self, function: Callable[[Iterator[Any]], Mapping[str, Any]], run: Run) -> None:
        """Train until the steps are done, the data end, or `stop_training`."""
        callbacks, iterator, steps, step, logs = run.callbacks, run.iterator, run.steps, run.step, run.logs
        begin, end = callbacks.on_train_batch_begin, callbacks.on_train_batch_end
        begins = bool(callbacks.hooks["on_train_batch_begin"])
        stride = self.steps_per_execution
        if step and self.stop_training:
            steps = step  # what stopped the epoch came before the interruption
        while steps is None or step < steps:
            if begins:
                begin(step)
            left = stride if steps is None else min(stride, steps - step)
            try:
                logs = function(iterator if left == stride else islice(iterator, left))
            except StopIteration:
                break
            except IndexError as error:
                checks.explain_index_error(self, error)
                raise
            step += left
            run.step = step
            end(step - 1, logs)
            if self.stop_training:
                break
        run.logs = logs

    def _callback_list(
        self, callbacks: Any, verbose: int, steps: int | None, epochs: int = 1, add_history: bool = False
    ) -> CallbackList:
        """The user's callbacks with the bar, and the History where one is wanted; a ready list is taken as it is."""
        if isinstance(callbacks, CallbackList):
            return callbacks
        wanted = {"add_history": add_history, "add_progbar": verbose != 0}
        return CallbackList(callbacks, **wanted, model=self, verbose=verbose, epochs=epochs, steps=steps)

    def _overrides(self, steps: Sequence[str]) -> bool:
        """Whether the class has a step of its own among these methods."""
        return any(getattr(type(self), name) is not getattr(Steps, name) for name in steps)

    def _split(
        self, x: Any, y: Any, sample_weight: Any, fraction: float, validation_data: Any
    ) -> tuple[tuple[Any, Any, Any], Any]:
        """Training part and validation part of the arrays; explicit validation data win."""
        if validation_data is not None:
            return (x, y, sample_weight), validation_data
        checks.require_arrays(x)
        tensors = as_tensors(x, "x"), as_tensors(y, "y"), as_tensors(sample_weight, "sample_weight")
        return split_validation(tensors, fraction)

    def _source(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        steps: Any,
        *,
        shuffle: bool | str = False,
        class_weight: Any = None,
        passes: int = 1,
        part: str = "",
    ) -> DataSource:
        own_step = self._overrides(("train_step", "test_step", "compute_loss"))
        class_weights = None
        if class_weight is not None:
            class_weights = ClassWeights(class_weight, self.output_names, self.output_structure)
        return make_source(
            x, y, sample_weight, batch_size=batch_size, steps=steps, shuffle=shuffle, class_weights=class_weights,
            device=self.device, check=checks.BatchCheck(self, part, own_step), passes=passes, part=part,
        )  # fmt: skip

    def _validation(
        self, data: Any, batch_size: int | None, steps: int | None, cache: FeatureCache, ahead: tuple[int, bool, int]
    ) -> Callable[[CallbackList], dict[str, Any]] | None:
        """The function that evaluates the validation data and returns logs that begin with 'val_'."""
        if data is None:
            return None
        x, y, sample_weight = unpack_x_y_sample_weight(data) if isinstance(data, list | tuple) else (data, None, None)
        source = cache.applied_to(self._source(x, y, sample_weight, batch_size, steps, part="validation "))
        source.make_ahead(*ahead)
        count = checks.steps_of(source, steps)

        def validate(callbacks: CallbackList) -> dict[str, Any]:
            logs = self._evaluate_source(source, count, callbacks)
            return {f"val_{name}": value for name, value in logs.items()}

        return validate

    # --- evaluate and predict ------------------------------------------------------------------------------------

    @takes_old_words
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on data: a number, a list in the order of `metrics_names`, or a dict."""
        self._require_compiled("evaluate")
        source = self._source(x, y, sample_weight, batch_size, steps)
        source.make_ahead(workers, use_multiprocessing, max_queue_size)
        count, verbose = checks.steps_of(source, steps), checks.verbosity(verbose)
        callback_list = self._callback_list(callbacks, verbose, count)
        with training_mode(self, False):
            logs = self._evaluate_source(source, count, callback_list)
        if return_dict:
            return logs
        values = list(logs.values())
        return values[0] if len(values) == 1 else values

    def _evaluate_source(self, source: DataSource, steps: int | None, callbacks: CallbackList) -> dict[str, Any]:
        self.reset_metrics()
        callbacks.on_test_begin()
        begins, ends = (callbacks.hooks[f"on_test_batch_{edge}"] for edge in ("begin", "end"))
        function, iterator, stride = self._plan_inference(source, steps, callbacks, "test")
        step = 0
        logs: Mapping[str, Any] = {}
        with torch.no_grad(), self._inference_of(source, steps, callbacks, "test"):
            while steps is None or step < steps:
                if begins:
                    callbacks.on_test_batch_begin(step)
                left = stride if steps is None else min(stride, steps - step)
                try:
                    logs = function(iterator if left == stride else islice(iterator, left))
                except StopIteration:
                    break
                step += left
                if ends:
                    callbacks.on_test_batch_end(step - 1, logs)
        if step == 0:
            raise checks.no_batches(self)
        if steps is not None and step < steps:
            warn_out_of_data(step, steps)
        logs = {name: to_python(value) for name, value in logs.items()}
        callbacks.on_test_end(logs)
        return logs

    def _plan_inference(
        self, source: DataSource, steps: int | None, callbacks: CallbackList, mode: str
    ) -> tuple[Callable[[Iterator[Any]], Any], Iterator[Any], int]:
        """The function of a step, the iterator over batches, and how many batches a step takes.

        It takes several where nobody could tell: the steps are ours, and so is what scores them.
        """
        together = 0
        if steps == source.steps != 1 and self._scores_sample_by_sample(mode):
            together = batches_at_once(self, source, callbacks, mode)
        if together == 1 and mode == "test":
            return scoring_together(self, SCORED_TOGETHER), iter(source.epoch()), SCORED_TOGETHER
        function = self.make_test_function() if mode == "test" else self.make_predict_function()
        if together > 1:
            return function, source.merged(together), together
        return function, iter(source.epoch()), self.steps_per_execution if mode == "test" else 1

    def _inference_of(self, source: DataSource, steps: int | None, callbacks: CallbackList, mode: str) -> Any:
        """The context of an inference loop: convolutions take in the normalisation behind them where that pays."""
        folds = not self._overrides(STEPS_OF_INFERENCE[mode]) and worth_folding(source, steps, callbacks, mode)
        return self.folded_inference() if folds else contextlib.nullcontext()

    def takes_features(self) -> bool:
        """Whether nothing but the forward of the model sees its inputs."""
        steps = ("train_step", "make_train_function", *STEPS_OF_INFERENCE["test"])
        return not self._overrides(steps) and not self.run_eagerly

    def _scores_sample_by_sample(self, mode: str) -> bool:
        if self._overrides(STEPS_OF_INFERENCE[mode]):
            return False
        return mode == "predict" or (self.compiled_loss.is_sample_wise() and self.compiled_metrics.is_sample_wise())

    @takes_old_words
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
    ) -> Any:
        """The outputs for all samples as numpy arrays, in the structure that the model returns."""
        checks.require_built(self)
        source = make_source(x, batch_size=batch_size, steps=steps, device=self.device, check=None)
        if isinstance(source, ArraySource):
            self.look_at_inputs(source.data)
        source.make_ahead(workers, use_multiprocessing, max_queue_size)
        count, verbose = checks.steps_of(source, steps), checks.verbosity(verbose)
        callback_list = self._callback_list(callbacks, verbose, count)
        collected: list[list[torch.Tensor]] = []
        structure = None
        folded = self._inference_of(source, count, callback_list, "predict")
        with training_mode(self, False), torch.no_grad(), folded:
            callback_list.on_predict_begin()
            begins, ends = (callback_list.hooks[f"on_predict_batch_{edge}"] for edge in ("begin", "end"))
            function, iterator, stride = self._plan_inference(source, count, callback_list, "predict")
            step = 0
            while count is None or step < count:
                if begins:
                    callback_list.on_predict_batch_begin(step)
                try:
                    structure = function(iterator)
                except StopIteration:
                    break
                leaves = nest.flatten(structure)
                collected = collected or [[] for _ in leaves]
                for held, leaf in zip(collected, leaves, strict=True):
                    held.append(leaf)
                step = step + stride if count is None else min(step + stride, count)
                if ends:
                    callback_list.on_predict_batch_end(step - 1, {"outputs": structure})
            if step == 0:
                raise checks.no_batches(self)
            if count is not None and step < count:
                warn_out_of_data(step, count)
            callback_list.on_predict_end()
        return nest.pack_like(structure, [_to_array(held) for held in collected])

    # --- single batches ------------------------------------------------------------------------------------------

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on one batch; returns loss and metrics."""
        self._require_compiled("train_on_batch")
        batch = self._one_batch(x, y, sample_weight, class_weight)
        if reset_metrics:
            self.reset_metrics()
        with training_mode(self, True), trainable_as_compiled(self):
            return self._results_of_batch(self.train_step(batch), return_dict)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on one batch."""
        self._require_compiled("test_on_batch")
        batch = self._one_batch(x, y, sample_weight)
        if reset_metrics:
            self.reset_metrics()
        with training_mode(self, False), torch.no_grad():
            return self._results_of_batch(self.test_step(batch), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch as numpy arrays."""
        checks.require_built(self)
        batch = move(as_tensors(x, "x"), self.device)
        with training_mode(self, False), torch.no_grad():
            outputs = self.predict_step(pack_x_y_sample_weight(batch))
        return nest.map_structure(lambda leaf: _to_array([leaf]), outputs)

    def _one_batch(self, x: Any, y: Any, sample_weight: Any, class_weight: Any = None) -> Any:
        return next(self._source(x, y, sample_weight, 2**62, None, class_weight=class_weight).epoch())

    def _results_of_batch(self, logs: Mapping[str, Any], return_dict: bool) -> Any:
        values = {name: to_python(value) for name, value in logs.items()}
        if return_dict:
            return values
        return next(iter(values.values())) if len(values) == 1 else list(values.values())


def _to_array(parts: list[torch.Tensor]) -> np.ndarray:
    # a model may return its input, and what is predicted must be the caller's own
    whole = parts[0].clone() if len(parts) == 1 else torch.cat(parts)
    return numpy_of(whole)
