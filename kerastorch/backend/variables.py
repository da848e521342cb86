"""Variables and constants: making, reading and assigning them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch import ops, random
from kerastorch.core.config import floatx, torch_dtype
from kerastorch.core.variable import Variable
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.ops.operation import Shape, as_shape, tensor

__all__ = [
    "batch_get_value", "batch_set_value", "cast_to_floatx", "constant", "count_params", "eval", "eye", "get_value",
    "moving_average_update", "ones", "random_normal_variable", "random_uniform_variable", "set_value",
    "update", "update_add", "update_sub", "variable", "zeros",
]  # fmt: skip


def variable(value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None) -> Variable:
    """A variable that starts as `value`, of `floatx()` unless `dtype` says otherwise.

    >>> variable([1, 2]).numpy()
    array([1., 2.], dtype=float32)
    """
    return Variable(value, dtype=torch_dtype(dtype), name=name, constraint=constraint)


def constant(value: Any, dtype: Any = None, shape: Shape | None = None, name: str | None = None) -> torch.Tensor:
    """A tensor of `floatx()`, or of `dtype`; one value fills `shape`."""
    x = tensor(value, torch_dtype(dtype))
    if shape is None:
        return x
    sizes = as_shape(shape, "K.constant")
    return x.reshape(()).expand(sizes).clone() if x.numel() == 1 else x.reshape(sizes)


def zeros(shape: Shape, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros, which is not trained."""
    return Variable(ops.zeros(shape, dtype), trainable=False, name=name)


def ones(shape: Shape, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones, which is not trained."""
    return Variable(ops.ones(shape, dtype), trainable=False, name=name)


def eye(size: int | Sequence[int], dtype: Any = None, name: str | None = None) -> Variable:
    """The identity matrix as a variable, which is not trained."""
    sizes = (size,) if isinstance(size, int) else size
    return Variable(ops.eye(*sizes, dtype=dtype), trainable=False, name=name)


def random_normal_variable(
    shape: Shape, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable that starts from normally distributed numbers."""
    return Variable(random.normal(shape, mean, scale, dtype, seed), name=name)


def random_uniform_variable(
    shape: Shape, low: float, high: float, dtype: Any = None, name: str | None = None, seed: int | None = None
) -> Variable:
    """A variable that starts from evenly distributed numbers."""
    return Variable(random.uniform(shape, low, high, dtype, seed), name=name)


def cast_to_floatx(x: Any) -> Any:
    """A tensor, or an array, in `floatx()`."""
    if ops.is_tensor(x):
        return ops.cast(x, floatx())
    return torch.as_tensor(np.asarray(x)).to(torch_dtype(None)).numpy()


def count_params(x: Any) -> int:
    """The number of elements of a variable or tensor."""
    return math.prod(x.shape)


# --- reading and assigning


def get_value(x: Any) -> Any:
    """The value of a variable or tensor as a numpy array, or number; anything else as it is.

    >>> get_value(variable([1.0]))
    array([1.], dtype=float32)
    """
    return np.array(ops.convert_to_numpy(x))[()] if isinstance(x, torch.Tensor) else x


def set_value(x: Any, value: Any) -> None:
    """Assign `value`, an array or number, to a variable; ValueError for another shape.

    >>> rate = variable(0.1)
    >>> set_value(rate, 0.5)
    >>> float(get_value(rate))
    0.5
    """
    if isinstance(x, Variable):
        x.assign(value)
        return
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"K.set_value: expected a variable; received {x!r}. Make one with K.variable.")
    with torch.no_grad():
        x.copy_(tensor(value).reshape(x.shape))


def batch_get_value(tensors: Iterable[Any]) -> list[Any]:
    """`get_value` of each."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Iterable[tuple[Any, Any]]) -> None:
    """`set_value` of each pair (variable, value)."""
    for x, value in tuples:
        set_value(x, value)


def eval(x: Any) -> Any:
    """The value of a tensor or variable as a numpy array; TypeError for a symbolic tensor, which has none."""
    if isinstance(x, KerasTensor):
        raise TypeError(
            f"K.eval: expected a tensor with values; received the symbolic {x!r}. Call a model on data, or make "
            "K.function([model.input], [x])."
        )
    return get_value(x.to_dense() if isinstance(x, torch.Tensor) and x.is_sparse else x)


def update(x: Variable, new_x: Any) -> Variable:
    """Assign `new_x` to a variable."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Variable:
    """Add to a variable."""
    return x.assign_add(increment)


def update_sub(x: Variable, decrement: Any) -> Variable:
    """Subtract from a variable."""
    return x.assign_sub(decrement)


def moving_average_update(x: Variable, value: Any, momentum: float) -> Variable:
    """Assign `x * momentum + value * (1 - momentum)`."""
    return x.assign_sub((x.detach() - tensor(value).to(x)) * (1.0 - momentum))
