"""Elements in a file of plain arrays, for `cache(filename)`."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import dtype_name, torch_dtype
from kerastorch.core.strings import StringTensor
from kerastorch.data.structure import flatten, pack_like


def write(path: Path, elements: Sequence[Any]) -> None:
    """Write elements of one structure; the file appears whole or not at all."""
    contents: dict[str, np.ndarray] = {}
    leaves = [flatten(element) for element in elements]
    count = len(leaves[0]) if leaves else 0
    for place in range(count):
        _write_leaves(contents, f"{place}", [row[place] for row in leaves])
    names = [dtype_name(leaf.dtype) for leaf in leaves[0]] if leaves else []
    about = {"structure": _described(pack_like(elements[0], range(count))) if leaves else None, "dtypes": names}
    contents["about"] = np.frombuffer(json.dumps({**about, "count": len(elements)}).encode(), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cache-", dir=path.parent) as folder:
        part = Path(folder, "part.npz")
        np.savez(part, **contents)
        os.replace(part, path)


def _write_leaves(contents: dict[str, np.ndarray], key: str, leaves: list[torch.Tensor]) -> None:
    contents[f"{key}/shapes"] = np.array([list(leaf.shape) for leaf in leaves], dtype=np.int64)
    if isinstance(leaves[0], StringTensor):
        texts = [text for leaf in leaves for text in leaf.values.flat]
        contents[f"{key}/lengths"] = np.array([len(text) for text in texts], dtype=np.int64)
        contents[f"{key}/data"] = np.frombuffer(b"".join(texts), dtype=np.uint8)
        return
    data = torch.cat([leaf.flatten() for leaf in leaves])
    contents[f"{key}/data"] = (data.view(torch.int16) if data.dtype is torch.bfloat16 else data).numpy()


def _described(structure: Any) -> Any:
    """Tuples and dicts of leaf numbers, as JSON can say them."""
    if isinstance(structure, dict):
        return {key: _described(part) for key, part in structure.items()}
    return [_described(part) for part in structure] if isinstance(structure, tuple) else structure


def _structure(described: Any) -> Any:
    if isinstance(described, dict):
        return {key: _structure(part) for key, part in described.items()}
    return tuple(_structure(part) for part in described) if isinstance(described, list) else described


def read(path: Path) -> list[Any]:
    """The elements that `write` has written; ValueError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            leaves = [_read_leaves(archive, f"{place}", name) for place, name in enumerate(about["dtypes"])]
        structure = _structure(about["structure"])
        return [pack_like(structure, row) for row in zip(*leaves, strict=True)]
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise ValueError(
            f"Dataset.cache: expected a file that cache() has written; received {path}, which is none ({error}). "
            "Delete it, or pass another name."
        ) from error


def _read_leaves(archive: Any, key: str, name: str) -> list[torch.Tensor]:
    shapes = [tuple(shape) for shape in archive[f"{key}/shapes"].tolist()]
    sizes = [int(np.prod(shape, dtype=np.int64)) for shape in shapes]
    if name == "string":
        return _read_strings(archive, key, shapes, sizes)
    data = torch.from_numpy(archive[f"{key}/data"])
    data = data.view(torch.bfloat16) if name == "bfloat16" else data.to(torch_dtype(name))
    return [part.reshape(shape) for part, shape in zip(data.split(sizes), shapes, strict=True)]


def _read_strings(archive: Any, key: str, shapes: list[tuple[int, ...]], sizes: list[int]) -> list[torch.Tensor]:
    data, ends = archive[f"{key}/data"].tobytes(), np.cumsum(archive[f"{key}/lengths"])
    texts = np.empty(len(ends), dtype=object)
    texts[:] = [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    parts = np.split(texts, np.cumsum(sizes)[:-1])
    return [StringTensor(part.reshape(shape)) for part, shape in zip(parts, shapes, strict=True)]
