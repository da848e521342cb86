"""Convolutions on Keras' layouts through torch's kernels, without copying a kernel or an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from kerastorch.ops.windows import (
    output_size,
    pad_spatial,
    plan_padding,
    plan_transposed,
    spatial_sizes,
    to_channels_first,
    to_channels_last,
)

# operators without a public name: what torch.compile uses on processors, and what may be missing elsewhere
_HAS_KERNELS = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise_")
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
    into: torch.Tensor | None = None,
    swish: bool = False,
) -> torch.Tensor:
    """Convolve `x` (batch, *spatial, channels), or (batch, channels, *spatial), with a torch weight.

    `weight` is (out, in / groups, *window). One spatial axis runs as an image of height 1, because torch's
    one-dimensional convolution knows no channels_last. In inference the result of an image is added to `into`, which
    may be written over, and goes through swish.
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
    elif into is not None or swish:
        into = to_channels_first(into) if channels_last and into is not None else into
        y = _convolve_and_go_on(x, weight, bias, (list(pads), list(strides), list(dilations), groups), into, swish)
    else:
        y = _CONVOLUTIONS[rank](x, weight, bias, strides, pads, dilations, groups)
    return to_channels_last(y) if channels_last else y


def _convolve_and_go_on(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    options: tuple[list[int], list[int], list[int], int],
    into: torch.Tensor | None,
    swish: bool,
) -> torch.Tensor:
    """A convolution of images whose kernel adds a tensor in place and applies swish before it writes.

    Not relu: in these kernels of oneDNN it makes 0 of what is not a number.
    """
    pads, strides, dilations, groups = options
    layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
    single = x.device.type == "cpu" and x.dtype is torch.float32
    has_kernel = _HAS_KERNELS and single and x.numel() > 0 and x.is_contiguous(memory_format=layout)
    if into is None:
        if has_kernel:
            return torch.ops.mkldnn._convolution_pointwise(x, weight, bias, *options, "swish", [], "")
        return F.silu(torch.conv2d(x, weight, bias, strides, pads, dilations, groups), inplace=True)
    axes = zip(x.shape[2:], weight.shape[2:], pads, strides, dilations, strict=True)
    sizes = [
        output_size(size + 2 * pad, window, "valid", stride, dilation) for size, window, pad, stride, dilation in axes
    ]
    fits = into.shape == (x.shape[0], weight.shape[0], *sizes) and into.is_contiguous(memory_format=layout)
    if has_kernel and fits and into.dtype is x.dtype:
        ending = ("add", 1.0, "swish" if swish else None, [], "")
        return torch.ops.mkldnn._convolution_pointwise_.binary(into, x, weight, bias, *options, *ending)
    y = into + torch.conv2d(x, weight, bias, strides, pads, dilations, groups)
    return F.silu(y, inplace=True) if swish else y


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
