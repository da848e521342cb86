"""The arithmetic of sliding windows: output sizes and padding, as tf.keras counts them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

Size = int | None


def output_size(size: Size, window: int, padding: str, stride: int, dilation: int = 1) -> Size:
    """The number of window positions along one axis: 'valid' inside only, 'same' and 'causal' ceil(size / stride)."""
    if size is None:
        return None
    if padding == "valid":
        size = size - dilation * (window - 1)
    return -(-size // stride)


def transposed_size(
    size: Size, window: int, padding: str, stride: int, dilation: int = 1, output_padding: int | None = None
) -> Size:
    """The size that a transposed convolution makes of one axis.

    Without `output_padding` it is the largest size that the convolution would bring back to `size` ('same': stride *
    size); with it, the smallest one and that much more.
    """
    if size is None:
        return None
    span = dilation * (window - 1) + 1
    if output_padding is None:
        return size * stride + (max(span - stride, 0) if padding == "valid" else 0)
    return (size - 1) * stride + span + output_padding - (span // 2 * 2 if padding == "same" else 0)


def same_padding(size: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """The zeros that 'same' adds before and after; an odd one goes after."""
    total = max((-(-size // stride) - 1) * stride + dilation * (window - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def pad_amounts(
    sizes: Sequence[int], windows: Sequence[int], padding: str, strides: Sequence[int], dilations: Sequence[int]
) -> list[tuple[int, int]]:
    """(before, after) for each axis."""
    if padding == "valid":
        return [(0, 0)] * len(windows)
    if padding == "causal":
        return [(dilation * (window - 1), 0) for window, dilation in zip(windows, dilations, strict=True)]
    return [same_padding(*axis) for axis in zip(sizes, windows, strides, dilations, strict=True)]


@functools.lru_cache(maxsize=1024)
def plan_padding(
    sizes: tuple[int, ...],
    windows: tuple[int, ...],
    padding: str,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> tuple[tuple[int, ...] | None, list[tuple[int, int]], bool]:
    """How torch can pad: the amounts on both sides where they are equal (else None), all amounts, and ceil mode.

    In ceil mode a window may hang over the end. That is 'same' padding where nothing goes before the data and no
    window starts beyond the end. The arithmetic of a layer is the same in each step, so it is done once.
    """
    amounts = pad_amounts(sizes, windows, padding, strides, dilations)
    ceil = padding == "same" and all(
        before == 0 and -(-(size - window) // stride) + 1 == -(-size // stride)
        for (before, _), size, window, stride in zip(amounts, sizes, windows, strides, strict=True)
    )
    symmetric = all(before == after for before, after in amounts)
    return tuple(before for before, _ in amounts) if symmetric else None, amounts, ceil


@functools.lru_cache(maxsize=1024)
def plan_transposed(
    sizes: tuple[int, ...],
    windows: tuple[int, ...],
    padding: str,
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    output_padding: tuple[int | None, ...],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...] | None]:
    """torch's `padding` and `output_padding` of a transposed convolution, and the sizes to cut its output to.

    The sizes are None where nothing is left to cut.
    """
    pads, more, wanted, rests = [], [], [], []
    axes = zip(sizes, windows, strides, dilations, output_padding, strict=True)
    for size, window, stride, dilation, extra in axes:
        new = transposed_size(size, window, padding, stride, dilation, extra)
        surplus = (size - 1) * stride + dilation * (window - 1) + 1 - new
        pads.append(max(surplus, 0) // 2)
        more.append(max(-surplus, 0))
        wanted.append(new)
        rests.append(max(surplus, 0) % 2)
    return tuple(pads), tuple(more), tuple(wanted) if any(rests) else None


def patch_places(
    sizes: Sequence[int],
    channels: int,
    windows: Sequence[int],
    strides: Sequence[int],
    padding: str,
    channels_last: bool,
) -> torch.Tensor:
    """(positions, window * channels): which value of a flattened sample each window covers, in its own order.

    What lies outside is the number of the values of a sample, one more than the last place. With 'same' the windows
    have their middle on each stride, which is not where the windows of convolutions lie.
    """
    rank, count = len(sizes), channels * math.prod(sizes)
    flat = []
    for size, window, stride in zip(reversed(sizes), reversed(windows), reversed(strides), strict=True):
        before = window // 2 if padding == "same" else 0
        end = (output_size(size, window, padding, stride) - 1) * stride - before + window
        flat += [before, max(end - size, 0)]
    numbers = (
        torch.arange(count).view(*sizes, channels) if channels_last else torch.arange(count).view(channels, *sizes)
    )
    numbers = F.pad(numbers, [0, 0, *flat] if channels_last else flat, value=count)
    for axis, (window, stride) in enumerate(zip(windows, strides, strict=True), 0 if channels_last else 1):
        numbers = numbers.unfold(axis, window, stride)  # the window's places go into an axis at the end
    numbers = numbers.movedim(rank, -1) if channels_last else numbers.movedim(0, rank)
    return numbers.flatten(0, rank - 1).flatten(1)


def spatial_sizes(x: torch.Tensor, channels_last: bool) -> torch.Size:
    """The sizes of all axes but batch and channels."""
    return x.shape[1:-1] if channels_last else x.shape[2:]


def pad_spatial(
    x: torch.Tensor, amounts: Sequence[tuple[int, int]], channels_last: bool, value: float = 0.0
) -> torch.Tensor:
    """`x` with (before, after) more places along each spatial axis, or fewer where the amounts are negative."""
    flat = [amount for pair in reversed(amounts) for amount in pair]
    return F.pad(x, [0, 0, *flat] if channels_last else flat, value=value)


def to_channels_first(x: torch.Tensor) -> torch.Tensor:
    """(batch, *spatial, channels) as (batch, channels, *spatial), a view."""
    return x.permute(*_FIRST[x.dim()])


def to_channels_last(x: torch.Tensor) -> torch.Tensor:
    """(batch, channels, *spatial) as (batch, *spatial, channels), a view."""
    return x.permute(*_LAST[x.dim()])


_FIRST = {rank: (0, rank - 1, *range(1, rank - 1)) for rank in (3, 4, 5)}
_LAST = {rank: (0, *range(2, rank), 1) for rank in (3, 4, 5)}
