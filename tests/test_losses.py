"""Every loss case against tf_keras: values, gradients, configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from cases_losses import LOSSES, LossCase
from support import Golden, assert_close, config_differences, plain

GOLDEN = Golden("losses")
EVERY = pytest.mark.parametrize("case", LOSSES, ids=[case.id for case in LOSSES])
CONFIGURED = [case for case in LOSSES if GOLDEN.facts.get(case.id)]


def predictions(case: LossCase, x: torch.Tensor) -> torch.Tensor:
    """The predictions of a case with what they carry."""
    y_pred = keras.activations.get(case.activation)(x) if case.activation else x
    if case.masked:
        y_pred = y_pred.clone()
        y_pred._keras_mask = torch.from_numpy(case.mask())  # type: ignore[attr-defined]
    return y_pred


def computed(case: LossCase, y_true: Any, x: torch.Tensor, weights: Any) -> torch.Tensor:
    y_pred = predictions(case, x)
    arguments = {} if weights is None else {"sample_weight": weights}
    return case.make(keras)(y_true, y_pred, **arguments)


def as_tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


@EVERY
def test_value_and_gradient(case: LossCase) -> None:
    x = torch.from_numpy(case.y_pred()).requires_grad_()
    value = computed(case, torch.from_numpy(case.y_true()), x, as_tensor(case.sample_weight()))
    assert_close(value, GOLDEN[case.id], 1e-6, "loss")
    value.sum().backward()
    assert_close(x.grad, GOLDEN[f"{case.id}/gradient"], case.gradient_tolerance, "gradient")


@EVERY
def test_numpy_targets_and_weights(case: LossCase) -> None:
    value = computed(case, case.y_true(), torch.from_numpy(case.y_pred()), case.sample_weight())
    assert_close(value, GOLDEN[case.id], 1e-6, "loss")


@pytest.mark.parametrize("case", CONFIGURED, ids=[case.id for case in CONFIGURED])
def test_config(case: LossCase) -> None:
    loss = case.make(keras)
    serialized = keras.losses.serialize(loss)
    found = config_differences(plain(serialized), GOLDEN.facts[case.id])
    # Keras 3's default and its other words for a reduction are not those of tf_keras
    assert [line for line in found if not (case.later and line.startswith("config.config.reduction"))] == []
    for copy in (keras.losses.deserialize(serialized), keras.losses.get(GOLDEN.facts[case.id])):
        assert type(copy) is type(loss)
        weights = as_tensor(case.sample_weight())
        arguments = {} if weights is None else {"sample_weight": weights}
        y_pred = predictions(case, torch.from_numpy(case.y_pred()))
        assert_close(copy(torch.from_numpy(case.y_true()), y_pred, **arguments), GOLDEN[case.id], 1e-6)


@pytest.mark.parametrize("layer", ["Dense", "Activation", "Softmax"])
def test_layers_pass_the_logits_to_the_loss(layer: str) -> None:
    """Probabilities that round to zero still give the loss and gradient of the logits."""
    logits = torch.tensor([[-200.0, 0.0, 200.0], [150.0, -150.0, 10.0]], requires_grad=True)
    labels = torch.tensor([0, 2])
    if layer == "Dense":
        dense = keras.layers.Dense(3, activation="softmax", kernel_initializer="identity")
        probabilities = dense(logits)
    elif layer == "Activation":
        probabilities = keras.layers.Activation("softmax")(logits)
    else:
        probabilities = keras.activations.softmax(logits)
    loss = keras.losses.SparseCategoricalCrossentropy()(labels, probabilities)
    assert_close(loss, np.float32((400.0 + 140.0) / 2), 1e-6, "loss")
    loss.backward()
    assert_close(logits.grad, [[-0.5, 0.0, 0.5], [0.5, 0.0, -0.5]], 1e-6, "gradient")


def test_own_loss_function() -> None:
    class Half(keras.losses.Loss):
        def call(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
            return (y_pred - y_true).abs().mean(-1) / 2

    y_true, y_pred = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 6.0]])
    assert_close(Half()(y_true, y_pred), 1.0, 1e-6)
    assert_close(Half(reduction="none")(y_true, y_pred), [1.0, 1.0], 1e-6)
    assert_close(Half()(y_true, y_pred, sample_weight=torch.tensor([1.0, 0.0])), 0.5, 1e-6)
