"""Weights in the layout of `.weights.h5` files and `.keras` archives: a group an object, its arrays by number.

The path of an object follows from the structure, not from names: `layers/dense_1` is the second Dense of a model,
`cell` the attribute of an LSTM, `blocks/dense` the first Dense in a list. tf_keras and Keras 3 walk alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch.core.config import dtype_name
from kerastorch.engine.layer import Layer
from kerastorch.engine.tracking import Container
from kerastorch.engine.weights import is_trainable_by_nature, module_weights
from kerastorch.saving import hdf5_file, hdf5_reader
from kerastorch.saving.hdf5_writer import Array, Group
from kerastorch.saving.memory import Scratch

# A weight and the array that is written into it; or a layer that reads its variables itself, and their group.
Pair = tuple[Any, hdf5_reader.Dataset | hdf5_reader.Group | np.ndarray]


def objects(root: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, other path (or '') and object of everything under `root` that may have weights, each once."""
    yield from _walk(root, "", "", {id(root)})


def _walk(item: Any, path: str, other: str, seen: set[int]) -> Iterator[tuple[str, str, Any]]:
    yield path, other, item
    for name, child in _children(item):
        if id(child) in seen:
            continue
        seen.add(id(child))
        public = name.lstrip("_")
        # Keras 3 knows some attributes without the underscore
        yield from _walk(child, _join(path, name), _join(path, public) if public != name else "", seen)


def _own_weights(item: Any) -> list[Any]:
    """The weights that an object holds itself: trained ones, then the others."""
    if not isinstance(item, Layer):
        return module_weights(item, "weights") if isinstance(item, nn.Module) else []
    own = [weight for weight in item._parameters.values() if weight is not None]
    return [w for w in own if is_trainable_by_nature(w)] + [w for w in own if not is_trainable_by_nature(w)]


def _children(item: Any) -> list[tuple[str, Any]]:
    """Objects inside, with the names under which Keras saves them, in its order."""
    if not isinstance(item, Layer):
        return []
    if isinstance(getattr(type(item), "layers", None), property):  # a model
        return [(f"layers/{name}", child) for name, child in _numbered(item.layers)]
    found: list[tuple[str, Any]] = []
    for name, child in sorted(item._modules.items()):
        if isinstance(child, Container):
            found += [(f"{name}/{inner}", one) for inner, one in _numbered(child._modules.values())]
        elif child is not None:
            found.append((name, child))
    return found


def _numbered(items: Any) -> list[tuple[str, Any]]:
    """Names by class: dense, dense_1, conv2d."""
    counts: Counter[str] = Counter()
    found = []
    for item in items:
        base = _path_name(type(item).__name__)
        found.append((f"{base}_{counts[base]}" if counts[base] else base, item))
        counts[base] += 1
    return found


def _path_name(name: str) -> str:
    """A class's name in paths: 'conv_lstm2d' is a layer whose automatic name is 'conv_lst_m2d'."""
    words_split = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words_split).lower()


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def by_path(model: Any) -> dict[str, Any]:
    """Every weight under its path and number, such as 'layers/dense/vars/0'."""
    found = {}
    for path, _, item in objects(model):
        found.update({_join(path, f"vars/{number}"): weight for number, weight in enumerate(_own_weights(item))})
    return found


def attribute_paths(model: Any) -> dict[str, str]:
    """For a subclassed model, by path under `layers`: the attribute under which Keras 3 looks for the layer."""
    if model.graph is not None:
        return {}
    by_id = {id(child): path for path, child in _children(model)}
    found = {}
    for name, child in sorted(model._modules.items()):
        inner = _numbered(child._modules.values()) if isinstance(child, Container) else ()
        members = [(f"{name}/{inner_name}", one) for inner_name, one in inner] or [(name, child)]
        found.update({by_id[id(one)]: path for path, one in members if id(one) in by_id})
    return found


def write(root: Group, model: Any, optimizer_variables: Sequence[torch.Tensor] | None = None) -> None:
    """Put the weights of `model`, and the variables of its optimizer, into a file."""
    for path, other, item in objects(model):
        _put_object(root.group(_join(path, "vars")), item)
        if other:
            root.put(other, root.group(path))
    for path, attribute in attribute_paths(model).items():
        if root.get(attribute) is None:
            root.put(attribute, root.group(path))
    if optimizer_variables is not None:
        found = root.group("optimizer/vars")
        found.attributes["name"] = str(model.optimizer.name)
        _put_arrays(found, optimizer_variables)
    for name, metric in _numbered(getattr(model, "metrics", ()) or ()):
        # tf_keras will not read the weights of a compiled model without those of its metrics
        _put_arrays(root.group(f"metrics/{name}/vars"), metric.variables)


def _put_object(group: Group, item: Any) -> None:
    if not _reads_itself(item):
        _put_arrays(group, _own_weights(item))
        return
    store: dict[str, Any] = {}
    item.save_own_variables(store)
    for name, value in store.items():
        group.put(name, Array(value if isinstance(value, torch.Tensor) else np.asarray(value)))


def _reads_itself(item: Any) -> bool:
    """Whether the author of a layer has said how its variables are stored."""
    return isinstance(item, Layer) and type(item).load_own_variables is not Layer.load_own_variables


def _put_arrays(group: Group, weights: Sequence[Any]) -> None:
    for number, weight in enumerate(weights):
        group.put(str(number), Array(weight))


def pairs(file: hdf5_reader.Group, model: Any, label: str, skip_mismatch: bool = False) -> list[Pair]:
    """Every weight of `model` with its array; ValueError, naming layer and shapes, where they do not fit."""
    found: list[Pair] = []
    attributes = attribute_paths(model) if file.get("layers") is None else {}
    for path, other, item in objects(model):
        weights, reads_itself = _own_weights(item), _reads_itself(item)
        if not weights and not reads_itself:
            continue
        place = next((p for p in (path, other, _by_attribute(path, attributes)) if p and _has(file, p, label)), path)
        group = hdf5_file.group(file, _join(place, "vars"), label)
        if reads_itself and group is not None:
            found.append((item, group))
            continue
        count = 0 if group is None else len(group.places)
        if count != len(weights):
            if skip_mismatch:
                continue
            raise ValueError(
                f"{label}: expected {len(weights)} arrays for {place or model.name!r}; received {count}. Build the "
                "model that the file was saved from."
            )
        for number, weight in enumerate(weights):
            dataset = hdf5_file.dataset(group, str(number), label)
            if dataset.shape != tuple(weight.shape):
                if skip_mismatch:
                    continue
                raise ValueError(
                    f"{label}: expected shape {tuple(weight.shape)} for array {number} of {place!r}; received "
                    f"{dataset.shape}. Build the model that the file was saved from."
                )
            found.append((weight, dataset))
    return found


def _by_attribute(path: str, attributes: dict[str, str]) -> str:
    """The path through the attribute of a subclassed model, as Keras 3 writes it."""
    first = "/".join(path.split("/")[:2])
    return attributes[first] + path[len(first) :] if first in attributes else ""


def _has(file: hdf5_reader.Group, path: str, label: str) -> bool:
    return hdf5_file.group(file, _join(path, "vars"), label) is not None


def assign(found: Sequence[Pair]) -> None:
    """Copy the numbers of arrays into their weights."""
    scratch = Scratch()
    with torch.no_grad():
        for weight, dataset in found:
            if isinstance(dataset, hdf5_reader.Group):
                names = sorted(dataset.places)
                weight.load_own_variables({name: hdf5_file.dataset(dataset, name, "").read() for name in names})
                continue
            if isinstance(dataset, np.ndarray):
                weight.copy_(torch.from_numpy(dataset))
                continue
            target = weight.detach()
            same = dtype_name(target.dtype) == str(dataset.dtype) and dataset.dtype.isnative
            if same and target.device.type == "cpu" and target.dim() and target.numel():
                scratch.fill(target, dataset.read_into)
            else:
                weight.copy_(torch.from_numpy(dataset.read()))


def optimizer_arrays(file: hdf5_reader.Group, label: str) -> tuple[str | None, list[np.ndarray]]:
    """The name and the arrays of the optimizer in a file; (None, []) where there is none."""
    group = hdf5_file.group(file, "optimizer/vars", label)
    if group is None:
        return None, []
    arrays = [hdf5_file.dataset(group, str(number), label).read() for number in range(len(group.places))]
    return hdf5_file.text(group, "name", label), arrays
