"""Conversion, control flow, gradients and parts of tensors."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core import nest
from kerastorch.core.config import dtype_name, torch_dtype
from kerastorch.core.variable import numpy_of
from kerastorch.ops.operation import operation, tensor

__all__ = [
    "cast", "cond", "convert_to_numpy", "convert_to_tensor", "custom_gradient", "dtype", "fori_loop", "is_tensor",
    "map", "saturate_cast", "scan", "scatter", "scatter_update", "shape", "slice", "slice_update", "stop_gradient",
    "switch", "unstack", "vectorized_map", "while_loop",
]  # fmt: skip


# --- conversion


@operation
def convert_to_tensor(x: Any, dtype: Any = None) -> torch.Tensor:
    """`x` as a tensor: a tensor as it is, arrays in their dtype, Python floats in `floatx()`.

    >>> convert_to_tensor([1.0, 2.0])
    tensor([1., 2.])
    """
    return tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """`x` as a numpy array; gradients do not pass."""
    return numpy_of(x) if isinstance(x, torch.Tensor) else np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether `x` is a tensor, real or symbolic."""
    return isinstance(x, torch.Tensor) or hasattr(type(x), "__torch_function__")


def shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of `x`; those of a symbolic tensor that are not known are None."""
    return tuple(x.shape if hasattr(x, "shape") else tensor(x).shape)


def dtype(x: Any) -> str:
    """The name of the dtype of `x`, such as 'float32'."""
    known = getattr(x, "dtype", None)
    return dtype_name(known if isinstance(known, torch.dtype) else tensor(x).dtype)


@operation
def cast(x: Any, dtype: Any) -> torch.Tensor:
    """`x` in another dtype.

    >>> cast([0, 2], "bool")
    tensor([False,  True])
    """
    return tensor(x).to(torch_dtype(dtype))


@operation
def saturate_cast(x: Any, dtype: Any) -> torch.Tensor:
    """`x` in another dtype, values that it cannot hold as the nearest that it can."""
    x, dtype = tensor(x), torch_dtype(dtype)
    limits = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    return x.clamp(limits.min, limits.max).to(dtype)


# --- gradients


@operation
def stop_gradient(variable: Any) -> torch.Tensor:
    """The value of `variable`, through which no gradient passes."""
    return tensor(variable).detach()


class _CustomGradient(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, function: Callable[..., Any], *args: Any) -> Any:
        output, context.gradient = function(*args)
        return output

    @staticmethod
    def backward(context: Any, *upstream: torch.Tensor) -> Any:
        gradients = context.gradient(*upstream)
        return None, *(gradients if isinstance(gradients, list | tuple) else (gradients,))


def custom_gradient(f: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """Decorator: `f` returns its output and a function from the gradient of the output to those of the arguments.

    >>> @custom_gradient
    ... def clipped(x):
    ...     return x, lambda upstream: upstream.clamp(-1, 1)
    """

    def function(*args: Any) -> Any:
        return _CustomGradient.apply(f, *args)

    return function


# --- control flow


@operation
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """`true_fn()` where `pred`, one value, holds, else `false_fn()`."""
    return true_fn() if pred else false_fn()


@operation
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """`branches[index](*operands)`; an index outside counts as the nearest branch."""
    return branches[builtins.min(builtins.max(int(index), 0), len(branches) - 1)](*operands)


@operation
def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """`loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` holds.

    >>> while_loop(lambda i: i < 10, lambda i: i * 2, [torch.tensor(3)])
    [tensor(12)]
    """
    single = not isinstance(loop_vars, list | tuple)
    values: Any = (loop_vars,) if single else tuple(loop_vars)
    count = 0
    while cond(*values) and (maximum_iterations is None or count < maximum_iterations):
        result = body(*values)
        values = tuple(result) if isinstance(result, list | tuple) else (result,)
        count += 1
    return values[0] if single else type(loop_vars)(values)


@operation
def fori_loop(lower: int, upper: int, body_fun: Callable[[int, Any], Any], init_val: Any) -> Any:
    """`value = body_fun(i, value)` for i from `lower` to `upper - 1`, from `init_val`."""
    value = init_val
    for index in range(int(lower), int(upper)):
        value = body_fun(index, value)
    return value


def _stack(results: list[Any]) -> Any:
    return nest.map_structure(lambda *parts: torch.stack([tensor(part) for part in parts]), results[0], *results[1:])


@operation
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: Any = 1,
) -> tuple[Any, Any]:
    """`carry, y = f(carry, x)` for each slice x of `xs` along the first axis; the last carry and all y stacked."""
    leaves = [tensor(leaf) for leaf in nest.flatten(xs)] if xs is not None else []
    count = len(leaves[0]) if leaves else length
    if count is None:
        raise ValueError("ops.scan: expected xs or length; received neither. Pass the number of steps as length.")
    carry, results = init, []
    for index in reversed(range(count)) if reverse else range(count):
        part = nest.pack_like(xs, [leaf[index] for leaf in leaves]) if leaves else None
        carry, result = f(carry, part)
        results.append(result)
    results = results[::-1] if reverse else results
    return carry, None if not results or results[0] is None else _stack(results)


@operation
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """`f` of each slice of `xs` along the first axis, the results stacked."""
    leaves = [tensor(leaf) for leaf in nest.flatten(xs)]
    return _stack([f(nest.pack_like(xs, [leaf[index] for leaf in leaves])) for index in range(len(leaves[0]))])


@operation
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """As `map`, all slices at once (`torch.vmap`)."""
    return torch.vmap(function)(nest.map_structure(tensor, elements))


# --- parts of tensors


@operation
def scatter(indices: Any, values: Any, shape: Sequence[int]) -> torch.Tensor:
    """Zeros of `shape` with `values` added at `indices` (..., axes).

    >>> scatter([[0], [2]], [1.0, 2.0], (4,))
    tensor([1., 0., 2., 0.])
    """
    indices, values = tensor(indices).long(), tensor(values)
    zeros = torch.zeros(tuple(shape), dtype=values.dtype, device=values.device)
    return zeros.index_put(tuple(indices.unbind(-1)), values, accumulate=True)


@operation
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> torch.Tensor:
    """`inputs` with `updates` in place of the elements at `indices` (..., axes), or added to them."""
    if reduction not in (None, "add"):
        raise ValueError(
            f"ops.scatter_update: expected reduction=None or 'add'; received {reduction!r}. Use one of them."
        )
    inputs, indices = tensor(inputs), tensor(indices).long()
    values = tensor(updates).to(inputs)
    return inputs.index_put(tuple(indices.unbind(-1)), values, accumulate=reduction == "add")


def _places(start_indices: Any, sizes: Sequence[int]) -> tuple[builtins.slice, ...]:
    starts = start_indices.tolist() if hasattr(start_indices, "tolist") else start_indices
    return tuple(builtins.slice(int(start), int(start) + size) for start, size in zip(starts, sizes, strict=True))


@operation
def slice(inputs: Any, start_indices: Any, shape: Sequence[int]) -> torch.Tensor:
    """The part of `inputs` of a certain shape that begins at `start_indices`; -1 reaches to the end of an axis."""
    inputs = tensor(inputs)
    starts = start_indices.tolist() if hasattr(start_indices, "tolist") else start_indices
    sizes = [
        whole - int(start) if size == -1 else size
        for start, size, whole in zip(starts, shape, inputs.shape, strict=True)
    ]
    return inputs[_places(starts, sizes)]


@operation
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> torch.Tensor:
    """`inputs` with `updates` in place of the part that begins at `start_indices`."""
    result, updates = tensor(inputs).clone(), tensor(updates)
    result[_places(start_indices, updates.shape)] = updates.to(result)
    return result


@operation
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[torch.Tensor]:
    """The slices of `x` along `axis`."""
    return list(torch.unbind(tensor(x), axis))
