"""Weights in the layout of `.weights.h5` files and `.keras` archives: a group an object, its arrays by number.

The path of an object follows from the structure, not from names: `layers/dense_1` is the second Dense of a model,
`cell` the attribute of an LSTM, `blocks/dense` the first Dense in a list. tf_keras and Keras 3 walk alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch.core.naming import to_snake_case
from kerastorch.engine.layer import Layer
from kerastorch.engine.tracking import Container
from kerastorch.engine.weights import is_trainable_by_nature, module_weights
from kerastorch.saving import hdf5_file

Pair = tuple[Any, Any]  # a weight, and the dataset that is written into it


def objects(root: Any) -> Iterator[tuple[str, str, list[Any]]]:
    """Path, other path (or '') and own weights of every object under `root`, each object once."""
    yield from _walk(root, "", "", {id(root)})


def _walk(item: Any, path: str, other: str, seen: set[int]) -> Iterator[tuple[str, str, list[Any]]]:
    yield path, other, _own_weights(item)
    for name, child in _children(item):
        if id(child) in seen:
            continue
        seen.add(id(child))
        public = name.lstrip("_")
        # Keras 3 knows some attributes without the underscore
        yield from _walk(child, _join(path, name), _join(path, public) if public != name else "", seen)


def _own_weights(item: Any) -> list[Any]:
    if not isinstance(item, Layer):
        return module_weights(item, "weights") if isinstance(item, nn.Module) else []
    own = [weight for weight in item._parameters.values() if weight is not None]
    return [w for w in own if is_trainable_by_nature(w)] + [w for w in own if not is_trainable_by_nature(w)]


def _children(item: Any) -> list[tuple[str, Any]]:
    """Objects inside, with the names under which Keras saves them, in its order."""
    if not isinstance(item, Layer):
        return []
    if hasattr(item, "layers"):
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
        base = to_snake_case(type(item).__name__)
        found.append((f"{base}_{counts[base]}" if counts[base] else base, item))
        counts[base] += 1
    return found


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def by_path(model: Any) -> dict[str, Any]:
    """Every weight under its path and number, such as 'layers/dense/vars/0'."""
    found = {}
    for path, _, weights in objects(model):
        found.update({_join(path, f"vars/{number}"): weight for number, weight in enumerate(weights)})
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


def write(file: Any, model: Any, with_optimizer: bool = True) -> None:
    """Write the weights of `model`, and those of its optimizer, into an open HDF5 file."""
    for path, other, weights in objects(model):
        _write_arrays(file.require_group(_join(path, "vars")), weights)
        if other:
            file[other] = file[path]
    for path, attribute in attribute_paths(model).items():
        if attribute not in file:
            file[attribute] = file[path]
    optimizer = getattr(model, "optimizer", None)
    if with_optimizer and hasattr(optimizer, "variables"):
        found = file.require_group("optimizer/vars")
        found.attrs["name"] = str(optimizer.name)
        _write_arrays(found, optimizer.variables)

    for name, metric in _numbered(getattr(model, "metrics", ()) or ()):
        # tf_keras will not read the weights of a compiled model without those of its metrics
        _write_arrays(file.require_group(f"metrics/{name}/vars"), metric.variables)


def _write_arrays(group: Any, weights: Sequence[Any]) -> None:
    for number, weight in enumerate(weights):
        group.create_dataset(str(number), data=as_array(weight))


def as_array(weight: torch.Tensor) -> np.ndarray:
    """The values in the order in which files hold them; bfloat16, which HDF5 does not know, as float32."""
    values = weight.detach().cpu()
    values = values.float() if values.dtype is torch.bfloat16 else values
    return np.asarray(values.numpy(), order="C")


def pairs(file: Any, model: Any, label: str, skip_mismatch: bool = False) -> list[Pair]:
    """Every weight of `model` with its dataset; ValueError, naming layer and shapes, where they do not fit."""
    found: list[Pair] = []
    attributes = attribute_paths(model) if "layers" not in file else {}
    for path, other, weights in objects(model):
        if not weights:
            continue
        place = next(
            (p for p in (path, other, _by_attribute(path, attributes)) if p and _has(file, p, label)),
            path,
        )
        group = hdf5_file.group(file, _join(place, "vars"), label)
        count = 0 if group is None else len(group)
        if count != len(weights):
            if skip_mismatch:
                continue
            raise ValueError(
                f"{label}: expected {len(weights)} arrays for {place or model.name!r}; received {count}. Build the "
                "model that the file was saved from."
            )
        for number, weight in enumerate(weights):
            dataset = hdf5_file.dataset(group, str(number), label)
            if tuple(dataset.shape) != tuple(weight.shape):
                if skip_mismatch:
                    continue
                raise ValueError(
                    f"{label}: expected shape {tuple(weight.shape)} for array {number} of {place!r}; received "
                    f"{tuple(dataset.shape)}. Build the model that the file was saved from."
                )
            found.append((weight, dataset))
    return found


def _by_attribute(path: str, attributes: dict[str, str]) -> str:
    """The path through the attribute of a subclassed model, as Keras 3 writes it."""
    first = "/".join(path.split("/")[:2])
    return attributes[first] + path[len(first) :] if first in attributes else ""


def _has(file: Any, path: str, label: str) -> bool:
    return hdf5_file.group(file, _join(path, "vars"), label) is not None


def assign(found: Sequence[Pair]) -> None:
    """Copy the numbers of datasets into their weights."""
    with torch.no_grad():
        for weight, dataset in found:
            target = weight.detach()
            if target.is_contiguous() and target.device.type == "cpu" and target.dim() and dataset.size:
                values = target.numpy()
                if values.dtype == dataset.dtype:
                    dataset.read_direct(values)
                    continue
            weight.copy_(torch.from_numpy(np.asarray(dataset[()], order="C")).reshape(weight.shape))


def optimizer_arrays(file: Any, label: str) -> tuple[str | None, list[np.ndarray]]:
    """The name and the arrays of the optimizer in a file; (None, []) where there is none."""
    group = hdf5_file.group(file, "optimizer/vars", label) if "optimizer" in file else None
    if group is None:
        return None, []
    return hdf5_file.text(group, "name", label), [hdf5_file.array(group, str(i), label) for i in range(len(group))]
