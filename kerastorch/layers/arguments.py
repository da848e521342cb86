"""Checks that layers of all families make on their constructor arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerastorch.core.config import settings

DATA_FORMATS = ("channels_last", "channels_first")


def to_tuple(value: Any, rank: int, owner: str, argument: str, allow_zero: bool = False) -> tuple[int, ...]:
    """An int or a sequence of `rank` ints as a tuple of `rank` positive ints; ValueError otherwise."""
    values = (value,) * rank if isinstance(value, int | np.integer) else value
    least = 0 if allow_zero else 1
    fits = (
        isinstance(values, Sequence)
        and not isinstance(values, str)
        and len(values) == rank
        and all(isinstance(size, int | np.integer) and size >= least for size in values)
    )
    if not fits:
        raise ValueError(
            f"{owner}: expected {argument} as an integer of at least {least} or a tuple of {rank}; "
            f"received {argument}={value!r}. Pass for example {argument}={max(least, 2)}."
        )
    return tuple(int(size) for size in values)


def positive_int(value: Any, owner: str, argument: str) -> int:
    """`value` as an int above zero; ValueError otherwise."""
    whole = isinstance(value, int | np.integer) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or value <= 0:
        raise ValueError(
            f"{owner}: expected {argument} as a positive integer; received {argument}={value!r}. "
            f"Pass for example {argument}=32."
        )
    return int(value)


def fraction(value: Any, owner: str, argument: str) -> float:
    """`value` where it is a number from 0 to 1; ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(
            f"{owner}: expected {argument} from 0 to 1; received {argument}={value!r}. Pass for example {argument}=0.1."
        )
    return value


def one_of(value: Any, choices: Sequence[str], owner: str, argument: str) -> str:
    """`value` in lower case when it is among `choices`; ValueError otherwise."""
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in choices:
        raise ValueError(f"{owner}: expected {argument} to be one of {tuple(choices)}; received {argument}={value!r}.")
    return lowered


def checked_data_format(value: Any, owner: str) -> str:
    """The layout that `value` names, the process default for None; ValueError otherwise."""
    return settings.image_data_format if value is None else one_of(value, DATA_FORMATS, owner, "data_format")
