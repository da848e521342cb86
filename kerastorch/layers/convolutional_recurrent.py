"""LSTM layers whose inputs and states are images: convolutions stand in the places of the matrix products."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import torch

from kerastorch.core.config import current_device, normalize_data_format, torch_dtype
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.symbolic import TensorSpec
from kerastorch.layers.arguments import one_of, positive_int, to_tuple
from kerastorch.layers.recurrent.cell_layer import CellLayer, shared_with_cell
from kerastorch.layers.recurrent.cells import LSTMCell, Mixer
from kerastorch.ops.convolution import convolution
from kerastorch.ops.windows import output_size


class ConvLSTMCell(LSTMCell):
    """One step of a convolutional LSTM (arXiv:1506.04214, without the peepholes), over images of `rank` axes.

    Inputs (batch, *spatial, channels), states h and c (batch, *new_spatial, filters); the convolution of the inputs
    has the strides, padding and dilation, that of the state keeps the size. 'channels_first' puts the channels second.

    >>> cell = ConvLSTMCell(rank=2, filters=4, kernel_size=3, padding="same")
    >>> output, [h, c] = cell(torch.zeros(1, 5, 5, 3), [torch.zeros(1, 5, 5, 4), torch.zeros(1, 5, 5, 4)])
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        owner = f"{type(self).__name__} '{kwargs.get('name')}'"
        super().__init__(
            positive_int(filters, owner, "filters"),
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            unit_forget_bias,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            implementation=1,  # each gate drops other inputs
            **kwargs,
        )
        self.rank, self.filters = rank, self.units
        self.kernel_size = to_tuple(kernel_size, rank, owner, "kernel_size")
        self.strides = to_tuple(strides, rank, owner, "strides")
        self.padding = one_of(padding, ("valid", "same"), owner, "padding")
        self.data_format = normalize_data_format(data_format)
        self.dilation_rate = to_tuple(dilation_rate, rank, owner, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{owner}: expected strides or dilation_rate above 1, not both; received strides={self.strides} and "
                f"dilation_rate={self.dilation_rate}. Set one of them to 1."
            )

    @property
    def channels_last(self) -> bool:
        return self.data_format == "channels_last"

    @property
    def channel_axis(self) -> int:
        return -1 if self.channels_last else -1 - self.rank

    def state_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of output and states for images of `input_shape`; ValueError for images below the kernel's size."""
        spatial = input_shape[1:-1] if self.channels_last else input_shape[2:]
        axes = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, strict=True)
        sizes = tuple(output_size(size, window, self.padding, stride, dil) for size, window, stride, dil in axes)
        if any(size is not None and size <= 0 for size in sizes):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected images at least as large as the kernel "
                f"{self.kernel_size} (dilation {self.dilation_rate}); received shape {tuple(input_shape)}. "
                "Use padding='same', a smaller kernel or larger images."
            )
        images = (*sizes, self.filters) if self.channels_last else (self.filters, *sizes)
        return (input_shape[0], *images)

    def build(self, input_shape: Any) -> None:
        channels = input_shape[self.channel_axis]
        if channels is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a known number of channels; received input shape "
                f"{tuple(input_shape)}. Give the Input a fixed channel size."
            )
        self.__dict__["built_state_shape"] = self.state_shape(input_shape)
        # in memory the kernels are torch's channels_last weights
        order = (self.rank + 1, *range(self.rank), self.rank)
        width = self.gates * self.filters
        self.kernel = self.add_weight(
            "kernel", (*self.kernel_size, channels, width), None, self.kernel_initializer, self.kernel_regularizer,
            True, self.kernel_constraint, memory_order=order,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (*self.kernel_size, self.filters, width), None, self.recurrent_initializer,
            self.recurrent_regularizer, True, self.recurrent_constraint, memory_order=order,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (width,), None, self.initial_bias, self.bias_regularizer, True, self.bias_constraint
            )

    def get_initial_state(self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None) -> Any:
        """Zeros for the states of images like `inputs`, or of the size that the cell was built for."""
        if inputs is not None:
            zeros = inputs.new_zeros(self.state_shape(inputs.shape))
            return [zeros, zeros]
        shape = (batch_size, *self.built_state_shape[1:])
        if None in shape:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected images of known size, as stateful=True; received "
                f"states of shape {shape}. Give the Input the sizes of all axes."
            )
        return [torch.zeros(shape, dtype=torch_dtype(dtype), device=current_device()) for _ in range(2)]

    def convolve(
        self, images: torch.Tensor, kernel: torch.Tensor, masks: Any, bias: Any = None, **options: Any
    ) -> torch.Tensor:
        """What images add to the gates: one convolution, or one a gate where each gate drops other values."""
        weight = kernel.permute(self.rank + 1, self.rank, *range(self.rank))
        ones = (1,) * self.rank
        options = {"strides": ones, "padding": "same", "dilations": ones, **options}
        options.update(groups=1, channels_last=self.channels_last)
        if masks is None:
            return convolution(images, weight, bias, **options)
        biases = [None] * self.gates if bias is None else bias.chunk(self.gates)
        shares = zip(masks, weight.chunk(self.gates), biases, strict=True)
        return torch.cat([convolution(images * mask, *share, **options) for mask, *share in shares], self.channel_axis)

    def project(self, inputs: torch.Tensor, masks: torch.Tensor | None) -> torch.Tensor:
        own = {"strides": self.strides, "padding": self.padding, "dilations": self.dilation_rate}
        return self.convolve(inputs, self.kernel, masks, self.bias, **own)

    def mixer(self, masks: torch.Tensor | None, first: int = 0, last: int | None = None) -> Mixer:
        return lambda state, added: added + self.convolve(state, self.recurrent_kernel, masks)

    @property
    def gate_axis(self) -> int:
        return self.channel_axis

    def fused(self) -> None:
        """torch's kernels know no images."""


class ConvLSTM(CellLayer):
    """What ConvLSTM1D, ConvLSTM2D and ConvLSTM3D share; they differ in `rank`."""

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = "tanh",
        recurrent_activation: Any = "hard_sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        cell = ConvLSTMCell(
            self.rank,
            filters,
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            recurrent_activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            unit_forget_bias,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            name="conv_lstm_cell",
            **shared_with_cell(kwargs),
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        for name in ("unroll", "time_major"):
            if getattr(self, name):
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected inputs (batch, steps, ...) and a loop over the "
                    f"steps; received {name}=True. Leave {name} out."
                )
        self.__dict__["_sequence_spec"] = InputSpec(ndim=self.rank + 3)

    def get_initial_state(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        return self.cell.get_initial_state(inputs[:, 0])

    def state_shapes(self, batch: int | None) -> list[tuple[int | None, ...]]:
        return [(batch, *self.cell.built_state_shape[1:])] * 2

    def _output_specs(self, shape: tuple[int | None, ...]) -> Any:
        state = TensorSpec(self.cell.state_shape((shape[0], *shape[2:])), self._dtype)
        output = TensorSpec((*shape[:2], *state.shape[1:]), self._dtype) if self.return_sequences else state
        return [output, state, state] if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unroll": False, "time_major": False}


for _name in ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate"):
    setattr(ConvLSTM, _name, property(attrgetter(f"cell.{_name}")))


class ConvLSTM1D(ConvLSTM):
    """LSTM over sequences of rows of vectors; convolutions stand in the places of the matrix products.

    Input (batch, steps, length, channels), output (batch, new_length, filters); `return_sequences` keeps the steps.

    >>> ConvLSTM1D(4, 3)(torch.zeros(2, 5, 8, 3)).shape
    torch.Size([2, 6, 4])
    """

    rank = 1


class ConvLSTM2D(ConvLSTM):
    """LSTM over sequences of images (arXiv:1506.04214, without the peepholes): convolutions of inputs and states.

    Input (batch, steps, height, width, channels), output (batch, new_height, new_width, filters) or, with
    `return_sequences`, (batch, steps, ...); 'channels_first' puts the channels after the steps. The state's
    convolution keeps its size, whatever `strides`, `padding` and `dilation_rate` say of that of the inputs.
    Raises ValueError for impossible options, for images below the kernel's size and for states that do not fit.

    >>> ConvLSTM2D(4, 3, return_sequences=True)(torch.zeros(1, 5, 8, 8, 3)).shape
    torch.Size([1, 5, 6, 6, 4])
    """


class ConvLSTM3D(ConvLSTM):
    """LSTM over sequences of volumes.

    Input (batch, steps, depth, height, width, channels), output (batch, new_depth, new_height, new_width, filters).

    >>> ConvLSTM3D(2, 3)(torch.zeros(1, 2, 4, 4, 4, 1)).shape
    torch.Size([1, 2, 2, 2, 2])
    """

    rank = 3
