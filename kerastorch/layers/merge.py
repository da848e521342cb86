"""The layers that `keras.layers.merge` held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Elementwise,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)


class _Merge(Elementwise):
    """The base that programs derive merging layers of their own from, by a method `_merge_function(inputs)`."""

    def call(self, inputs: Sequence[torch.Tensor]) -> Any:
        return self._merge_function(inputs)

    def _merge_function(self, inputs: Sequence[torch.Tensor]) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} '{self.name}': expected a method `_merge_function(self, inputs)`; received a class "
            "without one. Define it."
        )


__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
