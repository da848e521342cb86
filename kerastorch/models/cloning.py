"""Copies of models, and models from JSON."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from kerastorch.core import nest
from kerastorch.core.registry import custom_object_scope
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.layers import InputLayer, TorchOp, Wrapper
from kerastorch.layers.functions import TorchModule
from kerastorch.models.model import Functional, Model
from kerastorch.models.sequential import Sequential
from kerastorch.saving.archive import parse_json
from kerastorch.saving.model_file import model_of

MODEL_CLASSES = {"Model": Model, "Functional": Functional, "Sequential": Sequential}


def clone_model(model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None) -> Any:
    """A model of the same architecture with new weights.

    `clone_function` makes the copy of a layer, for example with other options. Subclassed models are made again
    from their config. Raises ValueError for anything that is no model.
    """
    if not isinstance(model, Model):
        raise ValueError(f"clone_model: expected a model; received {model!r} of type {type(model).__name__}.")
    make = clone_function or _clone_layer
    if isinstance(model, Sequential):
        result = Sequential(name=model.name)
        if input_tensors is not None:
            result.add(nest.flatten(input_tensors)[0])
        elif model.graph is not None:
            result.add(_clone_layer(model.graph.flat_inputs[0].node.layer))
        for layer in model.layers:
            result.add(make(layer))
        return result
    if model.graph is None or type(model).call is not Model.call:
        return type(model).from_config(model.get_config())
    return _clone_graph(model, input_tensors, make)


def _clone_graph(model: Any, input_tensors: Any, make: Callable[[Any], Any]) -> Any:
    graph = model.graph
    given = None if input_tensors is None else nest.flatten(input_tensors)
    copies: dict[int, Any] = {}
    tensors: dict[tuple[int, int], KerasTensor] = {}
    for position, tensor in enumerate(graph.flat_inputs):
        tensors[tensor.key] = _clone_layer(tensor.node.layer).new_tensor() if given is None else given[position]

    def stand_in(leaf: Any) -> Any:
        return tensors[leaf.key] if isinstance(leaf, KerasTensor) else leaf

    for node in graph.nodes:
        if (id(node), 0) in tensors:
            continue
        if id(node.layer) not in copies:
            copies[id(node.layer)] = make(node.layer)
        args, kwargs = nest.map_structure(stand_in, (node.args, node.kwargs))
        for tensor in nest.flatten(copies[id(node.layer)](*args, **kwargs)):
            tensors[id(node), tensor.index] = tensor
    inputs, outputs = nest.map_structure(stand_in, graph.inputs), nest.map_structure(stand_in, graph.outputs)
    # a class with a constructor of its own cannot be made from tensors; its graph can
    kind = type(model) if type(model).__init__ is Model.__init__ else Functional
    result = kind(inputs=inputs, outputs=outputs, name=model.name)
    if graph.added:
        result.compute_too(map(stand_in, graph.added))
    return result


def _clone_layer(layer: Layer) -> Layer:
    if isinstance(layer, Model):
        return clone_model(layer)
    if isinstance(layer, TorchModule | TorchOp):
        # a foreign module or function has no config; the copy is a layer around the same kind of thing
        return TorchOp(layer.function, name=layer.name) if isinstance(layer, TorchOp) else _clone_module(layer)
    if isinstance(layer, Wrapper) and isinstance(layer.layer, TorchModule):
        return type(layer).from_config({**layer.get_config(), "layer": _clone_module(layer.layer)})
    if isinstance(layer, InputLayer):
        return InputLayer(**layer.get_config())
    return type(layer).from_config(layer.get_config())


def _clone_module(layer: TorchModule) -> TorchModule:
    module = copy.deepcopy(layer.module)
    for child in module.modules():
        reset = getattr(child, "reset_parameters", None)
        if callable(reset):
            reset()
    return TorchModule(module, name=layer.name)


def model_from_config(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that {'class_name': ..., 'config': ...} describes, in the words of any Keras version, with new weights.

    Raises ValueError for a class that is neither the library's nor registered nor in `custom_objects`.
    """
    with custom_object_scope(custom_objects):
        return model_of(config, "model_from_config", safe_mode=True)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The model that `to_json` of any Keras version described, with new weights."""
    return model_from_config(parse_json(json_string, "model_from_json"), custom_objects)
