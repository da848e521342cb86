"""Transposed convolutions, which enlarge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.layers.arguments import to_tuple
from kerastorch.layers.convolutional.base import Convolution
from kerastorch.ops.convolution import transposed_convolution
from kerastorch.ops.windows import transposed_size


class ConvTranspose(Convolution):
    """The gradients of convolutions as layers of their own: one kernel (*window, filters, channels)."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(filters, *window, activation, use_bias, activity_regularizer=activity_regularizer, **kwargs)
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.output_padding = self._checked_output_padding(output_padding)

    def _checked_output_padding(self, output_padding: Any) -> tuple[int, ...] | None:
        if output_padding is None:
            return None
        sizes = to_tuple(output_padding, self.rank, self._owner, "output_padding", allow_zero=True)
        if any(size >= stride for size, stride in zip(sizes, self.strides, strict=True)):
            raise ValueError(
                f"{self._owner}: expected output_padding below strides in each axis; received output_padding={sizes} "
                f"and strides={self.strides}. Make output_padding smaller, or leave it out."
            )
        return sizes

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        self.kernel = self.add_kernel("kernel", "kernel", (*self.kernel_size, self.filters, channels))
        self.add_bias(self.filters)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        rank = self.rank
        weights = self._parameters  # a module's own attribute lookup costs as much as a small layer
        weight = weights["kernel"].permute(rank + 1, rank, *range(rank))
        window = (self.strides, self.padding, self.output_padding, self.dilation_rate)
        return transposed_convolution(inputs, weight, weights.get("bias"), *window, self.channels_last)

    def output_sizes(self, sizes: Sequence[int | None]) -> tuple[int | None, ...]:
        extra = self.output_padding or (None,) * self.rank
        axes = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, extra, strict=True)
        found = tuple(transposed_size(size, window, self.padding, *rest) for size, window, *rest in axes)
        if 0 in found:
            raise ValueError(
                f"{self._owner}: expected options that leave something of the output; received output_padding="
                f"{self.output_padding} with padding='same' and spatial sizes {tuple(sizes)}, which give {found}. "
                "Leave output_padding out, or use padding='valid'."
            )
        return found


class Conv1DTranspose(ConvTranspose):
    """Transposed convolution over sequences.

    Input (batch, steps, channels), output (batch, steps * stride, filters) with padding 'same'; kernel (window,
    filters, channels). `output_padding` adds to the size that is exact without it.
    Raises ValueError for impossible options, such as an output_padding that is not below the stride.

    >>> Conv1DTranspose(8, 3, strides=2, padding="same")(torch.zeros(2, 10, 4)).shape
    torch.Size([2, 20, 8])
    """

    rank = 1


class Conv2DTranspose(ConvTranspose):
    """Transposed convolution over images.

    Input (batch, height, width, channels), output (batch, height * stride, width * stride, filters) with padding
    'same'; kernel (height, width, filters, channels). What 'same' cuts away is TensorFlow's: an odd rest at the end.
    Raises ValueError for impossible options, such as an output_padding that is not below the stride.

    >>> Conv2DTranspose(8, 3, strides=2, padding="same")(torch.zeros(1, 7, 7, 4)).shape
    torch.Size([1, 14, 14, 8])
    """


class Conv3DTranspose(ConvTranspose):
    """Transposed convolution over volumes.

    Input (batch, depth, height, width, channels), output (batch, ..., filters); kernel (depth, height, width, filters,
    channels). `dilation_rate` works, whereas tf.keras takes it and computes without it.

    >>> Conv3DTranspose(4, 2, strides=2)(torch.zeros(1, 3, 3, 3, 2)).shape
    torch.Size([1, 6, 6, 6, 4])
    """

    rank = 3

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if max(self.dilation_rate) == 1:
            del config["dilation_rate"]  # as in tf.keras
        return config
