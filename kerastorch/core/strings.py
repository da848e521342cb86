"""Strings as tensors: byte strings in an array of Python objects, in the shape and the places of a torch tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import STRING
from kerastorch.core.errors import describe


class StringTensor(torch.Tensor):
    """A tensor of strings, which torch has none of: shapes, indexing, joining and copying as of any tensor.

    The elements are `bytes` in UTF-8, as in TensorFlow; `numpy()` gives them, `.item()` gives a `str`. The dtype is one
    that no arithmetic knows. Make one with `as_strings`. TypeError for anything that needs numbers.

    >>> as_strings(["a", "b"])[1].item()
    'b'
    """

    values: np.ndarray

    @staticmethod
    def __new__(cls, values: np.ndarray) -> StringTensor:
        tensor = torch.Tensor._make_wrapper_subclass(cls, values.shape, dtype=STRING)
        tensor.values = values
        return tensor

    def __init__(self, values: np.ndarray) -> None:
        super().__init__()

    def numpy(self, *, force: bool = False) -> Any:
        """The byte strings: an array of objects, or one `bytes` for a tensor without axes."""
        return self.values.copy() if self.values.ndim else self.values.item()

    def tolist(self) -> Any:
        return self.values.tolist()

    def item(self) -> str:
        """The only string, as `str`."""
        return self.values.item().decode("utf-8", "replace")

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Itself on any device, as strings stay in the memory of the host; TypeError for another dtype."""
        device_and_dtype = [*args, kwargs.get("dtype")]
        dtypes = [getattr(one, "dtype", one) for one in device_and_dtype]
        if any(isinstance(dtype, torch.dtype) and dtype is not STRING for dtype in dtypes):
            raise _needs_numbers("to")
        return self

    def pin_memory(self, *args: Any) -> StringTensor:
        return self

    def record_stream(self, stream: Any) -> None:
        """Nothing: an accelerator never reads strings."""

    def map(self, function: Callable[[bytes], bytes]) -> StringTensor:
        """`function` of each byte string."""
        mapped = np.empty(self.values.shape, dtype=object)
        mapped.flat = [function(one) for one in self.values.flat]
        return StringTensor(mapped)

    def __eq__(self, other: Any) -> Any:
        other = other if isinstance(other, StringTensor) else as_strings(other)
        return torch.from_numpy(np.asarray(self.values == other.values, dtype=bool))

    def __ne__(self, other: Any) -> Any:
        return ~(self == other)

    __hash__ = torch.Tensor.__hash__

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype)

    def __repr__(self) -> str:
        return f"StringTensor({self.values.tolist()!r})"

    def __deepcopy__(self, memo: Any) -> StringTensor:
        return StringTensor(self.values.copy())

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return StringTensor, (self.values,)

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.overloadpacket.__name__
        method = _OPERATIONS.get(name)
        if method is None:
            raise _needs_numbers(name)
        with torch.inference_mode(False):  # views made in inference could not be given out otherwise
            result = method(*args)
            if type(result) is list:
                return [StringTensor(_as_array(one)) for one in result]
            return StringTensor(_as_array(result))


def _needs_numbers(name: str) -> TypeError:
    return TypeError(
        f"StringTensor: expected an operation that works on any tensor, such as indexing or reshape; received strings "
        f"and {name!r}, which needs numbers. Turn words into integers first, for example with TextVectorization or "
        "StringLookup."
    )


def _as_array(value: Any) -> np.ndarray:
    if isinstance(value, np.ndarray):
        return value
    array = np.empty((), dtype=object)  # a single element, which numpy hands out bare
    array[()] = value
    return array


def _indexed(tensor: StringTensor, indices: list[Any]) -> Any:
    places = tuple(slice(None) if index is None else index.cpu().numpy() for index in indices)
    return tensor.values[places]


def _sliced(tensor: Any, axis: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return tensor.values[(slice(None),) * (axis % tensor.values.ndim) + (slice(start, end, step),)]


def _squeezed(tensor: Any, axes: Any = None) -> Any:
    axes = range(tensor.values.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    return np.squeeze(tensor.values, tuple(axis for axis in axes if tensor.values.shape[axis] == 1))


def _divided(tensor: Any, size: Any, axis: int = 0) -> list[Any]:
    length = tensor.values.shape[axis]
    places = range(size, length, size) if isinstance(size, int) else np.cumsum(size)[:-1]
    return np.split(tensor.values, list(places), axis)


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "index_select": lambda x, axis, index: x.values.take(index.cpu().numpy(), axis),
    "select": lambda x, axis, index: x.values[(slice(None),) * (axis % x.values.ndim) + (index,)],
    "index": _indexed,
    "slice": _sliced,
    "unsqueeze": lambda x, axis: np.expand_dims(x.values, axis),
    "squeeze": _squeezed,
    "view": lambda x, shape: x.values.reshape(shape),
    "_unsafe_view": lambda x, shape: x.values.reshape(shape),
    "expand": lambda x, shape: np.broadcast_to(
        x.values, [a if b == -1 else b for a, b in zip((*(1,) * (len(shape) - x.dim()), *x.shape), shape, strict=True)]
    ),
    "stack": lambda parts, axis=0: np.stack([part.values for part in parts], axis),
    "cat": lambda parts, axis=0: np.concatenate([part.values for part in parts], axis),
    "unbind": lambda x, axis=0: list(np.moveaxis(x.values, axis, 0)),
    "split": _divided,
    "split_with_sizes": _divided,
    "permute": lambda x, axes: x.values.transpose(axes),
    "transpose": lambda x, a, b: x.values.swapaxes(a, b),
    "t": lambda x: x.values.T,
    "detach": lambda x: x.values,
    "alias": lambda x: x.values,
    "clone": lambda x: x.values.copy(),
}


def holds_strings(value: Any) -> bool:
    """Whether a value is a string, an array of strings, or a list of such."""
    if isinstance(value, str | bytes | StringTensor):
        return True
    if isinstance(value, list | tuple):
        return bool(value) and holds_strings(value[0])
    if isinstance(value, np.ndarray) and value.dtype == object:
        return value.size > 0 and isinstance(value.flat[0], str | bytes)
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "SU"


def as_strings(value: Any) -> StringTensor:
    """Strings, byte strings, arrays and lists of them as one tensor; TypeError where something else is among them.

    >>> as_strings([["a"], ["b"]]).shape
    torch.Size([2, 1])
    """
    if isinstance(value, StringTensor):
        return value
    if isinstance(value, list | tuple) and any(isinstance(part, StringTensor) for part in value):
        return torch.stack([as_strings(part) for part in value])
    array = np.asarray(value, dtype=object)
    encoded = np.empty(array.shape, dtype=object)
    encoded.flat = [one.encode() if type(one) is str else one for one in array.flat]
    for one in encoded.flat:
        if type(one) is not bytes:
            return _with_other_kinds(encoded, value)
    return StringTensor(encoded)


def _with_other_kinds(array: np.ndarray, value: Any) -> StringTensor:
    """Subclasses of `str` and `bytes`, such as numpy's, as plain ones."""
    plain = np.empty(array.shape, dtype=object)
    converted: list[bytes] = []
    for one in array.flat:
        if not isinstance(one, str | bytes):
            raise TypeError(
                f"Strings: expected str or bytes everywhere; received {describe(one)} among them. "
                "Replace missing values by ''."
            )
        converted.append(one.encode() if isinstance(one, str) else bytes(one))
    plain.flat = converted
    return StringTensor(plain)
