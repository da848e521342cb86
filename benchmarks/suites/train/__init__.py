"""Training in parts: the step of each optimizer on small and large networks, `fit` with metrics and with callbacks."""

from __future__ import annotations

from benchmarks.cases import Case, Target
from benchmarks.suites.train import callbacks, metrics
from benchmarks.suites.train.table import MODELS, RULES


def step(name: str, model: str, steps: int) -> Case:
    rule = RULES[name]
    beside = f" (torch: {rule.beside})" if rule.beside else ""
    title = f"step of {name} on {model}{beside}"
    parameters = {"name": name, "model": model, "steps": steps}
    return Case(title, "optimizer_step", parameters, (Target(rule.limit),), operations=steps)


def cases(quick: bool) -> list[Case]:
    """All cases in the order of the table."""
    steps = [step(name, model, steps) for model, steps in MODELS.items() for name in RULES]
    return steps + metrics.cases() + callbacks.cases()
