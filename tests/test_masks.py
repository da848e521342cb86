"""Masks travel through functional, nested and eager calls as tf.keras sends them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

import kerastorch as keras
from functional_tools import same
from kerastorch.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Lambda,
    Layer,
    Softmax,
)

WORDS = torch.tensor([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 1, 2]])


class MaskedSum(Layer):
    """Tells in its output which mask it has received."""

    def call(self, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is None:
            return inputs.sum((1, 2)) * 0 - 1
        return mask.sum(1).float()


class Skip(Layer):
    """Masks the first step, whatever came before."""

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        first = torch.arange(inputs.shape[1], device=inputs.device).expand(inputs.shape[:2]) > 0
        return first if mask is None else mask & first


LENGTHS = torch.tensor([2.0, 1.0, 4.0])
MASKED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "embedding": (lambda e: e, LENGTHS),
    "dense": (lambda e: Dense(3)(e), LENGTHS),
    "dropout and activation": (lambda e: Activation("relu")(Dropout(0.1)(e)), LENGTHS),
    "batch normalization": (lambda e: BatchNormalization()(e), LENGTHS),
    "own mask": (lambda e: Skip()(e), LENGTHS - 1),
    "own mask after none": (lambda e: Skip()(Flatten()(e).reshape(-1, 4, 2)), torch.tensor([3.0, 3.0, 3.0])),
    "add": (lambda e: Add()([e, Skip()(e)]), LENGTHS - 1),
    "add of one masked": (lambda e: Add()([e, e * 2]), LENGTHS),
    "concatenate": (lambda e: Concatenate()([e, Skip()(e)]), LENGTHS - 1),
    "concatenate steps": (lambda e: Concatenate(axis=1)([e, e]), 2 * LENGTHS),
    "concatenate with unmasked": (lambda e: Concatenate()([e, e * 2]), LENGTHS),
    "lost in a lambda": (lambda e: Lambda(lambda t: t * 2)(e), torch.tensor([-1.0] * 3)),
    "lost in an operator": (lambda e: e + 1, torch.tensor([-1.0] * 3)),
    "nested": (lambda e: keras.Sequential([Dense(2), Dropout(0.5)])(e), LENGTHS),
    "nested with a mask of its own": (lambda e: keras.Sequential([Dense(2), Skip()])(e), LENGTHS - 1),
    "torch module": (lambda e: Lambda(lambda t: t, mask=lambda t, m: m)(e), LENGTHS),
}


@pytest.mark.parametrize("case", MASKED)
def test_masks_travel(case: str) -> None:
    between, expected = MASKED[case]
    words = Input((4,), dtype="int64")
    model = keras.Model(words, MaskedSum()(between(Embedding(5, 2, mask_zero=True)(words))))
    same(model(WORDS), expected)
    outer = keras.Sequential([model])
    same(outer(WORDS), expected)
    again = keras.Model(words, model(words) * 1)
    same(again(WORDS), expected)


def test_masks_travel_through_eager_calls() -> None:
    embedded = Embedding(5, 2, mask_zero=True)(WORDS)
    same(embedded._keras_mask, WORDS != 0)
    same(MaskedSum()(Dense(3)(embedded)), LENGTHS)
    same(MaskedSum()(embedded, mask=WORDS == 1), torch.tensor([1.0, 0.0, 3.0]))
    same(MaskedSum()(embedded + 0), torch.tensor([-1.0] * 3))


def test_masks_leave_and_enter_models() -> None:
    words = Input((4,), dtype="int64")
    encoder = keras.Model(words, Dense(2)(Embedding(5, 2, mask_zero=True)(words)))
    encoded = encoder(WORDS)
    same(encoded._keras_mask, WORDS != 0)
    x = Input((4, 2))
    decoder = keras.Model(x, MaskedSum()(Activation("tanh")(x)))
    same(decoder(encoded), LENGTHS)
    same(decoder(encoded + 0), torch.tensor([-1.0] * 3))
    same(decoder(torch.zeros(3, 4, 2), mask=WORDS != 0), LENGTHS)
    whole = keras.Model(words, decoder(encoder(words)))
    same(whole(WORDS), LENGTHS)


def test_an_explicit_mask_wins() -> None:
    words, mask = Input((4,), dtype="int64"), Input((4,), dtype="bool")
    embedded = Embedding(5, 2, mask_zero=True)(words)
    model = keras.Model(
        [words, mask], [MaskedSum()(embedded, mask=mask), MaskedSum()(Dropout(0.1)(embedded, mask=mask))]
    )
    for found in model([WORDS, WORDS == 1]):
        same(found, torch.tensor([1.0, 0.0, 3.0]))


class Encoder(Layer):
    """Has layers inside, and nothing that speaks of masks."""

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        self.inner = list(layers)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        for layer in self.inner:
            inputs = layer(inputs)
        return inputs


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([MaskedSum], LENGTHS),
        ([lambda: Dense(3), MaskedSum], LENGTHS),
        ([lambda: Dense(3)], LENGTHS),
        ([lambda: Dense(3), Skip], LENGTHS - 1),
        ([lambda: Lambda(lambda t: t * 2)], torch.tensor([-1.0] * 3)),
        ([lambda: keras.Sequential([Dense(3), Dropout(0.5)])], LENGTHS),
    ],
)
def test_masks_travel_through_layers_with_layers_inside(layers: list[Any], expected: torch.Tensor) -> None:
    words = Input((4,), dtype="int64")
    embedded = Embedding(5, 2, mask_zero=True)(words)
    outputs = Encoder(*(make() for make in layers))(embedded)
    if len(outputs.shape) == 3:
        outputs = MaskedSum()(outputs)
    model = keras.Model(words, outputs)
    same(model(WORDS), expected)
    inside = Encoder(Embedding(5, 2, mask_zero=True), *(make() for make in layers))(words)
    if len(inside.shape) == 3:
        inside = MaskedSum()(inside)
    same(keras.Model(words, inside)(WORDS), expected)


def test_masks_leave_nested_models_for_plain_layers() -> None:
    words = Input((4,), dtype="int64")
    encoder = keras.Sequential([Embedding(5, 2, mask_zero=True), Dense(3)])
    same(keras.Model(words, MaskedSum()(encoder(words)))(WORDS), LENGTHS)
    same(keras.Model(words, MaskedSum()(Activation("relu")(encoder(words))))(WORDS), LENGTHS)
    dropped = keras.Sequential([Embedding(5, 2, mask_zero=True), Lambda(lambda t: t + 1)])
    same(keras.Model(words, MaskedSum()(dropped(words)))(WORDS), torch.tensor([-1.0] * 3))


def test_masks_are_used_by_layers_and_losses() -> None:
    words = Input((4,), dtype="int64")
    embedding = Embedding(5, 2, mask_zero=True)
    model = keras.Model(words, GlobalAveragePooling1D()(embedding(words)))
    table = embedding.embeddings
    same(model(WORDS)[0], table[[1, 2]].mean(0))
    softmax = keras.Model(words, Softmax()(embedding(words)[..., 0], mask=Lambda(lambda w: w != 0)(words)))
    same(softmax(WORDS)[1], torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tagger = keras.Model(words, Dense(1)(embedding(words)))
    tagger.compile("sgd", "mse", metrics=["mae"])
    y = torch.ones(3, 4, 1)
    predicted = tagger(WORDS).detach()
    valid = (WORDS != 0)[..., None]
    results = tagger.evaluate(WORDS, y, verbose=0, return_dict=True)
    assert results["loss"] == pytest.approx(float((predicted - y)[valid].square().mean()), rel=1e-5)
    assert results["mae"] == pytest.approx(float((predicted - y)[valid].abs().mean()), rel=1e-5)
