"""The cache of downloaded files: found in its usual places, else fetched whole, checked and unpacked."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

KERAS_FILES = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
PATIENCE = 30.0  # seconds without a byte after which a download has failed
CHUNK = 1 << 16
ATTEMPTS = 3  # connections in all, for one file


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
) -> str:
    """The path of a file from the URL `origin`, downloaded unless the cache `~/.keras` has it.

    `untar=True` unpacks '<fname>.tar.gz' and gives the folder `fname`; `extract=True` unpacks a tar or zip
    file beside itself and gives the path of the archive. `KERAS_HOME` or `cache_dir` name another cache.
    Raises FileNotFoundError where no copy is found and the download fails; ValueError for a download with
    the wrong hash and for an archive with members outside its folder. Neither leaves a file behind.

    >>> get_file("flowers", origin="https://example.com/flowers.tgz", untar=True)  # doctest: +SKIP
    '/home/me/.keras/datasets/flowers'
    """
    if origin is None:
        raise ValueError("get_file: expected `origin`, the URL of the file; received None. Pass origin='https://...'.")
    name = os.fspath(fname) if fname else Path(urlsplit(origin).path).name
    if not name:
        raise ValueError(
            f"get_file: expected a file name at the end of `origin`; received {origin!r}. Pass `fname` too."
        )
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"

    folders = cache_folders(cache_dir, cache_subdir)
    if untar:
        name = name.removesuffix(".tar.gz")
        unpacked = next((folder / name for folder in folders if (folder / name).exists()), folders[-1] / name)
        if not unpacked.exists():
            archive = find_or_download(f"{name}.tar.gz", origin, folders, file_hash, hash_algorithm)
            extract_archive(archive, folders[-1], "tar")
        return str(unpacked)

    found = find_or_download(name, origin, folders, file_hash, hash_algorithm)
    if extract:
        extract_archive(found, folders[-1], archive_format)
    return str(found)


def cache_folders(
    cache_dir: str | os.PathLike[str] | None = None, cache_subdir: str | os.PathLike[str] = "datasets"
) -> list[Path]:
    """The folders that may hold a cached file; new files go to the last one, which is writable."""
    home = Path(cache_dir or os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    standing = next(folder for folder in (home, *home.parents) if folder.exists())
    homes = [home] if os.access(standing, os.W_OK) else [home, Path(tempfile.gettempdir(), ".keras")]
    return [folder / cache_subdir for folder in homes]


def find_or_download(
    name: str,
    origin: str,
    folders: Sequence[Path],
    file_hash: str | None = None,
    hash_algorithm: str = "auto",
    also_in: Sequence[Path] = (),
) -> Path:
    """The first sound copy of `name` in `folders` or `also_in`, else a download to the last of `folders`."""
    missed = []
    for path in (folder / name for folder in (*folders, *also_in)):
        if not path.is_file():
            missed.append(f"{path} (no such file)")
        elif file_hash is None or validate_file(path, file_hash, hash_algorithm):
            return path
        else:
            missed.append(f"{path} (not the file with the hash {file_hash})")
            sys.stdout.write(f"{path} is incomplete or outdated: its hash is not {file_hash}.\n")
    target = folders[-1] / name
    try:
        download(origin, target, file_hash, hash_algorithm)
    except (OSError, http.client.HTTPException) as error:
        raise FileNotFoundError(
            f"File '{name}': expected a copy at {' or '.join(missed)}; received none, and the download from "
            f"{origin} failed: {error}. Put a copy of the file at {target}, or call again with a network "
            "connection."
        ) from error
    return target


def download(origin: str, target: Path, file_hash: str | None = None, hash_algorithm: str = "auto") -> None:
    """Fetch the URL `origin` into `target`, which appears only when it is complete and has the hash."""
    sys.stdout.write(f"Downloading data from {origin}\n")
    target.parent.mkdir(parents=True, exist_ok=True)
    # Written in a folder beside the target, so that the rename stays in one file system and is atomic;
    # whatever ends the download, the folder goes.
    with tempfile.TemporaryDirectory(prefix=".download-", dir=target.parent) as folder:
        part = Path(folder, "part")
        part.touch()
        _fetch(origin, part)
        if _is_web_page(part) and target.suffix not in (".html", ".htm"):
            raise ConnectionError("a web page arrived in place of the file")
        if file_hash is not None and not validate_file(part, file_hash, hash_algorithm):
            found = _hash(part, file_hash, hash_algorithm)
            raise ValueError(
                f"File '{target.name}': expected the hash {file_hash}; received a download from {origin} "
                f"with the hash {found}. Call again, or pass the hash of the file that you want."
            )
        os.replace(part, target)


def _fetch(origin: str, part: Path) -> None:
    """All bytes of the URL; a transfer that breaks off goes on where it stopped."""
    for attempt in range(1, ATTEMPTS + 1):
        before = part.stat().st_size
        try:
            total = _transfer(origin, part)
            received = part.stat().st_size
            if total is None or received == total:
                return
            raise ConnectionError(f"{received} of {total} bytes arrived")
        except (OSError, http.client.HTTPException) as error:
            if hasattr(error, "close"):
                error.close()  # an answer such as 404 holds the connection
            # a server that gave nothing is not asked again
            if attempt == ATTEMPTS or part.stat().st_size <= before:
                raise


def _transfer(origin: str, part: Path) -> int | None:
    """One connection, from the bytes that `part` has on; the size of the whole file where the server tells it."""
    import urllib.request

    start = part.stat().st_size
    request = urllib.request.Request(origin, headers={"Range": f"bytes={start}-"}) if start else origin
    with urllib.request.urlopen(request, timeout=PATIENCE) as response, part.open("ab") as file:
        if start and getattr(response, "status", None) != http.client.PARTIAL_CONTENT:
            start = file.truncate(0)
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        progress = _Progress(total)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            progress.show(file.tell())
        progress.close()
    return total


def _is_web_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(256).lstrip().lower().startswith((b"<!doctype html", b"<html"))


class _Progress:
    """One redrawn line with the bytes that have arrived, on a terminal; nothing anywhere else."""

    WIDTH = 30
    SECONDS_BETWEEN = 0.1

    def __init__(self, total: int | None) -> None:
        self.total = total
        self.visible = sys.stdout.isatty()
        self.next_time = 0.0
        self.line = ""

    def show(self, received: int) -> None:
        if not self.visible or (time.monotonic() < self.next_time and received != self.total):
            return
        self.next_time = time.monotonic() + self.SECONDS_BETWEEN
        if self.total:
            done = min(self.WIDTH, self.WIDTH * received // self.total)
            self.line = f"{received}/{self.total} [{'=' * done:.<{self.WIDTH}}]"
        else:
            self.line = f"{received} bytes"
        sys.stdout.write(f"\r{self.line}")
        sys.stdout.flush()

    def close(self) -> None:
        if self.line:
            sys.stdout.write("\n")


def validate_file(path: str | os.PathLike[str], file_hash: str, algorithm: str = "auto") -> bool:
    """Whether a file has an MD5 or SHA-256 hash; 'auto' tells them apart by their length.

    >>> validate_file(os.devnull, "d41d8cd98f00b204e9800998ecf8427e")
    True
    """
    return _hash(Path(path), file_hash, algorithm) == file_hash.lower()


def _hash(path: Path, file_hash: str, algorithm: str) -> str:
    if algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(f"hash_algorithm: expected 'auto', 'md5' or 'sha256'; received {algorithm!r}.")
    if algorithm == "auto":
        algorithm = "sha256" if len(file_hash) == 64 else "md5"
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def extract_archive(
    file_path: str | os.PathLike[str],
    path: str | os.PathLike[str] = ".",
    archive_format: str | Sequence[str] | None = "auto",
) -> bool:
    """Unpack a tar or zip file into the folder `path`; whether it was one of the formats asked for.

    Raises ValueError for a member that would land outside the folder, for a device and for a link to a
    folder; nothing is unpacked then.
    """
    if archive_format == "auto":
        archive_format = tuple(_ARCHIVES)
    formats = (archive_format,) if isinstance(archive_format, str) else archive_format or ()
    for kind in formats:
        if kind not in _ARCHIVES:
            raise ValueError(f"archive_format: expected 'auto', 'tar', 'zip' or None; received {kind!r}.")
        matches, members = _ARCHIVES[kind]
        if matches(file_path):
            _unpack(Path(file_path), Path(path), members(Path(file_path)))
            return True
    return False


def _unpack(archive: Path, folder: Path, members: Iterator[tuple[str, IO[bytes] | None]]) -> None:
    """Write the members to a folder aside, then move them: an interrupted run leaves no half of a file."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".extract-", dir=folder) as aside:
        inside = Path(aside).resolve()
        for name, content in members:
            target = (inside / name).resolve()
            if not target.is_relative_to(inside):
                raise ValueError(
                    f"Archive '{archive.name}': expected members inside the folder it is unpacked to; "
                    f"received '{name}'. Nothing was unpacked; do not use this file."
                )
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                while chunk := content.read(CHUNK):
                    file.write(chunk)
        _move_entries(inside, folder)


def _move_entries(source: Path, folder: Path) -> None:
    for entry in source.iterdir():
        target = folder / entry.name
        if entry.is_dir() and target.is_dir():
            _move_entries(entry, target)
        else:
            os.replace(entry, target)


def _tar_members(path: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Name and content of each member, None for a folder.

    A link comes as the content of the member it points to: no link is ever written to the disk, so none
    can lead a later member out of the folder.
    """
    with tarfile.open(path) as archive:
        for member in archive:
            try:
                content = None if member.isdir() else archive.extractfile(member)
            except KeyError as error:
                raise ValueError(
                    f"Archive '{path.name}': expected links to files in it; received '{member.name}', which leads to "
                    f"'{member.linkname}'. Nothing was unpacked; do not use this file."
                ) from error
            if content is None and not member.isdir():
                raise ValueError(
                    f"Archive '{path.name}': expected files, folders and links to files; received "
                    f"'{member.name}', which is none of these. Unpack it by other means, if you trust it."
                )
            yield member.name, content


def _zip_members(path: Path) -> Iterator[tuple[str, IO[bytes] | None]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            yield member.filename, None if member.is_dir() else archive.open(member)


_ARCHIVES = {"tar": (tarfile.is_tarfile, _tar_members), "zip": (zipfile.is_zipfile, _zip_members)}
