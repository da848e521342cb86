"""Callbacks that end training."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs, as_logs
from kerastorch.callbacks.messages import print_message
from kerastorch.callbacks.monitor import Monitor


class EarlyStopping(Monitor):
    """Ends training when `monitor` has not improved by `min_delta` for `patience` epochs.

    Epochs before `start_from_epoch` do not count. With `baseline`, only values better than it reset the
    patience. `restore_best_weights` puts back the weights of the best epoch at the end.

    >>> callback = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    """

    purpose = "early stopping"
    state_attributes = ("wait", "stopped_epoch", "best", "best_weights", "best_epoch")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode)
        min_delta = abs(self._checked("min_delta", min_delta))
        self.min_delta = min_delta if self.monitor_op is operator.gt else -min_delta
        self.patience = self._checked("patience", patience)
        self.verbose = verbose
        self.baseline = None if baseline is None else self._checked("baseline", baseline)
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = self._checked("start_from_epoch", start_from_epoch)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = self.worst
        self.best_weights: list[Any] | None = None
        self.best_epoch = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)  # something to restore even if nothing ever improves
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._remember(epoch)
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _remember(self, epoch: int) -> None:
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch

    def _is_improvement(self, value: float, reference: float) -> bool:
        return self.monitor_op(value - self.min_delta, reference)

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_message(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Ends training at the first batch whose loss is NaN or infinite, and names batch and loss.

    It reads the loss of every batch, which makes a GPU wait for each. Without it, `fit` warns once after the epoch.

    >>> callback = TerminateOnNaN()
    """

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = as_logs(logs).get("loss")
        if loss is not None and not math.isfinite(loss if type(loss) is float else np.mean(loss)):
            print_message(f"Batch {batch}: Invalid loss, terminating training (loss: {np.mean(loss)})")
            self.model.stop_training = True
