"""Layers that turn raw data into tensors that networks take."""

from kerastorch.layers.preprocessing.image import Rescaling

__all__ = ["Rescaling"]
