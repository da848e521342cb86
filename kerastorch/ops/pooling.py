"""Max and average pooling on Keras' layouts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from kerastorch.ops.windows import pad_spatial, plan_padding, to_channels_first, to_channels_last

_MAX = {2: torch.max_pool2d, 3: torch.max_pool3d}
_AVERAGE = {2: F.avg_pool2d, 3: F.avg_pool3d}


def pool(
    x: torch.Tensor, windows: Sequence[int], strides: Sequence[int], padding: str, channels_last: bool, average: bool
) -> torch.Tensor:
    """Pool the spatial axes of `x`; padded places take no part, neither in the maximum nor in the average."""
    if channels_last:
        x = to_channels_first(x)
    sequence = x.dim() == 3
    if sequence:
        # as images of height 1: the image kernels know channels_last
        x, windows, strides = x.transpose(1, 2).unsqueeze(1).permute(0, 3, 1, 2), (1, *windows), (1, *strides)
    rank = len(windows)
    pads, amounts, ceil = (0,) * rank, [], False
    if padding != "valid":
        pads, amounts, ceil = plan_padding(x.shape[2:], tuple(windows), padding, tuple(strides), (1,) * rank)
    if ceil or pads is not None:
        pads = (0,) * rank if ceil else pads
        if average:
            y = _AVERAGE[rank](x, windows, strides, pads, ceil_mode=ceil, count_include_pad=False)
        else:
            y = _MAX[rank](x, windows, strides, pads, 1, ceil)
    elif average:
        ones = x.new_ones((1, 1, *x.shape[2:]))
        counts = _AVERAGE[rank](pad_spatial(ones, amounts), windows, strides)
        y = _AVERAGE[rank](pad_spatial(x, amounts), windows, strides) / counts
    else:
        y = _MAX[rank](pad_spatial(x, amounts, float("-inf")), windows, strides)
    if sequence:
        y = y.squeeze(2)
    return to_channels_last(y) if channels_last else y
