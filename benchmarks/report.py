"""Results as rows of a table in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.cases import OURS, Case, Target
from benchmarks.driver import Result
from benchmarks.measure import Summary, compare, summarise

NONE = "–"


def quantity(value: float, case: Case) -> str:
    """Write a measurement in the unit that suits its size: '1.25 ms'."""
    if case.grows:
        return f"{value:.1f} MB"
    scale, unit = (1, "s") if abs(value) >= 1 else (1e3, "ms") if abs(value) >= 1e-3 else (1e6, "µs")
    number = value * scale
    return f"{number:.0f} {unit}" if abs(number) >= 100 else f"{number:.3g} {unit}"


def cell(result: Result, name: str) -> str:
    """The median of a contender, with its ratio to the hand-written code."""
    if name not in result.values:
        return "failed" if name in result.failures else NONE
    text = quantity(summarise(result.values[name]).median, result.case)
    against = None if result.case.grows else compare(result.values, Target(1.0), name)
    return text if against is None else f"{text} ({against.median:.2f}x)"


def verdict(result: Result, target: Target) -> list[str]:
    """Target, measured value with quartiles, and whether the target is met."""

    def write(number: float) -> str:
        return f"{number:.3g}" if target.kind == "ratio" else quantity(number, result.case)

    subject = {
        "ratio": f"{OURS} / {target.against}",
        "difference": f"({OURS} − {target.against}) / {target.shares}",
        "value": OURS,
    }[target.kind]
    summary: Summary | None = compare(result.values, target)
    measured, met = NONE, NONE
    if summary is not None:
        median, low, high = map(write, summary)
        measured, met = f"{median} [{low}, {high}]", "yes" if summary.median <= target.limit else "**no**"
    return [f"{subject} ≤ {write(target.limit)}", measured, met]


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def header(names: Sequence[str]) -> str:
    cells = ["case", *names, "target", "measured [quartiles]", "met"]
    return f"{row(cells)}\n{row(['---'] * len(cells))}"


def rows(result: Result, names: Sequence[str]) -> str:
    """One row for each target of the case if we take part; the first has the measurements."""
    lead = [result.case.title, *(cell(result, name) for name in names)]
    lines = []
    targets = result.case.targets if OURS in names else ()
    for cells in [verdict(result, target) for target in targets] or [[NONE] * 3]:
        lines.append(row([*lead, *cells]))
        lead = [""] * len(lead)
    return "\n".join(lines)
