"""The layers that `keras.layers.core` held."""

from kerastorch.layers.activation import Activation
from kerastorch.layers.dense import Dense
from kerastorch.layers.einsum_dense import EinsumDense
from kerastorch.layers.embedding import Embedding
from kerastorch.layers.functions import Lambda
from kerastorch.layers.identity import Masking
from kerastorch.layers.inputs import InputLayer
from kerastorch.layers.regularization import (
    ActivityRegularization,
    Dropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from kerastorch.layers.reshaping import Flatten, Permute, RepeatVector, Reshape

__all__ = [
    "Activation",
    "ActivityRegularization",
    "Dense",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "InputLayer",
    "Lambda",
    "Masking",
    "Permute",
    "RepeatVector",
    "Reshape",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]
