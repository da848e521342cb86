"""Names that tf.data has under `experimental`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from kerastorch.data import sources
from kerastorch.data.csv_batches import make_csv_dataset
from kerastorch.data.dataset import CsvDataset, Dataset
from kerastorch.data.node import INFINITE, UNKNOWN
from kerastorch.data.options import AutoShardPolicy
from kerastorch.data.structure import TensorSpec
from kerastorch.data.threads import AUTOTUNE

INFINITE_CARDINALITY, UNKNOWN_CARDINALITY = INFINITE, UNKNOWN
sample_from_datasets = Dataset.sample_from_datasets


def Counter(start: int = 0, step: int = 1, dtype: Any = "int64", name: str | None = None) -> Dataset:
    """Whole numbers without an end.

    >>> [int(number) for number in Counter().take(3)]
    [0, 1, 2]
    """
    return Dataset(sources.Numbers(int(start), None, int(step), TensorSpec((), dtype).dtype))


def cardinality(dataset: Dataset) -> torch.Tensor:
    """`dataset.cardinality()`."""
    return dataset.cardinality()


def get_single_element(dataset: Dataset) -> Any:
    """`dataset.get_single_element()`."""
    return dataset.get_single_element()


def prefetch_to_device(device: Any, buffer_size: int | None = None) -> Callable[[Dataset], Dataset]:
    """For `apply`: prefetching; `fit` itself copies batches to the device ahead of time."""
    return lambda dataset: dataset.prefetch(buffer_size)


__all__ = [
    "AUTOTUNE",
    "AutoShardPolicy",
    "Counter",
    "CsvDataset",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "cardinality",
    "get_single_element",
    "make_csv_dataset",
    "prefetch_to_device",
    "sample_from_datasets",
]
