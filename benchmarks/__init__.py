"""Paired measurements of kerastorch, hand-written PyTorch and the other Keras-like libraries."""
