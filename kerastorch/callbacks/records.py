"""Callbacks that hand logs on: to a file, to functions."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from kerastorch.callbacks.callback import HOOKS, Callback
from kerastorch.callbacks.logs import Logs, as_logs
from kerastorch.core.errors import did_you_mean


class CSVLogger(Callback):
    """Writes the logs of every epoch as a row of a CSV file.

    Columns are 'epoch' and the names in the first epoch's logs, sorted. `append` continues a file. After an
    interruption it goes on behind the last row that the backup knows of.

    >>> callback = CSVLogger("training.csv", separator=";", append=True)
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._kept: int | None = None  # bytes of an older file that stay

    def get_state(self) -> dict[str, Any]:
        return {"keys": self.keys, "kept": os.path.getsize(self.filename) if self._kept is None else self._kept}

    def set_state(self, state: dict[str, Any]) -> None:
        self.keys, self._kept = state["keys"], state["kept"]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        with open(self.filename, "a", newline="") as file:  # fails here rather than after the first epoch
            self._kept = file.tell() if self.append else 0

    def _cut(self) -> None:
        """Drop what is not to stay: with the first row, since until then a backup may tell that older rows have to."""
        if self._kept is not None and os.path.exists(self.filename):
            os.truncate(self.filename, min(self._kept, os.path.getsize(self.filename)))
        self._kept = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = as_logs(logs)
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                # with validation_freq > 1 the first epoch lacks the values that later ones have
                self.keys += [f"val_{key}" for key in self.keys]
        self._cut()
        # opened for each row, so that an interrupted training leaves a whole file behind
        with open(self.filename, "a", newline="") as file:
            writer = csv.writer(file, delimiter=self.sep)
            if file.tell() == 0:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])


def _cell(value: Any) -> Any:
    is_list = isinstance(value, Iterable) and not isinstance(value, str) and np.ndim(value) > 0
    return f'"[{", ".join(map(str, value))}]"' if is_list else value


class LambdaCallback(Callback):
    """A callback made of functions: each hook takes what its method in `Callback` takes.

    Raises TypeError for the name of a hook that does not exist.

    >>> callback = LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    """

    def __init__(
        self,
        on_epoch_begin: Callable[[int, Logs], Any] | None = None,
        on_epoch_end: Callable[[int, Logs], Any] | None = None,
        on_batch_begin: Callable[[int, Logs], Any] | None = None,
        on_batch_end: Callable[[int, Logs], Any] | None = None,
        on_train_begin: Callable[[Logs], Any] | None = None,
        on_train_end: Callable[[Logs], Any] | None = None,
        **hooks: Callable[..., Any],
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_batch_begin": on_batch_begin,
            "on_batch_end": on_batch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
        }
        for name in hooks:
            if name not in HOOKS:
                raise TypeError(
                    f"LambdaCallback: expected names of hooks; received {name!r}. {did_you_mean(name, HOOKS)}"
                )
        given |= hooks
        self.__dict__.update({name: hook for name, hook in given.items() if hook is not None})
