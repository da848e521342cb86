"""The steps of a data set: where elements come from, and what is done to them on their way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch

from kerastorch.data.structure import map_structure

INFINITE, UNKNOWN = -1, -2  # what a cardinality may be besides a number
_BITS = 2**64 - 1


class Draws:
    """The random numbers of one pass over a data set: every step takes seeds of its own before anything runs.

    Steps run in threads of their own, so that the order in which they would draw from a shared generator is not known.
    """

    def __init__(self, seed: int) -> None:
        self._state = seed

    def seed(self) -> int:
        """The next number below 2**62, by splitmix64 (Steele, Lea and Flood, 2014)."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _BITS
        mixed = (self._state ^ self._state >> 30) * 0xBF58476D1CE4E5B9 & _BITS
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _BITS
        return (mixed ^ mixed >> 31) >> 2

    def child(self) -> Draws:
        return Draws(self.seed())

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed())


class Node:
    """One step. `start` begins a pass: what it draws, it draws then, and not when elements are asked for.

    A step whose elements are rows of `arrays` says by `order` in which order they come, as tensors of indices; what
    only reorders rows works on these, and a batch of rows is one `index_select`.
    """

    parents: tuple[Node, ...] = ()
    runs_code = False  # whether elements cost more than a copy, so that fetching them ahead is worth a thread

    def start(self, draws: Draws) -> Iterator[Any]:
        raise NotImplementedError

    def cardinality(self) -> int:
        return self.parents[0].cardinality()

    def spec(self) -> Any:
        return self.parents[0].spec()

    def arrays(self) -> Any:
        """The tensors that elements are rows of; None where they are not."""
        return None

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        """Chunks of row numbers, in the order of the elements."""
        raise NotImplementedError

    def shard(self, draws: Draws, count: int, index: int) -> Iterator[Any]:
        """Every `count`-th element, beginning with number `index`."""
        return islice(self.start(draws), index, None, count)

    def rows(self, draws: Draws) -> Iterator[Any]:
        """The elements of a step that has `arrays`."""
        return _rows(self.arrays(), self.order(draws))

    def is_busy(self) -> bool:
        """Whether code runs for each element, here or further up."""
        return self.runs_code or any(parent.is_busy() for parent in self.parents)

    def walk(self) -> Iterator[Node]:
        """This step and all before it."""
        yield self
        for parent in self.parents:
            yield from parent.walk()


class OfParent(Node):
    """A step behind one other."""

    def __init__(self, parent: Node) -> None:
        self.parent = parent
        self.parents = (parent,)


def _rows(arrays: Any, order: Iterator[torch.Tensor]) -> Iterator[Any]:
    for chunk in order:
        # a few rows at once, of which the single ones are views: nobody else holds them
        for part in chunk.split(256):
            taken = map_structure(lambda leaf, part=part: leaf.index_select(0, part), arrays)
            for number in range(len(part)):
                yield map_structure(lambda leaf, number=number: leaf[number], taken)


class ElementError(RuntimeError):
    """What a function or generator of the user's raised, with the step and the number of the element.

    `index` is that number; the error itself is the `__cause__`.
    """

    def __init__(self, message: str, index: int) -> None:
        super().__init__(message)
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.index)


class naming_element:
    """Let errors of the user's code say in which step and at which element they came; errors that do, pass."""

    def __init__(self, step: str, index: int) -> None:
        self.step, self.index = step, index

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is not None and issubclass(kind, Exception) and not isinstance(error, ElementError):
            raise element_error(self.step, self.index, error) from error


def element_error(step: str, index: int, error: BaseException) -> ElementError:
    text = " ".join(str(error).split())
    return ElementError(
        f"Dataset.{step}: expected element {index} without an error; received {type(error).__name__}: {text}. "
        "Look at that element, or leave it out with skip() or filter().",
        index,
    )
