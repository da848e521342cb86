"""Every layer case against tf_keras: values, gradients, shapes, configs, weights."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from cases import CASES as ALL_CASES
from cases import Case
from kerastorch.core import nest
from support import GOLDEN, Golden, assert_close, config_differences, numpy_of, plain

GRADIENT = 10  # times the tolerance of the forward values


@lru_cache
def golden(family: str) -> Golden:
    return Golden(f"layers_{family}")


CASES = [case for case in ALL_CASES if (GOLDEN / f"layers_{case.family}.npz").exists()]
CASES = [case for case in CASES if case.id in golden(case.family).facts]


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


def tensors(arrays: list[np.ndarray], gradients: bool = False) -> list[torch.Tensor]:
    found = [torch.from_numpy(array) for array in arrays]
    for tensor in found:
        tensor.requires_grad_(gradients and tensor.is_floating_point())
    return found


def call(
    layer: Any, case: Case, inputs: list[Any] | None = None, drawn: list[Any] | None = None, training: bool = True
) -> Any:
    """The outputs of the case as a flat list."""
    inputs = tensors(case.inputs()) if inputs is None else inputs
    arguments = case.call_arguments(tensors(case.drawn_arrays()) if drawn is None else drawn, torch.from_numpy)
    if not training:
        arguments.pop("training", None)
    case.mask_inputs(inputs, torch.from_numpy)
    return nest.flatten(layer(*case.positional(inputs), **arguments))


def prepared(case: Case, layer: Any = None) -> Any:
    """A layer of the case that is built and holds the fixed weights."""
    layer = case.make(keras) if layer is None else layer
    call(layer, case, training=False)
    layer.set_weights(case.weights([tuple(w.shape) for w in layer.weights]))
    if getattr(layer, "stateful", False):
        layer.reset_states()
    return layer


def check_outputs(case: Case, outputs: list[torch.Tensor], what: str = "output") -> None:
    assert not has(case, f"output{len(outputs)}")
    for i, output in enumerate(outputs):
        wanted = expected(case, f"output{i or ''}")
        assert_close(output, wanted, tolerance(case, case.tolerance), f"{what} {i}")


def test_golden_files_cover_the_table() -> None:
    assert [case.id for case in ALL_CASES if case not in CASES] == [], "run tests/golden/make_golden.py layers"
    assert len({case.id for case in ALL_CASES}) == len(ALL_CASES) >= 400


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
    outputs = call(prepared(case), case)
    assert str(outputs[0].dtype) == f"torch.{facts_of(case)['dtype']}"
    check_outputs(case, outputs)


@over([case for case in CASES if case.check_masks])
def test_output_masks(case: Case) -> None:
    outputs = call(prepared(case), case)
    for i, output in enumerate(outputs):
        mask = getattr(output, "_keras_mask", None)
        assert (mask is not None) is has(case, f"mask{i or ''}"), f"mask of output {i}"
        if mask is not None:
            np.testing.assert_array_equal(numpy_of(mask), expected(case, f"mask{i or ''}"))


@over([case for case in CASES if case.training])
def test_state_after_a_step(case: Case) -> None:
    layer = prepared(case)
    call(layer, case)
    count = len(layer.non_trainable_weights)
    assert not has(case, f"state{count}")
    for i, weight in enumerate(layer.non_trainable_weights):
        assert_close(weight, expected(case, f"state{i}"), tolerance(case, case.tolerance), weight.name)


@over([case for case in CASES if has(case, "input_gradient0") or has(case, "weight_gradient0")])
def test_gradients(case: Case) -> None:
    layer = prepared(case)
    inputs, drawn = tensors(case.inputs(), gradients=not case.whole), tensors(case.drawn_arrays(), gradients=True)
    outputs = [output for output in call(layer, case, inputs, drawn) if output.is_floating_point()]
    for i, output in enumerate(outputs):
        dtype = str(output.dtype).removeprefix("torch.")
        cotangent = torch.from_numpy(case.cotangent(tuple(output.shape), dtype, i))
        (output * cotangent).sum().backward(retain_graph=i + 1 < len(outputs))
    watched = [x for x in (*inputs, *drawn) if x.requires_grad]
    assert not has(case, f"input_gradient{len(watched)}")
    assert not has(case, f"weight_gradient{len(layer.trainable_weights)}")
    for part, sources in (("input_gradient", watched), ("weight_gradient", layer.trainable_weights)):
        for i, source in enumerate(sources):
            gradient = torch.zeros_like(source) if source.grad is None else source.grad
            if part == "weight_gradient" and i == case.vanishing:
                assert max(abs(gradient).max(), abs(expected(case, f"{part}{i}")).max()) < case.tolerance
                continue
            allowed = tolerance(case, GRADIENT * case.tolerance)
            assert_close(gradient, expected(case, f"{part}{i}"), allowed, f"{part}{i}")


@over([case for case in CASES if expected(case, "losses") != 0.0])
def test_regularization_losses(case: Case) -> None:
    layer = prepared(case)
    call(layer, case)
    assert_close(sum(loss.item() for loss in layer.losses), expected(case, "losses"), case.tolerance, "losses")


@over(CASES)
def test_symbolic_shape(case: Case) -> None:
    inputs = [
        keras.Input(batch_shape=shape, dtype=dtype)
        for shape, dtype in zip(case.unknown_shapes(), case.dtypes, strict=True)
    ]
    outputs = nest.flatten(case.make(keras)(*case.positional(inputs), **case.symbolic_arguments()))
    found = [tuple(output.shape) for output in outputs]
    for i, shape in enumerate(found):
        eager = expected(case, f"output{i or ''}").shape
        assert len(shape) == len(eager)
        assert all(size in (None, eager[i]) for i, size in enumerate(shape)), f"{shape}, eager {eager}"
    wanted = facts_of(case)["symbolic_shape"]
    assert [list(shape) for shape in found] == (wanted if isinstance(wanted[0], list) else [wanted])


@over([case for case in CASES if "computed_shape" in facts_of(case)])
def test_compute_output_shape(case: Case) -> None:
    computed = case.make(keras).compute_output_shape(*case.positional(case.shapes))
    wanted = facts_of(case)["computed_shape"]
    several = wanted and isinstance(wanted[0], list)
    assert ([list(shape) for shape in computed] if several else list(computed)) == wanted


@over([case for case in CASES if "config" in facts_of(case)])
def test_config_is_that_of_keras(case: Case) -> None:
    found, wanted = plain(case.make(keras).get_config()), dict(facts_of(case)["config"])
    if "name" not in case.config:
        found.pop("name"), wanted.pop("name")
    assert config_differences(found, wanted) == []


@over([case for case in CASES if "config" in facts_of(case)])
def test_config_of_keras_makes_the_layer(case: Case) -> None:
    layer = getattr(keras.layers, case.layer).from_config(facts_of(case)["config"])
    check_outputs(case, call(prepared(case, layer), case))


@over([case for case in CASES if case.check_config])
def test_config_round_trip(case: Case) -> None:
    layer = prepared(case)
    config = layer.get_config()
    copy = type(layer).from_config(config)
    assert copy is not layer
    assert config_differences(plain(copy.get_config()), plain(config)) == []
    check_outputs(case, call(prepared(case, copy), case), "output of the copy")


@over([case for case in CASES if not (case.spread and case.masks)])  # an array cannot carry a mask
def test_numpy_input(case: Case) -> None:
    outputs = call(prepared(case), case, case.inputs())
    assert all(isinstance(output, torch.Tensor) for output in outputs)
    check_outputs(case, outputs)


@over([case for case in CASES if facts_of(case)["weight_shapes"]])
def test_state_dict(case: Case) -> None:
    layer = prepared(case)
    state = layer.state_dict()
    names = sorted(key.split(".")[-1] for key in state)
    assert names == sorted(name.removesuffix(":0") for name in facts_of(case)["weight_names"])
    keras.backend.clear_session()  # the keys hold the names, which count per process
    other = case.make(keras)
    call(other, case, training=False)
    other.load_state_dict(state)
    for weight, copy in zip(layer.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(copy, weight)


@over([case for case in CASES if facts_of(case)["weight_shapes"] and not case.training])
def test_weights_are_used_as_they_stand(case: Case) -> None:
    """Assigning a weight changes the next output: nothing is cached from the first call."""
    layer = prepared(case)
    before = numpy_of(call(layer, case)[0]).copy()
    layer.set_weights([weight * 0.5 + 0.25 for weight in layer.get_weights()])
    if getattr(layer, "stateful", False):
        layer.reset_states()
    after = numpy_of(call(layer, case)[0])
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 1e-4
