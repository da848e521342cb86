"""Images of other sizes, as `tf.image.resize` makes them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from kerastorch.core.errors import did_you_mean
from kerastorch.ops.windows import to_channels_first, to_channels_last

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")


def upsample(
    x: torch.Tensor, factors: Sequence[int], interpolation: str = "nearest", channels_last: bool = True
) -> torch.Tensor:
    """Enlarge the one to three spatial axes of `x` by whole numbers; all but 'nearest' take images."""
    first = 1 if channels_last else 2
    sizes = [size * factor for size, factor in zip(x.shape[first:], factors, strict=False)]
    if interpolation != "nearest":
        return resize(x, sizes, interpolation, channels_last)
    # 1 / factor is exact for powers of two only; elsewhere a place could fall to the neighbour before it
    exact = all(factor & (factor - 1) == 0 for factor in factors)
    return _interpolate(x, sizes, "nearest" if exact else "nearest-exact", channels_last)


def resize(
    images: torch.Tensor, size: Sequence[int], interpolation: str = "bilinear", channels_last: bool = True
) -> torch.Tensor:
    """Images (batch, height, width, channels), or (batch, channels, height, width), at another height and width.

    One image without a batch is taken too. The centres of pixels are at half numbers, and shrinking does not smooth.
    Whole numbers stay so for 'nearest' and become float32 otherwise.
    """
    if images.dim() == 3:
        return resize(images.unsqueeze(0), size, interpolation, channels_last).squeeze(0)
    if interpolation == "nearest":
        return _interpolate(images, size, "nearest-exact", channels_last)
    if not images.is_floating_point():
        images = images.float()
    if interpolation == "bilinear":
        return _interpolate(images, size, "bilinear", channels_last)
    axes = (1, 2) if channels_last else (2, 3)
    rows, columns = (
        torch.from_numpy(_weights(interpolation, images.shape[axis], length)).to(images)
        for axis, length in zip(axes, size, strict=True)
    )
    if channels_last:
        return torch.matmul(columns, torch.matmul(rows, images.flatten(2)).unflatten(2, images.shape[2:]))
    return torch.matmul(torch.matmul(rows, images), columns.t())


def check_interpolation(caller: str, interpolation: Any) -> str:
    """`interpolation` in lower case; ValueError, which names the caller, where there is none of that name."""
    lowered = interpolation.lower() if isinstance(interpolation, str) else interpolation
    if lowered not in INTERPOLATIONS:
        raise ValueError(
            f"{caller}: expected interpolation as one of {INTERPOLATIONS}; received {interpolation!r}. "
            f"{did_you_mean(str(interpolation), INTERPOLATIONS)}"
        )
    return lowered


def crop_and_resize(images: torch.Tensor, size: Sequence[int], interpolation: str = "bilinear") -> torch.Tensor:
    """The largest part in the middle with the proportions of `size`, resized to it.

    Images are (height, width, channels), with or without a batch in front.
    """
    height, width = images.shape[-3:-1]
    # the proportions are taken in float32, as TensorFlow takes them
    part_height = min(height, int(np.float32(width * size[0]) / np.float32(size[1])))
    part_width = min(width, int(np.float32(height * size[1]) / np.float32(size[0])))
    top, left = (height - part_height) // 2, (width - part_width) // 2
    part = images[..., top : top + part_height, left : left + part_width, :]
    return resize(part, size, interpolation)


def _interpolate(x: torch.Tensor, size: Sequence[int], mode: str, channels_last: bool) -> torch.Tensor:
    """torch's kernels, which are fastest on channels_last memory."""
    if not x.is_floating_point():
        return _interpolate(x.double(), size, mode, channels_last).to(x.dtype)
    if channels_last:
        x = to_channels_first(x)
    if x.dim() == 3:
        y = F.interpolate(x.unsqueeze(2), (1, *size), mode=mode).squeeze(2)
    else:
        y = F.interpolate(x, tuple(size), mode=mode)
    return to_channels_last(y) if channels_last else y


@functools.lru_cache(maxsize=64)
def _weights(interpolation: str, size: int, new_size: int) -> np.ndarray:
    """(new_size, size): how much each old place counts for each new one."""
    scale = size / new_size
    old, new = np.arange(size), np.arange(new_size)[:, None]
    if interpolation == "area":
        overlap = np.minimum((new + 1) * scale, old + 1) - np.maximum(new * scale, old)
        return (np.maximum(overlap, 0.0) / scale).astype(np.float32)
    distance = old + 0.5 - (new + 0.5) * scale
    if interpolation == "bicubic":
        # TensorFlow looks the weights up in a table of 1024 fractions
        nearest = np.floor((new + 0.5) * scale - 0.5)
        fraction = np.rint(((new + 0.5) * scale - 0.5 - nearest) * 1024) / 1024
        distance = old - nearest - fraction
    weights = _KERNELS[interpolation](np.abs(distance))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _cubic(x: np.ndarray, b: float, c: float) -> np.ndarray:
    """Mitchell and Netravali's family of cubic kernels of radius 2."""
    near = ((12 - 9 * b - 6 * c) * x + (-18 + 12 * b + 6 * c)) * x * x + (6 - 2 * b)
    far = (((-b - 6 * c) * x + (6 * b + 30 * c)) * x + (-12 * b - 48 * c)) * x + (8 * b + 24 * c)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0)) / 6


def _lanczos(x: np.ndarray, radius: int) -> np.ndarray:
    return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0.0)


def _gaussian(x: np.ndarray) -> np.ndarray:
    return np.where(x < 1.5, np.exp(-2.0 * x * x), 0.0)


_KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bicubic": lambda x: _cubic(x, 0.0, 0.5),
    "mitchellcubic": lambda x: _cubic(x, 1 / 3, 1 / 3),
    "lanczos3": lambda x: _lanczos(x, 3),
    "lanczos5": lambda x: _lanczos(x, 5),
    "gaussian": _gaussian,
}
