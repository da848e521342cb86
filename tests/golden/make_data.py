"""Writes what tf.data and tf_keras make of the cases of tests/cases_data.py into data.json.

    TF_USE_LEGACY_KERAS=1 python tests/golden/make_data.py

`make_data.py layer_text` prints the cases whose names begin so, and writes nothing.
"""

import contextlib
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras as keras  # noqa: E402

import cases_data  # noqa: E402


@contextlib.contextmanager
def printed():
    """What is written to the screen, which Keras does by a logger of its own."""
    lines = io.StringIO()
    with contextlib.redirect_stdout(lines):
        yield lines


def tools(folder):
    return SimpleNamespace(
        Dataset=tf.data.Dataset,
        TensorSpec=tf.TensorSpec,
        TextLineDataset=tf.data.TextLineDataset,
        CsvDataset=tf.data.experimental.CsvDataset,
        make_csv_dataset=tf.data.experimental.make_csv_dataset,
        dtype=tf.as_dtype,
        tensor=lambda value: [tf.constant(one) for one in value] if isinstance(value, list) else tf.constant(value),
        layers=keras.layers,
        text=keras.preprocessing.text,
        sequence=keras.preprocessing.sequence,
        utils=keras.utils,
        np_utils=keras.utils,
        folder=folder,
        printed=printed,
    )


def main(prefix=""):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases_data.make_files(folder)
        found = {}
        for case, run in cases_data.CASES.items():
            if case.startswith(prefix):
                try:
                    found[case] = run(tools(folder))
                except Exception as error:
                    print("left out:", case, type(error).__name__, str(error)[:300])
    text = json.dumps(found, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    if prefix:
        print(text)
    else:
        (HERE / "data.json").write_text(text + "\n", encoding="utf-8")
        write_models()
        print(len(found), "cases,", len(text), "bytes")


def write_models():
    """Whole models in files, with what they predict."""
    predictions = {}
    with tempfile.TemporaryDirectory() as name:
        keras.utils.set_random_seed(1)
        for model_name, make in cases_data.MODELS.items():
            model = make(keras)
            model.save(f"{name}/{model_name}.keras")
            predictions[model_name] = model.predict(cases_data.MODEL_INPUTS[model_name], verbose=0)
        np.savez_compressed(f"{name}/predictions.npz", **predictions)
        with zipfile.ZipFile(HERE / "files" / "data_layers.zip", "w") as archive:
            for path in sorted(Path(name).iterdir()):
                info = zipfile.ZipInfo(path.name, (2020, 1, 1, 0, 0, 0))
                archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(*sys.argv[1:])
