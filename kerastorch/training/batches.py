"""Batches: what belongs to one, and its way to the device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from kerastorch.core import nest


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of a batch; what is missing is None.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if len(data) > 3 or not data:
        raise ValueError(
            f"fit: expected batches (x,), (x, y) or (x, y, sample_weight); received a tuple of {len(data)}. "
            "Put several inputs into one list or dict: ([a, b], y)."
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The batch as `train_step` gets it: x, (x, y) or (x, y, sample_weight)."""
    if y is None:
        return x if not nest.is_nested(x) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def move(batch: Any, device: torch.device) -> Any:
    """The batch on `device`; the copy does not block where memory is pinned."""
    return nest.map_structure(lambda leaf: leaf.to(device, non_blocking=True) if leaf is not None else None, batch)


def copied_ahead(batches: Iterator[Any], device: torch.device) -> Iterator[Any]:
    """The batches on `device`, each copied from pinned memory while the one before it is computed."""
    stream = torch.cuda.Stream(device)

    def start(batch: Any) -> Any:
        pinned = nest.map_structure(_pinned, batch)
        with torch.cuda.stream(stream):
            return move(pinned, device)

    waiting = None
    for batch in batches:
        upcoming = start(batch)
        if waiting is not None:
            yield waiting
        computing = torch.cuda.current_stream(device)
        computing.wait_stream(stream)
        for leaf in nest.flatten(upcoming):
            if leaf is not None:
                leaf.record_stream(computing)  # its memory must not be taken by a copy before the step has read it
        waiting = upcoming
    if waiting is not None:
        yield waiting


def _pinned(leaf: torch.Tensor | None) -> torch.Tensor | None:
    return leaf if leaf is None or leaf.device.type != "cpu" else leaf.pin_memory()
