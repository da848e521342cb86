"""`.keras` archives: a zip of metadata.json, config.json and model.weights.h5."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerastorch.saving.hdf5_file import UnsafeFile

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MOST_MEMBERS = 10_000
LARGEST_JSON = 256 << 20
LARGEST_RATIO = 200  # of a packed member that is not small
_SMALL = 1 << 20


class Archive:
    """The members of an archive that is open for reading."""

    def __init__(self, path: Path, members: dict[str, zipfile.ZipInfo], file: zipfile.ZipFile) -> None:
        self.path, self.members, self._file = path, members, file

    def json(self, name: str, label: str) -> Any:
        """A JSON member; ValueError when it is missing or no JSON."""
        info = self.members.get(name)
        if info is None or info.file_size > LARGEST_JSON:
            raise _missing(label, name)
        return parse_json(self._file.read(info), f"{label}: {name}")

    @contextlib.contextmanager
    def weights(self, label: str) -> Iterator[Any]:
        """What h5py opens: a window of the archive where the weights are stored as they are, else a copy."""
        info = self.members.get(WEIGHTS)
        if info is None:
            raise _missing(label, WEIGHTS)
        if info.compress_type == zipfile.ZIP_STORED:
            with self.path.open("rb") as whole:
                yield Window(whole, _start_of_data(whole, info, label), info.file_size)
            return
        with tempfile.TemporaryFile() as copy, self._file.open(info) as packed:
            while chunk := packed.read(1 << 20):
                copy.write(chunk)
            yield copy


class Window(io.RawIOBase):
    """A part of a file, as a file of its own."""

    def __init__(self, whole: Any, start: int, size: int) -> None:
        super().__init__()
        self._whole, self._start, self._size, self._place = whole, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        length = max(min(len(view), self._size - self._place), 0)
        self._whole.seek(self._start + self._place)
        count = self._whole.readinto(view[:length])
        self._place += count
        return count


def _start_of_data(whole: Any, info: zipfile.ZipInfo, label: str) -> int:
    """Where the bytes of a member begin: behind its own header, whose lengths need not be those of the directory."""
    whole.seek(info.header_offset)
    header = whole.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise ValueError(f"{label}: expected a complete archive; received one with a broken header. Copy it again.")
    start = info.header_offset + 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    whole.seek(0, os.SEEK_END)
    if start + info.file_size > whole.tell():
        raise ValueError(f"{label}: expected a complete archive; received one that ends too early. Copy it again.")
    return start


@contextlib.contextmanager
def reading(path: Path, label: str) -> Iterator[Archive]:
    """An archive, checked before anything in it is unpacked."""
    try:
        with zipfile.ZipFile(path) as file:
            yield Archive(path, _checked(file, label), file)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zlib.error, zipfile.LargeZipFile) as error:
        raise ValueError(
            f"{label}: expected a complete .keras archive; received one that cannot be read ({error}). "
            "Check that the download or copy is complete."
        ) from error


def _checked(file: zipfile.ZipFile, label: str) -> dict[str, zipfile.ZipInfo]:
    infos = file.infolist()
    if len(infos) > MOST_MEMBERS:
        raise _unsafe(label, f"at most {MOST_MEMBERS} members", str(len(infos)))
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        parts = name.replace("\\", "/").split("/")
        if name in members:
            raise _unsafe(label, "members with different names", f"{name!r} twice")
        if ".." in parts or name.startswith(("/", "\\")) or ":" in name or "\0" in name:
            raise _unsafe(label, "members inside the archive", repr(name))
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _unsafe(label, "files", f"the link {name!r}")
        if info.file_size > _SMALL and info.file_size > LARGEST_RATIO * max(info.compress_size, 1):
            raise _unsafe(label, f"at most {LARGEST_RATIO} bytes out of one", f"{name!r} with more")
        members[name] = info
    return members


def parse_json(data: str | bytes, label: str) -> Any:
    """The value of a JSON text; ValueError for anything else."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{label}: expected a JSON text; received one that is not ({error}).") from error


def write(path: Path, metadata: Any, config: str, weights: Path) -> None:
    """Put an archive together; the weights file is stored as it is."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(METADATA, json.dumps(metadata))
        file.writestr(CONFIG, config)
        file.write(weights, WEIGHTS)


def _missing(label: str, name: str) -> ValueError:
    return ValueError(
        f"{label}: expected a model archive with {name}; received one without it. Save the model with model.save()."
    )


def _unsafe(label: str, expected: str, received: str) -> UnsafeFile:
    return UnsafeFile(f"{label}: expected {expected}; received {received}. No model archive needs this: do not use it.")
