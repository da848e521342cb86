"""MNIST: 70,000 grey pictures of handwritten digits."""

from __future__ import annotations

import os

import numpy as np

from kerastorch.datasets.arrays import Split, keras_file

FILE_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str | os.PathLike[str] = "mnist.npz", cache_dir: str | os.PathLike[str] | None = None) -> Split:
    """MNIST as `(x_train, y_train), (x_test, y_test)`.

    Images: uint8, (60000, 28, 28) and (10000, 28, 28), (sample, row, column), 0 to 255.
    Labels: uint8, (sample,), 0 to 9.
    Raises FileNotFoundError without a local copy and a network. By Y. LeCun and C. Cortes, CC BY-SA 3.0.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    with np.load(keras_file(path, "mnist.npz", FILE_HASH, cache_dir), allow_pickle=False) as file:
        return (file["x_train"], file["y_train"]), (file["x_test"], file["y_test"])
