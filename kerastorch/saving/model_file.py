"""Whole models in files: `save_model` and `load_model`, whatever the format."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kerastorch.core import registry
from kerastorch.engine.context import call_context
from kerastorch.layers import deserialize
from kerastorch.saving import (
    archive,
    compiled,
    dialects,
    hdf5_file,
    hdf5_weights,
    state_file,
    torch_files,
    weights_tree,
)
from kerastorch.saving.atomic import replacing
from kerastorch.saving.errors import UnsafeFile
from kerastorch.saving.hdf5_writer import Array, Group, Hdf5Writer
from kerastorch.saving.incoming import ConfigReader
from kerastorch.saving.kinds import describe_content, found_instead, kind_of_content, kind_of_path

_NOT_STORED = 1 << 20  # how many numbers layers may make room for that their authors do not store
KERAS_VERSION = "2.15.0"  # what readers of the file take it for
# What building a model from a wrong config may raise.
_BROKEN = (TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError, MemoryError)


def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> None:
    """Write architecture, weights, what the model was compiled with, and the optimizer's state.

    The suffix chooses the format: `.keras`, `.h5` or `.hdf5` (Keras 2's layout), `.safetensors`, `.pt` or `.pth`; a
    path without one becomes a folder. The file appears whole or not at all.
    Raises ValueError for a suffix that is none of these, a model that is not built, and an existing file when
    `overwrite` is False; NotImplementedError for a layer without a config.
    """
    path = Path(os.fspath(filepath))
    label = f"save '{path}'"
    kind = "hdf5" if save_format in ("h5", "hdf5") else kind_of_path(path, label)
    if kind == "weights":
        raise ValueError(
            f"{label}: expected the suffix of a whole model; received '.weights.h5'. Call save_weights(), or use "
            "'.keras'."
        )
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected a built model to save; received one that is not. "
            "Call it on data, or build it, first."
        )
    if kind == "folder":
        path = path / _INNER
        kind = "archive"
    if not overwrite and path.exists():
        raise ValueError(
            f"{label}: expected a path that does not exist, as overwrite is False; received {str(path)!r}."
        )
    for_keras_3 = kind == "archive"
    functions = kind != "hdf5"
    config = dialects.archived(dialects.exchanged(dialects.describe(model), for_keras_3), functions)
    training = dialects.plain(compiled.to_config(model)) if include_optimizer else None
    training = dialects.archived(dialects.exchanged(training, for_keras_3), functions)
    _WRITERS[kind](path, model, config, training)


_INNER = "model.keras"  # the archive in a folder


def _write_archive(path: Path, model: Any, config: dict[str, Any], training: dict[str, Any] | None) -> None:
    description = config if training is None else {**config, "compile_config": training}
    metadata = {"keras_version": KERAS_VERSION, "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    root = Group()
    named = training is not None and training["optimizer"] is not None
    weights_tree.write(root, model, compiled.variables_for_keras_3(model.optimizer) if named else None)
    _write_training_state(root, model, training, path)
    with replacing(path) as temporary:
        archive.write(temporary, metadata, json.dumps(description), Hdf5Writer(root))


def _write_hdf5(path: Path, model: Any, config: dict[str, Any], training: dict[str, Any] | None) -> None:
    root = Group()
    root.attributes |= {"backend": "tensorflow", "keras_version": KERAS_VERSION, "model_config": json.dumps(config)}
    hdf5_weights.write_layers(root.group("model_weights"), model)
    if training is not None:
        optimizer = training.pop("optimizer")
        training["optimizer_config"] = optimizer
        root.attributes["training_config"] = json.dumps(training)
        if optimizer is not None:
            hdf5_weights.write_arrays(root.group("optimizer_weights"), model.optimizer.variables)
    _write_training_state(root, model, training, path)
    with replacing(path) as temporary:
        hdf5_file.write(temporary, root)


def _write_training_state(root: Group, model: Any, training: dict[str, Any] | None, path: Path) -> None:
    state = None if training is None else state_file.of_model(model, f"save '{path}'")
    if state is not None:
        root.put(state_file.NAME, Array(state))


def _write_torch(path: Path, model: Any, config: dict[str, Any], training: dict[str, Any] | None) -> None:
    with replacing(path) as temporary:
        torch_files.write_model(temporary, model, {"config": config, "training": training})


_WRITERS = {"archive": _write_archive, "hdf5": _write_hdf5, "torch": _write_torch, "safetensors": _write_torch}


def load_model(
    filepath: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model in a file that any version of Keras, or `save`, has written; it goes on training where it stopped.

    Classes and functions of your own are found in `custom_objects` or where `register_keras_serializable` has put
    them; nothing is imported, and no code of the file runs unless `safe_mode` is False.
    Raises FileNotFoundError, and ValueError for a file that holds no model, not all of one, or what no model needs.
    """
    path = Path(os.fspath(filepath))
    label = f"load_model '{path}'"
    if path.is_dir():
        path = path / _INNER if (path / _INNER).is_file() else path
    if not path.exists():
        raise FileNotFoundError(f"{label}: expected a model file; found {found_instead(path)}")
    kind = kind_of_content(path)
    if kind not in _READERS:
        raise ValueError(f"{label}: expected a model file; received {describe_content(path, kind)}.")
    with registry.custom_object_scope(custom_objects):
        return _READERS[kind](path, label, compile, safe_mode)


def _read_archive(path: Path, label: str, compile: bool, safe_mode: bool) -> Any:
    with archive.reading(path, label) as opened:
        config = opened.json(archive.CONFIG)
        with opened.weights() as file:
            model = _build(config, hdf5_file.count_numbers(file, label), label, safe_mode)
            weights_tree.assign(weights_tree.pairs(file, model, label))
            _take_vocabularies(opened, model)
            name, arrays = weights_tree.optimizer_arrays(file, label)
            state = _training_state(file, label)
    if compile and config.get("compile_config") is not None:
        training = config["compile_config"]
        if isinstance(training, dict) and training.get("optimizer") is None and name is not None:
            # Keras 3 forgets it once a model has been saved as .h5; beside its state it stands as 'rm_sprop'
            training["optimizer"] = name.replace("_", "")
        _compile(model, training, arrays, (), label, safe_mode, state)
    return model


def _take_vocabularies(opened: archive.Archive, model: Any) -> None:
    """Words that tf_keras and Keras 3 keep in text files of the archive."""
    for path, _, item in weights_tree.objects(model):
        text = opened.text(f"assets/{path}/vocabulary.txt") if hasattr(item, "load_vocabulary") else None
        if text is not None:
            item.load_vocabulary(text)


def _training_state(file: Any, label: str) -> Any:
    found = file.get(state_file.NAME)
    return None if found is None else hdf5_file.dataset(file, state_file.NAME, label).read()


def _read_hdf5(path: Path, label: str, compile: bool, safe_mode: bool) -> Any:
    with hdf5_file.reading(path, label) as file:
        text = hdf5_file.text(file, "model_config", label)
        if text is None:
            raise ValueError(
                f"{label}: expected a whole model; received a file of weights alone. Build the model in code and call "
                "model.load_weights(path)."
            )
        config = archive.parse_json(text, f"{label}: model_config")
        model = _build(config, hdf5_file.count_numbers(file, label), label, safe_mode)
        weights_tree.assign(hdf5_weights.pairs(file, model, label))
        training = hdf5_file.text(file, "training_config", label)
        if compile and training is not None:
            description = archive.parse_json(training, f"{label}: training_config")
            if isinstance(description, dict):
                description["optimizer"] = description.get("optimizer_config")
            names, arrays = hdf5_weights.read_arrays(file, "optimizer_weights", label)
            _compile(model, description, arrays, names, label, safe_mode, _training_state(file, label))
    return model


def _read_torch(path: Path, label: str, compile: bool, safe_mode: bool) -> Any:
    description, weights, arrays, state = torch_files.read_model(path, label)
    model = _build(description["config"], sum(value.numel() for value in weights.values()), label, safe_mode)
    torch_files.read_into(model, weights, label, by_path=True)
    if compile and description.get("training") is not None:
        _compile(model, description["training"], arrays, (), label, safe_mode, state)
    return model


_READERS = {"archive": _read_archive, "hdf5": _read_hdf5, "torch": _read_torch, "safetensors": _read_torch}


def model_of(config: Any, label: str, safe_mode: bool) -> Any:
    """The model that a config in the words of any Keras version describes; ValueError for anything else."""
    if not isinstance(config, Mapping) or not isinstance(config.get("class_name"), str):
        raise ValueError(f"{label}: expected the config of a model; received one without a class_name.")
    build = config.get("build_config")
    with _errors_named(label):
        model = deserialize(ConfigReader(registry.custom_objects, label, safe_mode is not False).read(config))
        if not hasattr(model, "layers"):
            raise ValueError(f"expected a model; received the config of a {type(model).__name__} layer.")
        shape = build.get("input_shape") if isinstance(build, Mapping) else None
        if not model.built and shape is not None:
            model.build(tuple(shape))
    return model


def _build(config: Any, numbers: int, label: str, safe_mode: bool) -> Any:
    """A model whose weights have no values yet: hardly more of them than the file has numbers."""
    before, call_context.weights_left = call_context.weights_left, numbers + _NOT_STORED
    try:
        return model_of(config, label, safe_mode)
    finally:
        call_context.weights_left = before


def _compile(
    model: Any, training: Any, arrays: Any, names: Any, label: str, safe_mode: bool, state: Any = None
) -> None:
    if not isinstance(training, dict):
        raise ValueError(f"{label}: expected what the model was compiled with; received {training!r}.")
    with _errors_named(label):
        described = ConfigReader(registry.custom_objects, label, safe_mode is not False).read(training)
        compiled.compile_from(model, described, registry.custom_objects)
        compiled.restore_optimizer(model, arrays, names)
    if state is not None:
        state_file.give_to_model(model, state, label)


@contextlib.contextmanager
def _errors_named(label: str) -> Iterator[None]:
    """What a wrong config makes constructors raise, as a ValueError that names the file."""
    try:
        yield
    except UnsafeFile:
        raise
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from error
    except _BROKEN as error:
        raise ValueError(
            f"{label}: expected the config of a model that can be built; received one that cannot "
            f"({type(error).__name__}: {error}). Check that the file is complete; pass custom_objects for classes of "
            "your own."
        ) from error
