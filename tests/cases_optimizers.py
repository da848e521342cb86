"""The table of optimizers and learning-rate schedules, and the small problem they are run on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from support import normal

STEPS = 50

OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda keras: keras.optimizers.SGD(),
    "sgd-rate": lambda keras: keras.optimizers.SGD(0.1),
    "sgd-momentum": lambda keras: keras.optimizers.SGD(learning_rate=0.05, momentum=0.9),
    "sgd-nesterov": lambda keras: keras.optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True),
    "sgd-clipnorm": lambda keras: keras.optimizers.SGD(learning_rate=0.1, clipnorm=0.5),
    "sgd-clipvalue": lambda keras: keras.optimizers.SGD(learning_rate=0.1, momentum=0.5, clipvalue=0.2),
    "sgd-global_clipnorm": lambda keras: keras.optimizers.SGD(learning_rate=0.1, global_clipnorm=0.7),
    "sgd-weight_decay": lambda keras: keras.optimizers.SGD(learning_rate=0.1, momentum=0.9, weight_decay=0.05),
    "sgd-exponential": lambda keras: keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.2, decay_steps=10, decay_rate=0.5), momentum=0.5
    ),
    "sgd-piecewise": lambda keras: keras.optimizers.SGD(
        keras.optimizers.schedules.PiecewiseConstantDecay([10, 30], [0.2, 0.05, 0.01])
    ),
    "sgd-cosine": lambda keras: keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.2, 40)),
    "sgd-name": lambda keras: keras.optimizers.get("sgd"),
    "adam": lambda keras: keras.optimizers.Adam(),
    "adam-rate": lambda keras: keras.optimizers.Adam(0.05),
    "adam-betas": lambda keras: keras.optimizers.Adam(learning_rate=0.02, beta_1=0.5, beta_2=0.9),
    "adam-epsilon": lambda keras: keras.optimizers.Adam(learning_rate=0.02, epsilon=0.1),
    "adam-epsilon-one": lambda keras: keras.optimizers.Adam(learning_rate=0.1, epsilon=1.0),
    "adam-amsgrad": lambda keras: keras.optimizers.Adam(learning_rate=0.05, amsgrad=True),
    "adam-clipnorm": lambda keras: keras.optimizers.Adam(learning_rate=0.05, clipnorm=0.3),
    "adam-clipvalue": lambda keras: keras.optimizers.Adam(learning_rate=0.05, clipvalue=0.1),
    "adam-global_clipnorm": lambda keras: keras.optimizers.Adam(learning_rate=0.05, global_clipnorm=0.3),
    "adam-weight_decay": lambda keras: keras.optimizers.Adam(learning_rate=0.05, weight_decay=0.1),
    "adam-exponential-staircase": lambda keras: keras.optimizers.Adam(
        keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=7, decay_rate=0.6, staircase=True)
    ),
    "adam-cosine": lambda keras: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(0.1, decay_steps=60, alpha=0.1)
    ),
    "adam-name": lambda keras: keras.optimizers.get("adam"),
    "Adam-name": lambda keras: keras.optimizers.get("Adam"),
    "adamw": lambda keras: keras.optimizers.AdamW(),
    "adamw-decay": lambda keras: keras.optimizers.AdamW(learning_rate=0.05, weight_decay=0.2),
    "adamw-clip": lambda keras: keras.optimizers.AdamW(learning_rate=0.05, weight_decay=0.1, clipnorm=0.4),
    "adamw-amsgrad": lambda keras: keras.optimizers.AdamW(learning_rate=0.05, weight_decay=0.1, amsgrad=True),
    "rmsprop": lambda keras: keras.optimizers.RMSprop(),
    "rmsprop-rate": lambda keras: keras.optimizers.RMSprop(0.02),
    "rmsprop-rho": lambda keras: keras.optimizers.RMSprop(learning_rate=0.02, rho=0.5, epsilon=1e-3),
    "rmsprop-momentum": lambda keras: keras.optimizers.RMSprop(learning_rate=0.01, momentum=0.9),
    "rmsprop-centered": lambda keras: keras.optimizers.RMSprop(learning_rate=0.01, centered=True, epsilon=1e-3),
    "rmsprop-centered-momentum": lambda keras: keras.optimizers.RMSprop(
        learning_rate=0.01, momentum=0.5, centered=True, epsilon=1e-3
    ),
    "rmsprop-clipvalue": lambda keras: keras.optimizers.RMSprop(learning_rate=0.02, clipvalue=0.1),
    "rmsprop-weight_decay": lambda keras: keras.optimizers.RMSprop(learning_rate=0.02, weight_decay=0.1),
    "rmsprop-name": lambda keras: keras.optimizers.get("rmsprop"),
}

OPTIMIZERS["adamw-exclude"] = OPTIMIZERS["adamw-decay"]
OPTIMIZERS["sgd-exclude"] = OPTIMIZERS["sgd-weight_decay"]

# The weights (by position) that take no weight decay.
EXCLUDED = {"adamw-exclude": [1], "sgd-exclude": [0, 2]}

# A learning rate that is assigned before this step, as callbacks do.
NEW_RATES = {"sgd-rate": (25, 0.01), "adam-rate": (25, 0.001), "rmsprop-rate": (10, 0.003)}

SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "exponential": lambda keras: keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.7),
    "exponential-staircase": lambda keras: keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.7, staircase=True),
    "piecewise": lambda keras: keras.optimizers.schedules.PiecewiseConstantDecay([10, 20, 35], [1.0, 0.5, 0.2, 0.1]),
    "cosine": lambda keras: keras.optimizers.schedules.CosineDecay(0.1, 40),
    "cosine-alpha": lambda keras: keras.optimizers.schedules.CosineDecay(0.1, 30, alpha=0.2),
    "cosine-warmup": lambda keras: keras.optimizers.schedules.CosineDecay(
        0.01, 30, alpha=0.1, warmup_target=0.2, warmup_steps=10
    ),
    "cosine-restarts": lambda keras: keras.optimizers.schedules.CosineDecayRestarts(
        0.1, 8, t_mul=2.0, m_mul=0.8, alpha=0.1
    ),
    "polynomial": lambda keras: keras.optimizers.schedules.PolynomialDecay(0.1, 30, 0.01, power=2.0),
    "polynomial-cycle": lambda keras: keras.optimizers.schedules.PolynomialDecay(0.1, 13, 0.01, cycle=True),
    "inverse-time": lambda keras: keras.optimizers.schedules.InverseTimeDecay(0.1, 10, 0.5),
    "inverse-time-staircase": lambda keras: keras.optimizers.schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
}


def start() -> list[np.ndarray]:
    """The weights before the first step: a matrix, a vector, a small kernel."""
    return [normal("optimizers/0", (5, 3)), normal("optimizers/1", (3,)), normal("optimizers/2", (2, 2, 3, 2))]


def gradients(weights: list[np.ndarray], step: int) -> list[np.ndarray]:
    """The gradients of a fixed quadratic with a part that changes from step to step, in float32."""
    found = []
    for i, weight in enumerate(weights):
        size = weight.size
        root = normal(f"optimizers/root{i}", (size, size), "float64") / size**0.5
        noise = normal(f"optimizers/noise{i}/{step}", (size,), "float64", 0.3)
        gradient = root.T @ root @ weight.astype("float64").ravel() - 0.2 + noise
        found.append(gradient.astype("float32").reshape(weight.shape))
    return found
