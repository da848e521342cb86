"""What a running call tells the layers inside it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any


class CallContext(threading.local):
    """The state of the outermost layer call in progress, one per thread."""

    training: bool | None = None  # what the enclosing call was told, None outside of any call
    training_was_said: bool = False  # whether somebody has said so, or it is the mode that layers begin with
    scope: tuple[str, ...] = ()  # names of the layers whose `call` is running, outermost first
    call_number: int = 0  # counts outermost calls; losses of earlier ones are stale
    probe: Any = None  # the shape probe in progress, see kerastorch.engine.inference
    mixed_dtype: Any = None  # the dtype that a layer of a mixed policy has autocast compute in, None without one
    recomputing: bool = False  # whether backward runs layers once more, see kerastorch.engine.recomputation
    weights_left: int | None = None  # how many numbers the file has for new weights, while a model is made from one


call_context = CallContext()


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """Name weights that are made in the block as those of a layer inside of the layer called `name`."""
    before = call_context.scope
    call_context.scope = (*before, name)
    try:
        yield
    finally:
        call_context.scope = before


class StructureVersion:
    """Counts changes that a generated forward must notice: hooks, children, regularizers, loss terms."""

    def __init__(self) -> None:
        self.number = 0

    def bump(self) -> None:
        self.number += 1


structure_version = StructureVersion()
