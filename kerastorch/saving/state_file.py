"""Plain values and tensors in the safetensors format: numbers and JSON, nothing that could run.

The structure around the tensors is a JSON text beside them, in which each tensor stands by its number.
"""

from __future__ import annotations

import io
import json
import os
import warnings
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import torch

from kerastorch.core.config import dtype_name, torch_dtype
from kerastorch.core.errors import describe
from kerastorch.saving import safetensors_file
from kerastorch.saving.archive import parse_json
from kerastorch.saving.atomic import replacing
from kerastorch.saving.errors import damaged

_KEY, _STRUCTURE = "$", "structure"
_KIND = "file of a training state"


def write(path: str | os.PathLike[str], value: Any, label: str) -> None:
    """Write `value` into a file, which appears whole or not at all; TypeError for what is no plain value."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        _write_into(file, value, label)


def read(path: str | os.PathLike[str], label: str) -> Any:
    """The value in a file; ValueError for a file that is broken, or another."""
    with open(path, "rb") as file:
        return _read_from(file, os.path.getsize(path), label)


def to_bytes(value: Any, label: str) -> np.ndarray:
    """What `write` writes, as an array of bytes."""
    file = io.BytesIO()
    _write_into(file, value, label)
    return np.frombuffer(file.getbuffer(), np.uint8)


def from_bytes(data: np.ndarray, label: str) -> Any:
    """What `to_bytes` was given."""
    content = np.ascontiguousarray(data).tobytes()
    return _read_from(io.BytesIO(content), len(content), label)


# --- where `fit` was, in the file of a model ------------------------------------------------------------------------

NAME = "training_state"


def of_model(model: Any, label: str) -> np.ndarray | None:
    """What a model that is saved during `fit` needs to go on, as bytes; None at other times.

    A value that cannot be written is warned of, since the model itself can be saved without.
    """
    state = model.get_training_state(with_weights=False)
    if state is None:
        return None
    try:
        return to_bytes(state, "training state")
    except TypeError as error:
        warnings.warn(
            f"{label}: {error} The file is written without the place where fit is.", UserWarning, stacklevel=6
        )
        return None


def give_to_model(model: Any, data: np.ndarray, label: str) -> None:
    """Let the next `fit` of a model go on where it was saved."""
    model.set_training_state(from_bytes(data, label), label)


def _write_into(file: BinaryIO, value: Any, label: str) -> None:
    tensors: list[torch.Tensor] = []
    structure = json.dumps(_encoded(value, tensors, label))
    named = {str(number): tensor for number, tensor in enumerate(tensors)}
    safetensors_file.write(file, named, {_STRUCTURE: structure})


def _read_from(file: BinaryIO, size: int, label: str) -> Any:
    texts, tensors = safetensors_file.read(file, size, label)
    if _STRUCTURE not in texts:
        raise damaged(label, _KIND, "tensors without a structure")
    structure = parse_json(texts[_STRUCTURE], label)
    try:
        return _decoded(structure, tensors)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise damaged(label, _KIND, f"{type(error).__name__}: {error}") from error


def _encoded(value: Any, tensors: list[torch.Tensor], label: str) -> Any:
    """`value` with numbers in place of its tensors, which are appended to `tensors`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, torch.Tensor) and not value.is_complex():
        tensors.append(value)
        return {_KEY: "tensor", "at": len(tensors) - 1}
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and value.dtype.isnative:
        tensors.append(torch.from_numpy(np.array(value, order="C")))
        return {_KEY: "array", "at": len(tensors) - 1}
    if isinstance(value, torch.dtype):
        return {_KEY: "dtype", "of": dtype_name(value)}
    if isinstance(value, torch.device):
        return {_KEY: "device", "of": str(value)}
    if isinstance(value, list | tuple):
        parts = [_encoded(part, tensors, f"{label}[{at}]") for at, part in enumerate(value)]
        return parts if isinstance(value, list) else {_KEY: "tuple", "of": parts}
    if isinstance(value, Mapping):
        encoded = [(key, _encoded(part, tensors, f"{label}[{key!r}]")) for key, part in value.items()]
        if _KEY not in value and all(isinstance(key, str) for key in value):
            return dict(encoded)
        return {_KEY: "pairs", "of": [[_encoded(key, tensors, label), part] for key, part in encoded]}
    raise TypeError(
        f"{label}: expected numbers, texts, arrays, tensors, and lists and dicts of them; received {describe(value)}. "
        "Leave it out of the logs, or of what get_state() returns."
    )


def _decoded(structure: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    if isinstance(structure, list):
        return [_decoded(part, tensors) for part in structure]
    if not isinstance(structure, dict):
        return structure
    kind = structure.get(_KEY)
    if kind is None:
        return {key: _decoded(part, tensors) for key, part in structure.items()}
    if kind in ("tensor", "array"):
        tensor = tensors[str(structure["at"])]
        return tensor if kind == "tensor" else tensor.numpy()
    if kind == "dtype":
        return torch_dtype(structure["of"])
    if kind == "device":
        return torch.device(structure["of"])
    parts = _decoded(structure["of"], tensors)
    return tuple(parts) if kind == "tuple" else dict(parts)
