"""The layers that `keras.layers.noise` held."""

from kerastorch.layers.regularization import AlphaDropout, GaussianDropout, GaussianNoise

__all__ = [
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
]
