"""Saving the model while it trains."""

from __future__ import annotations

import os
import string
from collections.abc import Collection
from typing import Any

from kerastorch.callbacks.folders import make_writable
from kerastorch.callbacks.frequency import EveryBatches
from kerastorch.callbacks.logs import Logs, as_logs, other_accuracy_name
from kerastorch.callbacks.messages import print_message
from kerastorch.callbacks.monitor import Monitor
from kerastorch.core.errors import did_you_mean


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, every epoch or every `save_freq` batches.

    `filepath` may hold `{epoch:02d}`, `{batch}` and the names of logs, such as `{val_loss:.2f}`. With
    `save_best_only` a file is written when `monitor` improves on its best so far, which starts at
    `initial_value_threshold`. Folders are created. A file appears whole or not at all; one of the whole model also
    says where `fit` was, so that `load_model(path).fit(..., initial_epoch=n)` goes on as if nothing had happened.
    Raises ValueError for a wrong `save_freq`, and, before training starts, for a folder that cannot be written, a
    suffix that names no format, and an unknown name in `filepath` where the names can be known.

    >>> callback = ModelCheckpoint("{epoch:02d}.weights.h5", save_weights_only=True)
    """

    purpose = "saving the best model"

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        options: Any = None,
        initial_value_threshold: float | None = None,
        period: int = 1,
        load_weights_on_restart: bool = False,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        if save_freq != "epoch" and not EveryBatches.is_number(save_freq):
            raise self._error("save_freq 'epoch' or a number of batches", repr(save_freq), "Pass one of the two.")
        self.save_freq = save_freq
        self.options = options
        self.period = period
        self.load_weights_on_restart = load_weights_on_restart
        self.best = self.worst if initial_value_threshold is None else initial_value_threshold
        self.epochs_since_last_save = 0
        self._batches = EveryBatches(save_freq)
        self._epoch = 0

    def _error(self, expected: str, received: str, advice: str) -> ValueError:
        return ValueError(f"ModelCheckpoint '{self.filepath}': expected {expected}; received {received}. {advice}")

    def _implements_train_batch_hooks(self) -> bool:
        return self.save_freq != "epoch"

    def _watches(self) -> bool:
        return self.save_best_only

    def get_state(self) -> dict[str, Any]:
        state = {"best": self.best, "epochs_since_last_save": self.epochs_since_last_save, "epoch": self._epoch}
        return {**state, "batches": self._batches.get_state()}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best, self._epoch = state["best"], state["epoch"]
        self.epochs_since_last_save = state["epochs_since_last_save"]
        self._batches.set_state(state["batches"])

    def expect_logs(self, names: Collection[str] | None) -> None:
        super().expect_logs(names)
        if names is None:
            return
        known = [*names, "epoch", *(["batch"] if self.save_freq != "epoch" else [])]
        for _, field, _, _ in string.Formatter().parse(self.filepath):
            name = field and field.partition(".")[0].partition("[")[0]
            if name and name not in known and other_accuracy_name(name) not in known:
                raise self._unknown(name, known)

    def _unknown(self, name: str, known: Collection[str]) -> ValueError:
        return self._error("names of logs in the path", repr(name), did_you_mean(name, known))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        make_writable(os.path.dirname(self.filepath.partition("{")[0]), f"ModelCheckpoint '{self.filepath}'")
        check = getattr(self.model, "check_save_path", None)
        if check is not None:
            check(self.filepath, self.save_weights_only)
        if self.load_weights_on_restart and os.path.exists(self.filepath):
            self.model.load_weights(self.filepath)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq != "epoch" and self._batches.is_due(batch):
            self._save(self._epoch, batch, as_logs(logs))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch" and self.epochs_since_last_save >= self.period:
            self._save(epoch, None, as_logs(logs))

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        self.epochs_since_last_save = 0
        path = self._path(epoch, batch, logs)
        text = f"\nEpoch {epoch + 1}: "
        if self.save_best_only:
            current = self.get_monitor_value(logs)
            if current is None:
                return
            if not self.monitor_op(current, self.best):
                self._say(f"{text}{self.monitor} did not improve from {self.best:.5f}")
                return
            text += f"{self.monitor} improved from {self.best:.5f} to {current:.5f}, "
            self.best = current
        self._say(f"{text}saving model to {path}")
        if os.path.isdir(path) and (self.save_weights_only or os.path.splitext(path)[1]):
            raise self._error("the path of a file", f"the folder {path!r}", "Pass a path that is no folder.")
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True, **({} if self.options is None else {"options": self.options}))

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            print_message(text)

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        # logs are read from the device only for names that stand in the path
        names = _PathNames(logs, {"epoch": epoch + 1} if batch is None else {"epoch": epoch + 1, "batch": batch + 1})
        try:
            path = self.filepath.format_map(names)
        except KeyError as error:
            raise self._unknown(str(error.args[0]), [*names, *logs]) from error
        os.makedirs(os.path.dirname(path) or os.curdir, exist_ok=True)
        return path


class _PathNames(dict):
    """The numbers that a path may name: of epoch and batch, else of the logs."""

    def __init__(self, logs: Logs, numbers: dict[str, int]) -> None:
        super().__init__(numbers)
        self._logs = logs

    def __missing__(self, name: str) -> Any:
        return self._logs[name]
