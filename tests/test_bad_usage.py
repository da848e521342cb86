"""Misspelt names, unknown arguments and calls in the wrong order get an error that says what to do."""

from __future__ import annotations

import re

import numpy as np
import pytest

import kerastorch as keras
from kerastorch.layers import (
    Activation,
    Add,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
)
from refusals import (
    Subclassed,
    X,
    Y,
    classifier,
    refused_by_fit,
)

# --- names ---------------------------------------------------------------------------------------------


MISSPELT = {
    "loss": (lambda: classifier("sparse_categorical_crossentopy"), "'sparse_categorical_crossentropy'"),
    "loss in a dict": (lambda: classifier({"dense_1": "meen_squared_error"}), "'mean_squared_error'"),
    "metric": (lambda: classifier(metrics=["acuracy"]), "'accuracy'"),
    "weighted metric": (lambda: classifier(weighted_metrics=["mean_absolute_eror"]), "'mean_absolute_error'"),
    "optimizer": (lambda: keras.Sequential([Dense(1)]).compile("adma", "mse"), "'adam'"),
    "activation": (lambda: Dense(3, activation="rellu"), "'relu'"),
    "activation layer": (lambda: Activation("sofmax"), "'softmax'"),
    "initializer": (lambda: Dense(3, kernel_initializer="glorot_unifrom"), "'glorot_uniform'"),
    "regularizer": (lambda: Dense(3, kernel_regularizer="l1_l3"), "'L1L2'|'l1_l2'"),
    "constraint": (lambda: Dense(3, kernel_constraint="max_nrom"), "'max_norm'"),
}


@pytest.mark.parametrize("kind", MISSPELT)
def test_misspelt_names(kind: str) -> None:
    make, nearest = MISSPELT[kind]
    with pytest.raises(ValueError, match=rf"expected the name of a known .*received .*Did you mean ({nearest})\?"):
        make()


UNKNOWN_ARGUMENTS = {
    "Dense": (lambda: Dense(3, activaton="relu"), "Dense 'dense'", "activaton='relu'", "activation"),
    "Conv2D": (lambda: Conv2D(3, 3, pading="same"), "Conv2D 'conv2d'", "pading='same'", "padding"),
    "Dropout": (lambda: Dropout(0.5, sed=3), "Dropout 'dropout'", "sed=3", "seed"),
    "Sequential": (lambda: keras.Sequential([], nme="x"), "Sequential 'sequential'", "nme='x'", "name"),
    "Model": (lambda: keras.Model(inputs=keras.Input((3,)), outputz=3), "Functional 'model'", "outputz=3", "outputs"),
    "compile": (lambda: classifier(metric=["mae"]), "Sequential 'sequential'", "metric=['mae']", "metrics"),
    "optimizer": (
        lambda: keras.optimizers.Adam(learningrate=1.0),
        "Adam 'Adam'",
        "'learningrate'",
        "learning_rate",
    ),
}


@pytest.mark.parametrize("kind", UNKNOWN_ARGUMENTS)
def test_unknown_arguments(kind: str) -> None:
    make, owner, given, nearest = UNKNOWN_ARGUMENTS[kind]
    with pytest.raises(TypeError, match=re.escape(owner)) as caught:
        make()
    assert f"received {given}" in str(caught.value)
    assert f"Did you mean '{nearest}'?" in str(caught.value)


def test_arguments_that_make_no_sense() -> None:
    cases = [
        (
            lambda: Dense(-1),
            ValueError,
            "Dense 'dense': expected units as a positive integer; received units=-1",
        ),
        (lambda: Dense(2.5), ValueError, "received units=2.5"),
        (lambda: Conv2D(2, 3, padding="smae"), ValueError, "padding to be one of .*received padding='smae'"),
        (lambda: Conv2D(2, (3, 3, 3)), ValueError, r"kernel_size .*received kernel_size=\(3, 3, 3\)"),
        (lambda: Dropout(2), ValueError, "expected a rate from 0 up to, but not including, 1; received rate=2"),
        (lambda: Embedding(0, 3), ValueError, "input_dim as a positive integer; received input_dim=0"),
        (
            lambda: keras.Sequential([Dense]),
            TypeError,
            "expected a layer or a torch module; .*Pass an instance",
        ),
        (
            lambda: keras.Input((3.5,)),
            ValueError,
            r"expected a shape of integers or None; received \(None, 3.5\)",
        ),
        (lambda: Dense("relu", 3, name=5), TypeError, "expected a non-empty string as name; received 5"),
    ]
    for make, kind, text in cases:
        with pytest.raises(kind, match=text):
            make()


# --- the order of things -------------------------------------------------------------------------------


def test_training_before_compile() -> None:
    model = keras.Sequential([Dense(3, input_shape=(8,))])
    calls = {
        "fit": lambda: model.fit(X, Y),
        "evaluate": lambda: model.evaluate(X, Y),
        "train_on_batch": lambda: model.train_on_batch(X, Y),
        "test_on_batch": lambda: model.test_on_batch(X, Y),
    }
    for method, call in calls.items():
        text = rf"Sequential 'sequential': expected a compiled model for {method}\(\).*Call model\.compile"
        with pytest.raises(RuntimeError, match=text):
            call()
    assert model.predict(X, verbose=0).shape == (10, 3)


def test_compiling_without_an_optimizer() -> None:
    with pytest.raises(ValueError, match="Sequential 'sequential': expected an optimizer; received None"):
        keras.Sequential([Dense(1)]).compile(None, "mse")


def test_empty_models() -> None:
    model = keras.Sequential()
    model.compile("sgd", "mse")
    for call in (
        lambda: model.predict(X),
        lambda: model.fit(X, Y, verbose=0),
        lambda: model(X),
        lambda: model.pop(),
    ):
        with pytest.raises((ValueError, TypeError), match="expected at least one layer.*received an empty model"):
            call()


def test_before_build() -> None:
    model = keras.Sequential([Dense(3)])
    with pytest.raises(ValueError, match="Sequential 'sequential': expected a model that is built.*input_shape"):
        model.summary()
    with pytest.raises(AttributeError, match="expected a model with symbolic outputs; received one that is not built"):
        _ = model.output
    with pytest.raises(AttributeError, match="Dense 'dense': expected a layer that is part of a model to have .output"):
        _ = model.layers[0].output
    with pytest.raises(ValueError, match="'sequential': expected 0 weight arrays .*; received 1. Call the layer once"):
        model.set_weights([X])
    with pytest.raises(ValueError, match="expected a functional or Sequential model that is built"):
        _ = model.code
    assert model.predict(X, verbose=0).shape == (10, 3)
    model.summary(print_fn=lambda line: None)


def test_counting_weights_that_do_not_exist() -> None:
    for layer in (Dense(3), keras.Sequential([Dense(3)]), Subclassed()):
        with pytest.raises(ValueError, match="expected a layer that is built; received one without weights. Call it"):
            layer.count_params()
        layer(X)
        assert layer.count_params() == 27
    assert keras.Sequential([Flatten(input_shape=(2, 2))]).count_params() == 0


def test_weights_of_another_shape_change_nothing() -> None:
    model = classifier()
    before = model.get_weights()
    wrong = [np.zeros_like(weight) for weight in before[:-1]] + [np.zeros(7)]
    with pytest.raises(ValueError, match=r"expected shape \(3,\) for weight 3 \(dense_1/bias:0\); received \(7,\)"):
        model.set_weights(wrong)
    with pytest.raises(ValueError, match=r"expected 4 weight arrays \(\(8, 4\), \(4,\), .*received 2"):
        model.set_weights(wrong[:2])
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_graphs_that_are_not_connected() -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    text = r"Model 'm': expected outputs that can be computed from the inputs; .* also needs 'b'.*Add it to `inputs`"
    with pytest.raises(ValueError, match=text):
        keras.Model(a, Dense(1)(b), name="m")
    with pytest.raises(ValueError, match=text):
        keras.Model(a, Add()([a, b]), name="m")
    with pytest.raises(ValueError, match="expected symbolic tensors as inputs; received ndarray. Start from Input"):
        keras.Model(X, X)
    with pytest.raises(ValueError, match="expected different inputs; received one of them twice"):
        keras.Model([a, a], Dense(1)(a))
    with pytest.raises(ValueError, match="expected inputs and outputs; received only one of them"):
        keras.Model(inputs=a)


def test_layers_of_the_same_name() -> None:
    with pytest.raises(
        ValueError, match="Sequential 'sequential': expected layers with different names; .* called 'a'"
    ):
        keras.Sequential([Dense(1, name="a", input_shape=(2,)), Dense(1, name="a")])
    x = keras.Input((3,))
    with pytest.raises(ValueError, match=r"two layers called 'a' \(Dense and Activation\). Pass name='...' to one"):
        keras.Model(x, Activation("relu", name="a")(Dense(1, name="a")(x)))


def test_misspelt_layer_names() -> None:
    with pytest.raises(ValueError, match="expected the name of a layer; received 'dence_1'. Did you mean 'dense_1'"):
        classifier().get_layer("dence_1")
    with pytest.raises(ValueError, match="expected an index below 2; received index=2"):
        classifier().get_layer(index=2)


def test_nothing_to_train() -> None:
    model = classifier()
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")  # freezing counts from here on
    refused_by_fit(model, X, Y, ValueError, "expected at least one trainable weight", "Set trainable = True")
    unlost = keras.Sequential([Dense(1, input_shape=(8,))])
    unlost.compile("sgd")
    refused_by_fit(unlost, X, Y, ValueError, "expected a loss for at least one output", "Pass loss='...' to compile()")
