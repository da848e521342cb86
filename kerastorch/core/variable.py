"""Variable: a torch parameter with Keras' name, shape and methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch.core.config import current_device, dtype_name, torch_dtype

_ATTRIBUTES = ("name", "trainable", "constraint", "regularizer", "memory_order")


class Variable(nn.Parameter):
    """A weight: an `nn.Parameter` that carries a Keras name and can be read and assigned like a `tf.Variable`.

    `memory_order` is the permutation of axes in which the values lie in memory. A convolution kernel of
    shape (height, width, in, out) with memory order (3, 0, 1, 2) is, seen through `permute(3, 2, 0, 1)`,
    a channels_last torch weight, so no layer ever copies it.
    Raises ValueError when `assign` gets another shape.

    >>> v = Variable([1.0, 2.0], name="scale")
    >>> v.assign([3.0, 4.0]).numpy()
    array([3., 4.], dtype=float32)
    """

    name = "Variable:0"  # torch.Tensor has a read-only attribute of this name

    def __new__(
        cls,
        initial_value: Any,
        trainable: bool | None = True,
        name: str | None = None,
        dtype: Any = None,
        shape: Sequence[int] | None = None,
        constraint: Callable[[torch.Tensor], torch.Tensor] | None = None,
        regularizer: Callable[[torch.Tensor], torch.Tensor] | None = None,
        memory_order: Sequence[int] | None = None,
    ) -> Variable:
        value = initial_value() if callable(initial_value) else initial_value
        if not isinstance(value, torch.Tensor):
            array = np.asarray(value)
            if dtype is None and array.dtype == np.float64:
                dtype = torch_dtype(None)
            value = torch.tensor(array, dtype=None if dtype is None else torch_dtype(dtype), device=current_device())
        value = value.detach()
        if dtype is not None:
            value = value.to(torch_dtype(dtype))
        if shape is not None:
            value = value.reshape(tuple(shape))
        floating = value.is_floating_point() or value.is_complex()
        trainable = bool(trainable) and floating
        variable = torch.Tensor._make_subclass(cls, _lay_out(value, memory_order), trainable)
        variable.name = name or "Variable:0"
        variable.trainable = trainable
        variable.constraint = constraint
        variable.regularizer = regularizer
        variable.memory_order = None if memory_order is None else tuple(memory_order)
        return variable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass  # __new__ has set everything; nn.Parameter defines no state of its own

    def memory_view(self, tensor: torch.Tensor | None = None) -> torch.Tensor:
        """This variable's values, or `tensor` in its shape, with the axes in memory order (contiguous)."""
        tensor = self.detach() if tensor is None else tensor
        return tensor if self.memory_order is None else tensor.permute(self.memory_order)

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """A copy of the values as a numpy array."""
        return np.array(numpy_of(self), order="C")

    def value(self) -> torch.Tensor:
        """The values as a plain tensor that shares this variable's memory and takes part in gradients."""
        return self.view_as(self)

    def read_value(self) -> torch.Tensor:
        return self.value()

    def assign(self, value: Any) -> Variable:
        """Overwrite the values; the shape must fit."""
        with torch.no_grad():
            self.copy_(self._checked(value))
        return self

    def assign_add(self, delta: Any) -> Variable:
        """Add `delta` in place."""
        with torch.no_grad():
            self.add_(self._checked(delta))
        return self

    def assign_sub(self, delta: Any) -> Variable:
        """Subtract `delta` in place."""
        with torch.no_grad():
            self.sub_(self._checked(delta))
        return self

    def _checked(self, value: Any) -> torch.Tensor:
        if not isinstance(value, torch.Tensor):
            value = torch.as_tensor(np.asarray(value), dtype=self.dtype, device=self.device)
        if value.shape != self.shape and value.dim() > 0:
            raise ValueError(
                f"Variable '{self.name}': expected a value of shape {tuple(self.shape)}; "
                f"received {tuple(value.shape)}. Reshape the value, or create a new variable."
            )
        return value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return (
            f"<Variable '{self.name}' shape={tuple(self.shape)} dtype={dtype_name(self.dtype)}, "
            f"numpy={np.array_repr(self.numpy())}>"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        if id(self) in memo:
            return memo[id(self)]
        copied = self.detach().clone(memory_format=torch.preserve_format)
        memo[id(self)] = result = _rebuild(type(self), copied, self.requires_grad, self._attributes())
        return result

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # nn.Parameter's own reduction rebuilds a plain Parameter and loses the name
        return _rebuild, (type(self), self.detach(), self.requires_grad, self._attributes())

    def with_values(self, tensor: torch.Tensor) -> Variable:
        """This variable on another tensor, where torch cannot keep the object, as when it moves to 'meta'."""
        return _rebuild(type(self), tensor.detach(), tensor.requires_grad, self._attributes())

    def _attributes(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in _ATTRIBUTES}


def numpy_of(tensor: torch.Tensor) -> np.ndarray:
    """The values as a numpy array, of float32 for bfloat16, which numpy does not have."""
    values = tensor.detach().cpu().resolve_conj()
    return (values.float() if values.dtype is torch.bfloat16 else values).numpy()


def empty_in_order(
    shape: Sequence[int], dtype: torch.dtype, memory_order: Sequence[int] | None, device: Any = None
) -> torch.Tensor:
    """A tensor without values whose axes lie in memory in `memory_order`."""
    if memory_order is None:
        return torch.empty(tuple(shape), dtype=dtype, device=device)
    inverse = [memory_order.index(axis) for axis in range(len(memory_order))]
    return torch.empty([shape[axis] for axis in memory_order], dtype=dtype, device=device).permute(inverse)


def _lay_out(value: torch.Tensor, memory_order: Sequence[int] | None) -> torch.Tensor:
    """`value` with its axes lying in memory in `memory_order`, copied only when they do not."""
    if memory_order is None:
        return value.contiguous()
    # not contiguous(), which may keep odd strides where an axis has length 1: a convolution then picks another layout
    ordered = empty_in_order(value.shape, value.dtype, memory_order, value.device)
    return value if value.stride() == ordered.stride() else ordered.copy_(value)


def _rebuild(cls: type, data: torch.Tensor, requires_grad: bool, attributes: dict[str, Any]) -> Variable:
    variable = torch.Tensor._make_subclass(cls, data, requires_grad)
    for key, value in attributes.items():
        setattr(variable, key, value)
    return variable
