"""Writes the models of cases_files.py with one library, and tells how far another one gets with the files.

python tests/file_exchange.py write tf_keras folder
python tests/file_exchange.py read keras folder
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import cases_files

WHOLE, LAYERS, JSON, KERAS, TREE = FORMATS = (".h5", ".layers.h5", ".json", ".keras", ".weights.h5")
LOADS, COMPILES, PREDICTS, STATE, TRAINS = STEPS = ("loads", "compiles", "predicts", "state", "trains")
TOLERANCE = 1e-5
# BatchNormalization over few numbers: a step in float32 is 1.4e-4 away from the one in float64, in all libraries
STEP_TOLERANCES = {"application": 5e-4}
FACTS = "predictions.npz"

# What a library raises for a file is its result, whatever it is.
ANY_ERROR = Exception


def write(keras: Any, folder: Path, names: list[str]) -> dict[str, str]:
    """Write all models in all formats, and what they predict now and a step later; return why a file is missing."""
    results: dict[str, np.ndarray] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            model = cases_files.make(keras, name)
        except ANY_ERROR as error:
            missing.update({name + suffix: reason(error) for suffix in FORMATS})
            continue
        # .keras first: once it has written .h5, Keras 3 forgets what the model was compiled with
        for suffix in (KERAS, WHOLE) if name.startswith("optimizer_") else (KERAS, WHOLE, LAYERS, JSON, TREE):
            if name == "subclassed" and suffix != TREE:
                continue  # its class stands in no file
            path = folder / f"{name}{suffix}"
            try:
                if suffix == JSON:
                    path.write_text(model.to_json())
                else:
                    (model.save if suffix in (WHOLE, KERAS) else model.save_weights)(str(path))
            except ANY_ERROR as error:
                path.unlink(missing_ok=True)
                missing[path.name] = reason(error)
        results.update({f"{name}/{i}": output for i, output in enumerate(cases_files.predict(model, name))})
        if name != "sequential":  # it has a Dropout
            cases_files.train(model, name)
            results.update({f"{name}/trained/{i}": out for i, out in enumerate(cases_files.predict(model, name))})
    np.savez_compressed(folder / FACTS, **results)
    return missing


def read(keras: Any, folder: Path, names: list[str]) -> dict[str, dict[str, str]]:
    """By file: how each step that applies to its format went: 'yes', or why not."""
    with np.load(folder / FACTS) as archive:
        facts = dict(archive)
    found = {}
    for path in sorted(folder.iterdir()):
        name, _, suffix = path.name.partition(".")
        if f".{suffix}" in FORMATS and name in names:
            found[path.name] = one_file(keras, path, name, f".{suffix}", facts)
    return found


def one_file(keras: Any, path: Path, name: str, suffix: str, facts: dict[str, np.ndarray]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for compile in (True, False):
        with step(answers, LOADS):
            model = load(keras, path, name, suffix, compile)
        if answers[LOADS] == "yes" or suffix not in (KERAS, WHOLE):
            break
        answers[COMPILES] = answers[LOADS]
    if answers[LOADS] != "yes":
        answers.pop(COMPILES, None)
        return answers
    with step(answers, PREDICTS):
        compare(model, name, f"{name}/", facts, TOLERANCE)
    if suffix in (WHOLE, KERAS) and getattr(model, "optimizer", None) is not None:
        with step(answers, STATE):
            compare_state(model.optimizer, path)
        if f"{name}/trained/0" in facts:
            with step(answers, TRAINS):
                cases_files.train(model, name)
                compare(model, name, f"{name}/trained/", facts, STEP_TOLERANCES.get(name, TOLERANCE))
    return answers


@contextlib.contextmanager
def step(answers: dict[str, str], name: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
        answers[name] = "yes"
    except ANY_ERROR as error:
        answers[name] = reason(error)


def reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def load(keras: Any, path: Path, name: str, suffix: str, compile: bool) -> Any:
    scale, cubed = cases_files.own_layer(keras)
    own = {"Scale": scale, "cubed": cubed}
    if suffix in (KERAS, WHOLE):
        return keras.models.load_model(str(path), custom_objects=own, compile=compile)
    text = path.with_name(f"{name}{JSON}")
    if text.exists():  # what code makes may have other defaults than it had
        model = keras.models.model_from_json(text.read_text(), custom_objects=own)
    else:
        model = cases_files.make(keras, name)
    if suffix == JSON:
        path = next(p for p in (path.with_name(name + s) for s in (LAYERS, TREE, WHOLE)) if p.exists())
    model.load_weights(str(path))
    return model


def compare(model: Any, name: str, prefix: str, facts: dict[str, np.ndarray], tolerance: float) -> None:
    for i, output in enumerate(cases_files.predict(model, name)):
        expected = facts[f"{prefix}{i}"]
        difference = float(np.abs(output - expected).max()) / max(float(np.abs(expected).max()), 1e-3)
        if not difference <= tolerance:
            raise ValueError(f"differs by {difference:.2g} of the largest value")


def compare_state(optimizer: Any, path: Path) -> None:
    """The optimizer has all arrays of the file that are not zero, and no others; SGD may need none of them."""
    variables = optimizer.variables() if callable(optimizer.variables) else optimizer.variables
    slots = [array for variable in variables if (array := to_numpy(variable)).ndim]
    stored = [array for array in stored_state(path) if array.ndim]
    for these, those in ((slots, stored), (stored, slots)):
        if slots and not all(any(np.array_equal(one, other) for other in those) for one in these if one.any()):
            raise ValueError("the optimizer has other arrays than the file")
    steps = [int(array) for array in stored_state(path) if array.ndim == 0 and array.dtype.kind == "i"]
    if steps and int(to_numpy(optimizer.iterations)) not in steps:
        raise ValueError(f"iterations is {int(to_numpy(optimizer.iterations))}, in the file {steps}")


def to_numpy(variable: Any) -> np.ndarray:
    value = variable.detach() if hasattr(variable, "detach") else variable
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def stored_state(path: Path) -> list[np.ndarray]:
    """The arrays of the optimizer in a file."""
    data = path.read_bytes()
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read("model.weights.h5")
    found: list[np.ndarray] = []
    with h5py.File(io.BytesIO(data)) as file:
        group = file.get("optimizer_weights", file.get("optimizer"))
        if group is not None:
            group.visititems(lambda _, one: found.append(one[()]) if isinstance(one, h5py.Dataset) else None)
    return found


COMMANDS: dict[str, Callable[[Any, Path, list[str]], Any]] = {
    "write": write,
    "read": read,
}


def main(command: str, library: str, folder: str, *names: str) -> None:
    keras = importlib.import_module(library)
    answer = COMMANDS[command](keras, Path(folder), list(names) or list(cases_files.MODELS))
    print(json.dumps({"version": keras.__version__, "answer": answer}))


if __name__ == "__main__":
    main(*sys.argv[1:])
