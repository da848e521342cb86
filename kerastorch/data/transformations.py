"""What is done to elements: mapped, grouped, reordered, chosen, joined and kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from kerastorch.core.config import dtype_name
from kerastorch.data import cache_file, orders
from kerastorch.data.node import INFINITE, UNKNOWN, Draws, Node, OfParent, naming_element
from kerastorch.data.sources import Rows
from kerastorch.data.structure import (
    TensorSpec,
    as_element,
    copied,
    describe_element,
    flatten,
    map_structure,
    pack_like,
    spec_of,
    stacked,
)


class Reordering(OfParent):
    """A step that only says which elements come when: of rows by their numbers, of others by handing them on."""

    def arrays(self) -> Any:
        return self.parent.arrays()

    def start(self, draws: Draws) -> Iterator[Any]:
        return self.elements(draws) if self.arrays() is None else self.rows(draws)

    def elements(self, draws: Draws) -> Iterator[Any]:
        raise NotImplementedError


class Shuffle(Reordering):
    """A buffer that elements are drawn from at random."""

    def __init__(self, parent: Node, size: int, seed: int | None, reshuffles: bool) -> None:
        super().__init__(parent)
        if seed is None and not reshuffles:
            seed = int(torch.randint(2**62, ()))  # now, so that copies in other processes have the same order
        self.size, self.seed, self.reshuffles = size, seed, reshuffles
        self.passes = 0  # those that began; with a seed of its own, a pass depends on how many came before

    def _generator(self, draws: Draws) -> torch.Generator:
        if self.seed is None:
            return draws.generator()
        number = self.passes if self.reshuffles else 0
        self.passes += 1
        return torch.Generator().manual_seed((self.seed * 1_000_003 + number) % 2**63)

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        generator = self._generator(draws)
        count = self.parent.cardinality()
        if 0 <= count <= self.size and isinstance(self.parent, Rows):
            return iter([torch.randperm(count, generator=generator)])
        return orders.shuffled(self.parent.order(draws), self.size, generator)

    def elements(self, draws: Draws) -> Iterator[Any]:
        generator = self._generator(draws)
        return self._drawn(self.parent.start(draws), generator)

    def _drawn(self, elements: Iterator[Any], generator: torch.Generator) -> Iterator[Any]:
        buffer = list(islice(elements, self.size))
        for element, place in zip(elements, _places(len(buffer), generator)):  # noqa: B905 - places have no end
            leaving, buffer[place] = buffer[place], element
            yield leaving
        for place in torch.randperm(len(buffer), generator=generator).tolist():
            yield buffer[place]
            buffer[place] = None


def _places(size: int, generator: torch.Generator) -> Iterator[int]:
    while True:
        yield from torch.randint(max(size, 1), (256,), generator=generator).tolist()


class Repeat(Reordering):
    """All elements several times, or for ever."""

    def __init__(self, parent: Node, count: int | None) -> None:
        super().__init__(parent)
        self.count = -1 if count is None else int(count)

    def _passes(self, begin: Callable[[Draws], Iterator[Any]], draws: Draws) -> Iterator[Any]:
        done = 0
        while done != self.count:
            empty = True
            for item in begin(draws.child()):
                empty = False
                yield item
            done += 1
            if empty:
                return  # nothing would come, for ever

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        return self._passes(self.parent.order, draws.child())

    def elements(self, draws: Draws) -> Iterator[Any]:
        return self._passes(self.parent.start, draws.child())

    def cardinality(self) -> int:
        one = self.parent.cardinality()
        if one == 0 or self.count == 0:
            return 0
        if self.count < 0 or one == INFINITE:
            return INFINITE
        return UNKNOWN if one == UNKNOWN else one * self.count


class Take(Reordering):
    """The first elements."""

    def __init__(self, parent: Node, count: int) -> None:
        super().__init__(parent)
        self.count = int(count)

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        return orders.taken(self.parent.order(draws), self.count)

    def elements(self, draws: Draws) -> Iterator[Any]:
        return islice(self.parent.start(draws), None if self.count < 0 else self.count)

    def cardinality(self) -> int:
        return _at_most(self.parent.cardinality(), self.count)


def _at_most(count: int, limit: int) -> int:
    if limit < 0 or count == 0:
        return count
    if count == INFINITE:
        return limit
    return (0 if limit == 0 else UNKNOWN) if count == UNKNOWN else min(count, limit)


class Skip(Reordering):
    """All but the first elements."""

    def __init__(self, parent: Node, count: int) -> None:
        super().__init__(parent)
        self.count = int(count)

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        order = self.parent.order(draws)
        return iter(()) if self.count < 0 else orders.skipped(order, self.count)

    def elements(self, draws: Draws) -> Iterator[Any]:
        elements = self.parent.start(draws)
        return iter(()) if self.count < 0 else islice(elements, self.count, None)

    def cardinality(self) -> int:
        count = self.parent.cardinality()
        if self.count < 0 and count != UNKNOWN:
            return 0
        return count if count < 0 else max(count - self.count, 0)


class Shard(Reordering):
    """Every so-manieth element."""

    def __init__(self, parent: Node, count: int, index: int) -> None:
        super().__init__(parent)
        if count < 1 or not 0 <= index < count:
            raise ValueError(
                f"Dataset.shard: expected num_shards of at least 1 and an index from 0 below it; received "
                f"num_shards={count} and index={index}. Number the shards from 0."
            )
        self.count, self.index = int(count), int(index)

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        return orders.every(self.parent.order(draws), self.count, self.index)

    def elements(self, draws: Draws) -> Iterator[Any]:
        return self.parent.shard(draws, self.count, self.index)

    def cardinality(self) -> int:
        count = self.parent.cardinality()
        return count if count < 0 else max(-(-(count - self.index) // self.count), 0)


class Filter(OfParent):
    """The elements for which a function is true."""

    runs_code = True

    def __init__(self, parent: Node, function: Callable[..., Any]) -> None:
        super().__init__(parent)
        self.function = function

    def start(self, draws: Draws) -> Iterator[Any]:
        return self._kept(self.parent.start(draws))

    def _kept(self, elements: Iterator[Any]) -> Iterator[Any]:
        for index, element in enumerate(elements):
            with naming_element("filter", index), torch.no_grad():
                kept = bool(call(self.function, element))
            if kept:
                yield element

    def cardinality(self) -> int:
        return 0 if self.parent.cardinality() == 0 else UNKNOWN


class TakeWhile(Filter):
    """The elements before the first one for which a function is not true."""

    def _kept(self, elements: Iterator[Any]) -> Iterator[Any]:
        for index, element in enumerate(elements):
            with naming_element("take_while", index), torch.no_grad():
                if not call(self.function, element):
                    return
            yield element


def call(function: Callable[..., Any], element: Any) -> Any:
    """A function of the user's on an element: the parts of a tuple are arguments of their own."""
    return function(*element) if isinstance(element, tuple) and not hasattr(element, "_fields") else function(element)


class Enumerate(OfParent):
    """Elements with their numbers."""

    def __init__(self, parent: Node, first: int) -> None:
        super().__init__(parent)
        self.first = int(first)

    def start(self, draws: Draws) -> Iterator[Any]:
        elements = self.parent.start(draws)
        return ((torch.tensor(number), element) for number, element in enumerate(elements, self.first))

    def spec(self) -> Any:
        return TensorSpec((), "int64"), self.parent.spec()


class Zip(Node):
    """Elements of several data sets side by side, as long as all have some."""

    def __init__(self, structure: Any) -> None:
        self.structure = structure
        self.parents = tuple(flatten(structure))

    def start(self, draws: Draws) -> Iterator[Any]:
        return self._joined([parent.start(draws) for parent in self.parents])

    def _joined(self, parts: list[Iterator[Any]]) -> Iterator[Any]:
        structure = pack_like(self.structure, range(len(parts)))
        if structure == tuple(range(len(parts))):
            yield from zip(*parts)  # noqa: B905 - the shortest one ends it
        for elements in zip(*parts):  # noqa: B905
            yield map_structure(lambda place, elements=elements: elements[place], structure)

    def arrays(self) -> Any:
        """Rows of arrays of one length side by side are rows again, where nobody changes their order."""
        if all(isinstance(parent, Rows) for parent in self.parents) and len(set(self._lengths())) == 1:
            return map_structure(lambda parent: parent.arrays(), self.structure)
        return None

    def _lengths(self) -> list[int]:
        return [parent.cardinality() for parent in self.parents]

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        return self.parents[0].order(draws)

    def cardinality(self) -> int:
        counts = [count for count in self._lengths() if count != INFINITE]
        if 0 in counts:
            return 0
        return INFINITE if not counts else UNKNOWN if UNKNOWN in counts else min(counts)

    def spec(self) -> Any:
        return map_structure(lambda parent: parent.spec(), self.structure)


class Concatenate(Node):
    """The elements of one data set, then those of another."""

    def __init__(self, first: Node, second: Node) -> None:
        self.parents = (first, second)

    def start(self, draws: Draws) -> Iterator[Any]:
        parts = [parent.start(draws) for parent in self.parents]
        return (element for part in parts for element in part)

    def cardinality(self) -> int:
        counts = [parent.cardinality() for parent in self.parents]
        return INFINITE if INFINITE in counts else UNKNOWN if UNKNOWN in counts else sum(counts)

    def spec(self) -> Any:
        first, second = (parent.spec() for parent in self.parents)
        if len(flatten(first)) != len(flatten(second)):
            raise TypeError(
                f"Dataset.concatenate: expected data sets of one structure; received {first} and {second}. Bring both "
                "into one form with map()."
            )
        return map_structure(merged_spec, first, second)


def merged_spec(one: TensorSpec, other: TensorSpec) -> TensorSpec:
    """What is true of both specs."""
    if one.dtype is not other.dtype:
        raise TypeError(
            f"Dataset: expected elements of one dtype; received {dtype_name(one.dtype)} and {dtype_name(other.dtype)}. "
            "Cast one of them in map()."
        )
    if one.shape is None or other.shape is None or len(one.shape) != len(other.shape):
        return TensorSpec(None, one.dtype)
    sizes = (a if a == b else None for a, b in zip(one.shape, other.shape, strict=True))
    return TensorSpec(tuple(sizes), one.dtype)


class Cache(OfParent):
    """Elements kept by the first whole pass, in memory or in a file too; later ones take them from there.

    Elements of one shape become rows of arrays, which shuffle and batch at once.
    """

    def __init__(self, parent: Node, filename: str = "") -> None:
        super().__init__(parent)
        self.path = Path(f"{filename}.npz") if filename else None
        self.kept: list[Any] | None = None
        self.stacked: Any = None
        self.lock = threading.Lock()

    def arrays(self) -> Any:
        return self.stacked

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        return iter([torch.arange(len(flatten(self.stacked)[0]))])

    def start(self, draws: Draws) -> Iterator[Any]:
        if self.path is not None and self.stacked is None and self.kept is None and self.path.exists():
            self._keep(cache_file.read(self.path))
        if self.stacked is not None:
            return self.rows(draws)
        if self.kept is not None:
            return map(copied, self.kept)
        return self._filling(self.parent.start(draws))

    def _filling(self, elements: Iterator[Any]) -> Iterator[Any]:
        kept = []
        for element in elements:
            kept.append(element)
            yield copied(element)
        with self.lock:
            if self.kept is None and self.stacked is None:
                if self.path is not None:
                    cache_file.write(self.path, kept)
                self._keep(kept)

    def _keep(self, kept: list[Any]) -> None:
        shapes = {describe_element(element) for element in kept}
        if len(shapes) == 1 and len(kept) > 1:
            self.stacked = stacked(kept)
        else:
            self.kept = kept

    def is_busy(self) -> bool:
        return self.stacked is None and super().is_busy()

    def __getstate__(self) -> dict[str, Any]:
        return {**{key: value for key, value in self.__dict__.items() if key != "lock"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=threading.Lock())


class Observed(OfParent):
    """A step whose elements a function of the user's makes: their spec is that of the first one.

    An axis whose size varies before the function, such as that of a batch, varies behind it too.
    """

    runs_code = True

    def _first(self) -> Any:
        return next(self.start(Draws(0)), None)

    def spec(self) -> Any:
        first = self._first()
        if first is None:
            return TensorSpec(None, "float32")
        before = flatten(self.parent.spec())
        varies = any(spec.shape is not None and spec.shape[:1] == (None,) for spec in before)

        def described(spec: TensorSpec) -> TensorSpec:
            return TensorSpec((None, *spec.shape[1:]), spec.dtype) if varies and spec.shape else spec

        return map_structure(described, spec_of(first))


def checked_result(result: Any, step: str) -> Any:
    """What a function of `map` has returned, as an element: a list of tensors need not be one tensor."""
    if result is None:
        raise TypeError(f"the function of {step} returned None; return the new element")
    return as_element(tuple(result) if type(result) is list else result)
