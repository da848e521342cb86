"""Weights in Keras 2's HDF5 layout: a group a layer, its weights named in the attribute 'weight_names'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerastorch.engine.weights import unique
from kerastorch.layers.recurrent.cudnn import from_cudnn
from kerastorch.saving import hdf5_file, hdf5_reader
from kerastorch.saving.atomic import replacing
from kerastorch.saving.hdf5_writer import Array, Group
from kerastorch.saving.weights_tree import Pair


def save(model: Any, path: Path) -> None:
    """Write the weights of every layer of `model`."""
    root = Group()
    write_layers(root, model)
    with replacing(path) as temporary:
        hdf5_file.write(temporary, root)


def write_layers(group: Group, model: Any) -> None:
    """Put the weights of the layers of `model` into a group."""
    layers = model.layers
    hdf5_file.write_names(group, "layer_names", [layer.name for layer in layers])
    group.attributes |= {"backend": "tensorflow", "keras_version": "2.15.0"}
    for layer in layers:
        write_arrays(group.group(layer.name), layer_weights(layer))
    write_arrays(group.group("top_level_model_weights"), _own(model))


def write_arrays(group: Group, weights: Sequence[Any]) -> None:
    """Put weights into a group under their names, which are listed in their order."""
    # a parameter of torch has the attribute, and it is None
    names = _distinct([getattr(weight, "name", None) or f"weight_{index}:0" for index, weight in enumerate(weights)])
    hdf5_file.write_names(group, "weight_names", names)
    for name, weight in zip(names, weights, strict=True):
        group.put(name, Array(weight))


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


def pairs(
    file: hdf5_reader.Group, model: Any, label: str, by_name: bool = False, skip_mismatch: bool = False
) -> list[Pair]:
    """Every weight with its dataset, by the order of the layers or by their names.

    Raises ValueError, naming layer and shapes, when a layer, a count or a shape does not fit.
    """
    group = file
    if not has_layer_names(file):
        group = hdf5_file.group(file, "model_weights", label)
        if group is None:
            raise ValueError(f"{label}: expected weights of Keras; received an HDF5 file of something else.")
    match = _match_by_name if by_name else _match_by_order
    return match(model, group, label, skip_mismatch)


def has_layer_names(file: hdf5_reader.Group) -> bool:
    """Whether a file holds weights alone, in Keras 2's layout."""
    return "layer_names" in file or "layer_names0" in file


def read_arrays(file: hdf5_reader.Group, name: str, label: str) -> tuple[list[str], list[np.ndarray]]:
    """Names and arrays of a group; both are empty where there is none."""
    group = hdf5_file.group(file, name, label)
    if group is None:
        return [], []
    names = hdf5_file.names(group, "weight_names", label)
    return names, [hdf5_file.dataset(group, one, label).read() for one in names]


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
    for layer, (name, stored) in zip(mine, theirs, strict=True):
        datasets = _fitting(layer, stored)
        if not (skip_mismatch and _misfit(layer, datasets)):
            found += _match_layer(layer, name, datasets, label)
    own = _own(model)
    if own and group.get("top_level_model_weights") is not None:
        found += zip(own, _datasets(group, "top_level_model_weights", label), strict=True)
    return found


def _match_by_name(model: Any, group: Any, label: str, skip_mismatch: bool) -> list[Pair]:
    layers = {layer.name: layer for layer in model.layers}
    found: list[Pair] = []
    for name in hdf5_file.names(group, "layer_names", label):
        if name in layers:
            datasets = _fitting(layers[name], _datasets(group, name, label))
            if not (skip_mismatch and _misfit(layers[name], datasets)):
                found += _match_layer(layers[name], name, datasets, label)
    return found


def _fitting(layer: Any, datasets: Sequence[Any]) -> list[Any]:
    """The arrays for a layer; those of LSTM and GRU layers in NVIDIA's layout are brought into Keras'.

    That layout has both biases in one row, which is how it is told.
    """
    weights, found = layer_weights(layer), list(datasets)
    if len(weights) != len(found):
        return found
    for end in range(3, len(weights) + 1):
        recurrent, bias = tuple(weights[end - 2].shape), tuple(weights[end - 1].shape)
        width = bias[-1] if bias else 0
        if found[end - 1].shape == (2 * width,) and bias in ((width,), (2, width)) and recurrent[1:] == (width,):
            arrays = [array.read() for array in found[end - 3 : end]]
            found[end - 3 : end] = from_cudnn(arrays, width // recurrent[0])
    return found


def _misfit(layer: Any, datasets: Sequence[Any]) -> bool:
    weights = layer_weights(layer)
    return len(weights) != len(datasets) or any(
        tuple(weight.shape) != dataset.shape for weight, dataset in zip(weights, datasets, strict=True)
    )


def _match_layer(layer: Any, name: str, datasets: Sequence[Any], label: str) -> list[Pair]:
    weights = layer_weights(layer)
    if _misfit(layer, datasets):
        wanted = [tuple(weight.shape) for weight in weights]
        found = [dataset.shape for dataset in datasets]
        raise ValueError(
            f"{label}: expected weights of shapes {wanted} for {type(layer).__name__} '{layer.name}'; received {found} "
            f"from layer {name!r} of the file. Build the same model, or pass by_name=True with skip_mismatch=True."
        )
    return list(zip(weights, datasets, strict=True))
