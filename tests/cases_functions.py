"""Tables of activations, regularizers, constraints and initializers, for both keras-like modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from support import normal

# --- activations: (id, function of the module and a tensor) ----------------------------------------------
ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    **{
        name: (lambda keras, x, name=name: keras.activations.get(name)(x))
        for name in (
            "elu",
            "exponential",
            "gelu",
            "hard_sigmoid",
            "linear",
            "mish",
            "relu",
            "selu",
            "sigmoid",
            "softmax",
            "softplus",
            "softsign",
            "swish",
            "tanh",
            "leaky_relu",
            "relu6",
            "log_softmax",
            "silu",
        )
    },
    "none": lambda keras, x: keras.activations.get(None)(x),
    "relu-alpha": lambda keras, x: keras.activations.relu(x, alpha=0.1),
    "relu-max": lambda keras, x: keras.activations.relu(x, max_value=2.0),
    "relu-threshold": lambda keras, x: keras.activations.relu(x, threshold=1.0),
    "relu-everything": lambda keras, x: keras.activations.relu(x, alpha=0.2, max_value=3.0, threshold=0.5),
    "elu-alpha": lambda keras, x: keras.activations.elu(x, alpha=0.3),
    "gelu-approximate": lambda keras, x: keras.activations.gelu(x, approximate=True),
    "softmax-axis0": lambda keras, x: keras.activations.softmax(x, axis=0),
    "softmax-function": lambda keras, x: keras.activations.softmax(x),
    "sigmoid-function": lambda keras, x: keras.activations.sigmoid(x),
    "elu-function": lambda keras, x: keras.activations.elu(x),
    "relu-slope-threshold": lambda keras, x: keras.activations.relu(x, alpha=0.3, threshold=0.7),
    "relu-slope-max": lambda keras, x: keras.activations.relu(x, alpha=0.3, max_value=1.5),
    "softmax-axes-negative": lambda keras, x: keras.activations.softmax(x, axis=-2),
    "layer-LeakyReLU": lambda keras, x: keras.activations.get("LeakyReLU")(x),
    "layer-ReLU": lambda keras, x: keras.activations.get("ReLU")(x),
    "layer-ELU": lambda keras, x: keras.activations.get("ELU")(x),
    "layer-PReLU": lambda keras, x: keras.activations.get("PReLU")(x),
    "layer-Softmax": lambda keras, x: keras.activations.get("Softmax")(x),
    "layer-ThresholdedReLU": lambda keras, x: keras.activations.get("ThresholdedReLU")(x),
    "layer-config": lambda keras, x: keras.activations.get({"class_name": "LeakyReLU", "config": {"alpha": 0.7}})(x),
    "layer-instance": lambda keras, x: keras.activations.get(keras.layers.ReLU(max_value=2.5))(x),
}


def activation_input() -> np.ndarray:
    """Values around zero, the bends and the far ends, none exactly on a bend."""
    return (
        np.concatenate([np.linspace(-7.03, 7.11, 24), [-40.0, 40.0, -0.01, 0.02], normal("activations", (8,))])
        .astype("float32")
        .reshape(4, 9)
    )


COTANGENT = normal("activations/cotangent", (4, 9))


# --- regularizers ----------------------------------------------------------------------------------------
REGULARIZERS: dict[str, Callable[[Any], Any]] = {
    "L1": lambda keras: keras.regularizers.L1(0.03),
    "L1-default": lambda keras: keras.regularizers.L1(),
    "L2": lambda keras: keras.regularizers.L2(0.04),
    "L1L2": lambda keras: keras.regularizers.L1L2(l1=0.03, l2=0.02),
    "L1L2-default": lambda keras: keras.regularizers.L1L2(),
    "l1-function": lambda keras: keras.regularizers.l1(0.05),
    "l2-function": lambda keras: keras.regularizers.l2(0.06),
    "l1_l2-function": lambda keras: keras.regularizers.l1_l2(l1=0.01, l2=0.02),
    "l1-name": lambda keras: keras.regularizers.get("l1"),
    "l2-name": lambda keras: keras.regularizers.get("l2"),
    "l1_l2-name": lambda keras: keras.regularizers.get("l1_l2"),
    "L2-name": lambda keras: keras.regularizers.get("L2"),
    "L1-name": lambda keras: keras.regularizers.get("L1"),
    "L1L2-name": lambda keras: keras.regularizers.get("L1L2"),
    "L2-default": lambda keras: keras.regularizers.L2(),
    "l1_l2-function-default": lambda keras: keras.regularizers.l1_l2(),
    "L1L2-one": lambda keras: keras.regularizers.L1L2(l2=0.3),
    "L2-config": lambda keras: keras.regularizers.get({"class_name": "L2", "config": {"l2": 0.07}}),
    "L1L2-config": lambda keras: keras.regularizers.get({"class_name": "L1L2", "config": {"l1": 0.07, "l2": 0.0}}),
    "orthogonal-name": lambda keras: keras.regularizers.get("orthogonal_regularizer"),
    "orthogonal-function": lambda keras: keras.regularizers.orthogonal_regularizer(0.2),
    "orthogonal-rows": lambda keras: keras.regularizers.OrthogonalRegularizer(factor=0.1, mode="rows"),
    "orthogonal-columns": lambda keras: keras.regularizers.OrthogonalRegularizer(factor=0.1, mode="columns"),
}
REGULARIZED = normal("regularizers", (4, 3))

# --- constraints -----------------------------------------------------------------------------------------
CONSTRAINTS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "max_norm": (lambda keras: keras.constraints.MaxNorm(1.5), (4, 3)),
    "max_norm-default": (lambda keras: keras.constraints.MaxNorm(), (9, 3)),
    "max_norm-axis1": (lambda keras: keras.constraints.MaxNorm(1.2, axis=1), (4, 3)),
    "max_norm-kernel": (lambda keras: keras.constraints.MaxNorm(1.5, axis=[0, 1, 2]), (2, 3, 2, 4)),
    "max_norm-name": (lambda keras: keras.constraints.get("max_norm"), (9, 3)),
    "MaxNorm-name": (lambda keras: keras.constraints.get("MaxNorm"), (9, 3)),
    "non_neg": (lambda keras: keras.constraints.NonNeg(), (4, 3)),
    "non_neg-name": (lambda keras: keras.constraints.get("non_neg"), (4, 3)),
    "unit_norm": (lambda keras: keras.constraints.UnitNorm(), (4, 3)),
    "unit_norm-axis1": (lambda keras: keras.constraints.UnitNorm(axis=1), (4, 3)),
    "unit_norm-name": (lambda keras: keras.constraints.get("unit_norm"), (4, 3)),
    "min_max_norm": (lambda keras: keras.constraints.MinMaxNorm(0.8, 1.4), (4, 3)),
    "min_max_norm-rate": (lambda keras: keras.constraints.MinMaxNorm(0.8, 1.4, rate=0.5, axis=1), (4, 3)),
    "min_max_norm-default": (lambda keras: keras.constraints.MinMaxNorm(), (4, 3)),
    "min_max_norm-name": (lambda keras: keras.constraints.get("min_max_norm"), (4, 3)),
    "min_max_norm-kernel": (
        lambda keras: keras.constraints.MinMaxNorm(0.8, 1.4, rate=0.25, axis=[0, 1, 2]),
        (2, 3, 2, 4),
    ),
    "unit_norm-kernel": (lambda keras: keras.constraints.UnitNorm(axis=[0, 1, 2]), (2, 3, 2, 4)),
    "UnitNorm-name": (lambda keras: keras.constraints.get("UnitNorm"), (4, 3)),
    "NonNeg-name": (lambda keras: keras.constraints.get("NonNeg"), (4, 3)),
    "maxnorm-name": (lambda keras: keras.constraints.get("maxnorm"), (9, 3)),
    "nonneg-name": (lambda keras: keras.constraints.get("nonneg"), (4, 3)),
    "unitnorm-name": (lambda keras: keras.constraints.get("unitnorm"), (4, 3)),
    "max_norm-function": (lambda keras: keras.constraints.max_norm(0.7), (4, 3)),
    "max_norm-config": (
        lambda keras: keras.constraints.get({"class_name": "MaxNorm", "config": {"max_value": 0.5, "axis": 1}}),
        (4, 3),
    ),
    "radial-name": (lambda keras: keras.constraints.get("radial_constraint"), (3, 3, 2, 2)),
    "radial": (lambda keras: keras.constraints.RadialConstraint(), (5, 5, 2, 2)),
    "radial-even": (lambda keras: keras.constraints.RadialConstraint(), (4, 4, 1, 2)),
}


def constrained(name: str) -> np.ndarray:
    return normal(f"constraint/{name}", CONSTRAINTS[name][1])


# --- initializers ----------------------------------------------------------------------------------------
DETERMINISTIC_INITIALIZERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "zeros": (lambda keras: keras.initializers.Zeros(), (3, 2)),
    "ones": (lambda keras: keras.initializers.Ones(), (3, 2)),
    "constant": (lambda keras: keras.initializers.Constant(0.7), (3, 2)),
    "constant-default": (lambda keras: keras.initializers.Constant(), (3,)),
    "identity": (lambda keras: keras.initializers.Identity(), (3, 3)),
    "identity-gain-wide": (lambda keras: keras.initializers.Identity(gain=0.5), (2, 4)),
    "constant-array": (lambda keras: keras.initializers.Constant([[1.0, 2.0, 3.0]]), (3, 1)),
    "constant-function": (lambda keras: keras.initializers.constant(-2), (2, 2)),
    "identity-tall": (lambda keras: keras.initializers.Identity(), (4, 2)),
    "identity-name": (lambda keras: keras.initializers.get("identity"), (2, 2)),
    "constant-config": (
        lambda keras: keras.initializers.get({"class_name": "Constant", "config": {"value": 0.25}}),
        (3,),
    ),
    "zero-name": (lambda keras: keras.initializers.get("zero"), (3,)),
    "one-name": (lambda keras: keras.initializers.get("one"), (3,)),
    "zeros-name": (lambda keras: keras.initializers.get("zeros"), (3,)),
    "ones-name": (lambda keras: keras.initializers.get("Ones"), (3,)),
}


@dataclass(frozen=True)
class Law:
    """What a random initializer draws: 'uniform', 'normal' or 'truncated', its mean, and its spread.

    `spread` is the limit of a uniform law, the standard deviation before truncation of the others.
    """

    kind: str
    mean: float
    spread: Callable[[float, float], float]  # of fan in, fan out


RANDOM_INITIALIZERS: dict[str, tuple[Callable[[Any, int], Any], Law]] = {
    "random_uniform": (
        lambda keras, seed: keras.initializers.RandomUniform(seed=seed),
        Law("uniform", 0.0, lambda i, o: 0.05),
    ),
    "random_uniform-range": (
        lambda keras, seed: keras.initializers.RandomUniform(-1.0, 3.0, seed=seed),
        Law("uniform", 1.0, lambda i, o: 2.0),
    ),
    "random_normal": (
        lambda keras, seed: keras.initializers.RandomNormal(seed=seed),
        Law("normal", 0.0, lambda i, o: 0.05),
    ),
    "random_normal-mean": (
        lambda keras, seed: keras.initializers.RandomNormal(mean=0.3, stddev=0.2, seed=seed),
        Law("normal", 0.3, lambda i, o: 0.2),
    ),
    "truncated_normal": (
        lambda keras, seed: keras.initializers.TruncatedNormal(seed=seed),
        Law("truncated", 0.0, lambda i, o: 0.05),
    ),
    "truncated_normal-mean": (
        lambda keras, seed: keras.initializers.TruncatedNormal(0.5, 0.1, seed=seed),
        Law("truncated", 0.5, lambda i, o: 0.1),
    ),
    "glorot_uniform": (
        lambda keras, seed: keras.initializers.GlorotUniform(seed=seed),
        Law("uniform", 0.0, lambda i, o: (6 / (i + o)) ** 0.5),
    ),
    "glorot_normal": (
        lambda keras, seed: keras.initializers.GlorotNormal(seed=seed),
        Law("truncated", 0.0, lambda i, o: (2 / (i + o)) ** 0.5 / 0.87962566103423978),
    ),
    "he_uniform": (
        lambda keras, seed: keras.initializers.HeUniform(seed=seed),
        Law("uniform", 0.0, lambda i, o: (6 / i) ** 0.5),
    ),
    "he_normal": (
        lambda keras, seed: keras.initializers.HeNormal(seed=seed),
        Law("truncated", 0.0, lambda i, o: (2 / i) ** 0.5 / 0.87962566103423978),
    ),
    "lecun_uniform": (
        lambda keras, seed: keras.initializers.LecunUniform(seed=seed),
        Law("uniform", 0.0, lambda i, o: (3 / i) ** 0.5),
    ),
    "lecun_normal": (
        lambda keras, seed: keras.initializers.LecunNormal(seed=seed),
        Law("truncated", 0.0, lambda i, o: (1 / i) ** 0.5 / 0.87962566103423978),
    ),
    "variance_scaling": (
        lambda keras, seed: keras.initializers.VarianceScaling(seed=seed),
        Law("truncated", 0.0, lambda i, o: (1 / i) ** 0.5 / 0.87962566103423978),
    ),
    "variance_scaling-fan_out-untruncated": (
        lambda keras, seed: keras.initializers.VarianceScaling(
            scale=3.0, mode="fan_out", distribution="untruncated_normal", seed=seed
        ),
        Law("normal", 0.0, lambda i, o: (3 / o) ** 0.5),
    ),
    "variance_scaling-fan_avg-uniform": (
        lambda keras, seed: keras.initializers.VarianceScaling(
            scale=0.5, mode="fan_avg", distribution="uniform", seed=seed
        ),
        Law("uniform", 0.0, lambda i, o: (3 * 0.5 / ((i + o) / 2)) ** 0.5),
    ),
}

for _mode in ("fan_in", "fan_out", "fan_avg"):
    for _distribution, _kind, _factor in (
        ("uniform", "uniform", 3**0.5),
        ("truncated_normal", "truncated", 1 / 0.87962566103423978),
        ("untruncated_normal", "normal", 1.0),
        ("normal", "truncated", 1 / 0.87962566103423978),
    ):
        RANDOM_INITIALIZERS[f"variance_scaling-{_mode}-{_distribution}-1.5"] = (
            lambda keras, seed, mode=_mode, distribution=_distribution: keras.initializers.VarianceScaling(
                scale=1.5, mode=mode, distribution=distribution, seed=seed
            ),
            Law(
                _kind,
                0.0,
                lambda i, o, mode=_mode, factor=_factor: (
                    factor * (1.5 / {"fan_in": i, "fan_out": o, "fan_avg": (i + o) / 2}[mode]) ** 0.5
                ),
            ),
        )

# Objects whose config must be what tf_keras writes: (id, module, function of the keras-like module).
CONFIGURED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    **{f"regularizer-{name}": ("regularizers", make) for name, make in REGULARIZERS.items()},
    **{f"constraint-{name}": ("constraints", make) for name, (make, _) in CONSTRAINTS.items()},
    **{f"initializer-{name}": ("initializers", make) for name, (make, _) in DETERMINISTIC_INITIALIZERS.items()},
    **{
        f"initializer-{name}": ("initializers", lambda keras, make=make: make(keras, 7))
        for name, (make, _) in RANDOM_INITIALIZERS.items()
    },
    "initializer-orthogonal": ("initializers", lambda keras: keras.initializers.Orthogonal(gain=0.5, seed=3)),
}


# --- Normalization.adapt ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Adapted:
    """A Normalization layer with `config`, adapted to the data of each key in turn."""

    shape: tuple[int, ...]
    config: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ("first",)
    mean: float = 1.5
    kind: str = "array"

    def data(self, key: str) -> Any:
        array = normal(f"adapt/{key}", self.shape, scale=2.0) + np.float32(self.mean)
        if self.kind == "integers":
            return (array * 3).astype("int64")
        if self.kind == "constant":
            array[..., 0] = 4.0
        return array.tolist() if self.kind == "list" else array

    def layer(self, keras: Any) -> Any:
        layer = keras.layers.Normalization(**self.config)
        for key in self.keys:
            layer.adapt(self.data(key), **self.arguments)
        return layer


ADAPTED: dict[str, Adapted] = {
    "features": Adapted((50, 3)),
    "batches": Adapted((50, 3), arguments={"batch_size": 7}),
    "some batches": Adapted((50, 3), arguments={"batch_size": 8, "steps": 2}),
    "one mean": Adapted((40, 4), {"axis": None}),
    "numbers": Adapted((40,), {"axis": None}),
    "images": Adapted((6, 4, 5, 3)),
    "images, one mean": Adapted((6, 4, 5, 3), {"axis": None}),
    "axis 1": Adapted((10, 3, 4), {"axis": 1}),
    "axes": Adapted((40, 3, 4), {"axis": (1, 2)}),
    "axes, reversed": Adapted((40, 3, 4), {"axis": [-1, -2]}),
    "invert": Adapted((40, 3), {"invert": True}),
    "integers": Adapted((40, 3), kind="integers"),
    "list": Adapted((40, 3), kind="list"),
    "constant feature": Adapted((40, 3), kind="constant"),
    "far from zero": Adapted((400, 3), mean=300.0),
    "one sample": Adapted((1, 3)),
    "one feature": Adapted((40, 1)),
    "float64": Adapted((40, 3), {"dtype": "float64"}),
    "twice": Adapted((40, 3), keys=("first", "second")),
}
