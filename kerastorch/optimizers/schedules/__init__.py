"""Schedules of the learning rate: functions of the step, and how they are written as configs."""

from __future__ import annotations

from kerastorch.optimizers.schedules import learning_rate_schedule
from kerastorch.optimizers.schedules.learning_rate_schedule import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
    deserialize,
    registry,
    serialize,
)

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "learning_rate_schedule",
    "registry",
    "serialize",
]
