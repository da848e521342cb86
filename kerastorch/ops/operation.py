"""What lets a function of tensors also take arrays, numbers and symbolic tensors."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np
import torch

from kerastorch.core.config import current_device, torch_dtype

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Shape = int | Sequence[int]

operations: dict[str, Callable[..., Any]] = {}  # by full name, such as 'ops.mean', under which configs refer to them


def operation(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorator: with a symbolic tensor among the arguments, `function` becomes one node of the model.

    Symbolic tensors are told by torch's own protocol, `__torch_function__`. So the function itself meets real
    tensors only, and may ask for their sizes.
    """
    full_name = f"{function.__module__.split('.')[1]}.{function.__name__}"

    @functools.wraps(function)
    def operate(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        symbolic = first_symbolic((*args, *kwargs.values()))
        if symbolic is not None:
            kind = type(symbolic)
            if not args or "mask" in kwargs or "training" in kwargs:
                # a node knows by its first argument what it was called on, and layers keep these words for themselves
                bound = inspect.signature(function).bind(*args, **kwargs)
                bound.apply_defaults()
                args, kwargs = bound.args, bound.kwargs
            return kind.__torch_function__(operate, (kind,), args, kwargs)
        try:
            return function(*args, **kwargs)
        except IndexError as error:
            shapes = [tuple(x.shape) for x in (*args, *kwargs.values()) if isinstance(x, torch.Tensor | np.ndarray)]
            if any(isinstance(x, torch.Tensor) and x.is_meta for x in args):
                raise  # shapes are being inferred, and the layer reports the error with the sizes that are known
            raise ValueError(
                f"{full_name}: expected axes and indices that exist in shapes {', '.join(map(str, shapes))}; "
                f"received: {error} Count axes from 0, or from -1 backwards."
            ) from error

    operations[full_name] = operate
    operate.operation_name = full_name  # type: ignore[attr-defined]
    return operate


def first_symbolic(values: Iterable[Any]) -> Any:
    """The first of `values`, or of what is inside of them, that is no tensor but records torch functions."""
    for value in values:
        if isinstance(value, torch.Tensor):
            continue
        if isinstance(value, list | tuple | Mapping):
            found = first_symbolic(value.values() if isinstance(value, Mapping) else value)
            if found is not None:
                return found
        elif hasattr(type(value), "__torch_function__"):
            return value
    return None


def tensor(x: Any, dtype: Any = None) -> torch.Tensor:
    """`x` as a tensor: arrays keep their dtype, Python floats are `floatx()`, integers torch's int64."""
    if isinstance(x, torch.Tensor):
        return x if dtype is None else x.to(torch_dtype(dtype))
    if isinstance(x, list | tuple) and any(isinstance(part, torch.Tensor) for part in x):
        x = torch.stack([tensor(part) for part in x])
        return x if dtype is None else x.to(torch_dtype(dtype))
    array = np.asarray(x)
    if dtype is None and array.dtype == np.float64 and not isinstance(x, np.ndarray | np.generic):
        dtype = torch_dtype(None)
    if array.dtype.kind not in "fiubc":
        raise TypeError(f"convert_to_tensor: expected numbers; received {x!r}. Pass a tensor, an array or numbers.")
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return torch.as_tensor(array, dtype=None if dtype is None else torch_dtype(dtype), device=current_device())


def floating(x: Any) -> torch.Tensor:
    """`x` as a tensor of floats; whole numbers and booleans become `floatx()`."""
    x = tensor(x)
    return x if x.is_floating_point() or x.is_complex() else x.to(torch_dtype(None))


def pair(x1: Any, x2: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Both as tensors on one device; a Python number takes the dtype that torch gives its sum with the other."""
    if isinstance(x1, int | float | complex) and isinstance(x2, torch.Tensor):
        return torch.full((), x1, dtype=torch.result_type(x2, x1), device=x2.device), x2
    if isinstance(x2, int | float | complex):
        x1 = tensor(x1)
        return x1, torch.full((), x2, dtype=torch.result_type(x1, x2), device=x1.device)
    x1, x2 = tensor(x1), tensor(x2)
    if x1.device != x2.device and not (x1.dim() == 0 or x2.dim() == 0):
        x2 = x2.to(x1.device)
    return x1, x2


def as_shape(shape: Any, function: str) -> tuple[int, ...]:
    """`shape` as a tuple of sizes; ValueError where one is None."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if None in sizes:
        raise ValueError(
            f"{function}: expected a shape of known sizes; received {sizes}. Make the tensor inside of a Lambda layer "
            "or of a layer's `call`, where all sizes are known, or from a tensor: ops.zeros_like(x)."
        )
    return tuple(int(size) for size in sizes)
