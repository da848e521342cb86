"""Activations, initializers, regularizers and constraints of one's own: by name, object, function and config."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import layers
from kerastorch.core.registry import custom_objects

X = np.array([[1.0, -2.0, 3.0]], "float32")


def doubled(x: torch.Tensor) -> torch.Tensor:
    return 2.0 * x


class Power:
    """An activation with an argument."""

    def __init__(self, exponent: float = 2.0) -> None:
        self.exponent = exponent

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x**self.exponent

    def get_config(self) -> dict[str, Any]:
        return {"exponent": self.exponent}


def quarters(shape: Any, dtype: Any = None) -> Any:
    return np.full(shape, 0.25, "float32")


class Ramp(keras.initializers.Initializer):
    def __init__(self, step: float = 1.0) -> None:
        self.step = step

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> torch.Tensor:
        return self.step * torch.arange(float(np.prod(shape))).reshape(tuple(shape))

    def get_config(self) -> dict[str, Any]:
        return {"step": self.step}


def total(weight: torch.Tensor) -> torch.Tensor:
    return weight.sum()


class Cubes(keras.regularizers.Regularizer):
    def __init__(self, factor: float = 1.0) -> None:
        self.factor = factor

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.factor * x.abs().pow(3).sum()

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor}


def halved(weight: torch.Tensor) -> torch.Tensor:
    return weight * 0.5


class AtMost(keras.constraints.Constraint):
    def __init__(self, limit: float = 0.5) -> None:
        self.limit = limit

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        return w.clamp(max=self.limit)

    def get_config(self) -> dict[str, Any]:
        return {"limit": self.limit}


OBJECTS = {value.__name__: value for value in (doubled, Power, quarters, Ramp, total, Cubes, halved, AtMost)}


@dataclass(frozen=True)
class Kind:
    """One kind of object, and how a Dense layer of ones shows what an object of that kind does."""

    module: str
    argument: str
    function: Callable[..., Any]
    by_function: Any
    cls: type
    by_default: Any
    arguments: dict[str, Any]
    by_arguments: Any

    def shown(self, value: Any) -> Any:
        layer = self.layer(value)
        return self.seen(layer)

    def layer(self, value: Any) -> Any:
        return layers.Dense(1, use_bias=False, **{"kernel_initializer": "ones", self.argument: value})

    def seen(self, layer: Any) -> Any:
        output = layer(X)
        if self.argument == "activation":
            return output.item()
        if self.argument == "kernel_initializer":
            return layer.get_weights()[0].ravel().tolist()
        if self.argument == "kernel_regularizer":
            return [loss.item() for loss in layer.losses]
        model = keras.Sequential([keras.Input((3,)), layer])
        model.compile(keras.optimizers.SGD(0.0), "mse")
        model.fit(X, X[:, :1], verbose=0)
        return layer.get_weights()[0].ravel().tolist()


KINDS = {
    "activation": Kind("activations", "activation", doubled, 4.0, Power, 4.0, {"exponent": 3.0}, 8.0),
    "initializer": Kind(
        *("initializers", "kernel_initializer", quarters, [0.25] * 3),
        *(Ramp, [0.0, 1.0, 2.0], {"step": 0.5}, [0.0, 0.5, 1.0]),
    ),
    "regularizer": Kind("regularizers", "kernel_regularizer", total, [3.0], Cubes, [3.0], {"factor": 0.5}, [1.5]),
    "constraint": Kind(
        *("constraints", "kernel_constraint", halved, [0.5] * 3, AtMost, [0.5] * 3),
        *({"limit": 0.25}, [0.25] * 3),
    ),
}
EVERY = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@EVERY
def test_function_class_and_object(kind: Kind) -> None:
    assert kind.shown(kind.function) == kind.by_function
    assert kind.shown(kind.cls) == kind.by_default
    assert kind.shown(kind.cls(**kind.arguments)) == kind.by_arguments


@EVERY
def test_name_and_config_inside_a_scope(kind: Kind) -> None:
    config = {"class_name": kind.cls.__name__, "config": kind.arguments}
    with keras.utils.custom_object_scope(OBJECTS):
        assert kind.shown(kind.function.__name__) == kind.by_function
        assert kind.shown(kind.cls.__name__) == kind.by_default
        assert kind.shown(config) == kind.by_arguments
    for unknown in (kind.function.__name__, config):
        with pytest.raises(ValueError, match=f"expected the name of a known {kind.module[:-1]}; received"):
            kind.layer(unknown)


@EVERY
def test_serialize_and_deserialize(kind: Kind) -> None:
    module = getattr(keras, kind.module)
    assert module.serialize(kind.function) == kind.function.__name__
    config = module.serialize(kind.cls(**kind.arguments))
    assert config == {"class_name": kind.cls.__name__, "config": kind.arguments}
    assert kind.shown(module.deserialize(config, custom_objects=OBJECTS)) == kind.by_arguments
    assert module.deserialize(kind.function.__name__, custom_objects=OBJECTS) is kind.function
    assert module.get(kind.function) is kind.function


@EVERY
def test_layers_and_models_come_back_from_their_configs(kind: Kind) -> None:
    for value, wanted in ((kind.function, kind.by_function), (kind.cls(**kind.arguments), kind.by_arguments)):
        layer = kind.layer(value)
        config = layer.get_config()
        with keras.utils.custom_object_scope(OBJECTS):
            assert kind.seen(layers.Dense.from_config(config)) == wanted
        model = keras.Sequential([keras.Input((3,)), layer])
        text = model.to_json()
        copied = keras.models.model_from_json(text, custom_objects=OBJECTS)
        assert kind.seen(copied.layers[-1]) == wanted


def test_registered_names() -> None:
    before = dict(custom_objects)

    @keras.utils.register_keras_serializable(package="own")
    def tripled(x: torch.Tensor) -> torch.Tensor:
        return 3.0 * x

    try:
        assert keras.activations.serialize(tripled) == "own>tripled"
        assert keras.activations.get("own>tripled") is tripled
        config = layers.Dense(1, activation=tripled).get_config()
        assert layers.Dense.from_config(config).activation is tripled
    finally:
        custom_objects.clear()
        custom_objects.update(before)


OLD_NAMES = {
    "initializers": {"zero": "Zeros", "one": "Ones", "normal": "RandomNormal", "uniform": "RandomUniform"},
    "constraints": {"maxnorm": "MaxNorm", "nonneg": "NonNeg", "unitnorm": "UnitNorm"},
    "regularizers": {"l1": "L1", "l2": "L2", "l1l2": "L1L2", "l1_l2": "L1L2"},
}


@pytest.mark.parametrize("module", OLD_NAMES)
def test_old_names(module: str) -> None:
    """Names of Keras 1 make today's objects, by `get` and, where they were functions, by call."""
    namespace = getattr(keras, module)
    for name, today in OLD_NAMES[module].items():
        assert type(namespace.get(name)) is getattr(namespace, today)
    assert keras.constraints.maxnorm(3).max_value == 3
    assert keras.regularizers.l1l2(0.1, 0.2).get_config() == pytest.approx({"l1": 0.1, "l2": 0.2})
    assert keras.regularizers.activity_l2(0.1).l2 == pytest.approx(0.1)
