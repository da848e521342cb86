"""Activations as layers, and layers as activations of other layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import kerastorch as keras
from kerastorch import layers
from support import assert_close, normal

X = normal("activation layers", (6, 3))


def in_model(layer: Any, shape: tuple[int | None, ...] = (3,)) -> Any:
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def shapes(model: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in model.weights]


# By name: a layer with an activation that has weights, the input's shape, all shapes of weights.
WITH_WEIGHTS: dict[str, tuple[Callable[[], Any], tuple[int | None, ...], list[tuple[int, ...]]]] = {
    "dense": (lambda: layers.Dense(4, activation=layers.PReLU()), (3,), [(3, 4), (4,), (4,)]),
    "dense, by name": (lambda: layers.Dense(4, activation="PReLU"), (3,), [(3, 4), (4,), (4,)]),
    "dense, by config": (
        lambda: layers.Dense(4, activation={"class_name": "PReLU", "config": {"shared_axes": [1]}}),
        (3,),
        [(3, 4), (4,), (1,)],
    ),
    "dense of a sequence": (
        lambda: layers.Dense(4, activation=layers.PReLU(shared_axes=[1])),
        (None, 3),
        [(3, 4), (4,), (1, 4)],
    ),
    "conv": (
        lambda: layers.Conv2D(4, 3, activation=layers.PReLU(shared_axes=[1, 2])),
        (None, None, 2),
        [(3, 3, 2, 4), (4,), (1, 1, 4)],
    ),
    "activation": (lambda: layers.Activation(layers.PReLU()), (3,), [(3,)]),
    "a layer with a kernel": (lambda: layers.Activation(layers.Dense(2, use_bias=False)), (3,), [(3, 2)]),
    "torch's": (lambda: layers.Dense(4, activation=nn.PReLU(4)), (3,), [(3, 4), (4,), (4,)]),
}


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_weights_of_an_activation_belong_to_its_layer(name: str) -> None:
    make, shape, wanted = WITH_WEIGHTS[name]
    layer = make()
    model = in_model(layer, shape)
    assert shapes(layer) == shapes(model) == wanted
    assert len(model.trainable_weights) == len(wanted)
    assert model.count_params() == sum(int(np.prod(one)) for one in wanted)
    assert len(model.state_dict()) == len(wanted)
    sequential = keras.Sequential([keras.Input(shape), make()])
    assert shapes(sequential) == wanted
    eager = make()
    eager(np.zeros((2, *(7 if size is None else size for size in shape)), "float32"))
    assert shapes(eager) == wanted
    layer.trainable = False
    assert model.trainable_weights == []


def test_weights_of_an_activation_train() -> None:
    layer = layers.Dense(2, activation=layers.PReLU(alpha_initializer="zeros"))
    model = in_model(layer)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = model.get_weights()
    model.fit(X, X[:, :2], epochs=3, verbose=0)
    assert [np.abs(a - b).max() > 1e-3 for a, b in zip(model.get_weights(), before, strict=True)] == [True] * 3
    kernel, bias, alpha = model.get_weights()
    z = X @ kernel + bias
    assert_close(model.predict(X, verbose=0), np.where(z > 0, z, alpha * z), 1e-5)


@pytest.mark.parametrize("name", ["dense", "dense, by name", "dense, by config", "conv", "activation"])
def test_configs(name: str) -> None:
    make, shape, wanted = WITH_WEIGHTS[name]
    model = in_model(make(), shape)
    copied = keras.Model.from_config(model.get_config())
    assert shapes(copied) == wanted
    weights = [weight + 0.5 for weight in model.get_weights()]
    model.set_weights(weights)
    copied.set_weights(weights)
    x = np.asarray(normal("configs", (2, *[5 if size is None else size for size in shape])))
    assert_close(copied.predict(x, verbose=0), model.predict(x, verbose=0), 1e-6)


def test_names_of_weights() -> None:
    model = in_model(layers.Dense(4, activation="PReLU"))
    assert [weight.name for weight in model.weights] == ["dense/kernel:0", "dense/bias:0", "dense/p_re_lu/alpha:0"]


def test_one_activation_in_two_layers() -> None:
    shared = layers.PReLU(shared_axes=[1])
    model = keras.Sequential([keras.Input((3,)), *[layers.Dense(n, activation=shared) for n in (4, 5)]])
    assert model.count_params() == 3 * 4 + 4 + 1 + 4 * 5 + 5
    assert [layer.count_params() for layer in model.layers] == [3 * 4 + 4 + 1, 4 * 5 + 5 + 1]


@pytest.mark.parametrize(
    "activation, function",
    [
        (layers.LeakyReLU(0.1), lambda z: np.where(z > 0, z, 0.1 * z)),
        (layers.LeakyReLU, lambda z: np.where(z > 0, z, 0.3 * z)),
        ("LeakyReLU", lambda z: np.where(z > 0, z, 0.3 * z)),
        (layers.ReLU(max_value=0.5), lambda z: np.clip(z, 0, 0.5)),
        (layers.ELU(0.5), lambda z: np.where(z > 0, z, 0.5 * np.expm1(z))),
        (layers.ThresholdedReLU(0.2), lambda z: np.where(z > 0.2, z, 0.0)),
        (nn.Tanh(), np.tanh),
        (torch.sin, np.sin),
    ],
    ids=["instance", "class", "name", "ReLU", "ELU", "ThresholdedReLU", "torch module", "torch function"],
)
def test_layers_as_activations(activation: Any, function: Callable[[Any], Any]) -> None:
    model = in_model(layers.Dense(4, activation=activation))
    kernel, bias = model.get_weights()
    assert_close(model.predict(X, verbose=0), function(X @ kernel + bias).astype("float32"), 1e-5)


@pytest.mark.parametrize("shared", [None, [1, 2], [1], [3], [1, 3], [1, 2, 3]])
def test_prelu_of_tensors_in_any_memory_order(shared: Any) -> None:
    """The values do not depend on how an input lies in memory."""
    x = torch.from_numpy(normal("prelu", (2, 3, 4, 5)))
    layer = layers.PReLU(shared_axes=shared, alpha_initializer="random_normal")
    layer.build(x.shape)
    wanted = torch.where(x > 0, x, layer.alpha.detach() * x)
    for order in ((0, 1, 2, 3), (0, 3, 1, 2), (3, 0, 2, 1)):
        inverse = [order.index(axis) for axis in range(4)]
        assert_close(layer(x.permute(order).contiguous().permute(inverse)), wanted.numpy(), 1e-6)


def test_masked_softmax_gives_probabilities() -> None:
    logits = torch.from_numpy(normal("softmax", (2, 4)))
    mask = torch.tensor([[True, False, True, True], [False, False, True, False]])
    for robust in (False, True):
        output = layers.Softmax(robust_masking=robust)(logits, mask=mask)
        assert output[~mask].abs().max() == 0
        assert_close(output.sum(1), np.ones(2), 1e-6)
        assert_close(output[0, mask[0]], torch.softmax(logits[0, mask[0]], 0).numpy(), 1e-6)
    half = layers.Softmax(dtype="float16")(logits.half(), mask=mask)
    assert torch.isfinite(half).all() and half[~mask].abs().max() == 0


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "leaky: negative": (
        lambda: layers.LeakyReLU(-0.1),
        ValueError,
        r"LeakyReLU 'leaky_re_lu': expected alpha of at least 0; received alpha=-0.1. Pass for example",
    ),
    "leaky: none": (lambda: layers.LeakyReLU(None), ValueError, r"expected alpha of at least 0; received alpha=None"),
    "elu: none": (lambda: layers.ELU(None), ValueError, r"ELU 'elu': expected alpha as a number; received alpha=None"),
    "elu: text": (lambda: layers.ELU("one"), ValueError, r"received alpha='one'. Pass"),
    "thresholded: negative": (
        lambda: layers.ThresholdedReLU(-1.0),
        ValueError,
        r"ThresholdedReLU '.*': expected theta of at least 0; received theta=-1.0",
    ),
    "thresholded: none": (lambda: layers.ThresholdedReLU(None), ValueError, r"received theta=None"),
    "relu: max": (lambda: layers.ReLU(-1), ValueError, r"expected max_value of at least 0; received max_value=-1"),
    "relu: slope": (lambda: layers.ReLU(negative_slope=None), ValueError, r"received negative_slope=None"),
    "relu: threshold": (lambda: layers.ReLU(threshold=-0.5), ValueError, r"received threshold=-0.5"),
    "prelu: axis out of range": (
        lambda: layers.PReLU(shared_axes=[2])(X),
        ValueError,
        r"PReLU 'p_re_lu': expected shared_axes from 1 to 1 for an input of rank 2; received shared_axes=\[2\]",
    ),
    "prelu: batch": (lambda: layers.PReLU(shared_axes=0)(X), ValueError, r"received shared_axes=\[0\]. Axis 0 is the"),
    "prelu: unknown size": (
        lambda: layers.PReLU()(keras.Input((None, 3))),
        ValueError,
        r"expected known sizes for the weight 'alpha'; received shape \(None, 3\)",
    ),
    "prelu: other size": (
        lambda: in_model(layers.PReLU(shared_axes=[2]), (4, 5)).layers[-1](np.zeros((2, 3, 5), "float32")),
        ValueError,
        r"expected size 4 in axis 1; received shape \(2, 3, 5\)",
    ),
    "unknown name": (
        lambda: layers.Dense(3, activation="PRelu"),
        ValueError,
        r"activation 'PRelu': expected the name of a known activation; received 'PRelu'. Did you mean",
    ),
    "no activation": (lambda: layers.Dense(3, activation=3), TypeError, r"activation: expected a name.*received 3"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, kind, text = REFUSED[name]
    with pytest.raises(kind, match=text):
        call()
