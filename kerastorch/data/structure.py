"""Elements of data sets: tuples and dicts, nested as in tf.data, of tensors. A list is one tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import STRING, dtype_name, torch_dtype
from kerastorch.core.errors import describe
from kerastorch.core.strings import StringTensor, as_strings, holds_strings

_WIDER = {2: np.int32, 4: np.int64, 8: np.int64}  # torch has no arithmetic for larger unsigned integers


class TensorSpec:
    """Shape (None for sizes that vary) and dtype of a leaf of a data set's elements.

    `dtype` is a torch dtype or the name of one; 'string' stands for strings.

    >>> TensorSpec((None, 28), "uint8")
    TensorSpec(shape=(None, 28), dtype=uint8, name=None)
    """

    def __init__(self, shape: Any = None, dtype: Any = "float32", name: str | None = None) -> None:
        self.shape = None if shape is None else tuple(None if size is None else int(size) for size in shape)
        self.dtype = torch_dtype(getattr(dtype, "name", dtype) if not isinstance(dtype, torch.dtype) else dtype)
        self.name = name

    def accepts(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor has this dtype and shape."""
        if tensor.dtype is not self.dtype:
            return False
        return self.shape is None or (
            len(self.shape) == tensor.dim()
            and all(size in (None, given) for size, given in zip(self.shape, tensor.shape, strict=True))
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={dtype_name(self.dtype)}, name={self.name!r})"


def is_structure(value: Any) -> bool:
    return isinstance(value, tuple | Mapping) and not isinstance(value, torch.Size)


def flatten(structure: Any) -> list[Any]:
    """The leaves, left to right; those of dicts in the order of the sorted keys."""
    if isinstance(structure, Mapping):
        return [leaf for key in sorted(structure) for leaf in flatten(structure[key])]
    if is_structure(structure):
        return [leaf for part in structure for leaf in flatten(part)]
    return [structure]


def map_structure(function: Callable[..., Any], structure: Any, *others: Any) -> Any:
    """`function` of corresponding leaves, in the shape of `structure`."""
    if isinstance(structure, Mapping):
        mapped = {
            key: map_structure(function, structure[key], *(other[key] for other in others)) for key in sorted(structure)
        }
        return {key: mapped[key] for key in structure}
    if is_structure(structure):
        parts = [map_structure(function, *group) for group in zip(structure, *others, strict=True)]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    return function(structure, *others)


def pack_like(structure: Any, leaves: Iterable[Any]) -> Any:
    """Leaves in the order of `flatten`, in the shape of `structure`."""
    remaining = iter(leaves)
    return map_structure(lambda _: next(remaining), structure)


def as_tensor(value: Any) -> torch.Tensor:
    """A leaf as a tensor: Python's integers in int32 and floats in float32, as in TensorFlow; arrays share memory."""
    if isinstance(value, torch.Tensor):
        return value.detach() if value.requires_grad else value
    if holds_strings(value):
        return as_strings(value)
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, list | tuple) and any(isinstance(part, torch.Tensor) for part in value):
        return torch.stack([as_tensor(part) for part in value])
    is_array = isinstance(value, np.ndarray | np.generic)
    array = value if is_array else np.asarray(value)
    if array.dtype.kind not in "fiubc":
        if array.dtype == object and array.size and holds_strings(array):
            return as_strings(array)
        raise TypeError(
            f"Dataset: expected tensors, arrays, numbers or strings; received {describe(value)}. Rows of different "
            "lengths come from a generator; None has no place in a data set."
        )
    if not is_array and not any(isinstance(part, np.ndarray | np.generic) for part in _first_parts(value)):
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        elif array.dtype == np.int64 and (not array.size or abs(array).max() < 2**31):
            array = array.astype(np.int32)
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(_WIDER[array.dtype.itemsize])
    usable = array.dtype.isnative and array.flags.writeable and not any(stride < 0 for stride in array.strides)
    return torch.from_numpy(array if usable and array.ndim else np.array(array, dtype=array.dtype.newbyteorder("=")))


def _first_parts(value: Any) -> Iterable[Any]:
    """A list and, down to the innermost one, the first of its parts."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
        yield value


def as_element(structure: Any) -> Any:
    """A structure with every leaf as a tensor."""
    if type(structure) is torch.Tensor:
        return structure.detach() if structure.requires_grad else structure
    return map_structure(as_tensor, structure)


def copied(element: Any) -> Any:
    """An element that its user may change in place."""
    return map_structure(torch.clone, element)


def stacked(elements: Sequence[Any]) -> Any:
    """Elements of one shape as one element with a further first axis."""
    return map_structure(lambda *leaves: torch.stack(leaves), elements[0], *elements[1:])


def spec_of(element: Any) -> Any:
    return map_structure(lambda leaf: TensorSpec(leaf.shape, leaf.dtype), element)


def describe_element(element: Any) -> str:
    """Shapes of an element for an error text."""
    return str(map_structure(lambda leaf: f"{dtype_name(leaf.dtype)}{tuple(leaf.shape)}", element))


def to_numpy(element: Any) -> Any:
    """Leaves as numpy arrays; numbers without axes as numpy's scalars, strings as `bytes`."""
    return map_structure(_to_numpy, element)


def _to_numpy(leaf: torch.Tensor) -> Any:
    if isinstance(leaf, StringTensor):
        return leaf.numpy()
    array = leaf.cpu().numpy()
    return array if array.ndim else array[()]


def read_spec(value: Any) -> TensorSpec:
    """A spec from anything with a shape and a dtype; a bare dtype is one of unknown shape."""
    if isinstance(value, TensorSpec):
        return value
    shape = getattr(value, "shape", None)
    if shape is not None and hasattr(value, "dtype"):
        return TensorSpec(getattr(shape, "as_list", lambda: shape)(), value.dtype)
    return TensorSpec(None, value)


def cast(value: Any, spec: TensorSpec) -> torch.Tensor:
    """A leaf in the dtype of its spec."""
    if spec.dtype is STRING:
        return as_strings(value)
    tensor = as_tensor(value)
    return tensor if tensor.dtype is spec.dtype else tensor.to(spec.dtype)
