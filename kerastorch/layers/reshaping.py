"""Layers that change shapes and not values."""

from __future__ import annotations

import math
from typing import Any

import torch

from kerastorch.core.config import normalize_data_format
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import TensorSpec
from kerastorch.layers.arguments import positive_int


class Rearrangement(Layer):
    """What the layers of this family share: values, and the dtype of integers, stay as they are."""

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)  # refuses an input that does not fit

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        dtype = self._dtype if inputs.dtype.is_floating_point else inputs.dtype
        return TensorSpec(tuple(self.compute_output_shape(inputs.shape)), dtype)


class Flatten(Rearrangement):
    """All axes but the batch in one, channels last.

    Input (batch, ...), output (batch, product of the rest).

    >>> Flatten()(torch.zeros(2, 3, 4)).shape
    torch.Size([2, 12])
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.data_format == "channels_first" and inputs.dim() > 2:
            inputs = inputs.movedim(1, -1)
        return inputs.reshape(inputs.shape[0], -1) if inputs.dim() > 1 else inputs.unsqueeze(1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))


class Reshape(Rearrangement):
    """Another shape for each sample; one size may be -1.

    Input (batch, ...), output (batch, *target_shape). Raises ValueError when the number of values differs.

    >>> Reshape((2, 2))(torch.zeros(3, 4)).shape
    torch.Size([3, 2, 2])
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape) if isinstance(target_shape, list | tuple) else (target_shape,)
        sizes = [size for size in self.target_shape if isinstance(size, int) and size >= -1]
        if len(sizes) < len(self.target_shape) or sizes.count(-1) > 1:
            raise ValueError(
                f"Reshape '{self.name}': expected sizes of at least 0 and at most one -1 in target_shape; received "
                f"{self.target_shape}. Use -1 for the size that follows from the others; leave the batch out."
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


class Permute(Rearrangement):
    """The axes of each sample in another order; they count from 1.

    Input (batch, a, b), output for `dims=(2, 1)`: (batch, b, a). Raises ValueError when `dims` are no permutation.

    >>> Permute((2, 1))(torch.zeros(3, 4, 5)).shape
    torch.Size([3, 5, 4])
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims) if isinstance(dims, list | tuple) else (dims,)
        if sorted(map(str, self.dims)) != sorted(map(str, range(1, len(self.dims) + 1))):
            raise ValueError(
                f"Permute '{self.name}': expected dims with each of 1 to {len(self.dims)} once; received dims={dims}. "
                "Count the axes from 1; the batch, axis 0, stays the first."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.permute(0, *self.dims)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


class RepeatVector(Rearrangement):
    """Each sample `n` times, as the steps of a sequence.

    Input (batch, features), output (batch, n, features). Raises ValueError when `n` is not positive.

    >>> RepeatVector(3)(torch.zeros(2, 4)).shape
    torch.Size([2, 3, 4])
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = positive_int(n, f"RepeatVector '{self.name}'", "n")
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.unsqueeze(1).expand(-1, self.n, -1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self.n, input_shape[1])
