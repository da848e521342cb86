"""Boston housing: 506 districts of 1978 with the median price of a house."""

from __future__ import annotations

import os

import numpy as np

from kerastorch.datasets.arrays import Split, check_test_split, keras_file, shuffled_split

FILE_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
    cache_dir: str | os.PathLike[str] | None = None,
) -> Split:
    """Boston housing as `(x_train, y_train), (x_test, y_test)`.

    x: float64, (sample, 13 attributes); y: float64, (sample,), prices in 1,000 dollars. One of the
    attributes, 'B', rests on an assumption about race: take `california_housing` for anything but the
    study of such faults.
    Raises ValueError for a `test_split` outside [0, 1); FileNotFoundError without a local copy and a network.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    check_test_split("boston_housing", test_split)
    with np.load(keras_file(path, "boston_housing.npz", FILE_HASH, cache_dir), allow_pickle=False) as file:
        return shuffled_split(file["x"], file["y"], test_split, seed)
