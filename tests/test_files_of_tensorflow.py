"""Files with what only tf.keras makes: functions of TensorFlow, layers for cuDNN, checkpoints."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import kerastorch as keras
from kerastorch.layers import GRU, LSTM, Bidirectional, CuDNNGRU, CuDNNLSTM, Dense
from support import GOLDEN, assert_close

with zipfile.ZipFile(GOLDEN / "files" / "tensorflow.zip") as _archive:
    FILES = {name: _archive.read(name) for name in _archive.namelist()}
with np.load(io.BytesIO(FILES["facts.npz"]), allow_pickle=False) as _facts:
    FACTS = dict(_facts)


def put(name: str, folder: Path) -> Path:
    (folder / name).write_bytes(FILES[name])
    return folder / name


def check_operations(model: Any) -> None:
    outputs = model.predict([FACTS["x"], FACTS["z"]], verbose=0)
    assert len(outputs) == 11
    for i, output in enumerate(outputs):
        assert_close(output, FACTS[f"operations/{i}"], 1e-5, f"output {i}")


@pytest.mark.parametrize("name", ["operations.h5", "operations.keras"])
def test_functions_of_tensorflow_are_known_by_name(name: str, tmp_path: Path) -> None:
    model = keras.models.load_model(put(name, tmp_path))
    check_operations(model)
    for suffix in (".keras", ".h5", ".pt"):
        model.save(tmp_path / f"again{suffix}")
        check_operations(keras.models.load_model(tmp_path / f"again{suffix}"))
    check_operations(keras.models.clone_model(model))
    check_operations(keras.models.model_from_json(model.to_json()))


@pytest.mark.parametrize("function", ["image.resize", "io.read_file", "py_function", "__class__", "os.system", None, 3])
def test_other_functions_are_refused_by_name(function: Any, tmp_path: Path) -> None:
    path = put("operations.h5", tmp_path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        entry = next(one for one in config["config"]["layers"] if one["name"] == "tf.nn.relu")
        entry["config"]["function"] = function
        file.attrs["model_config"] = json.dumps(config)
    text = f"TFOpLambda 'tf.nn.relu': expected a function of tensors that is known here; received tf.{function}"
    with pytest.raises(ValueError, match=text.replace("'", ".")) as caught:
        keras.models.load_model(path)
    assert "load_weights" in str(caught.value)


def test_other_arguments_are_refused_by_name(tmp_path: Path) -> None:
    path = put("operations.h5", tmp_path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        entry = next(one for one in config["config"]["layers"] if one["name"] == "tf.nn.relu")
        entry["inbound_nodes"][0][3]["threshold"] = 2.0
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(
        ValueError, match=r"tf.nn.relu: expected the arguments \['features'\]; received \['threshold'\]"
    ):
        keras.models.load_model(path)


def recurrent(lstm: Any, gru: Any) -> Any:
    both = Bidirectional(lstm(4, return_sequences=True), name="both")
    return keras.Sequential([keras.Input((5, 3)), both, gru(2, name="one"), Dense(1, name="last")])


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize(("lstm", "gru"), [(LSTM, GRU), (CuDNNLSTM, CuDNNGRU)])
def test_weights_for_cudnn_are_brought_into_our_layout(lstm: Any, gru: Any, by_name: bool, tmp_path: Path) -> None:
    model = recurrent(lstm, gru)
    model.load_weights(put("cudnn.layers.h5", tmp_path), by_name=by_name)
    assert_close(model.predict(FACTS["sequence"], verbose=0), FACTS["cudnn"], 1e-5)
    model.save_weights(tmp_path / "again.h5")
    other = recurrent(LSTM, GRU)
    other.load_weights(tmp_path / "again.h5")
    assert_close(other.predict(FACTS["sequence"], verbose=0), FACTS["cudnn"], 1e-5)


def test_a_model_with_layers_for_cudnn_loads(tmp_path: Path) -> None:
    model = keras.models.load_model(put("cudnn.h5", tmp_path))
    assert [type(layer).__name__ for layer in model.layers[1:]] == ["Bidirectional", "CuDNNGRU", "Dense"]
    assert_close(model.predict(FACTS["sequence"], verbose=0), FACTS["cudnn"], 1e-5)


def test_a_gru_without_reset_after_takes_no_weights_for_cudnn(tmp_path: Path) -> None:
    model = recurrent(LSTM, lambda units, **kwargs: GRU(units, reset_after=False, **kwargs))
    with pytest.raises(ValueError, match=r"expected weights of shapes .*\(6,\)\] for GRU 'one'; received .*\(2, 6\)\]"):
        model.load_weights(put("cudnn.layers.h5", tmp_path))


def test_checkpoints_of_tensorflow_are_told(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), Dense(1)])
    for name in ("cp.ckpt.index", "cp.ckpt.data-00000-of-00001", "checkpoint"):
        (tmp_path / name).write_bytes(b"\0" * 64)
    with pytest.raises(FileNotFoundError, match=r"found a checkpoint of TensorFlow\. Load it with TensorFlow"):
        model.load_weights(tmp_path / "cp.ckpt")
    with pytest.raises(ValueError, match=r"received a folder of TensorFlow's checkpoints\. Load it with TensorFlow"):
        model.load_weights(tmp_path)
    (tmp_path / "checkpoint").unlink()
    (tmp_path / "saved_model.pb").write_bytes(b"\0")
    with pytest.raises(ValueError, match="received a TensorFlow SavedModel"):
        keras.models.load_model(tmp_path)


def test_optimizers_of_before_name_their_module(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), Dense(1)])
    model.compile(keras.optimizers.legacy.Adam(0.01, decay=0.5), "mse")
    model.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        optimizer = json.loads(archive.read("config.json"))["compile_config"]["optimizer"]
    assert (optimizer["module"], optimizer["class_name"]) == ("keras.optimizers.legacy", "Adam")
    again = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert type(again) is keras.optimizers.legacy.Adam
    assert int(again.iterations) == 1


def test_skipping_what_does_not_fit(tmp_path: Path) -> None:
    def model(units: int) -> Any:
        return keras.Sequential([keras.Input((2,)), Dense(3, name="first"), Dense(units, name="second")])

    stored, other = model(4), model(5)
    for suffix in (".h5", ".weights.h5", ".keras"):
        path = tmp_path / f"stored{suffix}"
        (stored.save if suffix == ".keras" else stored.save_weights)(path)
        kept = other.get_weights()[2:]
        with pytest.raises(ValueError, match=r"expected .*\(3, 5\).*received .*\(3, 4\)"):
            other.load_weights(path)
        other.layers[0].set_weights([np.zeros((2, 3)), np.zeros(3)])
        other.load_weights(path, skip_mismatch=True)
        np.testing.assert_array_equal(other.get_weights()[0], stored.get_weights()[0])
        for before, after in zip(kept, other.get_weights()[2:], strict=True):
            np.testing.assert_array_equal(before, after)
