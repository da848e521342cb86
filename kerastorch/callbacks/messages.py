"""Lines that callbacks print."""

from __future__ import annotations

import sys


def print_message(text: str, end: str = "\n") -> None:
    """Write `text` to the standard output of the moment, which notebooks and tests replace."""
    sys.stdout.write(text + end)
    sys.stdout.flush()
