"""Layers that join several tensors, and the functions of the same names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch

from kerastorch.engine.layer import Layer


class Merge(Layer):
    """What the layers of this family share: a list of at least two inputs whose shapes go together."""

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        listed = isinstance(input_shape, list | tuple) and input_shape and isinstance(input_shape[0], list | tuple)
        if not listed or len(input_shape) < 1:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a list of tensors; received one of shape "
                f"{input_shape}. Call it as {type(self).__name__}()([a, b])."
            )
        self.check_shapes([tuple(shape) for shape in input_shape])

    def check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Raise ValueError when `shapes` cannot be merged."""
        self.compute_output_shape(shapes)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = [one for one in mask or [] if one is not None]
        return reduce(torch.logical_and, masks) if masks else None


class Elementwise(Merge):
    """Merges element by element; shapes broadcast, missing axes are added after the batch axis."""

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def call(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        rank = max(tensor.dim() for tensor in inputs)
        return reduce(self.merge, [_with_rank(tensor, rank) for tensor in inputs])

    def compute_output_shape(self, input_shape: Any) -> Any:
        return reduce(self._broadcast, input_shape)

    def _broadcast(self, first: Any, second: Any) -> tuple[int | None, ...]:
        rank = max(len(first), len(second))
        first, second = ((shape[0], *[1] * (rank - len(shape)), *shape[1:]) for shape in (first, second))
        sizes: list[int | None] = []
        for a, b in zip(first, second, strict=True):
            if a == b or b == 1:
                sizes.append(a)
            elif a == 1:
                sizes.append(b)
            elif a is None or b is None:
                sizes.append(a if b is None else b)
            else:
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected inputs whose shapes are equal or broadcast; "
                    f"received {first} and {second}. Bring both to the same shape, for example with a Dense or 1x1 "
                    "convolution layer."
                )
        return tuple(sizes)


def _with_rank(tensor: torch.Tensor, rank: int) -> torch.Tensor:
    """`tensor` with axes of length 1 added after the batch axis."""
    if tensor.dim() == rank:
        return tensor
    return tensor.reshape(tensor.shape[0], *[1] * (rank - tensor.dim()), *tensor.shape[1:])


class Add(Elementwise):
    """The sum of the inputs, element by element.

    >>> Add()([torch.ones(1, 2), torch.ones(1, 2)])
    tensor([[2., 2.]])
    """

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return first + second


class Concatenate(Merge):
    """The inputs one after the other along `axis`; the other axes must be equal.

    >>> Concatenate()([torch.ones(1, 2), torch.zeros(1, 1)])
    tensor([[1., 1., 0.]])
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.cat(tuple(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        first = input_shape[0]
        rank = len(first)
        axis = self.axis % rank if rank else 0
        for shape in input_shape[1:]:
            same_rank = len(shape) == rank
            if not same_rank or any(
                a != b and a is not None and b is not None
                for position, (a, b) in enumerate(zip(first, shape, strict=True))
                if position != axis
            ):
                raise ValueError(
                    f"Concatenate '{self.name}': expected inputs that differ only in axis {self.axis}; "
                    f"received {', '.join(str(tuple(one)) for one in input_shape)}. Crop, pad or pool them alike, "
                    "or choose another axis."
                )
        lengths = [shape[axis] for shape in input_shape]
        merged = [next((size for size in sizes if size is not None), None) for sizes in zip(*input_shape, strict=True)]
        merged[axis] = None if None in lengths else sum(lengths)
        return tuple(merged)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or all(one is None for one in mask):
            return None
        filled = [
            torch.ones_like(tensor, dtype=torch.bool)
            if one is None
            else one
            if one.dim() == tensor.dim()
            else one.unsqueeze(-1).expand_as(tensor)
            for tensor, one in zip(inputs, mask, strict=True)
        ]
        return torch.cat(filled, self.axis).all(-1)


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The function form of `Add`."""
    return Add(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """The function form of `Concatenate`."""
    return Concatenate(axis=axis, **kwargs)(inputs)
