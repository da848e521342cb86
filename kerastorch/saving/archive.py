"""`.keras` archives: a zip of metadata.json, config.json and model.weights.h5."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kerastorch.saving.errors import damaged, unsafe
from kerastorch.saving.hdf5_reader import Group, Hdf5File
from kerastorch.saving.hdf5_writer import Hdf5Writer

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
MOST_MEMBERS = 10_000
LARGEST_RATIO = 200  # of a packed member that is not small
LARGEST_JSON = 64 << 20
MOST_VALUES = 4_000_000  # in a JSON text: each takes a hundred bytes of memory or so
_SMALL = 1 << 20
_ENCRYPTED = 1
# What Python's zipfile may raise for bytes that are no zip; the file itself is open by then.
BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError)


class Archive:
    """The members of an archive that is open for reading."""

    def __init__(self, members: dict[str, zipfile.ZipInfo], file: zipfile.ZipFile, label: str) -> None:
        self.members, self._file, self._label = members, file, label

    def json(self, name: str) -> Any:
        """A JSON member; ValueError when it is missing or no JSON."""
        info = self.members.get(name)
        if info is None:
            raise self._missing(name)
        if info.file_size > LARGEST_JSON:
            raise unsafe(self._label, f"at most {LARGEST_JSON >> 20} MB of {name}", f"{info.file_size >> 20} MB")
        return parse_json(read_member(self._file, info), f"{self._label}: {name}")

    def text(self, name: str) -> str | None:
        """A member that is a text; None where there is none."""
        info = self.members.get(name)
        if info is None:
            return None
        if info.file_size > LARGEST_JSON:
            raise unsafe(self._label, f"at most {LARGEST_JSON >> 20} MB of {name}", f"{info.file_size >> 20} MB")
        return read_member(self._file, info).decode("utf-8", "replace")

    @contextlib.contextmanager
    def weights(self) -> Iterator[Group]:
        """The first group of the weights: in the archive where they are stored as they are, else in a copy."""
        info = self.members.get(WEIGHTS)
        if info is None:
            raise self._missing(WEIGHTS)
        if info.compress_type == zipfile.ZIP_STORED:
            whole = self._file.fp
            yield Hdf5File(whole, self._start_of_data(whole, info), info.file_size, self._label).root
            return
        with tempfile.TemporaryFile() as copy:
            with self._file.open(info) as packed:
                while chunk := packed.read(1 << 20):
                    copy.write(chunk)
            yield Hdf5File(copy, 0, info.file_size, self._label).root

    def _start_of_data(self, whole: Any, info: zipfile.ZipInfo) -> int:
        """Where a member begins: behind its own header, whose lengths need not be those of the directory."""
        whole.seek(info.header_offset)
        header = whole.read(30)
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise damaged(self._label, _KIND, "a broken header")
        start = info.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
        if start + info.file_size > whole.seek(0, os.SEEK_END):
            raise damaged(self._label, _KIND, "an early end")
        return start

    def _missing(self, name: str) -> ValueError:
        return ValueError(
            f"{self._label}: expected a model archive with {name}; received one without it. Save the model with "
            "model.save()."
        )


_KIND = ".keras archive"


@contextlib.contextmanager
def reading(path: Path, label: str) -> Iterator[Archive]:
    """An archive, checked before anything in it is unpacked."""
    with path.open("rb") as opened:
        try:
            with zipfile.ZipFile(opened) as file:
                yield Archive(checked_members(file, label), file, label)
        except BROKEN as error:
            raise damaged(label, _KIND, error) from error


def checked_members(file: zipfile.ZipFile, label: str) -> dict[str, zipfile.ZipInfo]:
    """The members of a zip by name; UnsafeFile where one would be dangerous to unpack."""
    infos = file.infolist()
    if len(infos) > MOST_MEMBERS:
        raise unsafe(label, f"at most {MOST_MEMBERS} members", str(len(infos)))
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        if name in members:
            raise unsafe(label, "members with different names", f"{name!r} twice")
        if ".." in name.replace("\\", "/").split("/") or name.startswith(("/", "\\")) or ":" in name or "\0" in name:
            raise unsafe(label, "members inside the archive", repr(name))
        if stat.S_ISLNK(info.external_attr >> 16):
            raise unsafe(label, "files", f"the link {name!r}")
        if info.flag_bits & _ENCRYPTED:
            raise unsafe(label, "members without a password", f"the encrypted {name!r}")
        if info.file_size > _SMALL and info.file_size > LARGEST_RATIO * info.compress_size:
            raise unsafe(label, f"at most {LARGEST_RATIO} bytes out of one", f"{name!r} with more")
        if info.header_offset + info.compress_size > file.start_dir:
            raise damaged(label, _KIND, f"{name!r} of {info.compress_size} bytes")
        members[name] = info
    return members


def read_member(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A member, and no more bytes than its entry says: ZipFile.read unpacks whatever is there."""
    with file.open(info) as packed:
        return packed.read(info.file_size)


def parse_json(data: str | bytes, label: str) -> Any:
    """The value of a JSON text; ValueError for anything else, and for more values than a config can have."""
    kinds = ("[", "{", ",") if isinstance(data, str) else (b"[", b"{", b",")
    if len(data) > LARGEST_JSON or sum(map(data.count, kinds)) > MOST_VALUES:
        raise unsafe(label, f"a config of at most {LARGEST_JSON >> 20} MB and {MOST_VALUES} values", "a larger one")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{label}: expected a JSON text; received one that is not ({error}).") from error


def write(path: Path, metadata: Any, config: str, weights: Hdf5Writer) -> None:
    """Put an archive together; the weights are stored as they are."""
    # unbuffered, since the weights are written in large pieces
    with path.open("wb", buffering=0) as opened, zipfile.ZipFile(opened, "w") as file:
        file.writestr(METADATA, json.dumps(metadata))
        file.writestr(CONFIG, config)
        with file.open(WEIGHTS, "w", force_zip64=weights.size >= zipfile.ZIP64_LIMIT) as member:
            weights.write(member)
