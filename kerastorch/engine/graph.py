"""The graph of a functional model: which nodes lie between inputs and outputs, and in what order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kerastorch.core import nest
from kerastorch.engine.symbolic import KerasTensor, Node, TensorSpec


class Graph:
    """The nodes that compute `outputs` from `inputs`, ordered as tf.keras orders them.

    `added` are symbolic tensors that are computed too, though nobody gets them: those of `AddLoss` and `AddMetric`.
    Raises ValueError when an output cannot be computed from the inputs, or two layers share a name.
    """

    def __init__(
        self, inputs: Any, outputs: Any, owner: str, added: Iterable[KerasTensor] = (), unique_names: bool = True
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.added = list(added)
        self.flat_inputs: list[KerasTensor] = nest.flatten(inputs)
        self.flat_outputs: list[KerasTensor] = nest.flatten(outputs)
        self._check_tensors(owner)
        input_keys = {tensor.key for tensor in self.flat_inputs}
        post_order, first_seen = _visit([*self.flat_outputs, *self.added], input_keys, owner)
        depths, layer_depths = _depths(post_order, input_keys)
        for tensor in self.flat_inputs:
            if tensor.node not in depths:
                depths[tensor.node] = layer_depths[tensor.node.layer] = 0
                first_seen.setdefault(tensor.node.layer, -1)
        self.layers = sorted(layer_depths, key=lambda layer: (-layer_depths[layer], first_seen[layer]))
        order = {node: position for position, node in enumerate(post_order)}
        # post order is topological already; depth groups it the way Keras lists nodes
        self.nodes = sorted(depths, key=lambda node: (-depths[node], order.get(node, 0)))
        if unique_names:
            _check_names(self.layers, owner)

    def _check_tensors(self, owner: str) -> None:
        for role, tensors in (("inputs", self.flat_inputs), ("outputs", self.flat_outputs)):
            for tensor in tensors:
                if not isinstance(tensor, KerasTensor):
                    raise ValueError(
                        f"Model '{owner}': expected symbolic tensors as {role}; received {type(tensor).__name__}. "
                        "Start from Input(shape=...) and call layers on it."
                    )
        keys = [tensor.key for tensor in self.flat_inputs]
        if len(set(keys)) != len(keys):
            raise ValueError(f"Model '{owner}': expected different inputs; received one of them twice.")

    def infer(self, inputs: list[KerasTensor]) -> Any:
        """The output specs for other input shapes than the graph was made with."""
        specs: dict[tuple[int, int], KerasTensor] = {
            mine.key: given for mine, given in zip(self.flat_inputs, inputs, strict=True)
        }

        def stand_in(leaf: Any) -> Any:
            return specs[leaf.key] if isinstance(leaf, KerasTensor) else leaf

        for node in self.nodes:
            if all((id(node), index) in specs for index in range(len(node.flat_specs))):
                continue
            args, kwargs = nest.map_structure(stand_in, (node.args, node.kwargs))
            found = Node(_Anonymous(node.layer.name), (), {}, node.layer.compute_output_spec(*args, **kwargs))
            for index, tensor in enumerate(nest.flatten(found.outputs)):
                specs[id(node), index] = tensor
        return nest.map_structure(lambda tensor: TensorSpec(*specs[tensor.key].spec), self.outputs)


class _Anonymous:
    def __init__(self, name: str) -> None:
        self.name = name
        self._inbound_nodes: list[Any] = []


def _visit(
    outputs: list[KerasTensor], input_keys: set[tuple[int, int]], owner: str
) -> tuple[list[Node], dict[Any, int]]:
    """Nodes in depth-first post order, and the position at which each layer was first met; no recursion."""
    post_order: list[Node] = []
    first_seen: dict[Any, int] = {}
    done: set[int] = set()
    for output in outputs:
        stack: list[tuple[Node, bool]] = [(output.node, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                post_order.append(node)
                continue
            if id(node) in done:
                continue
            done.add(id(node))
            first_seen.setdefault(node.layer, len(first_seen))
            stack.append((node, True))
            if not node.inputs and (id(node), 0) not in input_keys:
                raise ValueError(
                    f"Model '{owner}': expected outputs that can be computed from the inputs; received an output that "
                    f"also needs '{node.layer.name}', which is not among the inputs. Add it to `inputs`."
                )
            if any((id(node), index) in input_keys for index in range(len(node.flat_specs))):
                continue
            stack.extend((tensor.node, False) for tensor in reversed(node.inputs))
    return post_order, first_seen


def _depths(post_order: list[Node], input_keys: set[tuple[int, int]]) -> tuple[dict[Node, int], dict[Any, int]]:
    """Distance of nodes and layers from the outputs; a shared layer has the depth of its deepest call."""
    depths: dict[Node, int] = {}
    layer_depths: dict[Any, int] = {}
    for node in reversed(post_order):
        depth = max(depths.get(node, 0), layer_depths.get(node.layer, 0))
        depths[node] = layer_depths[node.layer] = depth
        if (id(node), 0) in input_keys:
            continue
        for parent in node.parents():
            depths[parent] = max(depth + 1, depths.get(parent, 0))
    return depths, layer_depths


def _check_names(layers: Iterable[Any], owner: str) -> None:
    seen: dict[str, Any] = {}
    for layer in layers:
        if seen.setdefault(layer.name, layer) is not layer:
            raise ValueError(
                f"Model '{owner}': expected layers with different names; received two layers called '{layer.name}' "
                f"({type(seen[layer.name]).__name__} and {type(layer).__name__}). Pass name='...' to one of them."
            )
