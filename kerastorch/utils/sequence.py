"""Sequence: data by batch number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Sequence:
    """Base of data that give batches by number: define `__getitem__(index)` and `__len__`.

    `on_epoch_end` is called after each epoch of `fit`.

    >>> class Squares(Sequence):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return np.full((4, 1), index), np.full((4, 1), index**2)
    """

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: expected a method __getitem__(index); define it.")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: expected a method __len__(); define it.")

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))
