"""Layers that draw random numbers, by their laws, and the losses that layers add."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import layers
from support import assert_close, normal

SELU_LIMIT = -1.7580993408473766
RATE = 0.3
SHAPE = (40, 30, 20, 4)

# By name: a layer that draws for inputs of SHAPE.
RANDOM: dict[str, Callable[..., Any]] = {
    "Dropout": lambda **kwargs: layers.Dropout(RATE, **kwargs),
    "Dropout, noise shape": lambda **kwargs: layers.Dropout(RATE, noise_shape=(None, 1, None, None), **kwargs),
    "SpatialDropout2D": lambda **kwargs: layers.SpatialDropout2D(RATE, **kwargs),
    "AlphaDropout": lambda **kwargs: layers.AlphaDropout(RATE, **kwargs),
    "AlphaDropout, noise shape": lambda **kwargs: layers.AlphaDropout(RATE, noise_shape=(None, None, 1, 1), **kwargs),
    "GaussianDropout": lambda **kwargs: layers.GaussianDropout(RATE, **kwargs),
    "GaussianNoise": lambda **kwargs: layers.GaussianNoise(0.5, **kwargs),
}
EVERY = pytest.mark.parametrize("name", RANDOM)


def close_to(value: torch.Tensor | float, wanted: float, error: float) -> None:
    """Within five standard errors."""
    assert abs(float(value) - wanted) < 5 * error


def image() -> torch.Tensor:
    return torch.from_numpy(normal("regularization", SHAPE))


# --- the laws ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", [None, 3])
def test_law_of_dropout(rate: float, seed: int | None) -> None:
    size = 40_000
    output = layers.Dropout(rate, seed=seed)(torch.ones(size), training=True)
    kept = output != 0
    assert_close(output[kept], np.full(int(kept.sum()), 1 / (1 - rate), "float32"), 1e-6)
    close_to(kept.float().mean(), 1 - rate, math.sqrt(rate * (1 - rate) / size))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_law_of_gaussian_dropout(rate: float) -> None:
    size = 40_000
    factors = layers.GaussianDropout(rate)(torch.full((size,), 2.0), training=True) / 2
    deviation = math.sqrt(rate / (1 - rate))
    assert_normal((factors - 1) / deviation)


def test_law_of_gaussian_noise() -> None:
    x = image()
    assert_normal((layers.GaussianNoise(0.25)(x, training=True) - x).flatten() / 0.25)


def assert_normal(z: torch.Tensor) -> None:
    """The Kolmogorov-Smirnov distance from the standard normal law, far beyond chance."""
    z = z.double().sort().values
    theory = torch.special.ndtr(z)
    steps = torch.arange(1, len(z) + 1) / len(z)
    assert (theory - steps).abs().max() < 2.2 / math.sqrt(len(z))


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.5])
def test_law_of_alpha_dropout(rate: float) -> None:
    """Dropped values lie in one place, kept ones are scaled, and mean and variance stay 0 and 1."""
    x = torch.from_numpy(normal("selu", (200_000,)))
    output = layers.AlphaDropout(rate, seed=1)(x, training=True)
    scale = ((1 - rate) * (1 + rate * SELU_LIMIT**2)) ** -0.5
    shift = -scale * SELU_LIMIT * rate
    dropped = (output - (scale * SELU_LIMIT + shift)).abs() < 1e-5
    assert_close(output[~dropped], (scale * x[~dropped] + shift).numpy(), 1e-5)
    close_to(dropped.float().mean(), rate, math.sqrt(rate * (1 - rate) / len(x)))
    close_to(output.mean(), 0.0, 1 / math.sqrt(len(x)))
    close_to(output.var(), 1.0, 2 / math.sqrt(len(x)))


def test_selu_networks_stay_normalised_under_alpha_dropout() -> None:
    model = keras.Sequential([keras.Input((100,))])
    for _ in range(8):
        model.add(layers.Dense(100, activation="selu", kernel_initializer="lecun_normal"))
        model.add(layers.AlphaDropout(0.1))
    output = model(normal("selu network", (500, 100)), training=True).detach()
    assert abs(output.mean()) < 0.1 and 0.8 < output.var() < 1.2


# --- which places share a decision ---------------------------------------------------------------------

SHARED: dict[str, tuple[Callable[[], Any], tuple[int, ...], tuple[int, ...]]] = {
    "noise_shape, steps": (lambda: layers.Dropout(0.5, noise_shape=(None, 1, None)), (9, 8, 7), (1,)),
    "noise_shape, samples": (lambda: layers.Dropout(0.5, noise_shape=[1, 8, 7]), (9, 8, 7), (0,)),
    "noise_shape, both": (lambda: layers.Dropout(0.5, noise_shape=(None, 1, 1), seed=2), (40, 8, 7), (1, 2)),
    "alpha": (lambda: layers.AlphaDropout(0.5, noise_shape=(None, None, 1)), (9, 8, 7), (2,)),
    "1D": (lambda: layers.SpatialDropout1D(0.5), (9, 8, 7), (1,)),
    "1D, seed": (lambda: layers.SpatialDropout1D(0.5, seed=4), (9, 8, 7), (1,)),
    "2D": (lambda: layers.SpatialDropout2D(0.5), (9, 5, 4, 7), (1, 2)),
    "2D, first": (lambda: layers.SpatialDropout2D(0.5, "channels_first"), (9, 7, 5, 4), (2, 3)),
    "3D": (lambda: layers.SpatialDropout3D(0.5), (9, 3, 4, 2, 7), (1, 2, 3)),
    "3D, first": (lambda: layers.SpatialDropout3D(0.5, data_format="channels_first"), (9, 7, 3, 4, 2), (2, 3, 4)),
    "one by one": (lambda: layers.Dropout(0.5), (9, 8, 7), ()),
}


@pytest.mark.parametrize("name", SHARED)
def test_shared_decisions(name: str) -> None:
    """Equal along the shared axes; along every other axis neighbours differ about half of the time."""
    make, shape, shared = SHARED[name]
    output = make()(torch.ones(shape), training=True)
    for axis in range(len(shape)):
        differing = (output.diff(dim=axis) != 0).float().mean()
        assert differing == 0 if axis in shared else 0.25 < differing < 0.75, f"axis {axis}: {differing}"


# --- seeds ---------------------------------------------------------------------------------------------


@EVERY
def test_seeds(name: str) -> None:
    make, x = RANDOM[name], image()
    first, same, other = (make(seed=seed) for seed in (1, 1, 2))
    output = first(x, training=True)
    np.testing.assert_array_equal(same(x, training=True), output)
    assert not torch.equal(other(x, training=True), output)
    again = first(x, training=True)
    assert not torch.equal(again, output)
    np.testing.assert_array_equal(same(x, training=True), again)
    np.testing.assert_array_equal(copy.deepcopy(first)(x, training=True), output)
    np.testing.assert_array_equal(type(first).from_config(first.get_config())(x, training=True), output)


@EVERY
def test_the_global_seed(name: str) -> None:
    make, x = RANDOM[name], image()
    outputs = []
    for seed in (5, 5, 6):
        keras.utils.set_random_seed(seed)
        layer = make()
        outputs.append([layer(x, training=True), layer(x, training=True)])
    first, same, other = outputs
    assert torch.equal(first[0], same[0]) and torch.equal(first[1], same[1])
    assert not torch.equal(first[0], first[1]) and not torch.equal(first[0], other[0])


def test_a_seeded_layer_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    layers.Dropout(0.5, seed=1)(torch.ones(10), training=True)
    assert torch.equal(torch.rand(3), wanted)


# --- gradients, inference, dtypes ----------------------------------------------------------------------


@EVERY
def test_gradient_is_the_factor_of_the_output(name: str) -> None:
    """Whatever is multiplied in is multiplied into the gradient; what is added is not."""
    x = image().requires_grad_()
    output = RANDOM[name](seed=1)(x, training=True)
    (gradient,) = torch.autograd.grad(output.sum(), x)
    with torch.no_grad():
        moved = RANDOM[name](seed=1)(x + 0.5, training=True)
    assert_close((moved - output.detach()) / 0.5, gradient.numpy(), 1e-5)


@EVERY
def test_inference_passes_the_input_on(name: str) -> None:
    layer, x = RANDOM[name](), image()
    assert layer(x) is x
    assert layer(x, training=False) is x
    inputs = keras.Input(SHAPE[1:])
    model = keras.Model(inputs, layer(inputs))
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    assert not torch.equal(model(x, training=True), x)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
@EVERY
def test_dtypes(name: str, dtype: str) -> None:
    x = image().to(getattr(torch, dtype))
    output = RANDOM[name](seed=1, dtype=dtype)(x, training=True)
    assert output.dtype == x.dtype and output.shape == x.shape
    assert torch.isfinite(output).all() and not torch.equal(output, x)


@EVERY
def test_training_in_fit(name: str) -> None:
    """With the same seeds two fits draw the same noise, and it takes part in the training."""
    histories = []
    for make in (RANDOM[name], RANDOM[name], lambda: layers.Activation("linear")):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input(SHAPE[1:]), make(), layers.GlobalAveragePooling2D(), layers.Dense(1)])
        model.compile("sgd", "mse")
        history = model.fit(image(), np.ones((SHAPE[0], 1)), batch_size=8, epochs=2, shuffle=False, verbose=0)
        histories.append(history.history["loss"])
    assert histories[0] == histories[1] != histories[2]


# --- losses --------------------------------------------------------------------------------------------


def test_activity_regularization_in_fit() -> None:
    x = normal("activity", (12, 3))
    model = keras.Sequential([keras.Input((3,)), layers.ActivityRegularization(l1=0.1, l2=0.2), layers.Dense(1)])
    model.compile("sgd", "mse")
    penalty = 0.1 * np.abs(x).sum() / 12 + 0.2 * (x**2).sum() / 12
    plain = np.mean(model.predict(x, verbose=0) ** 2)
    assert model.evaluate(x, np.zeros((12, 1)), batch_size=12, verbose=0) == pytest.approx(plain + penalty, rel=1e-5)
    model(x)
    assert [loss.item() for loss in model.losses] == pytest.approx([penalty], rel=1e-5)
    copied = keras.Sequential.from_config(model.get_config())
    copied(x)
    assert [loss.item() for loss in copied.losses] == pytest.approx([penalty], rel=1e-5)


L1 = {"class_name": "L1", "config": {"l1": 0.5}}
# By name: a layer with regularized weights for inputs (batch, 3, 4), the number of these, their value.
REGULARIZED: dict[str, tuple[Callable[[], Any], list[float]]] = {
    "batch": (
        lambda: layers.BatchNormalization(gamma_regularizer=L1, beta_regularizer="l2", beta_initializer="ones"),
        [0.5 * 4, 0.01 * 4],
    ),
    "layer": (
        lambda: layers.LayerNormalization(axis=[1, 2], gamma_regularizer=keras.regularizers.L2(0.1)),
        [0.1 * 12],
    ),
    "group": (
        lambda: layers.GroupNormalization(2, beta_regularizer="l1", beta_initializer=keras.initializers.Constant(-2)),
        [0.01 * 8],
    ),
    "prelu": (lambda: layers.PReLU(alpha_regularizer=L1, alpha_initializer="ones", shared_axes=[1]), [0.5 * 4]),
    "prelu as activation": (
        lambda: layers.Dense(
            4,
            activation=layers.PReLU(alpha_regularizer=L1, alpha_initializer="ones", shared_axes=[1]),
            kernel_regularizer="l2",
            kernel_initializer="ones",
        ),
        [0.01 * 16, 0.5 * 4],
    ),
    "spectral": (
        lambda: layers.SpectralNormalization(layers.Dense(2, kernel_regularizer="l2", kernel_initializer="ones")),
        [0.01 * 8],
    ),
}


@pytest.mark.parametrize("name", REGULARIZED)
def test_regularizers_of_weights_are_losses_of_the_model(name: str) -> None:
    make, wanted = REGULARIZED[name]
    model = keras.Sequential([keras.Input((3, 4)), make()])
    assert [loss.item() for loss in model.losses] == pytest.approx(wanted, rel=1e-5)
    model.compile("sgd", "mse")
    x = normal("regularized", (5, 3, 4))
    y = model.predict(x, verbose=0)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(sum(wanted), rel=1e-4)


EVERYTHING: dict[str, Callable[..., Any]] = {
    "BatchNormalization": layers.BatchNormalization,
    "LayerNormalization": layers.LayerNormalization,
    "GroupNormalization": lambda **kwargs: layers.GroupNormalization(2, **kwargs),
    "UnitNormalization": layers.UnitNormalization,
    "SpectralNormalization": lambda **kwargs: layers.SpectralNormalization(layers.Dense(2), **kwargs),
    "Normalization": layers.Normalization,
    "Dropout": lambda **kwargs: layers.Dropout(0.5, **kwargs),
    "SpatialDropout1D": lambda **kwargs: layers.SpatialDropout1D(0.5, **kwargs),
    "GaussianDropout": lambda **kwargs: layers.GaussianDropout(0.5, **kwargs),
    "GaussianNoise": lambda **kwargs: layers.GaussianNoise(0.5, **kwargs),
    "AlphaDropout": lambda **kwargs: layers.AlphaDropout(0.5, **kwargs),
    "ELU": layers.ELU,
    "LeakyReLU": layers.LeakyReLU,
    "PReLU": layers.PReLU,
    "ReLU": layers.ReLU,
    "Softmax": layers.Softmax,
    "ThresholdedReLU": layers.ThresholdedReLU,
    "Activation": lambda **kwargs: layers.Activation("tanh", **kwargs),
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", EVERYTHING)
def test_activity_regularizers(name: str, training: bool) -> None:
    """The penalty of the output, divided by the batch, of the layer alone and in a model."""
    x = normal("activities", (5, 3, 4))
    layer = EVERYTHING[name](activity_regularizer=keras.regularizers.L1L2(0.1, 0.2))
    output = layer(x, training=training).detach()
    wanted = (0.1 * output.abs().sum() + 0.2 * output.square().sum()) / 5
    assert [loss.item() for loss in layer.losses] == pytest.approx([wanted.item()], rel=1e-5)
    model = keras.Sequential([keras.Input((3, 4)), layer])
    output = model(x, training=training).detach()
    wanted = (0.1 * output.abs().sum() + 0.2 * output.square().sum()) / 5
    assert [loss.item() for loss in model.losses] == pytest.approx([wanted.item()], rel=1e-5)


# --- what they refuse ----------------------------------------------------------------------------------

X = np.ones((2, 3, 4), "float32")
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    **{
        f"{name}, {rate}": (
            lambda name=name, rate=rate: getattr(layers, name)(rate),
            rf"{name} '.*': expected a rate from 0 up to, but not including, 1; received rate={rate!r}. Pass the",
        )
        for name in (
            "Dropout",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "SpatialDropout3D",
            "AlphaDropout",
            "GaussianDropout",
        )
        for rate in (-0.1, 1, 1.5, None, "half", float("nan"))
    },
    "negative noise": (
        lambda: layers.GaussianNoise(-0.5),
        r"GaussianNoise '.*': expected a stddev of at least 0; received stddev=-0.5. Pass",
    ),
    "no noise": (lambda: layers.GaussianNoise(None), r"received stddev=None"),
    "noise shape of another rank": (
        lambda: layers.Dropout(0.5, noise_shape=(None, 1))(X, training=True),
        r"expected a noise_shape that broadcasts to the input's \(2, 3, 4\); received noise_shape=\(None, 1\). Pass",
    ),
    "noise shape of another size": (
        lambda: layers.AlphaDropout(0.5, noise_shape=(None, 2, 1))(X, training=True),
        r"AlphaDropout '.*': .* received noise_shape=\(None, 2, 1\)",
    ),
    "spatial on another rank": (
        lambda: layers.SpatialDropout2D(0.5)(X),
        r"SpatialDropout2D '.*': expected a tensor of rank 4; received shape \(2, 3, 4\)",
    ),
    "spatial with another layout": (
        lambda: layers.SpatialDropout2D(0.5, "channels"),
        r"expected 'channels_last' or 'channels_first'; received 'channels'",
    ),
    "activity": (
        lambda: layers.ActivityRegularization(l1="much"),
        r"expected a finite number for 'l1'; received 'much'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call()
