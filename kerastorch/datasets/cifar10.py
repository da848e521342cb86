"""CIFAR-10: 60,000 small colour pictures of 10 kinds of things."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from kerastorch.datasets.arrays import Split
from kerastorch.datasets.cifar import load_batches
from kerastorch.datasets.download import get_file

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
FILE_HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data(cache_dir: str | os.PathLike[str] | None = None) -> Split:
    """CIFAR-10 as `(x_train, y_train), (x_test, y_test)`.

    Images: uint8, (50000, 32, 32, 3) and (10000, 32, 32, 3), (sample, row, column, channel), 0 to 255.
    Labels: uint8, (sample, 1): 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse,
    8 ship, 9 truck. With the image data format 'channels_first' the channels come second.
    Raises FileNotFoundError without a local copy and a network.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    folder = Path(get_file("cifar-10-batches-py", origin=ORIGIN, untar=True, file_hash=FILE_HASH, cache_dir=cache_dir))
    x_train, y_train = load_batches(folder, [f"data_batch_{i}" for i in range(1, 6)], "labels")
    x_test, y_test = load_batches(folder, ["test_batch"], "labels")
    return (x_train, y_train.astype(np.uint8)), (x_test, y_test.astype(np.uint8))
