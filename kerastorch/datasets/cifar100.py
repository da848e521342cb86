"""CIFAR-100: 60,000 small colour pictures of 100 kinds of things, in 20 groups."""

from __future__ import annotations

import os
from pathlib import Path

from kerastorch.datasets.arrays import Split
from kerastorch.datasets.cifar import load_batches
from kerastorch.datasets.download import get_file

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
FILE_HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine", cache_dir: str | os.PathLike[str] | None = None) -> Split:
    """CIFAR-100 as `(x_train, y_train), (x_test, y_test)`.

    Images: uint8, (50000, 32, 32, 3) and (10000, 32, 32, 3), (sample, row, column, channel), 0 to 255.
    Labels: int64, (sample, 1), 0 to 99 with `label_mode='fine'`, 0 to 19 (the groups) with 'coarse'.
    Raises ValueError for another mode; FileNotFoundError without a local copy and a network.

    >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(
            f"Dataset 'cifar100': expected label_mode 'fine' or 'coarse'; received {label_mode!r}. "
            "Pass 'fine' for the 100 classes, 'coarse' for the 20 groups."
        )
    folder = Path(get_file("cifar-100-python", origin=ORIGIN, untar=True, file_hash=FILE_HASH, cache_dir=cache_dir))
    key = f"{label_mode}_labels"
    return load_batches(folder, ["train"], key), load_batches(folder, ["test"], key)
