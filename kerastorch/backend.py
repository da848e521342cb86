"""Keras' backend functions: settings, names and reading of variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kerastorch.core.config import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from kerastorch.core.naming import names
from kerastorch.engine.symbolic import is_keras_tensor


def clear_session() -> None:
    """Start automatic names anew: the next Dense layer is 'dense' again."""
    names.reset()


def get_uid(prefix: str = "") -> int:
    """The next number for `prefix`, counted from 1."""
    names.next(prefix)
    return names.counts[prefix]


def get_value(x: Any) -> Any:
    """The value of a variable or tensor as a numpy array; anything else as it is."""
    return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else x


def set_value(x: Any, value: Any) -> None:
    """Assign a value to a variable."""
    with torch.no_grad():
        x.copy_(torch.as_tensor(np.asarray(value)))


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The shape of a tensor or symbolic tensor as a tuple, None where unknown."""
    return tuple(x.shape)


__all__ = [
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "get_value",
    "image_data_format",
    "int_shape",
    "is_keras_tensor",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_value",
]
