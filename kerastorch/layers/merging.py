"""Layers that join several tensors, and the functions of the same names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.engine.layer import Layer
from kerastorch.engine.shapes import map_tensors_to_shapes
from kerastorch.engine.symbolic import TensorSpec, symbolic_leaves


class Merge(Layer):
    """What the layers of this family share: a list of inputs whose shapes go together."""

    supports_masking = True
    count: int | None = None  # how many inputs there must be; None for any number

    def build(self, input_shape: Any) -> None:
        listed = isinstance(input_shape, list | tuple) and input_shape and isinstance(input_shape[0], list | tuple)
        if not listed:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a list of tensors; received one of shape "
                f"{input_shape}. Call it as {type(self).__name__}()([a, b])."
            )
        if self.count is not None and len(input_shape) != self.count:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected exactly {self.count} inputs; received "
                f"{len(input_shape)}. Merge more of them step by step, or with Add, Multiply or Concatenate."
            )
        self.check_shapes([tuple(shape) for shape in input_shape])

    def check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Raise ValueError when `shapes` cannot be merged."""
        self.compute_output_shape(shapes)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        masks = [one for one in mask or [] if one is not None]
        return reduce(torch.logical_and, masks) if masks else None

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        leaves = symbolic_leaves(args)
        dtype = reduce(torch.promote_types, (leaf.dtype for leaf in leaves))
        shape = self.compute_output_shape(map_tensors_to_shapes(args[0]))
        return TensorSpec(tuple(shape), self._dtype if dtype.is_floating_point else dtype)


class Elementwise(Merge):
    """Merges element by element; shapes broadcast, missing axes are added after the batch axis."""

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    def call(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        rank = max(tensor.dim() for tensor in inputs)
        return self.merge_all([_with_rank(tensor, rank) for tensor in inputs])

    def merge_all(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        return reduce(self.merge, inputs)

    def check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        super().check_shapes(shapes)
        batches = {shape[0] for shape in shapes} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected inputs of one batch size; received "
                f"{', '.join(map(str, shapes))}. Pass as many samples to each input."
            )

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


def _add_into(tensors: Sequence[torch.Tensor], place: int) -> torch.Tensor:
    """The sum of two tensors, written over one of them where it has the shape of the sum."""
    if len(tensors) == 1:
        return tensors[0]
    into, other = tensors[place], tensors[1 - place]
    fits = into.dtype is other.dtype and torch.broadcast_shapes(into.shape, other.shape) == into.shape
    return into.add_(other) if fits and into.dim() == other.dim() else into + other


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

    returns_new_tensor = True
    adds = True

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return first + second

    def in_place(self, place: int = 0) -> Callable[..., Any] | None:
        return partial(_add_into, place=place)


class Subtract(Elementwise):
    """The first of two inputs minus the second.

    >>> Subtract()([torch.ones(1, 2), torch.ones(1, 2)])
    tensor([[0., 0.]])
    """

    count = 2

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return first - second


class Multiply(Elementwise):
    """The product of the inputs, element by element.

    >>> Multiply()([torch.full((1, 2), 2.0), torch.full((1, 2), 3.0)])
    tensor([[6., 6.]])
    """

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return first * second


class Average(Elementwise):
    """The mean of the inputs, element by element.

    >>> Average()([torch.zeros(1, 2), torch.ones(1, 2)])
    tensor([[0.5000, 0.5000]])
    """

    merge = Add.merge

    def merge_all(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        return super().merge_all(inputs) / len(inputs)


class Maximum(Elementwise):
    """The largest of the inputs, element by element.

    >>> Maximum()([torch.tensor([[1.0, 4.0]]), torch.tensor([[2.0, 3.0]])])
    tensor([[2., 4.]])
    """

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return torch.maximum(first, second)


class Minimum(Elementwise):
    """The smallest of the inputs, element by element.

    >>> Minimum()([torch.tensor([[1.0, 4.0]]), torch.tensor([[2.0, 3.0]])])
    tensor([[1., 3.]])
    """

    def merge(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return torch.minimum(first, second)


class Concatenate(Merge):
    """The inputs one after the other along `axis`; the other axes must be equal.

    >>> Concatenate()([torch.ones(1, 2), torch.zeros(1, 1)])
    tensor([[1., 1., 0.]])
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise TypeError(f"Concatenate '{self.name}': expected axis as an integer; received axis={axis!r}.")
        self.axis = axis

    def call(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.cat(tuple(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Any:
        rank = len(input_shape[0])
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"Concatenate '{self.name}': expected an axis from {-rank} to {rank - 1} for inputs of rank {rank}; "
                f"received axis={self.axis}. Pass one of the axes that the inputs have."
            )
        axis = self.axis % rank
        sizes = [_known_sizes(same) for same in zip(*input_shape, strict=False)]
        differ = any(len(known) > 1 for place, known in enumerate(sizes) if place != axis)
        if differ or any(len(shape) != rank for shape in input_shape):
            raise ValueError(
                f"Concatenate '{self.name}': expected inputs that differ only in axis {self.axis}; "
                f"received {', '.join(str(tuple(one)) for one in input_shape)}. Crop, pad or pool them alike, "
                "or choose another axis."
            )
        merged = [next(iter(known), None) for known in sizes]
        lengths = [shape[axis] for shape in input_shape]
        merged[axis] = None if None in lengths else sum(lengths)
        return tuple(merged)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        given = [one for one in mask or [] if one is not None]
        if not given:
            return None
        rank, mask_rank = inputs[0].dim(), given[0].dim()
        if self.axis % rank >= mask_rank:  # no axis of the masks: a step is valid where it is in all inputs
            return super().compute_mask(inputs, mask)
        filled = [
            torch.ones(tensor.shape[:mask_rank], dtype=torch.bool, device=given[0].device) if one is None else one
            for tensor, one in zip(inputs, mask, strict=True)
        ]
        joined = torch.cat(filled, self.axis % rank)
        return joined if mask_rank < rank else joined.all(-1)


def _known_sizes(sizes: Sequence[int | None]) -> list[int]:
    return list(dict.fromkeys(size for size in sizes if size is not None))


class Dot(Merge):
    """Products of two inputs summed along one axis of each: `axes`, one number for both or a pair.

    Inputs (batch, ..., n, ...), output: the axes that are left of the first, then those of the second, at least
    (batch, 1). With `normalize` both have the length 1 along their axis first, which gives the cosine similarity.
    Raises ValueError when the two axes differ in size.

    >>> Dot(axes=1)([torch.ones(1, 3), torch.ones(1, 3)])
    tensor([[3.]])
    """

    count = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(
                f"Dot '{self.name}': expected axes as an integer or a pair of integers; received axes={axes!r}. "
                "Pass for example axes=-1."
            )
        self.axes = axes
        self.normalize = normalize

    def _axes(self, ranks: Sequence[int]) -> list[int]:
        """The axis of each input, counted from the start."""
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for axis, rank in zip(pair, ranks, strict=True):
            if not -rank < axis < rank or axis == 0:
                raise ValueError(
                    f"Dot '{self.name}': expected axes from 1 to {rank - 1}, or {1 - rank} to -1, for an input of rank "
                    f"{rank}; received axes={self.axes}. The axis of the batch cannot be summed."
                )
        return [axis % rank for axis, rank in zip(pair, ranks, strict=True)]

    def call(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        axes = self._axes([tensor.dim() for tensor in inputs])
        if self.normalize:
            inputs = [F.normalize(tensor, dim=axis, eps=1e-6) for tensor, axis in zip(inputs, axes, strict=True)]
        first, second = (tensor.movedim(axis, -1) for tensor, axis in zip(inputs, axes, strict=True))
        left, right = first.shape[1:-1], second.shape[1:-1]
        if not left and not right:
            return (first * second).sum(-1, keepdim=True)
        products = first.flatten(1, -2) if left else first.unsqueeze(1)
        products = products @ (second.flatten(1, -2) if right else second.unsqueeze(1)).mT
        return products.reshape(len(first), *left, *right)

    def compute_output_shape(self, input_shape: Any) -> Any:
        axes = self._axes([len(shape) for shape in input_shape])
        first, second = (list(shape) for shape in input_shape)
        sizes = first.pop(axes[0]), second.pop(axes[1])
        if len(_known_sizes(sizes)) > 1:
            raise ValueError(
                f"Dot '{self.name}': expected equal sizes in the axes {tuple(axes)}; received {sizes[0]} and "
                f"{sizes[1]} in {tuple(input_shape[0])} and {tuple(input_shape[1])}. Choose other axes, or project one."
            )
        merged = (*first, *second[1:])
        return merged if len(merged) > 1 else (*merged, 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The function form of `Add`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The function form of `Subtract`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The function form of `Multiply`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The function form of `Average`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The function form of `Maximum`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """The function form of `Minimum`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """The function form of `Concatenate`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Sequence[Any], axes: Any, normalize: bool = False, **kwargs: Any) -> Any:
    """The function form of `Dot`."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
