"""What layers say of their `call`, so that generated code may move it, put it together with others, or not run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn


class PromisesMixin(nn.Module):
    """The promises of a layer that says nothing of its `call`."""

    preserves_shape = False  # True where the output has the shape and dtype of the (first) input
    commutes_with_relu = False  # True where relu before the layer and relu after it are the same
    returns_new_tensor = False  # True where nothing but the caller has the output, which may be written over
    adds = False  # True where the output is the sum of the inputs
    _knows_shape = False  # whether `compute_output_shape` is a class's own, and speaks of its `call`

    def without_relu(self) -> Callable[..., Any] | None:
        """`call` without the relu that it ends with; None when it ends with anything else."""
        return None

    # What a forward that only infers may put together, see kerastorch.engine.folding.

    def in_place(self, place: int = 0) -> Callable[..., Any] | None:
        """`call` that writes over its input, or over the one at `place`; None where there is none."""
        return None

    def absorbs_scale_of_axis(self) -> int | None:
        """The axis, -1 or 1, whose scaling may be a part of this layer; None where there is none."""
        return None

    def ends_in_kernel(self) -> bool:
        """Whether this layer's kernel may add a tensor to its output, and apply swish, before it writes it."""
        return False

    def applies_swish(self) -> bool:
        """Whether this layer does nothing but apply swish."""
        return False

    def scales_axis(self) -> int | None:
        """The axis, -1 or 1, that this layer does nothing but scale and shift in inference; None otherwise."""
        return None


_PROMISES = (*(name for name in PromisesMixin.__dict__ if not name.startswith("_")), "compute_output_spec")


def drop_promises(cls: Any, layer: Any) -> None:
    """Take back what a base of `cls` said of its own `call`, for a class with another one.

    `layer` is the class of all layers. What `cls` itself says is kept; its `compute_output_shape` may still be asked
    for, but graphs run `call` unless the class has one of its own.
    """
    before = next(base for base in cls.__mro__[1:] if "call" in base.__dict__)
    if before is layer:
        return
    for promise in _PROMISES:
        if promise not in cls.__dict__:
            setattr(cls, promise, getattr(layer, promise))
    cls._knows_shape = "compute_output_shape" in cls.__dict__
