"""What a forward that only infers may put together: convolutions with the scaling of their channels that follows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from kerastorch.engine.graph import Graph
from kerastorch.engine.symbolic import Node


class Folding:
    """The pairs of layers in a graph that compute as one, and the activations that may write over their input.

    `convolutions` gives, by the node of a layer that absorbs a scaling, the layer that scales; `scalings` gives, by the
    node of that one, the node before; `in_place` gives, by node, the activation that writes over its input.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        users = users_of(graph)
        results = {tensor.key for tensor in (*graph.flat_outputs, *graph.flat_inputs)}
        self.convolutions: dict[int, Any] = {}
        self.scalings: dict[int, Node] = {}
        self.in_place: dict[int, Callable[..., Any]] = {}
        for node in graph.nodes:
            following = users.get((id(node), 0), [])
            if len(following) != 1 or (id(node), 0) in results:
                continue
            (after,) = following
            if _folds(node, after):
                self.convolutions[id(node)] = after.layer
                self.scalings[id(after)] = node
            elif _returns_new_tensor(node) and after.layer.is_plain() and len(after.inputs) <= 2:
                place = [tensor.key for tensor in after.inputs].index((id(node), 0))
                function = after.layer.in_place(place)
                if function is not None:
                    self.in_place[id(after)] = function

    def __bool__(self) -> bool:
        return bool(self.convolutions)

    def is_current(self) -> bool:
        """Whether the layers still are what they were: hooks and activations may have changed."""
        now = Folding(self.graph)
        same = self.convolutions == now.convolutions and self.in_place.keys() == now.in_place.keys()
        return same and all(_same(function, now.in_place[key]) for key, function in self.in_place.items())


def users_of(graph: Graph) -> dict[tuple[int, int], list[Node]]:
    """By tensor, the nodes that take it."""
    users: dict[tuple[int, int], list[Node]] = {}
    for node in graph.nodes:
        for tensor in node.inputs:
            users.setdefault(tensor.key, []).append(node)
    return users


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, partial) and isinstance(second, partial):
        return first.func is second.func and first.keywords == second.keywords
    return first is second


def _returns_new_tensor(node: Node) -> bool:
    """Whether nobody but the caller has the output; a sum of one tensor is that tensor."""
    alone = node.args and isinstance(node.args[0], list | tuple) and len(node.args[0]) == 1
    return node.layer.returns_new_tensor and node.layer.is_plain() and not alone


def _folds(node: Node, after: Node) -> bool:
    first, second = node.layer, after.layer
    if not (first.is_plain() and second.is_plain()) or first._mixed_dtype or second._mixed_dtype:
        return False
    if first._dtype is not second._dtype or first._dtype not in (torch.float32, torch.float64):
        return False  # in 16 bits the product of two weights would be rounded once more
    axis = first.absorbs_scale_of_axis()
    return axis is not None and axis == second.scales_axis()
