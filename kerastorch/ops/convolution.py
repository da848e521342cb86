"""Convolutions on Keras' layouts through torch's kernels, without copying a kernel or an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from kerastorch.ops.windows import pad_amounts, pad_spatial, to_channels_first, to_channels_last

_CONVOLUTIONS = {2: F.conv2d, 3: F.conv3d}


def convolution(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    strides: Sequence[int],
    padding: str,
    dilations: Sequence[int],
    groups: int,
    channels_last: bool,
) -> torch.Tensor:
    """Convolve `x` (batch, *spatial, channels), or (batch, channels, *spatial), with a torch weight.

    `weight` is (out, in / groups, *window). One spatial axis runs as an image of height 1, because torch's
    one-dimensional convolution knows no channels_last.
    """
    windows = weight.shape[2:]
    outer = x.shape[: x.dim() - len(windows) - 2]
    if outer:
        # several batch axes in front are one long batch to torch
        x = x.flatten(0, len(outer))
        y = convolution(x, weight, bias, strides, padding, dilations, groups, channels_last)
        return y.unflatten(0, (*outer, -1))
    if channels_last:
        x = to_channels_first(x)
    amounts = pad_amounts(x.shape[2:], windows, padding, strides, dilations)
    symmetric = all(before == after for before, after in amounts)
    if not symmetric:
        x = pad_spatial(x, amounts)
    pads = [before if symmetric else 0 for before, _ in amounts]
    if len(windows) == 1:
        x = x.transpose(1, 2).unsqueeze(1).permute(0, 3, 1, 2)
        weight = weight.unsqueeze(2)
        y = F.conv2d(x, weight, bias, (1, *strides), (0, *pads), (1, *dilations), groups).squeeze(2)
    else:
        y = _CONVOLUTIONS[len(windows)](x, weight, bias, tuple(strides), tuple(pads), tuple(dilations), groups)
    return to_channels_last(y) if channels_last else y
