"""Data by batch number, and batches made ahead of their use by threads or processes."""

from __future__ import annotations

import multiprocessing
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from typing import Any

import torch

from kerastorch.core.config import set_random_seed


class Sequence:
    """Base of data that give batches by number: define `__getitem__(index)` and `__len__`.

    `on_epoch_end` is called after each epoch of `fit`. As in Keras 3 the constructor may say how batches are made
    ahead, where `fit` does not.

    >>> class Squares(Sequence):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return np.full((4, 1), index), np.full((4, 1), index**2)
    """

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: expected a method __getitem__(index); define it.")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: expected a method __len__(); define it.")

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))


def batches_of(
    sequence: Any,
    numbers: Iterable[int],
    workers: int = 1,
    processes: bool = False,
    ahead: int = 10,
    in_loop: bool = True,
) -> Iterator[Any]:
    """The batches of a sequence with these numbers, in their order.

    One thread makes them where they are used, unless `in_loop` is False; several, or processes, make up to `ahead`
    batches before they are asked for. A process draws its random numbers from seeds that go by the batch, so that they
    do not depend on which process makes it. An error of a batch is raised in its place, with the number of the batch
    in its text; a process that dies is a RuntimeError.
    """
    if not workers or (workers == 1 and in_loop and not processes):
        for number in numbers:
            with telling(sequence, number):
                batch = sequence[number]
            yield batch
        return
    maker: _Threads | _Processes = (_Processes if processes else _Threads)(sequence, workers)
    remaining = iter(numbers)
    waiting: deque[tuple[int, Future[Any]]] = deque()
    try:
        while True:
            while len(waiting) < max(ahead, workers) and (number := next(remaining, None)) is not None:
                waiting.append((number, maker.start(number)))
            if not waiting:
                return
            number, future = waiting.popleft()
            with telling(sequence, number):
                batch = future.result()
            yield batch
    finally:
        maker.pool.shutdown(cancel_futures=True)


def numbered(source: Any, batches: Iterator[Any], first: int = 0) -> Iterator[Any]:
    """The batches that an iterator over a source gives; its errors are raised with the number of the batch."""
    end = object()
    for number in count(first):
        with telling(source, number):
            batch = next(batches, end)
        if batch is end:
            return
        yield batch


class _Threads:
    def __init__(self, sequence: Any, workers: int) -> None:
        self.sequence = sequence
        self.pool = ThreadPoolExecutor(workers, "batches")

    def start(self, number: int) -> Future[Any]:
        return self.pool.submit(self.sequence.__getitem__, number)


class _Processes:
    def __init__(self, sequence: Any, workers: int) -> None:
        # a fork has the sequence without pickling it, and so works for classes of a notebook
        method = "fork" if "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin" else None
        context = multiprocessing.get_context(method)
        self.pool = ProcessPoolExecutor(workers, context, _start_process, (sequence,))
        self.base = int(torch.randint(2**31, ()))
        with warnings.catch_warnings():
            # Python 3.12 warns of threads that a fork may lack; a worker has one thread, and waits for no other
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pool.submit(int)

    def start(self, number: int) -> Future[Any]:
        return self.pool.submit(_make_in_process, number, self.base + number)


class _InProcess:
    """What a worker process holds."""

    sequence: Any = None


def _start_process(sequence: Any) -> None:
    _InProcess.sequence = sequence
    torch.set_num_threads(1)  # the workers share the processors, and a fork lacks the threads of its parent


def _make_in_process(number: int, seed: int) -> Any:
    set_random_seed(seed)
    return _InProcess.sequence[number]


# Errors that are made of a text alone, and so can be raised again with a longer one.
_PLAIN_ERRORS = (
    *(ValueError, TypeError, IndexError, KeyError, AttributeError, RuntimeError, NotImplementedError, OSError),
    *(FileNotFoundError, PermissionError, ZeroDivisionError, ArithmeticError, MemoryError, EOFError, Exception),
)


class telling:
    """Errors inside come out with the number of the batch in their text, or in a note where they are no plain ones."""

    def __init__(self, sequence: Any, number: int) -> None:
        self.sequence, self.number = sequence, number

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is None:
            return
        where = f"{type(self.sequence).__name__}: batch {self.number}"
        if isinstance(error, BrokenProcessPool):
            raise RuntimeError(
                f"{where} was not made: a worker process died. It may have been out of memory; pass a smaller "
                "max_queue_size or fewer workers."
            ) from error
        if kind in _PLAIN_ERRORS:
            raise kind(f"{where} could not be made: {error}") from error
        if isinstance(error, Exception) and hasattr(error, "add_note"):
            error.add_note(f"{where} could not be made.")
