"""Batches made ahead of their use, for programs with a loop of their own."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count, takewhile
from typing import Any

from kerastorch.core.sequence import batches_of


class SequenceEnqueuer:
    """Base of what makes batches ahead: `start` it, take batches from `get()`, `stop` it.

    >>> enqueuer = GeneratorEnqueuer(iter([10, 20, 30]))
    >>> enqueuer.start(max_queue_size=2)
    >>> list(enqueuer.get())
    [10, 20, 30]
    >>> enqueuer.stop()
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False) -> None:
        self.sequence = sequence
        self.use_multiprocessing = use_multiprocessing
        self._batches: Iterator[Any] | None = None

    def is_running(self) -> bool:
        """Whether it was started, and not stopped."""
        return self._batches is not None

    def start(self, workers: int = 1, max_queue_size: int = 10) -> None:
        """Begin with the first batch; `workers` threads or processes make up to `max_queue_size` ahead."""
        self.stop()
        self._batches = self._made(workers, max_queue_size)

    def stop(self, timeout: float | None = None) -> None:
        """End the workers; `timeout` is accepted, and nothing waits for longer than the batch in work."""
        self._batches = None  # a generator that nobody holds ends, and its workers with it

    def get(self) -> Iterator[Any]:
        """The batches in their order; errors are raised in their place. RuntimeError before `start`."""
        while self._batches is not None:
            batch = next(self._batches, None)
            if batch is None:
                return
            yield batch
        raise RuntimeError(f"{type(self).__name__}: expected a call of start(); received none. Start it first.")

    def _made(self, workers: int, ahead: int) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: expected a method _made(workers, ahead); define it.")


class OrderedEnqueuer(SequenceEnqueuer):
    """The batches of a `utils.Sequence`, epoch after epoch; with `shuffle` each epoch has an order of its own.

    >>> enqueuer = OrderedEnqueuer([10, 20, 30])
    >>> enqueuer.start(workers=2)
    >>> next(enqueuer.get())
    10
    """

    def __init__(self, sequence: Any, use_multiprocessing: bool = False, shuffle: bool = False) -> None:
        super().__init__(sequence, use_multiprocessing)
        self.shuffle = shuffle

    def _made(self, workers: int, ahead: int) -> Iterator[Any]:
        while True:
            order = list(range(len(self.sequence)))
            if self.shuffle:
                random.shuffle(order)
            yield from batches_of(self.sequence, order, workers, self.use_multiprocessing, ahead, in_loop=False)
            self.sequence.on_epoch_end()


class GeneratorEnqueuer(SequenceEnqueuer):
    """The batches of a generator, made ahead by one thread, since a generator makes one at a time.

    Raises ValueError for processes, which cannot share a generator.

    >>> enqueuer = GeneratorEnqueuer(iter("ab"))
    >>> enqueuer.start()
    >>> next(enqueuer.get())
    'a'
    """

    def __init__(self, generator: Any, use_multiprocessing: bool = False) -> None:
        if use_multiprocessing:
            raise ValueError(
                "GeneratorEnqueuer: expected use_multiprocessing=False; received True. Processes cannot share a "
                "generator: make it a utils.Sequence."
            )
        super().__init__(generator)

    def _made(self, workers: int, ahead: int) -> Iterator[Any]:
        return takewhile(_is_batch, batches_of(_Taken(self.sequence), count(), 1, ahead=ahead, in_loop=False))


class _Taken:
    """A generator as a sequence that gives its next batch under any number, and None at the end."""

    def __init__(self, generator: Iterator[Any]) -> None:
        self.generator = generator

    def __getitem__(self, number: int) -> Any:
        return next(self.generator, None)


def _is_batch(batch: Any) -> bool:
    return batch is not None
