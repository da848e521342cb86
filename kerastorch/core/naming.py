"""Automatic names: 'conv2d', 'conv2d_1', ..., counted per process as Keras does."""

from __future__ import annotations

import keyword
import re
from collections import Counter


class NameCounter:
    """Counts how often each base name was used since the start or the last `reset`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def next(self, base: str, first_is_bare: bool = True) -> str:
        """`base` and its number; the first one goes without, unless `first_is_bare` is False."""
        self.counts[base] += 1
        number = self.counts[base]
        if first_is_bare:
            return base if number == 1 else f"{base}_{number - 1}"
        return f"{base}_{number}"

    def reset(self) -> None:
        self.counts.clear()


names = NameCounter()


def to_snake_case(name: str) -> str:
    """Keras' spelling of a class name: 'MaxPooling2D' is 'max_pooling2d', 'ReLU' is 're_lu'."""
    words_split = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", words_split).lower()
    return "private" + snake if snake.startswith("_") else snake


def to_identifier(name: str) -> str:
    """A Python identifier that reads like `name`: 'conv1/bn' is 'conv1_bn'."""
    identifier = re.sub(r"\W", "_", name, flags=re.ASCII)
    if keyword.iskeyword(identifier):
        return f"{identifier}_"
    return identifier if identifier.isidentifier() else f"_{identifier}"
