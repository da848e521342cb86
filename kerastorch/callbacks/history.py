"""What training leaves behind: the values of every epoch."""

from __future__ import annotations

import warnings
from typing import Any

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs, other_accuracy_name


class EpochValues(dict):
    """A dict of lists in which 'acc' finds 'accuracy', and the reverse, with one warning."""

    _said = False

    def __missing__(self, name: Any) -> Any:
        other = other_accuracy_name(name)
        if other is None or other not in self:
            raise KeyError(name)
        if not self._said:
            self._said = True
            warnings.warn(
                f"History: {name!r} was logged as {other!r}, the name given to compile(); returning {other!r}.",
                UserWarning,
                stacklevel=2,
            )
        return self[other]

    def get(self, name: Any, default: Any = None) -> Any:
        """The values under `name` or its other spelling, `default` where there are none."""
        known = name in self or other_accuracy_name(name) in self
        return self[name] if known else default


class History(Callback):
    """Collects the logs of every epoch; `fit` returns it.

    `history.history` maps each name to one value an epoch, `history.epoch` lists the epochs.

    >>> history = History()
    >>> history.on_train_begin()
    >>> history.on_epoch_end(0, {"loss": 0.5})
    >>> history.history
    {'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = EpochValues()
        self.epoch: list[int] = []

    def get_state(self) -> dict[str, Any]:
        return {"history": dict(self.history), "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        self.history = EpochValues(state["history"])
        self.epoch = list(state["epoch"])

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self


class BaseLogger(Callback):
    """Averages the values of batches, weighted by their 'size', into the logs of the epoch.

    Names in `stateful_metrics` are taken as they are at the last batch.
    """

    def __init__(self, stateful_metrics: Any = None) -> None:
        super().__init__()
        self.stateful_metrics = set(stateful_metrics or ())

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.seen = 0
        self.totals: dict[str, float] = {}

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = logs or Logs()
        size = logs.get("size", 0) * logs.get("num_steps", 1)
        self.seen += size
        for name, value in logs.items():
            if name in self.stateful_metrics:
                self.totals[name] = value
            else:
                self.totals[name] = self.totals.get(name, 0.0) + value * size

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is None:
            return
        for name in (self.params or {}).get("metrics", ()):
            if name in self.totals:
                total = self.totals[name]
                logs[name] = total if name in self.stateful_metrics else total / self.seen
