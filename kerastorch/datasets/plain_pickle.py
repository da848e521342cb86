"""Reads the pickles of published data sets without letting them run anything.

CIFAR is published as Python pickles, and the .npz files of IMDB and Reuters hold object arrays, which NumPy
stores as pickles. A pickle is a program: it may call whatever it names. Even NumPy's own functions are no
safe vocabulary, since the state of a pickled dtype can make bytes pass for object pointers. So the five
names that such files need are answered by stand-ins of this module, and every other name is refused.
"""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

# What a stream of wrong bytes raises from the unpickler and from the stand-ins below.
DAMAGE = (
    pickle.UnpicklingError,
    EOFError,
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
    ValueError,
)


def load(file: IO[bytes], name: str) -> Any:
    """The content of the pickle in `file`: arrays, dicts, lists, bytes, text and numbers.

    `name` is the file's name in errors. Raises ValueError for a pickle that refers to anything else, and
    for one that is damaged.
    """
    try:
        # Python 2 wrote the pixels of CIFAR as its str; read as bytes they are what they were.
        return _plain(_Unpickler(file, encoding="bytes").load())
    except DAMAGE as error:
        raise ValueError(
            f"Pickle '{name}': expected arrays, dicts, lists, text and numbers; received {error}. "
            "This is not the published file: delete it and load again."
        ) from error


def load_npz(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, object arrays included."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                arrays[member.removesuffix(".npy")] = _read_npy(file, f"{Path(path).name}/{member}")
    return arrays


def _read_npy(file: IO[bytes], name: str) -> np.ndarray:
    formats = np.lib.format
    wide = formats.read_magic(file) > (1, 0)
    _, _, dtype = formats.read_array_header_2_0(file) if wide else formats.read_array_header_1_0(file)
    if dtype.hasobject:
        return load(file, name)
    file.seek(0)
    return formats.read_array(file, allow_pickle=False)


class _Dtype:
    """Stands in for numpy.dtype: keeps the code ('i8') and the byte order, and takes no other state."""

    __slots__ = ("code", "order")
    KNOWN = re.compile(r"b1|[iuf][1248]|O8?")

    def __init__(self, code: str | bytes, align: bool = False, copy: bool = False) -> None:
        self.code = _text(code)
        self.order = "|"

    def __setstate__(self, state: tuple) -> None:
        self.order = _text(state[1])

    def resolve(self) -> np.dtype:
        if not self.KNOWN.fullmatch(self.code) or self.order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError(f"arrays of the type {self.order + self.code!r}")
        return np.dtype(object) if self.code.startswith("O") else np.dtype(self.order + self.code)


class _Array:
    """Stands in for numpy.ndarray and the function that starts one; its value is made of checked parts."""

    __slots__ = ("value",)

    def __init__(self, kind: type, shape: tuple, code: bytes) -> None:
        self.value = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, content = state
        dtype = dtype.resolve()
        if dtype.hasobject:
            if not isinstance(content, list):
                raise pickle.UnpicklingError("an array of objects without a list of them")
            flat = as_objects([_plain(item) for item in content])
        else:
            content = content.encode("latin1") if isinstance(content, str) else content
            flat = np.frombuffer(content, dtype).copy()
        self.value = flat.reshape(shape, order="F" if fortran else "C")


def _encode(text: str, encoding: str) -> bytes:
    """Stands in for _codecs.encode, by which old protocols write bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes written as {encoding!r}")
    return text.encode("latin1")


class _Unpickler(pickle.Unpickler):
    ADMITTED = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy._core.multiarray", "_reconstruct"): _Array,
        ("_codecs", "encode"): _encode,
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"a reference to {module}.{name}, which it could run")
        return self.ADMITTED[module, name]


def as_objects(items: Sequence[Any]) -> np.ndarray:
    """An array (item,) of any objects; unlike numpy.array it stays flat where the objects are lists."""
    array = np.empty(len(items), dtype=object)
    for row, item in enumerate(items):
        array[row] = item
    return array


def _plain(value: Any) -> Any:
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _text(value: str | bytes) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else value
