"""Nested structures of lists, tuples, named tuples and dicts; dicts are walked in sorted key order, as Keras does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch


def is_nested(structure: Any) -> bool:
    return isinstance(structure, list | tuple | Mapping)


def flatten(structure: Any) -> list[Any]:
    """The leaves of `structure`, left to right."""
    kind = type(structure)
    if kind is list or kind is tuple:
        return [leaf for part in structure for leaf in flatten(part)]
    if kind is torch.Tensor or structure is None:
        return [structure]  # the usual leaf: the abstract checks below cost more than all else
    if isinstance(structure, Mapping):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if isinstance(structure, list | tuple) and kind is not torch.Size:
        return [leaf for part in structure for leaf in flatten(part)]
    return [structure]


def map_structure(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """`function` of corresponding leaves, in the shape of `structure`."""
    if type(structure) is torch.Tensor:
        return function(structure, *others)
    if isinstance(structure, Mapping):
        mapped = {
            key: map_structure(function, structure[key], *(other[key] for other in others)) for key in sorted(structure)
        }
        return {key: mapped[key] for key in structure}
    if isinstance(structure, list | tuple) and type(structure) is not torch.Size:
        parts = [map_structure(function, *group) for group in zip(structure, *others, strict=True)]
        if hasattr(structure, "_fields"):
            return type(structure)(*parts)
        if hasattr(structure, "n_sequence_fields"):  # what torch.max and others return
            return type(structure)(parts)
        return tuple(parts) if isinstance(structure, tuple) else parts
    return function(structure, *others)


def pack_like(structure: Any, leaves: list[Any]) -> Any:
    """The flat list `leaves` in the shape of `structure`."""
    remaining: Iterator[Any] = iter(leaves)
    return map_structure(lambda _: next(remaining), structure)
