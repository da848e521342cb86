"""California housing: 20,640 districts of 1990 with the median price of a house."""

from __future__ import annotations

import os

import numpy as np

from kerastorch.datasets.arrays import Split, check_test_split, keras_file, shuffled_split

FILE_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
SMALL = 600


def load_data(
    version: str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Split:
    """California housing as `(x_train, y_train), (x_test, y_test)`.

    x: (sample, 8): median income, house age, rooms, bedrooms, population, occupancy, latitude, longitude;
    y: (sample,), prices in dollars. `version='small'` is the first 600 districts only.
    Raises ValueError for another version and a `test_split` outside [0, 1); FileNotFoundError without a
    local copy and a network.

    >>> (x_train, y_train), (x_test, y_test) = load_data(version="small")  # doctest: +SKIP
    """
    check_test_split("california_housing", test_split)
    if version not in ("small", "large"):
        raise ValueError(
            f"Dataset 'california_housing': expected version 'small' or 'large'; received {version!r}. "
            f"Pass 'large' for all districts, 'small' for {SMALL}."
        )
    with np.load(keras_file(path, "california_housing.npz", FILE_HASH, None), allow_pickle=False) as file:
        count = SMALL if version == "small" else None
        return shuffled_split(file["x"][:count], file["y"][:count], test_split, seed)
