"""Windows of a time series as a Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kerastorch.data import Dataset
from kerastorch.data.structure import as_tensor


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Dataset:
    """A Dataset of windows (batch, sequence_length, ...) of a series, with the target at the place of each start.

    Windows begin `sequence_stride` apart, and take every `sampling_rate`-th step; `start_index` and `end_index`
    limit what is used. Shuffling is over all windows. Raises ValueError for numbers that do not fit the data.

    >>> series = np.arange(6)
    >>> dataset = timeseries_dataset_from_array(series, series[3:], sequence_length=3, batch_size=2)
    >>> [(x.tolist(), y.tolist()) for x, y in dataset]
    [([[0, 1, 2], [1, 2, 3]], [3, 4]), ([[2, 3, 4]], [5])]
    """
    steps = len(data)
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < steps:
            raise ValueError(
                f"timeseries_dataset_from_array: expected {name} from 1 to {steps - 1}, below the length of the data; "
                f"received {value!r}."
            )
    if start_index is not None and not 0 <= start_index < steps:
        raise ValueError(
            f"timeseries_dataset_from_array: expected start_index from 0 to {steps - 1}; received {start_index!r}."
        )
    first, end = start_index or 0, steps if end_index is None else end_index
    if end_index is not None and not first < end_index < steps:
        raise ValueError(
            f"timeseries_dataset_from_array: expected end_index above start_index={first} and below {steps}; received "
            f"{end_index!r}."
        )
    count = end - first - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets))
    starts = np.arange(0, max(count, 0), sequence_stride)
    if shuffle:
        seed = int(np.random.randint(10**6)) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    series = as_tensor(data)[first:end]
    steps_of_window = torch.arange(sequence_length) * sampling_rate
    goals = None if targets is None else as_tensor(targets)[first:end]

    def windows(places: torch.Tensor) -> Any:
        taken = series[places.unsqueeze(-1) + steps_of_window]
        return taken if goals is None else (taken, goals[places])

    dataset = Dataset.from_tensor_slices(starts)
    if shuffle:
        dataset = dataset.shuffle(len(starts) or 1, seed)
    return (dataset if batch_size is None else dataset.batch(batch_size)).map(windows)
