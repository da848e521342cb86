"""torch's fused recurrences: of inputs (steps, batch, features) and states (batch, units), outputs and last states.

Weights are as in torch.nn.LSTM, one layer: kernel and recurrent kernel (gates * units, ...), then two biases or none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Kernel = Callable[[torch.Tensor, list[torch.Tensor], list[torch.Tensor]], tuple[torch.Tensor, list[torch.Tensor]]]


def lstm(
    inputs: torch.Tensor, states: list[torch.Tensor], weights: list[torch.Tensor]
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Long short-term memory on states h and c, gates in the order i, f, c, o."""
    before = tuple(state.unsqueeze(0) for state in states)
    outputs, h, c = torch._VF.lstm(inputs, before, *_options(inputs, weights))
    return outputs, [h.squeeze(0), c.squeeze(0)]


def torch_gru(
    inputs: torch.Tensor, states: list[torch.Tensor], weights: list[torch.Tensor]
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Gated recurrent units, gates in Keras' order z, r, h."""
    swapped = [torch.cat([r, z, h]) for z, r, h in (weight.chunk(3) for weight in weights)]  # torch's order
    outputs, h = torch._VF.gru(inputs, states[0].unsqueeze(0), *_options(inputs, swapped))
    return outputs, [h.squeeze(0)]


def tanh_rnn(
    inputs: torch.Tensor, states: list[torch.Tensor], weights: list[torch.Tensor]
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The plain recurrence with tanh."""
    outputs, h = torch._VF.rnn_tanh(inputs, states[0].unsqueeze(0), *_options(inputs, weights))
    return outputs, [h.squeeze(0)]


def relu_rnn(
    inputs: torch.Tensor, states: list[torch.Tensor], weights: list[torch.Tensor]
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The plain recurrence with relu."""
    outputs, h = torch._VF.rnn_relu(inputs, states[0].unsqueeze(0), *_options(inputs, weights))
    return outputs, [h.squeeze(0)]


def _options(inputs: torch.Tensor, weights: list[torch.Tensor]) -> tuple[Any, ...]:
    """What torch wants to know: has_biases, layers, dropout, train, bidirectional, batch_first.

    `train` asks for what the backward pass needs, which Keras' inference mode may run as well.
    """
    if inputs.is_cuda:
        weights = in_one_block(weights)
    return weights, len(weights) == 4, 1, 0.0, torch.is_grad_enabled(), False, False


def in_one_block(weights: list[torch.Tensor]) -> list[torch.Tensor]:
    """The same weights side by side in memory, as cuDNN wants them."""
    parts = torch.cat([weight.reshape(-1) for weight in weights]).split([weight.numel() for weight in weights])
    return [part.view(weight.shape) for part, weight in zip(parts, weights, strict=True)]
