"""What all convolutions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from kerastorch import activations, constraints, initializers, regularizers
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.layers.arguments import checked_data_format, one_of, positive_int, to_tuple
from kerastorch.ops.convolution import convolution
from kerastorch.ops.windows import output_size


class Convolution(Layer):
    """Windows, padding, layout, bias and activation of all convolutions; subclasses name their kernels.

    A kernel lies in memory as torch's channels_last weight and is seen in Keras' shape, so neither side copies.
    """

    rank = 2
    paddings: Sequence[str] = ("valid", "same")
    takes_groups = False  # tf.keras has `groups` in the config of every convolution; only the ordinary ones use it
    returns_new_tensor = True
    takes_batch_axes = False  # True where several axes may stand before the spatial ones

    def __init__(
        self,
        filters: int | None,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        groups: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        owner = self._owner
        self.filters = None if filters is None else positive_int(filters, owner, "filters")
        self.kernel_size = to_tuple(kernel_size, self.rank, owner, "kernel_size")
        self.strides = to_tuple(strides, self.rank, owner, "strides")
        self.padding = self._checked_padding(padding)
        self.data_format = checked_data_format(data_format, owner)
        self.dilation_rate = to_tuple(dilation_rate, self.rank, owner, "dilation_rate")
        self.groups = positive_int(groups, owner, "groups")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias = None
        self.input_spec = self._spec()
        self._check_options()

    @property
    def _owner(self) -> str:
        return f"{type(self).__name__} '{self.name}'"

    def _spec(self, **axes: Any) -> InputSpec:
        rank = self.rank + 2
        return InputSpec(min_ndim=rank, **axes) if self.takes_batch_axes else InputSpec(ndim=rank, **axes)

    def _checked_padding(self, padding: Any) -> str:
        if isinstance(padding, str) and padding.lower() == "causal" and "causal" not in self.paddings:
            raise ValueError(
                f"{self._owner}: expected padding to be one of {tuple(self.paddings)}; received padding='causal', "
                "which looks backwards in time. Conv1D and SeparableConv1D have it."
            )
        return one_of(padding, self.paddings, self._owner, "padding")

    def _check_options(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self._owner}: expected strides or dilation_rate above 1, not both; received strides={self.strides} "
                f"and dilation_rate={self.dilation_rate}. Set one of them to 1."
            )
        if self.groups > 1 and not self.takes_groups:
            raise ValueError(
                f"{self._owner}: expected groups=1, as this convolution has no groups; received groups={self.groups}. "
                f"Conv{self.rank}D has them."
            )
        if self.filters is not None and self.filters % self.groups:
            raise ValueError(
                f"{self._owner}: expected filters divisible by groups; received filters={self.filters} and "
                f"groups={self.groups}. Change one of them."
            )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}

    # --- weights -------------------------------------------------------------------------------------------------

    def set_weight_options(
        self, kind: str, initializer: Any = "glorot_uniform", regularizer: Any = None, constraint: Any = None
    ) -> None:
        """Keep how a kind of weight starts, is penalised and is held, in attributes of Keras' names."""
        setattr(self, f"{kind}_initializer", initializers.get(initializer))
        setattr(self, f"{kind}_regularizer", regularizers.get(regularizer))
        setattr(self, f"{kind}_constraint", constraints.get(constraint))

    def add_weight_of(self, kind: str, name: str, shape: tuple[int, ...], order: Sequence[int] | None = None) -> Any:
        """A weight with the options that `set_weight_options` has kept for its kind."""
        options = [getattr(self, f"{kind}_{option}") for option in ("initializer", "regularizer", "constraint")]
        return self.add_weight(name, shape, None, *options[:2], True, options[2], memory_order=order)

    def add_kernel(self, kind: str, name: str, shape: tuple[int, ...]) -> Any:
        """A weight of Keras' shape (*window, a, b) that torch sees as (b, a, *window) in channels_last."""
        return self.add_weight_of(kind, name, shape, (self.rank + 1, *range(self.rank), self.rank))

    def add_bias(self, *shape: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight_of("bias", "bias", shape)

    # --- shapes --------------------------------------------------------------------------------------------------

    @property
    def channels_last(self) -> bool:
        return self.data_format == "channels_last"

    def input_channels(self, input_shape: Any) -> int:
        """The number of channels, which must be known; input spec and groups are checked against it."""
        axis = -1 if self.channels_last else -1 - self.rank
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"{self._owner}: expected a known number of channels; received input shape {tuple(input_shape)}. "
                "Give the Input a fixed channel size."
            )
        if channels % self.groups:
            raise ValueError(
                f"{self._owner}: expected input channels divisible by groups; received {channels} channels and "
                f"groups={self.groups}. Change groups or the input."
            )
        self.compute_output_shape(input_shape)  # refuses an input that is smaller than the kernel
        self.input_spec = self._spec(axes={axis: channels})
        return channels

    def output_channels(self, input_channels: int | None) -> int | None:
        return self.filters

    def output_sizes(self, sizes: Sequence[int | None]) -> tuple[int | None, ...]:
        """The spatial sizes of the output."""
        axes = zip(sizes, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        return tuple(
            output_size(size, window, self.padding, stride, dilation) for size, window, stride, dilation in axes
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        input_shape = tuple(input_shape)
        end = len(input_shape) - 1 if self.channels_last else len(input_shape)
        sizes = self.output_sizes(input_shape[end - self.rank : end])
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError(
                f"{self._owner}: expected an input at least as large as the kernel "
                f"{self.kernel_size} (dilation {self.dilation_rate}); received input shape {input_shape}. "
                "Use padding='same', a smaller kernel or a larger input."
            )
        channels = self.output_channels(input_shape[end if self.channels_last else end - self.rank - 1])
        batch = input_shape[: -1 - self.rank]
        return (*batch, *sizes, channels) if self.channels_last else (*batch, channels, *sizes)

    # --- values --------------------------------------------------------------------------------------------------

    def convolve(
        self, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, groups: int, **ending: Any
    ) -> torch.Tensor:
        window = (self.strides, self.padding, self.dilation_rate)
        return convolution(inputs, weight, bias, *window, groups, self.channels_last, **ending)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        """The convolution without its activation."""
        weight, groups = self.weight_and_groups()
        bias = self._parameters.get("bias")  # a module's own attribute lookup costs as much as a small layer
        return self.convolve(inputs, weight, bias, groups)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return activations.apply_in_place(self.activation, self.linear(inputs))

    def absorbs_scale_of_axis(self) -> int | None:
        if self.activation is not activations.linear or type(self).weight_and_groups is Convolution.weight_and_groups:
            return None
        return -1 if self.channels_last else 1

    def ends_in_kernel(self) -> bool:
        return self.rank == 2 and self.absorbs_scale_of_axis() is not None

    def for_inference(self, scaling: tuple[torch.Tensor, torch.Tensor] | None, swish: bool) -> Callable[..., Any]:
        """`linear` with the weights of this moment, and with what follows it.

        The output is multiplied by a scale and moved by a shift, (channels,) both. The function takes the inputs and,
        where there is one, a tensor to which the result is added, and which may be written over.
        """
        weight, groups = self.weight_and_groups()
        weight, bias = weight.detach(), self._parameters.get("bias")
        bias = None if bias is None else bias.detach()
        if scaling is not None:
            scale, shift = scaling
            weight = weight * scale.view(-1, *(1,) * (weight.dim() - 1))
            bias = shift if bias is None else torch.addcmul(shift, bias, scale)
        return lambda inputs, into=None: self.convolve(inputs, weight, bias, groups, into=into, swish=swish)

    def weight_and_groups(self) -> tuple[torch.Tensor, int]:
        """The weight in torch's shape, and how many groups of channels it is for."""
        raise NotImplementedError

    def without_relu(self) -> Callable[..., Any] | None:
        return self.linear if self.activation is activations.relu else None
