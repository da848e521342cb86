"""Initializers: values of the fixed ones, the laws of the random ones, configs against tf_keras."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import kerastorch as keras
from cases_functions import DETERMINISTIC_INITIALIZERS, RANDOM_INITIALIZERS
from support import Golden, assert_close, numpy_of

GOLDEN = Golden("functions")
RANDOM = pytest.mark.parametrize("name", RANDOM_INITIALIZERS)


@pytest.mark.parametrize("name", DETERMINISTIC_INITIALIZERS)
def test_fixed_values(name: str) -> None:
    make, shape = DETERMINISTIC_INITIALIZERS[name]
    assert_close(make(keras)(shape), GOLDEN[f"initializers/{name}"], 0.0)


def distribution(kind: str, z: np.ndarray) -> np.ndarray:
    """The distribution function of a law of mean 0 and spread 1."""
    if kind == "uniform":
        return np.clip((z + 1) / 2, 0.0, 1.0)
    normal = np.asarray([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in z])
    if kind == "normal":
        return normal
    tail = 0.5 * (1 + math.erf(-2 / math.sqrt(2)))
    return np.clip((normal - tail) / (1 - 2 * tail), 0.0, 1.0)


@pytest.mark.parametrize("shape", [(120, 90), (3, 3, 20, 30), (40, 5, 7)], ids=["dense", "kernel", "kernel1d"])
@RANDOM
def test_law(name: str, shape: tuple[int, ...]) -> None:
    """The whole distribution: by the Kolmogorov-Smirnov distance, far beyond chance."""
    make, law = RANDOM_INITIALIZERS[name]
    field = math.prod(shape[:-2])
    spread = law.spread(shape[-2] * field, shape[-1] * field)
    values = numpy_of(make(keras, 5)(shape))
    assert values.shape == shape
    assert values.dtype == np.float32
    z = np.sort((values.ravel().astype("float64") - law.mean) / spread)
    steps = np.arange(len(z) + 1) / len(z)
    theory = distribution(law.kind, z)
    distance = max(np.abs(theory - steps[1:]).max(), np.abs(theory - steps[:-1]).max())
    assert distance < 2.2 / math.sqrt(len(z))
    if law.kind in ("uniform", "truncated"):
        limit = 1.0 if law.kind == "uniform" else 2.0
        assert 0.98 * limit < np.abs(z).max() <= limit * (1 + 1e-6)


@pytest.mark.parametrize("shape", [(7,), ()], ids=["vector", "scalar"])
def test_fans_of_small_shapes(shape: tuple[int, ...]) -> None:
    """A vector's size is both fans; a scalar's fans are one."""
    fan = 7 if shape else 1
    values = [numpy_of(keras.initializers.GlorotUniform(seed=seed)(shape)) for seed in range(200)]
    limit = math.sqrt(6 / (2 * fan))
    assert 0.9 * limit < np.abs(values).max() <= limit


@RANDOM
def test_seeds(name: str) -> None:
    make, _ = RANDOM_INITIALIZERS[name]
    first, same, other = (numpy_of(make(keras, seed)((4, 3))) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 1e-4
    free = make(keras, None)
    assert np.abs(numpy_of(free((4, 3))) - numpy_of(make(keras, None)((4, 3)))).max() > 1e-4


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 2, 4, 8)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    values = numpy_of(keras.initializers.Orthogonal(gain=2.0, seed=1)(shape)).reshape(-1, shape[-1])
    square = values @ values.T if values.shape[0] < values.shape[1] else values.T @ values
    assert_close(square, 4.0 * np.eye(len(square)), 1e-5)


@pytest.mark.parametrize(
    "name, kind",
    [
        ("glorot_uniform", "GlorotUniform"),
        ("GlorotNormal", "GlorotNormal"),
        ("he_normal", "HeNormal"),
        ("HeUniform", "HeUniform"),
        ("lecun_normal", "LecunNormal"),
        ("lecun_uniform", "LecunUniform"),
        ("random_normal", "RandomNormal"),
        ("random_uniform", "RandomUniform"),
        ("truncated_normal", "TruncatedNormal"),
        ("orthogonal", "Orthogonal"),
        ("variance_scaling", "VarianceScaling"),
        ("zeros", "Zeros"),
        ("ones", "Ones"),
        ("identity", "Identity"),
        ("constant", "Constant"),
    ],
)
def test_names(name: str, kind: str) -> None:
    assert type(keras.initializers.get(name)) is getattr(keras.initializers, kind)


def test_own_function_and_class() -> None:
    def halves(shape: Any, dtype: Any = None) -> Any:
        return np.full(shape, 0.5, "float32")

    layer = keras.layers.Dense(2, kernel_initializer=halves)
    layer.build((None, 3))
    assert layer.get_weights()[0].tolist() == [[0.5, 0.5]] * 3
