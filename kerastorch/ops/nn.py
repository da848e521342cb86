"""Functions of neural networks: activations, convolution, pooling, normalisation, attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.core.config import normalize_data_format
from kerastorch.ops import classes
from kerastorch.ops.attention import causal_mask
from kerastorch.ops.classes import *  # noqa: F403
from kerastorch.ops.convolution import convolution, transposed_convolution
from kerastorch.ops.operation import floating, operation, pair, tensor
from kerastorch.ops.pooling import pool

__all__ = [
    *classes.__all__,
    "average_pool", "batch_normalization", "celu", "conv", "conv_transpose", "depthwise_conv",
    "dot_product_attention", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "moments",
    "normalize", "psnr", "relu", "relu6", "rms_normalization", "selu", "separable_conv", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]  # fmt: skip


# --- activations


@operation
def relu(x: Any) -> torch.Tensor:
    """`max(x, 0)`.

    >>> relu([-1.0, 2.0])
    tensor([0., 2.])
    """
    return torch.relu(tensor(x))


@operation
def relu6(x: Any) -> torch.Tensor:
    """`min(max(x, 0), 6)`."""
    return F.relu6(tensor(x))


@operation
def sigmoid(x: Any) -> torch.Tensor:
    """`1 / (1 + exp(-x))`."""
    return torch.sigmoid(floating(x))


@operation
def log_sigmoid(x: Any) -> torch.Tensor:
    """The logarithm of `sigmoid(x)`."""
    return F.logsigmoid(floating(x))


@operation
def hard_sigmoid(x: Any) -> torch.Tensor:
    """`relu6(x + 3) / 6`; the slope is 1/6, where `activations.hard_sigmoid` has 0.2."""
    return F.hardsigmoid(floating(x))


@operation
def silu(x: Any) -> torch.Tensor:
    """`x * sigmoid(x)` (arXiv:1710.05941)."""
    return F.silu(floating(x))


@operation
def hard_silu(x: Any) -> torch.Tensor:
    """`x * relu6(x + 3) / 6` (arXiv:1905.02244)."""
    return F.hardswish(floating(x))


swish, hard_swish = silu, hard_silu


@operation
def leaky_relu(x: Any, negative_slope: float = 0.2) -> torch.Tensor:
    """`x` where positive, `negative_slope * x` elsewhere."""
    return F.leaky_relu(floating(x), negative_slope)


@operation
def elu(x: Any, alpha: float = 1.0) -> torch.Tensor:
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere (arXiv:1511.07289)."""
    return F.elu(floating(x), alpha)


@operation
def celu(x: Any, alpha: float = 1.0) -> torch.Tensor:
    """`x` where positive, `alpha * (exp(x / alpha) - 1)` elsewhere (arXiv:1704.07483)."""
    return F.celu(floating(x), alpha)


@operation
def selu(x: Any) -> torch.Tensor:
    """`1.0507 * elu(x, 1.6733)` (arXiv:1706.02515)."""
    return F.selu(floating(x))


@operation
def gelu(x: Any, approximate: bool = True) -> torch.Tensor:
    """`x * P(N(0, 1) <= x)`, by default in its tanh approximation (arXiv:1606.08415)."""
    return F.gelu(floating(x), approximate="tanh" if approximate else "none")


@operation
def glu(x: Any, axis: int = -1) -> torch.Tensor:
    """The first half of `x` along `axis` times the sigmoid of the second."""
    return F.glu(floating(x), axis)


@operation
def softplus(x: Any) -> torch.Tensor:
    """`log(1 + exp(x))`."""
    return F.softplus(floating(x))


@operation
def squareplus(x: Any, b: float = 4) -> torch.Tensor:
    """`(x + sqrt(x ** 2 + b)) / 2` (arXiv:2112.11687)."""
    x = floating(x)
    return (x + torch.sqrt(x * x + b)) / 2


@operation
def softsign(x: Any) -> torch.Tensor:
    """`x / (1 + |x|)`."""
    return F.softsign(floating(x))


@operation
def tanh_shrink(x: Any) -> torch.Tensor:
    """`x - tanh(x)`."""
    return F.tanhshrink(floating(x))


@operation
def soft_shrink(x: Any, threshold: float = 0.5) -> torch.Tensor:
    """`x` moved by `threshold` towards 0, and 0 where that is past it."""
    return F.softshrink(floating(x), threshold)


@operation
def hard_shrink(x: Any, threshold: float = 0.5) -> torch.Tensor:
    """`x` where its absolute value is above `threshold`, 0 elsewhere."""
    return F.hardshrink(floating(x), threshold)


@operation
def hard_tanh(x: Any) -> torch.Tensor:
    """`x` kept between -1 and 1."""
    return F.hardtanh(floating(x))


@operation
def threshold(x: Any, threshold: float, default_value: float) -> torch.Tensor:
    """`x` where above `threshold`, `default_value` elsewhere."""
    return F.threshold(tensor(x), threshold, default_value)


def _over_axes(function: Any, x: torch.Tensor, axis: Any) -> torch.Tensor:
    """`function(x, axis)`, also for None (the whole tensor) and for several axes, which count as one."""
    if isinstance(axis, int):
        return function(x, axis)
    if axis is None:
        return function(x.flatten(), 0).reshape(x.shape)
    axes, last = tuple(axis), tuple(range(-len(axis), 0))
    moved = x.movedim(axes, last)
    return function(moved.flatten(-len(axes)), -1).reshape(moved.shape).movedim(last, axes)


@operation
def softmax(x: Any, axis: int | Sequence[int] | None = -1) -> torch.Tensor:
    """`exp(x)` divided by its sum over `axis`, over everything for None.

    >>> softmax([0.0, 1.0])
    tensor([0.2689, 0.7311])
    """
    return _over_axes(torch.softmax, floating(x), axis)


@operation
def log_softmax(x: Any, axis: int | Sequence[int] | None = -1) -> torch.Tensor:
    """The logarithm of `softmax(x, axis)`."""
    return _over_axes(torch.log_softmax, floating(x), axis)


@operation
def sparsemax(x: Any, axis: int = -1) -> torch.Tensor:
    """The point of the probability simplex nearest to `x` along `axis` (arXiv:1602.02068)."""
    x = floating(x).movedim(axis, -1)
    ordered = torch.sort(x, descending=True).values
    counts = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    sums = ordered.cumsum(-1) - 1
    support = (counts * ordered > sums).sum(-1, keepdim=True)
    return torch.relu(x - sums.gather(-1, support - 1) / support).movedim(-1, axis)


# --- convolution and pooling


def _per_axis(value: int | Sequence[int], rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _check_padding(padding: str, function: str) -> str:
    lowered = padding.lower() if isinstance(padding, str) else padding
    if lowered not in ("valid", "same"):
        raise ValueError(f"{function}: expected padding='valid' or 'same'; received padding={padding!r}.")
    return lowered


@operation
def conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> torch.Tensor:
    """The convolution of `inputs` (batch, *spatial, channels) with `kernel` (*window, channels / groups, filters).

    'channels_first' inputs are (batch, channels, *spatial); the number of groups follows from the channels.
    Raises ValueError for channels that do not divide.
    """
    inputs, kernel = tensor(inputs), tensor(kernel)
    rank, channels_last = kernel.dim() - 2, normalize_data_format(data_format) == "channels_last"
    channels, expected = inputs.shape[-1 if channels_last else 1], kernel.shape[-2]
    if inputs.dim() != kernel.dim() or channels % expected:
        raise ValueError(
            f"ops.conv: expected inputs with {rank + 2} axes and a multiple of {expected} channels, for a kernel of "
            f"shape {tuple(kernel.shape)}; received {tuple(inputs.shape)} and data_format={data_format!r}. "
            "Kernels are (*window, channels, filters)."
        )
    return convolution(
        inputs,
        kernel.permute(-1, -2, *range(rank)),
        None,
        _per_axis(strides, rank),
        _check_padding(padding, "ops.conv"),
        _per_axis(dilation_rate, rank),
        channels // expected,
        channels_last,
    )


@operation
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> torch.Tensor:
    """`conv` of each channel by itself, with a kernel (*window, channels, multiplier)."""
    kernel = tensor(kernel)
    return conv(inputs, kernel.flatten(-2).unsqueeze(-2), strides, padding, data_format, dilation_rate)


@operation
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> torch.Tensor:
    """`depthwise_conv`, and a `conv` of window 1 that mixes the channels."""
    hidden = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(hidden, pointwise_kernel, 1, "valid", data_format)


@operation
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    output_padding: int | Sequence[int] | None = None,
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> torch.Tensor:
    """The transposed convolution of `inputs` (batch, *spatial, channels) with `kernel` (*window, filters, channels)."""
    inputs, kernel = tensor(inputs), tensor(kernel)
    rank = kernel.dim() - 2
    return transposed_convolution(
        inputs,
        kernel.permute(-1, -2, *range(rank)),
        None,
        _per_axis(strides, rank),
        _check_padding(padding, "ops.conv_transpose"),
        None if output_padding is None else _per_axis(output_padding, rank),
        _per_axis(dilation_rate, rank),
        normalize_data_format(data_format) == "channels_last",
    )


def _pool(
    inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None, average: bool
) -> torch.Tensor:
    inputs = tensor(inputs)
    rank = inputs.dim() - 2
    windows = _per_axis(pool_size, rank)
    strides = windows if strides is None else _per_axis(strides, rank)
    padding = _check_padding(padding, "ops.average_pool" if average else "ops.max_pool")
    return pool(inputs, windows, strides, padding, normalize_data_format(data_format) == "channels_last", average)


@operation
def max_pool(
    inputs: Any,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> torch.Tensor:
    """The largest element of each window of `inputs` (batch, *spatial, channels)."""
    return _pool(inputs, pool_size, strides, padding, data_format, average=False)


@operation
def average_pool(
    inputs: Any,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> torch.Tensor:
    """The mean of each window of `inputs` (batch, *spatial, channels)."""
    return _pool(inputs, pool_size, strides, padding, data_format, average=True)


# --- normalisation


@operation
def moments(
    x: Any, axes: int | Sequence[int], keepdims: bool = False, synchronized: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean and variance of `x` over `axes`."""
    if synchronized:
        raise ValueError("ops.moments: expected synchronized=False; received True. Use BatchNormalization under DDP.")
    variance, mean = torch.var_mean(floating(x), axes, correction=0, keepdim=keepdims)
    return mean, variance


@operation
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> torch.Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * scale + offset`, with one of each for every place along `axis`."""
    x = tensor(x)
    shape = [-1 if one == axis % x.dim() else 1 for one in range(x.dim())]
    mean, variance = (tensor(part).reshape(shape) for part in (mean, variance))
    factor = torch.rsqrt(variance + epsilon)
    if scale is not None:
        factor = factor * tensor(scale).reshape(shape)
    y = (x - mean) * factor
    return y if offset is None else y + tensor(offset).reshape(shape)


def _over(x: torch.Tensor, axis: int | Sequence[int], weight: Any) -> Any:
    """A weight for each place along the axes `axis` in the rank of `x`."""
    if weight is None or tensor(weight).dim() == x.dim():
        return weight
    axes = {one % x.dim() for one in ((axis,) if isinstance(axis, int) else axis)}
    return tensor(weight).reshape([size if one in axes else 1 for one, size in enumerate(x.shape)])


@operation
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: int | Sequence[int] = -1, epsilon: float | None = None
) -> torch.Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, mean and variance taken over `axis`."""
    x = floating(x)
    epsilon = default_epsilon() if epsilon is None else epsilon
    mean, variance = moments(x, axis, keepdims=True)
    y = (x - mean) * torch.rsqrt(variance + epsilon)
    y = y if gamma is None else y * _over(x, axis, gamma)
    return y if beta is None else y + _over(x, axis, beta)


@operation
def rms_normalization(
    x: Any, scale: Any = None, axis: int | Sequence[int] = -1, epsilon: float | None = None
) -> torch.Tensor:
    """`x / sqrt(mean(x ** 2) + epsilon) * scale`, the mean taken over `axis` (arXiv:1910.07467)."""
    x = floating(x)
    epsilon = default_epsilon() if epsilon is None else epsilon
    y = x * torch.rsqrt(torch.mean(x * x, axis, keepdim=True) + epsilon)
    return y if scale is None else y * _over(x, axis, scale)


@operation
def normalize(x: Any, axis: int = -1, order: int = 2, epsilon: float | None = None) -> torch.Tensor:
    """`x` divided by its norm of `order` along `axis`, or by `epsilon` where that is larger.

    >>> normalize([3.0, 4.0])
    tensor([0.6000, 0.8000])
    """
    return F.normalize(floating(x), order, axis, default_epsilon() if epsilon is None else epsilon)


@operation
def psnr(x1: Any, x2: Any, max_val: float) -> torch.Tensor:
    """`20 * log10(max_val) - 10 * log10(mean((x1 - x2) ** 2))`: the signal-to-noise ratio in decibels."""
    x1, x2 = pair(floating(x1), floating(x2))
    return 20 * torch.log10(torch.as_tensor(float(max_val))) - 10 * torch.log10(torch.mean(torch.square(x1 - x2)))


@operation
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
) -> torch.Tensor:
    """`softmax(query @ key.T * scale + bias) @ value` on tensors (batch, steps, heads, depth).

    `mask` and `bias` broadcast to (batch, heads, queries, keys); `mask` is False where a query must not look. `scale`
    is 1 / sqrt(depth) by default. Fewer heads of keys than of queries are shared.
    """
    query, key, value = (tensor(part).transpose(1, 2) for part in (query, key, value))
    if mask is not None:
        mask = tensor(mask).bool()
        if is_causal:
            mask = mask & causal_mask(query.shape[2], key.shape[2], mask.device)
    added = mask if bias is None else tensor(bias).to(query.dtype)
    if bias is not None and mask is not None:
        added = torch.where(mask, added, float("-inf"))
    if bias is not None and is_causal and mask is None:
        added = torch.where(causal_mask(query.shape[2], key.shape[2], added.device), added, float("-inf"))
    shared = query.shape[1] != key.shape[1]
    options = {"scale": scale, "is_causal": is_causal and added is None, "enable_gqa": shared}
    return F.scaled_dot_product_attention(query, key, value, added, **options).transpose(1, 2)
