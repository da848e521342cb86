"""Convolutions on Keras' layouts through torch's kernels, without copying a kernel or an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from kerastorch.ops.windows import (
    pad_spatial,
    plan_padding,
    plan_transposed,
    spatial_sizes,
    to_channels_first,
    to_channels_last,
)

_CONVOLUTIONS = {2: torch.conv2d, 3: torch.conv3d}
_TRANSPOSED = {2: torch.conv_transpose2d, 3: torch.conv_transpose3d}


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
    rank = len(windows)
    pads: Sequence[int] | None = (0,) * rank
    if padding != "valid":
        sizes = spatial_sizes(x, channels_last)
        pads, amounts, _ = plan_padding(sizes, windows, padding, tuple(strides), tuple(dilations))
        if pads is None:
            x, pads = pad_spatial(x, amounts, channels_last), (0,) * rank
    if channels_last:
        x = to_channels_first(x)
    if rank == 1:
        x, weight = x.unsqueeze(2), weight.unsqueeze(2)
        y = torch.conv2d(x, weight, bias, (1, *strides), (0, *pads), (1, *dilations), groups).squeeze(2)
    else:
        y = _CONVOLUTIONS[rank](x, weight, bias, strides, pads, dilations, groups)
    return to_channels_last(y) if channels_last else y


def transposed_convolution(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    strides: Sequence[int],
    padding: str,
    output_padding: Sequence[int] | None,
    dilations: Sequence[int],
    channels_last: bool,
) -> torch.Tensor:
    """Spread each place of `x` over a window: the gradient of the convolution that has these options.

    `weight` is (in, out, *window). torch cuts the same off both ends, TensorFlow one more off the end.
    """
    windows = weight.shape[2:]
    if channels_last:
        x = to_channels_first(x)
    rank = len(windows)
    extra = (None,) * rank if output_padding is None else tuple(output_padding)
    pads, more, sizes = plan_transposed(x.shape[2:], windows, padding, tuple(strides), tuple(dilations), extra)
    inside = None if sizes else bias  # a kernel with bias is slow where an output that is cut has an odd size
    if rank == 1:
        x, weight = x.unsqueeze(2), weight.unsqueeze(2)
        options = ((1, *strides), (0, *pads), (0, *more), 1, (1, *dilations))
        y = torch.conv_transpose2d(x, weight, inside, *options).squeeze(2)
    else:
        y = _TRANSPOSED[rank](x, weight, inside, strides, pads, more, 1, dilations)
    if channels_last:
        y = to_channels_last(y)
    if sizes is None:
        return y
    first = 1 if channels_last else 2
    for axis, size in enumerate(sizes, first):
        y = y.narrow(axis, 0, size)
    if bias is None:
        return y.contiguous()
    return y + (bias if channels_last else bias.view(-1, *(1,) * rank))
