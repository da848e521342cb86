"""Layers that turn raw data into tensors that networks take."""

from kerastorch.layers.preprocessing.image import Rescaling
from kerastorch.layers.preprocessing.normalization import Normalization

__all__ = ["Normalization", "Rescaling"]
