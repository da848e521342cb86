"""HDF5 files in the classic form that Keras and h5py write, read byte by byte.

HDF5's own library trusts what a file says: damaged bytes can make it run forever or ask for any amount of memory, and
links, external and virtual arrays lead to other files. Here every address is checked against the file, every object is
read once, what is read of structures is bounded by the size of the file, and nothing leads out of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from kerastorch.saving.errors import damaged, unsafe

SIGNATURE = b"\x89HDF\r\n\x1a\n"
NOWHERE = 0xFFFF_FFFF_FFFF_FFFF  # the address of what does not exist
_MOST_AXES = 32
# Kinds of messages in the header of an object
SPACE, NEW_LINKS, TYPE, NEW_LINK, EXTERNAL, LAYOUT, ATTRIBUTE, CONTINUED, TABLE = 1, 2, 3, 6, 7, 8, 12, 16, 17
FLOATS = {  # place of the exponent, its bits, place of the mantissa, its bits, bias
    2: (10, 5, 0, 10, 15),
    4: (23, 8, 0, 23, 127),
    8: (52, 11, 0, 52, 1023),
}


class Cursor:
    """A place in a piece of structure."""

    def __init__(self, data: bytes, label: str) -> None:
        self.data, self.label, self.place = data, label, 0

    @property
    def left(self) -> int:
        return len(self.data) - self.place

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise damaged(self.label, "HDF5 file", "a structure that ends early")
        self.place += length
        return self.data[self.place - length : self.place]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "little")


class Hdf5File:
    """An HDF5 file inside of an open binary file, `size` bytes from `start` on; `root` is its first group."""

    def __init__(self, file: BinaryIO, start: int, size: int, label: str) -> None:
        self.file, self.start, self.size, self.label = file, start, size, label
        # each structure is read once; more than that means that some contain themselves
        self._left = 2 * size + 4096
        self._objects: dict[int, Group | Dataset] = {}
        self._texts: dict[int, dict[int, bytes]] = {}
        head = self.read(0, min(size, 100))
        if head[:8] != SIGNATURE or len(head) < 100:
            raise self.damaged("no HDF5 signature")
        version = head[8]
        if version > 1:
            raise self.unsupported("the form of libver='latest'")
        if head[13:15] != b"\x08\x08":
            raise self.unsupported("addresses of another width than 8 bytes")
        places = Cursor(head[24 + 4 * version :], label)
        base, _, end, _, _, root = (places.number(8) for _ in range(6))
        if base or end > size:
            raise self.damaged(f"{size} bytes of {end}")
        found = self.object(root)
        if not isinstance(found, Group):
            raise self.damaged("no first group")
        self.root = found

    def damaged(self, what: str) -> ValueError:
        return damaged(self.label, "HDF5 file", what)

    def unsupported(self, what: str) -> ValueError:
        return ValueError(
            f"{self.label}: expected HDF5 in the form that Keras writes; received {what}. Read the file with h5py and "
            "write it again with h5py's own defaults."
        )

    def seek(self, address: int, length: int) -> None:
        """Go to bytes that lie inside the file."""
        if not 0 <= address <= self.size - length or length < 0:
            raise self.damaged(f"{length} bytes at {address} of {self.size}")
        self.file.seek(self.start + address)

    def read(self, address: int, length: int) -> bytes:
        """A piece of structure."""
        self._left -= length
        if self._left < 0:
            raise self.damaged("structures that contain themselves")
        self.seek(address, length)
        found = self.file.read(length)
        if len(found) != length:
            raise self.damaged("an early end")
        return found

    def cursor(self, address: int, length: int) -> Cursor:
        return Cursor(self.read(address, length), self.label)

    def object(self, address: int) -> Group | Dataset:
        """The group or array whose header is at `address`; made once."""
        found = self._objects.get(address)
        if found is None:
            messages = list(self._messages(address))
            kind = Group if any(kind == TABLE for kind, _ in messages) else Dataset
            found = self._objects[address] = kind(self, messages)
        return found

    def _messages(self, address: int) -> Iterator[tuple[int, bytes]]:
        head = self.cursor(address, 16)
        if head.data[:4] == b"OHDR":
            raise self.unsupported("groups or arrays in the form of libver='latest'")
        version, _, count, _, length = (head.number(size) for size in (1, 1, 2, 4, 4))
        if version != 1:
            raise self.damaged(f"no object at {address}")
        blocks = [(address + 16, length)]
        for block in blocks:
            inside = self.cursor(*block)
            while count and inside.left >= 8:
                kind, length, flags = inside.number(2), inside.number(2), inside.number(4)
                body = inside.take(length)
                count -= 1
                if kind == CONTINUED:
                    places = Cursor(body, self.label)
                    blocks.append((places.number(8), places.number(8)))
                elif flags & 2:
                    raise self.unsupported("types that several objects share")
                else:
                    yield kind, body

    def text(self, address: int, index: int, length: int) -> bytes:
        """A text that an attribute keeps in a heap."""
        if address not in self._texts:
            head = self.cursor(address, 16)
            mark, _, size = head.take(4), head.take(4), head.number(8)
            if mark != b"GCOL" or size < 16:
                raise self.damaged(f"no text at {address}")
            items = self.cursor(address + 16, size - 16)
            found: dict[int, bytes] = {}
            while items.left >= 16:
                number, _, stored = items.number(2), items.take(6), items.number(8)
                if number == 0:
                    break
                found[number] = items.take(stored)
                items.take(min(-stored % 8, items.left))
            self._texts[address] = found
        text = self._texts[address].get(index, b"") if length else b""
        if len(text) < length:
            raise self.damaged("a missing text")
        return text[:length]


class _Attributes:
    """What a group and an array have in common: attributes by name."""

    def __init__(self, file: Hdf5File, messages: list[tuple[int, bytes]]) -> None:
        self.file = file
        self._attributes: dict[str, tuple[bytes, bytes, bytes]] = {}
        for kind, body in messages:
            if kind == ATTRIBUTE:
                self._note_attribute(Cursor(body, file.label))

    def _note_attribute(self, body: Cursor) -> None:
        version, flags, *lengths = (body.number(size) for size in (1, 1, 2, 2, 2))
        if not 1 <= version <= 3 or (flags and version > 1):
            raise self.file.unsupported("attributes of a later form")
        body.take(version == 3)
        parts = []
        for length in lengths:
            parts.append(body.take(length))
            body.take(min(-length % 8, body.left) if version == 1 else 0)
        name = parts[0].rstrip(b"\0").decode(errors="replace")
        self._attributes[name] = (parts[1], parts[2], body.take(body.left))

    def __contains__(self, name: str) -> bool:
        return name in self._attributes

    def attribute(self, name: str) -> Any:
        """The value of an attribute: text, a list of texts, or an array of numbers; None where there is none."""
        if name not in self._attributes:
            return None
        kind, space, data = self._attributes[name]
        shape, dtype = _shape(Cursor(space, self.file.label)), _Type(Cursor(kind, self.file.label))
        count = math.prod(shape)
        values = Cursor(data, self.file.label)
        if dtype.numbers is not None:
            found = np.frombuffer(values.take(count * dtype.size), dtype.numbers)
            return found.reshape(shape)
        if not dtype.is_text or count * dtype.size > values.left:
            raise unsafe(self.file.label, f"text or numbers as attribute {name!r}", "something else")
        texts = [self._text(values.take(dtype.size), dtype.elsewhere, name) for _ in range(count)]
        return texts if shape else texts[0]

    def _text(self, data: bytes, elsewhere: bool, name: str) -> str:
        if elsewhere:
            place = Cursor(data, self.file.label)
            length, address, index = place.number(4), place.number(8), place.number(4)
            data = self.file.text(address, index, length)
        try:
            return data.rstrip(b"\0").decode()
        except UnicodeDecodeError as error:
            raise self.file.damaged(f"attribute {name!r} is no text") from error


class Group(_Attributes):
    """Groups and arrays by name."""

    def __init__(self, file: Hdf5File, messages: list[tuple[int, bytes]]) -> None:
        super().__init__(file, messages)
        self._table = next(body for kind, body in messages if kind == TABLE)
        self._places: dict[str, int] | None = None

    @property
    def places(self) -> dict[str, int]:
        """The address of every object inside, by name."""
        if self._places is None:
            table = Cursor(self._table, self.file.label)
            tree, heap = table.number(8), table.number(8)
            head = self.file.cursor(heap, 32)
            mark, _, size, _, start = head.take(4), head.take(4), head.number(8), head.number(8), head.number(8)
            if mark != b"HEAP":
                raise self.file.damaged("a group without names")
            names = self.file.read(start, size)
            self._places = dict(self._entries(tree, names, None))
        return self._places

    def _entries(self, address: int, names: bytes, level: int | None) -> Iterator[tuple[str, int]]:
        head = self.file.cursor(address, 8)
        mark = head.take(4)
        if mark == b"SNOD" and level in (0, None):
            head.take(2)
            yield from self._symbols(address + 8, head.number(2), names)
            return
        kind, own_level, count = head.number(1), head.number(1), head.number(2)
        if mark != b"TREE" or kind or (level is not None and own_level != level - 1):
            raise self.file.damaged("a group without members")
        inside = self.file.cursor(address + 24, 16 * count)
        for _ in range(count):
            inside.take(8)
            yield from self._entries(inside.number(8), names, own_level)

    def _symbols(self, address: int, count: int, names: bytes) -> Iterator[tuple[str, int]]:
        symbols = self.file.cursor(address, 40 * count)
        for _ in range(count):
            start, place, kind, _ = symbols.number(8), symbols.number(8), symbols.number(4), symbols.take(20)
            end = names.find(b"\0", start)
            if start >= len(names) or end < 0:
                raise self.file.damaged("a name that is missing")
            name = names[start:end].decode(errors="replace")
            if kind == 2 or place == NOWHERE:
                raise unsafe(self.file.label, "groups and arrays", f"a link at {name!r}")
            yield name, place

    def get(self, name: str) -> Group | Dataset | None:
        """The object called `name`; None where there is none."""
        place = self.places.get(name)
        return None if place is None else self.file.object(place)


class Dataset(_Attributes):
    """An array: `shape`, `dtype` (None for what are no numbers), and the numbers themselves."""

    def __init__(self, file: Hdf5File, messages: list[tuple[int, bytes]]) -> None:
        super().__init__(file, messages)
        kinds = {kind: Cursor(body, file.label) for kind, body in messages}
        if NEW_LINKS in kinds or NEW_LINK in kinds:
            raise file.unsupported("a group with links to other files, or in the form of libver='latest'")
        if EXTERNAL in kinds:
            raise unsafe(file.label, "arrays inside the file", "external storage")
        if not kinds.keys() >= {SPACE, TYPE, LAYOUT}:
            raise file.damaged("an object that is neither a group nor an array")
        self.shape = _shape(kinds[SPACE])
        kind = _Type(kinds[TYPE])
        self.is_bfloat16 = kind.is_opaque and kind.size == 2 and self.attribute("dtype") == "bfloat16"
        self.dtype = np.dtype("<u2") if self.is_bfloat16 else kind.numbers
        self._place = self._find(kinds[LAYOUT], math.prod(self.shape) * kind.size)

    def _find(self, layout: Cursor, size: int) -> int | bytes:
        version, kind = layout.number(1), layout.number(1)
        if version == 4 and kind == 3:
            raise unsafe(self.file.label, "arrays inside the file", "a virtual array")
        if version not in (3, 4) or kind > 1:
            raise self.file.unsupported("arrays in chunks, as compression makes them")
        if kind == 0:
            found = layout.take(layout.number(2))
            if len(found) < size:
                raise self.file.damaged(f"an array of {len(found)} bytes of {size}")
            return found
        place, stored = layout.number(8), layout.number(8)
        if size and (stored < size or place == NOWHERE):
            raise self.file.damaged(f"an array of {0 if place == NOWHERE else stored} bytes of {size}")
        if size:
            self.file.seek(place, size)
        return place if size else b""

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes_in_file(self) -> int:
        return 0 if isinstance(self._place, bytes) or self.dtype is None else self.size * self.dtype.itemsize

    def read_into(self, target: np.ndarray) -> None:
        """Put the numbers into an array of this size, in C order and of the same type."""
        view = memoryview(target).cast("B")
        if isinstance(self._place, bytes):
            view[:] = self._place[: len(view)]
            return
        self.file.seek(self._place, len(view))
        if self.file.file.readinto(view) != len(view):
            raise self.file.damaged("an early end")

    def read(self) -> np.ndarray:
        """The numbers; bfloat16, which numpy does not know, as float32."""
        found = np.empty(self.shape, self.dtype)
        if found.size:
            self.read_into(found)
        if self.is_bfloat16:
            return (found.astype("<u4") << 16).view("<f4")
        return found.astype(found.dtype.newbyteorder("="), copy=False)


class _Type:
    """The type of the elements of an array or attribute."""

    def __init__(self, body: Cursor) -> None:
        kind, bits, self.size = body.number(1) & 15, body.number(3), body.number(4)
        self.numbers: np.dtype | None = None
        self.elsewhere = kind == 9 and bits & 15 == 1 and self.size == 16
        self.is_text = kind == 3 or self.elsewhere
        self.is_opaque = kind == 5
        order = ">" if bits & 1 else "<"
        if kind == 0 and self.size in (1, 2, 4, 8):
            self.numbers = np.dtype(f"{order}{'i' if bits & 8 else 'u'}{self.size}")
        elif kind == 1 and self.size in FLOATS:
            place, precision = body.number(2), body.number(2)
            layout = tuple(body.number(1) for _ in range(4)) + (body.number(4),)
            if not place and precision == 8 * self.size and layout == FLOATS[self.size] and not bits & 0x40:
                self.numbers = np.dtype(f"{order}f{self.size}")
        elif kind == 8 and self.size == 1:  # h5py's booleans are an enumeration
            self.numbers = np.dtype("bool")


def _shape(body: Cursor) -> tuple[int, ...]:
    version, rank, flags, kind = (body.number(1) for _ in range(4))
    if version not in (1, 2) or rank > _MOST_AXES:
        raise damaged(body.label, "HDF5 file", "an array without a shape")
    body.take(4 if version == 1 else 0)
    if version == 2 and kind == 2:
        return (0,)
    return tuple(body.number(8) for _ in range(rank))
