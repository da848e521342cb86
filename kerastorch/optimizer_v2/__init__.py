"""Where Keras 2.4 to 2.8 kept the optimizers: `from kerastorch.optimizer_v2.adam import Adam`."""

from kerastorch.optimizer_v2 import (
    adadelta,
    adagrad,
    adam,
    adamax,
    ftrl,
    gradient_descent,
    learning_rate_schedule,
    nadam,
    optimizer_v2,
    rmsprop,
)

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
