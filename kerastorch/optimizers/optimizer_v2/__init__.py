"""The optimizers as they were before Keras 2.11, under the module names that they had then."""

from __future__ import annotations

from kerastorch.optimizers.optimizer_v2 import (
    adadelta,
    adagrad,
    adam,
    adamax,
    ftrl,
    gradient_descent,
    nadam,
    optimizer_v2,
    rmsprop,
)
from kerastorch.optimizers.schedules import learning_rate_schedule

__all__ = [
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "ftrl",
    "gradient_descent",
    "learning_rate_schedule",
    "nadam",
    "optimizer_v2",
    "rmsprop",
]
