"""Forward and backward of one layer at a time against the plain torch module, and recurrent networks in `fit`."""

from __future__ import annotations

from benchmarks.cases import Case, Target
from benchmarks.suites.layers.table import LAYERS, RECURRENT


def layer(name: str, limit: float) -> Case:
    return Case(name, "step", {"name": name}, (Target(limit),), operations=LAYERS[name].calls)


def recurrent(name: str, limits: dict[str, float]) -> Case:
    targets = tuple(Target(limit, contender) for contender, limit in limits.items())
    return Case(f"fit {name}: one step", "fit", {"cell": name, "steps": 20}, targets, operations=20)


def cases(quick: bool) -> list[Case]:
    """All cases in the order of the table; a masked layer is held against the unmasked module of torch."""
    found = [layer(name, 1.15 if "masked" in name else 1.05) for name in LAYERS]
    return found + [recurrent(name, limits) for name, limits in RECURRENT.items()]
