"""Models whose files the libraries exchange: each a function of a keras-like module, and the inputs that it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from support import integers, normal


def sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 5, 2)),
            layers.Conv2D(3, 3, activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", kernel_regularizer="l2"),
        ]
    )


def two_inputs(keras: Any) -> Any:
    layers = keras.layers
    first, second = keras.Input((4,), name="first"), keras.Input((3,), name="second")
    merged = layers.Concatenate()([layers.Dense(3, activation="tanh")(first), second])
    outputs = [layers.Dense(1, name="one")(merged), layers.Dense(2, name="two")(layers.Add()([merged, merged]))]
    return keras.Model([first, second], outputs)


def nested(keras: Any) -> Any:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((3,)), layers.Dense(4), layers.LeakyReLU()], name="stack")
    x = keras.Input((3,))
    branch = keras.Model(x, layers.Dense(2)(layers.BatchNormalization()(x)), name="branch")
    inputs = keras.Input((3,))
    return keras.Model(inputs, layers.Concatenate()([inner(inputs), branch(inputs)]))


def shared_layer(keras: Any) -> Any:
    layers = keras.layers
    first, second = keras.Input((4,)), keras.Input((4,))
    dense = layers.Dense(3, activation="relu")
    return keras.Model([first, second], layers.Multiply()([dense(first), dense(second)]))


def lstm(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((5,)), layers.Embedding(7, 3, mask_zero=True), layers.LSTM(4), layers.Dense(1)]
    )


def gru(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((5, 3)), layers.GRU(4, return_sequences=True), layers.GRU(2, reset_after=False), layers.Dense(1)]
    )


def recurrent(keras: Any) -> Any:
    layers = keras.layers
    cells = [layers.LSTMCell(3), layers.GRUCell(2)]
    return keras.Sequential(
        [
            keras.Input((5, 3)),
            layers.Bidirectional(layers.SimpleRNN(2, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(3)),
            layers.RNN(cells, return_sequences=True),
            layers.Bidirectional(layers.LSTM(2), merge_mode="sum"),
        ]
    )


def attention(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((4, 6))
    x = layers.MultiHeadAttention(num_heads=2, key_dim=3)(inputs, inputs)
    x = layers.LayerNormalization()(layers.Add()([inputs, x]))
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(x))


def convolutions(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input((8, 8, 4))
    x = layers.SeparableConv2D(4, 3, padding="same", activation="relu")(inputs)
    x = layers.DepthwiseConv2D(3, strides=2)(x)
    x = layers.Conv2DTranspose(2, 3, strides=2)(x)
    x = layers.UpSampling2D()(layers.ZeroPadding2D()(x))
    return keras.Model(inputs, layers.GlobalMaxPooling2D()(x))


def preprocessing(keras: Any) -> Any:
    layers = keras.layers
    normalization = layers.Normalization()
    normalization.adapt(normal("adapt", (20, 3)))
    return keras.Sequential([keras.Input((3,)), layers.Rescaling(0.5, offset=1.0), normalization, layers.Dense(2)])


MODELS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "sequential": (sequential, [(6, 5, 2)]),
    "two_inputs": (two_inputs, [(4,), (3,)]),
    "nested": (nested, [(3,)]),
    "shared_layer": (shared_layer, [(4,), (4,)]),
    "lstm": (lstm, [7]),
    "gru": (gru, [(5, 3)]),
    "recurrent": (recurrent, [(5, 3)]),
    "attention": (attention, [(4, 6)]),
    "convolutions": (convolutions, [(8, 8, 4)]),
    "preprocessing": (preprocessing, [(3,)]),
}
FORMATS = (".keras", ".h5", ".weights.h5")
SAMPLES = 4


def inputs(name: str) -> Any:
    """The inputs of a model: one array, or a list."""
    shapes = MODELS[name][1]
    arrays = [_input(f"{name}/{i}", shape) for i, shape in enumerate(shapes)]
    return arrays[0] if len(arrays) == 1 else arrays


def _input(key: str, shape: Any) -> np.ndarray:
    return integers(key, (SAMPLES, 5), shape) if isinstance(shape, int) else normal(key, (SAMPLES, *shape))


def make(keras: Any, name: str) -> Any:
    """The model with fixed weights, compiled and trained for a step, so that the optimizer has a state."""
    keras.backend.clear_session()
    model = MODELS[name][0](keras)
    for i, weight in enumerate(model.trainable_variables):
        weight.assign(normal(f"{name}/weight{i}", tuple(weight.shape), scale=0.5))
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    train(model, name)
    return model


def train(model: Any, name: str) -> None:
    """One step on fixed data; Dropout is the only thing in the models that is random."""
    x = inputs(name)
    outputs = predict(model, name)
    y = [np.ones_like(output) for output in outputs]
    model.fit(x, y if len(y) > 1 else y[0], batch_size=SAMPLES, shuffle=False, verbose=0)


def predict(model: Any, name: str) -> list[np.ndarray]:
    """All outputs, as a list."""
    outputs = model.predict(inputs(name), verbose=0)
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
