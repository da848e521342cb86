"""The layer that `keras.layers.embeddings` held."""

from kerastorch.layers.embedding import Embedding

__all__ = [
    "Embedding",
]
