"""Learning rates that are functions of the step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

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


def _progress(step: Any, decay_steps: float, staircase: bool) -> float:
    progress = float(step) / decay_steps
    return math.floor(progress) if staircase else progress


class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`; `staircase` floors the exponent.

    >>> round(ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20), 6)
    0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> float:
        progress = _progress(step, self.decay_steps, self.staircase)
        return float(self.initial_learning_rate) * self.decay_rate**progress

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`; `staircase` floors the fraction.

    >>> InverseTimeDecay(0.1, decay_steps=1, decay_rate=1.0)(3)
    0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> float:
        progress = _progress(step, self.decay_steps, self.staircase)
        return float(self.initial_learning_rate) / (1.0 + self.decay_rate * progress)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[0]` up to and including step `boundaries[0]`, `values[1]` up to `boundaries[1]`, and so on.

    Raises ValueError unless there is one value more than there are boundaries.

    >>> PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.1])(11)
    0.5
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float], name: str | None = None) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay '{name or 'PiecewiseConstant'}': expected one value more than "
                f"boundaries; received {len(boundaries)} boundaries and {len(values)} values. "
                "Give the rate before the first boundary and one after each."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> float:
        now = float(step)
        passed = sum(now > float(boundary) for boundary in self.boundaries)
        return float(self.values[passed])

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": list(self.boundaries), "values": list(self.values), "name": self.name}


class PolynomialDecay(LearningRateSchedule):
    """`(initial - end) * (1 - step / decay_steps) ** power + end`, constant after `decay_steps`.

    With `cycle`, `decay_steps` is stretched to its next multiple instead, so that the rate rises again.

    >>> round(PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)(5), 6)
    0.05
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
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> float:
        now, length = float(step), float(self.decay_steps)
        if self.cycle:
            length *= math.ceil(now / length) or 1
        remaining = 1.0 - min(now, length) / length
        span = float(self.initial_learning_rate) - self.end_learning_rate
        return span * remaining**self.power + self.end_learning_rate

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class CosineDecay(LearningRateSchedule):
    """Half a cosine from the initial rate down to `alpha` of it (https://arxiv.org/abs/1608.03983).

    `rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`. With `warmup_target` the rate
    first rises in a line from `initial_learning_rate` to it over `warmup_steps`, and decays from there.

    >>> round(CosineDecay(0.1, decay_steps=10)(5), 6)
    0.05
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
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> float:
        now, start = float(step), float(self.initial_learning_rate)
        if self.warmup_target is not None:
            if now < self.warmup_steps:
                return start + (self.warmup_target - start) * now / self.warmup_steps
            now, start = now - self.warmup_steps, float(self.warmup_target)
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(now, self.decay_steps) / self.decay_steps))
        return start * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines that start anew (https://arxiv.org/abs/1608.03983).

    Period i is `first_decay_steps * t_mul ** i` steps long and starts at `m_mul ** i` of the initial rate.

    >>> CosineDecayRestarts(0.1, first_decay_steps=10)(10)
    0.1
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
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> float:
        done = float(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            restarts = math.floor(done)
            done -= restarts
        else:
            # the periods before restart i are (1 - t_mul ** i) / (1 - t_mul) first periods long
            restarts = math.floor(math.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul) + 1e-12)
            length = self.t_mul**restarts
            done = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
        cosine = 0.5 * self.m_mul**restarts * (1.0 + math.cos(math.pi * done))
        return float(self.initial_learning_rate) * ((1.0 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }


_registry = Registry(
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
    return _registry.serialize(learning_rate_schedule)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> LearningRateSchedule:
    """The schedule that a config describes.

    >>> deserialize(serialize(ExponentialDecay(0.1, 10, 0.5)))(0)
    0.1
    """
    return _registry.from_config(config, custom_objects)
