"""Every layer case against tf_keras: values, gradients, shapes, configs, weights."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from cases import CASES, Case
from support import Golden, assert_close, config_differences, numpy_of, plain

FORWARD, GRADIENT = 1e-5, 1e-4


@lru_cache
def golden(family: str) -> Golden:
    return Golden(f"layers_{family}")


def facts_of(case: Case) -> dict[str, Any]:
    return golden(case.family).facts[case.id]


def expected(case: Case, part: str) -> np.ndarray:
    return golden(case.family)[f"{case.id}/{part}"]


def has(case: Case, part: str) -> bool:
    return f"{case.id}/{part}" in golden(case.family)


def over(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case.id for case in cases])


def tolerance(case: Case, of_float32: float) -> float:
    return 1e-11 if facts_of(case)["dtype"] == "float64" else of_float32


def tensors(case: Case, gradients: bool = False) -> list[torch.Tensor]:
    found = [torch.from_numpy(array) for array in case.inputs()]
    for tensor in found:
        tensor.requires_grad_(gradients and tensor.is_floating_point() and not case.whole)
    return found


def call(layer: Any, case: Case, inputs: list[Any], training: bool | None = None) -> Any:
    argument = inputs if case.listed else inputs[0]
    training = case.training if training is None else training
    return layer(argument, training=True) if training else layer(argument)


def prepared(case: Case, layer: Any = None) -> Any:
    """A layer of the case that is built and holds the fixed weights."""
    layer = case.make(keras) if layer is None else layer
    call(layer, case, tensors(case), training=False)
    layer.set_weights(case.weights([tuple(w.shape) for w in layer.weights]))
    return layer


def test_golden_files_cover_the_table() -> None:
    missing = [case.id for case in CASES if case.id not in golden(case.family).facts]
    assert missing == [], "run tests/golden/make_golden.py layers"
    assert len({case.id for case in CASES}) == len(CASES) >= 150


@over(CASES)
def test_weights(case: Case) -> None:
    layer = prepared(case)
    facts = facts_of(case)
    assert [list(w.shape) for w in layer.weights] == facts["weight_shapes"]
    assert [w.name.split("/")[-1] for w in layer.weights] == facts["weight_names"]
    assert len(layer.trainable_weights) == facts["trainable"]
    assert len(layer.non_trainable_weights) == len(layer.weights) - facts["trainable"]
    assert layer.count_params() == sum(int(np.prod(shape)) for shape in facts["weight_shapes"])


@over(CASES)
def test_forward(case: Case) -> None:
    layer = prepared(case)
    output = call(layer, case, tensors(case))
    assert str(output.dtype) == f"torch.{facts_of(case)['dtype']}"
    assert_close(output, expected(case, "output"), tolerance(case, FORWARD), "output")


@over([case for case in CASES if case.training])
def test_state_after_a_step(case: Case) -> None:
    layer = prepared(case)
    call(layer, case, tensors(case))
    count = len(layer.non_trainable_weights)
    assert not has(case, f"state{count}")
    for i, weight in enumerate(layer.non_trainable_weights):
        assert_close(weight, expected(case, f"state{i}"), tolerance(case, FORWARD), weight.name)


@over([case for case in CASES if has(case, "input_gradient0") or has(case, "weight_gradient0")])
def test_gradients(case: Case) -> None:
    layer = prepared(case)
    inputs = tensors(case, gradients=True)
    output = call(layer, case, inputs)
    cotangent = torch.from_numpy(case.cotangent(tuple(output.shape), facts_of(case)["dtype"]))
    (output * cotangent).sum().backward()
    watched = [x for x in inputs if x.requires_grad]
    assert not has(case, f"input_gradient{len(watched)}")
    assert not has(case, f"weight_gradient{len(layer.trainable_weights)}")
    for part, sources in (("input_gradient", watched), ("weight_gradient", layer.trainable_weights)):
        for i, source in enumerate(sources):
            gradient = torch.zeros_like(source) if source.grad is None else source.grad
            assert_close(gradient, expected(case, f"{part}{i}"), tolerance(case, GRADIENT), f"{part}{i}")


@over([case for case in CASES if expected(case, "losses") != 0.0])
def test_regularization_losses(case: Case) -> None:
    layer = prepared(case)
    call(layer, case, tensors(case))
    assert_close(sum(loss.item() for loss in layer.losses), expected(case, "losses"), FORWARD, "losses")


@over(CASES)
def test_symbolic_shape(case: Case) -> None:
    inputs = [
        keras.Input(shape=shape[1:], dtype=dtype)
        for shape, dtype in zip(case.unknown_shapes(), case.dtypes, strict=True)
    ]
    output = case.make(keras)(inputs if case.listed else inputs[0])
    eager = expected(case, "output").shape
    found = tuple(output.shape)
    assert len(found) == len(eager)
    assert all(size in (None, eager[i]) for i, size in enumerate(found)), f"{found}, eager {eager}"
    assert list(found) == facts_of(case)["symbolic_shape"]


@over(CASES)
def test_compute_output_shape(case: Case) -> None:
    shapes = list(case.shapes)
    computed = case.make(keras).compute_output_shape(shapes if case.listed else shapes[0])
    assert list(computed) == facts_of(case)["computed_shape"]


@over([case for case in CASES if "config" in facts_of(case)])
def test_config_is_that_of_keras(case: Case) -> None:
    found, wanted = plain(case.make(keras).get_config()), dict(facts_of(case)["config"])
    if "name" not in case.config:
        found.pop("name"), wanted.pop("name")
    assert config_differences(found, wanted) == []


@over([case for case in CASES if "config" in facts_of(case)])
def test_config_of_keras_makes_the_layer(case: Case) -> None:
    layer = getattr(keras.layers, case.layer).from_config(facts_of(case)["config"])
    output = call(prepared(case, layer), case, tensors(case))
    assert_close(output, expected(case, "output"), tolerance(case, FORWARD), "output")


@over([case for case in CASES if case.check_config])
def test_config_round_trip(case: Case) -> None:
    layer = prepared(case)
    config = layer.get_config()
    copy = type(layer).from_config(config)
    assert copy is not layer
    assert config_differences(plain(copy.get_config()), plain(config)) == []
    output = call(prepared(case, copy), case, tensors(case))
    assert_close(output, expected(case, "output"), tolerance(case, FORWARD), "output of the copy")


@over(CASES)
def test_numpy_input(case: Case) -> None:
    layer = prepared(case)
    output = call(layer, case, case.inputs())
    assert isinstance(output, torch.Tensor)
    assert_close(output, expected(case, "output"), tolerance(case, FORWARD), "output")


@over([case for case in CASES if facts_of(case)["weight_shapes"]])
def test_state_dict(case: Case) -> None:
    layer = prepared(case)
    state = layer.state_dict()
    names = sorted(key.split(".")[-1] for key in state)
    assert names == sorted(name.removesuffix(":0") for name in facts_of(case)["weight_names"])
    keras.backend.clear_session()  # the keys hold the names, which count per process
    other = case.make(keras)
    call(other, case, tensors(case), training=False)
    other.load_state_dict(state)
    for weight, copy in zip(layer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(copy, weight)


@over([case for case in CASES if facts_of(case)["weight_shapes"] and not case.training])
def test_weights_are_used_as_they_stand(case: Case) -> None:
    """Assigning a weight changes the next output: nothing is cached from the first call."""
    layer = prepared(case)
    before = numpy_of(call(layer, case, tensors(case))).copy()
    layer.set_weights([weight * 0.5 + 0.25 for weight in layer.get_weights()])
    after = numpy_of(call(layer, case, tensors(case)))
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 1e-4
