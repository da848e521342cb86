"""Losses and metrics that are added to a model as symbolic tensors, as for variational autoencoders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import losses
from kerastorch.layers import Dense, Input, Lambda
from support import normal

X = normal("x", (12, 4))


def autoencoder(rate: float = 0.1) -> Any:
    """A model that learns by what it adds alone."""
    inputs = Input((4,))
    code = Dense(2, activation="tanh", name="code")(inputs)
    outputs = Dense(4, name="outputs")(code)
    model = keras.Model(inputs, outputs)
    model.set_weights([normal(f"w{i}", tuple(w.shape)) for i, w in enumerate(model.weights)])
    model.add_loss(losses.mean_squared_error(inputs, outputs).mean())
    model.add_loss(0.5 * code.square().sum(-1).mean())
    model.add_metric(code.abs().mean(), name="size")
    model.compile(keras.optimizers.SGD(rate))
    return model


def by_hand(model: Any, x: np.ndarray) -> tuple[float, float, float]:
    w1, b1, w2, b2 = model.get_weights()
    code = np.tanh(x @ w1 + b1)
    error = ((code @ w2 + b2 - x) ** 2).mean()
    return float(error), float(0.5 * (code**2).sum(-1).mean()), float(np.abs(code).mean())


def test_added_losses_are_what_is_trained() -> None:
    model = autoencoder()
    before = by_hand(model, X)
    history = model.fit(X, batch_size=12, epochs=30, verbose=0).history
    assert list(history) == ["loss", "size"]
    assert history["loss"][0] == pytest.approx(before[0] + before[1], rel=1e-5)
    assert history["size"][0] == pytest.approx(before[2], rel=1e-5)
    after = by_hand(model, X)
    assert after[0] + after[1] < 0.7 * (before[0] + before[1])
    evaluated = model.evaluate(X, batch_size=5, verbose=0, return_dict=True)
    batches = [by_hand(model, X[start : start + 5]) for start in (0, 5, 10)]
    expected = np.average([error + size for error, size, _ in batches], weights=[5, 5, 2])
    assert evaluated["loss"] == pytest.approx(expected, rel=1e-5)


def test_a_call_leaves_its_losses() -> None:
    model = autoencoder()
    error, size, _ = by_hand(model, X)
    for _ in range(2):  # the first call finds out that there are losses
        model(torch.from_numpy(X))
        assert [loss.item() for loss in model.losses] == pytest.approx([error, size], rel=1e-5)
    model(torch.from_numpy(X[:3]))
    assert [loss.item() for loss in model.losses] == pytest.approx(by_hand(model, X[:3])[:2], rel=1e-5)
    assert model.predict(X, verbose=0).shape == (12, 4)


def test_they_are_layers_of_the_model() -> None:
    model = autoencoder()
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("AddLoss") == 2 and kinds.count("AddMetric") == 1
    assert {layer.name for layer in model.layers} >= {"add_loss", "add_loss_1", "add_metric"}
    assert model.count_params() == 4 * 2 + 2 + 2 * 4 + 4


@pytest.mark.parametrize("way", ["clone", "config", "json", "nested", "later layers"])
def test_copies_and_outer_models_add_them_too(way: str) -> None:
    model = autoencoder()
    error, size, mean = by_hand(model, X)
    if way == "clone":
        other = keras.models.clone_model(model)
    elif way == "config":
        other = keras.Model.from_config(model.get_config())
    elif way == "json":
        other = keras.models.model_from_json(model.to_json())
    elif way == "nested":
        inputs = Input((4,))
        other = keras.Model(inputs, model(inputs) * 1.0)
    else:
        other = keras.Model(model.inputs, model.outputs)
        other.add_loss(model.output.mean() * 0.0 + error + size)
    if way in ("clone", "config", "json"):
        other.set_weights(model.get_weights())
    other.compile(keras.optimizers.SGD(0.0))
    assert other.fit(X, verbose=0).history["loss"][0] == pytest.approx(error + size, rel=1e-5)
    if way != "later layers":
        assert other.fit(X, verbose=0).history["size"][0] == pytest.approx(mean, rel=1e-5)


def test_added_losses_and_compiled_ones_are_summed() -> None:
    inputs = Input((4,))
    outputs = Dense(1, kernel_regularizer="l2")(Lambda(lambda x: x * 2.0)(inputs))
    model = keras.Model(inputs, outputs)
    model.add_loss([3.0 * outputs.mean(), lambda: torch.tensor(5.0)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    y = normal("y", (12, 1))
    y_pred = model.predict(X, verbose=0)
    kernel = model.get_weights()[0]
    expected = ((y_pred - y) ** 2).mean() + 3.0 * y_pred.mean() + 5.0 + 0.01 * (kernel**2).sum()
    assert model.fit(X, y, batch_size=12, verbose=0).history["loss"][0] == pytest.approx(float(expected), rel=1e-5)


def test_losses_of_each_sample_are_summed_in_training() -> None:
    inputs = Input((4,))
    outputs = Dense(1, use_bias=False)(inputs)
    model = keras.Model(inputs, outputs)
    model.add_loss(losses.mean_squared_error(inputs[:, :1], outputs))
    model.compile(keras.optimizers.SGD(1.0))
    kernel = model.get_weights()[0]
    values = ((X @ kernel - X[:, :1]) ** 2)[:, 0]
    assert model.fit(X, batch_size=12, verbose=0).history["loss"][0] == pytest.approx(values.mean(), rel=1e-5)
    gradient = 2 * X.T @ (X @ kernel - X[:, :1])
    np.testing.assert_allclose(model.get_weights()[0], kernel - gradient, rtol=1e-4, atol=1e-4)


def test_a_loss_of_other_inputs_is_refused() -> None:
    inputs, other = Input((4,)), Input((4,), name="other")
    model = keras.Model(inputs, Dense(1)(inputs))
    with pytest.raises(ValueError, match="received an output that also needs 'other', which is not among the inputs"):
        model.add_loss(other.mean())
    assert len(model.layers) == 2
