"""Pairing and statistics: contenders take turns within a round and are compared round by round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.cases import OURS, Target

Values = Mapping[str, Sequence[float]]


class PieceFailed(Exception):
    """A contender could not run its piece; the text says why."""


class Summary(NamedTuple):
    """Median and quartiles over the rounds."""

    median: float
    low: float
    high: float


def summarise(values: Sequence[float]) -> Summary:
    """Summarise one value a round.

    >>> summarise([3.0, 1.0, 2.0])
    Summary(median=2.0, low=1.5, high=2.5)
    """
    if not values:
        raise ValueError("summarise: expected at least one value; received none. Run at least one round.")
    if len(values) == 1:
        return Summary(*values * 3)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(median, low, high)


def take_turns(pieces: Mapping[str, Callable[[], float]], rounds: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Run A B C A B C ...; return the measurements, and the reasons of the contenders that failed instead."""
    values: dict[str, list[float]] = {name: [] for name in pieces}
    failures: dict[str, str] = {}
    for _ in range(rounds):
        for name in list(values):
            try:
                values[name].append(pieces[name]())
            except PieceFailed as error:
                failures[name] = str(error)
                del values[name]
    return values, failures


def compare(values: Values, target: Target, name: str = OURS) -> Summary | None:
    """Summarise what the target limits; None if a contender that it needs is absent."""
    if name not in values or (target.kind != "value" and target.against not in values):
        return None
    if target.kind == "value":
        return summarise(values[name])
    pairs = zip(values[name], values[target.against], strict=True)
    if target.kind == "ratio":
        return summarise([a / b for a, b in pairs])
    return summarise([(a - b) / target.shares for a, b in pairs])
