"""Regularizers and constraints against tf_keras, and the configs of initializers with them."""

from __future__ import annotations

import pytest
import torch

import kerastorch as keras
from cases_functions import CONFIGURED, CONSTRAINTS, REGULARIZED, REGULARIZERS, constrained
from support import Golden, assert_close, config_differences, plain

GOLDEN = Golden("functions")


@pytest.mark.parametrize("name", REGULARIZERS)
def test_regularizer(name: str) -> None:
    x = torch.from_numpy(REGULARIZED).requires_grad_()
    penalty = REGULARIZERS[name](keras)(x)
    assert_close(penalty, GOLDEN[f"regularizers/{name}"], 1e-5, "penalty")
    if penalty.requires_grad:  # a penalty of factor zero may be a constant
        penalty.backward()
    gradient = torch.zeros_like(x) if x.grad is None else x.grad
    assert_close(gradient, GOLDEN[f"regularizers/{name}/gradient"], 1e-4, "gradient")


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint(name: str) -> None:
    projected = CONSTRAINTS[name][0](keras)(torch.from_numpy(constrained(name)))
    assert_close(projected, GOLDEN[f"constraints/{name}"], 1e-5, "weights")


@pytest.mark.parametrize("name", CONFIGURED)
def test_config(name: str) -> None:
    module, make = CONFIGURED[name]
    namespace = getattr(keras, module)
    made = make(keras)
    serialized = namespace.serialize(made)
    assert config_differences(plain(serialized), GOLDEN.facts[name]) == []
    for copy in (namespace.deserialize(serialized), namespace.get(GOLDEN.facts[name])):
        assert type(copy) is type(made)
        assert config_differences(plain(copy.get_config()), plain(made.get_config())) == []


def test_own_regularizer() -> None:
    layer = keras.layers.Dense(2, kernel_regularizer=lambda w: 0.5 * w.sum(), kernel_initializer="ones")
    layer(torch.ones(1, 3))
    assert [loss.item() for loss in layer.losses] == [3.0]
