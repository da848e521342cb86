"""Arithmetic of row numbers: the shuffle buffer for many rows at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

CHUNK = 1 << 16


def shuffled(order: Iterator[torch.Tensor], size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Row numbers as they leave a buffer of `size`: each is drawn from the buffer and replaced by the next to come.

    What leaves place p at some time is what came to p the last time before: one stable sort of the drawn places finds
    that for a whole chunk.
    """
    chunks = (part for chunk in order for part in chunk.split(max(size, CHUNK)))
    held: list[torch.Tensor] = []
    count = 0
    overflow = None
    for chunk in chunks:
        held.append(chunk)
        count += len(chunk)
        if count > size:
            overflow = chunk[len(chunk) - (count - size) :]
            held[-1] = chunk[: len(chunk) - (count - size)]
            break
    if not held:
        return
    buffer = torch.cat(held)
    while overflow is not None:
        if len(overflow):
            yield exchanged(buffer, overflow, torch.randint(len(buffer), (len(overflow),), generator=generator))
        overflow = next(chunks, None)
    yield buffer[torch.randperm(len(buffer), generator=generator)]


def exchanged(buffer: torch.Tensor, incoming: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """What leaves `buffer` when one incoming row after the other is put into one of `places`; changes the buffer.

    >>> exchanged(torch.tensor([10, 11]), torch.tensor([12, 13, 14]), torch.tensor([0, 0, 1]))
    tensor([10, 12, 11])
    """
    by_place = torch.sort(places, stable=True)
    place, time = by_place.values, by_place.indices
    is_first = torch.ones(len(place), dtype=torch.bool)
    is_first[1:] = place[1:] != place[:-1]
    leaving = torch.empty_like(incoming)
    leaving[time] = torch.where(is_first, buffer[place], incoming[time.roll(1)])
    is_last = is_first.roll(-1)
    buffer[place[is_last]] = incoming[time[is_last]]
    return leaving


def taken(order: Iterator[torch.Tensor], count: int) -> Iterator[torch.Tensor]:
    """The first `count` rows; all for a negative number."""
    for chunk in order:
        if count == 0:
            return
        part = chunk if count < 0 else chunk[:count]
        count -= len(part) if count > 0 else 0
        yield part
        if count == 0:
            return


def skipped(order: Iterator[torch.Tensor], count: int) -> Iterator[torch.Tensor]:
    """All rows but the first `count`."""
    for chunk in order:
        part = chunk[count:]
        count -= len(chunk) - len(part)
        if len(part):
            yield part


def every(order: Iterator[torch.Tensor], count: int, index: int) -> Iterator[torch.Tensor]:
    """Every `count`-th row, beginning with number `index`."""
    position = 0
    for chunk in order:
        part = chunk[(index - position) % count :: count]
        position += len(chunk)
        if len(part):
            yield part


def batches(order: Iterable[torch.Tensor], size: int, drop_remainder: bool) -> Iterator[torch.Tensor]:
    """Rows in groups of `size`."""
    left = torch.empty(0, dtype=torch.int64)
    for chunk in order:
        rows = torch.cat([left, chunk]) if len(left) else chunk
        whole = len(rows) // size * size
        yield from rows[:whole].split(size) if whole else ()
        left = rows[whole:]
    if len(left) and not drop_remainder:
        yield left
