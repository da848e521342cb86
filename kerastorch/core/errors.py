"""Error texts that name what was expected, what came, and the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from kerastorch.core.config import STRING


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` most likely meant, or None when nothing is close."""
    table = {candidate.lower(): candidate for candidate in candidates}
    wanted = str(name).lower()
    # swapped letters come first: 'adma' is nearer to 'adam' than to 'adamax'
    found = [key for key in table if sorted(key) == sorted(wanted)]
    found = found or difflib.get_close_matches(wanted, table, n=1, cutoff=0.6)
    return table[found[0]] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """A sentence that names the nearest candidate, or lists them all when none is close."""
    candidates = list(candidates)
    found = nearest(name, candidates)
    if found is not None:
        return f"Did you mean {found!r}?"
    return "Known: " + ", ".join(sorted(set(candidates))) + "."


def describe(value: Any) -> str:
    """A short description of a value for an error text: its type, and shape and dtype where it has them."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        name = "string" if dtype is STRING else str(dtype).removeprefix("torch.")
        return f"{type(value).__name__} of shape {tuple(shape)} and dtype {name}"
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"
