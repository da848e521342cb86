"""get_file against a server on this machine: archives that want out, broken transfers, wrong hashes."""

from __future__ import annotations

import hashlib
import io
import stat
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kerastorch.utils import get_file


def tar_of(*members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, kind, link, content in (("data/good.txt", tarfile.REGTYPE, "", b"good"), *members):
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, link, len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(name, content=b"bad", mode=0o644):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data/good.txt", b"good")
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, content)
    return buffer.getvalue()


FILES = {
    "up.tar.gz": tar_of(("../out.txt", tarfile.REGTYPE, "", b"bad")),
    "absolute.tar.gz": tar_of(("/tmp/out.txt", tarfile.REGTYPE, "", b"bad")),
    "device.tar.gz": tar_of(("null", tarfile.CHRTYPE, "", b"")),
    "pipe.tar.gz": tar_of(("pipe", tarfile.FIFOTYPE, "", b"")),
    "link_out.tar.gz": tar_of(
        ("way", tarfile.SYMTYPE, "../../../etc", b""), ("way/passwd", tarfile.REGTYPE, "", b"bad")
    ),
    "hard_link.tar.gz": tar_of(("shadow", tarfile.LNKTYPE, "/etc/shadow", b"")),
    "up.zip": zip_of("../out.txt"),
    "absolute.zip": zip_of("/tmp/out.txt"),
    "good.tar.gz": tar_of(("data/copy.txt", tarfile.SYMTYPE, "good.txt", b"")),
    "linked.zip": zip_of("data/link", b"/etc/passwd", stat.S_IFLNK | 0o777),
    "words.txt": b"one two three",
}


class Server(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rpartition("/")[2]
        short = "short" in self.path
        if name not in FILES:
            self.send_error(404, "no such file")
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(FILES[name]) + 100 * short))
        self.end_headers()
        self.wfile.write(FILES[name])

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("good.tar.gz", "linked.zip", "words.txt")])
def test_archives_that_want_out_are_refused(address, tmp_path, name):
    with pytest.raises(ValueError, match=f"^Archive '{name}': expected "):
        get_file(name, f"{address}/{name}", extract=True, cache_dir=tmp_path / "a" / "cache")
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == [f"a/cache/datasets/{name}"]  # nothing was unpacked, inside or outside


def test_links_come_as_what_they_point_to_or_as_plain_files(address, tmp_path):
    get_file("good.tar.gz", f"{address}/good.tar.gz", extract=True, cache_dir=tmp_path)
    get_file("linked.zip", f"{address}/linked.zip", extract=True, cache_dir=tmp_path)
    folder = tmp_path / "datasets" / "data"
    assert (folder / "copy.txt").read_bytes() == b"good"
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert (folder / "link").read_bytes() == b"/etc/passwd"


def test_the_hash_of_what_arrived_is_checked(address, tmp_path):
    good = hashlib.sha256(FILES["words.txt"]).hexdigest()
    path = get_file(origin=f"{address}/words.txt", cache_dir=tmp_path, cache_subdir="texts", file_hash=good)
    assert path == str(tmp_path / "texts" / "words.txt")
    with pytest.raises(ValueError, match=f"File 'other.txt': expected the hash {'0' * 64}; received a download"):
        get_file("other.txt", f"{address}/words.txt", file_hash="0" * 64, cache_dir=tmp_path)
    assert not any((tmp_path / "datasets").iterdir())


@pytest.mark.parametrize(("path", "text"), [("short/words.txt", "13 of 113 bytes|IncompleteRead"), ("no.txt", "404")])
def test_short_and_missing_downloads_leave_nothing(address, tmp_path, path, text):
    with pytest.raises(FileNotFoundError, match=rf"File '\w+.txt': expected a copy .*({text})"):
        get_file(origin=f"{address}/{path}", cache_dir=tmp_path)
    assert not any((tmp_path / "datasets").iterdir())
