"""Makes the model files of other libraries that the tests read, with what the models in them predict.

    TF_USE_LEGACY_KERAS=1 python tests/golden/make_files.py tf_keras
    KERAS_BACKEND=torch python tests/golden/make_files.py keras
    python tests/golden/make_files.py tensorflow.keras keras_2_10      # with tensorflow 2.10
    python tests/golden/make_files.py keras keras_2_0                  # with Keras 2.0.8 on tensorflow 1.15

The second argument names the zip in tests/golden/files. Models that a library cannot make are left out. Runs on
Python 3.7 too, which the oldest libraries need.
"""

import importlib
import sys
import tempfile
import traceback
import types
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402

import cases_files  # noqa: E402


def first_version(keras, version):
    """Keras before 2.4, seen as its later versions are."""

    def sequential(layers):
        # these take the layer of an input, not its tensor
        return keras.models.Sequential([getattr(one, "_keras_history", [one])[0] for one in layers])

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


def main(library, label):
    keras = importlib.import_module(library)
    version = tuple(map(int, keras.__version__.split("-")[0].split(".")[:2]))
    print(library, keras.__version__)
    own = keras if version >= (2, 4) else first_version(keras, version)
    formats = [suffix for suffix in cases_files.FORMATS if version >= (2, 13) or suffix == ".h5"]
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in cases_files.MODELS:
            try:
                write(own, name, formats, Path(folder), results)
            except Exception as error:  # whatever a library does not know
                print(f"left out: {name}: {type(error).__name__}: {str(error)[:150]}")
                if "-v" in sys.argv:
                    traceback.print_exc()
                for path in Path(folder).glob(f"{name}.*"):
                    path.unlink()
        np.savez_compressed(f"{folder}/predictions.npz", **results)
        (HERE / "files").mkdir(exist_ok=True)
        with zipfile.ZipFile(str(HERE / "files" / f"{label}.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(folder).iterdir()):
                info = zipfile.ZipInfo(path.name, (2020, 1, 1, 0, 0, 0))
                archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)


def write(keras, name, formats, folder, results):
    """The files of a model, what it predicts, and what it predicts after a further step of training."""
    model = cases_files.make(keras, name)
    if name == "subclassed":
        model.save_weights(str(folder / f"{name}.weights.h5"))
    elif not name.startswith("optimizer_"):
        for suffix in formats:
            (model.save_weights if suffix == ".weights.h5" else model.save)(str(folder / f"{name}{suffix}"))
        (folder / f"{name}.json").write_text(model.to_json())
    else:
        for suffix in formats[:2]:
            model.save(str(folder / f"{name}{suffix}"))
    found = {f"{name}/{i}": output for i, output in enumerate(cases_files.predict(model, name))}
    if name != "sequential":  # it has a Dropout
        cases_files.train(model, name)
        found.update({f"{name}/trained/{i}": out for i, out in enumerate(cases_files.predict(model, name))})
    results.update(found)


if __name__ == "__main__":
    arguments = [one for one in sys.argv[1:] if one != "-v"]
    main(arguments[0], arguments[-1])
