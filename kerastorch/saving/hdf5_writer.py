"""HDF5 files in the classic form, as h5py writes them, from the first byte to the last: also into a zip archive."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
import torch

from kerastorch.core.config import dtype_name
from kerastorch.saving.hdf5_reader import ATTRIBUTE, FLOATS, LAYOUT, NOWHERE, SIGNATURE, SPACE, TABLE, TYPE
from kerastorch.saving.memory import Scratch

_FILL = 5  # the kind of the message that says with what new arrays are filled
_IN_LEAF, _IN_NODE = 8, 32  # how many members, and how many parts, a piece of a group's table has place for
_LEAST_HEAP = 4096
_LARGEST_MESSAGE = 65_528
_SCALAR = bytes((1, 0, 0, 0, 0, 0, 0, 0))
_BOOLEANS = bytes.fromhex("18020000 01000000 10080000 01000000 00000800 46414c5345000000 5452554500000000 0001")


class Array:
    """Numbers to be written: a tensor or a numpy array; bfloat16, which HDF5 does not know, is written as float32."""

    def __init__(self, source: torch.Tensor | np.ndarray) -> None:
        self.source = source
        self.shape = tuple(source.shape)
        name = dtype_name(source.dtype) if isinstance(source, torch.Tensor) else source.dtype.name
        self.dtype = np.dtype("float32" if name == "bfloat16" else name).newbyteorder("<")
        self.bytes = math.prod(self.shape) * self.dtype.itemsize

    def values(self, scratch: Scratch) -> np.ndarray:
        """The numbers in C order; they are good until the next array's are asked for."""
        source = self.source
        if isinstance(source, torch.Tensor):
            source = scratch.in_c_order(source.float() if source.dtype is torch.bfloat16 else source).numpy()
        return np.ascontiguousarray(source, self.dtype)


class Group:
    """Groups and arrays by name, and attributes: texts, or lists of names."""

    def __init__(self) -> None:
        self.attributes: dict[str, str | Sequence[str]] = {}
        self.members: dict[str, Group | Array] = {}

    def group(self, path: str) -> Group:
        """The group at `path`, made where it is missing; ValueError where an array is in the way."""
        found: Group | Array = self
        for part in filter(None, path.split("/")):
            if isinstance(found, Group):
                found = found.members.setdefault(part, Group())
        if not isinstance(found, Group):
            raise ValueError(f"HDF5: expected names that are not the beginning of others; received {path!r} twice.")
        return found

    def put(self, path: str, member: Group | Array) -> None:
        """Put an object at `path`; one object may be at several."""
        above, _, name = path.strip("/").rpartition("/")
        self.group(above).members[name] = member

    def get(self, path: str) -> Group | Array | None:
        """The object at `path`; None where there is none."""
        found: Group | Array | None = self
        for part in filter(None, path.split("/")):
            found = found.members.get(part) if isinstance(found, Group) else None
        return found


class Hdf5Writer:
    """The bytes of a file that holds `root`, planned at once and written without going back."""

    def __init__(self, root: Group) -> None:
        self._pieces: list[bytes | Array] = []
        self.size = 96
        self._links: Counter[int] = Counter()
        self._texts: dict[str, int] = {}
        self._places: dict[int, int] = {}
        self._survey(root)
        self._heap = self._put_texts() if self._texts else NOWHERE
        self._root = self._put_object(root)

    def write(self, file: BinaryIO) -> None:
        """Write everything; arrays are copied one at a time."""
        head = SIGNATURE + struct.pack("<8B HHI", 0, 0, 0, 0, 0, 8, 8, 0, _IN_LEAF // 2, _IN_NODE // 2, 0)
        head += struct.pack("<QQQQ QQII 16x", 0, NOWHERE, self.size, NOWHERE, 0, self._root, 0, 0)
        scratch, small = Scratch(), bytearray(head)  # what is small is written together
        for piece in self._pieces:
            if not isinstance(piece, Array):
                small += piece
                continue
            file.write(small)
            file.write(piece.values(scratch).reshape(-1).view("u1").data)
            small = bytearray(-piece.bytes % 8)
        file.write(small)

    def _survey(self, item: Group | Array) -> None:
        self._links[id(item)] += 1
        if isinstance(item, Array) or self._links[id(item)] > 1:
            return
        for value in item.attributes.values():
            if isinstance(value, str):
                self._texts.setdefault(value, len(self._texts) + 1)
        for member in item.members.values():
            self._survey(member)

    def _put(self, piece: bytes | Array) -> int:
        """The address of the next piece."""
        place = self.size
        if isinstance(piece, bytes):
            piece = _padded(piece)
        length = piece.bytes if isinstance(piece, Array) else len(piece)
        self._pieces.append(piece)
        self.size += length + -length % 8
        return place

    def _put_texts(self) -> int:
        items = [(number, text.encode()) for text, number in self._texts.items()]
        content = b"".join(struct.pack("<HHIQ", number, 0, 0, len(text)) + _padded(text) for number, text in items)
        free = max(_LEAST_HEAP - 16 - len(content), 16)
        content += struct.pack("<HHIQ", 0, 0, 0, free) + bytes(free - 16)
        return self._put(b"GCOL" + struct.pack("<B3xQ", 1, len(content) + 16) + content)

    def _put_object(self, item: Group | Array) -> int:
        if id(item) not in self._places:
            messages = self._array(item) if isinstance(item, Array) else self._group(item)
            body = b"".join(struct.pack("<HHI", kind, len(data), 0) + data for kind, data in messages)
            links = self._links[id(item)]
            header = struct.pack("<BxHII4x", 1, len(messages), links, len(body))
            self._places[id(item)] = self._put(header + body)
        return self._places[id(item)]

    def _array(self, item: Array) -> list[tuple[int, bytes]]:
        place = self._put(item) if item.bytes else NOWHERE
        space = _padded(struct.pack("<BBB5x", 1, len(item.shape), 0) + struct.pack(f"<{len(item.shape)}Q", *item.shape))
        layout = _padded(struct.pack("<BBQQ", 3, 1, place, item.bytes))
        return [
            (SPACE, space),
            (TYPE, _type_of(item.dtype)),
            (_FILL, bytes((2, 2, 2, 1, 0, 0, 0, 0))),
            (LAYOUT, layout),
        ]

    def _group(self, item: Group) -> list[tuple[int, bytes]]:
        members = sorted((name.encode(), member) for name, member in item.members.items())
        places = [self._put_object(member) for _, member in members]
        names, starts = bytearray(8), []
        for name, _ in members:
            starts.append(len(names))
            names += _padded(name + b"\0")
        names += bytes(8)  # HDF5 makes no heap smaller
        heap = self._put(b"HEAP" + struct.pack("<4xQQQ", len(names), 1, self.size + 32) + bytes(names))
        tree = self._put_table(list(zip(starts, places, strict=True)))
        attributes = [(ATTRIBUTE, self._attribute(*entry)) for entry in item.attributes.items()]
        return [(TABLE, struct.pack("<QQ", tree, heap)), *attributes]

    def _put_table(self, symbols: list[tuple[int, int]]) -> int:
        """The tree by which members are found: leaves of symbols, and nodes above until one holds all."""
        parts: list[tuple[int, int]] = []  # the last name of each part, and its address
        for some in _in_parts(symbols, _IN_LEAF):
            entries = b"".join(struct.pack("<QQ24x", *symbol) for symbol in some)
            leaf = b"SNOD" + struct.pack("<BxH", 1, len(some)) + entries.ljust(40 * _IN_LEAF, b"\0")
            parts.append((some[-1][0], self._put(leaf)))
        level = 0
        while True:
            nodes = _in_parts(parts, _IN_NODE) or [[]]
            size, above, first = 24 + 8 * (2 * _IN_NODE + 1), [], 0
            start = self.size
            for number, some in enumerate(nodes):
                left = start + size * (number - 1) if number else NOWHERE
                right = start + size * (number + 1) if number + 1 < len(nodes) else NOWHERE
                keys = struct.pack("<Q", first) + b"".join(struct.pack("<QQ", place, last) for last, place in some)
                first = some[-1][0] if some else 0
                head = b"TREE" + struct.pack("<BBHQQ", 0, level, len(some), left, right)
                above.append((first, self._put((head + keys).ljust(size, b"\0"))))
            if len(nodes) == 1:
                return above[0][1]
            parts, level = above, level + 1

    def _attribute(self, name: str, value: str | Sequence[str]) -> bytes:
        encoded = name.encode() + b"\0"
        if isinstance(value, str):
            # a length, and the place of the text among those of the file
            kind = struct.pack("<4BI 4BI", 0x19, 1, not value.isascii(), 0, 16, 0x10, 0, 0, 0, 1) + bytes((0, 0, 8, 0))
            space = _SCALAR
            data = struct.pack("<IQI", len(value.encode()), self._heap, self._texts[value])
        else:
            texts = [text.encode() for text in value]
            width = max(map(len, texts), default=0) or 1
            kind = struct.pack("<4BI", 0x13, 1, 0, 0, width)
            space = struct.pack("<BBB5xQ", 1, 1, 0, len(texts))
            data = b"".join(text.ljust(width, b"\0") for text in texts)
        head = struct.pack("<BxHHH", 1, len(encoded), len(kind), len(space))
        body = _padded(head + _padded(encoded) + _padded(kind) + _padded(space) + data)
        if len(body) > _LARGEST_MESSAGE:
            raise ValueError(f"HDF5: expected at most 64 kB for attribute {name!r}; received {len(body)} bytes.")
        return body


def _in_parts(items: list[Any], length: int) -> list[list[Any]]:
    return [items[start : start + length] for start in range(0, len(items), length)]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)


def _type_of(dtype: np.dtype) -> bytes:
    bits = 8 * dtype.itemsize
    if dtype.kind == "b":
        return _padded(_BOOLEANS)
    if dtype.kind in "iu":
        return _padded(struct.pack("<4BIHH", 0x10, 8 * (dtype.kind == "i"), 0, 0, dtype.itemsize, 0, bits))
    if dtype.itemsize not in FLOATS or dtype.kind != "f":
        raise ValueError(f"HDF5: expected numbers of at most 64 bits; received {dtype}.")
    exponent = FLOATS[dtype.itemsize]
    return _padded(struct.pack("<4BIHH4BI", 0x11, 0x20, bits - 1, 0, dtype.itemsize, 0, bits, *exponent))
