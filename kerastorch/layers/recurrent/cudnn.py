"""The names under which older models hold LSTM and GRU layers made for NVIDIA's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerastorch.layers.recurrent.gru import GRU
from kerastorch.layers.recurrent.lstm import LSTM
from kerastorch.layers.recurrent.rnn import RNN


class _OfCuDNN(RNN):
    """What both share: no options besides those below, and weights in two layouts."""

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["unroll"]
        return config

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Overwrite the weights; arrays with the two biases in one row are in NVIDIA's layout and are converted."""
        super().set_weights(from_cudnn(weights, self.cell.gates))


class CuDNNLSTM(_OfCuDNN, LSTM):
    """LSTM under its name of before, without options for activations and dropout; it runs on any device.

    >>> CuDNNLSTM(4)(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        units: int,
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
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            **kwargs,
        )


class CuDNNGRU(_OfCuDNN, GRU):
    """GRU (with `reset_after=True`) under its name of before, without options for activations and dropout.

    >>> CuDNNGRU(4)(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        units: int,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
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
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            **kwargs,
        )


def from_cudnn(weights: Sequence[Any], gates: int) -> Sequence[Any]:
    """Kernel, recurrent kernel and bias of LSTM (4 gates) or GRU (3) from NVIDIA's layout; others as they are.

    That layout holds each gate's kernels transposed, and the biases of inputs and state in one row (2 * gates * units).
    """
    if len(weights) != 3:
        return weights
    kernel, recurrent_kernel, bias = (np.asarray(weight) for weight in weights)
    features, (units, width) = len(kernel), recurrent_kernel.shape
    if width != gates * units or bias.shape != (2 * width,):
        return weights
    kernels = [gate.reshape(units, features).T for gate in np.split(kernel, gates, axis=1)]
    recurrent_kernels = [gate.T for gate in np.split(recurrent_kernel, gates, axis=1)]
    biases = bias.reshape(2, width)
    # an LSTM has one bias; a GRU's two are not the same as their sum
    return [np.concatenate(kernels, 1), np.concatenate(recurrent_kernels, 1), biases.sum(0) if gates == 4 else biases]
