"""Output shapes and dtypes of code that cannot be asked: run it on `meta` tensors, which have no values.

Unknown sizes are tried as two large composite numbers, which divide evenly by what layers usually divide by;
a size of the result that differs between the two runs depends on an unknown one and is unknown itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kerastorch.core import nest
from kerastorch.engine.context import call_context
from kerastorch.engine.precision import cast
from kerastorch.engine.symbolic import KerasTensor, Shape, TensorSpec

PROBE_SIZES = (5040, 7560)


class ShapeProbe(TorchDispatchMode):
    """Runs every torch operation on `meta`, whatever device its tensors are on; building is exempt."""

    def __init__(self, unknown_size: int) -> None:
        super().__init__()
        self.unknown_size = unknown_size
        self.paused = False

    def __torch_dispatch__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if self.paused:
            return function(*args, **(kwargs or {}))
        args, kwargs = nest.map_structure(_to_meta, (tuple(args), dict(kwargs or {})))
        if call_context.mixed_dtype is not None and not function._schema.is_mutable:
            args, kwargs = _in_one_precision((args, kwargs), call_context.mixed_dtype)
        if "device" in kwargs and kwargs["device"] is not None:
            kwargs["device"] = torch.device("meta")
        return function(*args, **kwargs)

    def known_shape(self, shape: Shape) -> Shape:
        """`shape` with the sizes that stand for unknown ones put back to None."""
        return tuple(None if size == self.unknown_size else size for size in shape)


def _to_meta(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.device.type != "meta":
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    return value


def _in_one_precision(arguments: Any, dtype: torch.dtype) -> Any:
    """Weights in the dtype of the inputs: autocast, which sees to that, does not know of `meta`."""
    leaves = nest.flatten(arguments)
    if not any(isinstance(leaf, torch.Tensor) and leaf.dtype is dtype for leaf in leaves):
        return arguments
    return nest.map_structure(lambda leaf: cast(leaf, dtype), arguments)


def infer_specs(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> Any:
    """The structure of TensorSpecs that `function` returns for symbolic arguments.

    Raises ValueError, naming the layer, when the code depends on values or does not fit the shapes.
    """
    leaves = nest.flatten((args, kwargs))
    unknown = any(None in leaf.shape for leaf in leaves if isinstance(leaf, KerasTensor))
    first = _run_on_meta(function, args, kwargs, name, PROBE_SIZES[0])
    if not unknown:
        return nest.map_structure(lambda a: _spec(a, a), first)
    second = _run_on_meta(function, args, kwargs, name, PROBE_SIZES[1])
    return nest.map_structure(_spec, first, second)


def _run_on_meta(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str, unknown_size: int
) -> Any:
    def to_meta(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        shape = [unknown_size if size is None else size for size in leaf.shape]
        return torch.empty(shape, dtype=leaf.dtype, device="meta")

    probe = ShapeProbe(unknown_size)
    meta_args, meta_kwargs = nest.map_structure(to_meta, (args, kwargs))
    previous, call_context.probe = call_context.probe, probe
    try:
        with probe, torch.no_grad():
            return function(*meta_args, **meta_kwargs)
    except (RuntimeError, NotImplementedError, IndexError, TypeError) as error:
        if isinstance(error, TypeError) and "meta" not in str(error):
            if any(leaf is None for leaf in nest.flatten(args[1:])):
                raise TypeError(
                    f"Layer '{name}': expected known sizes; received None, which stands for the size of an axis that "
                    "varies, such as the batch. Use -1 for it, or a Flatten or Reshape layer."
                ) from error
            raise
        shapes = [leaf.shape for leaf in nest.flatten((args, kwargs)) if isinstance(leaf, KerasTensor)]
        raise ValueError(
            f"Layer '{name}': expected code whose output shape follows from input shapes "
            f"{', '.join(map(str, shapes))}; received the error: {str(error).splitlines()[0]} "
            "Code that depends on values (x.item(), if x.sum() > 0) cannot be traced: give the layer a "
            "compute_output_shape method, and check that the shapes fit."
        ) from error
    finally:
        call_context.probe = previous


def _spec(first: Any, second: Any) -> Any:
    if not isinstance(first, torch.Tensor):
        return first
    shape = tuple(a if a == b else None for a, b in zip(first.shape, second.shape, strict=True))
    return TensorSpec(shape, first.dtype)
