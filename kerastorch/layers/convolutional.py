"""Convolutions: one rank-generic base, one class a rank and kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from kerastorch import activations, constraints, initializers, regularizers
from kerastorch.core.config import normalize_data_format
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.layers.arguments import one_of, positive_int, to_tuple
from kerastorch.ops.convolution import convolution
from kerastorch.ops.windows import output_size


class Convolution(Layer):
    """What all convolutions share: windows, padding, layout, bias and activation; subclasses name their kernels.

    A kernel lies in memory as torch's channels_last weight and is seen in Keras' shape, so neither side copies.
    """

    rank = 2

    def __init__(
        self,
        filters: int | None,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        bias_initializer: Any = "zeros",
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = f"{type(self).__name__} '{self.name}'"
        self.filters = None if filters is None else positive_int(filters, owner, "filters")
        self.kernel_size = to_tuple(kernel_size, self.rank, owner, "kernel_size")
        self.strides = to_tuple(strides, self.rank, owner, "strides")
        self.padding = one_of(padding, ("valid", "same", "causal")[: 3 if self.rank == 1 else 2], owner, "padding")
        self.data_format = normalize_data_format(data_format)
        self.dilation_rate = to_tuple(dilation_rate, self.rank, owner, "dilation_rate")
        self.groups = positive_int(groups, owner, "groups")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias = None
        self.input_spec = InputSpec(min_ndim=self.rank + 2)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{owner}: expected strides or dilation_rate above 1, not both; received strides={self.strides} and "
                f"dilation_rate={self.dilation_rate}. Set one of them to 1."
            )
        if self.filters is not None and self.filters % self.groups:
            raise ValueError(
                f"{owner}: expected filters divisible by groups; received filters={self.filters} and "
                f"groups={self.groups}. Change one of them."
            )

    @property
    def channels_last(self) -> bool:
        return self.data_format == "channels_last"

    def input_channels(self, input_shape: Any) -> int:
        """The number of channels, which must be known; input spec and groups are checked against it."""
        axis = -1 if self.channels_last else -1 - self.rank
        channels = input_shape[axis]
        owner = f"{type(self).__name__} '{self.name}'"
        if channels is None:
            raise ValueError(
                f"{owner}: expected a known number of channels; received input shape {input_shape}. "
                "Give the Input a fixed channel size."
            )
        if channels % self.groups:
            raise ValueError(
                f"{owner}: expected input channels divisible by groups; received {channels} channels and "
                f"groups={self.groups}. Change groups or the input."
            )
        self.compute_output_shape(input_shape)  # refuses an input that is smaller than the kernel
        self.input_spec = InputSpec(min_ndim=self.rank + 2, axes={axis: channels})
        return channels

    def add_kernel(self, name: str, shape: tuple[int, ...], initializer: Any, regularizer: Any, constraint: Any) -> Any:
        """A weight of Keras' shape (*window, in, out) that torch sees as (out, in, *window) in channels_last."""
        order = (self.rank + 1, *range(self.rank), self.rank)
        return self.add_weight(name, shape, None, initializer, regularizer, True, constraint, memory_order=order)

    def add_bias(self, size: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (size,), None, self.bias_initializer, self.bias_regularizer, True, self.bias_constraint
            )

    def convolve(
        self, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, groups: int
    ) -> torch.Tensor:
        return convolution(
            inputs, weight, bias, self.strides, self.padding, self.dilation_rate, groups, self.channels_last
        )

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        """The convolution without its activation; every kind of convolution defines it."""
        raise NotImplementedError

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return activations.apply_in_place(self.activation, self.linear(inputs))

    def without_relu(self) -> Callable[..., Any] | None:
        return self.linear if self.activation is activations.relu else None

    def output_channels(self, input_shape: Any) -> int:
        return self.filters

    def compute_output_shape(self, input_shape: Any) -> Any:
        input_shape = tuple(input_shape)
        end = -1 if self.channels_last else len(input_shape)
        spatial = input_shape[end - self.rank : end]
        axes = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        sizes = tuple(output_size(size, window, self.padding, stride, dil) for size, window, stride, dil in axes)
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected an input at least as large as the kernel "
                f"{self.kernel_size} (dilation {self.dilation_rate}); received input shape {input_shape}. "
                "Use padding='same', a smaller kernel or a larger input."
            )
        channels = self.output_channels(input_shape)
        batch = input_shape[: -1 - self.rank]
        return (*batch, *sizes, channels) if self.channels_last else (*batch, channels, *sizes)


class Conv(Convolution):
    """Ordinary convolutions: one kernel (*window, channels / groups, filters)."""

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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            groups,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        self.kernel = self.add_kernel(
            "kernel",
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            self.kernel_regularizer,
            self.kernel_constraint,
        )
        self.add_bias(self.filters)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        rank = self.rank
        weights = self._parameters  # a module's own attribute lookup costs as much as a small layer
        weight = weights["kernel"].permute(rank + 1, rank, *range(rank))
        return self.convolve(inputs, weight, weights.get("bias"), self.groups)


class Conv1D(Conv):
    """Convolution over sequences; 'causal' padding looks only backwards.

    Input (batch, steps, channels), output (batch, new_steps, filters); kernel (window, channels, filters).
    Raises ValueError for impossible options and for kernels larger than the input.

    >>> Conv1D(8, 3, padding="causal")(torch.zeros(2, 10, 4)).shape
    torch.Size([2, 10, 8])
    """

    rank = 1


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


class DepthwiseConv(Convolution):
    """What depthwise and separable convolutions share: `depth_multiplier` filters for each channel by itself."""

    # options of ordinary convolutions that tf.keras writes into the configs of these layers, where they do nothing
    unused_options: Mapping[str, Any] = {"groups": 1}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{key: value for key, value in kwargs.items() if key not in self.unused_options})

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.unused_options}

    def init_depthwise(self, multiplier: int, initializer: Any, regularizer: Any, constraint: Any) -> None:
        self.depth_multiplier = positive_int(multiplier, f"{type(self).__name__} '{self.name}'", "depth_multiplier")
        self.depthwise_initializer = initializers.get(initializer)
        self.depthwise_regularizer = regularizers.get(regularizer)
        self.depthwise_constraint = constraints.get(constraint)

    def add_depthwise_kernel(self, channels: int) -> None:
        # torch wants (channels * multiplier, 1, *window): in memory channels and multiplier go first
        order = (self.rank, self.rank + 1, *range(self.rank))
        self.depthwise_kernel = self.add_weight(
            "depthwise_kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            None,
            self.depthwise_initializer,
            self.depthwise_regularizer,
            True,
            self.depthwise_constraint,
            memory_order=order,
        )

    def convolve_channels(self, inputs: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        rank = self.rank
        kernel = self.depthwise_kernel.permute(rank, rank + 1, *range(rank)).flatten(0, 1)
        # the length-1 axis gets stride 1, or torch takes the weight for channels_first
        weight = kernel.unsqueeze(-1).movedim(-1, 1)
        return self.convolve(inputs, weight, bias, groups=kernel.shape[0] // self.depth_multiplier)


class DepthwiseConv2D(DepthwiseConv):
    """Convolution of each channel by itself.

    Input (batch, height, width, channels), output (batch, ..., channels * depth_multiplier);
    kernel (height, width, channels, depth_multiplier).

    >>> DepthwiseConv2D(3)(torch.zeros(1, 8, 8, 4)).shape
    torch.Size([1, 6, 6, 4])
    """

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
        super().__init__(
            None,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            1,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )
        self.init_depthwise(depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        self.add_depthwise_kernel(channels)
        self.add_bias(channels * self.depth_multiplier)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.convolve_channels(inputs, self.bias)

    def output_channels(self, input_shape: Any) -> int:
        return input_shape[-1 if self.channels_last else -1 - self.rank] * self.depth_multiplier


class SeparableConv2D(DepthwiseConv):
    """A depthwise convolution followed by a 1 x 1 convolution that mixes the channels.

    Input (batch, height, width, channels), output (batch, new_height, new_width, filters); kernels (height, width,
    channels, depth_multiplier) and (1, 1, channels * depth_multiplier, filters).

    >>> SeparableConv2D(8, 3)(torch.zeros(1, 8, 8, 4)).shape
    torch.Size([1, 6, 6, 8])
    """

    unused_options = {
        "groups": 1,
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
        "kernel_regularizer": None,
        "kernel_constraint": None,
    }

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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            1,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )
        self.init_depthwise(depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        self.add_depthwise_kernel(channels)
        shape = (*(1 for _ in self.kernel_size), channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = self.add_kernel(
            "pointwise_kernel",
            shape,
            self.pointwise_initializer,
            self.pointwise_regularizer,
            self.pointwise_constraint,
        )
        self.add_bias(self.filters)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        rank = self.rank
        channels = self.convolve_channels(inputs, None)
        weight = self.pointwise_kernel.permute(rank + 1, rank, *range(rank))
        ones = (1,) * rank
        return convolution(channels, weight, self.bias, ones, "valid", ones, 1, self.channels_last)
