"""Every network with weights that tf_keras has written, the way back, and three steps of training in both."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerastorch as keras
import oracle
from cases_applications import NETWORKS, TRAINED, parity_options, training_data

PROGRAM = Path(__file__).parent / "golden" / "applications_oracle.py"


@pytest.fixture(scope="module", autouse=True)
def tf_keras() -> None:
    oracle.require("tf_keras")


def in_tf_keras(task: str, name: str, folder: Path, *more: str) -> None:
    oracle.run(PROGRAM, task, name, json.dumps(parity_options(name)), folder, *more)


def difference(mine: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(mine - theirs).max() / max(np.abs(theirs).max(), 1e-12))


def build(name: str, weights: Any) -> Any:
    options = {**parity_options(name), "input_shape": tuple(parity_options(name)["input_shape"])}
    return getattr(keras.applications, name)(weights=weights, include_top=False, pooling="avg", **options)


@contextlib.contextmanager
def in_float64() -> Iterator[None]:
    keras.backend.set_floatx("float64")
    try:
        yield
    finally:
        keras.backend.set_floatx("float32")


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:.*expected pictures as")
@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_numbers_there_and_back(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    in_tf_keras("make", name, tmp_path, str(int(name in TRAINED)))
    expected = np.load(tmp_path / "out.npz")
    model = build(name, tmp_path / "w.h5")
    x, y = (array.astype("float64") for array in training_data(model))
    assert np.ptp(expected["features"], axis=0).max() > 1e-2 * np.abs(expected["features"]).max()
    single = difference(model.predict(x, verbose=0), expected["features"])
    with in_float64():
        exact = build(name, tmp_path / "w.h5")
        double = difference(exact.predict(x, verbose=0), expected["features"])
    model.save_weights(tmp_path / "back.h5")
    in_tf_keras("read", name, tmp_path)
    theirs = difference(np.load(tmp_path / "back.npz")["features"], expected["features"])
    for kind, value in (("float32", single), ("float64", double), ("tf_keras in float32", theirs)):
        record_property(kind, value)  # --junitxml keeps them
    # random networks magnify what rounding leaves: there tf_keras' own distance from its float64 is the measure
    assert double < 1e-9 and theirs < 1e-2 and single < max(1e-4, 3 * theirs)
    if name not in TRAINED:
        return
    with in_float64():
        exact.compile(keras.optimizers.SGD(1e-3), "mse")
        after = build(name, tmp_path / "after.h5").get_weights()
        losses = [exact.train_on_batch(x, y) for _ in range(3)]
    np.testing.assert_allclose(losses, expected["losses"], rtol=1e-4)
    for weight, before, theirs in zip(exact.weights, model.get_weights(), after, strict=True):
        moved = float(np.abs(theirs - before).max())
        assert np.abs(weight.numpy() - theirs).max() <= 1e-4 * moved + 1e-9, weight.name
