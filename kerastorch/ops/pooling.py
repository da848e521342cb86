"""Max and average pooling on Keras' layouts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from kerastorch.ops.windows import pad_spatial, plan_padding, spatial_sizes, to_channels_first, to_channels_last

_MAX = {2: torch.max_pool2d, 3: torch.max_pool3d}
_AVERAGE = {2: F.avg_pool2d, 3: F.avg_pool3d}
_WHOLE_MAX = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}


def pool(
    x: torch.Tensor, windows: Sequence[int], strides: Sequence[int], padding: str, channels_last: bool, average: bool
) -> torch.Tensor:
    """Pool the spatial axes of `x`; padded places take no part, neither in the maximum nor in the average."""
    sizes, none = spatial_sizes(x, channels_last), (0,) * len(windows)
    pads, amounts, ceil = none, [], False
    if padding != "valid":
        pads, amounts, ceil = plan_padding(sizes, tuple(windows), padding, tuple(strides), (1,) * len(windows))
    shares = None
    if pads is None and not ceil:
        if average:
            shares = to_channels_first(pad_spatial(x.new_ones((1, *sizes, 1)), amounts, True))
        x = pad_spatial(x, amounts, channels_last, 0.0 if average else float("-inf"))
    if channels_last:
        x = to_channels_first(x)
    options = (windows, strides, none if pads is None or ceil else pads, ceil, average)
    y = _slide(x, *options)
    if shares is not None:
        y = y / _slide(shares, *options)
    return to_channels_last(y) if channels_last else y


def _slide(
    x: torch.Tensor, windows: Sequence[int], strides: Sequence[int], pads: Sequence[int], ceil: bool, average: bool
) -> torch.Tensor:
    """torch's kernels on (batch, channels, *spatial)."""
    if len(windows) == 1:
        # as an image of height 1: the kernels of images know channels_last
        return _slide(x.unsqueeze(2), (1, *windows), (1, *strides), (0, *pads), ceil, average).squeeze(2)
    if average:
        return _AVERAGE[len(windows)](x, windows, strides, pads, ceil_mode=ceil, count_include_pad=False)
    return _MAX[len(windows)](x, windows, strides, pads, 1, ceil)


def global_pool(x: torch.Tensor, channels_last: bool, average: bool, keepdims: bool) -> torch.Tensor:
    """The average or the maximum over all spatial axes of `x`.

    The gradient of a maximum goes to the first of equal values, as in windows.
    """
    axes = tuple(range(1, x.dim() - 1)) if channels_last else tuple(range(2, x.dim()))
    if average:
        return x.mean(axes, keepdim=keepdims)
    if not x.is_floating_point():
        return x.amax(axes, keepdim=keepdims)
    # a quarter of the time of amax, whose gradient looks for equal values
    y = _WHOLE_MAX[len(axes)](to_channels_first(x) if channels_last else x, 1)
    if not keepdims:
        return y.flatten(1)
    return to_channels_last(y) if channels_last else y
