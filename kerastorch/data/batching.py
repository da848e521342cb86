"""Elements put together into batches, and taken apart again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch

from kerastorch.core.strings import StringTensor, as_strings
from kerastorch.data import orders
from kerastorch.data.node import UNKNOWN, Draws, Node, OfParent
from kerastorch.data.structure import TensorSpec, describe_element, flatten, map_structure, pack_like, stacked


class Batch(OfParent):
    """Groups of elements, stacked."""

    step = "batch"

    def __init__(self, parent: Node, size: int, drop_remainder: bool = False) -> None:
        super().__init__(parent)
        if isinstance(size, bool) or int(size) != size or size < 1:
            raise ValueError(
                f"Dataset.{self.step}: expected batch_size as a positive integer; received {size!r}. Pass 32, say."
            )
        self.size, self.drop_remainder = int(size), bool(drop_remainder)

    def start(self, draws: Draws) -> Iterator[Any]:
        if self.parent.arrays() is None:
            return self._grouped(self.parent.start(draws))
        return selected(self.parent.arrays(), self._places(draws))

    def shard(self, draws: Draws, count: int, index: int) -> Iterator[Any]:
        if self.parent.arrays() is None:
            return super().shard(draws, count, index)
        return selected(self.parent.arrays(), islice(self._places(draws), index, None, count))

    def _places(self, draws: Draws) -> Iterator[torch.Tensor]:
        return orders.batches(self.parent.order(draws), self.size, self.drop_remainder)

    def _grouped(self, elements: Iterator[Any]) -> Iterator[Any]:
        number = 0
        while group := list(islice(elements, self.size)):
            if len(group) < self.size and self.drop_remainder:
                return
            yield self._joined(group, number)
            number += 1

    def _joined(self, group: list[Any], number: int) -> Any:
        shapes = {tuple(tuple(leaf.shape) for leaf in flatten(element)) for element in group}
        if len(shapes) > 1:
            odd = next(place for place, one in enumerate(group) if describe_element(one) != describe_element(group[0]))
            raise ValueError(
                f"Dataset.batch: expected elements of one shape; received {describe_element(group[0])} as element "
                f"{number * self.size} and {describe_element(group[odd])} as element {number * self.size + odd}. "
                "Resize them in map(), or use padded_batch()."
            )
        return stacked(group)

    def cardinality(self) -> int:
        count = self.parent.cardinality()
        if count < 0:
            return count
        return count // self.size if self.drop_remainder else -(-count // self.size)

    def _first_size(self) -> int | None:
        return self.size if self.drop_remainder else None

    def spec(self) -> Any:
        return map_structure(lambda one: _with_axis(one, self._first_size()), self.parent.spec())


def selected(arrays: Any, places: Iterator[torch.Tensor]) -> Iterator[Any]:
    """The rows at each of `places`, as elements of their own."""
    if type(arrays) is tuple and len(arrays) == 2 and type(arrays[0]) is type(arrays[1]) is torch.Tensor:
        first, second = arrays[0].index_select, arrays[1].index_select  # the usual case, without the walk
        return ((first(0, rows), second(0, rows)) for rows in places)
    return (map_structure(lambda leaf, rows=rows: leaf.index_select(0, rows), arrays) for rows in places)


def _with_axis(spec: TensorSpec, size: int | None) -> TensorSpec:
    return spec if spec.shape is None else TensorSpec((size, *spec.shape), spec.dtype)


class PaddedBatch(Batch):
    """Groups of elements, each padded to the largest of its group or to given shapes."""

    step = "padded_batch"

    def __init__(self, parent: Node, size: int, shapes: Any, values: Any, drop_remainder: bool) -> None:
        super().__init__(parent, size, drop_remainder)
        self.shapes, self.values = shapes, values

    def start(self, draws: Draws) -> Iterator[Any]:
        return self._grouped(self.parent.start(draws))

    shard = Node.shard

    def _joined(self, group: list[Any], number: int) -> Any:
        leaves = [flatten(element) for element in group]
        count = len(leaves[0])
        shapes, values = _spread(self.shapes, group[0], count, is_shape=True), _spread(self.values, group[0], count)
        joined = [
            _padded([row[place] for row in leaves], shapes[place], values[place], number * self.size)
            for place in range(count)
        ]
        return pack_like(group[0], joined)

    def spec(self) -> Any:
        spec = self.parent.spec()
        leaves = flatten(spec)
        shapes = _spread(self.shapes, spec, len(leaves), is_shape=True)
        return pack_like(spec, [self._padded_spec(*pair) for pair in zip(leaves, shapes, strict=True)])

    def _padded_spec(self, spec: TensorSpec, given: Any) -> TensorSpec:
        if given is None:
            given = None if spec.shape is None else [None] * len(spec.shape)
        shape = None if given is None else tuple(None if size in (None, -1) else size for size in given)
        return _with_axis(TensorSpec(shape, spec.dtype), self._first_size())


def _spread(given: Any, element: Any, count: int, is_shape: bool = False) -> list[Any]:
    """One entry a leaf of what was given for all, or in the structure of elements; a shape is a list or a tuple."""
    if given is None:
        return [None] * count
    if not isinstance(element, tuple | dict):
        return [given]
    if isinstance(given, dict):
        return [leaf for key in sorted(given) for leaf in _spread(given[key], element[key], 1, is_shape)]
    if not isinstance(given, tuple | list):
        return [given] * count
    parts = zip(given, element, strict=True)
    return [leaf for one, part in parts for leaf in _spread(one, part, len(flatten(part)), is_shape)]


def _padded(leaves: list[torch.Tensor], shape: Any, value: Any, first: int) -> torch.Tensor:
    rank = leaves[0].dim()
    wanted = [None] * rank if shape is None else [None if size in (None, -1) else int(size) for size in shape]
    if len(wanted) != rank or any(leaf.dim() != rank for leaf in leaves):
        raise ValueError(
            f"Dataset.padded_batch: expected elements of rank {len(wanted)}; received shapes "
            f"{sorted({tuple(leaf.shape) for leaf in leaves})}. Pass padded_shapes of their rank."
        )
    sizes = [max(leaf.shape[axis] for leaf in leaves) if size is None else size for axis, size in enumerate(wanted)]
    for place, leaf in enumerate(leaves):
        if any(given > size for given, size in zip(leaf.shape, sizes, strict=True)):
            raise ValueError(
                f"Dataset.padded_batch: expected elements within padded_shapes {tuple(wanted)}; received shape "
                f"{tuple(leaf.shape)} as element {first + place}. Use None for axes that vary."
            )
    if isinstance(leaves[0], StringTensor):
        strings = np.full((len(leaves), *sizes), as_strings("" if value is None else value).numpy(), dtype=object)
        for row, leaf in zip(strings, leaves, strict=True):
            row[tuple(slice(size) for size in leaf.shape)] = leaf.values
        return StringTensor(strings)
    joined = torch.full((len(leaves), *sizes), 0 if value is None else value, dtype=leaves[0].dtype)
    for row, leaf in zip(joined, leaves, strict=True):
        row[tuple(slice(size) for size in leaf.shape)] = leaf
    return joined


class Unbatch(OfParent):
    """The rows of each element, one by one."""

    def start(self, draws: Draws) -> Iterator[Any]:
        return self._split(self.parent.start(draws))

    def _split(self, elements: Iterator[Any]) -> Iterator[Any]:
        for element in elements:
            for number in range(len(flatten(element)[0])):
                yield map_structure(lambda leaf, number=number: leaf[number], element)

    def cardinality(self) -> int:
        count = self.parent.cardinality()
        size = flatten(self.parent.spec())[0].shape
        return count * size[0] if count >= 0 and size and size[0] is not None else UNKNOWN if count >= 0 else count

    def spec(self) -> Any:
        def without_axis(spec: TensorSpec) -> TensorSpec:
            return spec if spec.shape is None else TensorSpec(spec.shape[1:], spec.dtype)

        return map_structure(without_axis, self.parent.spec())
