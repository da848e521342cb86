"""The table of optimizers and learning-rate schedules, and the small problem they are run on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from support import normal, uniform

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

for _kind in ("Nadam", "Adamax", "Adagrad", "Adadelta", "Adafactor", "Ftrl", "Lion"):
    OPTIMIZERS[_kind.lower()] = lambda keras, kind=_kind: getattr(keras.optimizers, kind)()
    OPTIMIZERS[f"{_kind.lower()}-rate"] = lambda keras, kind=_kind: getattr(keras.optimizers, kind)(0.05)
for _kind in ("Adam", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl"):
    OPTIMIZERS[f"legacy-{_kind.lower()}"] = lambda keras, kind=_kind: getattr(keras.optimizers.legacy, kind)()
for _name in ("NADAM", "AdaMax", "adagrad", "AdaDelta", "FTRL", "adamw", "experimentalAdam"):
    OPTIMIZERS[f"{_name}-name"] = lambda keras, name=_name: keras.optimizers.get(name)

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


# ------------------------------------------------------------------ 100 steps of everything with everything

LONG = 100
KEPT = (10, LONG)  # the steps after which the golden file holds the weights

# By name: the class, and the arguments that make its steps large enough to show.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"learning_rate": 0.05}),
    "sgd-momentum": ("SGD", {"learning_rate": 0.02, "momentum": 0.9}),
    "sgd-nesterov": ("SGD", {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.02}),
    "rmsprop-momentum": ("RMSprop", {"learning_rate": 0.005, "rho": 0.8, "momentum": 0.9}),
    "rmsprop-centered": ("RMSprop", {"learning_rate": 0.01, "centered": True, "epsilon": 1e-3}),
    "rmsprop-both": ("RMSprop", {"learning_rate": 0.005, "centered": True, "momentum": 0.5, "epsilon": 1e-3}),
    "adam": ("Adam", {"learning_rate": 0.03}),
    "adam-amsgrad": ("Adam", {"learning_rate": 0.03, "amsgrad": True, "beta_1": 0.8, "beta_2": 0.95}),
    "adamw": ("AdamW", {"learning_rate": 0.03}),
    "adamw-amsgrad": ("AdamW", {"learning_rate": 0.03, "amsgrad": True, "epsilon": 1e-3}),
    "nadam": ("Nadam", {"learning_rate": 0.03}),
    "nadam-betas": ("Nadam", {"learning_rate": 0.03, "beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-2}),
    "adamax": ("Adamax", {"learning_rate": 0.03}),
    "adamax-betas": ("Adamax", {"learning_rate": 0.03, "beta_1": 0.6, "beta_2": 0.9, "epsilon": 1e-2}),
    "adagrad": ("Adagrad", {"learning_rate": 0.2}),
    "adagrad-zero": ("Adagrad", {"learning_rate": 0.2, "initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0}),
    "adadelta-rho": ("Adadelta", {"learning_rate": 1.0, "rho": 0.8, "epsilon": 1e-3}),
    "adafactor": ("Adafactor", {"learning_rate": 0.05}),
    "adafactor-options": (
        "Adafactor",
        {"learning_rate": 0.5, "beta_2_decay": -0.5, "epsilon_2": 0.2, "clip_threshold": 0.4, "relative_step": False},
    ),
    "ftrl": ("Ftrl", {"learning_rate": 0.3}),
    "ftrl-l1": ("Ftrl", {"learning_rate": 0.3, "l1_regularization_strength": 0.4, "beta": 0.2}),
    "ftrl-options": (
        "Ftrl",
        {
            "learning_rate": 0.3,
            "learning_rate_power": -0.3,
            "initial_accumulator_value": 0.5,
            "l2_regularization_strength": 0.05,
            "l2_shrinkage_regularization_strength": 0.1,
        },
    ),
    "lion": ("Lion", {"learning_rate": 0.01}),
    "lion-betas": ("Lion", {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.8}),
}

CLIPS = {
    "": {},
    "clipnorm": {"clipnorm": 0.8},
    "clipvalue": {"clipvalue": 0.4},
    "global_clipnorm": {"global_clipnorm": 1.2},
}
DECAYS = {"": {}, "weight_decay": {"weight_decay": 0.05}, "decay": {"decay": 0.02}}
AVERAGES = {"": {}, "ema": {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 30}}

LEGACY_VARIANTS = {
    name: (kind, options)
    for name, (kind, options) in VARIANTS.items()
    if kind not in ("AdamW", "Adafactor", "Lion", "SGD") or name.startswith("sgd")
}
LEGACY_CLIPS = CLIPS | {"clipvalue and clipnorm": {"clipvalue": 0.4, "clipnorm": 0.6}}


def combinations(name: str, legacy: bool = False) -> dict[str, dict[str, Any]]:
    """By title, all combinations of clip, decay, constant or scheduled rate, and average for a variant."""
    kind, options = (LEGACY_VARIANTS if legacy else VARIANTS)[name]
    clips, averages = (LEGACY_CLIPS, {"": {}}) if legacy else (CLIPS, AVERAGES)
    decays = {key: value for key, value in DECAYS.items() if not (legacy and key == "weight_decay")}
    if legacy and kind == "Nadam":  # takes no schedule, and overwrites `decay`
        decays = {"": {}}
    return {
        "/".join((clip, decay, rate, average)): options
        | clips[clip]
        | decays[decay]
        | averages[average]
        | {"scheduled": bool(rate)}
        for clip in clips
        for decay in decays
        for rate in (("",) if legacy and kind == "Nadam" else ("", "schedule"))
        for average in averages
    }


def make(keras: Any, name: str, options: dict[str, Any], legacy: bool = False) -> Any:
    """The optimizer of a combination; a scheduled rate rises to half as much again and then falls."""
    kind = (LEGACY_VARIANTS if legacy else VARIANTS)[name][0]
    options = dict(options)
    if options.pop("scheduled"):
        start = options["learning_rate"]
        options["learning_rate"] = keras.optimizers.schedules.CosineDecay(
            0.5 * start, 70, alpha=0.2, warmup_target=1.5 * start, warmup_steps=20
        )
    return getattr(keras.optimizers.legacy if legacy else keras.optimizers, kind)(**options)


TINY = ((3, 2), (4,), ())
_SLOPES = [uniform(f"tiny/slope{i}", shape, 0.2, 1.0, "float64") for i, shape in enumerate(TINY)]
_NOISE = [normal(f"tiny/noise{i}", (LONG, *shape), "float64", 0.5) for i, shape in enumerate(TINY)]


def tiny_start() -> list[np.ndarray]:
    """A matrix, a vector and a scalar."""
    return [normal(f"tiny/start{i}", shape) for i, shape in enumerate(TINY)]


def tiny_gradients(weights: list[np.ndarray], step: int) -> list[np.ndarray]:
    """The gradients of a quadratic with a part that changes from step to step."""
    parts = zip(_SLOPES, weights, _NOISE, strict=True)
    return [np.asarray(slope * (weight - 0.3) + noise[step], "float32") for slope, weight, noise in parts]


def flat(weights: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(weight) for weight in weights])
