"""A graph with the layers of a model inside it in that model's place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerastorch.core import nest
from kerastorch.engine.graph import Graph
from kerastorch.engine.symbolic import KerasTensor, Node

Values = dict[tuple[int, int], KerasTensor]  # by tensor of the original graphs, the one that stands for it


class _Copy(Node):
    """A call that no layer knows of: layers count their calls, and configs count on the numbers."""

    def _register(self) -> None:
        pass


def inlined(graph: Graph, owner: str, wanted: Callable[[Any], bool]) -> Graph:
    """`graph` with the nodes of the models inside that are `wanted`; itself where there is none.

    A model stays whole where its call does more than its layers: where it adapts its inputs or takes a mask.
    """
    if not any(_fits(node, wanted) for node in graph.nodes):
        return graph
    values: Values = {tensor.key: tensor for tensor in graph.flat_inputs}
    _copy_nodes(graph, values, {}, wanted)
    return Graph(graph.inputs, _replaced(graph.outputs, values), owner, unique_names=False)


def _copy_nodes(graph: Graph, values: Values, told: dict[str, Any], wanted: Callable[[Any], bool]) -> None:
    for node in graph.nodes:
        if all((id(node), index) in values for index in range(len(node.flat_specs))):
            continue
        args, kwargs = _replaced((node.args, node.kwargs), values)
        if node.layer._accepts_training:
            kwargs = {**told, **kwargs}
        copy = _Copy(node.layer, args, kwargs, node.output_specs)
        if _fits(copy, wanted):
            inner = node.layer.graph
            inside = {tensor.key: given for tensor, given in zip(inner.flat_inputs, copy.inputs, strict=True)}
            said = kwargs.get("training")
            _copy_nodes(inner, inside, {} if said is None else {"training": said}, wanted)
            outputs = [inside[tensor.key] for tensor in inner.flat_outputs]
        else:
            outputs = nest.flatten(copy.outputs)
        values.update({(id(node), index): output for index, output in enumerate(outputs)})


def _fits(node: Node, wanted: Callable[[Any], bool]) -> bool:
    """Whether the layers of a model may stand where it is called."""
    layer = node.layer
    if getattr(layer, "graph", None) is None or not wanted(layer):
        return False
    if len(node.args) != 1 or node.kwargs.get("mask") is not None:
        return False
    given = [leaf for leaf in nest.flatten(node.args[0]) if isinstance(leaf, KerasTensor)]
    specs = [tensor.spec for tensor in layer.graph.flat_inputs]
    return [tensor.spec for tensor in given] == specs and len(node.inputs) == len(specs)


def _replaced(structure: Any, values: Values) -> Any:
    return nest.map_structure(lambda leaf: values[leaf.key] if isinstance(leaf, KerasTensor) else leaf, structure)
