"""The place of `to_categorical` and `normalize` in earlier versions."""

from kerastorch.utils.arrays import normalize, to_categorical

__all__ = ["normalize", "to_categorical"]
