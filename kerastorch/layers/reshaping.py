"""Layers that change shapes and not values."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.core.config import normalize_data_format
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.layers.arguments import to_tuple


class Flatten(Layer):
    """All axes but the batch in one, channels last.

    Input (batch, ...), output (batch, product of the rest).

    >>> Flatten()(torch.zeros(2, 3, 4)).shape
    torch.Size([2, 12])
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = normalize_data_format(data_format)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.data_format == "channels_first" and inputs.dim() > 2:
            inputs = inputs.movedim(1, -1)
        return inputs.reshape(inputs.shape[0], -1) if inputs.dim() > 1 else inputs.unsqueeze(1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))


class Reshape(Layer):
    """Another shape for each sample; one size may be -1.

    Input (batch, ...), output (batch, *target_shape). Raises ValueError when the number of values differs.

    >>> Reshape((2, 2))(torch.zeros(3, 4)).shape
    torch.Size([3, 2, 2])
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape) if isinstance(target_shape, list | tuple) else (target_shape,)
        if self.target_shape.count(-1) > 1:
            raise ValueError(
                f"Reshape '{self.name}': expected at most one -1 in target_shape; received {self.target_shape}."
            )

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.reshape(inputs.shape[0], *self.target_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = input_shape[1:]
        if None in rest:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        given, wanted = math.prod(rest), math.prod(size for size in self.target_shape if size != -1)
        fits = given % wanted == 0 if -1 in self.target_shape and wanted else given == wanted
        if not fits:
            raise ValueError(
                f"Reshape '{self.name}': expected a target_shape with {given} values, as the input shape "
                f"{tuple(input_shape)} has; received {self.target_shape}. Use -1 for one size."
            )
        return (input_shape[0], *(given // wanted if size == -1 else size for size in self.target_shape))


class ZeroPadding(Layer):
    """Zeros around the spatial axes; a number, one number an axis, or (before, after) for each axis."""

    rank = 2

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = normalize_data_format(data_format)
        owner = f"{type(self).__name__} '{self.name}'"
        pairs = (padding,) * self.rank if isinstance(padding, int) else padding
        if not isinstance(pairs, list | tuple) or len(pairs) != self.rank:
            raise ValueError(
                f"{owner}: expected padding as an integer or {self.rank} integers or pairs; received {padding!r}."
            )
        self.padding = tuple(to_tuple(pair, 2, owner, "padding", allow_zero=True) for pair in pairs)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        flat = [amount for pair in reversed(self.padding) for amount in pair]
        return F.pad(inputs, [0, 0, *flat] if self.data_format == "channels_last" else flat)

    def compute_output_shape(self, input_shape: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        shape = list(input_shape)
        for axis, (before, after) in enumerate(self.padding, first):
            shape[axis] = None if shape[axis] is None else shape[axis] + before + after
        return tuple(shape)


class ZeroPadding2D(ZeroPadding):
    """Zeros around an image (batch, height, width, channels).

    >>> ZeroPadding2D(((0, 1), (0, 1)))(torch.zeros(1, 8, 8, 3)).shape
    torch.Size([1, 9, 9, 3])
    """
