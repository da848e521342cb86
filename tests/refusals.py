"""Models that are easily refused, and what a refusal must look like; shared by the tests of bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.layers import (
    Conv2D,
    Dense,
    Flatten,
)

X = np.random.RandomState(0).rand(10, 8).astype("float32")
Y = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
ONE_HOT = np.eye(3, dtype="float32")[Y]
IMAGES = np.random.RandomState(0).rand(10, 6, 5, 3).astype("float32")


def classifier(loss: Any = "sparse_categorical_crossentropy", **options: Any) -> Any:
    model = keras.Sequential([Dense(4, activation="relu", input_shape=(8,)), Dense(3, activation="softmax")])
    model.compile("sgd", loss, **options)
    return model


def image_classifier() -> Any:
    model = keras.Sequential([Conv2D(2, 3, input_shape=(6, 5, 3)), Flatten(), Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


class Subclassed(keras.Model):
    """A model whose outputs are known only when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = Dense(3, activation="softmax")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.dense(inputs)


def subclassed(loss: str = "sparse_categorical_crossentropy") -> Any:
    model = Subclassed()
    model.compile("sgd", loss)
    return model


def deferred(loss: str = "sparse_categorical_crossentropy") -> Any:
    model = keras.Sequential([Dense(4, activation="relu"), Dense(3, activation="softmax")])
    model.compile("sgd", loss)
    return model


def refused(model: Any, call: Callable[[], Any], kind: type[Exception], *texts: str) -> str:
    """`call` raises `kind` with all `texts`, in one sentence each, and leaves the model as it was."""
    before = model.get_weights() if model.built else None
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    for text in texts:
        assert text in message
    assert "expected" in message and "received" in message
    assert model.training is False
    assert int(model.optimizer.iterations) == 0
    if before is not None:
        for weight, value in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, value)
    return message


def refused_by_fit(model: Any, x: Any, y: Any, kind: type[Exception], *texts: str, **options: Any) -> str:
    message = refused(model, lambda: model.fit(x, y, verbose=0, **options), kind, *texts)
    assert model.history is None or model.history.history == {}
    return message
