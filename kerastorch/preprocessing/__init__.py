"""Data as files and texts hold them, made ready for training."""

from kerastorch.preprocessing import image, sequence, text

__all__ = ["image", "sequence", "text"]
