"""Normalisation."""

from kerastorch.layers.normalization.batch import BatchNormalization, SyncBatchNormalization
from kerastorch.layers.normalization.group import GroupNormalization
from kerastorch.layers.normalization.layer import LayerNormalization
from kerastorch.layers.normalization.spectral import SpectralNormalization
from kerastorch.layers.normalization.unit import UnitNormalization

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "SpectralNormalization",
    "SyncBatchNormalization",
    "UnitNormalization",
]
