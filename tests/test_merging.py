"""Merging layers beyond the table of cases: masks in models, kinds of input, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import same
from kerastorch.layers import (
    Add,
    Average,
    Concatenate,
    Dense,
    Dot,
    Embedding,
    GlobalAveragePooling1D,
    Input,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)

A, B = torch.tensor([[1.0, -2.0, 3.0]]), torch.tensor([[4.0, 5.0, -6.0]])
RESULTS: dict[str, tuple[Any, Any, list[float]]] = {
    "add": (Add, add, [5.0, 3.0, -3.0]),
    "subtract": (Subtract, subtract, [-3.0, -7.0, 9.0]),
    "multiply": (Multiply, multiply, [4.0, -10.0, -18.0]),
    "average": (Average, average, [2.5, 1.5, -1.5]),
    "maximum": (Maximum, maximum, [4.0, 5.0, 3.0]),
    "minimum": (Minimum, minimum, [1.0, -2.0, -6.0]),
    "concatenate": (Concatenate, concatenate, [1.0, -2.0, 3.0, 4.0, 5.0, -6.0]),
    "dot": (lambda: Dot(1), lambda x: dot(x, 1), [-24.0]),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_classes_and_functions(kind: str) -> None:
    make, function, expected = RESULTS[kind]
    for inputs in ([A, B], (A, B), [A.numpy(), B.numpy()], [A, B.double()]):
        assert make()(inputs).tolist() == [expected]
        assert function(inputs).tolist() == [expected]
    first, second = Input((3,)), Input((3,))
    outputs = function([first, second])
    assert outputs.shape == (None, len(expected))
    model = keras.Model([first, second], outputs)
    assert model([A, B]).tolist() == [expected]
    assert keras.models.clone_model(model)([A, B]).tolist() == [expected]
    assert keras.models.model_from_json(model.to_json())([A, B]).tolist() == [expected]


def test_functions_take_the_arguments_of_layers() -> None:
    assert add([Input((2,)), Input((2,))], name="sum").name == "sum"
    assert dot([Input((2, 3)), Input((2, 3))], axes=(2, 2), normalize=True, name="cosine").shape == (None, 2, 2)
    assert concatenate([Input((2, 3)), Input((4, 3))], axis=1).shape == (None, 6, 3)


def test_normalized_products_are_cosines() -> None:
    cosine = torch.nn.functional.cosine_similarity(A, B)
    same(Dot(axes=-1, normalize=True)([A, B])[:, 0], cosine)
    zeros = torch.zeros(1, 3, requires_grad=True)
    result = Dot(axes=1, normalize=True)([zeros, B])
    result.sum().backward()
    assert result.tolist() == [[0.0]] and torch.isfinite(zeros.grad).all()


def test_integers_stay_integers() -> None:
    numbers = torch.tensor([[1, 2]])
    assert Add()([numbers, numbers]).tolist() == [[2, 4]]
    assert Add()([numbers, numbers]).dtype == torch.int64
    assert Concatenate()([numbers, numbers]).dtype == torch.int64
    assert Multiply()([Input((2,), dtype="int32"), Input((2,), dtype="int32")]).dtype == torch.int32
    assert Add()([Input((2,), dtype="int32"), Input((2,))]).dtype == torch.float32


def test_shapes_with_unknown_sizes() -> None:
    assert Add()([Input((None, 4)), Input((3, 1))]).shape == (None, 3, 4)
    assert Maximum()([Input((None, 4)), Input((None, 4))]).shape == (None, None, 4)
    assert Concatenate(axis=1)([Input((None, 4)), Input((3, 4))]).shape == (None, None, 4)
    assert Concatenate()([Input((None, 4)), Input((3, 4))]).shape == (None, 3, 8)
    assert Dot(axes=(1, 1))([Input((None, 4)), Input((3, 5))]).shape == (None, 4, 5)
    layer = Concatenate(axis=-2)
    assert layer.compute_output_shape([(2, 3, 4), (2, 5, 4)]) == (2, 8, 4)


def test_one_layer_on_several_ranks() -> None:
    layer = Add()
    same(layer([A, A]), 2 * A)
    same(layer([A[:, None], A]), 2 * A[:, None])
    same(layer([A, A, A, A[:, None]]), 4 * A[:, None])


# --- masks ---------------------------------------------------------------------------------------------

FIRST, SECOND = torch.tensor([[1, 2, 0, 0]]), torch.tensor([[3, 0, 4, 0]])


@pytest.mark.parametrize(
    ("merge", "expected"),
    [
        (add, [True, False, False, False]),
        (subtract, [True, False, False, False]),
        (average, [True, False, False, False]),
        (concatenate, [True, False, False, False]),
        (lambda x: concatenate(x, axis=1), [True, True, False, False, True, False, True, False]),
        (lambda x: concatenate([x[0] * 1.0, x[1]], axis=1), [True, True, True, True, True, False, True, False]),
        (lambda x: multiply([x[0], x[1] * 1.0]), [True, True, False, False]),
        (lambda x: maximum([x[0] * 1.0, x[1]]), [True, False, True, False]),
        (lambda x: dot(x, axes=2), None),
        (lambda x: add([x[0] * 1.0, x[1] * 1.0]), None),
    ],
)
def test_masks_of_merged_words(merge: Callable[[Any], Any], expected: list[bool] | None) -> None:
    words, more = Input((4,), dtype="int64"), Input((4,), dtype="int64")
    embeddings = [Embedding(5, 3, mask_zero=True), Embedding(5, 3, mask_zero=True)]
    merged = merge([embeddings[0](words), embeddings[1](more)])
    model = keras.Model([words, more], merged)
    result = model([FIRST, SECOND])
    found = getattr(result, "_keras_mask", None)
    assert (None if found is None else found[0].tolist()) == expected
    eager = merge([embeddings[0](FIRST), embeddings[1](SECOND)])
    same(eager, result)
    found = getattr(eager, "_keras_mask", None)
    assert (None if found is None else found[0].tolist()) == expected
    if expected is not None:
        averaged = keras.Model([words, more], GlobalAveragePooling1D()(merged))([FIRST, SECOND])
        same(averaged[0], result[0][torch.tensor(expected)].mean(0))


def test_a_model_with_every_merge_fits() -> None:
    keras.utils.set_random_seed(0)
    x, y = Input((3,)), Input((3,))
    a, b = Dense(4, "relu")(x), Dense(4, "relu")(y)
    parts = [merge([a, b]) for merge in (add, subtract, multiply, average, maximum, minimum)]
    model = keras.Model([x, y], Dense(1)(concatenate([*parts, dot([a, b], axes=1)])))
    model.compile(keras.optimizers.Adam(0.02), "mse")
    data = np.random.RandomState(0).randn(2, 64, 3).astype("float32")
    losses = model.fit(list(data), (data[0] * data[1]).sum(1), epochs=40, verbose=0).history["loss"]
    assert losses[-1] < 0.3 * losses[0]


# --- what is refused -----------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a tensor": (
        lambda: Multiply(name="m")(A),
        "Multiply 'm': expected a list of tensors; received one of shape (1, 3). Call it as Multiply()([a, b]).",
    ),
    "shapes": (
        lambda: Maximum(name="m")([Input((3, 2)), Input((4, 2))]),
        "Maximum 'm': expected inputs whose shapes are equal or broadcast; received (None, 3, 2) and (None, 4, 2)",
    ),
    "batches": (
        lambda: Add(name="a")([torch.zeros(2, 3), torch.zeros(4, 3)]),
        "Add 'a': expected inputs whose shapes are equal or broadcast; received (2, 3) and (4, 3)",
    ),
    "a batch of one": (
        lambda: Add(name="a")([torch.zeros(2, 3), torch.zeros(1, 3)]),
        "Add 'a': expected inputs of one batch size; received (2, 3), (1, 3). Pass as many samples to each input.",
    ),
    "three to subtract": (
        lambda: Subtract(name="s")([A, A, A]),
        "Subtract 's': expected exactly 2 inputs; received 3. Merge more of them step by step",
    ),
    "one to subtract": (lambda: Subtract()([A]), "expected exactly 2 inputs; received 1"),
    "axis": (
        lambda: Concatenate(axis=3, name="c")([A, A]),
        "Concatenate 'c': expected an axis from -2 to 1 for inputs of rank 2; received axis=3. Pass one of the axes",
    ),
    "axis below": (lambda: Concatenate(axis=-3)([Input((3,)), Input((3,))]), "received axis=-3"),
    "ranks": (
        lambda: Concatenate()([Input((3,)), Input((3, 2))]),
        "expected inputs that differ only in axis -1; received (None, 3), (None, 3, 2). Crop, pad or pool them alike",
    ),
    "unequal axes": (
        lambda: Dot(axes=1, name="d")([Input((3,)), Input((4,))]),
        "Dot 'd': expected equal sizes in the axes (1, 1); received 3 and 4 in (None, 3) and (None, 4). Choose other",
    ),
    "unequal axes of tensors": (
        lambda: Dot(axes=(1, 2))([torch.zeros(2, 3, 4), torch.zeros(2, 3, 5)]),
        "expected equal sizes in the axes (1, 2); received 3 and 5 in (2, 3, 4) and (2, 3, 5)",
    ),
    "three to multiply": (lambda: Dot(axes=1)([A, A, A]), "expected exactly 2 inputs; received 3"),
    "axis of the batch": (
        lambda: Dot(axes=0)([A, A]),
        "expected axes from 1 to 1, or -1 to -1, for an input of rank 2; received axes=0. The axis of the batch",
    ),
    "no such axis": (lambda: Dot(axes=(1, 2))([A, A]), "received axes=(1, 2)"),
    "three axes": (
        lambda: Dot(axes=(1, 2, 3), name="d"),
        "Dot 'd': expected axes as an integer or a pair of integers; received axes=(1, 2, 3). Pass",
    ),
    "a name as axis": (lambda: Dot(axes="last"), "received axes='last'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    call, text = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(text)):
        call()


def test_axis_must_be_a_number() -> None:
    with pytest.raises(TypeError, match="Concatenate 'concatenate': expected axis as an integer; received axis='last'"):
        Concatenate(axis="last")
