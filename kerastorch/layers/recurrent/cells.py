"""The cells of SimpleRNN, LSTM and GRU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch import activations, constraints, initializers, regularizers
from kerastorch.core import nest
from kerastorch.layers.arguments import positive_int
from kerastorch.layers.recurrent.cell import AbstractRNNCell, Step
from kerastorch.ops import recurrent
from kerastorch.ops.gated_recurrence import gru
from kerastorch.ops.recurrent_kernels import Kernel, lstm, relu_rnn, tanh_rnn

Mixer = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # from a state and what is added to it, to the gates


class RecurrentCell(AbstractRNNCell):
    """What the cells of SimpleRNN, LSTM and GRU share: two kernels and a bias, `gates` of them side by side."""

    gates = 1
    gate_axis = -1

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        super().__init__(**kwargs)
        owner = f"{type(self).__name__} '{self.name}'"
        self.units = positive_int(units, owner, "units")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = _fraction(dropout, owner, "dropout")
        self.recurrent_dropout = _fraction(recurrent_dropout, owner, "recurrent_dropout")
        self.bias = None
        self.state_size = self.output_size = self.units

    def build(self, input_shape: Any) -> None:
        width = self.gates * self.units
        # in memory the kernels are torch's (gates * units, features)
        self.kernel = self.add_weight(
            "kernel", (input_shape[-1], width), None, self.kernel_initializer, self.kernel_regularizer, True,
            self.kernel_constraint, memory_order=(1, 0),
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            "recurrent_kernel", (self.units, width), None, self.recurrent_initializer, self.recurrent_regularizer,
            True, self.recurrent_constraint, memory_order=(1, 0),
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", self.bias_shape(), None, self.initial_bias, self.bias_regularizer, True, self.bias_constraint
            )

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def initial_bias(self, shape: tuple[int, ...], dtype: Any = None) -> torch.Tensor:
        return self.bias_initializer(shape, dtype=dtype)

    # --- dropout: one set of masks serves all steps of a run

    def input_masks(self) -> int:
        """How many different masks the inputs get."""
        return 1

    def recurrent_masks(self) -> int:
        """How many different masks the state gets."""
        return self.gates

    def reset_dropout_mask(self) -> None:
        """Let the next step draw new masks."""
        self.__dict__.pop("_drawn", None)

    def draw(self, inputs: torch.Tensor, state: torch.Tensor, training: bool | None) -> tuple[Any, Any]:
        """Dropout masks for inputs (batch, features) and a state (batch, units), each None where nothing is dropped."""
        if not training or not (self.dropout or self.recurrent_dropout):
            return None, None
        drawn = self.__dict__.get("_drawn")
        if drawn is None or any(mask is not None and mask.shape[1] != len(inputs) for mask in drawn):
            drawn = (
                _masks(inputs, self.dropout, self.input_masks()),
                _masks(state, self.recurrent_dropout, self.recurrent_masks()),
            )
            self.__dict__["_drawn"] = drawn
        return drawn

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_drawn", None)
        return state

    # --- computing

    def project(self, inputs: torch.Tensor, masks: torch.Tensor | None) -> torch.Tensor:
        """What the inputs, one step or (steps, batch, features), add to the gates, with the bias."""
        bias = self.input_bias()
        if masks is None or len(masks) == 1:
            return F.linear(inputs if masks is None else inputs * masks[0], self.kernel.t(), bias)
        shares = zip(masks, self.kernel.t().chunk(self.gates), strict=True)
        projected = torch.cat([F.linear(inputs * mask, kernel) for mask, kernel in shares], -1)
        return projected if bias is None else projected + bias

    def input_bias(self) -> torch.Tensor | None:
        return self.bias

    def mixer(self, masks: torch.Tensor | None, first: int = 0, last: int | None = None) -> Mixer:
        """`mix(state, added)`: what a state adds to the gates from `first` to `last`, plus `added`."""
        kernel = self.recurrent_kernel.to(self._dtype)  # once for all steps
        kernel = kernel[:, first * self.units : None if last is None else last * self.units]
        if masks is not None and len(masks) > 1:
            masks = masks[first:last]
            kernels = kernel.unflatten(1, (len(masks), self.units)).transpose(0, 1)
            return lambda state, added: added + torch.bmm(state * masks, kernels).transpose(0, 1).flatten(1)
        if masks is not None:
            return lambda state, added: torch.addmm(added, state * masks[0], kernel)
        return lambda state, added: torch.addmm(added, state, kernel)

    def stepper(self, masks: torch.Tensor | None) -> Step:
        """`step(projected, states)`: one step from the inputs' share of the gates to the output and the new states."""
        raise NotImplementedError

    def call(self, inputs: torch.Tensor, states: Any, training: bool | None = None) -> tuple[torch.Tensor, Any]:
        several = nest.is_nested(states)
        states = [state.to(self._dtype) for state in (states if several else [states])]
        of_inputs, of_state = self.draw(inputs, states[0], training)
        inputs = inputs if inputs.is_floating_point() else inputs.to(self._dtype)
        output, states = self.stepper(of_state)(self.project(inputs, of_inputs), states)
        return output, states if several else states[0]

    def runs_sequences(self) -> bool:
        """Whether `run` does what calls of the cell, step by step, would do."""
        return type(self).call is RecurrentCell.call and self.is_plain()

    def fused(self) -> Kernel | None:
        """The kernel that computes what this cell does over all steps, if there is one for its options."""
        return None

    def kernel_weights(self) -> list[torch.Tensor]:
        """The weights as that kernel wants them; the views share memory with Keras' shapes."""
        weights = [self.kernel.t(), self.recurrent_kernel.t()]
        return weights if self.bias is None else [*weights, self.bias, torch.zeros_like(self.bias)]

    @property
    def drops_each_step(self) -> bool:
        """Whether tf.keras' layer (not RNN with this cell) drops inputs of each step by itself."""
        return False

    def run(
        self,
        inputs: torch.Tensor,
        states: list[torch.Tensor],
        mask: torch.Tensor | None,
        training: bool | None,
        each_step: bool = False,
        keep_states: bool = True,
        **options: Any,
    ) -> recurrent.Run:
        """The cell over (steps, batch, features): `recurrent.run_steps` or `recurrent.run_fused`.

        With `each_step` the inputs of each step are dropped by themselves.
        """
        inputs = inputs if inputs.is_floating_point() else inputs.to(self._dtype)
        of_inputs = of_state = None
        if each_step and self.dropout:
            inputs = F.dropout(inputs, self.dropout)
        elif training and (self.dropout or self.recurrent_dropout):
            of_inputs, of_state = self.draw(inputs[0], states[0], training)
        kernel = self.fused()
        if kernel is not None and of_state is None and (of_inputs is None or len(of_inputs) == 1):
            inputs = inputs if of_inputs is None else inputs * of_inputs[0]
            return recurrent.run_fused(
                kernel, inputs, states, self.kernel_weights(), mask, keep_states=keep_states, **options
            )
        return recurrent.run_steps(self.stepper(of_state), self.project(inputs, of_inputs), states, mask, **options)


def _masks(values: torch.Tensor, rate: float, count: int) -> torch.Tensor | None:
    """`count` dropout masks for `values`, scaled so that the mean stays; None when nothing is dropped."""
    return F.dropout(torch.ones_like(values).expand(count, *values.shape), rate) if rate else None


def _is(activation: Any, *functions: Any) -> bool:
    return any(activation is function for function in functions)


def _fraction(value: Any, owner: str, argument: str) -> float:
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(
            f"{owner}: expected {argument} from 0 to 1; received {argument}={value!r}. "
            "Pass the fraction to drop, for example 0.2."
        )
    return value


class SimpleRNNCell(RecurrentCell):
    """One step of a fully connected recurrence: `activation(inputs @ kernel + state @ recurrent_kernel + bias)`.

    Inputs (batch, features), one state (batch, units), which is the output.

    >>> cell = SimpleRNNCell(4)
    >>> cell(torch.zeros(2, 3), [torch.zeros(2, 4)])[0].shape
    torch.Size([2, 4])
    """

    def fused(self) -> Kernel | None:
        if _is(self.activation, activations.tanh, torch.tanh):
            return tanh_rnn
        return relu_rnn if _is(self.activation, activations.relu, torch.relu) else None

    def stepper(self, masks: torch.Tensor | None) -> Step:
        mix, activation = self.mixer(masks), self.activation

        def step(projected: torch.Tensor, states: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
            output = activation(mix(states[0], projected))
            return output, [output]

        return step


class GatedCell(RecurrentCell):
    """What the cells of LSTM and GRU share: gates behind an activation of their own."""

    fused_kernel: Kernel

    def init_gates(self, recurrent_activation: Any, implementation: int) -> None:
        self.recurrent_activation = activations.get(recurrent_activation)
        # tf.keras' implementation 1 drops inputs for each gate by itself; 0 is an older name of it
        self.implementation = 1 if self.recurrent_dropout or implementation == 0 else implementation

    def input_masks(self) -> int:
        return self.gates if self.implementation == 1 else 1

    def fused(self) -> Kernel | None:
        usual = _is(self.activation, activations.tanh, torch.tanh)
        usual = usual and _is(self.recurrent_activation, activations.sigmoid, torch.sigmoid)
        return type(self).fused_kernel if usual else None

    @property
    def drops_each_step(self) -> bool:
        return self.fused() is not None and not self.recurrent_dropout and self.use_bias


class LSTMCell(GatedCell):
    """One step of long short-term memory (Hochreiter & Schmidhuber 1997).

    `c = f * c + i * activation(...)`, `h = o * activation(c)` with gates i, f, o behind `recurrent_activation`.
    Inputs (batch, features), states h and c (batch, units); the weights hold the gates in the order i, f, c, o.

    >>> cell = LSTMCell(4)
    >>> output, [h, c] = cell(torch.zeros(2, 3), [torch.zeros(2, 4), torch.zeros(2, 4)])
    """

    gates = 4
    fused_kernel = staticmethod(lstm)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
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
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            **kwargs,
        )
        self.init_gates(recurrent_activation, implementation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def initial_bias(self, shape: tuple[int, ...], dtype: Any = None) -> torch.Tensor:
        if not self.unit_forget_bias:
            return super().initial_bias(shape, dtype)
        parts = [self.bias_initializer((units,), dtype=dtype) for units in (self.units, 2 * self.units)]
        return torch.cat([parts[0], torch.ones_like(parts[0]), parts[1]])

    def stepper(self, masks: torch.Tensor | None) -> Step:
        mix, activation, gate, axis = self.mixer(masks), self.activation, self.recurrent_activation, self.gate_axis

        def step(projected: torch.Tensor, states: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
            i, f, c, o = mix(states[0], projected).chunk(4, axis)
            carry = gate(f) * states[1] + gate(i) * activation(c)
            output = gate(o) * activation(carry)
            return output, [output, carry]

        return step


class GRUCell(GatedCell):
    """One step of a gated recurrent unit (arXiv:1406.1078).

    `h = z * h + (1 - z) * activation(...)`; the reset gate r acts on the state's share of the candidate, or with
    `reset_after=False` on the state itself. Inputs (batch, features), one state (batch, units), which is the output;
    the weights hold the gates in the order z, r, h, the bias (2, 3 * units) that of the inputs and that of the state.

    >>> cell = GRUCell(4)
    >>> cell(torch.zeros(2, 3), [torch.zeros(2, 4)])[0].shape
    torch.Size([2, 4])
    """

    gates = 3
    fused_kernel = staticmethod(gru)

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            activation,
            use_bias,
            kernel_initializer,
            recurrent_initializer,
            bias_initializer,
            kernel_regularizer,
            recurrent_regularizer,
            bias_regularizer,
            kernel_constraint,
            recurrent_constraint,
            bias_constraint,
            dropout,
            recurrent_dropout,
            **kwargs,
        )
        self.init_gates(recurrent_activation, implementation)
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def fused(self) -> Kernel | None:
        return super().fused() if self.reset_after else None

    def kernel_weights(self) -> list[torch.Tensor]:
        weights = [self.kernel.t(), self.recurrent_kernel.t()]
        return [*weights, *self.bias.unbind(0)] if self.use_bias else weights

    def input_bias(self) -> torch.Tensor | None:
        return self.bias[0] if self.use_bias and self.reset_after else self.bias

    def stepper(self, masks: torch.Tensor | None) -> Step:
        activation, gate, units = self.activation, self.recurrent_activation, self.units
        if self.reset_after:
            mix = self.mixer(masks)
            bias = self.bias[1] if self.use_bias else self.recurrent_kernel.new_zeros(3 * units)
        else:
            mix_gates, mix_candidate = self.mixer(masks, 0, 2), self.mixer(masks, 2, 3)

        def step(projected: torch.Tensor, states: list[torch.Tensor]) -> tuple[torch.Tensor, list[torch.Tensor]]:
            h = states[0]
            gates, candidate = projected.split((2 * units, units), -1)
            if self.reset_after:
                of_gates, of_candidate = mix(h, bias).split((2 * units, units), -1)
                z, r = gate(gates + of_gates).chunk(2, -1)
                candidate = candidate + r * of_candidate
            else:
                z, r = gate(mix_gates(h, gates)).chunk(2, -1)
                candidate = mix_candidate(r * h, candidate)
            candidate = activation(candidate)
            output = candidate + z * (h - candidate)  # `lerp` wants one dtype, and under autocast there may be two
            return output, [output]

        return step
