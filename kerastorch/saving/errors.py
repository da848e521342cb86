"""What is raised for files that cannot be, or must not be, read."""

from __future__ import annotations


class UnsafeFile(ValueError):
    """A file that asks for what no model file needs."""


def damaged(label: str, kind: str, what: object) -> ValueError:
    """For a file of the right kind that is not whole; `label` names it."""
    reason = str(what).splitlines()[0] if str(what) else type(what).__name__
    return ValueError(
        f"{label}: expected a complete {kind}; received one that is cut off or damaged ({reason}). Check that the "
        "download or copy is complete."
    )


def unsafe(label: str, expected: str, received: str) -> UnsafeFile:
    """For a file that does what only a hostile one does."""
    return UnsafeFile(f"{label}: expected {expected}; received {received}. No model file needs this: do not use it.")
