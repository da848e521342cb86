"""Going on after an interruption as if there had been none."""

from __future__ import annotations

import contextlib
import os
import time
import warnings

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.folders import make_writable
from kerastorch.callbacks.frequency import EveryBatches
from kerastorch.callbacks.logs import Logs

FILE = "backup.safetensors"
SECONDS_TO_WRITE = 600  # in which a file is certainly written


class BackupAndRestore(Callback):
    """Keeps a file from which `fit` goes on when the same program is started again after an interruption.

    It is written at the end of each epoch, or every `save_freq` batches, and appears whole or not at all. It holds
    weights, optimizer, metrics, History, the states of callbacks and random generators and the place in the data, so
    that on the CPU the resumed run ends with the very numbers of one that was never stopped. Data of a plain generator
    cannot be set back, which is warned of. `delete_checkpoint` removes the file when `fit` is done.
    Raises ValueError for a wrong `save_freq`; when `fit` starts, for a folder that cannot be written, a broken file,
    and one of another model, optimizer, data size or batch size.

    >>> callback = BackupAndRestore("backup", save_freq=1000)
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int | bool = "epoch",
        delete_checkpoint: bool = True,
        save_before_preemption: bool = False,
    ) -> None:
        super().__init__()
        self.backup_dir = os.fspath(backup_dir)
        if save_freq is False and save_before_preemption:
            warnings.warn(
                f"BackupAndRestore '{self.backup_dir}': expected save_freq, as no signal of a preemption is heard "
                "here; received save_freq=False. Writing after each epoch.",
                UserWarning,
                stacklevel=2,
            )
            save_freq = "epoch"
        if save_freq != "epoch" and not EveryBatches.is_number(save_freq):
            raise ValueError(
                f"BackupAndRestore '{self.backup_dir}': expected save_freq 'epoch' or a number of batches; "
                f"received {save_freq!r}. Pass one of the two."
            )
        self.save_freq = save_freq
        self.delete_checkpoint = delete_checkpoint
        self.save_before_preemption = save_before_preemption
        self._batches = EveryBatches(save_freq)

    @property
    def path(self) -> str:
        """The file of the backup."""
        return os.path.join(self.backup_dir, FILE)

    def _implements_train_batch_hooks(self) -> bool:
        return self.save_freq != "epoch"

    def get_state(self) -> dict[str, int]:
        return self._batches.get_state()

    def set_state(self, state: dict[str, int]) -> None:
        self._batches.set_state(state)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        make_writable(self.backup_dir, f"BackupAndRestore '{self.backup_dir}'")
        self._tidy()
        if os.path.exists(self.path):
            self.model.load_training_state(self.path)

    def _tidy(self) -> None:
        """Remove what processes that were killed have left half written; a new file may be another process's."""
        for entry in os.scandir(self.backup_dir):
            if entry.name.startswith(f".{FILE}.") and time.time() - entry.stat().st_mtime > SECONDS_TO_WRITE:
                os.unlink(entry.path)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq != "epoch" and self._batches.is_due(batch):
            self._write()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._write()

    def _write(self) -> None:
        try:
            self.model.save_training_state(self.path)
        except OSError as error:
            raise OSError(
                error.errno,
                f"BackupAndRestore '{self.backup_dir}': expected to write {self.path!r}; received an error "
                f"({error.strerror}). The backup before this one is whole: make room, and start the program again",
            ) from error

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            with contextlib.suppress(OSError):  # another process may be writing, or have removed it already
                os.unlink(self.path)
                os.rmdir(self.backup_dir)
