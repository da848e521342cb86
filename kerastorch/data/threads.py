"""Steps that work ahead in threads: `map` on several elements at once, and `prefetch`."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import torch

from kerastorch.data.node import UNKNOWN, Draws, ElementError, Node, OfParent, element_error, naming_element
from kerastorch.data.transformations import Observed, call, checked_result

AUTOTUNE = -1
_SAMPLES, _WORTH_A_THREAD = 4, 3e-4  # calls that are timed first, and the seconds from which on threads pay


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Map(Observed):
    """A function of each element, in the order of the elements; several at once in threads.

    With AUTOTUNE the first calls are timed, and functions that take less than a switch of threads costs get none.
    Elements for which the function raises one of `skips` are left out, and `report` gets these errors at the end.
    """

    def __init__(
        self,
        parent: Node,
        function: Callable[..., Any],
        parallel: int | None,
        step: str = "map",
        skips: tuple[type[BaseException], ...] = (),
        report: Callable[[list[BaseException]], None] | None = None,
    ) -> None:
        super().__init__(parent)
        self.function, self.parallel, self.step, self.skips, self.report = function, parallel, step, skips, report

    def start(self, draws: Draws) -> Iterator[Any]:
        return self._run(self.parent.start(draws))

    def shard(self, draws: Draws, count: int, index: int) -> Iterator[Any]:
        return self._run(self.parent.shard(draws, count, index))

    def cardinality(self) -> int:
        count = super().cardinality()
        return UNKNOWN if self.skips and count > 0 else count

    def _apply(self, element: Any) -> Any:
        try:
            with torch.no_grad():
                return checked_result(call(self.function, element), self.step)
        except self.skips as error:
            return _Skipped(error)

    def _run(self, elements: Iterator[Any]) -> Iterator[Any]:
        skipped: list[BaseException] = []
        for result in self._results(elements):
            if type(result) is _Skipped:
                skipped.append(result.error)
            else:
                yield result
        if skipped and self.report is not None:
            self.report(skipped)

    def _results(self, elements: Iterator[Any]) -> Iterator[Any]:
        index = 0
        if self.parallel is None or self.parallel == AUTOTUNE:
            spent = 0.0
            for element in elements:
                begin = time.perf_counter()
                with naming_element(self.step, index):
                    result = self._apply(element)
                if index < _SAMPLES:
                    spent += time.perf_counter() - begin
                yield result
                index += 1
                if self.parallel == AUTOTUNE and index == _SAMPLES and spent > _SAMPLES * _WORTH_A_THREAD:
                    break
            else:
                return
        workers = processors() if self.parallel == AUTOTUNE else int(self.parallel)
        yield from self._in_threads(elements, workers, index)

    def _in_threads(self, elements: Iterator[Any], workers: int, index: int) -> Iterator[Any]:
        pool = ThreadPoolExecutor(workers, thread_name_prefix=f"dataset-{self.step}")
        try:
            waiting: deque[Future[Any]] = deque(
                pool.submit(self._apply, element) for element in islice(elements, 2 * workers)
            )
            while waiting:
                future = waiting.popleft()
                error = future.exception()
                if isinstance(error, ElementError):
                    raise error
                if error is not None:
                    raise element_error(self.step, index, error) from error
                for element in islice(elements, 1):
                    waiting.append(pool.submit(self._apply, element))
                yield future.result()
                index += 1
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Skipped:
    """Stands for an element that could not be made."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


class Prefetch(OfParent):
    """Elements fetched by a thread while earlier ones are used; none where they cost no more than a copy."""

    def __init__(self, parent: Node, size: int) -> None:
        super().__init__(parent)
        self.size = 2 if size == AUTOTUNE else int(size)

    def start(self, draws: Draws) -> Iterator[Any]:
        elements = self.parent.start(draws)
        return fetched_ahead(elements, self.size) if self.size > 0 and self.parent.is_busy() else elements

    def shard(self, draws: Draws, count: int, index: int) -> Iterator[Any]:
        return self.parent.shard(draws, count, index)

    def arrays(self) -> Any:
        return None if self.parent.is_busy() else self.parent.arrays()

    def order(self, draws: Draws) -> Iterator[torch.Tensor]:
        return self.parent.order(draws)


class _Queue:
    """What passes between the thread and the consumer; its lock guards all of it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.items: deque[Any] = deque()
        self.error: BaseException | None = None
        self.ended = self.closed = False
        self.changed = threading.Condition()


class _noting_end:
    """The end of the thread's work, well or with an error, which the consumer raises."""

    def __init__(self, queue: _Queue) -> None:
        self.queue = queue

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> bool:
        with self.queue.changed:
            self.queue.error, self.queue.ended = error, True
            self.queue.changed.notify_all()
        return True


def _fill(elements: Iterator[Any], queue: _Queue) -> None:
    with _noting_end(queue):
        for element in elements:
            with queue.changed:
                queue.changed.wait_for(lambda: queue.closed or len(queue.items) < queue.size)
                if queue.closed:
                    break
                queue.items.append(element)
                queue.changed.notify_all()
        del elements  # what it holds ends here, in the thread that has used it


def fetched_ahead(elements: Iterator[Any], size: int) -> Iterator[Any]:
    """The elements, up to `size` of which a thread has ready; it ends when the iterator is dropped."""
    queue = _Queue(size)
    thread = threading.Thread(target=_fill, args=(elements, queue), name="dataset-prefetch", daemon=True)
    del elements
    thread.start()
    try:
        while True:
            with queue.changed:
                queue.changed.wait_for(lambda: queue.items or queue.ended)
                if not queue.items:
                    break
                element = queue.items.popleft()
                queue.changed.notify_all()
            yield element
        if queue.error is not None:
            raise queue.error
    finally:
        with queue.changed:
            queue.closed = True
            queue.items.clear()
            queue.changed.notify_all()
