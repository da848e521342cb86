"""The safetensors format: the length of a JSON header, the header, and the numbers one after the other."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch

from kerastorch.saving.archive import LARGEST_JSON, parse_json
from kerastorch.saving.errors import damaged
from kerastorch.saving.memory import Scratch

_TYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "U16": torch.uint16,
    "U32": torch.uint32,
    "U64": torch.uint64,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}
_KIND = "safetensors file"
_MOST_AXES = 32


def write(file: BinaryIO, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors by name, and texts by name, at the end of an open file."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    place = 0
    for name, tensor in tensors.items():
        end = place + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    scratch = Scratch()
    for tensor in tensors.values():
        file.write(_bytes_of(scratch.in_c_order(tensor)))


def read(file: BinaryIO, size: int, label: str) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """The texts and the tensors in the next `size` bytes of a file; ValueError where they break the format."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(size - 8, LARGEST_JSON):
        raise damaged(label, _KIND, f"a header of {length} bytes in a file of {size}")
    header = parse_json(file.read(length), label)
    if not isinstance(header, dict):
        raise damaged(label, _KIND, "a header that is no table")
    metadata = header.pop("__metadata__", {})
    place, tensors = 0, {}
    for name, entry in sorted(header.items(), key=lambda item: _place(item[1], label)):
        dtype, shape, end = _checked(entry, name, place, size - 8 - length, label)
        tensors[name] = torch.empty(shape, dtype=dtype)
        if end > place and file.readinto(_bytes_of(tensors[name])) != end - place:
            raise damaged(label, _KIND, "an early end")
        place = end
    texts = metadata.items() if isinstance(metadata, dict) else ()
    return {key: text for key, text in texts if isinstance(text, str)}, tensors


def _place(entry: Any, label: str) -> list[int]:
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(one) is int for one in offsets)):
        raise damaged(label, _KIND, f"an entry {str(entry)[:80]}")
    return offsets


def _checked(
    entry: Mapping[str, Any], name: str, place: int, size: int, label: str
) -> tuple[torch.dtype, list[int], int]:
    """Type, shape and end of a tensor that begins at `place`: they follow each other without gaps."""
    dtype, shape, (start, end) = _TYPES.get(str(entry.get("dtype"))), entry.get("shape"), entry["data_offsets"]
    plain = isinstance(shape, list) and len(shape) <= _MOST_AXES and all(type(one) is int and one >= 0 for one in shape)
    if dtype is None or not plain:
        raise damaged(label, _KIND, f"{name!r} with dtype {entry.get('dtype')!r} and shape {str(shape)[:80]}")
    if start != place or end - start != math.prod(shape) * dtype.itemsize or end > size:
        raise damaged(label, _KIND, f"{name!r} of shape {shape} at bytes {start} to {end} of {size}")
    return dtype, shape, end


def _bytes_of(tensor: torch.Tensor) -> memoryview:
    """The memory of a contiguous tensor."""
    return memoryview(tensor.reshape(-1).view(torch.uint8).numpy())
