"""50 steps of every optimizer case against tf_keras, on plain parameters and on the weights of layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import cases_optimizers
import kerastorch as keras
from support import Golden, assert_close, config_differences, plain

GOLDEN = Golden("optimizers")
OPTIMIZERS = pytest.mark.parametrize("name", cases_optimizers.OPTIMIZERS)
SCHEDULES = pytest.mark.parametrize("name", cases_optimizers.SCHEDULES)


def parameters() -> list[torch.nn.Parameter]:
    return [torch.nn.Parameter(torch.from_numpy(weight)) for weight in cases_optimizers.start()]


def layer_weights() -> list[torch.nn.Parameter]:
    """The same weights held by a Dense and a Conv2D layer, whose memory order differs from their shape's."""
    dense, convolution = keras.layers.Dense(3), keras.layers.Conv2D(2, 2, use_bias=False)
    dense.build((None, 5))
    convolution.build((None, 4, 4, 3))
    matrix, vector, kernel = cases_optimizers.start()
    dense.set_weights([matrix, vector])
    convolution.set_weights([kernel])
    return [*dense.trainable_weights, *convolution.trainable_weights]


def run(name: str, optimizer: Any, weights: list[torch.nn.Parameter]) -> None:
    if name in cases_optimizers.EXCLUDED:
        optimizer.exclude_from_weight_decay(var_list=[weights[i] for i in cases_optimizers.EXCLUDED[name]])
    new_rate = cases_optimizers.NEW_RATES.get(name)
    for step in range(cases_optimizers.STEPS):
        if new_rate is not None and step == new_rate[0]:
            optimizer.learning_rate = new_rate[1]
        values = [weight.detach().numpy().copy() for weight in weights]
        gradients = [torch.from_numpy(g) for g in cases_optimizers.gradients(values, step)]
        optimizer.apply_gradients(zip(gradients, weights, strict=True))


@pytest.mark.parametrize("make_weights", [parameters, layer_weights])
@OPTIMIZERS
def test_fifty_steps(name: str, make_weights: Any) -> None:
    optimizer, weights = cases_optimizers.OPTIMIZERS[name](keras), make_weights()
    run(name, optimizer, weights)
    assert int(optimizer.iterations) == cases_optimizers.STEPS
    for i, weight in enumerate(weights):
        assert_close(weight, GOLDEN[f"{name}/{i}"], 1e-5, f"weight {i}")


@OPTIMIZERS
def test_config(name: str) -> None:
    optimizer = cases_optimizers.OPTIMIZERS[name](keras)
    assert config_differences(plain(optimizer.get_config()), GOLDEN.facts[name]) == []


@OPTIMIZERS
def test_config_of_keras_makes_the_optimizer(name: str) -> None:
    optimizer = type(cases_optimizers.OPTIMIZERS[name](keras)).from_config(GOLDEN.facts[name])
    weights = parameters()
    run(name, optimizer, weights)
    for i, weight in enumerate(weights):
        assert_close(weight, GOLDEN[f"{name}/{i}"], 1e-5, f"weight {i}")


@SCHEDULES
def test_schedule(name: str) -> None:
    schedule = cases_optimizers.SCHEDULES[name](keras)
    rates = np.asarray([float(schedule(step)) for step in range(60)])
    assert_close(rates, GOLDEN[f"schedule/{name}"], 1e-6)


@SCHEDULES
def test_schedule_config(name: str) -> None:
    schedule = cases_optimizers.SCHEDULES[name](keras)
    serialized = keras.optimizers.schedules.serialize(schedule)
    assert config_differences(plain(serialized), GOLDEN.facts[f"schedule/{name}"]) == []
    copy = keras.optimizers.schedules.deserialize(serialized)
    assert [float(copy(step)) for step in (0, 7, 35)] == [float(schedule(step)) for step in (0, 7, 35)]


def test_assigning_the_learning_rate() -> None:
    optimizer = keras.optimizers.SGD(0.5)
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer.learning_rate = 0.25
    optimizer.apply_gradients([(torch.ones(2), weight)])
    assert weight.tolist() == [0.75, 0.75]
    assert float(optimizer.learning_rate) == 0.25
    assert float(optimizer.lr) == 0.25


def test_missing_gradients_leave_the_weight() -> None:
    optimizer = keras.optimizers.SGD(1.0, momentum=0.9)
    moved, kept = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    with pytest.warns(UserWarning, match="radient"):
        optimizer.apply_gradients([(torch.ones(2), moved), (None, kept)])
    assert moved.tolist() == [0.0, 0.0]
    assert kept.tolist() == [1.0, 1.0]
