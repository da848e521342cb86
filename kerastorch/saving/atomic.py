"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`; at the end of the block it becomes `path`, on an error it is removed.

    A reader, or a crash at any moment, meets the old file or the new one. A missing folder is made.
    Raises OSError, and says so, for a folder that cannot be made or written to.
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix)
    except OSError as error:
        text = (
            f"expected a folder that can be written to; received one where it fails ({error.strerror}). Choose another"
        )
        raise type(error)(error.errno, text, str(target)) from error
    os.close(handle)
    temporary = Path(name)
    with contextlib.ExitStack() as on_error:
        on_error.callback(temporary.unlink, missing_ok=True)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes files that only their owner reads; the saved file gets what the process usually gives
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
        on_error.pop_all()
