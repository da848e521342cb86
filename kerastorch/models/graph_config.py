"""Functional models as plain values in Keras 2's form, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.core import nest
from kerastorch.core.config import dtype_name, torch_dtype
from kerastorch.engine.symbolic import KerasTensor, Node, is_symbolic, symbolic_leaves
from kerastorch.layers import AddLoss, AddMetric, InputLayer, TorchOp, deserialize, serialize

_CONSTANT = "_CONSTANT_VALUE"  # Keras' mark for a call whose first argument is no tensor


def to_config(model: Any) -> dict[str, Any]:
    """Name, layers with their calls, and where inputs and outputs are."""
    graph = model.graph
    positions: dict[int, int] = {}
    calls: dict[int, list[Node]] = {}
    for layer in graph.layers:
        nodes = [node for node in graph.nodes if node.layer is layer]
        calls[id(layer)] = sorted(nodes, key=lambda node: node.position)
        positions.update({id(node): index for index, node in enumerate(calls[id(layer)], first_call(layer))})

    def reference(tensor: KerasTensor) -> list[Any]:
        return [tensor.node.layer.name, positions[id(tensor.node)], tensor.index]

    def describe(node: Node) -> Any:
        kwargs = {key: _encode(value, reference) for key, value in node.kwargs.items()}
        if isinstance(node.layer, TorchOp):
            return [[_CONSTANT, -1, None, {"args": _encode(list(node.args), reference), **kwargs}]]
        first = node.args[0]
        for key, value in zip(_argument_names(node.layer), node.args[1:], strict=False):
            kwargs[key] = _encode(value, reference)
        described = nest.map_structure(lambda tensor: _Leaf([*reference(tensor), kwargs]), first)
        described = nest.map_structure(lambda leaf: leaf.value, described)
        return described if isinstance(first, list | tuple | dict) else [described]

    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [
            {
                **serialize(layer),
                "name": layer.name,
                "inbound_nodes": [describe(node) for node in calls[id(layer)] if node.args],
            }
            for layer in graph.layers
        ],
        "input_layers": _references(graph.inputs, reference),
        "output_layers": _references(graph.outputs, reference),
    }


def from_config(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None
) -> tuple[Any, Any, str | None, list[KerasTensor]]:
    """Inputs, outputs, name and what is computed beside: layers are made, then called as soon as their inputs exist."""
    layers: dict[str, Any] = {}
    outputs: dict[tuple[str, int], list[KerasTensor]] = {}
    label = f"Model '{config.get('name')}'"
    for entry in config["layers"]:
        layer = deserialize(entry, custom_objects)
        name = entry.get("name", layer.name)
        if name in layers:
            raise ValueError(f"{label}: expected layers with different names; received {name!r} twice.")
        layers[name] = layer
        if isinstance(layer, InputLayer):
            outputs[name, 0] = [layer.new_tensor()]
    nodes = [entry.get("inbound_nodes", ()) for entry in config["layers"]]
    firsts = _first_calls(_sources(nodes, layers), _sources(config["output_layers"], layers), layers)
    calls = [
        (name, index, call)
        for name, calls in zip(layers, nodes, strict=True)
        for index, call in enumerate(calls, firsts.get(name, 0))
    ]
    _call_layers(calls, layers, firsts, outputs, label)

    def tensor(leaf: list[Any]) -> KerasTensor:
        name, call, index = leaf
        # Keras 3 counts the Input of a nested functional model here, and not in the calls
        return outputs[name, call - (_is_nested(layers[name]) and firsts.get(name) == 0)][index]

    inputs = _map_references(tensor, config["input_layers"])
    added = [outputs[key][0] for key in outputs if isinstance(layers[key[0]], AddLoss | AddMetric)]
    return inputs, _map_references(tensor, config["output_layers"]), config.get("name"), added


def _call_layers(
    calls: list[tuple[str, int, Any]],
    layers: Mapping[str, Any],
    firsts: Mapping[str, int],
    outputs: dict[tuple[str, int], list[KerasTensor]],
    label: str,
) -> None:
    """Make the calls, each as soon as its inputs exist, and put what they return into `outputs`."""
    waiting: dict[tuple[str, int], list[tuple[str, int, Any]]] = {}
    ready = calls[::-1]
    while ready:
        name, index, call = ready.pop()
        # calls of one layer are numbered, so an earlier one must come first
        needed = _sources(call, layers) + ([] if index == firsts.get(name, 0) else [(name, index - 1)])
        missing = next((key for key in needed if key not in outputs), None)
        if missing is not None:
            waiting.setdefault(missing, []).append((name, index, call))
            continue
        args, kwargs = _decode_call(call, outputs, layers)
        if not is_symbolic((args, kwargs)) or not all(map(str.isidentifier, kwargs)):
            raise ValueError(
                f"{label}: expected calls of layers on tensors of the model; received a call of '{name}' on "
                f"{str(call)[:200]}."
            )
        if isinstance(layers[name], TorchOp):
            _check_operation(layers[name], args, kwargs, label)
        outputs[name, index] = nest.flatten(layers[name](*args, **kwargs))
        ready += waiting.pop((name, index), [])[::-1]
    if waiting:
        held = sorted({name for calls in waiting.values() for name, _, _ in calls})
        raise ValueError(
            f"{label}: expected a config in which every layer's inputs exist; received calls of {held[:8]} whose "
            "inputs do not."
        )


def _check_operation(layer: TorchOp, args: tuple[Any, ...], kwargs: Mapping[str, Any], label: str) -> None:
    """Raise for functions that would make many tensors, or real ones, out of symbolic ones."""
    sizes = [size for tensor in symbolic_leaves((args, kwargs)) for size in tensor.shape if size is not None]
    name = layer.get_config()["function"].rpartition(".")[2]
    many = name in _MAKING_MANY and max(sizes, default=0) > _MOST_PARTS
    if many or kwargs.get("device") is not None or (name.endswith("_") and not name.endswith("__")):
        raise ValueError(
            f"{label}: expected functions of few tensors on any device that change nothing in place; received "
            f"'{name}' on sizes {sizes[:8]} with {sorted(kwargs)}. No model file needs this: do not use it."
        )


_MAKING_MANY = ("unbind", "unstack", "split", "split_with_sizes", "chunk", "tensor_split", "hsplit", "vsplit", "dsplit")
_MOST_PARTS = 10_000


def _first_calls(
    of_calls: list[tuple[str, int]], of_outputs: list[tuple[str, int]], layers: Mapping[str, Any]
) -> dict[str, int]:
    """The number of the first call of each layer that something refers to.

    Keras 2 counts the Input of a nested model as its first call; Keras 3 does so for functional models, in the list
    of outputs only.
    """
    firsts: dict[str, int] = {}
    for name, number in of_calls:
        firsts[name] = min(firsts.get(name, number), number)
    for name, number in of_outputs:
        if not (_is_nested(layers[name]) and name in firsts):
            firsts[name] = min(firsts.get(name, number), number)
    return {name: min(number, int(hasattr(layers[name], "layers"))) for name, number in firsts.items()}


def _is_nested(layer: Any) -> bool:
    """Whether a layer is a functional model."""
    return getattr(layer, "graph", None) is not None and not hasattr(layer, "_stack")


def first_call(layer: Any) -> int:
    """The number that configs give to a layer's first call: 1 for models that have an Input, since Keras counts it."""
    graph = getattr(layer, "graph", None)
    return int(graph is not None and not isinstance(layer, InputLayer))


class _Leaf:
    def __init__(self, value: Any) -> None:
        self.value = value


def _argument_names(layer: Any) -> list[str]:
    code = type(layer).call.__code__
    return list(code.co_varnames[2 : code.co_argcount])


def _references(structure: Any, reference: Any) -> Any:
    if isinstance(structure, KerasTensor):
        return [reference(structure)]
    if isinstance(structure, Mapping):
        return {key: reference(tensor) for key, tensor in structure.items()}
    return [reference(tensor) for tensor in nest.flatten(structure)]


def _map_references(function: Any, structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return {key: function(value) for key, value in structure.items()}
    if _is_reference(structure):
        return function(structure)
    tensors = [function(value) for value in structure]
    return tensors[0] if len(tensors) == 1 else tensors


def _is_reference(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _encode(value: Any, reference: Any) -> Any:
    if isinstance(value, KerasTensor):
        return reference(value)
    if isinstance(value, slice):
        parts = [_encode(part, reference) for part in (value.start, value.stop, value.step)]
        return {"class_name": "__slice__", "config": parts}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": None}
    if isinstance(value, torch.dtype):
        return {"class_name": "__dtype__", "config": dtype_name(value)}
    if isinstance(value, tuple):
        return {"class_name": "__tuple__", "config": [_encode(item, reference) for item in value]}
    if isinstance(value, list):
        return [_encode(item, reference) for item in value]
    if isinstance(value, Mapping):
        return {key: _encode(item, reference) for key, item in value.items()}
    if isinstance(value, torch.Tensor | np.ndarray):
        array = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        return {"class_name": "__array__", "config": {"value": array.tolist(), "dtype": array.dtype.name}}
    return value


def _decode(value: Any, outputs: Mapping[tuple[str, int], list[KerasTensor]], layers: Mapping[str, Any]) -> Any:
    if _is_reference(value) and value[0] in layers:
        return outputs[value[0], value[1]][value[2]]
    if isinstance(value, list | tuple):
        return type(value)(_decode(item, outputs, layers) for item in value)
    if not isinstance(value, Mapping):
        return value
    inner = value.get("config")
    match value.get("class_name"):
        case "__keras_tensor__":
            name, call, index = inner["keras_history"]
            return outputs[name, call][index]
        case "__slice__":
            return slice(*(_decode(item, outputs, layers) for item in inner))
        case "__ellipsis__":
            return Ellipsis
        case "__dtype__":
            return torch_dtype(inner)
        case "__tuple__":
            return tuple(_decode(item, outputs, layers) for item in inner)
        case "__array__":
            return torch.tensor(inner["value"], dtype=torch_dtype(inner["dtype"]))
    return {key: _decode(item, outputs, layers) for key, item in value.items()}


def _sources(call: Any, layers: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Layer and call number of every tensor that a call needs."""
    if _is_reference(call):
        found = [(call[0], call[1])] if call[0] in layers else []
        return found + (_sources(call[3], layers) if len(call) == 4 else [])
    if isinstance(call, Mapping):
        if call.get("class_name") == "__keras_tensor__":
            return [tuple(call["config"]["keras_history"][:2])]
        return [source for value in call.values() for source in _sources(value, layers)]
    if isinstance(call, list | tuple):
        return [source for value in call for source in _sources(value, layers)]
    return []


def _decode_call(
    call: Any, outputs: Mapping[tuple[str, int], list[KerasTensor]], layers: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    constant = call[0] if isinstance(call, list) and len(call) == 1 else call
    if _is_reference(constant) and constant[0] == _CONSTANT:
        kwargs = dict(_decode(constant[3], outputs, layers))
        return tuple(kwargs.pop("args", [constant[2]])), kwargs  # tf.keras has one argument that is no keyword
    if isinstance(call, Mapping) and "args" in call:  # Keras 3's form
        kwargs = _decode(call["kwargs"], outputs, layers)
        return tuple(_decode(call["args"], outputs, layers)), {k: v for k, v in kwargs.items() if v is not None}
    if _is_reference(call):
        call = [call]
    leaves: list[Any] = []
    inputs = _collect(call, outputs, leaves)
    kwargs = _decode(leaves[0][3], outputs, layers) if len(leaves[0]) == 4 else {}
    single = isinstance(inputs, list) and len(inputs) == 1
    return (inputs[0] if single else inputs,), dict(kwargs)


def _collect(value: Any, outputs: Mapping[tuple[str, int], list[KerasTensor]], leaves: list[Any]) -> Any:
    """The tensors that a description of inputs refers to, in its structure; the references are added to `leaves`.

    No nested function: one that calls itself is a reference cycle, and would keep the whole graph until a collection.
    """
    if _is_reference(value):
        leaves.append(value)
        return outputs[value[0], value[1]][value[2]]
    if isinstance(value, Mapping):
        return {key: _collect(item, outputs, leaves) for key, item in value.items()}
    return [_collect(item, outputs, leaves) for item in value]
