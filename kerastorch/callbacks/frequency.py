"""Doing something every so many batches."""

from __future__ import annotations

from typing import Any


class EveryBatches:
    """Tells every `count` batches of training, across epochs; for 'epoch', never.

    Batches may come several at a time, and are numbered anew in each epoch.
    """

    def __init__(self, frequency: Any) -> None:
        self.frequency = frequency
        self.waited, self.last = 0, -1

    @staticmethod
    def is_number(frequency: Any) -> bool:
        return isinstance(frequency, int) and not isinstance(frequency, bool) and frequency > 0

    def is_due(self, batch: int) -> bool:
        """Whether the time has come behind `batch`, which ends the epoch's batches so far."""
        self.waited += batch + 1 if batch <= self.last else batch - self.last
        self.last = batch
        if self.waited < self.frequency:
            return False
        self.waited = 0
        return True

    def get_state(self) -> dict[str, int]:
        return {"waited": self.waited, "last": self.last}

    def set_state(self, state: dict[str, int]) -> None:
        self.waited, self.last = state["waited"], state["last"]
