"""Models of mixed policies, for tf_keras and for us: each gets the keras-like module, and the policy is set already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from support import integers, normal, uniform


def dense(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(12, activation="gelu"),
            layers.Dense(5, activation="softmax", dtype="float32"),
        ]
    )


def half_to_the_end(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((8,)), layers.Dense(16, activation="tanh"), layers.Dense(5, activation="softmax")]
    )


def convolution(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(0.5),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(8, 3, padding="same"),
            layers.BatchNormalization(dtype="float32"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5),
            layers.Dense(4),
            layers.Activation("softmax", dtype="float32"),
        ]
    )


def recurrent(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            layers.Embedding(20, 6),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.GRU(6),
            layers.LayerNormalization(),
            layers.Dense(2),
        ]
    )


def branches(keras: Any) -> Any:
    """A residual block, operators between tensors, several dtypes and outputs."""
    layers = keras.layers
    inputs = keras.Input((6,))
    x = layers.Dense(6, activation="relu", name="first")(inputs)
    y = layers.Dense(6, dtype="float32", name="second")(x)
    z = layers.Add(name="sum")([x, layers.Dense(6, name="third")(y)])
    z = z * 2.0 + 1.0
    whole = layers.Concatenate(dtype="float32", name="whole")([z, y])
    nested = keras.Sequential([keras.Input((12,)), layers.Dense(3, dtype="float32"), layers.Dense(3)], name="nested")
    return keras.Model(inputs, [layers.Dense(2, name="last")(whole), nested(whole), y])


def attention(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((5, 8))
    x = layers.LayerNormalization()(inputs)
    x = layers.MultiHeadAttention(2, 4)(x, x)
    x = layers.Add()([layers.Dense(8)(inputs), x])
    x = layers.GlobalAveragePooling1D()(layers.PReLU()(x))
    return keras.Model(inputs, layers.Dense(3, activation="sigmoid", dtype="float32")(x))


MODELS: dict[str, Callable[[Any], Any]] = {
    make.__name__: make for make in (dense, half_to_the_end, convolution, recurrent, branches, attention)
}


# one gradient a step, for a weight that starts at 1 and a loss scale that starts at 4 and grows after 3 steps
GRADIENTS = [1.0, 1.0, float("nan"), 0.5, 0.5, 0.5, 1.0, *[float("inf")] * 6, 1.0, 1.0, 1.0, -float("inf"), 1.0]


def inputs_of(name: str, shape: tuple[Any, ...]) -> np.ndarray:
    shape = (4, *shape[1:])
    return integers(name, shape, 20) if name == "recurrent" else normal(name, shape)


def weights_of(name: str, shapes: list[tuple[int, ...]], names: list[str]) -> list[np.ndarray]:
    """Fixed weights; variances are positive."""
    return [
        uniform(f"{name}/{i}", shape, 0.5, 1.5) if "variance" in weight else normal(f"{name}/{i}", shape, scale=0.4)
        for i, (shape, weight) in enumerate(zip(shapes, names, strict=True))
    ]
