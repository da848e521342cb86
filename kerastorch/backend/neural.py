"""Functions of neural networks with tf.keras' names and arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch import activations, losses, ops, random
from kerastorch.activations import elu, hard_sigmoid, relu, softplus, softsign, tanh
from kerastorch.core.config import epsilon as fuzz
from kerastorch.core.config import floatx, normalize_data_format
from kerastorch.ops import images
from kerastorch.ops.convolution import transposed_convolution
from kerastorch.ops.operation import Shape, floating, operation, tensor

__all__ = [
    "batch_normalization", "bias_add", "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "conv1d", "conv2d", "conv2d_transpose", "conv3d", "ctc_batch_cost", "ctc_decode",
    "depthwise_conv2d", "dropout", "elu", "hard_sigmoid", "in_top_k", "pool2d", "pool3d", "random_bernoulli",
    "random_binomial", "random_normal", "random_uniform", "relu", "resize_images", "resize_volumes",
    "separable_conv2d", "sigmoid", "softmax", "softplus", "softsign", "sparse_categorical_crossentropy", "tanh",
    "truncated_normal",
]  # fmt: skip


# --- activations: one node each, so that what they remember for the losses is there when the model runs


@operation
def softmax(x: Any, axis: int = -1) -> torch.Tensor:
    """`exp(x)` divided by its sum over `axis`; ValueError for a tensor with fewer than two axes."""
    return activations.softmax(x, axis)


@operation
def sigmoid(x: Any) -> torch.Tensor:
    """`1 / (1 + exp(-x))`."""
    return activations.sigmoid(x)


# --- losses, from the logits that `output` remembers where a softmax or sigmoid made it


@operation
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> torch.Tensor:
    """`-sum(target * log(output))` over `axis`, for one-hot targets.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.25, 0.75]])
    tensor([0.2877])
    """
    return losses.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


@operation
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> torch.Tensor:
    """`-log(output[target])` for class indices; 0 for the class to ignore."""
    return losses.sparse_categorical_crossentropy(target, output, from_logits, axis, ignore_class)


def _elements(target: Any, output: Any, from_logits: bool) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """Both with a last axis of 1, so that the mean that binary losses take over it changes nothing."""
    output = floating(output)
    logits = getattr(output, "_keras_logits", None)
    output, from_logits = (output, from_logits) if logits is None else (logits, True)
    return tensor(target).unsqueeze(-1), output.unsqueeze(-1), from_logits


@operation
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> torch.Tensor:
    """`-(target * log(output) + (1 - target) * log(1 - output))`, element by element.

    >>> binary_crossentropy([0.0, 1.0], [0.25, 0.5])
    tensor([0.2877, 0.6931])
    """
    return losses.binary_crossentropy(*_elements(target, output, from_logits))


@operation
def binary_focal_crossentropy(
    target: Any,
    output: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
) -> torch.Tensor:
    """The binary crossentropy times `(1 - p) ** gamma`, element by element; p is the label's probability."""
    target, output, from_logits = _elements(target, output, from_logits)
    return losses.binary_focal_crossentropy(target, output, apply_class_balancing, alpha, gamma, from_logits)


@operation
def categorical_focal_crossentropy(
    target: Any, output: Any, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, axis: int = -1
) -> torch.Tensor:
    """The categorical crossentropy times `alpha * (1 - output) ** gamma`."""
    return losses.categorical_focal_crossentropy(target, output, alpha, gamma, from_logits, axis=axis)


def in_top_k(predictions: Any, targets: Any, k: int) -> torch.Tensor:
    """Whether each class in `targets` is among the `k` largest predictions of its sample."""
    return ops.in_top_k(targets, predictions, k)


@operation
def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> torch.Tensor:
    """The connectionist temporal classification loss (batch, 1); the blank is the last class.

    `y_true` is (batch, labels), `y_pred` probabilities (batch, steps, classes), both lengths (batch, 1).
    """
    y_pred = floating(y_pred)
    lengths = (tensor(length).reshape(-1) for length in (label_length, input_length))
    return ops.ctc_loss(y_true, torch.log(y_pred + fuzz()), *lengths, y_pred.shape[-1] - 1).unsqueeze(1)


@operation
def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[torch.Tensor], torch.Tensor]:
    """The labels of the best class of each step (batch, steps), filled up with -1, in a list; and their scores.

    The blank is the last class. Raises ValueError for `greedy=False`.
    """
    if not greedy:
        raise ValueError("K.ctc_decode: expected greedy=True; received greedy=False. Beam search is not offered.")
    y_pred = floating(y_pred)
    decoded, scores = ops.ctc_decode(torch.log(y_pred + fuzz()), input_length, mask_index=y_pred.shape[-1] - 1)
    return [decoded[0]], scores


# --- convolution, pooling, images


@operation
def conv1d(
    x: Any,
    kernel: Any,
    strides: int = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int = 1,
) -> torch.Tensor:
    """The convolution of sequences with a kernel (window, channels, filters); `padding` may be 'causal'."""
    if padding == "causal":
        before = (dilation_rate * (tensor(kernel).shape[0] - 1), 0)
        steps_inside = normalize_data_format(data_format) == "channels_last"
        x = ops.pad(x, [(0, 0), before, (0, 0)] if steps_inside else [(0, 0), (0, 0), before])
        padding = "valid"
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = (1, 1),
) -> torch.Tensor:
    """The convolution of images with a kernel (height, width, channels, filters)."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: Any,
    kernel: Any,
    strides: int | Sequence[int] = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = (1, 1, 1),
) -> torch.Tensor:
    """The convolution of volumes with a kernel (depth, height, width, channels, filters)."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


@operation
def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Sequence[int | None],
    strides: Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Sequence[int] = (1, 1),
) -> torch.Tensor:
    """The transposed convolution with a kernel (height, width, filters, channels), of the shape `output_shape`.

    Raises ValueError for heights and widths that the convolution would not bring back to those of `x`.
    """
    x, kernel = tensor(x), tensor(kernel)
    channels_last = normalize_data_format(data_format) == "channels_last"
    axes = (1, 2) if channels_last else (2, 3)
    extra = []
    for axis, window, stride, dilation in zip(axes, kernel.shape[:2], strides, dilation_rate, strict=True):
        size, span, wanted = x.shape[axis], dilation * (window - 1) + 1, output_shape[axis]
        covered = wanted - (span - 1 if padding == "valid" else 0)
        if wanted is None or -(-covered // stride) != size:
            raise ValueError(
                f"K.conv2d_transpose: expected an output_shape that {padding!r} convolution with strides "
                f"{tuple(strides)} brings back to {tuple(x.shape)}; received {tuple(output_shape)}."
            )
        smallest = (size - 1) * stride + span - (span // 2 * 2 if padding == "same" else 0)
        extra.append(wanted - smallest)
    weight = kernel.permute(3, 2, 0, 1)
    return transposed_convolution(x, weight, None, strides, padding, extra, dilation_rate, channels_last)


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = (1, 1),
) -> torch.Tensor:
    """The convolution of each channel by itself, with a kernel (height, width, channels, multiplier)."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: int | Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = (1, 1),
) -> torch.Tensor:
    """`depthwise_conv2d`, then a convolution of window 1 that mixes the channels."""
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def _pool(
    x: Any, pool_size: Sequence[int], strides: Sequence[int], padding: str, data_format: str | None, pool_mode: str
) -> torch.Tensor:
    if pool_mode not in ("max", "avg"):
        raise ValueError(f"K.pool{len(pool_size)}d: expected pool_mode='max' or 'avg'; received {pool_mode!r}.")
    function = ops.max_pool if pool_mode == "max" else ops.average_pool
    return function(x, pool_size, strides, padding, data_format)


def pool2d(
    x: Any,
    pool_size: Sequence[int],
    strides: Sequence[int] = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> torch.Tensor:
    """The largest element ('max') or the mean ('avg') of each window of images."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any,
    pool_size: Sequence[int],
    strides: Sequence[int] = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> torch.Tensor:
    """The largest element ('max') or the mean ('avg') of each window of volumes."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


@operation
def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str | None, interpolation: str = "nearest"
) -> torch.Tensor:
    """Images enlarged by whole numbers; ValueError for an unknown interpolation."""
    if interpolation not in images.INTERPOLATIONS:
        raise ValueError(
            f"K.resize_images: expected interpolation to be one of {', '.join(images.INTERPOLATIONS)}; "
            f"received {interpolation!r}."
        )
    channels_last = normalize_data_format(data_format) == "channels_last"
    return images.upsample(tensor(x), (height_factor, width_factor), interpolation, channels_last)


@operation
def resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str | None
) -> torch.Tensor:
    """Volumes with each element repeated along depth, height and width."""
    channels_last = normalize_data_format(data_format) == "channels_last"
    return images.upsample(tensor(x), (depth_factor, height_factor, width_factor), "nearest", channels_last)


@operation
def bias_add(x: Any, bias: Any, data_format: str | None = None) -> torch.Tensor:
    """`x` plus a bias for each channel, or one of the shape of a sample.

    Raises ValueError for a bias with another number of axes than 1 or those of a sample.
    """
    x, bias = tensor(x), tensor(bias)
    if bias.dim() not in (1, x.dim() - 1):
        raise ValueError(
            f"K.bias_add: expected a bias with 1 or {x.dim() - 1} axes for a tensor of shape {tuple(x.shape)}; "
            f"received shape {tuple(bias.shape)}. Reshape the bias."
        )
    if normalize_data_format(data_format) == "channels_last" or x.dim() == 2:
        return x + bias
    return x + (
        bias.reshape(-1, *(1,) * (x.dim() - 2)) if bias.dim() == 1 else bias.reshape(bias.shape[-1], *bias.shape[:-1])
    )


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> torch.Tensor:
    """`(x - mean) / sqrt(var + epsilon) * gamma + beta`, with one of each for every place along `axis`."""
    return ops.batch_normalization(x, mean, var, axis, beta, gamma, epsilon)


# --- random numbers: with a seed each call draws the same


def random_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> torch.Tensor:
    """Normally distributed numbers."""
    return random.normal(shape, mean, stddev, dtype, seed)


def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | None = None
) -> torch.Tensor:
    """Normally distributed numbers, without those farther than two `stddev` from `mean`."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Shape, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | None = None
) -> torch.Tensor:
    """Evenly distributed numbers from `minval` up to `maxval`, which is not among them."""
    return random.uniform(shape, minval, maxval, dtype, seed)


@operation
def random_bernoulli(shape: Shape, p: float = 0.0, dtype: Any = None, seed: int | None = None) -> torch.Tensor:
    """1 with probability `p`, else 0."""
    return ops.cast(random.uniform(shape, seed=seed) < p, dtype or floatx())


random_binomial = random_bernoulli


def dropout(x: Any, level: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None) -> Any:
    """`x` with a share `level` of 0, the others divided by `1 - level`."""
    return random.dropout(x, level, noise_shape, seed)
