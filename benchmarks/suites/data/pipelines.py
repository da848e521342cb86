"""Data sets and texts: the same pipelines in Keras' words, and by hand."""

from __future__ import annotations

import functools
import importlib
import random
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.meters import Piece

BATCH = 32


def digits(samples: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (samples, 28, 28)).astype("uint8"), generator.integers(0, 10, samples)


@functools.lru_cache(maxsize=1)
def documents(megabytes: float) -> list[str]:
    """Texts of 200 words each, in which words are as frequent as in English."""
    source = random.Random(0)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(source.choices(letters, k=source.randint(2, 9))) for _ in range(20_000)]
    frequencies = [1 / (rank + 1) for rank in range(len(words))]
    drawn = source.choices(words, frequencies, k=int(megabytes * 1e6 / 6.5))
    return [" ".join(drawn[start : start + 200]).capitalize() + "." for start in range(0, len(drawn), 200)]


def data_of(keras: ModuleType) -> Any:
    """The module with `Dataset`; None for a library without one."""
    if keras.__name__ == "tf_keras":
        return importlib.import_module("tensorflow").data
    return getattr(keras, "data", None)


def rows_by_hand(_: ModuleType, samples: int, prefetched: bool = False) -> Piece:
    """index_select on shuffled indices."""
    import torch

    x, y = (torch.from_numpy(array) for array in digits(samples))

    def epoch() -> Any:
        for chosen in torch.randperm(samples).split(BATCH):
            batch = x.index_select(0, chosen), y.index_select(0, chosen)
        return batch

    return epoch


def rows(keras: ModuleType, samples: int, prefetched: bool = False) -> Piece | None:
    data = data_of(keras)
    if data is None:
        return None
    dataset = data.Dataset.from_tensor_slices(digits(samples)).shuffle(samples).batch(BATCH)
    dataset = dataset.prefetch(data.AUTOTUNE) if prefetched else dataset
    return lambda: sum(1 for _ in dataset)


def mapped(keras: ModuleType, samples: int) -> Piece | None:
    """A function of each row, which tf.data compiles and which is Python here; and of each batch."""
    data = data_of(keras)
    if data is None:
        return None
    dataset = data.Dataset.from_tensor_slices(digits(samples)).map(lambda x, y: (x / 255, y), data.AUTOTUNE)
    dataset = dataset.batch(BATCH).prefetch(data.AUTOTUNE)
    return lambda: sum(1 for _ in dataset)


def texts(keras: ModuleType, megabytes: float, adapts: bool = False) -> Piece | None:
    data = data_of(keras)
    if data is None:
        return None
    layer = keras.layers.TextVectorization(max_tokens=10_000, output_sequence_length=200)
    batches = data.Dataset.from_tensor_slices(documents(megabytes)).batch(256)
    if adapts:
        return lambda: layer.adapt(batches)
    layer.adapt(batches.take(20))
    return lambda: [layer(batch) is None for batch in batches]
