"""Ordinary convolutions."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.layers.convolutional.base import Convolution


class Conv(Convolution):
    """Ordinary convolutions: one kernel (*window, channels / groups, filters)."""

    takes_groups = True
    takes_batch_axes = True

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        kwargs.update(groups=groups, activity_regularizer=activity_regularizer)
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(filters, *window, activation, use_bias, **kwargs)
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.kernel = self.add_kernel("kernel", "kernel", shape)
        self.add_bias(self.filters)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        if type(self).convolution_op is Conv.convolution_op:
            return super().linear(inputs)
        y, bias = self.convolution_op(inputs, self.kernel), self.bias
        return y if bias is None else y + (bias if self.channels_last else bias.view(-1, *(1,) * self.rank))

    def convolution_op(self, inputs: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        """`inputs` convolved with `kernel` (*window, channels / groups, filters); a subclass may change it first."""
        return self.convolve(inputs, self._as_torch_weight(kernel), None, self.groups)

    def absorbs_scale_of_axis(self) -> int | None:
        return super().absorbs_scale_of_axis() if type(self).convolution_op is Conv.convolution_op else None

    def weight_and_groups(self) -> tuple[torch.Tensor, int]:
        return self._as_torch_weight(self._parameters["kernel"]), self.groups

    def _as_torch_weight(self, kernel: torch.Tensor) -> torch.Tensor:
        return kernel.permute(self.rank + 1, self.rank, *range(self.rank))


class Conv1D(Conv):
    """Convolution over sequences; 'causal' padding looks only backwards.

    Input (batch, steps, channels), output (batch, new_steps, filters); kernel (window, channels / groups, filters).
    Raises ValueError for impossible options and for kernels larger than the input.

    >>> Conv1D(8, 3, padding="causal")(torch.zeros(2, 10, 4)).shape
    torch.Size([2, 10, 8])
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class Conv2D(Conv):
    """Convolution over images.

    Input (batch, height, width, channels), output (batch, new_height, new_width, filters); kernel (height, width,
    channels / groups, filters). 'channels_first' puts the channels second.
    Raises ValueError for impossible options and for kernels larger than the image.

    >>> Conv2D(32, 3, activation="relu")(torch.zeros(2, 28, 28, 1)).shape
    torch.Size([2, 26, 26, 32])
    """


class Conv3D(Conv):
    """Convolution over volumes.

    Input (batch, depth, height, width, channels), output (batch, ..., filters).

    >>> Conv3D(4, 3)(torch.zeros(1, 8, 8, 8, 2)).shape
    torch.Size([1, 6, 6, 6, 4])
    """

    rank = 3
