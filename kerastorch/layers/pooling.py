"""Pooling over windows and over everything."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.layers.arguments import checked_data_format, one_of, to_tuple
from kerastorch.ops.pooling import global_pool, pool
from kerastorch.ops.windows import output_size


class Pooling(Layer):
    """Maximum or average over windows; places that 'same' pads take no part.

    Input (batch, *spatial, channels), output (batch, *new_spatial, channels); 'channels_first' puts the channels
    second. `strides` defaults to `pool_size`. Raises ValueError for windows larger than the input.
    """

    rank = 2
    average = False

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        owner = f"{type(self).__name__} '{self.name}'"
        self.pool_size = to_tuple(pool_size, self.rank, owner, "pool_size")
        self.strides = to_tuple(pool_size if strides is None else strides, self.rank, owner, "strides")
        self.padding = one_of(padding, ("valid", "same"), owner, "padding")
        self.data_format = checked_data_format(data_format, owner)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)  # refuses an input that is smaller than the window

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        last = self.data_format == "channels_last"
        return pool(inputs, self.pool_size, self.strides, self.padding, last, self.average)

    def compute_output_shape(self, input_shape: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        sizes = tuple(
            output_size(input_shape[first + axis], self.pool_size[axis], self.padding, self.strides[axis])
            for axis in range(self.rank)
        )
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected an input at least as large as the window "
                f"{self.pool_size}; received input shape {tuple(input_shape)}. Use padding='same' or fewer poolings."
            )
        return (*input_shape[:first], *sizes, *input_shape[first + self.rank :])


class MaxPooling(Pooling):
    """Maxima over windows."""

    commutes_with_relu = True


class MaxPooling1D(MaxPooling):
    """Maximum over windows of a sequence (batch, steps, channels).

    >>> MaxPooling1D(2)(torch.zeros(1, 10, 3)).shape
    torch.Size([1, 5, 3])
    """

    rank = 1


class MaxPooling2D(MaxPooling):
    """Maximum over windows of an image (batch, height, width, channels).

    >>> MaxPooling2D(2)(torch.zeros(1, 28, 28, 3)).shape
    torch.Size([1, 14, 14, 3])
    """


class MaxPooling3D(MaxPooling):
    """Maximum over windows of a volume (batch, depth, height, width, channels).

    >>> MaxPooling3D(2)(torch.zeros(1, 4, 4, 4, 3)).shape
    torch.Size([1, 2, 2, 2, 3])
    """

    rank = 3


class AveragePooling1D(Pooling):
    """Average over windows of a sequence (batch, steps, channels).

    >>> AveragePooling1D(2)(torch.zeros(1, 10, 3)).shape
    torch.Size([1, 5, 3])
    """

    rank, average = 1, True


class AveragePooling2D(Pooling):
    """Average over windows of an image (batch, height, width, channels).

    >>> AveragePooling2D(2)(torch.zeros(1, 28, 28, 3)).shape
    torch.Size([1, 14, 14, 3])
    """

    average = True


class AveragePooling3D(Pooling):
    """Average over windows of a volume (batch, depth, height, width, channels).

    >>> AveragePooling3D(2)(torch.zeros(1, 4, 4, 4, 3)).shape
    torch.Size([1, 2, 2, 2, 3])
    """

    rank, average = 3, True


class GlobalPooling(Layer):
    """Maximum or average over all places of each channel.

    Input (batch, *spatial, channels), output (batch, channels), or with `keepdims` (batch, 1, ..., channels).
    """

    rank = 2
    average = False

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format, f"{type(self).__name__} '{self.name}'")
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def spatial_axes(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self.rank))

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return global_pool(inputs, self.data_format == "channels_last", self.average, self.keepdims)

    def compute_output_shape(self, input_shape: Any) -> Any:
        axes = self.spatial_axes()
        kept = [(1 if axis in axes else size) for axis, size in enumerate(input_shape)]
        return tuple(size for axis, size in enumerate(kept) if self.keepdims or axis not in axes)


class GlobalMaxPooling1D(GlobalPooling):
    """Maximum over the steps of (batch, steps, channels).

    >>> GlobalMaxPooling1D()(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 3])
    """

    rank = 1


class GlobalMaxPooling2D(GlobalPooling):
    """Maximum over height and width of (batch, height, width, channels).

    >>> GlobalMaxPooling2D()(torch.zeros(2, 5, 5, 3)).shape
    torch.Size([2, 3])
    """


class GlobalMaxPooling3D(GlobalPooling):
    """Maximum over a volume (batch, depth, height, width, channels).

    >>> GlobalMaxPooling3D()(torch.zeros(2, 4, 4, 4, 3)).shape
    torch.Size([2, 3])
    """

    rank = 3


class GlobalAveragePooling1D(GlobalPooling):
    """Average over the steps of (batch, steps, channels); masked steps take no part.

    >>> GlobalAveragePooling1D()(torch.ones(2, 5, 3)).shape
    torch.Size([2, 3])
    """

    rank, average = 1, True
    supports_masking = True
    compute_output_shape = GlobalPooling.compute_output_shape  # of this `call` too

    def call(self, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is None:
            return super().call(inputs)
        axis = self.spatial_axes()[0]
        weights = mask.to(inputs.dtype).unsqueeze(2 if axis == 1 else 1)
        total = (inputs * weights).sum(axis, keepdim=self.keepdims)
        return total / weights.sum(axis, keepdim=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(GlobalPooling):
    """Average over height and width of (batch, height, width, channels).

    >>> GlobalAveragePooling2D()(torch.ones(2, 5, 5, 3)).shape
    torch.Size([2, 3])
    """

    average = True


class GlobalAveragePooling3D(GlobalPooling):
    """Average over a volume (batch, depth, height, width, channels).

    >>> GlobalAveragePooling3D()(torch.ones(2, 4, 4, 4, 3)).shape
    torch.Size([2, 3])
    """

    rank, average = 3, True
