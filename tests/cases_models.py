"""Models whose weights, layers, names, configs and summaries must be those of tf_keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cases_training


def called(model: Any, width: int) -> Any:
    """A subclassed model whose first call has made its weights."""
    model(np.zeros((1, width), "float32"))
    return model


def sequential(keras: Any) -> Any:
    return cases_training.batchnorm_cnn(keras)


def sequential_input_dim(keras: Any) -> Any:
    return keras.Sequential(
        [
            keras.layers.Dense(4, input_dim=3, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(2),
        ],
        name="small",
    )


def sequential_added(keras: Any) -> Any:
    model = keras.Sequential()
    model.add(keras.Input(shape=(6, 6, 1), name="picture"))
    model.add(keras.layers.Conv2D(2, 3))
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(3))
    return model


def sequential_built_late(keras: Any) -> Any:
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dense(2)])
    model.build((None, 3))
    return model


def sequential_popped(keras: Any) -> Any:
    model = cases_training.course_cnn(keras)
    model.pop()
    model.add(keras.layers.Dense(7, name="head"))
    return model


def branches(keras: Any) -> Any:
    """Branches of unequal length, made in another order than they are merged in."""
    layers = keras.layers
    inputs = keras.Input((8, 8, 2), name="picture")
    long = layers.Conv2D(3, 3, padding="same", name="long_1")(inputs)
    long = layers.BatchNormalization(name="long_2")(long)
    long = layers.Conv2D(3, 3, padding="same", name="long_3")(long)
    short = layers.Conv2D(3, 1, name="short")(inputs)
    middle = layers.ReLU(name="middle_2")(layers.Conv2D(3, 1, name="middle_1")(inputs))
    x = layers.Concatenate(name="merge")([short, long, middle])
    x = layers.Add(name="sum")([x, layers.Conv2D(9, 1, name="shortcut")(inputs)])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, [layers.Dense(2, name="second")(x), layers.Dense(1, name="first")(x)], name="branches")


def inner_calls(keras: Any) -> Any:
    """Layers made inside the call of others: names count in the order of making."""
    layers = keras.layers
    inputs = keras.Input((8, 8, 2))
    a = layers.Conv2D(2, 3, padding="same")(layers.Conv2D(3, 1)(inputs))
    b = layers.Conv2D(2, 1)(layers.MaxPooling2D(3, 1, padding="same")(inputs))
    return keras.Model(inputs, layers.Concatenate()([b, a, layers.Conv2D(1, 1)(inputs)]))


def two_inputs(keras: Any) -> Any:
    return cases_training.two_inputs_two_outputs(keras)


def two_inputs_reversed(keras: Any) -> Any:
    """The first input is used last."""
    layers = keras.layers
    late, early = keras.Input((3,), name="late"), keras.Input((4,), name="early")
    x = layers.Dense(5, name="a")(early)
    x = layers.Dense(5, name="b")(x)
    x = layers.Concatenate(name="c")([late, x])
    return keras.Model(inputs=[late, early], outputs=layers.Dense(2, name="d")(x))


def dict_inputs(keras: Any) -> Any:
    layers = keras.layers
    inputs = {"b": keras.Input((3,), name="b"), "a": keras.Input((2,), name="a")}
    x = layers.Concatenate()([inputs["b"], inputs["a"]])
    return keras.Model(inputs, {"score": layers.Dense(1, name="score")(x), "kind": layers.Dense(3, name="kind")(x)})


def shared(keras: Any) -> Any:
    layers = keras.layers
    left, right = keras.Input((4,)), keras.Input((4,))
    encode = layers.Dense(3, name="encode")
    x = layers.Concatenate()([encode(left), encode(right)])
    return keras.Model([left, right], layers.Dense(1)(x))


def nested_functional(keras: Any) -> Any:
    layers = keras.layers
    a = keras.Input((6, 6, 2))
    x = layers.Conv2D(3, 3, name="stem")(a)
    base = keras.Model(a, layers.BatchNormalization(name="norm")(x), name="base")
    inputs = keras.Input((6, 6, 2))
    x = layers.Conv2D(2, 1, name="before")(inputs)
    x = base(x)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(2)(x))


def nested_sequential(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Sequential([layers.Dense(4, input_shape=(3,)), layers.BatchNormalization()], name="encoder"),
            keras.Sequential([layers.Dense(2)], name="decoder"),
            layers.Dense(1),
        ]
    )


def cut_out(keras: Any) -> Any:
    """A sub-model that ends at an inner layer."""
    whole = branches(keras)
    return keras.Model(whole.input, whole.get_layer("merge").output, name="part")


def cut_sequential(keras: Any) -> Any:
    whole = cases_training.course_cnn(keras)
    return keras.Model(whole.input, whole.layers[3].output)


def operators(keras: Any) -> Any:
    """Arithmetic on symbolic tensors between layers; the names of the operators' layers are not compared."""
    layers = keras.layers
    inputs = keras.Input((4,))
    x = layers.Dense(4, name="a")(inputs)
    return keras.Model(inputs, layers.Dense(2, name="b")(x * 2.0 + inputs))


def frozen_middle(keras: Any) -> Any:
    model = branches(keras)
    for layer in model.layers[:4]:
        layer.trainable = False
    return model


def frozen_nested(keras: Any) -> Any:
    model = nested_functional(keras)
    model.get_layer("base").trainable = False
    return model


def subclassed_lists(keras: Any) -> Any:
    layers = keras.layers

    class Network(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.last = layers.Dense(2)
            self.blocks = [layers.Dense(4), layers.BatchNormalization(), layers.Dense(3)]
            self.heads = {"z": layers.Dense(1), "a": layers.Dense(1)}

        def call(self, x: Any) -> Any:
            for block in self.blocks:
                x = block(x)
            return self.last(layers.concatenate([x, self.heads["a"](x), self.heads["z"](x)]))

    return called(Network(), 5)


def subclassed_mlp(keras: Any) -> Any:
    layers = keras.layers

    class TwoLayers(keras.Model):
        def __init__(self, units: int) -> None:
            super().__init__(name="two_layers")
            self.hidden = layers.Dense(units, activation="relu", name="hidden")
            self.out = layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.out(self.hidden(x))

    return called(TwoLayers(4), 3)


def block(keras: Any) -> type:
    class Block(keras.layers.Layer):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.normalization = keras.layers.BatchNormalization()
            self.dense = keras.layers.Dense(units)

        def call(self, x: Any) -> Any:
            return self.dense(self.normalization(x))

    return Block


def subclassed_nested(keras: Any) -> Any:
    Block = block(keras)

    class Network(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = Block(4)
            self.body = [keras.layers.Dense(3), Block(2)]

        def call(self, x: Any) -> Any:
            return self.body[1](self.body[0](self.first(x)))

    return called(Network(), 5)


def subclassed_sequential(keras: Any) -> Any:
    Block = block(keras)

    class Network(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = Block(4)
            self.body = keras.Sequential([keras.layers.Dense(3), Block(2)])

        def call(self, x: Any) -> Any:
            return self.body(self.first(x))

    return called(Network(), 5)


def own_weights(keras: Any) -> Any:
    """A layer's own weights come before those of the layers that it holds, whatever the order of making."""

    class Scaled(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="scaled")
            self.dense = keras.layers.Dense(3)

        def build(self, input_shape: Any) -> None:
            self.factor = self.add_weight(name="factor", shape=(3,), initializer="ones")
            self.counter = self.add_weight(name="counter", shape=(), initializer="zeros", trainable=False)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return self.dense(x) * self.factor

    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(1)(Scaled()(inputs)))


def two_of_each(keras: Any) -> Any:
    """Automatic names of a second model in the same process go on counting."""
    sequential_input_dim(keras)
    cases_training.residual(keras)
    return cases_training.residual(keras)


STRUCTURES: dict[str, Callable[[Any], Any]] = {
    make.__name__: make
    for make in (
        sequential,
        sequential_input_dim,
        sequential_added,
        sequential_built_late,
        sequential_popped,
        branches,
        inner_calls,
        two_inputs,
        two_inputs_reversed,
        dict_inputs,
        shared,
        nested_functional,
        nested_sequential,
        cut_out,
        cut_sequential,
        operators,
        frozen_middle,
        frozen_nested,
        subclassed_lists,
        subclassed_mlp,
        subclassed_nested,
        subclassed_sequential,
        own_weights,
        two_of_each,
    )
}
STRUCTURES.update(
    {
        make.__name__: make
        for make in (
            cases_training.course_cnn,
            cases_training.residual,
            cases_training.separable_cnn,
            cases_training.text,
            cases_training.series_cnn,
            cases_training.regularized,
            cases_training.constrained,
            cases_training.frozen_base,
            cases_training.shared_layers,
        )
    }
)

# tf.keras leaves the name of the model out of the weights' names here, since its Sequential builds apart.
NAMES_FREE = {"subclassed_sequential"}

# Models with operators or classes of their own have no JSON that the other library could load.
WITHOUT_JSON = {
    "operators",
    "subclassed_lists",
    "subclassed_mlp",
    "subclassed_nested",
    "subclassed_sequential",
    "own_weights",
}


# --- the models of tests/golden/summaries ----------------------------------------------------------------
def summary_course_cnn(keras: Any, filters: int = 32) -> Any:
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.Conv2D(filters, (3, 3), activation="relu", input_shape=(28, 28, 1)),
            layers.MaxPooling2D(2, 2),
            layers.Conv2D(filters, (3, 3), activation="relu"),
            layers.MaxPooling2D(2, 2),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def summary_functional_mlp(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input(shape=(784,))
    x = layers.Dense(64, activation="relu")(inputs)
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(inputs=inputs, outputs=layers.Dense(10, activation="softmax")(x))


def summary_residual(keras: Any) -> Any:
    layers = keras.layers
    inputs = keras.Input(shape=(784,))
    x = layers.Dense(64, activation="relu")(inputs)
    y = layers.Dense(32, activation="relu")(x)
    y = layers.Dense(64)(y)
    x = layers.ReLU()(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def summary_inception_cells(keras: Any) -> Any:
    layers = keras.layers

    def cell(x: Any, reduced: int, filters: int) -> Any:
        branches = [
            layers.Conv2D(filters, 1, padding="same", activation="relu")(x),
            layers.Conv2D(filters, 3, padding="same", activation="relu")(
                layers.Conv2D(reduced, 1, padding="same", activation="relu")(x)
            ),
            layers.Conv2D(filters, 5, padding="same", activation="relu")(
                layers.Conv2D(reduced, 1, padding="same", activation="relu")(x)
            ),
            layers.Conv2D(filters, 1, padding="same", activation="relu")(
                layers.MaxPooling2D(3, strides=1, padding="same")(x)
            ),
        ]
        return layers.BatchNormalization()(layers.concatenate(branches))

    inputs = keras.Input(shape=(28, 28, 1))
    x = cell(cell(inputs, 4, 8), 8, 16)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def summary_text_embedding(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Embedding(10000, 16, input_length=256),
            layers.GlobalAveragePooling1D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


SUMMARIES: dict[str, Callable[[Any], Any]] = {
    "course_cnn": summary_course_cnn,
    "course_cnn_16": lambda keras: summary_course_cnn(keras, 16),
    "functional_mlp": summary_functional_mlp,
    "residual": summary_residual,
    "inception_cells": summary_inception_cells,
    "text_embedding": summary_text_embedding,
}
