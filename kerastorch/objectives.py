"""Keras 1's name for `kerastorch.losses`: `from kerastorch.objectives import binary_crossentropy`."""

from __future__ import annotations

from typing import Any

from kerastorch import losses


def __getattr__(name: str) -> Any:
    try:
        return getattr(losses, name)
    except AttributeError as error:
        raise AttributeError(f"kerastorch.objectives: expected the name of a loss; received {name!r}.") from error


def __dir__() -> list[str]:
    return dir(losses)
