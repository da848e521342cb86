"""Data sets in tf.data's words: where elements come from, what is done to them, and how they reach a model."""

from kerastorch.data import experimental
from kerastorch.data.dataset import CsvDataset, Dataset, TextLineDataset
from kerastorch.data.node import INFINITE as INFINITE_CARDINALITY
from kerastorch.data.node import UNKNOWN as UNKNOWN_CARDINALITY
from kerastorch.data.node import ElementError
from kerastorch.data.options import AutoShardPolicy, Options
from kerastorch.data.structure import TensorSpec
from kerastorch.data.threads import AUTOTUNE

__all__ = [
    "AUTOTUNE",
    "AutoShardPolicy",
    "CsvDataset",
    "Dataset",
    "ElementError",
    "INFINITE_CARDINALITY",
    "Options",
    "TensorSpec",
    "TextLineDataset",
    "UNKNOWN_CARDINALITY",
    "experimental",
]
