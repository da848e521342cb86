"""Models with fixed weights, data and a callback that takes notes, for the tests of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from torch.utils.data import Dataset, IterableDataset

import kerastorch as keras
from kerastorch.layers import Dense
from support import normal

N, WIDTH = 10, 4
X = normal("x", (N, WIDTH))
Y = normal("y", (N, 2))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1])


def regressor(metrics: Any = ("mae",), rate: float = 0.05, **options: Any) -> Any:
    """The same model each time, as its weights are fixed."""
    model = keras.Sequential([Dense(3, activation="tanh", input_shape=(WIDTH,)), Dense(2)])
    model.set_weights([normal(f"w{i}", tuple(w.shape), scale=0.5) for i, w in enumerate(model.weights)])
    model.compile(keras.optimizers.SGD(rate), "mse", metrics=list(metrics), **options)
    return model


def classifier(**options: Any) -> Any:
    model = keras.Sequential([Dense(2, activation="softmax", input_shape=(WIDTH,))])
    model.set_weights([normal(f"w{i}", tuple(w.shape), scale=0.5) for i, w in enumerate(model.weights)])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", **options)
    return model


class Seen(keras.callbacks.Callback):
    """Remembers the hooks that were called, and the logs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.logs: list[dict[str, Any]] = []


def _remember(name: str) -> Callable[..., None]:
    def hook(self: Seen, *arguments: Any, logs: Any = None) -> None:
        number = arguments[0] if arguments and isinstance(arguments[0], int) else None
        self.calls.append(name if number is None else f"{name} {number}")
        if logs is not None or len(arguments) > 1:
            self.logs.append(dict(logs or arguments[-1] or {}))

    return hook


for _mode in ("train", "test", "predict"):
    for _edge in ("begin", "end"):
        setattr(Seen, f"on_{_mode}_{_edge}", _remember(f"{_mode} {_edge}"))
        setattr(Seen, f"on_{_mode}_batch_{_edge}", _remember(f"{_mode} batch {_edge}"))
Seen.on_epoch_begin, Seen.on_epoch_end = _remember("epoch begin"), _remember("epoch end")


class Items(Dataset):
    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return X[index], Y[index]


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[Any]:
        return iter(zip(X, Y, strict=True))


class Batches(keras.utils.Sequence):
    """Batches by number."""

    def __init__(self) -> None:
        self.ended = 0
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(index)
        return X[index * 4 : index * 4 + 4], Y[index * 4 : index * 4 + 4]

    def on_epoch_end(self) -> None:
        self.ended += 1


def batches(passes: int = 1) -> Iterator[Any]:
    for _ in range(passes):
        for start in range(0, N, 4):
            yield X[start : start + 4], Y[start : start + 4]


def endless() -> Iterator[Any]:
    while True:
        yield from batches()


class Reusable:
    """Can be iterated over again and again, without a length."""

    def __iter__(self) -> Iterator[Any]:
        return batches()
