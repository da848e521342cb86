"""Helpers around models and data."""

from kerastorch.callbacks.progress import Progbar
from kerastorch.core.config import set_random_seed
from kerastorch.core.registry import (
    custom_object_scope,
    register_keras_serializable,
)
from kerastorch.datasets.download import get_file
from kerastorch.utils.arrays import normalize, to_categorical
from kerastorch.utils.sequence import Sequence

__all__ = [
    "Progbar",
    "Sequence",
    "custom_object_scope",
    "get_file",
    "normalize",
    "register_keras_serializable",
    "set_random_seed",
    "to_categorical",
]
