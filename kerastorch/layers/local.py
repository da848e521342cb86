"""Convolutions whose weights differ from place to place."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.core.config import current_device
from kerastorch.engine.context import call_context
from kerastorch.layers.convolutional.base import Convolution
from kerastorch.ops.windows import patch_places

IMPLEMENTATIONS = (1, 2, 3)


class LocallyConnected(Convolution):
    """A convolution without shared weights: each place of the output has a kernel and a bias of its own.

    The three implementations of tf.keras hold the same numbers in other shapes; here they compute alike, one matrix
    product of patches (places, batch, window) and kernels (places, window, filters).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        implementation: int = 1,
        **kwargs: Any,
    ) -> None:
        window = (kernel_size, strides, padding, data_format, 1)
        super().__init__(filters, *window, activation, use_bias, activity_regularizer=activity_regularizer, **kwargs)
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.implementation = implementation
        if implementation not in IMPLEMENTATIONS:
            raise ValueError(
                f"{self._owner}: expected implementation to be one of {IMPLEMENTATIONS}; received {implementation!r}. "
                "All of them compute the same."
            )
        if self.padding == "same" and implementation == 1:
            raise ValueError(
                f"{self._owner}: expected padding='valid' with implementation=1; received padding='same'. "
                "Use implementation=2, or 3 for large images."
            )

    def build(self, input_shape: Any) -> None:
        channels = self.input_channels(input_shape)
        sizes = tuple(input_shape[1:-1] if self.channels_last else input_shape[2:])
        if None in sizes:
            raise ValueError(
                f"{self._owner}: expected known spatial sizes, as each place has weights of its own; received input "
                f"shape {tuple(input_shape)}. Give the Input fixed sizes."
            )
        self._new_sizes = self.output_sizes(sizes)
        window, left = channels * math.prod(self.kernel_size), call_context.weights_left
        if left is not None and math.prod(self._new_sizes) * window > 16 * left:
            raise ValueError(
                f"{self._owner}: expected weights that the file holds; received a config with {self._new_sizes} places "
                f"of {window} inputs each. The file is wrong or incomplete."
            )
        places = patch_places(sizes, channels, self.kernel_size, self.strides, self.padding, self.channels_last)
        self.register_buffer("_places", places.to(current_device()), persistent=False)
        self._input_count = channels * math.prod(sizes)
        self.kernel = self.add_weight_of("kernel", "kernel", self.kernel_shape(sizes, channels))
        self.add_bias(*self._new_sizes, self.filters)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["groups"]  # as in tf.keras
        return config

    def kernel_shape(self, sizes: tuple[int, ...], channels: int) -> tuple[int, ...]:
        """The shape of tf.keras' kernel."""
        if self.implementation == 1:
            return (*self._places.shape, self.filters)
        if self.implementation == 3:  # one number for each connection that there is
            return (int((self._places < self._input_count).sum()) * self.filters,)
        if self.channels_last:  # from everywhere to everywhere, though only neighbours count
            return (*sizes, channels, *self._new_sizes, self.filters)
        return (channels, *sizes, self.filters, *self._new_sizes)

    def patch_kernels(self) -> torch.Tensor:
        """The kernel as (places, window, filters); what is outside the image may hold anything."""
        places, last = self._places, self.channels_last
        count, window = places.shape
        if self.implementation == 1:
            return self.kernel
        if self.implementation == 2:
            pairs = self.kernel.reshape(self._input_count, *((count, -1) if last else (-1, count)))
            own = torch.arange(count, device=places.device).unsqueeze(1)
            return (pairs if last else pairs.transpose(1, 2))[places.clamp_max(self._input_count - 1), own]
        inside = (places < self._input_count).unsqueeze(1 if last else 0)
        shape = (count, self.filters, window) if last else (self.filters, count, window)
        dense = self.kernel.new_zeros(shape).masked_scatter(inside, self.kernel)
        return dense.transpose(1, 2) if last else dense.permute(1, 2, 0)

    def linear(self, inputs: torch.Tensor) -> torch.Tensor:
        count, window = self._places.shape
        values = inputs.flatten(1)
        if self.padding == "same":
            values = F.pad(values, (0, 1))  # the zero that all places outside stand for
        patches = values.index_select(1, self._places.flatten()).view(-1, count, window).transpose(0, 1)
        if self.bias is None:
            outputs = torch.bmm(patches, self.patch_kernels())
        else:
            # with the channels first tf.keras reads the bias (*spatial, filters) as (filters, *spatial)
            bias = self.bias.view(count, -1) if self.channels_last else self.bias.view(-1, count).t()
            outputs = torch.baddbmm(bias.unsqueeze(1), patches, self.patch_kernels())
        if self.channels_last:
            return outputs.transpose(0, 1).unflatten(1, self._new_sizes)
        return outputs.permute(1, 2, 0).unflatten(2, self._new_sizes)


class LocallyConnected1D(LocallyConnected):
    """A convolution over sequences of fixed length whose kernel differs from step to step.

    Input (batch, steps, channels), output (batch, new_steps, filters); kernel (new_steps, window * channels, filters)
    and bias (new_steps, filters). `implementation` 2 and 3 hold the same numbers as (steps, channels, new_steps,
    filters) and as one axis, and know padding 'same'. Raises ValueError for unknown sizes.

    >>> LocallyConnected1D(8, 3)(torch.zeros(2, 10, 4)).shape
    torch.Size([2, 8, 8])
    """

    rank = 1


class LocallyConnected2D(LocallyConnected):
    """A convolution over images of fixed size whose kernel differs from place to place.

    Input (batch, height, width, channels), output (batch, new_height, new_width, filters); kernel (new_height *
    new_width, window * channels, filters) and bias (new_height, new_width, filters). `implementation` 2 and 3 hold the
    same numbers as (height, width, channels, new_height, new_width, filters) and as one axis, and know padding 'same'.
    Raises ValueError for unknown sizes.

    >>> LocallyConnected2D(8, 3)(torch.zeros(2, 6, 6, 4)).shape
    torch.Size([2, 4, 4, 8])
    """
