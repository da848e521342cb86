"""Losses and metrics of layers, and what `trainable` freezes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import LEFT, nested_model, same
from kerastorch.layers import (
    BatchNormalization,
    Dense,
    Input,
    Layer,
)

# --- losses and metrics of layers ----------------------------------------------------------------------


class Activity(Layer):
    def __init__(self, rate: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        self.add_loss(self.rate * inputs.square().mean())
        self.add_metric(inputs.mean(), name="activity")
        return inputs


def test_losses_of_layers() -> None:
    x = Input((3,))
    l2 = keras.regularizers.L2(0.1)
    hidden = Dense(2, kernel_regularizer=l2, bias_regularizer="l1", activity_regularizer=keras.regularizers.L1(0.3))
    model = keras.Model(x, Activity()(hidden(x)))
    model.layers[1].bias.assign([1.0, -2.0])
    assert [round(float(loss.detach()), 5) for loss in model.losses] == [
        round(float(0.1 * hidden.kernel.detach().square().sum()), 5), 0.03,
    ]  # fmt: skip
    h = model(LEFT).detach()
    expected = {
        "kernel": 0.1 * hidden.kernel.detach().square().sum(),
        "bias": torch.tensor(0.03),
        "activity": 0.3 * h.abs().sum() / 4,
        "add_loss": 0.5 * h.square().mean(),
    }
    found = sorted(float(loss.detach()) for loss in model.losses)
    np.testing.assert_allclose(found, sorted(map(float, expected.values())), rtol=1e-5)
    model(LEFT * 2)
    assert len(model.losses) == 4  # those of the call before do not count
    model.compile("sgd", "mse")
    y = torch.zeros(4, 2)
    results = model.evaluate(LEFT, y, verbose=0, return_dict=True)
    assert list(results) == ["loss", "activity"]
    total = float(h.square().mean()) + sum(map(float, expected.values()))
    assert results["loss"] == pytest.approx(total, rel=1e-5)
    assert results["activity"] == pytest.approx(float(h.mean()), rel=1e-5)


def test_losses_of_layers_are_trained() -> None:
    x = Input((3,))
    model = keras.Model(x, Activity()(Dense(2, use_bias=False)(x)))
    model.compile(keras.optimizers.SGD(1.0))
    kernel = model.layers[1].kernel.detach().clone().requires_grad_()
    (0.5 * (LEFT @ kernel).square().mean()).backward()
    model.fit(LEFT, batch_size=4, verbose=0)
    same(model.layers[1].kernel.detach(), kernel.detach() - kernel.grad)


def test_losses_and_metrics_of_training_do_not_outlive_it() -> None:
    class OnlyInTraining(Layer):
        def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
            if training:
                self.add_loss(inputs.sum() * 0 + 100.0)
                self.add_metric(inputs.sum() * 0 + 7.0, name="seven")
            return inputs

    model = keras.Sequential([Dense(2, input_shape=(3,)), OnlyInTraining()])
    model.compile("sgd", "mse")
    history = model.fit(LEFT, torch.zeros(4, 2), validation_data=(LEFT, torch.zeros(4, 2)), verbose=0, epochs=2).history
    assert min(history["loss"]) > 100 > max(history["val_loss"])
    assert history["seven"] == [7.0, 7.0]
    model(LEFT, training=True)
    assert len(model.losses) == 1
    model(LEFT)
    assert model.losses == []


def test_metrics_of_layers_called_twice_are_averaged() -> None:
    layer = Activity(0.0)
    x = Input((3,))
    model = keras.Model(x, layer(x) + layer(x * 3))
    model.compile("sgd", "mse")
    ones = torch.ones(2, 3)
    assert model.evaluate(ones, ones * 4, verbose=0, return_dict=True) == {"loss": 0.0, "activity": 2.0}


def test_losses_of_nested_and_shared_layers() -> None:
    dense = Dense(2, activity_regularizer=keras.regularizers.L1(1.0), kernel_initializer="ones", use_bias=False)
    inner = keras.Sequential([dense])
    x = Input((3,))
    model = keras.Model(x, inner(x) + inner(x * 2))
    ones = torch.ones(2, 3)
    model(ones)
    found = sorted(float(loss.detach()) for loss in model.losses)
    assert found == [6.0, 12.0]  # each call has its own
    model(ones)
    assert len(model.losses) == 2


def test_add_loss_with_functions_and_symbolic_metrics_of_models() -> None:
    model = keras.Sequential([Dense(1, input_shape=(3,), kernel_initializer="ones")])
    model.add_loss(lambda: model.layers[0].kernel.sum())
    assert [float(loss.detach()) for loss in model.losses] == [3.0]
    model.compile("sgd", "mse")
    results = model.evaluate(LEFT, model(LEFT).detach(), verbose=0)
    assert results == pytest.approx(3.0)


# --- trainable -----------------------------------------------------------------------------------------


def test_freezing_reaches_layers_inside() -> None:
    inner, outer = nested_model()
    outer.trainable = False
    assert outer.trainable_weights == [] and len(outer.non_trainable_weights) == 4
    assert not inner.get_layer("inner_dense").trainable
    assert not any(weight.requires_grad for weight in outer.parameters())
    outer.trainable = True
    assert len(outer.trainable_weights) == 4 and inner.get_layer("inner_dense").trainable
    inner.get_layer("inner_dense").trainable = False
    assert [w.name for w in outer.trainable_weights] == ["head/kernel:0", "head/bias:0"]
    assert [w.name for w in outer.non_trainable_weights] == ["inner_dense/kernel:0", "inner_dense/bias:0"]


def test_freezing_before_build() -> None:
    layer = Dense(2, trainable=False)
    model = keras.Sequential([layer, Dense(1)])
    model.build((None, 3))
    assert [w.name for w in model.trainable_weights] == ["dense_1/kernel:0", "dense_1/bias:0"]
    assert not layer.kernel.requires_grad
    layer.trainable = True
    assert len(model.trainable_weights) == 4 and layer.kernel.requires_grad


def test_frozen_batch_normalization_stays_in_inference() -> None:
    x = Input((3,))
    norm = BatchNormalization()
    model = keras.Model(x, norm(x))
    norm.trainable = False
    wide = LEFT * 10 + 5
    same(model(wide, training=True), model(wide))
    np.testing.assert_array_equal(norm.moving_mean.numpy(), np.zeros(3))
    norm.trainable = True
    assert np.abs((model(wide, training=True) - model(wide)).detach().numpy()).max() > 1
    assert np.abs(norm.moving_mean.numpy()).min() > 0
    assert [w.name for w in norm.non_trainable_weights] == [
        "batch_normalization/moving_mean:0", "batch_normalization/moving_variance:0",
    ]  # fmt: skip


def test_freezing_between_fits_is_seen() -> None:
    model = keras.Sequential([Dense(2, input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    y = torch.ones(4, 1)
    model.fit(LEFT, y, verbose=0)
    frozen = model.layers[0].get_weights()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.fit(LEFT, y, verbose=0, epochs=2)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], frozen[0])
    model.layers[0].trainable = True
    model.compile("sgd", "mse")
    model.fit(LEFT, y, verbose=0, epochs=2)
    assert np.abs(model.layers[0].get_weights()[0] - frozen[0]).max() > 0
