"""Functions of images (batch, height, width, channels), or (height, width, channels)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.core.config import normalize_data_format
from kerastorch.ops import images as kernels
from kerastorch.ops.operation import operation, tensor

__all__ = ["resize", "rgb_to_grayscale"]


@operation
def resize(
    images: Any, size: Sequence[int], interpolation: str = "bilinear", data_format: str | None = None
) -> torch.Tensor:
    """Images at another `size` (height, width), by 'nearest', 'bilinear', 'bicubic', 'area' or 'lanczos3' and '5'.

    Raises ValueError for another interpolation.

    >>> resize(torch.ones(1, 4, 4, 3), (2, 2)).shape
    torch.Size([1, 2, 2, 3])
    """
    if interpolation not in kernels.INTERPOLATIONS:
        raise ValueError(
            f"ops.image.resize: expected interpolation to be one of {', '.join(kernels.INTERPOLATIONS)}; "
            f"received {interpolation!r}."
        )
    images, channels_last = tensor(images), normalize_data_format(data_format) == "channels_last"
    if images.dim() == 3:
        return kernels.resize(images.unsqueeze(0), tuple(size), interpolation, channels_last).squeeze(0)
    return kernels.resize(images, tuple(size), interpolation, channels_last)


@operation
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> torch.Tensor:
    """Colour images with one channel left: `0.2989 * red + 0.5870 * green + 0.1140 * blue`."""
    images = tensor(images)
    axis = -1 if normalize_data_format(data_format) == "channels_last" else -3
    red, green, blue = images.unbind(axis)
    return (0.2989 * red + 0.5870 * green + 0.1140 * blue).unsqueeze(axis)
