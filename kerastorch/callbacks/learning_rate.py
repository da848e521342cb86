"""Callbacks that set the learning rate."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs
from kerastorch.callbacks.messages import print_message
from kerastorch.callbacks.monitor import Monitor


def _learning_rate(callback: Callback) -> float:
    """The learning rate of the model's optimizer, rounded as its variable is."""
    optimizer = getattr(callback.model, "optimizer", None)
    if not hasattr(optimizer, "learning_rate"):
        raise ValueError(
            f"{type(callback).__name__}: expected a model whose optimizer has a learning rate; "
            f"received the optimizer {optimizer!r}. Call compile() with an optimizer first."
        )
    return float(optimizer.learning_rate)


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to `schedule(epoch, learning_rate)`, or `schedule(epoch)`.

    The rate is logged as 'lr'. Raises ValueError when the schedule does not return a number.

    >>> callback = LearningRateScheduler(lambda epoch, rate: rate * 0.9)
    """

    adds_to_logs = ("lr",)

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        rate = _learning_rate(self)
        rate = self.schedule(epoch, rate) if self._takes_rate else self.schedule(epoch)
        if isinstance(rate, torch.Tensor) and rate.numel() == 1:
            rate = rate.item()
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating | np.integer):
            raise ValueError(
                f"LearningRateScheduler: expected the schedule to return a number; received {rate!r} "
                f"({type(rate).__name__}) for epoch {epoch}. Return the learning rate as a float."
            )
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            print_message(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["lr"] = _learning_rate(self)


def _takes_two(schedule: Callable[..., Any]) -> bool:
    """Whether a callable takes a second positional argument."""
    kinds = [parameter.kind for parameter in inspect.signature(schedule).parameters.values()]
    positional = sum(
        kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds
    )
    return positional >= 2 or inspect.Parameter.VAR_POSITIONAL in kinds


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when `monitor` has not improved for `patience` epochs.

    An improvement is a change of more than `min_delta`; after a reduction, `cooldown` epochs pass before
    waiting starts again; the rate never falls below `min_lr`. It is logged as 'lr'.
    Raises ValueError for a factor of 1 or more.

    >>> callback = ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=5, min_lr=1e-5)
    """

    purpose = "learning rate reduction"
    state_attributes = ("best", "wait", "cooldown_counter")
    adds_to_logs = ("lr",)

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        epsilon: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        if self._checked("factor", factor, 0.0) >= 1.0:
            raise ValueError(
                f"ReduceLROnPlateau '{monitor}': expected a factor below 1; received {factor}. "
                "Pass for example factor=0.5."
            )
        self.factor = factor
        self.patience = self._checked("patience", patience, 0)
        self.verbose = verbose
        # its name in the first Keras
        self.min_delta = self._checked("min_delta", min_delta if epsilon is None else epsilon)
        self.cooldown = self._checked("cooldown", cooldown, 0)
        self.min_lr = self._checked("min_lr", min_lr, 0.0)
        self._reset()

    def _reset(self) -> None:
        self.best = self.worst
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        rate = _learning_rate(self)
        if logs is not None:
            logs["lr"] = rate
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        margin = self.min_delta if self.monitor_op is operator.gt else -self.min_delta
        if self.monitor_op(current, self.best + margin):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        if rate <= np.float32(self.min_lr):
            return
        reduced = max(float(np.float32(rate) * np.float32(self.factor)), self.min_lr)
        self.model.optimizer.learning_rate = reduced
        if self.verbose > 0:
            print_message(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {reduced}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether a reduction was too recent to wait for the next."""
        return self.cooldown_counter > 0
