"""What the data sets of one .npz file share: finding the file, and a split that a seed decides."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from kerastorch.datasets.download import KERAS_FILES, get_file

Arrays = tuple[np.ndarray, np.ndarray]
Split = tuple[Arrays, Arrays]


def keras_file(
    path: str | os.PathLike[str], name: str, file_hash: str, cache_dir: str | os.PathLike[str] | None
) -> Path:
    """The local copy, called `path`, of the file `name` among those that Keras publishes."""
    return Path(get_file(path, origin=KERAS_FILES + name, file_hash=file_hash, cache_dir=cache_dir))


def shuffled_split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> Split:
    """The samples in the order that `seed` gives, the last share `test_split` of them apart."""
    order = shuffled_order(len(x), np.random.RandomState(seed))
    x, y = x[order], y[order]
    first = int(len(x) * (1 - test_split))
    return (x[:first].copy(), y[:first].copy()), (x[first:].copy(), y[first:].copy())


def shuffled_order(count: int, generator: np.random.RandomState) -> np.ndarray:
    """The row numbers 0 .. count - 1 in the generator's order (a shuffle of arange, as in Keras)."""
    order = np.arange(count)
    generator.shuffle(order)
    return order


def check_test_split(name: str, test_split: float) -> None:
    """Raise ValueError for a share of test samples that is no fraction."""
    if not 0 <= test_split < 1:
        raise ValueError(
            f"Dataset '{name}': expected 0 <= test_split < 1; received {test_split!r}. Pass a fraction such as 0.2."
        )
