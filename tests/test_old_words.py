"""Keras 1's words are taken as today's, with one warning that names them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import kerastorch as keras
from kerastorch import layers
from kerastorch.engine.old_words import TODAY

OLD_AND_NEW: list[tuple[str, tuple[Any, ...], dict[str, Any], dict[str, Any], str]] = [
    (
        "Convolution2D",
        (32, 3, 5),
        {"border_mode": "same", "subsample": (2, 2), "dim_ordering": "th"},
        {"filters": 32, "kernel_size": (3, 5), "padding": "same", "strides": (2, 2), "data_format": "channels_first"},
        "Conv2D: Keras 1's words were taken as today's: the window 3, 5 is kernel_size=(3, 5), border_mode= is "
        "padding=, subsample= is strides=, dim_ordering= is data_format=. Use today's.",
    ),
    (
        "Convolution2D",
        (),
        {"nb_filter": 8, "nb_row": 3, "nb_col": 2, "init": "he_normal", "bias": False},
        {"filters": 8, "kernel_size": (3, 2), "kernel_initializer": "he_normal", "use_bias": False},
        "nb_row=, nb_col= is kernel_size=(3, 2), nb_filter= is filters=, init= is kernel_initializer=, bias= is",
    ),
    (
        "Convolution1D",
        (),
        {"nb_filter": 8, "filter_length": 3, "subsample_length": 2},
        {"filters": 8, "kernel_size": 3, "strides": 2},
        "filter_length= is kernel_size=, subsample_length= is",
    ),
    (
        "Convolution3D",
        (),
        {"nb_filter": 4, "kernel_dim1": 2, "kernel_dim2": 3, "kernel_dim3": 1},
        {"filters": 4, "kernel_size": (2, 3, 1)},
        "kernel_dim1=, kernel_dim2=, kernel_dim3= is kernel_size=(2, 3, 1)",
    ),
    (
        "Dense",
        (),
        {"output_dim": 10, "input_dim": 4, "W_regularizer": "l2", "b_constraint": "non_neg"},
        {"units": 10, "input_dim": 4, "kernel_regularizer": "l2", "bias_constraint": "non_neg"},
        "output_dim= is units=",
    ),
    (
        "Embedding",
        (100,),
        {"output_dim": 4, "init": "normal", "W_constraint": "unit_norm"},
        {"input_dim": 100, "output_dim": 4, "embeddings_initializer": "normal", "embeddings_constraint": "unit_norm"},
        "Embedding: Keras 1's words were taken as today's: init= is embeddings_initializer=",
    ),
    ("Dropout", (), {"p": 0.25}, {"rate": 0.25}, "p= is rate="),
    (
        "MaxPooling1D",
        (),
        {"pool_length": 3, "stride": 2, "border_mode": "same"},
        {"pool_size": 3, "strides": 2, "padding": "same"},
        "pool_length= is pool_size=, stride= is strides=",
    ),
    ("MaxPooling2D", ((2, 2),), {"dim_ordering": "tf"}, {"pool_size": (2, 2), "data_format": "channels_last"}, "dim_"),
    (
        "BatchNormalization",
        (),
        {"beta_init": "one", "gamma_init": "zero"},
        {"beta_initializer": "ones", "gamma_initializer": "zeros"},
        "beta_init= is beta_initializer=",
    ),
    (
        "LSTM",
        (),
        {
            "output_dim": 5,
            "inner_init": "glorot_uniform",
            "inner_activation": "hard_sigmoid",
            "dropout_W": 0.1,
            "dropout_U": 0.2,
            "forget_bias_init": "one",
            "U_regularizer": "l2",
        },
        {
            "units": 5,
            "recurrent_initializer": "glorot_uniform",
            "recurrent_activation": "hard_sigmoid",
            "dropout": 0.1,
            "recurrent_dropout": 0.2,
            "unit_forget_bias": True,
            "recurrent_regularizer": "l2",
        },
        "inner_init= is recurrent_initializer=",
    ),
    ("GaussianNoise", (), {"sigma": 0.1}, {"stddev": 0.1}, "sigma= is stddev="),
    ("UpSampling1D", (), {"length": 3}, {"size": 3}, "length= is size="),
]


@pytest.mark.parametrize(("name", "args", "old", "new", "text"), OLD_AND_NEW, ids=[row[0] for row in OLD_AND_NEW])
def test_old_words(name: str, args: Any, old: dict[str, Any], new: dict[str, Any], text: str) -> None:
    kind = getattr(layers, name)
    with pytest.warns(UserWarning) as caught:
        layer = kind(*args, **old, name="layer")
    assert len(caught) == 1
    assert text in str(caught[0].message)
    assert caught[0].filename == __file__
    assert layer.get_config() == kind(**new, name="layer").get_config()


def test_model_of_keras_1() -> None:
    x = keras.Input((3,))
    y = layers.Dense(2)(x)
    with pytest.warns(UserWarning, match="Model: Keras 1's words were taken as today's: input= is inputs=, output= is"):
        model = keras.Model(input=x, output=y)
    assert model.output_shape == (None, 2)


def test_todays_words_are_left_alone() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert layers.Conv2D(32, 3, 3).strides == (3, 3)  # as in tf.keras
        assert layers.Embedding(10, output_dim=4).output_dim == 4


def test_a_class_that_takes_an_old_word_keeps_it() -> None:
    class Scaled(layers.Layer):
        def __init__(self, p: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.p = p

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Scaled(p=3.0).p == 3.0


def test_a_subclass_that_passes_its_arguments_on_takes_old_words() -> None:
    class Classifier(layers.Dense):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, activation="softmax", **kwargs)

    with pytest.warns(UserWarning, match="output_dim= is units="):
        assert Classifier(output_dim=3).units == 3


@pytest.mark.parametrize("word", sorted(TODAY))
def test_an_old_word_that_a_class_has_no_word_for_is_unknown(word: str) -> None:
    with pytest.raises(TypeError, match=f"expected arguments that the layer knows; received {word}="):
        layers.Layer(**{word: 1})
