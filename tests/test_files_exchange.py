"""Files that tf_keras and Keras 3 have written: they load, predict the same and go on training the same."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerastorch as keras
from cases_files import FORMATS, MODELS, make, predict, train
from support import GOLDEN, assert_close

LIBRARIES = ("tf_keras", "keras")


@lru_cache
def files(library: str) -> dict[str, bytes]:
    with zipfile.ZipFile(GOLDEN / "files" / f"{library}.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@lru_cache
def predictions(library: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(files(library)["predictions.npz"]), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def check(model: Any, library: str, name: str, part: str = "") -> None:
    outputs = predict(model, name)
    for i, output in enumerate(outputs):
        assert_close(output, predictions(library)[f"{name}/{part}{i}"], 1e-5, f"{name} {part}{i}")


def held(*suffixes: str) -> Any:
    """Run a test on the files of these formats that the libraries have written."""
    cases = [
        (library, name, suffix)
        for library in LIBRARIES
        for name in MODELS
        for suffix in suffixes
        if f"{name}{suffix}" in files(library)
    ]
    assert len({name for _, name, _ in cases}) >= 10
    return pytest.mark.parametrize(("library", "name", "suffix"), cases)


@pytest.fixture
def path(tmp_path: Path, library: str, name: str, suffix: str) -> Path:
    target = tmp_path / f"{name}{suffix}"
    target.write_bytes(files(library)[target.name])
    return target


@held(".keras", ".h5")
def test_a_whole_model_loads_and_goes_on(path: Path, library: str, name: str, suffix: str) -> None:
    model = keras.models.load_model(path)
    check(model, library, name)
    assert int(model.optimizer.iterations) == 1
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    if name != "sequential":
        train(model, name)
        check(model, library, name, "trained/")


@held(*FORMATS)
def test_weights_load_into_the_same_model(path: Path, library: str, name: str, suffix: str) -> None:
    model = make(keras, name)
    model.load_weights(path)
    check(model, library, name)


@held(".h5")
def test_weights_load_by_name(path: Path, library: str, name: str, suffix: str) -> None:
    if library == "keras" and name == "nested":
        pytest.skip("Keras 3 names layers that have no name otherwise")
    model = make(keras, name)
    model.load_weights(path, by_name=True)
    check(model, library, name)
