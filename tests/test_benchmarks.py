"""The benchmarks: statistics, pairing, the protocol of the workers, and a run from end to end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import suites
from benchmarks.cases import Case, Contender, Target
from benchmarks.driver import Result, Worker, run_case
from benchmarks.measure import PieceFailed, Summary, compare, summarise, take_turns
from benchmarks.report import header, quantity, rows

JOBS = """
import os, sys, time
kept = []
def sleep(library, seconds):
    return lambda: time.sleep(seconds)
def leak(library, megabytes):
    return lambda: kept.append(bytes(range(256)) * (4096 * megabytes))
def terminal(library, expected):
    print("this must not reach the driver")
    if sys.stdout.isatty() != expected:
        raise ValueError(f"isatty() is {sys.stdout.isatty()}")
    return lambda: None
def exit(library):
    return lambda: os._exit(3)
def wrong(library):
    raise ValueError(f"{library.__name__} cannot")
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start workers of a suite `fake_suite` that has the jobs above."""
    package = tmp_path / "fake_suite"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "jobs.py").write_text(JOBS)
    workers = []

    def start_one(name: str = "ours", library: str = "json", peer: bool = False) -> Worker:
        environment = {"PYTHONPATH": str(tmp_path)}
        workers.append(Worker(Contender(name, library, "jobs", peer, environment), sys.executable))
        return workers[-1]

    yield start_one
    for worker in workers:
        worker.close()


def test_summary_has_median_and_quartiles() -> None:
    assert summarise([5.0, 1.0, 4.0, 2.0, 3.0]) == Summary(median=3.0, low=2.0, high=4.0)
    assert summarise([7.0]) == Summary(7.0, 7.0, 7.0)
    with pytest.raises(ValueError, match="expected at least one value; received none"):
        summarise([])


def test_ratios_and_differences_are_taken_within_a_round() -> None:
    values = {"ours": [1.0, 8.0, 3.0], "hand": [2.0, 4.0, 30.0]}
    assert compare(values, Target(1.0)).median == 0.5  # the ratio of the medians would be 0.75
    assert compare(values, Target(1.0), "hand").median == 1.0
    difference = Target(1.0, kind="difference", shares=2)
    assert compare(values, difference) == Summary(median=-0.5, low=-7.0, high=0.75)
    assert compare(values, Target(1.0, kind="value")).median == 3.0
    assert compare(values, Target(1.0, "keras")) is None
    assert compare({"hand": [1.0]}, Target(1.0, kind="value")) is None


def test_contenders_take_turns_and_a_failing_one_leaves() -> None:
    order = []

    def piece(name: str, failing_at: int = 99) -> Callable[[], float]:
        def run() -> float:
            order.append(name)
            if order.count(name) == failing_at:
                raise PieceFailed("no more")
            return float(len(order))

        return run

    values, failures = take_turns({"a": piece("a"), "b": piece("b", 2), "c": piece("c")}, 3)
    assert order == ["a", "b", "c", "a", "b", "c", "a", "c"]
    assert values == {"a": [1.0, 4.0, 7.0], "c": [3.0, 6.0, 8.0]}
    assert failures == {"b": "no more"}


def test_rows_show_ratio_target_and_verdict() -> None:
    case = Case("fit", targets=(Target(0.9), Target(0.5, "keras")))
    result = Result(case, {"hand": [2e-3, 2e-3], "ours": [1e-3, 1e-3]}, {"keras": "broken"})
    names = ["hand", "ours", "keras"]
    assert header(names).splitlines()[0].count("|") == rows(result, names).splitlines()[0].count("|")
    assert rows(result, names).splitlines() == [
        "| fit | 2 ms (1.00x) | 1 ms (0.50x) | failed | ours / hand ≤ 0.9 | 0.5 [0.5, 0.5] | yes |",
        "|  |  |  |  | ours / keras ≤ 0.5 | – | – |",
    ]
    slow = Result(case, {"hand": [1.0], "ours": [2.0]}, {})
    assert rows(slow, ["hand", "ours"]).splitlines()[0].endswith("| 2 [2, 2] | **no** |")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.234, "1.23 s"), (0.0456, "45.6 ms"), (0.000789, "789 µs"), (4e-6, "4 µs"), (0.9999, "1000 ms")],
)
def test_quantity(value: float, text: str) -> None:
    assert quantity(value, Case("")) == text
    assert quantity(5.04, Case("", measure="growth")) == "5.0 MB"


def test_workers_measure_time_and_memory(start: Callable[..., Worker]) -> None:
    workers = {"hand": start("hand"), "ours": start("ours")}
    for worker in workers.values():
        assert worker.start() == json.__version__
    timed = run_case("fake_suite", Case("", "sleep", {"seconds": 0.12}, operations=2), workers, rounds=2)
    assert timed.failures == {}
    assert [len(row) for row in timed.values.values()] == [2, 2]
    assert all(0.06 <= value < 0.6 for row in timed.values.values() for value in row)
    leak = Case("", "leak", {"megabytes": 2}, measure="growth", repeats=10)
    assert run_case("fake_suite", leak, workers, rounds=2).values["ours"] == [pytest.approx(20, abs=2)]
    keeps_nothing = Case("", "sleep", {"seconds": 0.0}, measure="growth of job", repeats=10)
    assert run_case("fake_suite", keeps_nothing, workers, rounds=2).values["ours"] == [pytest.approx(0, abs=2)]
    assert 0 < run_case("fake_suite", Case("", measure="import"), workers, rounds=1).values["ours"][0] < 5


def test_output_of_a_contender_looks_like_a_terminal_or_not(start: Callable[..., Worker]) -> None:
    worker = start()
    worker.start()
    for terminal in (True, False):
        case = Case("", "terminal", {"expected": terminal}, terminal=terminal)
        assert run_case("fake_suite", case, {"ours": worker}, rounds=1).failures == {}


def test_failures_have_reasons(start: Callable[..., Worker]) -> None:
    worker = start()
    worker.start()
    failing = run_case("fake_suite", Case("", "wrong"), {"ours": worker}, rounds=1)
    assert failing == Result(Case("", "wrong"), {}, {"ours": "ValueError: json cannot"})
    unknown = run_case("fake_suite", Case("", "unknown"), {"ours": worker}, rounds=1)
    assert unknown == Result(Case("", "unknown"), {}, {})
    gone = run_case("fake_suite", Case("", "exit"), {"ours": worker}, rounds=1)
    assert gone.failures["ours"].startswith("the process ended with code 3")


def test_only_a_peer_may_be_missing(start: Callable[..., Worker]) -> None:
    assert start("keras", "no_such_library", peer=True).start() is None
    with pytest.raises(PieceFailed, match="No module named 'no_such_library'"):
        start("ours", "no_such_library").start()


def test_cases_of_the_suites_are_sound() -> None:
    assert "main" in suites.names()
    for suite in suites.names():
        for quick in (True, False):
            _, cases = suites.load(suite, quick)
            assert len({case.title for case in cases}) == len(cases)
            assert all(json.loads(json.dumps(dict(case.parameters))) == case.parameters for case in cases)
            assert all(bool(case.job) != (case.measure == "import") for case in cases)


def test_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "hand", "--case", "chain of 50", "--rounds", "2", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Suite `main`: 2 rounds")
    assert lines[2].startswith("- hand: torch ")
    assert lines[-3] == "| case | hand | target | measured [quartiles] | met |"
    assert lines[-1].startswith("| model(x), chain of 50 layers | ")
    with pytest.raises(SystemExit, match="expected names out of .*received 'mine'"):
        command.main(["--only", "mine"])
