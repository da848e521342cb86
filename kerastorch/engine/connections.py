"""Where a layer stands in a graph: its symbolic inputs and outputs."""

from __future__ import annotations

from typing import Any

from torch import nn

from kerastorch.engine.shapes import map_tensors_to_shapes
from kerastorch.engine.symbolic import Node


class ConnectionsMixin(nn.Module):
    """`input`, `output` and their shapes, read from the calls of the layer on symbolic tensors."""

    def _only_node(self, wanted: str) -> Node:
        nodes = [node for reference in self._inbound_nodes if (node := reference()) is not None]
        if not nodes:
            raise AttributeError(
                f"{type(self).__name__} '{self.name}': expected a layer that is part of a model to have .{wanted}; "
                "received a layer that was never called on a symbolic tensor. Call it on an Input first."
            )
        return nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic input of the layer; the first one when it was called several times."""
        return self._only_node("input").input_tensors

    @property
    def output(self) -> Any:
        """The symbolic output of the layer; the first one when it was called several times."""
        return self._only_node("output").outputs

    @property
    def input_shape(self) -> Any:
        return map_tensors_to_shapes(self.input)

    @property
    def output_shape(self) -> Any:
        return map_tensors_to_shapes(self.output)

    def get_input_at(self, node_index: int) -> Any:
        return self._node_at(node_index).input_tensors

    def get_output_at(self, node_index: int) -> Any:
        return self._node_at(node_index).outputs

    def get_input_shape_at(self, node_index: int) -> Any:
        return map_tensors_to_shapes(self.get_input_at(node_index))

    def get_output_shape_at(self, node_index: int) -> Any:
        return map_tensors_to_shapes(self.get_output_at(node_index))

    def _node_at(self, node_index: int) -> Node:
        node = self._inbound_nodes[node_index]() if node_index < len(self._inbound_nodes) else None
        if node is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected the number of a call, 0 to "
                f"{len(self._inbound_nodes) - 1}; received {node_index}."
            )
        return node
