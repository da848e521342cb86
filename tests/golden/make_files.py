"""Makes the model files of other libraries that the tests read, with what the models in them predict.

    TF_USE_LEGACY_KERAS=1 python tests/golden/make_files.py tf_keras
    KERAS_BACKEND=torch python tests/golden/make_files.py keras
    KERAS_BACKEND=tensorflow python tests/golden/make_files.py keras keras stateful   # torch refuses this one
    python tests/golden/make_files.py tensorflow.keras keras_2_10      # with tensorflow 2.10
    python tests/golden/make_files.py keras keras_2_0                  # with Keras 2.0.8 on tensorflow 1.15
    TF_USE_LEGACY_KERAS=1 python tests/golden/make_files.py --train keras_2_0

The second argument names the zip in tests/golden/files, and those behind it the only models to make. Models that a
library cannot make are left out. On TensorFlow 1 an optimizer reads its counter and its weights before or after they
have changed, by chance: what these models predict after a further step is asked of tf_keras, by --train. Runs on
Python 3.7 too, which the oldest libraries need.
"""

import contextlib
import importlib
import sys
import tempfile
import types
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402

import cases_files  # noqa: E402


def first_version(keras):
    """Keras before 2.4, seen as its later versions are."""

    def sequential(layers, name=None):
        # these take no Input, and forget an InputLayer when they are saved
        if hasattr(layers[0], "_keras_history"):
            layers[1].batch_input_shape = keras.backend.int_shape(layers[0])
            layers[1].dtype = keras.backend.dtype(layers[0])
            layers = layers[1:]
        return keras.models.Sequential(layers, name=name)

    module = types.ModuleType("keras")
    module.__dict__.update(
        layers=keras.layers,
        Input=lambda shape=None, batch_shape=None, name=None: keras.layers.Input(
            shape=shape, batch_shape=batch_shape, name=name
        ),
        Sequential=sequential,
        Model=keras.models.Model,
        backend=types.SimpleNamespace(clear_session=keras.backend.clear_session),
        optimizers=keras.optimizers,
        set_value=keras.backend.set_value,
        saving=types.SimpleNamespace(register_keras_serializable=lambda package: lambda one: one),
    )
    return module


def main(library, label, names):
    keras = importlib.import_module(library)
    full = getattr(keras, "__version__", "2.15")  # TensorFlow 2.15 hides it
    version = tuple(map(int, full.split("-")[0].split(".")[:2]))
    print(library, full)
    own = keras if version >= (2, 4) else first_version(keras)
    formats = [suffix for suffix in cases_files.FORMATS if version >= (2, 13) or suffix != ".keras"]
    with unpacked(label, bool(names)) as (folder, results):
        for name in names or cases_files.MODELS:
            try:
                results.update(write(own, name, formats, folder))
            except Exception as error:  # whatever a library does not know
                print(f"left out: {name}: {type(error).__name__}: {str(error)[:150]}")
                for path in folder.glob(f"{name}.*"):
                    path.unlink()


@contextlib.contextmanager
def unpacked(label, keep=True):
    """A folder with the files of a zip, and the arrays in it; both are packed again at the end."""
    place = HERE / "files" / f"{label}.zip"
    with tempfile.TemporaryDirectory() as name:
        folder, results = Path(name), {}
        if keep:
            with zipfile.ZipFile(str(place)) as archive:
                archive.extractall(name)
            with np.load(f"{name}/predictions.npz") as arrays:
                results.update(arrays)
        yield folder, results
        np.savez_compressed(f"{name}/predictions.npz", **results)
        place.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(str(place), "w") as archive:
            for path in sorted(folder.iterdir()):
                info = zipfile.ZipInfo(path.name, (2020, 1, 1, 0, 0, 0))
                archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)


def write(keras, name, formats, folder):
    """Write the files of a model; return what it predicts, and what it does after a further step of training."""
    model = cases_files.make(keras, name)
    if name == "subclassed":
        model.save_weights(str(folder / f"{name}.weights.h5"))
    elif not name.startswith("optimizer_"):
        for suffix in formats:
            (model.save_weights if suffix == ".weights.h5" else model.save)(str(folder / f"{name}{suffix}"))
        (folder / f"{name}.json").write_text(model.to_json())
    else:
        for suffix in formats[:-1]:
            model.save(str(folder / f"{name}{suffix}"))
    found = {f"{name}/{i}": output for i, output in enumerate(cases_files.predict(model, name))}
    return {**found, **trained(model, name)}


def trained(model, name):
    """What a model predicts after a further step."""
    if name == "sequential":  # it has a Dropout
        return {}
    cases_files.train(model, name)
    return {f"{name}/trained/{i}": output for i, output in enumerate(cases_files.predict(model, name))}


def train(label):
    """Let tf_keras load the whole models of a zip, and make the further step."""
    keras = importlib.import_module("tf_keras")
    scale, cubed = cases_files.own_layer(keras)
    with unpacked(label) as (folder, results):
        for path in sorted(folder.glob("*.h5")):
            name, _, suffix = path.name.partition(".")
            if suffix != "h5":
                continue
            for key in [key for key in results if key.startswith(f"{name}/trained/")]:
                del results[key]
            try:
                model = keras.models.load_model(str(path), {"Scale": scale, "cubed": cubed})
            except ValueError as error:
                print(f"left out: {name}: {str(error)[:150]}")
                continue
            if int(model.optimizer.iterations) == 1 or name == "optimizer_sgd":  # which has no state
                results.update(trained(model, name))
            else:
                print(f"left out: {name}: tf_keras does not take over the state of its optimizer")


if __name__ == "__main__":
    if sys.argv[1] == "--train":
        train(sys.argv[2])
    else:
        main(sys.argv[1], (sys.argv[2:] or sys.argv[1:])[0], sys.argv[3:])
