"""One set of data in two parts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kerastorch.core.errors import describe
from kerastorch.data import AUTOTUNE, Dataset
from kerastorch.data.batching import Batch
from kerastorch.data.structure import as_element, flatten, map_structure, stacked


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Dataset, Dataset]:
    """Two Datasets of the samples of an array, of a list or tuple of arrays of one length, or of a Dataset.

    Sizes are fractions or numbers of samples; one of them is enough. A Dataset that was just batched is taken apart,
    and both parts are batched like it. Raises ValueError for sizes that leave nothing, or take too much.

    >>> left, right = split_dataset(np.arange(10), left_size=0.8)
    >>> len(left), len(right)
    (8, 2)
    """
    if left_size is None and right_size is None:
        raise ValueError("split_dataset: expected left_size, right_size or both; received none.")
    samples, join = _samples(dataset)
    if shuffle:
        random.seed(random.randint(0, 10**6) if seed is None else seed)
        random.shuffle(samples)
    left, right = _sizes(left_size, right_size, len(samples))
    parts = [Dataset.from_tensor_slices(join(part)) for part in (samples[:left], samples[len(samples) - right :])]
    node = getattr(dataset, "node", None)
    if isinstance(node, Batch):
        parts = [part.batch(node.size) for part in parts]
    first, second = (part.prefetch(AUTOTUNE) for part in parts)
    return first, second


def _samples(dataset: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """The samples one by one, and what makes arrays of some of them."""
    if isinstance(dataset, Dataset):
        batched = isinstance(dataset.node, Batch)
        samples = list(dataset.unbatch() if batched else dataset)
        if samples and not isinstance(samples[0], tuple | dict):
            return samples, torch.stack
        return samples, stacked
    if isinstance(dataset, np.ndarray | torch.Tensor):
        return list(as_element(dataset)), torch.stack
    if not isinstance(dataset, list | tuple):
        raise TypeError(
            f"split_dataset: expected an array, a list or tuple of arrays, or a Dataset; received {describe(dataset)}."
        )
    arrays = as_element(tuple(np.asarray(one) if isinstance(one, list) else one for one in dataset))
    lengths = [len(one) for one in flatten(arrays)] if arrays else []
    if not lengths or len(set(lengths)) > 1:
        raise ValueError(
            f"split_dataset: expected arrays of one length; received {'none' if not lengths else lengths}."
        )
    return [map_structure(lambda leaf, row=row: leaf[row], arrays) for row in range(lengths[0])], stacked


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    if total == 0:
        raise ValueError("split_dataset: expected data with samples; received none.")
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, int | float):
            raise TypeError(f"split_dataset: expected {name} as a number; received {describe(size)}.")
        if not 0 < size < (1 if isinstance(size, float) else total):
            raise ValueError(
                f"split_dataset: expected {name} as a fraction between 0 and 1, or a number of samples from 1 to "
                f"{total - 1}; received {size!r}."
            )
    left, right = (round(size * total) if isinstance(size, float) else size for size in (left, right))
    first = total - right if left is None else left
    second = total - first if right is None else right
    if first + second > total or not first or not second:
        raise ValueError(
            f"split_dataset: expected two parts with samples, of at most {total} together; received sizes that make "
            f"{first} and {second}."
        )
    return first, second
