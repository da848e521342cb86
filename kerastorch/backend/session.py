"""Settings, names, the phase, and what is left of TensorFlow's sessions."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

from kerastorch.core.config import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from kerastorch.core.naming import names
from kerastorch.engine.context import call_context

__all__ = [
    "backend", "clear_session", "epsilon", "floatx", "get_session", "get_uid", "image_data_format",
    "image_dim_ordering", "learning_phase", "learning_phase_scope", "manual_variable_initialization", "name_scope",
    "reset_uids", "set_epsilon", "set_floatx", "set_image_data_format", "set_image_dim_ordering", "set_learning_phase",
    "set_session",
]  # fmt: skip

_DIM_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}


def backend() -> str:
    """The name of what computes: 'torch'."""
    return "torch"


def clear_session() -> None:
    """Start automatic names anew (the next Dense layer is 'dense' again) and forget `set_learning_phase`."""
    names.reset()
    call_context.training = None


def reset_uids() -> None:
    """Start automatic names anew."""
    names.reset()


def get_uid(prefix: str = "") -> int:
    """The next number for `prefix`, counted from 1."""
    names.next(prefix)
    return names.counts[prefix]


@contextlib.contextmanager
def name_scope(name: str) -> Iterator[str]:
    """Accepted for programs that name parts of a graph; torch has no such names."""
    yield name


def manual_variable_initialization(value: bool) -> None:
    """Accepted for old programs: variables have their values from the start."""


# --- training or inference


def learning_phase() -> int:
    """1 in a call with `training=True`, 0 in any other; outside of calls what `set_learning_phase` has set, or 0."""
    return int(bool(call_context.training))


def set_learning_phase(value: int | bool) -> None:
    """Let layers that are called without `training` behave as in training (1) or as in inference (0).

    `fit`, `evaluate`, `predict` and calls with `training=` are not changed. Raises ValueError for another value.
    """
    if value not in (0, 1):
        raise ValueError(f"K.set_learning_phase: expected 0 (inference) or 1 (training); received {value!r}.")
    call_context.training = bool(value)


@contextlib.contextmanager
def learning_phase_scope(value: int | bool) -> Iterator[None]:
    """`set_learning_phase` for the calls inside the block."""
    before = call_context.training
    set_learning_phase(value)
    try:
        yield
    finally:
        call_context.training = before


# --- earlier spellings


def image_dim_ordering() -> str:
    """Keras 1's name of the image layout: 'tf' for 'channels_last', 'th' for 'channels_first'."""
    warnings.warn("K.image_dim_ordering: an earlier name. Use K.image_data_format().", stacklevel=2)
    return next(old for old, new in _DIM_ORDERINGS.items() if new == image_data_format())


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the image layout by Keras 1's names; ValueError for others than 'tf' and 'th'."""
    if dim_ordering not in _DIM_ORDERINGS:
        raise ValueError(f"K.set_image_dim_ordering: expected 'tf' or 'th'; received {dim_ordering!r}.")
    warnings.warn("K.set_image_dim_ordering: an earlier name. Use K.set_image_data_format(...).", stacklevel=2)
    set_image_data_format(_DIM_ORDERINGS[dim_ordering])


def set_session(session: Any) -> None:
    """Accepted for programs that configure TensorFlow's memory; torch takes memory as it is needed."""


def get_session() -> Any:
    """Raises NotImplementedError: there are no sessions, as every tensor has its value at once."""
    raise NotImplementedError(
        "K.get_session: expected code without sessions; torch computes at once, so there is none. Use K.get_value(x), "
        "K.eval(x) or K.function(inputs, outputs) in place of session.run."
    )
