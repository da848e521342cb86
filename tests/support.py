"""Fixed random arrays, packed golden files and comparisons, shared by the tests and by make_golden.py."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = Path(__file__).parent / "golden"


def generator(key: str) -> np.random.RandomState:
    """A generator whose stream depends on `key` alone (RandomState's stream is frozen by NumPy)."""
    return np.random.RandomState(zlib.crc32(key.encode()))


def normal(key: str, shape: tuple[int, ...], dtype: str = "float32", scale: float = 1.0) -> np.ndarray:
    return (generator(key).standard_normal(size=shape) * scale).astype(dtype)


def uniform(key: str, shape: tuple[int, ...], low: float, high: float, dtype: str = "float32") -> np.ndarray:
    return generator(key).uniform(low, high, size=shape).astype(dtype)


def integers(key: str, shape: tuple[int, ...], high: int, dtype: str = "int32") -> np.ndarray:
    return generator(key).randint(0, high, size=shape).astype(dtype)


def pack(path: Path, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write JSON facts and arrays as one small .npz: the arrays of a dtype lie in one flat array."""
    flat: dict[str, list[np.ndarray]] = {}
    index = {}
    for key, array in arrays.items():
        array = np.asarray(array)
        name = array.dtype.name
        start = sum(piece.size for piece in flat.get(name, []))
        flat.setdefault(name, []).append(array.ravel())
        index[key] = [name, start, list(array.shape)]
    text = json.dumps({"facts": facts, "index": index}, separators=(",", ":"))
    contents = {"json": np.frombuffer(text.encode(), dtype=np.uint8)}
    contents.update({f"data_{name}": np.concatenate(pieces) for name, pieces in flat.items()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in contents.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array)
            # A fixed date keeps the file's bytes the same when nothing in it has changed.
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", (2020, 1, 1, 0, 0, 0)), buffer.getvalue(), zipfile.ZIP_DEFLATED
            )


class Golden:
    """The contents of a packed golden file: `facts` and, by key, arrays."""

    def __init__(self, name: str, folder: Path = GOLDEN) -> None:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as archive:
            contents = {key: archive[key] for key in archive.files}
        header = json.loads(contents.pop("json").tobytes().decode())
        self.facts: dict[str, Any] = header["facts"]
        self._index: dict[str, list[Any]] = header["index"]
        self._data = contents

    def __contains__(self, key: str) -> bool:
        return key in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __getitem__(self, key: str) -> np.ndarray:
        name, start, shape = self._index[key]
        size = int(np.prod(shape, dtype=np.int64))
        return self._data[f"data_{name}"][start : start + size].reshape(shape)


def numpy_of(value: Any) -> np.ndarray:
    """A NumPy array of a tensor of either library, an array or a number."""
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if hasattr(value, "numpy"):
        return value.numpy()
    return np.asarray(value)


def assert_close(actual: Any, expected: Any, tolerance: float, what: str = "value") -> None:
    """Equal shapes, and the largest difference at most `tolerance` of the largest expected value."""
    actual, expected = numpy_of(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if expected.size == 0:
        return
    actual, expected = actual.astype("float64"), expected.astype("float64")
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], err_msg=what)
    difference = np.abs(actual - expected)[finite]
    scale = max(float(np.abs(expected[finite]).max(initial=0.0)), 1e-3)
    worst = float(difference.max(initial=0.0)) / scale
    assert worst <= tolerance, f"{what}: differs by {worst:.3g} of the largest value, allowed {tolerance:g}"


# Entries of a serialised object that carry no meaning for rebuilding it, or that differ by Keras version.
IGNORED_KEYS = {
    "module",
    "registered_name",
    "build_config",
    "compile_config",
    "keras_version",
    "backend",
    "ragged",
    "sparse",
    "optional",
    "is_legacy_optimizer",
    "jit_compile",
    "fn",
}


def plain(value: Any) -> Any:
    """A config reduced to what it says: no module paths, tuples as lists, NumPy numbers as Python's."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items() if key not in IGNORED_KEYS}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, np.ndarray) and value.ndim:
        return plain(value.tolist())
    if isinstance(value, (np.generic, np.ndarray)):
        return value.item()
    return value


def config_differences(actual: Any, expected: Any, path: str = "config") -> list[str]:
    """The places where two plain configs differ; numbers that float32 cannot tell apart are equal."""
    if isinstance(actual, dict) and isinstance(expected, dict):
        found = [f"{path}: lacks {key!r}" for key in expected if key not in actual]
        found += [f"{path}: has {key!r} too" for key in actual if key not in expected]
        for key in expected:
            if key in actual:
                found += config_differences(actual[key], expected[key], f"{path}.{key}")
        return found
    if isinstance(actual, list) and isinstance(expected, list) and len(actual) == len(expected):
        return [
            line
            for i, pair in enumerate(zip(actual, expected, strict=True))
            for line in config_differences(*pair, f"{path}[{i}]")
        ]
    if isinstance(actual, float) or isinstance(expected, float):
        if isinstance(actual, (int, float)) and isinstance(expected, (int, float)):
            if abs(actual - expected) <= 1e-6 * max(1.0, abs(expected)):
                return []
    return [] if actual == expected else [f"{path}: {actual!r}, expected {expected!r}"]
