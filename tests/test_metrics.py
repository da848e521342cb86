"""Every metric case against tf_keras: results over several batches, names, configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from cases_losses import drawn
from cases_metrics import METRIC_FUNCTIONS, METRICS, MetricCase
from support import Golden, assert_close, config_differences, plain

GOLDEN = Golden("metrics")
EVERY = pytest.mark.parametrize("case", METRICS, ids=[case.id for case in METRICS])


def as_tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def results(metric: Any, case: MetricCase, convert: Any) -> np.ndarray:
    """The result after each batch."""
    found = []
    for batch, weights in zip(case.batches(), case.sample_weights(), strict=True):
        arguments = {} if weights is None else {"sample_weight": convert(weights)}
        metric.update_state(*[convert(array) for array in batch], **arguments)
        found.append(metric.result().numpy())
    return np.stack(found)


@EVERY
def test_results(case: MetricCase) -> None:
    assert_close(results(case.make(keras), case, as_tensor), GOLDEN[case.id], 1e-6)


@EVERY
def test_numpy_arrays(case: MetricCase) -> None:
    assert_close(results(case.make(keras), case, lambda array: array), GOLDEN[case.id], 1e-6)


@EVERY
def test_reset(case: MetricCase) -> None:
    metric = case.make(keras)
    results(metric, case, as_tensor)
    metric.reset_state()
    assert all(not weight.any() for weight in metric.get_weights())
    assert_close(results(metric, case, as_tensor), GOLDEN[case.id], 1e-6)


@EVERY
def test_call_returns_the_running_result(case: MetricCase) -> None:
    metric = case.make(keras)
    first, second = case.batches()[:2]
    weights = [{} if w is None else {"sample_weight": as_tensor(w)} for w in case.sample_weights()]
    assert_close(metric(*map(as_tensor, first), **weights[0]), GOLDEN[case.id][0], 1e-6)
    assert_close(metric(*map(as_tensor, second), **weights[1]), GOLDEN[case.id][1], 1e-6)


@EVERY
def test_name_and_config(case: MetricCase) -> None:
    metric = case.make(keras)
    facts = GOLDEN.facts[case.id]
    assert metric.name == facts["name"]
    if "config" in facts:
        assert config_differences(plain(metric.get_config()), facts["config"]) == []
        copy = type(metric).from_config(metric.get_config())
        assert_close(results(copy, case, as_tensor), GOLDEN[case.id], 1e-6)


@pytest.mark.parametrize("name", METRIC_FUNCTIONS)
def test_functions(name: str) -> None:
    function, true, predicted, shape = METRIC_FUNCTIONS[name]
    y_true, y_pred = drawn(true, f"{name}/true", shape), drawn(predicted, f"{name}/predicted", shape)
    found = function(keras, torch.from_numpy(y_true), torch.from_numpy(y_pred))
    assert_close(found, GOLDEN[f"function/{name}"], 1e-6)


def test_own_metric() -> None:
    class Positives(keras.metrics.Metric):
        def __init__(self, name: str = "positives") -> None:
            super().__init__(name=name)
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.count.assign_add((y_pred > 0.5).sum().to(torch.float32))

        def result(self) -> torch.Tensor:
            return self.count

    metric = Positives()
    metric.update_state(None, torch.tensor([0.1, 0.7, 0.9]))
    metric.update_state(None, torch.tensor([0.6]))
    assert float(metric.result()) == 3.0
    metric.reset_state()
    assert all(not weight.any() for weight in metric.get_weights())
