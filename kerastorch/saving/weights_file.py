"""Weights alone in files: what `save_weights` and `load_weights` do, whatever the format."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kerastorch.saving import archive, hdf5_file, hdf5_reader, hdf5_weights, torch_files, weights_tree
from kerastorch.saving.atomic import replacing
from kerastorch.saving.hdf5_writer import Group
from kerastorch.saving.kinds import describe_content, found_instead, kind_of_content, kind_of_path


def save_weights(model: Any, filepath: Any, overwrite: bool = True, save_format: str | None = None) -> None:
    """Write the weights of `model`; the suffix chooses the format.

    `.weights.h5`, or none: by the structure of the model, as Keras 3 and tf_keras do; `.h5`, `.hdf5`: Keras 2's
    layout; `.safetensors`, `.pt`, `.pth`: the state_dict. Raises ValueError before the model is built.
    """
    path = Path(os.fspath(filepath))
    label = f"{type(model).__name__} '{model.name}'"
    kind = "hdf5" if save_format in ("h5", "hdf5") else kind_of_path(path, label)
    if not model.built or not model.weights:
        raise ValueError(
            f"{label}: expected a model with weights to save; received one that is not built. Call it on data, or "
            "build it, first."
        )
    if kind == "archive":
        raise ValueError(
            f"{label}: expected a suffix for weights, such as '.weights.h5'; received {str(path)!r}. Call save() to "
            "write a whole model as .keras."
        )
    if not overwrite and path.exists():
        raise ValueError(
            f"{label}: expected a path that does not exist, as overwrite is False; received {str(path)!r}."
        )
    if kind == "hdf5":
        hdf5_weights.save(model, path)
        return
    with replacing(path) as temporary:
        if kind in ("torch", "safetensors"):
            torch_files.write(temporary, torch_files.weights_of(model))
        else:
            root = Group()
            weights_tree.write(root, model, getattr(getattr(model, "optimizer", None), "variables", None))
            hdf5_file.write(temporary, root)


def load_weights(model: Any, filepath: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Read weights into `model` from any file that holds some, whole models included.

    `by_name` matches layers of Keras 2's layout by their names instead of their order; `skip_mismatch` leaves layers
    alone that do not fit. Else nothing is changed when a layer, a count or a shape does not fit (ValueError).
    Raises FileNotFoundError for a missing file.
    """
    path = Path(os.fspath(filepath))
    label = f"{type(model).__name__} '{model.name}', '{path}'"
    if not path.exists():
        raise FileNotFoundError(f"{label}: expected a weights file; found {found_instead(path)}")
    if not model.built:
        raise ValueError(
            f"{label}: expected a model that is built before weights are loaded; received one that is not. Call it on "
            "data, or build it, first."
        )
    path = path / "model.keras" if path.is_dir() and (path / "model.keras").is_file() else path
    kind = kind_of_content(path)
    if kind == "hdf5":
        with hdf5_file.reading(path, label) as file:
            _read_hdf5(file, model, label, by_name, skip_mismatch)
    elif kind == "archive":
        with archive.reading(path, label) as opened, opened.weights() as file:
            _read_hdf5(file, model, label, by_name, skip_mismatch)
    elif kind in ("torch", "safetensors"):
        text, tensors = torch_files.read(path, label)
        whole = text is not None
        tensors = torch_files.weights_alone(tensors) if whole else tensors
        torch_files.read_into(model, tensors, label, by_path=whole)
    else:
        raise ValueError(f"{label}: expected a weights file; received {describe_content(path, kind)}.")


def _read_hdf5(file: hdf5_reader.Group, model: Any, label: str, by_name: bool, skip_mismatch: bool) -> None:
    if hdf5_weights.has_layer_names(file) or file.get("model_weights") is not None:
        found = hdf5_weights.pairs(file, model, label, by_name, skip_mismatch)
    elif by_name:
        raise ValueError(
            f"{label}: expected a file in Keras 2's layout with by_name=True; received one that follows the structure "
            "of the model. Leave by_name out."
        )
    else:
        found = weights_tree.pairs(file, model, label, skip_mismatch)
    weights_tree.assign(found)
