"""Weights in Keras 2's HDF5 layout: a group a layer, its weights named in the attribute 'weight_names'."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerastorch.engine.weights import unique
from kerastorch.saving import hdf5_file
from kerastorch.saving.atomic import replacing
from kerastorch.saving.weights_tree import Pair, as_array


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights of every layer of `model`."""
    import h5py  # an optional moment: most programs never save

    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        write_layers(file, model)


def write_layers(group: Any, model: Any) -> None:
    """Write the layers of `model` into an open HDF5 group."""
    layers = model.layers
    hdf5_file.write_names(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = b"2.15.0"
    for layer in layers:
        write_arrays(group.create_group(layer.name), layer_weights(layer))
    write_arrays(group.create_group("top_level_model_weights"), _own(model))


def write_arrays(group: Any, weights: Sequence[Any]) -> None:
    """Write weights under their names, which are listed in their order."""
    # a parameter of torch has the attribute, and it is None
    names = _distinct([getattr(weight, "name", None) or f"weight_{index}:0" for index, weight in enumerate(weights)])
    hdf5_file.write_names(group, "weight_names", names)
    for name, weight in zip(names, weights, strict=True):
        group.create_dataset(name, data=as_array(weight))


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name.removesuffix(':0')}_{seen[name] - 1}:0")
    return result


def layer_weights(layer: Any) -> list[Any]:
    """The order in which Keras 2 writes the weights of a layer: trainable ones, then the others."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _own(model: Any) -> list[Any]:
    """The weights that the model holds itself, outside of its layers."""
    held = {id(weight) for layer in model.layers for weight in layer.weights}
    return unique(weight for weight in model.weights if id(weight) not in held)


def pairs(file: Any, model: Any, label: str, by_name: bool = False, skip_mismatch: bool = False) -> list[Pair]:
    """Every weight with its dataset, by the order of the layers or by their names.

    Raises ValueError, naming layer and shapes, when a layer, a count or a shape does not fit.
    """
    group = file
    if "layer_names" not in file.attrs and "layer_names0" not in file.attrs:
        group = hdf5_file.group(file, "model_weights", label)
        if group is None:
            raise ValueError(f"{label}: expected weights of Keras; received an HDF5 file of something else.")
    match = _match_by_name if by_name else _match_by_order
    return match(model, group, label, skip_mismatch)


def read_arrays(file: Any, name: str, label: str) -> tuple[list[str], list[np.ndarray]]:
    """Names and arrays of a group; both are empty where there is none."""
    group = hdf5_file.group(file, name, label) if name in file else None
    if group is None:
        return [], []
    names = hdf5_file.names(group, "weight_names", label)
    return names, [hdf5_file.array(group, one, label) for one in names]


def _datasets(group: Any, name: str, label: str) -> list[Any]:
    layer = hdf5_file.group(group, name, label)
    if layer is None:
        raise ValueError(f"{label}: expected a group for layer {name!r}; received a file without it. Copy it again.")
    return [hdf5_file.dataset(layer, one, label) for one in hdf5_file.names(layer, "weight_names", label)]


def _match_by_order(model: Any, group: Any, label: str, skip_mismatch: bool) -> list[Pair]:
    mine = [layer for layer in model.layers if layer.weights]
    theirs = [(name, _datasets(group, name, label)) for name in hdf5_file.names(group, "layer_names", label)]
    theirs = [(name, datasets) for name, datasets in theirs if datasets]
    if len(mine) != len(theirs):
        raise ValueError(
            f"{label}: expected a file with weights for {len(mine)} layers; received one with {len(theirs)}. "
            "Build the model that the file was saved from, or pass by_name=True."
        )
    found: list[Pair] = []
    for layer, (name, datasets) in zip(mine, theirs, strict=True):
        if not (skip_mismatch and _misfit(layer, datasets)):
            found += _match_layer(layer, name, datasets, label)
    own = _own(model)
    if own and "top_level_model_weights" in group:
        found += zip(own, _datasets(group, "top_level_model_weights", label), strict=True)
    return found


def _match_by_name(model: Any, group: Any, label: str, skip_mismatch: bool) -> list[Pair]:
    layers = {layer.name: layer for layer in model.layers}
    found: list[Pair] = []
    for name in hdf5_file.names(group, "layer_names", label):
        if name in layers:
            datasets = _datasets(group, name, label)
            if not (skip_mismatch and _misfit(layers[name], datasets)):
                found += _match_layer(layers[name], name, datasets, label)
    return found


def _misfit(layer: Any, datasets: Sequence[Any]) -> bool:
    weights = layer_weights(layer)
    return len(weights) != len(datasets) or any(
        tuple(weight.shape) != tuple(dataset.shape) for weight, dataset in zip(weights, datasets, strict=True)
    )


def _match_layer(layer: Any, name: str, datasets: Sequence[Any], label: str) -> list[Pair]:
    weights = layer_weights(layer)
    if _misfit(layer, datasets):
        wanted = [tuple(weight.shape) for weight in weights]
        found = [tuple(dataset.shape) for dataset in datasets]
        raise ValueError(
            f"{label}: expected weights of shapes {wanted} for {type(layer).__name__} '{layer.name}'; received {found} "
            f"from layer {name!r} of the file. Build the same model, or pass by_name=True with skip_mismatch=True."
        )
    return list(zip(weights, datasets, strict=True))
