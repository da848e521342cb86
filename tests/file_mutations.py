"""Damaged model files: a file of tf_keras, Keras 3 or ours, changed at places that a seed chooses."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import h5py

# What a value in a config may become: wrong kinds, wrong signs, sizes that no memory holds, names of other things.
VALUES: list[Any] = [
    *(None, True, False, -1, 0, 1, 2, 3, 7, 1.5, -0.0, float("nan"), float("inf"), 1e308),
    *(255, 10**5, 2**31 - 1, 2**31, 10**9, 2**63 - 1, 2**63, 10**18, 10**30, -(10**9), -(10**18)),
    *("", "x", "\0", "../x", "/etc/passwd", "os.system", "relu", "float64", "int8", "string", "Dense", "Lambda"),
    *("LSTM", "AUC", "MeanIoU", "Functional", "Sequential", "TorchOp", "TFSMLayer", "__class__", "x" * 5000),
    *([], {}, [[]], [None], [1, 2], [-1], [10**9, 10**9], [None, 10**9], ["a", 0, 0, {}], [["a", 0, 0]]),
    {"class_name": "Dense", "config": {"units": 10**9}},
    {"class_name": "__tuple__", "items": [1, 2]},
    {"class_name": "__numpy__", "config": {"value": [1], "dtype": "S1000000000"}},
    {"class_name": "__lambda__", "config": {"code": "AAAA", "defaults": None, "closure": None}},
    {"class_name": "function", "config": "system", "module": "os", "registered_name": "function"},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every value inside a JSON value."""
    found = [path] if path else []
    if isinstance(value, dict):
        return found + [place for key, item in value.items() for place in places(item, (*path, key))]
    if isinstance(value, list):
        return found + [place for i, item in enumerate(value) for place in places(item, (*path, i))]
    return found


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def change_json(text: str | bytes, random: random.Random) -> str:
    """The text with one to three values changed."""
    value = json.loads(text)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        paths = places(value)
        if not paths:
            break
        *above, last = random.choice(paths)
        parent = at(value, tuple(above))
        kind = random.randrange(10)
        if kind < 5:
            parent[last] = random.choice(VALUES)
        elif kind == 5:
            del parent[last]
        elif kind == 6:
            parent[last] = at(value, random.choice(paths))  # a config may come to contain itself: no JSON then
        elif kind == 7:
            parent[last] = [parent[last]]
        elif kind == 8 and isinstance(parent, dict):
            parent[random.choice(("units", "name", "class_name", "config", "layers", "x"))] = parent.pop(last)
        elif isinstance(parent, list):
            parent.insert(random.randrange(len(parent) + 1), parent[last])
        try:
            json.dumps(value)
        except (ValueError, RecursionError):
            return json.dumps(VALUES[random.randrange(len(VALUES))])
        value = json.loads(json.dumps(value))
    return json.dumps(value)


def change_bytes(data: bytes, random: random.Random) -> bytes:
    """Bytes flipped or overwritten, a part cut off, left out, repeated, or swapped with another."""
    changed = bytearray(data)
    if not changed:
        return data
    kind = random.randrange(8)
    if kind < 4:
        for _ in range(random.choice((1, 1, 2, 4, 8, 32))):
            changed[random.randrange(len(changed))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
    elif kind == 4:
        del changed[random.randrange(len(changed)) :]
    elif kind == 5:
        start = random.randrange(len(changed))
        del changed[start : start + random.randrange(1, 200)]
    elif kind == 6:
        start, target, length = random.randrange(len(data)), random.randrange(len(data)), random.randrange(1, 512)
        changed[target : target + length] = data[start : start + length]
    else:
        length = random.choice((1, 2, 4, 8, 8, 8))
        start = random.randrange(len(data)) & ~7
        changed[start : start + length] = random.getrandbits(8 * length).to_bytes(length, "little")
    return bytes(changed)


def change_archive(data: bytes, random: random.Random) -> bytes:
    """A zip with one member changed, and all checksums right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(members))
    if name.endswith(".json"):
        members[name] = change_json(members[name], random).encode()
    elif name.endswith(".h5"):
        members[name] = change_hdf5(members[name], random)
    else:
        members[name] = change_bytes(members[name], random)
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return result.getvalue()


def change_hdf5(data: bytes, random: random.Random) -> bytes:
    """A JSON attribute changed by HDF5 itself, a group or array deleted or moved, or bytes changed."""
    if random.randrange(3) == 0:
        return change_bytes(data, random)
    result = io.BytesIO(data)
    with h5py.File(result, "r+") as file:
        texts = [key for key in ("model_config", "training_config") if key in file.attrs]
        if texts and random.randrange(4):
            key = random.choice(texts)
            text = file.attrs[key]
            file.attrs[key] = change_json(text, random)
            return result.getvalue()
        names: list[str] = []
        file.visit(names.append)
        name = random.choice(names)
        kind = random.randrange(4)
        if kind == 0:
            del file[name]
        elif kind == 1:
            file.move(name, f"{random.choice(names)}_moved")
        elif kind == 2:
            other = random.choice(names)
            del file[name]
            if other in file:
                file[name] = file[other]  # a group may come to contain itself
        else:
            del file[name]
            file[name] = random.choice(([1.0], [[1]], "text", b"bytes", True, [[[]]]))
    return result.getvalue()


def change_safetensors(data: bytes, random: random.Random) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = change_json(data[8 : 8 + length], random).encode()
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


BY_SUFFIX: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "keras": change_archive,
    "h5": change_hdf5,
    "safetensors": change_safetensors,
    "pt": change_archive,
}


def mutate(name: str, data: bytes, seed: int) -> bytes:
    """One damaged file; half of them inside of what is a correct zip or HDF5 file."""
    generator = random.Random(seed)
    if generator.randrange(2):
        return change_bytes(data, generator)
    try:
        return BY_SUFFIX[name.rpartition(".")[2]](data, generator)
    except (OSError, RuntimeError, KeyError, ValueError):  # HDF5 refuses some of these changes
        return change_bytes(data, generator)
