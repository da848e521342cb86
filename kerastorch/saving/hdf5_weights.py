"""Weights in Keras 2's HDF5 layout: a group a layer, its weights named in the attribute 'weight_names'."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.saving.atomic import replacing


def save_weights(model: Any, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write the weights of every layer of `model`; ValueError before the model is built."""
    import h5py  # an optional moment: most programs never save

    if not model.built or not model.weights:
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected a model with weights to save; received one that is not "
            "built. Call it on data, or build it, first."
        )
    if not overwrite and os.path.exists(path):
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected a path that does not exist, as overwrite is False; "
            f"received {os.fspath(path)!r}."
        )
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        write_layers(file, model)


def write_layers(group: Any, model: Any) -> None:
    """Write the layers of `model` into an open HDF5 group."""
    layers = model.layers
    group.attrs["layer_names"] = [layer.name.encode() for layer in layers]
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = b"2.15.0"
    for layer in layers:
        _write_weights(group.create_group(layer.name), legacy_order(layer))
    held = {id(weight) for layer in layers for weight in layer.weights}
    own = [weight for weight in model.weights if id(weight) not in held]
    _write_weights(group.create_group("top_level_model_weights"), own)


def _write_weights(group: Any, weights: Sequence[Any]) -> None:
    # a parameter of torch has the attribute, and it is None
    names = _distinct([getattr(weight, "name", None) or f"weight_{index}:0" for index, weight in enumerate(weights)])
    group.attrs["weight_names"] = [name.encode() for name in names]
    for name, weight in zip(names, weights, strict=True):
        group.create_dataset(name, data=np.ascontiguousarray(weight.detach().cpu().numpy()))


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name.removesuffix(':0')}_{seen[name] - 1}:0")
    return result


def legacy_order(layer: Any) -> list[Any]:
    """The order in which Keras 2 writes the weights of a layer: trainable ones, then the others."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def load_weights(model: Any, path: str | os.PathLike[str], by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Read weights into `model`, by the order of its layers or by their names.

    Nothing is changed when a layer, a count or a shape does not fit (ValueError), unless `skip_mismatch` is set with
    `by_name`. Raises FileNotFoundError for a missing file and ValueError for one that is no HDF5.
    """
    import h5py

    if not os.path.exists(path):
        raise FileNotFoundError(
            f"{type(model).__name__} '{model.name}': expected a weights file; found nothing at {os.fspath(path)!r}. "
            "Check the path and the working directory."
        )
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected a model that is built before weights are loaded; "
            "received one that is not. Call it on data, or build it, first."
        )
    if not h5py.is_hdf5(path):
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected an HDF5 file; received {os.fspath(path)!r}, not one. "
            "Check that the download or copy is complete."
        )
    with h5py.File(path, "r") as file:
        group = file["model_weights"] if "layer_names" not in file.attrs and "model_weights" in file else file
        pairs = _match_by_name(model, group, skip_mismatch) if by_name else _match_by_order(model, group)
        for target, value in pairs:
            target.assign(value) if hasattr(target, "assign") else target.data.copy_(_tensor(value))


def _tensor(value: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(value))


def _read(group: Any, name: str) -> list[np.ndarray]:
    layer = group[name]
    return [np.asarray(layer[weight]) for weight in _names(layer, "weight_names")]


def _names(group: Any, attribute: str) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs.get(attribute, ())]


def _match_by_order(model: Any, group: Any) -> list[tuple[Any, np.ndarray]]:
    mine = [layer for layer in model.layers if layer.weights]
    theirs = [name for name in _names(group, "layer_names") if _names(group[name], "weight_names")]
    if len(mine) != len(theirs):
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected a file with weights for {len(mine)} layers; received one "
            f"with {len(theirs)}. Build the model that the file was saved from, or pass by_name=True."
        )
    pairs: list[tuple[Any, np.ndarray]] = []
    for layer, name in zip(mine, theirs, strict=True):
        pairs += _match_layer(layer, name, _read(group, name))
    held = {id(weight) for layer in model.layers for weight in layer.weights}
    own = [weight for weight in model.weights if id(weight) not in held]
    if own and "top_level_model_weights" in group:
        pairs += zip(own, _read(group, "top_level_model_weights"), strict=True)
    return pairs


def _match_by_name(model: Any, group: Any, skip_mismatch: bool) -> list[tuple[Any, np.ndarray]]:
    layers = {layer.name: layer for layer in model.layers}
    pairs: list[tuple[Any, np.ndarray]] = []
    for name in _names(group, "layer_names"):
        if name not in layers:
            continue
        values = _read(group, name)
        if skip_mismatch and _misfit(layers[name], values):
            continue
        pairs += _match_layer(layers[name], name, values)
    return pairs


def _misfit(layer: Any, values: Sequence[np.ndarray]) -> bool:
    weights = legacy_order(layer)
    return len(weights) != len(values) or any(
        tuple(weight.shape) != value.shape for weight, value in zip(weights, values, strict=True)
    )


def _match_layer(layer: Any, name: str, values: list[np.ndarray]) -> list[tuple[Any, np.ndarray]]:
    weights = legacy_order(layer)
    if _misfit(layer, values):
        wanted = [tuple(weight.shape) for weight in weights]
        found = [value.shape for value in values]
        raise ValueError(
            f"{type(layer).__name__} '{layer.name}': expected weights of shapes {wanted}; received {found} from layer "
            f"{name!r} of the file. Build the same model, or pass by_name=True with skip_mismatch=True."
        )
    return list(zip(weights, values, strict=True))
