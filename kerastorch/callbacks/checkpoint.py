"""Saving the model while it trains."""

from __future__ import annotations

import os
from typing import Any

from kerastorch.callbacks.logs import Logs, as_logs
from kerastorch.callbacks.messages import print_message
from kerastorch.callbacks.monitor import Monitor
from kerastorch.core.errors import did_you_mean


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, every epoch or every `save_freq` batches.

    `filepath` may hold `{epoch:02d}`, `{batch}` and the names of logs, such as `{val_loss:.2f}`. With
    `save_best_only` a file is written when `monitor` improves on its best so far, which starts at
    `initial_value_threshold`. Folders are created.
    Raises ValueError for a wrong `save_freq`, an unknown name in `filepath`, and, before training starts, a
    folder that cannot be written.

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
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise self._error("save_freq 'epoch' or a number of batches", repr(save_freq), "Pass one of the two.")
        self.save_freq = save_freq
        self.options = options
        self.period = period
        self.load_weights_on_restart = load_weights_on_restart
        self.best = self.worst if initial_value_threshold is None else initial_value_threshold
        self.epochs_since_last_save = 0
        self._batches_since_save = 0
        self._last_batch = -1
        self._epoch = 0

    def _error(self, expected: str, received: str, advice: str) -> ValueError:
        return ValueError(f"ModelCheckpoint '{self.filepath}': expected {expected}; received {received}. {advice}")

    def _implements_train_batch_hooks(self) -> bool:
        return self.save_freq != "epoch"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        folder = os.path.dirname(self.filepath.partition("{")[0]) or os.curdir
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            raise self._error("a folder that can be written", f"{folder!r} ({error.strerror})", _FOLDER) from error
        if not os.access(folder, os.W_OK):
            raise self._error("a folder that can be written", f"{folder!r} (no permission)", _FOLDER)
        if self.load_weights_on_restart and os.path.exists(self.filepath):
            self.model.load_weights(self.filepath)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            return
        # batches may come several at a time, and start anew with each epoch
        self._batches_since_save += batch + 1 if batch <= self._last_batch else batch - self._last_batch
        self._last_batch = batch
        if self._batches_since_save >= self.save_freq:
            self._batches_since_save = 0
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
        if os.path.dirname(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.isdir(path):
            raise self._error("the path of a file", f"the folder {path!r}", "Pass a path that is no folder.")
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True, **({} if self.options is None else {"options": self.options}))

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            print_message(text)

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        names = Logs(logs)
        names["epoch"] = epoch + 1
        if batch is not None:
            names.setdefault("batch", batch + 1)
        try:
            return self.filepath.format_map(names)
        except KeyError as error:
            unknown = str(error.args[0])
            raise self._error("names of logs in the path", repr(unknown), did_you_mean(unknown, names)) from error


_FOLDER = "Pass a path in a folder that exists or can be created."
