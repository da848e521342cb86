"""Makes `kerastorch.applications` known: as an attribute, and in a clone from the top-level folder `applications/`."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

NAME = f"{__package__}.applications"
PACKAGE = Path(__file__).resolve().parent
BESIDE = PACKAGE.parent / "applications"


class ApplicationsFinder(importlib.abc.MetaPathFinder):
    """Finds one module, `kerastorch.applications`, in the folder beside the package.

    An entry in `kerastorch.__path__` would find it too, but would make every folder of the clone a
    submodule of the package.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != NAME:
            return None
        return importlib.util.spec_from_file_location(
            NAME, BESIDE / "__init__.py", submodule_search_locations=[str(BESIDE)]
        )


def mount_applications() -> None:
    """Install the finder where the package does not hold the folder itself, as an installed one does."""
    if not (PACKAGE / "applications").is_dir() and BESIDE.is_dir():
        sys.meta_path.append(ApplicationsFinder())


def import_on_demand(name: str) -> ModuleType:
    """`applications` for who asks for it as an attribute: most programs need none of its networks.

    Raises AttributeError for every other name.
    """
    if name != "applications":
        raise AttributeError(f"module '{__package__}' has no attribute {name!r}")
    return importlib.import_module(NAME)
