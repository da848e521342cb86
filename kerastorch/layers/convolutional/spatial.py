"""Layers that pad, cut and enlarge the spatial axes."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.engine.precision import compute_in
from kerastorch.engine.symbolic import TensorSpec
from kerastorch.layers.arguments import checked_data_format, one_of, positive_int, to_tuple
from kerastorch.ops.images import INTERPOLATIONS, upsample
from kerastorch.ops.windows import pad_spatial

Pair = tuple[int, int]


class Spatial(Layer):
    """What these layers share: batch and channels stay as they are, and so do whole numbers."""

    rank = 2

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format, f"{type(self).__name__} '{self.name}'")
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def first_axis(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def output_size(self, axis: int, size: int) -> int:
        """The size that spatial axis `axis` gets."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        for axis, place in enumerate(range(self.first_axis, self.first_axis + self.rank)):
            shape[place] = None if shape[place] is None else self.output_size(axis, shape[place])
        return tuple(shape)

    def compute_output_spec(self, inputs: Any) -> Any:
        return TensorSpec(self.compute_output_shape(inputs.shape), self.output_dtype(inputs.dtype))

    def output_dtype(self, dtype: torch.dtype) -> torch.dtype:
        """The dtype of the output for inputs of `dtype`."""
        return self._dtype if dtype.is_floating_point else dtype

    def checked_edges(self, value: Any, argument: str) -> Pair | tuple[Pair, ...]:
        """A number, or one for each axis, or (before, after) for each axis, as pairs; one axis has a plain pair."""
        owner = f"{type(self).__name__} '{self.name}'"
        if self.rank == 1:
            return to_tuple(value, 2, owner, argument, allow_zero=True)
        pairs = (value,) * self.rank if isinstance(value, int) else value
        if not isinstance(pairs, list | tuple) or len(pairs) != self.rank:
            raise ValueError(
                f"{owner}: expected {argument} as an integer or {self.rank} integers or pairs; received "
                f"{argument}={value!r}. Pass for example {argument}={((1, 1),) * self.rank}."
            )
        return tuple(to_tuple(pair, 2, owner, argument, allow_zero=True) for pair in pairs)

    def pairs(self, edges: Any) -> tuple[Pair, ...]:
        return (edges,) if self.rank == 1 else edges


class ZeroPadding(Spatial):
    """Zeros around the spatial axes; a number, one number an axis, or (before, after) for each axis."""

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = self.checked_edges(padding, "padding")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return pad_spatial(inputs, self.pairs(self.padding), self.data_format == "channels_last")

    def output_size(self, axis: int, size: int) -> int:
        return size + sum(self.pairs(self.padding)[axis])


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after a sequence (batch, steps, channels).

    >>> ZeroPadding1D((2, 1))(torch.zeros(1, 8, 3)).shape
    torch.Size([1, 11, 3])
    """

    rank = 1

    def __init__(self, padding: Any = 1, **kwargs: Any) -> None:
        super().__init__(padding, "channels_last", **kwargs)


class ZeroPadding2D(ZeroPadding):
    """Zeros around an image (batch, height, width, channels).

    >>> ZeroPadding2D(((0, 1), (0, 1)))(torch.zeros(1, 8, 8, 3)).shape
    torch.Size([1, 9, 9, 3])
    """


class ZeroPadding3D(ZeroPadding):
    """Zeros around a volume (batch, depth, height, width, channels).

    >>> ZeroPadding3D(1)(torch.zeros(1, 4, 4, 4, 2)).shape
    torch.Size([1, 6, 6, 6, 2])
    """

    rank = 3


class Cropping(Spatial):
    """Cuts off both ends of the spatial axes; a number, one number an axis, or (before, after) for each axis."""

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = self.checked_edges(cropping, "cropping")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        self.compute_output_shape(inputs.shape)  # says what is wrong where nothing would be left
        # padding by less than nothing has a faster gradient than slices
        amounts = [(-before, -after) for before, after in self.pairs(self.cropping)]
        return pad_spatial(inputs, amounts, self.data_format == "channels_last")

    def output_size(self, axis: int, size: int) -> int:
        before, after = self.pairs(self.cropping)[axis]
        if before + after >= size:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected cropping smaller than the input; received "
                f"cropping={self.cropping} and a size of {size} in spatial axis {axis}. "
                "Crop less, or use a larger input."
            )
        return size - before - after


class Cropping1D(Cropping):
    """Cuts steps off both ends of a sequence (batch, steps, channels).

    Raises ValueError when nothing would be left.

    >>> Cropping1D((2, 1))(torch.zeros(1, 8, 3)).shape
    torch.Size([1, 5, 3])
    """

    rank = 1

    def __init__(self, cropping: Any = 1, **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(Cropping):
    """Cuts off the borders of an image (batch, height, width, channels).

    Raises ValueError when nothing would be left.

    >>> Cropping2D(((1, 2), (3, 0)))(torch.zeros(1, 8, 8, 3)).shape
    torch.Size([1, 5, 5, 3])
    """


class Cropping3D(Cropping):
    """Cuts off the borders of a volume (batch, depth, height, width, channels).

    Raises ValueError when nothing would be left.

    >>> Cropping3D(1)(torch.zeros(1, 6, 6, 6, 2)).shape
    torch.Size([1, 4, 4, 4, 2])
    """

    rank = 3

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class UpSampling(Spatial):
    """Each place repeated, or values between the places, `size` times along each spatial axis."""

    interpolation = "nearest"

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self.size = self.checked_size(size, f"{type(self).__name__} '{self.name}'")

    def checked_size(self, size: Any, owner: str) -> Any:
        return to_tuple(size, self.rank, owner, "size")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return upsample(inputs, self.factors, self.interpolation, self.data_format == "channels_last")

    @property
    def factors(self) -> tuple[int, ...]:
        return self.size

    def output_size(self, axis: int, size: int) -> int:
        return size * self.factors[axis]


class UpSampling1D(UpSampling):
    """Each step of a sequence (batch, steps, channels) repeated `size` times.

    >>> UpSampling1D(2)(torch.tensor([[[1.0], [2.0]]])).flatten()
    tensor([1., 1., 2., 2.])
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(size, "channels_last", **kwargs)

    def checked_size(self, size: Any, owner: str) -> Any:
        return positive_int(size, owner, "size")

    @property
    def factors(self) -> tuple[int, ...]:
        return (self.size,)


class UpSampling2D(UpSampling):
    """An image (batch, height, width, channels) enlarged by whole numbers.

    `interpolation` is 'nearest', 'bilinear', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian' or 'mitchellcubic',
    as in `tf.image.resize`. Raises ValueError for another word.

    >>> UpSampling2D((2, 3), interpolation="bilinear")(torch.zeros(1, 8, 8, 3)).shape
    torch.Size([1, 16, 24, 3])
    """

    compute_output_shape = UpSampling.compute_output_shape  # of this `call` too
    compute_output_spec = UpSampling.compute_output_spec

    def __init__(
        self, size: Any = 2, data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        owner = f"UpSampling2D '{self.name}'"
        self.interpolation = one_of(interpolation, INTERPOLATIONS, owner, "interpolation")
        self.__dict__["casts_outputs"] = self.interpolation == "nearest"

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.interpolation == "nearest":
            return super().call(inputs)
        with compute_in(None):  # as tf.image.resize does, whatever the policy
            return super().call(inputs.to(self.output_dtype(inputs.dtype)))

    def output_dtype(self, dtype: torch.dtype) -> torch.dtype:
        found = super().output_dtype(dtype)
        return torch.float32 if self.interpolation != "nearest" and found.itemsize == 2 else found


class UpSampling3D(UpSampling):
    """Each place of a volume (batch, depth, height, width, channels) repeated along each axis.

    >>> UpSampling3D((1, 2, 2))(torch.zeros(1, 4, 4, 4, 2)).shape
    torch.Size([1, 4, 8, 8, 2])
    """

    rank = 3
