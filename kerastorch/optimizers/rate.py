"""The learning rate: one number that a Keras variable, a torch parameter group and a schedule agree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from kerastorch.core.config import floatx
from kerastorch.core.errors import describe
from kerastorch.core.variable import Variable
from kerastorch.optimizers.schedules.learning_rate_schedule import Formula, LearningRateSchedule


def scalar_variable(value: float, name: str, dtype: torch.dtype) -> Variable:
    """A 0-dim variable that stays on the CPU, where its value can be read without waiting for a device."""
    return Variable(torch.tensor(value, dtype=dtype), trainable=False, name=name)


class Rate:
    """Keeps the `lr` of a parameter group, the learning-rate variable and a schedule at one value.

    torch schedulers write `group["lr"]`, Keras code assigns the variable, and whichever was written since the
    last look wins. The variable is read through a numpy alias of its memory, which costs a tenth of
    `Tensor.item()`.
    """

    def __init__(
        self,
        group: dict[str, Any],
        value: float | LearningRateSchedule | Callable[[], Any],
        step: Any,
    ) -> None:
        self.group = group
        self.schedule: Callable[..., Any] | None = None
        dtype = torch.float64 if floatx() == "float64" else torch.float32
        self.variable = scalar_variable(0.0, "learning_rate:0", dtype)
        self.connect()
        self.set(value, step)

    def connect(self) -> None:
        """Take the alias of the variable's memory; copies and pickles have to do it again."""
        self._memory = self.variable.detach().numpy()
        self._stored = self._memory.item()

    def set(self, value: float | LearningRateSchedule | Callable[[], Any], step: Any) -> None:
        """Make `value`, a number or a schedule, the learning rate."""
        self.schedule = value if callable(value) and not isinstance(value, torch.Tensor) else None
        self._write(float(value) if self.schedule is None else self._scheduled(step))

    def _scheduled(self, step: Any) -> float:
        schedule = self.schedule
        if type(schedule).__call__ is Formula.__call__:
            return schedule.at(float(step))  # what the call would give, without a tensor around it
        # a plain callable takes nothing, as in Keras
        rate = schedule(step) if isinstance(schedule, LearningRateSchedule) else schedule()
        try:
            return float(rate)
        except (TypeError, ValueError) as error:
            name = getattr(schedule, "__name__", type(schedule).__name__)
            raise TypeError(
                f"{name}: expected a schedule that returns a number; received {describe(rate)} at step {int(step)}. "
                "Return the learning rate of this one step."
            ) from error

    def _write(self, value: float) -> None:
        self.value = self.group["lr"] = value
        self._memory[()] = value
        self._stored = self._memory.item()

    def current(self) -> float:
        """The learning rate after every side has been heard."""
        written = self.group["lr"]
        if written != self.value:
            self._write(float(written))
        elif self._memory.item() != self._stored:
            self._stored = self.value = self.group["lr"] = self._memory.item()
        return self.value

    def at(self, step: Any) -> float:
        """The learning rate of the update that follows; evaluates the schedule where there is one."""
        if self.schedule is None:
            return self.current()
        self._write(self._scheduled(step))
        return self.value

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "_memory"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.connect()
