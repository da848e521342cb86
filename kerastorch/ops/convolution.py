"""Convolutions on Keras' layouts through torch's kernels, without copying a kernel or an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from kerastorch.ops.windows import pad_spatial, plan_padding, to_channels_first, to_channels_last

_CONVOLUTIONS = {2: torch.conv2d, 3: torch.conv3d}


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
    rank = len(windows)
    pads: Sequence[int] | None = (0,) * rank
    if padding != "valid":
        pads, amounts, _ = plan_padding(x.shape[2:], windows, padding, tuple(strides), tuple(dilations))
        if pads is None:
            x, pads = pad_spatial(x, amounts), (0,) * rank
    if rank == 1:
        x = x.transpose(1, 2).unsqueeze(1).permute(0, 3, 1, 2)
        weight = weight.unsqueeze(2)
        y = torch.conv2d(x, weight, bias, (1, *strides), (0, *pads), (1, *dilations), groups).squeeze(2)
    else:
        y = _CONVOLUTIONS[rank](x, weight, bias, strides, pads, dilations, groups)
    return to_channels_last(y) if channels_last else y
