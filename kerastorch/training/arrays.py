"""Arrays of every kind as torch tensors, and the checks that come before any training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.core import nest
from kerastorch.core.config import torch_dtype
from kerastorch.core.errors import describe
from kerastorch.core.strings import StringTensor, as_strings, holds_strings

# torch has no kernels for unsigned integers of more than 8 bits
_WIDER = {2: np.int32, 4: np.int64, 8: np.int64}


def as_tensors(data: Any, role: str) -> Any:
    """`data` (arrays, tensors, frames, lists of numbers, nested in lists or dicts) as tensors that share its memory.

    float64 becomes `floatx()`, as in tf.keras. Raises ValueError or TypeError for what holds no real numbers.
    """
    if data is None:
        return None
    if isinstance(data, Mapping) and not hasattr(data, "to_numpy"):
        return {key: as_tensors(value, f"{role}[{key!r}]") for key, value in data.items()}
    if isinstance(data, list | tuple):
        if not data or not any(_is_array(leaf) for leaf in nest.flatten(data)):
            return _from_numpy(_array_of(data, role), role)
        if all(_is_array(part) and np.ndim(part) == 0 for part in data):
            return _from_numpy(np.asarray([np.asarray(part) for part in data]), role)
        parts = [as_tensors(part, f"{role}[{position}]") for position, part in enumerate(data)]
        return tuple(parts) if isinstance(data, tuple) else parts
    return as_tensor(data, role)


def as_tensor(value: Any, role: str) -> torch.Tensor:
    """One array, frame, number or list as a tensor."""
    if isinstance(value, StringTensor):
        return _strings(value, role)
    if isinstance(value, torch.Tensor):
        if value.is_complex():
            raise _wrong_numbers(role, value, "complex numbers", "Pass real and imaginary parts as two channels.")
        return value.detach().to(torch_dtype(None)) if value.dtype is torch.float64 else value.detach()
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if hasattr(value, "toarray"):
        value = value.toarray()
    return _from_numpy(value if isinstance(value, np.ndarray) else _array_of(value, role), role)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") or hasattr(value, "to_numpy")


def _array_of(values: Any, role: str) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"Data '{role}': expected rows of equal length; received a ragged list of {len(values)}. "
            "Pad the rows to one length, for example with zeros."
        ) from error


def _from_numpy(array: np.ndarray, role: str) -> torch.Tensor:
    if holds_strings(array):
        return _strings(array, role)
    if array.dtype == object:
        lengths = {np.shape(row) for row in array.flat} if array.size else set()
        if len(lengths) > 1:
            advice = "Pad the rows to one length, for example with zeros."
            raise _wrong_numbers(role, array, "rows of different shapes", advice)
        advice = f"Convert it: numpy.asarray({role.split()[-1]}, dtype='float32')."
        raise _wrong_numbers(role, array, "an array of Python objects", advice)
    if array.dtype.kind == "c":
        raise _wrong_numbers(role, array, "complex numbers", "Pass real and imaginary parts as two channels.")
    if array.dtype.kind not in "fiub":
        raise _wrong_numbers(role, array, f"values of dtype {array.dtype}", "Convert it to numbers.")
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(_WIDER[array.dtype.itemsize])
    if array.dtype == np.float64:
        return torch.from_numpy(np.ascontiguousarray(array)).to(torch_dtype(None))
    if any(stride < 0 for stride in array.strides) or not array.dtype.isnative:
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
    # torch warns of arrays that cannot be written to; nothing here writes to them
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _strings(value: Any, role: str) -> torch.Tensor:
    """Strings that a model may take as its input; labels and weights are numbers."""
    if not role.split()[-1].startswith("x"):
        raise strings_refused(role, value)
    return as_strings(value)


def strings_refused(role: str, value: Any) -> TypeError:
    """The error for strings where a model takes numbers."""
    advice = "Turn words into integers first, for example with TextVectorization or StringLookup."
    return _wrong_numbers(role, value, "strings", advice)


def _wrong_numbers(role: str, value: Any, received: str, advice: str) -> TypeError:
    return TypeError(f"Data '{role}': expected an array of numbers; received {received}, {describe(value)}. {advice}")


ROLES = ("x", "y", "sample_weight")


def number_of_samples(*structures: Any, part: str = "", batch: int | None = None) -> int:
    """The common length of all arrays of x, y and sample_weight; ValueError when lengths differ, or for no samples.

    `part` ("validation ") and the number of a `batch` say in errors which data are meant.
    """
    lengths: dict[str, int] = {}
    for role, structure in zip(ROLES, structures, strict=False):
        for position, leaf in enumerate(nest.flatten(structure)):
            if leaf is None:
                continue
            name = f"{part}{role}[{position}]" if nest.is_nested(structure) else f"{part}{role}"
            if leaf.dim() == 0:
                raise ValueError(
                    f"Data '{name}'{_of_batch(batch)}: expected an array with a batch axis; received the single number "
                    f"{leaf.item()}. Pass an array."
                )
            lengths[name] = leaf.shape[0]
    if len(set(lengths.values())) > 1:
        raise _different_lengths(lengths, structures[0], part, batch)
    count = next(iter(lengths.values()), 0)
    if count == 0:
        raise ValueError(
            f"Data '{part}x'{_of_batch(batch)}: expected at least one sample; received empty data. "
            "Check the path, filter or slice it comes from."
        )
    return count


def _different_lengths(lengths: Mapping[str, int], x: Any, part: str, batch: int | None) -> ValueError:
    received = ", ".join(f"{length} in {name}" for name, length in list(lengths.items())[:4])
    advice = "Check that data and labels belong together."
    if isinstance(x, list | tuple) and len(x) > 4:
        # a list stands for the inputs of a model, one array each, and is easily taken for a list of samples
        received += f", and {len(lengths) - 4} more"
        advice = "A list of arrays has one array for each input of the model; stack samples with numpy.stack(x)."
    return ValueError(
        f"Data '{part}x'{_of_batch(batch)}: expected arrays of the same number of samples; received {received}. "
        f"{advice}"
    )


def _of_batch(number: int | None) -> str:
    return "" if number is None else f" of batch {number}"


def check_finite(structure: Any, role: str, batch: int | None = None) -> None:
    """Raise ValueError, naming the first row, when floating values hold NaN or infinity."""
    found = describe_not_finite(structure, role, batch)
    if found is not None:
        raise ValueError(f"{found} Drop these rows, or fill them: numpy.nan_to_num({role.split()[-1]}).")


def describe_not_finite(structure: Any, role: str, batch: int | None = None) -> str | None:
    """What is wrong with floating values that hold NaN or infinity, naming the first row; None when all are finite."""
    for position, leaf in enumerate(nest.flatten(structure)):
        # the sum is finite for finite data of ordinary size, and far cheaper than a test of every value
        if leaf is None or not leaf.is_floating_point() or math.isfinite(leaf.sum().item()):
            continue
        finite = torch.isfinite(leaf)
        if finite.all():
            continue
        rows = (~finite).reshape(leaf.shape[0], -1).any(1).nonzero().flatten()
        name = f"{role}[{position}]" if nest.is_nested(structure) else role
        row = int(rows[0])
        first = leaf[row].flatten()[(~finite[row]).flatten()][0].item()
        return (
            f"Data '{name}'{_of_batch(batch)}: expected finite numbers; received {first} in row {row} "
            f"({len(rows)} of {leaf.shape[0]} rows hold NaN or infinity)."
        )
    return None


def split_validation(structures: tuple[Any, ...], fraction: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The first samples for training and the last ones, `fraction` of all, for validation."""
    if not 0 < fraction < 1:
        raise ValueError(f"fit: expected validation_split between 0 and 1; received {fraction}. Pass for example 0.2.")
    count = number_of_samples(*structures)
    at = int(count * (1 - fraction))
    if at == 0 or at == count:
        raise ValueError(
            f"fit: expected a validation_split that leaves samples on both sides; received {fraction} of {count} "
            "samples. Use more data or another fraction."
        )

    def part(cut: Callable[[torch.Tensor], torch.Tensor]) -> tuple[Any, ...]:
        parts = nest.map_structure(lambda leaf: None if leaf is None else cut(leaf), list(structures))
        return tuple(parts)

    return part(lambda leaf: leaf[:at]), part(lambda leaf: leaf[at:])
