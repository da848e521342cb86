"""Functions of tensors with tf.keras' names and arguments: elements, reductions, products, shapes."""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kerastorch import ops
from kerastorch.core.config import normalize_data_format
from kerastorch.losses import weighting
from kerastorch.ops import (
    abs,
    all,
    any,
    cast,
    cos,
    dtype,
    exp,
    log,
    max,
    mean,
    min,
    ndim,
    prod,
    round,
    shape,
    sign,
    sin,
    square,
    std,
    stop_gradient,
    sum,
    transpose,
    var,
)
from kerastorch.ops.linalg import promoted
from kerastorch.ops.operation import floating, operation, tensor

__all__ = [
    "abs", "all", "any", "arange", "argmax", "argmin", "batch_dot", "batch_flatten", "cast", "clip", "concatenate",
    "cos", "cumprod", "cumsum", "dot", "dtype", "equal", "exp", "expand_dims", "flatten", "gather", "greater",
    "greater_equal", "int_shape", "is_sparse", "l2_normalize", "less", "less_equal", "log", "max", "maximum", "mean",
    "min", "minimum", "ndim", "not_equal", "one_hot", "ones_like", "permute_dimensions", "pow", "print_tensor", "prod",
    "repeat", "repeat_elements", "reshape", "reverse", "round", "shape", "sign", "sin", "spatial_2d_padding",
    "spatial_3d_padding", "sqrt", "square", "squeeze", "stack", "std", "stop_gradient", "sum", "temporal_padding",
    "tile", "to_dense", "transpose", "var", "zeros_like",
]  # fmt: skip


# --- elements


@operation
def sqrt(x: Any) -> torch.Tensor:
    """The square root of each element; 0 for negative ones.

    >>> sqrt([4.0, -1.0])
    tensor([2., 0.])
    """
    return torch.sqrt(torch.clamp(floating(x), min=0))


def pow(x: Any, a: Any) -> torch.Tensor:
    """`x ** a`."""
    return ops.power(x, a)


def maximum(x: Any, y: Any) -> torch.Tensor:
    """The larger of two, element by element."""
    return ops.maximum(x, y)


def minimum(x: Any, y: Any) -> torch.Tensor:
    """The smaller of two, element by element."""
    return ops.minimum(x, y)


def equal(x: Any, y: Any) -> torch.Tensor:
    """`x == y`, element by element."""
    return ops.equal(x, y)


def not_equal(x: Any, y: Any) -> torch.Tensor:
    """`x != y`, element by element."""
    return ops.not_equal(x, y)


def greater(x: Any, y: Any) -> torch.Tensor:
    """`x > y`, element by element."""
    return ops.greater(x, y)


def greater_equal(x: Any, y: Any) -> torch.Tensor:
    """`x >= y`, element by element."""
    return ops.greater_equal(x, y)


def less(x: Any, y: Any) -> torch.Tensor:
    """`x < y`, element by element."""
    return ops.less(x, y)


def less_equal(x: Any, y: Any) -> torch.Tensor:
    """`x <= y`, element by element."""
    return ops.less_equal(x, y)


def clip(x: Any, min_value: Any, max_value: Any) -> torch.Tensor:
    """Each element kept between two bounds; None stands for no bound, and a lower one above the upper wins.

    >>> clip([-1.0, 0.5, 9.0], 0.0, 1.0)
    tensor([0.0000, 0.5000, 1.0000])
    """
    numbers = isinstance(min_value, int | float) and isinstance(max_value, int | float)
    return ops.clip(x, min_value, min_value if numbers and max_value < min_value else max_value)


@operation
def l2_normalize(x: Any, axis: int | Sequence[int] | None = None) -> torch.Tensor:
    """`x` scaled to norm 1 over `axis`, over all axes for None; zeros stay zeros.

    >>> l2_normalize([3.0, 4.0])
    tensor([0.6000, 0.8000])
    """
    return weighting.l2_normalize(floating(x), axis)


@operation
def print_tensor(x: Any, message: str = "", summarize: int = 3) -> torch.Tensor:
    """`x` itself, whose value is written to the standard output whenever it is computed."""
    x = tensor(x)
    if not x.is_meta:
        text = np.array2string(ops.convert_to_numpy(x), threshold=2 * summarize, edgeitems=summarize)
        sys.stdout.write(f"{message} {text}\n")
    return x


# --- reductions and search


def argmax(x: Any, axis: int = -1) -> torch.Tensor:
    """The index (int64) of the largest element along `axis`."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> torch.Tensor:
    """The index (int64) of the smallest element along `axis`."""
    return ops.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> torch.Tensor:
    """The sums of the elements up to each place along `axis`."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> torch.Tensor:
    """The products of the elements up to each place along `axis`."""
    return ops.cumprod(x, axis)


def gather(reference: Any, indices: Any) -> torch.Tensor:
    """The slices of `reference` along its first axis with the numbers `indices`."""
    return ops.take(reference, indices, 0)


def one_hot(indices: Any, num_classes: int) -> torch.Tensor:
    """1 at the place along a new last axis that each index names, 0 elsewhere.

    >>> one_hot([1, 0], 2)
    tensor([[0., 1.],
            [1., 0.]])
    """
    return ops.one_hot(indices, num_classes)


# --- products


@operation
def dot(x: Any, y: Any) -> torch.Tensor:
    """The last axis of `x` with the last but one of `y`, all other axes side by side; `x` may be a sparse matrix.

    >>> dot(torch.ones(2, 3, 4), torch.ones(5, 4, 6)).shape
    torch.Size([2, 3, 5, 6])
    """
    if is_sparse(x):
        return torch.sparse.mm(x, tensor(y))
    return ops.dot(x, y)


@operation
def batch_dot(x: Any, y: Any, axes: int | Sequence[int] | None = None) -> torch.Tensor:
    """The product of each sample of `x` (batch, ...) with that of `y` (batch, ...) over one axis of each.

    `axes` are these two axes; None stands for the last of `x` and the last but one of `y` (the last of a matrix).
    Raises ValueError for axes of different sizes and for the axis of the batch.

    >>> batch_dot([[1.0, 2.0]], [[3.0, 4.0]], axes=1)
    tensor([[11.]])
    """
    x, y = promoted(x, y)
    if x.dim() < 2 or y.dim() < 2 or x.shape[0] != y.shape[0]:
        raise ValueError(
            "K.batch_dot: expected two tensors (batch, ...) of the same batch size with at least 2 axes; received "
            f"shapes {tuple(x.shape)} and {tuple(y.shape)}. Add a batch axis with expand_dims(x, 0)."
        )
    if axes is None:
        axes = (x.dim() - 1, y.dim() - 1 if y.dim() == 2 else y.dim() - 2)
    axes = (axes, axes) if isinstance(axes, int) else tuple(axes)
    if len(axes) != 2 or not builtins.all(isinstance(axis, int) for axis in axes):
        raise ValueError(
            f"K.batch_dot: expected axes=None, one axis or two; received axes={axes}. Name one of each tensor."
        )
    first, second = (axis + z.dim() if axis < 0 else axis for axis, z in zip(axes, (x, y), strict=True))
    if not (0 < first < x.dim() and 0 < second < y.dim()):
        raise ValueError(
            f"K.batch_dot: expected axes after the batch axis 0; received axes={axes} for shapes {tuple(x.shape)} and "
            f"{tuple(y.shape)}. Count them from 1."
        )
    if x.shape[first] != y.shape[second]:
        raise ValueError(
            f"K.batch_dot: expected axes of the same size; received axes={axes} of sizes {x.shape[first]} and "
            f"{y.shape[second]}, for shapes {tuple(x.shape)} and {tuple(y.shape)}. Name two axes that match."
        )
    left, right = x.movedim(first, -1), y.movedim(second, 1)
    rows = left.flatten(1, -2) if left.dim() > 2 else left.unsqueeze(1)
    columns = right.flatten(2) if right.dim() > 2 else right.unsqueeze(2)
    result = torch.bmm(rows, columns).reshape(len(x), *left.shape[1:-1], *right.shape[2:])
    return result.unsqueeze(1) if x.dim() == y.dim() == 2 else result


def permute_dimensions(x: Any, pattern: Sequence[int]) -> torch.Tensor:
    """`x` with its axes in the order `pattern`."""
    return ops.transpose(x, pattern)


# --- shapes


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of a tensor, variable or symbolic tensor; None where unknown."""
    return ops.shape(x)


def reshape(x: Any, shape: Sequence[int]) -> torch.Tensor:
    """The elements of `x` in another shape; one size may be -1 and follows from the others."""
    return ops.reshape(x, shape)


def flatten(x: Any) -> torch.Tensor:
    """All elements in one axis, the batch axis included."""
    return ops.ravel(x)


@operation
def batch_flatten(x: Any) -> torch.Tensor:
    """(batch, ...) as (batch, elements)."""
    x = tensor(x)
    return x.reshape(-1, math.prod(x.shape[1:]))


def expand_dims(x: Any, axis: int = -1) -> torch.Tensor:
    """`x` with a new axis of size 1 at the place `axis`."""
    return ops.expand_dims(x, axis)


def squeeze(x: Any, axis: int) -> torch.Tensor:
    """`x` without an axis, which has size 1."""
    return ops.squeeze(x, axis)


def concatenate(tensors: Sequence[Any], axis: int = -1) -> torch.Tensor:
    """The tensors one after the other along `axis`."""
    return ops.concatenate(tensors, axis)


def stack(x: Sequence[Any], axis: int = 0) -> torch.Tensor:
    """The tensors along a new axis."""
    return ops.stack(x, axis)


def tile(x: Any, n: int | Sequence[int]) -> torch.Tensor:
    """`x` as a whole repeated along each axis."""
    return ops.tile(x, n)


@operation
def repeat(x: Any, n: int) -> torch.Tensor:
    """(batch, depth) as (batch, n, depth); ValueError for any other rank."""
    x = tensor(x)
    if x.dim() != 2:
        raise ValueError(
            f"K.repeat: expected a tensor (batch, depth); received shape {tuple(x.shape)}. Use K.repeat_elements."
        )
    return x.unsqueeze(1).expand(-1, n, -1)


def repeat_elements(x: Any, rep: int, axis: int) -> torch.Tensor:
    """Each slice along `axis` repeated `rep` times."""
    return ops.repeat(x, rep, axis)


def reverse(x: Any, axes: int | Sequence[int]) -> torch.Tensor:
    """`x` in reverse order along `axes`."""
    return ops.flip(x, axes)


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = "int32") -> torch.Tensor:
    """`start`, `start + step`, ... below `stop`; from 0 up to `start` where that is all there is."""
    return ops.arange(0 if stop is None and start < 0 else start, stop, step, dtype)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> torch.Tensor:
    """Zeros in the shape of `x`."""
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> torch.Tensor:
    """Ones in the shape of `x`."""
    return ops.ones_like(x, dtype)


def temporal_padding(x: Any, padding: Sequence[int] = (1, 1)) -> torch.Tensor:
    """Zeros before and after the steps of (batch, steps, depth)."""
    return ops.pad(x, ((0, 0), tuple(padding), (0, 0)))


def _pad_spatial(x: Any, padding: Sequence[Sequence[int]], data_format: str | None) -> torch.Tensor:
    widths = [tuple(pair) for pair in padding]
    if normalize_data_format(data_format) == "channels_last":
        return ops.pad(x, [(0, 0), *widths, (0, 0)])
    return ops.pad(x, [(0, 0), (0, 0), *widths])


def spatial_2d_padding(
    x: Any, padding: Sequence[Sequence[int]] = ((1, 1), (1, 1)), data_format: str | None = None
) -> torch.Tensor:
    """Zeros around images."""
    return _pad_spatial(x, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: Sequence[Sequence[int]] = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> torch.Tensor:
    """Zeros around volumes."""
    return _pad_spatial(x, padding, data_format)


def is_sparse(tensor: Any) -> bool:
    """Whether `tensor` is a sparse torch tensor."""
    return isinstance(tensor, torch.Tensor) and tensor.layout is not torch.strided


def to_dense(tensor: Any) -> Any:
    """A sparse tensor as a dense one; anything else as it is."""
    return tensor.to_dense() if is_sparse(tensor) else tensor
