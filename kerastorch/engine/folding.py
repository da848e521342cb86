"""What a forward that only infers may put together: convolutions with what follows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from kerastorch.engine.graph import Graph
from kerastorch.engine.symbolic import KerasTensor, Node

Key = tuple[int, int]  # identifies a tensor of the graph


@dataclass
class Group:
    """A convolution, the layer that scales its channels, the tensor that is added to it and written over, and swish."""

    convolution: Node
    scaling: Any = None
    into: KerasTensor | None = None
    swish: bool = False


class Folding:
    """The layers of a graph that compute as one, and those that may write over their input.

    `groups` has the convolutions by the node whose place in the code they take, `members` that node by each of the
    nodes that are computed with it. `in_place` gives, by node, the function that writes over its input.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.users = users_of(graph)
        self.results = results_of(graph)
        self.only_user = only_users(self.users, self.results)
        self.places = {id(node): place for place, node in enumerate(graph.nodes)}
        self.groups: dict[int, Group] = {}
        self.members: dict[int, Node] = {}
        self.gone: set[Key] = set()  # tensors that a sum is written over
        self.in_place: dict[int, Callable[..., Any]] = {}
        for node in graph.nodes:
            self._fold(node)
        for node in graph.nodes:
            self._write_over_input(node)
        for node in graph.nodes:
            self._add_in_kernel(node)

    def __bool__(self) -> bool:
        return bool(self.groups)

    def is_current(self) -> bool:
        """Whether the layers still are what they were: hooks and activations may have changed."""
        now = Folding(self.graph)
        same = self.groups == now.groups and self.in_place.keys() == now.in_place.keys()
        return same and all(_same(function, now.in_place[key]) for key, function in self.in_place.items())

    def _fold(self, node: Node) -> None:
        """Let a convolution scale its output, and apply swish."""
        group, last = Group(node), node
        after = self.only_user.get(id(node))
        if after is not None and _folds(node, after):
            group.scaling, last = after.layer, after
        after = self.only_user.get(id(last))
        if after is not None and _ends_in_kernel(node) and _is_single(after) and after.layer.applies_swish():
            group.swish, last = True, after
        if last is not node:
            self.groups[id(node)] = group
            self._join(group, node, last)

    def _join(self, group: Group, place: Node, last: Node) -> None:
        """Note all nodes from the convolution to `last` as computed where `place` is."""
        node: Node | None = group.convolution
        while node is not None:
            self.members[id(node)] = place
            node = None if node is last else self.only_user.get(id(node))

    def _write_over_input(self, node: Node) -> None:
        after = self.only_user.get(id(node))
        if after is None or id(after) in self.members or len(after.inputs) > 2:
            return
        if _returns_new_tensor(node) and after.layer.is_plain():
            place = [tensor.key for tensor in after.inputs].index((id(node), 0))
            function = after.layer.in_place(place)
            if function is not None:
                self.in_place[id(after)] = function

    def _add_in_kernel(self, node: Node) -> None:
        """Have the later of two tensors computed by a convolution that adds itself to the other one."""
        if not (node.layer.adds and _is_single(node)) or len(node.inputs) != 2:
            return
        first, second = sorted(node.inputs, key=lambda tensor: self.places[id(tensor.node)])
        group = self._ending_at(second.node)
        if group is None or first.spec != second.spec or not self._may_go(first, node):
            return
        taken = {tensor.key for tensor in group.convolution.inputs}
        if first.key in taken or taken & self.gone:  # the convolution runs later than it did, and needs its input then
            return
        self.groups.pop(id(group.convolution), None)
        self.in_place.pop(id(node), None)
        self.gone.add(first.key)
        group.into = first
        self.groups[id(node)] = group
        self._join(group, node, node)

    def _ending_at(self, last: Node) -> Group | None:
        """The group, or the convolution alone, that ends with `last` and could add another tensor there."""
        if self.only_user.get(id(last)) is None:
            return None
        if id(last) not in self.members:
            return Group(last) if _ends_in_kernel(last) else None
        group = self.groups[id(self.members[id(last)])]
        ends = group.into is None and not group.swish and _ends_in_kernel(group.convolution)
        return group if ends else None

    def _may_go(self, tensor: KerasTensor, last: Node) -> bool:
        """Whether `last` may write over a tensor: it is nobody's input or output, and others have finished with it."""
        maker = tensor.node
        fresh = id(maker) in self.in_place or id(maker) in self.members or _returns_new_tensor(maker)
        if not fresh or tensor.key in self.results:
            return False
        others = [user for user in self.users[tensor.key] if user is not last]
        return all(self._is_done(user, last) for user in others)

    def _is_done(self, user: Node, last: Node) -> bool:
        """Whether `user` comes before `last` and leaves nothing that shares memory with its input."""
        place = self.members.get(id(user), user)
        return self.places[id(place)] < self.places[id(last)] and _returns_new_tensor(user)


def users_of(graph: Graph) -> dict[Key, list[Node]]:
    """By tensor, the nodes that take it."""
    users: dict[Key, list[Node]] = {}
    for node in graph.nodes:
        for tensor in node.inputs:
            users.setdefault(tensor.key, []).append(node)
    return users


def results_of(graph: Graph) -> set[Key]:
    """The tensors that come from outside or go there."""
    return {tensor.key for tensor in (*graph.flat_outputs, *graph.flat_inputs)}


def only_users(users: dict[Key, list[Node]], results: set[Key]) -> dict[int, Node]:
    """By node, the one node that takes its output, where nobody else sees it."""
    return {key[0]: nodes[0] for key, nodes in users.items() if key[1] == 0 and len(nodes) == 1 and key not in results}


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, partial) and isinstance(second, partial):
        return first.func is second.func and first.keywords == second.keywords
    return first is second


def _returns_new_tensor(node: Node) -> bool:
    """Whether nobody but the caller has the output; a sum of one tensor is that tensor."""
    alone = node.args and isinstance(node.args[0], list | tuple) and len(node.args[0]) == 1
    return node.layer.returns_new_tensor and node.layer.is_plain() and not alone


def _is_free(node: Node) -> bool:
    """Whether nobody looks at a layer, and it computes in its own dtype."""
    return node.layer.is_plain() and not node.layer._mixed_dtype


def _is_single(node: Node) -> bool:
    return _is_free(node) and node.layer._dtype is torch.float32


def _ends_in_kernel(node: Node) -> bool:
    """Whether the kernel of a convolution may go on with its output before it writes it."""
    return node.layer.ends_in_kernel() and _is_single(node) and len(node.inputs) == 1 and node.inputs[0].ndim == 4


def _folds(node: Node, after: Node) -> bool:
    first, second = node.layer, after.layer
    if not (_is_free(node) and _is_free(after)):
        return False
    if first._dtype is not second._dtype or first._dtype not in (torch.float32, torch.float64):
        return False  # in 16 bits the product of two weights would be rounded once more
    axis = first.absorbs_scale_of_axis()
    return axis is not None and axis == second.scales_axis()
