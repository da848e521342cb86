"""The layers that `tf.keras.layers.experimental.preprocessing` held."""

from kerastorch.layers.preprocessing import Normalization, Rescaling

__all__ = [
    "Normalization",
    "Rescaling",
]
