"""The value that a callback watches, and which way is better."""

from __future__ import annotations

import math
import numbers
import operator
import warnings
from collections.abc import Callable, Collection
from typing import Any

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs, as_logs, other_accuracy_name
from kerastorch.core.errors import describe


def rises(monitor: str) -> bool:
    """Whether more is better for a value of this name, as mode 'auto' takes it."""
    return "acc" in monitor or monitor.endswith("auc") or monitor.startswith("fmeasure")


class Monitor(Callback):
    """Base of the callbacks that watch one value of the logs.

    'acc' finds 'accuracy' and the reverse, which is said once. So is a value that is not logged, before training where
    that can be known; it is skipped.
    """

    purpose = "monitoring"

    def __init__(self, monitor: str, mode: str) -> None:
        super().__init__()
        self.monitor = monitor
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: mode {mode!r} is unknown; falling back to 'auto'. "
                "Pass 'min', 'max' or 'auto'.",
                UserWarning,
                stacklevel=3,
            )
            mode = "auto"
        self.mode = mode
        rising = mode == "max" or (mode == "auto" and rises(monitor))
        self.monitor_op: Callable[[float, float], bool] = operator.gt if rising else operator.lt
        self._missing_said = self._other_name_said = False
        self._expected: Collection[str] | None = None

    def _checked(self, argument: str, value: Any, low: float = -math.inf) -> Any:
        """`value` if it is a number of at least `low`; TypeError or ValueError otherwise."""
        wanted = f"{argument} to be a number" if low == -math.inf else f"{argument} to be a number of at least {low:g}"
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if is_number and value >= low:
            return value
        raise (ValueError if is_number else TypeError)(
            f"{type(self).__name__} '{self.monitor}': expected {wanted}; received {describe(value)}. Pass a number."
        )

    @property
    def worst(self) -> float:
        """What any value is better than."""
        return -math.inf if self.monitor_op is operator.gt else math.inf

    def get_monitor_value(self, logs: Logs | None) -> Any:
        """The watched value, or None, said once, when it is not in the logs."""
        logs = as_logs(logs)
        value = logs.get(self.monitor)
        if value is not None and self.monitor not in logs and not self._other_name_said:
            self._other_name_said = True
            warnings.warn(
                f"{type(self).__name__}: {self.monitor!r} is logged as {other_accuracy_name(self.monitor)!r}, the name "
                "given to compile(); watching that.",
                UserWarning,
                stacklevel=2,
            )
        if value is None and not self._comes_later():
            self._say_missing(logs)
        return value

    def expect_logs(self, names: Collection[str] | None) -> None:
        """Take the names that the logs of this training will have, None where they are not known; called by `fit`."""
        self._expected = names
        if names is not None and self._watches() and not self._comes_later():
            self._say_missing(names)

    def _watches(self) -> bool:
        return True

    def _comes_later(self) -> bool:
        """Whether the value is known to be logged, though not in every epoch."""
        names = self._expected or ()
        return self.monitor in names or other_accuracy_name(self.monitor) in names

    def _say_missing(self, names: Collection[str]) -> None:
        if self._missing_said:
            return
        self._missing_said = True
        warnings.warn(
            f"{type(self).__name__}: {self.purpose} is conditioned on {self.monitor!r}, which is not available. "
            f"Available are: {', '.join(names) or 'none'}.",
            UserWarning,
            stacklevel=4,
        )
