"""Batches made by threads and processes: in order, at most so many ahead, and errors with their number."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.core.sequence import batches_of
from kerastorch.utils import GeneratorEnqueuer, OrderedEnqueuer, Sequence

WORKERS: dict[str, dict[str, Any]] = {
    "loop": {},
    "threads": {"workers": 3},
    "processes": {"workers": 2, "use_multiprocessing": True},
}
each_way = pytest.mark.parametrize("way", WORKERS)


class Counted(Sequence):
    """Eight batches; the first ones take longest, so that workers finish in another order."""

    def __init__(self, failing: dict[int, BaseException] | None = None) -> None:
        self.failing = failing or {}
        self.asked: list[tuple[int, str]] = []
        self.epochs = 0

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append((index, threading.current_thread().name))
        if index in self.failing:
            raise self.failing[index]
        time.sleep(0.002 * (8 - index))
        return np.full((2, 3), index, "float32"), np.full((2, 1), index, "float32")

    def on_epoch_end(self) -> None:
        self.epochs += 1


def made(sequence: Any, numbers: Any = range(8), **options: Any) -> list[int]:
    return [int(x[0, 0]) for x, _ in batches_of(sequence, numbers, **options)]


@pytest.mark.parametrize(
    "options", [{}, {"workers": 3}, {"workers": 2, "processes": True}, {"workers": 0, "processes": True}]
)
def test_batches_come_in_their_order(options: dict[str, Any]) -> None:
    assert made(Counted(), [3, 0, 7, 7, 1], **options) == [3, 0, 7, 7, 1]


def test_no_more_than_the_queue_is_made_ahead() -> None:
    sequence = Counted()
    batches = batches_of(sequence, range(8), workers=2, ahead=3)
    next(batches)
    time.sleep(0.1)
    assert sorted(number for number, _ in sequence.asked) == [0, 1, 2]
    batches.close()
    assert threading.active_count() < 5


def test_threads_end_with_the_batches() -> None:
    before = threading.active_count()
    assert made(Counted(), workers=4) == list(range(8))
    assert threading.active_count() == before


def model() -> Any:
    keras.utils.set_random_seed(1)
    network = keras.Sequential([keras.layers.Dense(1, input_shape=(3,))])
    network.compile("sgd", "mse")
    return network


@each_way
def test_fit_evaluate_and_predict(way: str) -> None:
    sequence = Counted()
    network = model()
    wanted = model().fit(Counted(), epochs=2, shuffle=False, verbose=0).history["loss"]
    found = network.fit(sequence, epochs=2, shuffle=False, verbose=0, max_queue_size=4, **WORKERS[way]).history["loss"]
    assert found == wanted and sequence.epochs == 2
    np.testing.assert_array_equal(
        network.predict(sequence, verbose=0, **WORKERS[way]), network.predict(Counted(), verbose=0)
    )
    assert network.evaluate(sequence, verbose=0, **WORKERS[way]) == network.evaluate(Counted(), verbose=0)
    names = {name.split("_")[0] for _, name in sequence.asked}
    assert names == {"loop": {"MainThread"}, "threads": {"batches"}, "processes": set()}[way]


def test_validation_data_are_made_ahead_too() -> None:
    validation = Counted()
    model().fit(Counted(), validation_data=validation, workers=2, verbose=0)
    assert {name.split("_")[0] for _, name in validation.asked} == {"batches"}


def test_a_sequence_may_say_itself_how_it_is_made() -> None:
    class Own(Counted):
        def __init__(self, **options: Any) -> None:
            super().__init__()
            keras.utils.PyDataset.__init__(self, **options)

    for options, threads in (({}, {"MainThread"}), ({"workers": 2, "max_queue_size": 3}, {"batches"})):
        sequence = Own(**options)
        model().fit(sequence, verbose=0)
        assert {name.split("_")[0] for _, name in sequence.asked} == threads
    sequence = Own(workers=3)
    model().fit(sequence, workers=0, verbose=0)
    assert {name for _, name in sequence.asked} == {"MainThread"}


@each_way
def test_an_epoch_makes_no_more_than_its_steps(way: str) -> None:
    sequence = Counted()
    model().fit(sequence, steps_per_epoch=3, shuffle=False, verbose=0, **WORKERS[way])
    assert len(sequence.asked) == (0 if way == "processes" else 3)


@each_way
def test_an_error_tells_the_number_of_its_batch(way: str) -> None:
    sequence = Counted({5: ValueError("no such file: 5.png")})
    with pytest.raises(ValueError, match="Counted: batch 5 could not be made: no such file: 5.png") as caught:
        model().fit(sequence, shuffle=False, verbose=0, **WORKERS[way])
    assert isinstance(caught.value.__cause__, ValueError)


class OwnError(Exception):
    def __init__(self, path: str, line: int) -> None:
        super().__init__(path, line)


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_other_classes_stay_as_they_are(workers: int) -> None:
    with pytest.raises(OwnError, match="a.csv") as caught:
        made(Counted({2: OwnError("a.csv", 3)}), workers=workers)
    if hasattr(caught.value, "__notes__"):  # since Python 3.11
        assert caught.value.__notes__ == ["Counted: batch 2 could not be made."]


def test_a_generator_that_raises_tells_its_batch() -> None:
    def batches() -> Iterator[Any]:
        yield from (Counted()[number] for number in range(3))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="generator: batch 3 could not be made: the disk is gone"):
        model().fit(batches(), steps_per_epoch=8, verbose=0)


def test_a_generator_that_ends_early_is_said() -> None:
    with pytest.warns(UserWarning, match="ran out of data; interrupting after 3 of 8 steps"):
        model().fit((Counted()[number] for number in range(3)), steps_per_epoch=8, verbose=0)


class Dying(Counted):
    def __getitem__(self, index: int) -> Any:
        if index == 3:
            os._exit(9)
        return super().__getitem__(index)


def test_a_worker_that_dies_is_an_error() -> None:
    with pytest.raises(RuntimeError, match=r"Dying: batch \d was not made: a worker process died.*fewer workers"):
        made(Dying(), workers=2, processes=True)


class Random(Counted):
    def __getitem__(self, index: int) -> Any:
        return np.array([[np.random.random(), torch.rand(()).item()]]), np.zeros((1, 1))


def test_processes_draw_other_numbers_for_each_batch_and_the_same_in_each_run() -> None:
    def drawn(workers: int) -> np.ndarray:
        keras.utils.set_random_seed(3)
        return np.concatenate([x for x, _ in batches_of(Random(), range(8), workers=workers, processes=True)])

    first = drawn(2)
    assert len(np.unique(first)) == 16
    np.testing.assert_array_equal(drawn(3), first)


def test_tensors_come_from_processes() -> None:
    class Tensors(Counted):
        def __getitem__(self, index: int) -> Any:
            return torch.full((2, 3), float(index)), torch.zeros(2, 1)

    assert made(Tensors(), workers=2, processes=True) == list(range(8))


@pytest.mark.parametrize("multiprocessing", [False, True])
def test_ordered_enqueuer(multiprocessing: bool) -> None:
    sequence = Counted()
    enqueuer = OrderedEnqueuer(sequence, use_multiprocessing=multiprocessing)
    with pytest.raises(RuntimeError, match=r"OrderedEnqueuer: expected a call of start\(\)"):
        next(enqueuer.get())
    enqueuer.start(workers=2, max_queue_size=3)
    assert enqueuer.is_running()
    batches = enqueuer.get()
    assert [int(next(batches)[0][0, 0]) for _ in range(10)] == [*range(8), 0, 1]
    assert sequence.epochs == 1
    enqueuer.stop()
    assert not enqueuer.is_running()


def test_shuffled_enqueuer() -> None:
    keras.utils.set_random_seed(2)
    enqueuer = OrderedEnqueuer(Counted(), shuffle=True)
    enqueuer.start()
    batches = enqueuer.get()
    order = [int(next(batches)[0][0, 0]) for _ in range(8)]
    assert sorted(order) == list(range(8)) and order != list(range(8))
    enqueuer.stop()


def test_generator_enqueuer() -> None:
    threads = []

    def batches() -> Iterator[int]:
        for number in range(1, 4):
            threads.append(threading.current_thread().name)
            yield number

    enqueuer = GeneratorEnqueuer(batches())
    enqueuer.start(workers=4)
    assert list(enqueuer.get()) == [1, 2, 3]
    assert {name.split("_")[0] for name in threads} == {"batches"}
    enqueuer.stop()
    with pytest.raises(ValueError, match="GeneratorEnqueuer: expected use_multiprocessing=False"):
        GeneratorEnqueuer(batches(), use_multiprocessing=True)
