"""HDF5 files from anywhere, opened so that nothing in them leads out of them or asks for more than they hold."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

# Keras splits a list of names that does not fit into an object header, which HDF5 limits to 64 kB.
HEADER_LIMIT = 64512
# Stored bytes may unpack to this many times their number: zeros compress well, bombs better.
LARGEST_RATIO = 1000
_SMALL = 1 << 20  # bytes below which an array cannot do harm


class UnsafeFile(ValueError):
    """A file that asks for what no model file needs."""


@contextlib.contextmanager
def reading(file: Any, label: str) -> Iterator[Any]:
    """An HDF5 file, or a readable binary object that holds one, opened for reading; errors of HDF5 become ValueErrors.

    `label` begins the errors, such as "load_model 'model.h5'".
    """
    import h5py  # an optional moment: most programs never load

    try:
        with h5py.File(file, "r") as opened:
            yield opened
    except (OSError, KeyError, RuntimeError, TypeError, UnicodeDecodeError, OverflowError, MemoryError) as error:
        raise ValueError(
            f"{label}: expected a complete HDF5 file; received one that cannot be read ({_first_line(error)}). "
            "Check that the download or copy is complete."
        ) from error


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def group(parent: Any, path: str, label: str) -> Any:
    """The group at `path` under `parent`; None where there is none."""
    found = _follow(parent, path, label)
    if found is not None and not hasattr(found, "keys"):
        raise _unsafe(label, "a group", f"an array at {path!r}")
    return found


def array(parent: Any, path: str, label: str) -> np.ndarray:
    """The numbers at `path` under `parent`."""
    return np.asarray(dataset(parent, path, label)[()])


def dataset(parent: Any, path: str, label: str) -> Any:
    """The array at `path` as an open dataset whose numbers are all inside the file."""
    found = _follow(parent, path, label)
    if found is None or hasattr(found, "keys"):
        raise _unsafe(label, f"an array at {path!r}", "none" if found is None else "a group")
    check_dataset(found, label)
    return found


def _follow(parent: Any, path: str, label: str) -> Any:
    """Step by step along hard links; other links could lead out of the file or in circles."""
    found = parent
    for part in path.split("/"):
        if part in ("", ".", "..") or not hasattr(found, "keys"):
            raise _unsafe(label, "a plain path", repr(path))
        link = found.get(part, getlink=True)
        if link is None:
            return None
        if type(link).__name__ != "HardLink":
            raise _unsafe(label, "groups and arrays", f"a {type(link).__name__} at {path!r}")
        found = found[part]
    return found


def check_dataset(found: Any, label: str) -> None:
    """Raise unless an array holds numbers, in this file, and is no bigger than its bytes can make it."""
    name = found.name
    if found.dtype.kind not in "fiub" or found.dtype.hasobject:
        raise _unsafe(label, f"numbers in {name!r}", str(found.dtype))
    if found.external:
        raise _unsafe(label, f"an array inside the file at {name!r}", "external storage")
    if found.is_virtual:
        raise _unsafe(label, f"an array inside the file at {name!r}", "a virtual data set")
    size = math.prod(found.shape) * found.dtype.itemsize
    if size > _SMALL and size > LARGEST_RATIO * found.id.get_storage_size():
        raise _unsafe(label, f"as many bytes in {name!r} as its shape {found.shape} needs", "far fewer")


def count_numbers(parent: Any, label: str) -> int:
    """How many numbers all arrays under `parent` hold together; each is checked."""
    found: list[int] = []

    def visit(_: str, item: Any) -> None:
        if not hasattr(item, "keys"):
            check_dataset(item, label)
            found.append(math.prod(item.shape))

    parent.visititems(visit)  # visits each object once, and follows hard links only
    return sum(found)


def text(parent: Any, attribute: str, label: str) -> str | None:
    """A string attribute; None where it is missing."""
    value = _attribute(parent, attribute, label)
    if value is None:
        return None
    value = value.item() if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0 else value
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise _unsafe(label, f"text as attribute {attribute!r}", type(value).__name__)
    return value


def names(parent: Any, attribute: str, label: str) -> list[str]:
    """A list of names, put together from its parts where Keras has split it."""
    parts = [_attribute(parent, attribute, label)]
    if parts[0] is None:
        parts = []
        while (part := _attribute(parent, f"{attribute}{len(parts)}", label)) is not None:
            parts.append(part)
    found = [name for part in parts for name in np.atleast_1d(part).tolist()]
    return [name.decode() if isinstance(name, bytes) else str(name) for name in found]


def _attribute(parent: Any, attribute: str, label: str) -> Any:
    if attribute not in parent.attrs:
        return None
    handle = parent.attrs.get_id(attribute)
    if math.prod(handle.shape) * handle.dtype.itemsize > parent.file.id.get_filesize():
        raise _unsafe(label, f"an attribute {attribute!r} inside the file", "one that is larger than the file")
    return parent.attrs[attribute]


def write_names(parent: Any, attribute: str, values: Sequence[str]) -> None:
    """Write a list of names as Keras does: in parts where it is too long for a header."""
    encoded = [value.encode() for value in values]
    widest = max(map(len, encoded), default=1)
    at_once = max(HEADER_LIMIT // widest, 1)
    if len(encoded) <= at_once:
        parent.attrs[attribute] = encoded
        return
    for number, start in enumerate(range(0, len(encoded), at_once)):
        parent.attrs[f"{attribute}{number}"] = encoded[start : start + at_once]


def _unsafe(label: str, expected: str, received: str) -> UnsafeFile:
    return UnsafeFile(f"{label}: expected {expected}; received {received}. No model file needs this: do not use it.")
