"""Shapes in nested structures, and symbolic tensors that stand for a shape alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.core import nest
from kerastorch.engine.symbolic import KerasTensor, Node, Shape, TensorSpec


class PlaceholderLayer:
    """The origin of a symbolic tensor that stands for a shape alone."""

    name = "placeholder"

    def __init__(self) -> None:
        self._inbound_nodes: list[Any] = []


def placeholder(shape: Shape, dtype: torch.dtype) -> KerasTensor:
    """A symbolic tensor that belongs to no model."""
    return Node(PlaceholderLayer(), (), {}, TensorSpec(tuple(shape), dtype)).outputs


def is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(size is None or isinstance(size, int | np.integer) for size in value)


def map_shapes(function: Callable[[Shape], Any], structure: Any) -> Any:
    if is_shape(structure):
        return function(tuple(structure))
    if isinstance(structure, Mapping):
        return {key: map_shapes(function, value) for key, value in structure.items()}
    parts = [map_shapes(function, value) for value in structure]
    return tuple(parts) if isinstance(structure, tuple) else parts


def map_tensors_to_shapes(structure: Any) -> Any:
    return nest.map_structure(lambda value: tuple(value.shape) if hasattr(value, "shape") else None, structure)


def map_specs_to_shapes(structure: Any) -> Any:
    if isinstance(structure, TensorSpec):
        return structure.shape
    if isinstance(structure, Mapping):
        return {key: map_specs_to_shapes(value) for key, value in structure.items()}
    parts = [map_specs_to_shapes(value) for value in structure]
    return tuple(parts) if isinstance(structure, tuple) else parts
