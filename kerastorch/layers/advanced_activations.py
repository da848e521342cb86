"""The layers that `keras.layers.advanced_activations` held."""

from kerastorch.layers.activation import ELU, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU

__all__ = [
    "ELU",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "Softmax",
    "ThresholdedReLU",
]
