"""Learning rates that are functions of the step."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import torch_dtype
from kerastorch.core.errors import describe
from kerastorch.core.registry import Registry


class LearningRateSchedule:
    """Base of every schedule: a callable that maps the number of past updates to a learning rate.

    Subclasses define `__call__(step)`, which gets the optimizer's `iterations`, and `get_config()`.

    >>> class Halve(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 / (2 ** (int(step) // 10))
    >>> Halve()(10)
    0.05
    """

    def __call__(self, step: Any) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__}: expected a schedule that defines __call__(step); received one without "
            "it. Define __call__(self, step) and return the learning rate."
        )

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f"{type(self).__name__}: expected a schedule that defines get_config(); received one without it. "
            "Return the constructor's arguments as a dict to save it."
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LearningRateSchedule:
        """The schedule that `get_config` described."""
        return cls(**config)


class Formula(LearningRateSchedule):
    """A schedule that is a formula, `at(step)`, of its constructor's arguments.

    Called on a number it gives a tensor without axes, and on an array of steps a tensor of its shape.
    """

    name: str | None = None

    def at(self, step: float) -> float:
        """The learning rate after `step` updates."""
        raise NotImplementedError

    def __call__(self, step: Any) -> torch.Tensor:
        steps = np.asarray(step.detach().cpu() if isinstance(step, torch.Tensor) else step, dtype="float64")
        rates = [self.at(one) for one in steps.ravel().tolist()]
        return torch.tensor(rates, dtype=torch_dtype(None)).reshape(steps.shape)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        own = next(kind for kind in type(self).__mro__ if kind.__module__ == __name__)
        return {name: getattr(self, name) for name in inspect.signature(own).parameters}

    def _number(self, argument: str, value: Any, low: float = -math.inf, positive: bool = False) -> Any:
        """`value` if it is a finite number of at least `low`, or above 0."""
        limits = " above 0" if positive else f" of at least {low:g}" if low > -math.inf else ""
        try:
            number = math.nan if isinstance(value, str) else float(value)
        except (TypeError, ValueError) as error:
            raise self._error(f"{argument} to be a number{limits}", describe(value), "Pass a number.") from error
        if not math.isfinite(number) or number < low or (positive and number <= 0.0):
            raise self._error(f"{argument} to be a number{limits}", describe(value), f"Pass a number{limits}.")
        return value if isinstance(value, int | float) else number

    def _error(self, expected: str, received: str, advice: str) -> Exception:
        return ValueError(
            f"{type(self).__name__} '{self.name or type(self).__name__}': expected {expected}; received {received}. "
            f"{advice}"
        )


def _progress(step: float, decay_steps: float, staircase: bool) -> float:
    progress = step / decay_steps
    return math.floor(progress) if staircase else progress


class ExponentialDecay(Formula):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`; `staircase` floors the exponent.

    Raises ValueError for arguments that are no numbers, and unless `decay_steps` is above 0.

    >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
    tensor(0.0250)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._number("decay_steps", decay_steps, positive=True)
        self.decay_rate = self._number("decay_rate", decay_rate, 0.0)
        self.staircase = staircase

    def at(self, step: float) -> float:
        return self.initial_learning_rate * self.decay_rate ** _progress(step, self.decay_steps, self.staircase)


class InverseTimeDecay(Formula):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`; `staircase` floors the fraction.

    Raises ValueError for arguments that are no numbers, and unless `decay_steps` is above 0.

    >>> InverseTimeDecay(0.1, decay_steps=1, decay_rate=1.0)(3)
    tensor(0.0250)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._number("decay_steps", decay_steps, positive=True)
        self.decay_rate = self._number("decay_rate", decay_rate, 0.0)
        self.staircase = staircase

    def at(self, step: float) -> float:
        return self.initial_learning_rate / (1.0 + self.decay_rate * _progress(step, self.decay_steps, self.staircase))


class PiecewiseConstantDecay(Formula):
    """`values[0]` up to and including step `boundaries[0]`, `values[1]` up to `boundaries[1]`, and so on.

    Raises ValueError unless the boundaries rise and there is one value more than there are boundaries.

    >>> PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1])([10, 11])
    tensor([1.0000, 0.5000])
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str | None = None) -> None:
        self.name = name
        if len(boundaries) != len(values) - 1:
            raise self._error(
                "one value more than boundaries",
                f"{len(boundaries)} boundaries and {len(values)} values",
                "Give the rate before the first boundary and one after each.",
            )
        self.boundaries = [self._number("each of boundaries", boundary) for boundary in boundaries]
        self.values = [self._number("each of values", value) for value in values]
        if sorted(self.boundaries) != self.boundaries:
            raise self._error("boundaries that rise", f"{self.boundaries}", "Sort them, and the values with them.")

    def at(self, step: float) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


class PolynomialDecay(Formula):
    """`(initial - end) * (1 - step / decay_steps) ** power + end`, constant after `decay_steps`.

    With `cycle`, `decay_steps` is stretched to its next multiple instead, so that the rate rises again.
    Raises ValueError for arguments that are no numbers, and unless `decay_steps` is above 0.

    >>> PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)(5)
    tensor(0.0500)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._number("decay_steps", decay_steps, positive=True)
        self.end_learning_rate = self._number("end_learning_rate", end_learning_rate)
        self.power = self._number("power", power, 0.0)
        self.cycle = cycle

    def at(self, step: float) -> float:
        length = self.decay_steps
        if self.cycle:
            length *= math.ceil(step / length) or 1
        remaining = 1.0 - min(step, length) / length
        return (self.initial_learning_rate - self.end_learning_rate) * remaining**self.power + self.end_learning_rate


class CosineDecay(Formula):
    """Half a cosine from the initial rate down to `alpha` of it (https://arxiv.org/abs/1608.03983).

    `rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`. With `warmup_target` the rate
    first rises in a line from `initial_learning_rate` to it over `warmup_steps`, and decays from there.
    Raises ValueError for arguments that are no numbers, and unless `decay_steps` is above 0.

    >>> CosineDecay(0.1, decay_steps=10)(5)
    tensor(0.0500)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.name = name
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._number("decay_steps", decay_steps, positive=True)
        self.alpha = self._number("alpha", alpha)
        self.warmup_target = None if warmup_target is None else self._number("warmup_target", warmup_target)
        self.warmup_steps = self._number("warmup_steps", warmup_steps, 0.0)

    def at(self, step: float) -> float:
        start = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return start + (self.warmup_target - start) * step / self.warmup_steps
            step, start = step - self.warmup_steps, self.warmup_target
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(step, self.decay_steps) / self.decay_steps))
        return start * ((1.0 - self.alpha) * cosine + self.alpha)


class CosineDecayRestarts(Formula):
    """Half cosines that start anew (https://arxiv.org/abs/1608.03983).

    Period i is `first_decay_steps * t_mul ** i` steps long and starts at `m_mul ** i` of the initial rate.
    Raises ValueError for arguments that are no numbers, unless `first_decay_steps` is above 0 and `t_mul` at least 1.

    >>> CosineDecayRestarts(0.1, first_decay_steps=10)(10)
    tensor(0.1000)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = None,
    ) -> None:
        self.name = name
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = self._number("first_decay_steps", first_decay_steps, positive=True)
        self.t_mul = self._number("t_mul", t_mul, 1.0)
        self.m_mul = self._number("m_mul", m_mul)
        self.alpha = self._number("alpha", alpha)

    def at(self, step: float) -> float:
        done = step / self.first_decay_steps
        if self.t_mul == 1.0:
            restarts = math.floor(done)
            done -= restarts
        else:
            # the periods before restart i are (1 - t_mul ** i) / (1 - t_mul) first periods long
            restarts = math.floor(math.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul) + 1e-12)
            length = self.t_mul**restarts
            done = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
        cosine = 0.5 * self.m_mul**restarts * (1.0 + math.cos(math.pi * done))
        return self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha)


registry = Registry(
    "learning rate schedule",
    {
        kind.__name__: kind
        for kind in (
            ExponentialDecay,
            InverseTimeDecay,
            PiecewiseConstantDecay,
            PolynomialDecay,
            CosineDecay,
            CosineDecayRestarts,
        )
    },
)


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """The config, {'class_name': ..., 'config': ...}, of a schedule."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule that a config describes.

    >>> deserialize(serialize(ExponentialDecay(0.1, 10, 0.5)))(0)
    tensor(0.1000)
    """
    return registry.from_config(config, custom_objects)
