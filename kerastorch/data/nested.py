"""Steps that make data sets of elements, and elements of data sets: flat_map, interleave, window, sampling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import torch

from kerastorch.data.node import INFINITE, UNKNOWN, Draws, Node, OfParent, naming_element
from kerastorch.data.sources import Rows
from kerastorch.data.structure import TensorSpec, flatten, map_structure, pack_like, spec_of
from kerastorch.data.transformations import Observed, call


class Listed(Node):
    """Elements that are there already."""

    def __init__(self, elements: Sequence[Any]) -> None:
        self.elements = elements

    def start(self, draws: Draws) -> Iterator[Any]:
        return iter(self.elements)

    def cardinality(self) -> int:
        return len(self.elements)

    def spec(self) -> Any:
        return spec_of(self.elements[0]) if self.elements else TensorSpec(None)


class Window(OfParent):
    """Short data sets of neighbouring elements; `make` turns a step into a data set."""

    def __init__(
        self, parent: Node, size: int, shift: int, stride: int, drop_remainder: bool, make: Callable[[Node], Any]
    ) -> None:
        super().__init__(parent)
        if min(size, shift, stride) < 1:
            raise ValueError(
                f"Dataset.window: expected size, shift and stride of at least 1; received {size}, {shift} and {stride}."
            )
        self.size, self.shift, self.stride, self.drop_remainder = size, shift, stride, drop_remainder
        self.make = make

    def start(self, draws: Draws) -> Iterator[Any]:
        arrays = self.parent.arrays()
        if arrays is not None and self.parent.cardinality() >= 0:
            return self._of_rows(arrays, self.parent.order(draws))
        return self._windows(self.parent.start(draws))

    def _of_rows(self, arrays: Any, order: Iterator[torch.Tensor]) -> Iterator[Any]:
        rows = torch.cat([torch.empty(0, dtype=torch.int64), *order])
        span = (self.size - 1) * self.stride + 1
        for start in range(0, len(rows), self.shift):
            chosen = rows[start : start + span : self.stride]
            if self.drop_remainder and len(chosen) < self.size:
                return
            yield map_structure(lambda leaf, chosen=chosen: self.make(Rows(leaf.index_select(0, chosen))), arrays)

    def _windows(self, elements: Iterator[Any]) -> Iterator[Any]:
        span = (self.size - 1) * self.stride + 1
        held: list[Any] = []
        first = 0  # the number of held[0]
        start = 0
        ended = False
        while True:
            while not ended and first + len(held) < start + span:
                element = next(elements, None)
                if element is None:
                    ended = True
                else:
                    held.append(element)
            del held[: start - first]
            first = max(first, start)
            chosen = held[: span : self.stride]
            if not chosen or (self.drop_remainder and len(chosen) < self.size):
                return
            yield self._data_sets(chosen)
            start += self.shift
            if not ended and start > first + len(held):  # elements between two windows
                for _ in range(start - first - len(held)):
                    if next(elements, None) is None:
                        return
                held, first = [], start

    def _data_sets(self, chosen: list[Any]) -> Any:
        columns = zip(*(flatten(element) for element in chosen), strict=True)
        return pack_like(chosen[0], [self.make(Listed(column)) for column in columns])

    def cardinality(self) -> int:
        count = self.parent.cardinality()
        if count < 0:
            return count
        if self.drop_remainder:
            span = (self.size - 1) * self.stride + 1
            return 0 if count < span else (count - span) // self.shift + 1
        return -(-count // self.shift)

    def spec(self) -> Any:
        return map_structure(lambda spec: DatasetSpec(spec, self.size), self.parent.spec())


class DatasetSpec:
    """What `window` makes of a leaf: a data set of such leaves."""

    def __init__(self, element_spec: TensorSpec, size: int) -> None:
        self.element_spec, self.size = element_spec, size
        self.shape, self.dtype = None, element_spec.dtype

    def __repr__(self) -> str:
        return f"DatasetSpec({self.element_spec!r})"


class FlatMap(Observed):
    """The elements of the data sets that a function makes of elements, one data set after the other."""

    step = "flat_map"

    def __init__(self, parent: Node, function: Callable[..., Any]) -> None:
        super().__init__(parent)
        self.function = function

    def start(self, draws: Draws) -> Iterator[Any]:
        return chain.from_iterable(self._inner(self.parent.start(draws), draws.child()))

    def _inner(self, elements: Iterator[Any], draws: Draws) -> Iterator[Iterator[Any]]:
        for index, element in enumerate(elements):
            with naming_element(self.step, index), torch.no_grad():
                inner = getattr(call(self.function, element), "node", None)
                if inner is None:
                    raise TypeError("the function returned no Dataset; return one, or use map()")
            yield inner.start(draws.child())

    def cardinality(self) -> int:
        return 0 if self.parent.cardinality() == 0 else UNKNOWN


class Interleave(FlatMap):
    """Elements of several such data sets in turn, `block_length` of each."""

    step = "interleave"

    def __init__(self, parent: Node, function: Callable[..., Any], cycle_length: int, block_length: int) -> None:
        super().__init__(parent, function)
        if min(cycle_length, block_length) < 1:
            raise ValueError(
                "Dataset.interleave: expected cycle_length and block_length of at least 1; received "
                f"{cycle_length} and {block_length}."
            )
        self.cycle_length, self.block_length = cycle_length, block_length

    def start(self, draws: Draws) -> Iterator[Any]:
        return self._in_turn(self._inner(self.parent.start(draws), draws.child()))

    def _in_turn(self, waiting: Iterator[Iterator[Any]]) -> Iterator[Any]:
        turns: list[Iterator[Any] | None] = [None] * self.cycle_length
        place, more, still_open = 0, True, 0
        while more or still_open:
            if turns[place] is None and more:
                turns[place] = next(waiting, None)
                more = turns[place] is not None
                still_open += more
            current = turns[place]
            if current is not None:
                given = 0
                for element in current:
                    yield element
                    given += 1
                    if given == self.block_length:
                        break
                else:
                    turns[place] = None
                    still_open -= 1
            place = (place + 1) % self.cycle_length


class Sampled(Node):
    """Each element from one of several data sets, drawn by weight, until one or all have ended."""

    def __init__(self, parents: Iterable[Node], weights: Any, seed: int | None, stops: bool) -> None:
        self.parents = tuple(parents)
        self.weights = torch.ones(len(self.parents)) if weights is None else torch.as_tensor(weights).float().flatten()
        self.seed, self.stops = seed, stops
        if len(self.weights) != len(self.parents):
            raise ValueError(
                f"Dataset.sample_from_datasets: expected one weight for each of {len(self.parents)} data sets; "
                f"received {len(self.weights)}."
            )

    def start(self, draws: Draws) -> Iterator[Any]:
        generator = draws.generator() if self.seed is None else torch.Generator().manual_seed(self.seed)
        return self._drawn([parent.start(draws) for parent in self.parents], self.weights.clone(), generator)

    def _drawn(self, parts: list[Iterator[Any]], weights: torch.Tensor, generator: torch.Generator) -> Iterator[Any]:
        while weights.sum() > 0:
            place = int(torch.multinomial(weights, 1, generator=generator))
            element = next(parts[place], None)
            if element is not None:
                yield element
            elif self.stops:
                return
            else:
                weights[place] = 0

    def cardinality(self) -> int:
        counts = [parent.cardinality() for parent in self.parents]
        return INFINITE if all(count == INFINITE for count in counts) else UNKNOWN

    def spec(self) -> Any:
        return self.parents[0].spec()
