"""Time and memory of kerastorch beside hand-written PyTorch and other libraries.

A suite is a package here with a function `cases(quick)` and a module of jobs for each kind of contender
(`hand`, `keras_like`, `lightning_module`); a job that a module lacks leaves its contenders out of the case.
"""

from __future__ import annotations

import importlib
import pkgutil

from benchmarks.cases import Case


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg)


def load(name: str, quick: bool) -> tuple[str, list[Case]]:
    """Return the package of a suite and its cases."""
    package = f"{__name__}.{name}"
    return package, importlib.import_module(package).cases(quick)
