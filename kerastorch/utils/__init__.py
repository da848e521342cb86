"""Helpers around models and data."""

from kerastorch.callbacks.progress import Progbar
from kerastorch.core.config import set_random_seed
from kerastorch.core.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerastorch.datasets.download import get_file
from kerastorch.saving import deserialize_keras_object, serialize_keras_object
from kerastorch.utils.arrays import normalize, to_categorical
from kerastorch.utils.sequence import Sequence

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "Sequence",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "normalize",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "to_categorical",
]
