"""Files of all Keras versions since 2.0: they load, predict the same and go on training the same."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import kerastorch as keras
from cases_files import MODELS, make, own_layer, predict, train
from support import GOLDEN, assert_close

LIBRARIES = ("keras_2_0", "keras_2_2", "keras_2_3", "keras_2_4", "keras_2_10", "keras_2_15", "tf_keras")
LIBRARIES += ("keras_3_0", "keras")
FIRST = ("keras_2_0", "keras_2_2", "keras_2_3")  # on TensorFlow 1

# Models that make no further step that could be compared, with the reason.
UNCOMPARED = {
    **{(library, "sequential"): "it has a Dropout" for library in LIBRARIES},
    ("keras_2_0", "gru_by_default"): "tf_keras, which makes the step for files of TensorFlow 1, does not load it",
    **{
        (library, f"optimizer_{rule}"): "tf_keras, which makes the step, begins with a new state; we do not"
        for library in ("keras_2_0", "keras_2_2")
        for rule in ("nadam", "rmsprop", "adagrad", "adadelta")
    },
    **{
        (library, "optimizer_nadam"): "in a graph of several weights its product of the momentums is wrong"
        for library in ("keras_2_15", "tf_keras")
    },
}
# BatchNormalization over few numbers: a step in float32 is 1.4e-4 away from the one in float64, in all libraries
STEP_TOLERANCES = {"application": 5e-4}


@lru_cache
def files(library: str) -> dict[str, bytes]:
    with zipfile.ZipFile(GOLDEN / "files" / f"{library}.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@lru_cache
def predictions(library: str) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(files(library)["predictions.npz"]), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def cases(*suffixes: str) -> list[tuple[str, str]]:
    """The library and the name of every file with one of these suffixes; '.weights.h5' is a suffix of its own."""
    found = []
    for library in LIBRARIES:
        for name in sorted(files(library)):
            stem, _, suffix = name.partition(".")
            if f".{suffix}" in suffixes and stem in MODELS:
                found.append((library, name))
    return found


def check(model: Any, library: str, name: str, part: str = "", tolerance: float = 1e-5) -> None:
    for i, output in enumerate(predict(model, name)):
        assert_close(output, predictions(library)[f"{name}/{part}{i}"], tolerance, f"{name} {part}{i}")


def custom_objects() -> dict[str, Any]:
    """What files before TensorFlow 2 cannot find by a registered name."""
    scale, cubed = own_layer(keras)
    return {"Scale": scale, "cubed": cubed}


def write(library: str, file: str, folder: Path) -> Path:
    (folder / file).write_bytes(files(library)[file])
    return folder / file


@pytest.mark.parametrize(("library", "file"), cases(".keras", ".h5"))
def test_a_whole_model_loads_and_goes_on(library: str, file: str, tmp_path: Path) -> None:
    name = file.partition(".")[0]
    model = keras.models.load_model(write(library, file, tmp_path), custom_objects())
    check(model, library, name)
    if (library, name.partition("_")[2]) not in WITHOUT_ITERATIONS:
        assert int(model.optimizer.iterations) == 1
    check_slots(model, library, file)
    if (library, name) not in UNCOMPARED:
        train(model, name)
        check(model, library, name, "trained/", STEP_TOLERANCES.get(name, 1e-5))


# some optimizers of the first versions do not store how many steps they made
WITHOUT_ITERATIONS = [(one, rule) for one in ("keras_2_0", "keras_2_2") for rule in ("rmsprop", "adagrad", "adadelta")]


def check_slots(model: Any, library: str, file: str) -> None:
    """The optimizer has all arrays of the file that are not zero, and no others; SGD may need none of them."""
    slots = [variable.detach().numpy() for variable in model.optimizer.variables if variable.dim()]
    fresh = type(model.optimizer).from_config(model.optimizer.get_config())
    fresh.build(model.trainable_weights)
    assert [slot.shape for slot in slots] == [tuple(one.shape) for one in fresh.variables if one.dim()]
    found = [array for array in stored_slots(files(library)[file]) if array.ndim]
    for these, those in ((slots, found), (found, slots)):
        assert not slots or all(any(np.array_equal(one, other) for other in those) for one in these if one.any())


def stored_slots(data: bytes) -> list[np.ndarray]:
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read("model.weights.h5")
    found: list[np.ndarray] = []
    with h5py.File(io.BytesIO(data)) as file:
        group = file.get("optimizer_weights", file.get("optimizer"))
        group.visititems(lambda _, one: found.append(one[()]) if isinstance(one, h5py.Dataset) else None)
    return found


@pytest.mark.parametrize(("library", "file"), cases(".keras", ".h5", ".weights.h5"))
def test_weights_load_into_the_same_model(library: str, file: str, tmp_path: Path) -> None:
    name = file.partition(".")[0]
    model = (
        keras.models.model_from_json(files(library)[f"{name}.json"], custom_objects())
        if (f"{name}.json" in files(library))
        else make(keras, name)
    )
    model.load_weights(write(library, file, tmp_path))
    check(model, library, name)


def has_another_default(library: str, name: str) -> bool:
    """Whether the same code makes another model today."""
    if library in FIRST:  # hard_sigmoid became sigmoid, and GRU's reset_after True
        return name in ("lstm", "gru", "gru_by_default", "recurrent", "convlstm", "stateful")
    return library in ("keras_3_0", "keras") and name == "convlstm"  # hard_sigmoid became sigmoid


@pytest.mark.parametrize(
    ("library", "file"),
    [case for case in cases(".keras", ".h5", ".weights.h5") if not has_another_default(case[0], case[1].split(".")[0])],
)
def test_weights_load_into_a_model_from_code(library: str, file: str, tmp_path: Path) -> None:
    name = file.partition(".")[0]
    model = make(keras, name)
    model.load_weights(write(library, file, tmp_path))
    check(model, library, name)


@pytest.mark.parametrize(("library", "file"), [case for case in cases(".h5") if case[0] == "tf_keras"])
def test_weights_load_by_name(library: str, file: str, tmp_path: Path) -> None:
    name = file.partition(".")[0]
    model = make(keras, name)
    model.load_weights(write(library, file, tmp_path), by_name=True)
    check(model, library, name)


def test_a_function_that_keras_3_calls_alike_is_refused_and_can_be_passed(tmp_path: Path) -> None:
    """`hard_sigmoid` has another slope there: the numbers would be wrong without a word."""
    with zipfile.ZipFile(io.BytesIO(files("keras")["convlstm.keras"])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = members["config.json"].replace(b'"recurrent_activation": "sigmoid"', HARD)
    assert HARD in members["config.json"]
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    text = "ConvLSTM2D 'conv_lstm2d': expected a function that Keras 2 and 3 both have; received recurrent_activation="
    with pytest.raises(ValueError, match=text):
        keras.models.load_model(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras", {"hard_sigmoid": keras.ops.hard_sigmoid})
    assert model.layers[0].cell.recurrent_activation is keras.ops.hard_sigmoid


HARD = b'"recurrent_activation": "hard_sigmoid"'
