"""The table that `model.summary()` prints, in the look of tf.keras 2.8 to 2.11."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kerastorch.core import nest
from kerastorch.engine.symbolic import Node
from kerastorch.engine.weights import unique

_ENDS_OF_CELL = ("),", "},", "],", "',")  # a cell wraps after the first of these, so that tuples stay readable


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print the layers of `model` with their output shapes and parameter counts."""
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected a model that is built; received one whose weights do "
            "not exist yet. Call it on data, call build(), or give the first layer an input_shape."
        )
    write = print_fn or (lambda line: sys.stdout.write(f"{line}\n"))
    branching = model.graph is not None and not is_linear(model)
    headers = ["Layer (type)", "Output Shape", "Param #"] + (["Connected to"] if branching else [])
    line_length = line_length or (98 if branching else 65)
    positions = positions or ((0.33, 0.55, 0.67, 1.0) if branching else (0.45, 0.85, 1.0))
    stops = [int(line_length * stop) if positions[-1] <= 1 else int(stop) for stop in positions]
    if show_trainable:
        line_length += 11
        stops.append(line_length)
        headers.append("Trainable")
    table = _Table(write, stops, line_length, branching, expand_nested, show_trainable, _relevant_nodes(model))
    write(f'Model: "{model.name}"')
    write("_" * line_length)
    table.row(headers, 0)
    write("=" * line_length)
    for layer in _in_range(model.layers, layer_range):
        table.layer(layer, 0)
    write("=" * line_length)
    trainable = _count(model.trainable_weights)
    non_trainable = _count(model.non_trainable_weights)
    write(f"Total params: {trainable + non_trainable:,}")
    write(f"Trainable params: {trainable:,}")
    write(f"Non-trainable params: {non_trainable:,}")
    write("_" * line_length)


def is_linear(model: Any) -> bool:
    """Whether the layers form a chain, so that a column of connections would say nothing."""
    depths: dict[int, int] = {}
    for node in model.graph.nodes:
        if len(node.inputs) > 1 or len(nest.flatten(node.input_tensors)) > 1:
            return False
        key = tuple(id(parent) for parent in node.parents())
        depths[hash(key)] = depths.get(hash(key), 0) + 1
        if depths[hash(key)] > 1:
            return False
    calls = [id(node.layer) for node in model.graph.nodes]
    return len(set(calls)) == len(calls)


class _Table:
    def __init__(
        self,
        write: Callable[[str], Any],
        stops: list[int],
        width: int,
        branching: bool,
        expand_nested: bool,
        show_trainable: bool,
        nodes: set[int],
    ) -> None:
        self.write, self.stops, self.width = write, stops, width
        self.branching, self.expand_nested, self.show_trainable = branching, expand_nested, show_trainable
        self.nodes = nodes

    def layer(self, layer: Any, level: int, last_inside: bool = False) -> None:
        expanded = self.expand_nested and hasattr(layer, "graph") and layer.layers
        fields = [f"{layer.name} ({type(layer).__name__})", _output_shape(layer), f"{_parameters(layer)}"]
        if self.branching:
            fields.append(self.connections(layer))
        if self.show_trainable:
            fields.append("Y" if layer.trainable else "N")
        self.row(fields, level)
        if expanded:
            self.rule(level + 1)
            outer_nodes, self.nodes = self.nodes, _relevant_nodes(layer)
            for child in layer.layers:
                self.layer(child, level + 1, last_inside=child is layer.layers[-1])
            self.nodes = outer_nodes
            self.rule(level)
        if not last_inside:
            self.write(f"{'|' * level}{' ' * (self.width - 2 * level)}{'|' * level}")

    def rule(self, level: int) -> None:
        self.write(f"{'|' * level}{'¯' * (self.width - 2 * level)}{'|' * level}")

    def connections(self, layer: Any) -> list[str]:
        found = []
        for reference in layer._inbound_nodes:
            node: Node | None = reference()
            if node is None or id(node) not in self.nodes:
                continue
            for tensor in node.inputs:
                source, position, index = tensor._keras_history
                found.append(f"{source.name}[{position}][{index}]")
        return found

    def row(self, fields: Sequence[Any], level: int) -> None:
        left = [str(field) for field in fields]
        edge = "|" * level
        while any(left):
            line = ""
            for column, stop in enumerate(self.stops):
                last = column == len(self.stops) - 1
                start = 0 if column == 0 else self.stops[column - 1]
                fitting = max(stop - start - (0 if last else 2) - (level if column == 0 else 0), 1)
                ends = [
                    left[column][:fitting].find(end) + len(end)
                    for end in _ENDS_OF_CELL
                    if end in left[column][:fitting]
                ]
                cut = min(ends) if ends else fitting
                if column == 0:
                    line += f"{edge} "
                line += left[column][:cut] + ("" if last else "  ")
                left[column] = left[column][cut:]
                line = line.ljust(stop - (level if last else 0))
            self.write(line + edge)


def _output_shape(layer: Any) -> Any:
    try:
        shape = layer.output_shape
    except AttributeError:
        return "?" if not layer.built else "multiple"
    if isinstance(shape, list) and len(shape) == 1:
        shape = shape[0]
    # tf.keras shows an input's shape as a list of one
    return [shape] if type(layer).__name__ == "InputLayer" else shape


def _parameters(layer: Any) -> str:
    return str(layer.count_params()) if layer.built else "0 (unused)"


def _relevant_nodes(model: Any) -> set[int]:
    return set() if model.graph is None else {id(node) for node in model.graph.nodes}


def _in_range(layers: Sequence[Any], layer_range: Sequence[str] | None) -> Iterable[Any]:
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(pattern, str) for pattern in layer_range):
        raise ValueError(f"summary: expected layer_range as two layer names or patterns; received {layer_range!r}.")
    ends = []
    for pattern in layer_range:
        matches = [position for position, layer in enumerate(layers) if re.match(pattern, layer.name)]
        if not matches:
            raise ValueError(f"summary: expected layer_range to name layers of the model; received {pattern!r}.")
        ends.append(matches)
    low, high = min(ends[0]), max(ends[1])
    return layers[min(low, high) : max(low, high) + 1]


def _count(weights: Iterable[Any]) -> int:
    return sum(weight.numel() for weight in unique(weights))
