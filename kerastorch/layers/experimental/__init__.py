"""The layers that `tf.keras.layers.experimental` held."""

from kerastorch.layers.einsum_dense import EinsumDense
from kerastorch.layers.experimental import preprocessing
from kerastorch.layers.normalization import SyncBatchNormalization

__all__ = [
    "EinsumDense",
    "SyncBatchNormalization",
    "preprocessing",
]
