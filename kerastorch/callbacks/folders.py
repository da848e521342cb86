"""Folders that callbacks write into."""

from __future__ import annotations

import os


def make_writable(folder: str, owner: str) -> None:
    """Make `folder` where it is missing; ValueError, naming `owner`, where nothing can be written into it."""
    folder = folder or os.curdir
    reason = "no permission"
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        reason = str(error.strerror)
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise ValueError(
            f"{owner}: expected a folder that can be written; received {folder!r} ({reason}). "
            "Pass a path in a folder that exists or can be created."
        )
