"""Convolutions of each channel by itself, alone or before a mixing of the channels."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.engine.layer_config import serialize_value
from kerastorch.layers.arguments import positive_int
from kerastorch.layers.convolutional.base import Convolution
from kerastorch.ops.convolution import convolution
from kerastorch.ops.windows import to_channels_first, to_channels_last

_OPTIONS = ("initializer", "regularizer", "constraint")


class DepthwiseKernel(Convolution):
    """What depthwise and separable convolutions share: `depth_multiplier` filters for each channel by itself.

    As in tf.keras, the options of a plain 'kernel' may be given; nothing uses them, as there is no such kernel.
    """

    def __init__(
        self, filters: int | None, kernel_size: Any, *window: Any, depth_multiplier: int, **kwargs: Any
    ) -> None:
        unused = {key: kwargs.pop(f"kernel_{key}") for key in _OPTIONS if f"kernel_{key}" in kwargs}
        super().__init__(filters, kernel_size, *window, **kwargs)
        self.set_weight_options("kernel", **unused)
        self.depth_multiplier = positive_int(depth_multiplier, self._owner, "depth_multiplier")

    def add_depthwise_kernel(self, channels: int) -> None:
        # torch wants (channels * multiplier, 1, *window), with stride 1 in the axis of length 1: other strides make it
        # take the weight for channels_first
        rank = self.rank
        single = self.depth_multiplier == 1
        order = (rank, *range(rank), rank + 1) if single else (rank, rank + 1, *range(rank))
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = self.add_weight_of("depthwise", "depthwise_kernel", shape, order)

    def depthwise_weight(self) -> torch.Tensor:
        rank = self.rank
        weight = self._parameters["depthwise_kernel"].permute(rank, rank + 1, *range(rank))
        return weight if self.depth_multiplier == 1 else weight.flatten(0, 1).unsqueeze(-1).movedim(-1, 1)


class DepthwiseConv(DepthwiseKernel):
    """Convolutions of each channel by itself: kernel (*window, channels, depth_multiplier)."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        kwargs.update(depth_multiplier=depth_multiplier, activity_regularizer=activity_regularizer)
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(None, *window, activation, use_bias, **kwargs)
        self.set_weight_options("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        self.add_depthwise_kernel(channels)
        self.add_bias(channels * self.depth_multiplier)

    def weight_and_groups(self) -> tuple[torch.Tensor, int]:
        weight = self.depthwise_weight()
        return weight, weight.shape[0] // self.depth_multiplier

    def output_channels(self, input_channels: int | None) -> int | None:
        return None if input_channels is None else input_channels * self.depth_multiplier


class DepthwiseConv1D(DepthwiseConv):
    """Convolution of each channel of a sequence by itself.

    Input (batch, steps, channels), output (batch, new_steps, channels * depth_multiplier);
    kernel (window, channels, depth_multiplier).

    >>> DepthwiseConv1D(3, depth_multiplier=2)(torch.zeros(1, 8, 4)).shape
    torch.Size([1, 6, 8])
    """

    rank = 1


class DepthwiseConv2D(DepthwiseConv):
    """Convolution of each channel of an image by itself.

    Input (batch, height, width, channels), output (batch, ..., channels * depth_multiplier);
    kernel (height, width, channels, depth_multiplier).

    >>> DepthwiseConv2D(3)(torch.zeros(1, 8, 8, 4)).shape
    torch.Size([1, 6, 6, 4])
    """


class SeparableConv(DepthwiseKernel):
    """Depthwise convolutions followed by a mixing of the channels with a window of 1."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        kwargs.update(depth_multiplier=depth_multiplier, activity_regularizer=activity_regularizer)
        window = (kernel_size, strides, padding, data_format, dilation_rate)
        super().__init__(filters, *window, activation, use_bias, **kwargs)
        self.set_weight_options("depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.set_weight_options("pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        self.add_depthwise_kernel(channels)
        shape = (*(1 for _ in self.kernel_size), channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self.add_kernel("pointwise", "pointwise_kernel", shape)
        self.add_bias(self.filters)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        weights, weight, rank = self._parameters, self.depthwise_weight(), self.rank
        pointwise = weights["pointwise_kernel"].permute(rank + 1, rank, *range(rank))
        x = to_channels_first(inputs) if self.channels_last else inputs  # once for both
        groups = weight.shape[0] // self.depth_multiplier
        x = convolution(x, weight, None, self.strides, self.padding, self.dilation_rate, groups, False)
        ones = (1,) * rank
        y = convolution(x, pointwise, weights.get("bias"), ones, "valid", ones, 1, False)
        return to_channels_last(y) if self.channels_last else y

    def get_config(self) -> dict[str, Any]:
        # tf.keras writes the options of the kernel that does not exist
        options = {f"kernel_{key}": serialize_value(getattr(self, f"kernel_{key}")) for key in _OPTIONS}
        return {**super().get_config(), **options}


class SeparableConv1D(SeparableConv):
    """A depthwise convolution over sequences followed by a mixing of the channels.

    Input (batch, steps, channels), output (batch, new_steps, filters); kernels (window, channels, depth_multiplier)
    and (1, channels * depth_multiplier, filters). 'causal' padding looks only backwards.

    >>> SeparableConv1D(8, 3, padding="causal")(torch.zeros(1, 8, 4)).shape
    torch.Size([1, 8, 8])
    """

    rank = 1
    paddings = ("valid", "same", "causal")


class SeparableConv2D(SeparableConv):
    """A depthwise convolution followed by a 1 x 1 convolution that mixes the channels.

    Input (batch, height, width, channels), output (batch, new_height, new_width, filters); kernels (height, width,
    channels, depth_multiplier) and (1, 1, channels * depth_multiplier, filters).

    >>> SeparableConv2D(8, 3)(torch.zeros(1, 8, 8, 4)).shape
    torch.Size([1, 6, 6, 8])
    """
