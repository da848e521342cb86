"""Groups, arrays and texts of HDF5 files by path, as Keras arranges them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerastorch.saving import hdf5_writer
from kerastorch.saving.errors import unsafe
from kerastorch.saving.hdf5_reader import Dataset, Group, Hdf5File

# Keras splits a list of names that does not fit into an object header, which HDF5 limits to 64 kB.
_HEADER_LIMIT = 64_512


@contextlib.contextmanager
def reading(path: Path, label: str) -> Iterator[Group]:
    """The first group of a file; `label` begins the errors, such as "load_model 'model.h5'"."""
    with path.open("rb") as file:
        yield Hdf5File(file, 0, file.seek(0, os.SEEK_END), label).root


def write(path: Path, root: hdf5_writer.Group) -> None:
    """Make a file that holds `root`."""
    with path.open("wb", buffering=1 << 20) as file:
        hdf5_writer.Hdf5Writer(root).write(file)


def group(parent: Group, path: str, label: str) -> Group | None:
    """The group at `path` under `parent`; None where there is none."""
    found = _follow(parent, path)
    if isinstance(found, Dataset):
        raise unsafe(label, "a group", f"an array at {path!r}")
    return found


def dataset(parent: Group, path: str, label: str) -> Dataset:
    """The array of numbers at `path` under `parent`."""
    found = _follow(parent, path)
    if not isinstance(found, Dataset) or found.dtype is None:
        received = "none" if found is None else "a group" if isinstance(found, Group) else "something else"
        raise unsafe(label, f"an array of numbers at {path!r}", received)
    return found


def _follow(parent: Group, path: str) -> Group | Dataset | None:
    found: Group | Dataset | None = parent
    for part in filter(None, path.split("/")):
        found = found.get(part) if isinstance(found, Group) else None
    return found


def count_numbers(root: Group, label: str) -> int:
    """How many numbers all arrays under `root` hold together.

    Raises UnsafeFile where arrays share their bytes: they could seem to hold any number.
    """
    waiting: list[Group | Dataset] = [root]
    seen: set[int] = set()
    numbers = bytes_in_file = 0
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, Group):
            waiting += [one for name in found.places if (one := found.get(name)) is not None]
        elif found.dtype is not None:
            numbers += found.size
            bytes_in_file += found.bytes_in_file
    if bytes_in_file > root.file.size:
        raise unsafe(label, f"arrays of at most {root.file.size} bytes, as the file has", f"{bytes_in_file} bytes")
    return numbers


def text(parent: Group | Dataset, attribute: str, label: str) -> str | None:
    """A text attribute; None where it is missing."""
    value = parent.attribute(attribute)
    if value is not None and not isinstance(value, str):
        raise unsafe(label, f"text as attribute {attribute!r}", type(value).__name__)
    return value


def names(parent: Group, attribute: str, label: str) -> list[str]:
    """A list of names, put together from its parts where Keras has split it."""
    parts: list[Any] = [parent.attribute(attribute)]
    if parts[0] is None:
        parts = []
        while (part := parent.attribute(f"{attribute}{len(parts)}")) is not None:
            parts.append(part)
    found: list[str] = []
    for part in parts:
        if isinstance(part, np.ndarray) and not part.size:
            continue  # h5py makes numbers of an empty list
        if not isinstance(part, list | str):
            raise unsafe(label, f"names as attribute {attribute!r}", type(part).__name__)
        found += [part] if isinstance(part, str) else part
    return found


def write_names(parent: hdf5_writer.Group, attribute: str, values: Sequence[str]) -> None:
    """Write a list of names as Keras does: in parts where it is too long for a header."""
    widest = max((len(value.encode()) for value in values), default=1)
    at_once = max(_HEADER_LIMIT // widest, 1)
    if len(values) <= at_once:
        parent.attributes[attribute] = list(values)
        return
    for number, start in enumerate(range(0, len(values), at_once)):
        parent.attributes[f"{attribute}{number}"] = list(values[start : start + at_once])
