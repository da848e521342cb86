"""Shapes, joining, splitting and indexing, in NumPy's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import normalize_data_format
from kerastorch.ops.operation import Shape, as_shape, operation, pair, tensor

__all__ = [
    "append", "array_split", "broadcast_to", "concatenate", "depth_to_space", "diag", "diagflat", "diagonal",
    "dsplit", "dstack", "expand_dims", "flip", "fliplr", "flipud", "get_item", "hsplit", "hstack", "moveaxis",
    "ndim", "nonzero", "pad", "ravel", "repeat", "reshape", "roll", "rot90", "select", "size", "space_to_depth",
    "split", "squeeze", "stack", "swapaxes", "take", "take_along_axis", "tile", "transpose", "tril", "triu",
    "unravel_index", "vander", "vsplit", "vstack",
]  # fmt: skip


# --- shapes


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(x.shape) if hasattr(x, "shape") else tensor(x).dim()


def size(x: Any) -> int | None:
    """The number of elements; None where a size is not known."""
    sizes = x.shape if hasattr(x, "shape") else tensor(x).shape
    return None if None in sizes else math.prod(sizes)


@operation
def reshape(x: Any, newshape: Shape) -> torch.Tensor:
    """The elements of `x` in another shape; one size may be -1 and follows from the others.

    >>> reshape([1, 2, 3, 4], (-1, 2))
    tensor([[1, 2],
            [3, 4]])
    """
    return torch.reshape(tensor(x), as_shape(newshape, "ops.reshape"))


@operation
def ravel(x: Any) -> torch.Tensor:
    """The elements of `x` in one axis."""
    return torch.reshape(tensor(x), (-1,))


@operation
def transpose(x: Any, axes: Sequence[int] | None = None) -> torch.Tensor:
    """`x` with its axes in the order `axes`, in reverse order for None."""
    x = tensor(x)
    return x.permute(tuple(reversed(range(x.dim()))) if axes is None else tuple(axes))


@operation
def swapaxes(x: Any, axis1: int, axis2: int) -> torch.Tensor:
    """`x` with two axes exchanged."""
    return torch.swapaxes(tensor(x), axis1, axis2)


@operation
def moveaxis(x: Any, source: Any, destination: Any) -> torch.Tensor:
    """`x` with the axes `source` at the places `destination`, the others in their order."""
    return torch.moveaxis(tensor(x), source, destination)


@operation
def expand_dims(x: Any, axis: int | Sequence[int]) -> torch.Tensor:
    """`x` with new axes of size 1, which are at the places `axis` of the result.

    >>> expand_dims([1, 2], -1).shape
    torch.Size([2, 1])
    """
    x = tensor(x)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = x.dim() + len(axes)
    for one in axes:
        if not -rank <= one < rank:
            raise IndexError(f"axis {one} of a result with {rank} axes.")
    for one in sorted(one % rank for one in axes):
        x = x.unsqueeze(one)
    return x


@operation
def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> torch.Tensor:
    """`x` without the axes `axis`, which have size 1; without all axes of size 1 for None.

    Raises ValueError for an axis of another size.
    """
    x = tensor(x)
    if axis is None:
        return torch.squeeze(x)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for one in axes:
        if x.shape[one] != 1:
            raise ValueError(
                f"ops.squeeze: expected axes of size 1; received axis={axis} of a tensor of shape {tuple(x.shape)}. "
                "Name an axis of size 1, or use axis=None for all of them."
            )
    return torch.squeeze(x, axes)


@operation
def broadcast_to(x: Any, shape: Shape) -> torch.Tensor:
    """`x` repeated along axes of size 1 and new first axes, without a copy."""
    return torch.broadcast_to(tensor(x), as_shape(shape, "ops.broadcast_to"))


@operation
def tile(x: Any, repeats: Shape) -> torch.Tensor:
    """`x` as a whole repeated along each axis."""
    return torch.tile(tensor(x), as_shape(repeats, "ops.tile"))


@operation
def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> torch.Tensor:
    """Each element repeated along `axis`, of the flattened tensor for None.

    >>> repeat([1, 2], 2)
    tensor([1, 1, 2, 2])
    """
    x = tensor(x)
    if isinstance(repeats, int):
        return torch.repeat_interleave(x, repeats, axis)
    counts = tensor(repeats).to(x.device)
    length = None if isinstance(repeats, torch.Tensor) else int(np.sum(repeats))
    if counts.dim() == 1 and len(counts) == 1:
        return torch.repeat_interleave(x, int(counts), axis)
    return torch.repeat_interleave(x, counts, axis, output_size=length)


@operation
def roll(x: Any, shift: Any, axis: Any = None) -> torch.Tensor:
    """`x` moved by `shift` places along `axis`; what leaves at the end comes in at the start."""
    return torch.roll(tensor(x), shift, axis)


@operation
def flip(x: Any, axis: int | Sequence[int] | None = None) -> torch.Tensor:
    """`x` in reverse order along `axis`, along all axes for None."""
    x = tensor(x)
    if axis is None:
        axis = tuple(range(x.dim()))
    return torch.flip(x, (axis,) if isinstance(axis, int) else tuple(axis))


@operation
def fliplr(x: Any) -> torch.Tensor:
    """`x` in reverse order along its second axis."""
    return torch.fliplr(tensor(x))


@operation
def flipud(x: Any) -> torch.Tensor:
    """`x` in reverse order along its first axis."""
    return torch.flipud(tensor(x))


@operation
def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> torch.Tensor:
    """`array` turned `k` times by 90 degrees from the first towards the second of `axes`."""
    return torch.rot90(tensor(array), k, tuple(axes))


@operation
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: float | None = None) -> torch.Tensor:
    """`x` with elements added before and after along each axis.

    `pad_width` is one number, one pair (before, after) or a pair for each axis; `mode` is 'constant', 'reflect',
    'symmetric', 'edge' or 'wrap'.

    >>> pad([1, 2], (1, 2))
    tensor([0, 1, 2, 0, 0])
    """
    x = tensor(x)
    widths = np.broadcast_to(np.asarray(pad_width), (x.dim(), 2)).tolist()
    if mode == "constant":
        flat = [width for pair_ in reversed(widths) for width in pair_]
        return torch.nn.functional.pad(x, flat, value=0 if constant_values is None else constant_values)
    if constant_values is not None:
        raise ValueError(
            f"ops.pad: expected constant_values with mode='constant' only; received mode={mode!r} and "
            f"constant_values={constant_values!r}. Leave one of them out."
        )
    for axis, (before, after) in enumerate(widths):
        if before or after:
            places = np.pad(np.arange(x.shape[axis]), (before, after), mode=mode)
            x = x.index_select(axis, torch.as_tensor(places, device=x.device))
    return x


def _block_axes(x: torch.Tensor, data_format: str) -> torch.Tensor:
    return x if normalize_data_format(data_format) == "channels_last" else x.permute(0, 2, 3, 1)


@operation
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> torch.Tensor:
    """Channels as blocks of pixels: (batch, height, width, c * b * b) becomes (batch, height * b, width * b, c)."""
    x = _block_axes(tensor(x), data_format)
    batch, height, width, channels = x.shape
    blocks = x.reshape(batch, height, width, block_size, block_size, channels // block_size**2)
    y = blocks.permute(0, 1, 3, 2, 4, 5).reshape(batch, height * block_size, width * block_size, -1)
    return y if data_format == "channels_last" else y.permute(0, 3, 1, 2)


@operation
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> torch.Tensor:
    """Blocks of pixels as channels, the inverse of `depth_to_space`."""
    x = _block_axes(tensor(x), data_format)
    batch, height, width, channels = x.shape
    rows, columns = height // block_size, width // block_size
    blocks = x.reshape(batch, rows, block_size, columns, block_size, channels)
    y = blocks.permute(0, 1, 3, 2, 4, 5).reshape(batch, rows, columns, -1)
    return y if data_format == "channels_last" else y.permute(0, 3, 1, 2)


# --- joining and splitting


def _tensors(xs: Any) -> list[torch.Tensor]:
    return [tensor(x) for x in xs]


@operation
def concatenate(xs: Any, axis: int | None = 0) -> torch.Tensor:
    """The tensors `xs` one after the other along `axis`; flattened first for None.

    >>> concatenate([[1, 2], [3]])
    tensor([1, 2, 3])
    """
    if axis is None:
        return torch.cat([x.flatten() for x in _tensors(xs)])
    return torch.cat(_tensors(xs), axis)


@operation
def stack(x: Any, axis: int = 0) -> torch.Tensor:
    """The tensors `x` along a new axis."""
    return torch.stack(_tensors(x), axis)


@operation
def append(x1: Any, x2: Any, axis: int | None = None) -> torch.Tensor:
    """`x2` after `x1` along `axis`; both flattened for None."""
    return concatenate([x1, x2], axis)


@operation
def hstack(xs: Any) -> torch.Tensor:
    """The tensors side by side: along the second axis, the first of vectors."""
    return torch.hstack(_tensors(xs))


@operation
def vstack(xs: Any) -> torch.Tensor:
    """The tensors below one another: along the first axis, vectors as rows."""
    return torch.vstack(_tensors(xs))


@operation
def dstack(xs: Any) -> torch.Tensor:
    """The tensors along the third axis."""
    return torch.dstack(_tensors(xs))


@operation
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[torch.Tensor]:
    """`x` in a number of equal parts along `axis`, or in the parts between indices.

    Raises ValueError where the parts would not be equal.

    >>> split(arange(4), 2)
    [tensor([0, 1]), tensor([2, 3])]
    """
    x = tensor(x)
    if isinstance(indices_or_sections, int) and x.shape[axis] % indices_or_sections:
        raise ValueError(
            f"ops.split: expected a number of parts that divides the axis' size {x.shape[axis]}; received "
            f"indices_or_sections={indices_or_sections}. Use ops.array_split, or name the indices."
        )
    return array_split(x, indices_or_sections, axis)


@operation
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[torch.Tensor]:
    """`x` in a number of parts along `axis`, the first ones longer by one where it does not divide."""
    parts = indices_or_sections if isinstance(indices_or_sections, int) else tuple(indices_or_sections)
    return list(torch.tensor_split(tensor(x), parts, axis))


@operation
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[torch.Tensor]:
    """`split` along the second axis, the first of a vector."""
    x = tensor(x)
    return split(x, indices_or_sections, 0 if x.dim() == 1 else 1)


@operation
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[torch.Tensor]:
    """`split` along the first axis."""
    return split(x, indices_or_sections, 0)


@operation
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[torch.Tensor]:
    """`split` along the third axis."""
    return split(x, indices_or_sections, 2)


# --- elements


@operation
def get_item(x: Any, key: Any) -> torch.Tensor:
    """`x[key]`."""
    return tensor(x)[key]


@operation
def take(x: Any, indices: Any, axis: int | None = None) -> torch.Tensor:
    """The slices of `x` along `axis` with the numbers `indices`; elements of the flattened tensor for None.

    Negative numbers count from the end.

    >>> take([[1, 2], [3, 4]], [1, 0], axis=1)
    tensor([[2, 1],
            [4, 3]])
    """
    x, indices = tensor(x), tensor(indices).long()
    if axis is None:
        x, axis = x.flatten(), 0
    axis = axis % x.dim()
    taken = x[(slice(None),) * axis + (indices.to(x.device).flatten(),)]
    return taken.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


@operation
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> torch.Tensor:
    """The element of `x` along `axis` with the number that stands at its place in `indices`."""
    x, indices = tensor(x), tensor(indices).long()
    if axis is None:
        x, indices, axis = x.flatten(), indices.flatten(), 0
    places = torch.where(indices < 0, indices + x.shape[axis], indices)
    return torch.take_along_dim(x, places, axis)


@operation
def nonzero(x: Any) -> tuple[torch.Tensor, ...]:
    """The indices of the elements that are not 0, one tensor for each axis."""
    return torch.nonzero(tensor(x), as_tuple=True)


@operation
def select(condlist: Any, choicelist: Any, default: Any = 0) -> torch.Tensor:
    """The elements of the first choice whose condition holds, `default` where none does."""
    result = tensor(default)
    for condition, choice in reversed(list(zip(_tensors(condlist), choicelist, strict=True))):
        result = torch.where(condition, *pair(choice, result))
    return result


@operation
def diag(x: Any, k: int = 0) -> torch.Tensor:
    """The matrix with `x` on its `k`-th diagonal; of a matrix, that diagonal."""
    return torch.diag(tensor(x), k)


@operation
def diagflat(x: Any, k: int = 0) -> torch.Tensor:
    """The matrix with all elements of `x` on its `k`-th diagonal."""
    return torch.diagflat(tensor(x), k)


@operation
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> torch.Tensor:
    """The `offset`-th diagonal of the matrices along two axes, as the last axis."""
    return torch.diagonal(tensor(x), offset, axis1, axis2)


@operation
def tril(x: Any, k: int = 0) -> torch.Tensor:
    """`x` with zeros above the `k`-th diagonal."""
    return torch.tril(tensor(x), k)


@operation
def triu(x: Any, k: int = 0) -> torch.Tensor:
    """`x` with zeros below the `k`-th diagonal."""
    return torch.triu(tensor(x), k)


@operation
def vander(x: Any, N: int | None = None, increasing: bool = False) -> torch.Tensor:
    """The powers of each element of a vector as a row, the highest first unless `increasing`."""
    return torch.vander(tensor(x), N, increasing)


@operation
def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[torch.Tensor, ...]:
    """For numbers of elements of a flattened tensor of `shape`, their indices, one tensor for each axis."""
    return torch.unravel_index(tensor(indices), tuple(shape))
