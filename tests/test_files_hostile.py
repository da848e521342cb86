"""Hostile and broken files are refused, by an error that says why, and nothing happens before."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hostile_files
import kerastorch as keras

# What Python tells an audit hook about things that loading must not do. `open` is looked at more closely.
FORBIDDEN = (
    *("import", "exec", "compile", "marshal.loads", "pickle.find_class", "os.system", "os.exec", "os.fork"),
    *("os.posix_spawn", "os.spawn", "subprocess.Popen", "socket.", "urllib.Request", "http.client", "ftplib."),
    *("ctypes.", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
    *("shutil.", "webbrowser.", "code.__new__", "function.__new__", "sys.addaudithook", "os.putenv"),
)


# inspect.signature reads the signatures of Python's own methods so.
HARMLESS = "compile b'def foo(self, *args, **kwargs): pass'"


class Watch:
    """Notes what happens while it is on. A hook cannot be taken away again, so there is one."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and (event == "open" or event.startswith(FORBIDDEN)):
            self.seen.append(f"{event} {arguments[0] if arguments else ''}")

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[str]]:
        self.seen, self.on = [], True
        try:
            yield self.seen
        finally:
            self.on = False


watch = Watch()
sys.addaudithook(watch)


@pytest.mark.parametrize("name", hostile_files.TABLE)
def test_a_hostile_file_is_refused_without_effects(name: str, tmp_path: Path) -> None:
    hostile_files.good_files()
    make, texts = hostile_files.TABLE[name]
    path = make(tmp_path)
    (tmp_path / "hostile_module.py").write_text("raise SystemExit('imported')")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        with watch.watching() as seen, pytest.raises(ValueError) as caught:
            keras.models.load_model(path)
    for text in (path.name, *texts):
        assert text in str(caught.value), str(caught.value)
    assert [event for event in seen if event not in (f"open {path}", HARMLESS)] == []
    assert "hostile_module" not in sys.modules


@pytest.mark.parametrize("name", [name for name in hostile_files.TABLE if "lambda" in name and "names" not in name])
def test_safe_mode_none_is_safe(name: str, tmp_path: Path) -> None:
    path = hostile_files.TABLE[name][0](tmp_path)
    with pytest.raises(ValueError, match="byte code|Lambda function"):
        keras.models.load_model(path, safe_mode=None)
