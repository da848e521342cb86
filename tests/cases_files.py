"""Models whose files the libraries exchange: each a function of a keras-like module, and the inputs that it takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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


def gru_by_default(keras: Any) -> Any:
    """`reset_after` has another default in TensorFlow 2, and the first Keras 2 does not know it."""
    layers = keras.layers
    return keras.Sequential([keras.Input((5, 3)), layers.GRU(3), layers.Dense(1)])


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


def convlstm(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((3, 4, 4, 1)),
            layers.ConvLSTM2D(2, 2, padding="same", return_sequences=True),
            layers.ConvLSTM2D(1, 2),
            layers.Flatten(),
        ]
    )


def stateful(keras: Any) -> Any:
    layers = keras.layers
    first = keras.Input(batch_shape=(SAMPLES, 5, 3))
    return keras.Sequential([first, layers.LSTM(3, stateful=True), layers.Dense(1)])


def application(keras: Any) -> Any:
    """A small network in the style of MobileNet."""
    layers = keras.layers
    inputs = x = keras.Input((8, 8, 3))
    for block, (filters, strides) in enumerate(((4, 2), (4, 1), (6, 2))):
        shortcut = x
        x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False, name=f"conv_dw_{block}")(x)
        x = layers.BatchNormalization(name=f"conv_dw_{block}_bn", momentum=0.9)(x)
        x = layers.ReLU(6.0, name=f"conv_dw_{block}_relu")(x)
        x = layers.Conv2D(filters, 1, use_bias=False, name=f"conv_pw_{block}")(x)
        x = layers.BatchNormalization(name=f"conv_pw_{block}_bn")(x)
        x = layers.Add(name=f"add_{block}")([x, shortcut]) if block == 1 else x
    x = layers.Dropout(0.0, name="dropout")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(3, activation="softmax", name="predictions")(x), name="small_mobilenet")


@lru_cache(8)
def own_layer(keras: Any) -> Any:
    """A registered layer of the library, with a weight, a config and a function."""

    home = keras.saving if hasattr(keras, "saving") else keras.utils

    @home.register_keras_serializable("cases")
    def cubed(x: Any) -> Any:
        return x * x * x

    @home.register_keras_serializable("cases")
    class Scale(keras.layers.Layer):
        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")

        def call(self, inputs: Any) -> Any:
            return inputs * self.scale * self.factor

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> Any:
            return {**super().get_config(), "factor": self.factor}

    return Scale, cubed


def custom(keras: Any) -> Any:
    layers = keras.layers
    scale, cubed = own_layer(keras)
    inputs = keras.Input((3,))
    x = scale(0.5, name="half")(layers.Dense(4, activation=cubed)(inputs))
    return keras.Model(inputs, layers.Dense(2)(scale(2.0, name="double")(x)))


@lru_cache(8)
def own_model(keras: Any) -> Any:
    layers = keras.layers

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = layers.Dense(4, activation="tanh")
            self.blocks = [layers.Dense(3), layers.BatchNormalization()]
            self.last = layers.Dense(2)

        def call(self, inputs: Any, training: Any = False) -> Any:
            x = self.first(inputs)
            for block in self.blocks:
                x = block(x)
            return self.last(x)

    return Own


def subclassed(keras: Any) -> Any:
    model = own_model(keras)()
    model(np.zeros((1, 3), "float32"))
    return model


def small(keras: Any) -> Any:
    """What the optimizers train."""
    layers = keras.layers
    return keras.Sequential([keras.Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(2)])


def adam(keras: Any) -> Any:
    return keras.optimizers.Adam(0.01)


# The functions that make a model and its optimizer, and the shapes of its inputs; a number stands for that many words.
MODELS: dict[str, tuple[Callable[[Any], Any], list[Any], Callable[[Any], Any]]] = {
    "sequential": (sequential, [(6, 5, 2)], adam),
    "two_inputs": (two_inputs, [(4,), (3,)], adam),
    "nested": (nested, [(3,)], adam),
    "shared_layer": (shared_layer, [(4,), (4,)], adam),
    "lstm": (lstm, [7], adam),
    "gru": (gru, [(5, 3)], adam),
    "gru_by_default": (gru_by_default, [(5, 3)], adam),
    "recurrent": (recurrent, [(5, 3)], adam),
    "convlstm": (convlstm, [(3, 4, 4, 1)], adam),
    "stateful": (stateful, [(5, 3)], adam),
    "attention": (attention, [(4, 6)], adam),
    "convolutions": (convolutions, [(8, 8, 4)], adam),
    "preprocessing": (preprocessing, [(3,)], adam),
    "application": (application, [(8, 8, 3)], lambda keras: keras.optimizers.SGD(0.01, momentum=0.5)),
    "custom": (custom, [(3,)], adam),
    "subclassed": (subclassed, [(3,)], adam),
}
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "sgd": lambda keras: keras.optimizers.SGD(0.05),
    "momentum": lambda keras: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda keras: keras.optimizers.RMSprop(0.01),
    "centered": lambda keras: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda keras: keras.optimizers.Adagrad(0.05),
    "adadelta": lambda keras: keras.optimizers.Adadelta(0.5),
    "adamax": lambda keras: keras.optimizers.Adamax(0.01),
    "nadam": lambda keras: keras.optimizers.Nadam(0.01),
    "amsgrad": lambda keras: keras.optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "ftrl": lambda keras: keras.optimizers.Ftrl(0.05),
    "adamw": lambda keras: keras.optimizers.AdamW(0.01, weight_decay=0.01),
    "lion": lambda keras: keras.optimizers.Lion(0.01),
    "schedule": lambda keras: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.05, 1, 0.5)),
}
MODELS.update({f"optimizer_{name}": (small, [(3,)], optimizer) for name, optimizer in OPTIMIZERS.items()})
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
    architecture, _, optimizer = MODELS[name]
    model = architecture(keras)
    for i, weight in enumerate(model.trainable_weights):
        assign(keras, weight, normal(f"{name}/weight{i}", tuple(map(int, weight.shape)), scale=0.5))
    model.compile(optimizer(keras), loss="mse")
    train(model, name)
    return model


def assign(keras: Any, weight: Any, value: np.ndarray) -> None:
    """Give a weight its values; before TensorFlow 2 the backend does so."""
    if hasattr(keras, "set_value"):
        keras.set_value(weight, value)
    else:
        weight.assign(value)


def train(model: Any, name: str) -> None:
    """One step on fixed data; Dropout is the only thing in the models that is random."""
    x = inputs(name)
    outputs = predict(model, name)
    y = [np.ones_like(output) for output in outputs]
    model.fit(x, y if len(y) > 1 else y[0], batch_size=SAMPLES, epochs=1, shuffle=False, verbose=0)


def predict(model: Any, name: str) -> list[np.ndarray]:
    """All outputs, as a list; states start anew."""
    if name == "stateful":
        reset_states(model)
    outputs = model.predict(inputs(name), batch_size=SAMPLES, verbose=0)
    if name == "stateful":
        reset_states(model)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def reset_states(model: Any) -> None:
    """Set recurrent states to zero; in Keras 3 each layer does so itself."""
    if hasattr(model, "reset_states"):
        model.reset_states()
    else:
        model.layers[0].reset_state()
