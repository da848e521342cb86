"""The base of every callback."""

from __future__ import annotations

import weakref
from typing import Any

from kerastorch.callbacks.logs import Logs

BATCH_HOOKS = tuple(f"on_{mode}_batch_{edge}" for mode in ("train", "test", "predict") for edge in ("begin", "end"))
OTHER_HOOKS = (
    *("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end"),
    *("on_test_begin", "on_test_end", "on_predict_begin", "on_predict_end"),
)
HOOKS = (*BATCH_HOOKS, *OTHER_HOOKS)


class ModelReference:
    """The attribute `model`, a weak reference: a model and its History must not keep each other alive."""

    def __get__(self, owner: Any, kind: type) -> Any:
        reference = None if owner is None else owner.__dict__.get("_model_reference")
        return None if reference is None else reference()

    def __set__(self, owner: Any, model: Any) -> None:
        owner.__dict__["_model_reference"] = None if model is None else weakref.ref(model)


class Callback:
    """Base of every callback: override the hooks that you need.

    In a hook, `self.model` is the model at work and `self.params` a dict with 'verbose', 'epochs' and
    'steps'. `logs` holds Python numbers under the names that the progress bar shows; values of a batch are
    read from the device when a hook looks at them. `self.model.stop_training = True` ends `fit` after the
    epoch. Attributes that are named in `state_attributes` survive an interruption; see `get_state`.

    >>> class StopWhenGood(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         if logs["accuracy"] > 0.95:
    ...             self.model.stop_training = True
    """

    model = ModelReference()
    params: dict[str, Any] | None = None
    validation_data: Any = None
    state_attributes: tuple[str, ...] = ()
    adds_to_logs: tuple[str, ...] = ()  # the names under which a callback of the package writes into the logs

    def __init__(self) -> None:
        self.validation_data = None

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self.model = model

    def get_state(self) -> dict[str, Any]:
        """What the callback has to remember when training is interrupted and goes on in another process.

        Numbers, texts, arrays and tensors, also in lists and dicts; here the attributes in `state_attributes`.

        >>> class CountEpochs(Callback):
        ...     state_attributes = ("epochs",)
        ...     epochs = 0
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.epochs += 1
        """
        return {name: getattr(self, name) for name in self.state_attributes}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over what `get_state` returned before the interruption; called after `on_train_begin`."""
        for name, value in state.items():
            setattr(self, name, value)

    def release(self) -> None:
        """Give back what is held while `fit` runs; called when `fit` ends with an error, without `on_train_end`."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The old name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch of `fit`; `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch of `fit` and its validation, whose values are logged as 'val_...'."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `fit`; `batch` counts from 0 in each epoch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `fit`, with the averages of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `evaluate` or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of `predict`, with its outputs as `logs['outputs']`."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch of `fit`."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch of `fit`, with its logs."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before `evaluate` or validation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After `evaluate` or validation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After `predict`."""

    def _implements_train_batch_hooks(self) -> bool:
        return True

    def _implements_test_batch_hooks(self) -> bool:
        return True

    def _implements_predict_batch_hooks(self) -> bool:
        return True

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_model_reference"}
