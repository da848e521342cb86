"""The arithmetic of sliding windows: output sizes and padding, as tf.keras counts them."""

from __future__ import annotations

import functools
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


def pad_spatial(x: torch.Tensor, amounts: Sequence[tuple[int, int]], value: float = 0.0) -> torch.Tensor:
    """Pad the axes after (batch, channels) of a channels-first tensor, keeping channels_last memory."""
    flat = [amount for pair in reversed(amounts) for amount in pair]
    if x.dim() == 4 and x.stride(1) == 1:
        # padding the view (batch, height, width, channels) writes channels_last memory directly
        return F.pad(x.permute(0, 2, 3, 1), [0, 0, *flat], value=value).permute(0, 3, 1, 2)
    return F.pad(x, flat, value=value)


def to_channels_first(x: torch.Tensor) -> torch.Tensor:
    """(batch, *spatial, channels) as (batch, channels, *spatial), a view."""
    return x.movedim(-1, 1) if x.dim() != 4 else x.permute(0, 3, 1, 2)


def to_channels_last(x: torch.Tensor) -> torch.Tensor:
    """(batch, channels, *spatial) as (batch, *spatial, channels), a view."""
    return x.movedim(1, -1) if x.dim() != 4 else x.permute(0, 2, 3, 1)
