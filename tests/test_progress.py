"""The progress bar, and what fit, evaluate and predict print, against tf_keras."""

from __future__ import annotations

import io
import json
import re
import time
from typing import Any

import pytest

import kerastorch as keras
from cases_progress import PROGRESS, RUNS, START, ProgressCase, rendered
from support import GOLDEN

PROGRESS_GOLDEN: dict[str, Any] = json.loads((GOLDEN / "progress.json").read_text())
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("case", PROGRESS, ids=[case.id for case in PROGRESS])
def test_updates(case: ProgressCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each update writes; backspaces before the carriage return are free."""
    seconds = 0.0
    for clock in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, clock, lambda: START + seconds)
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    bar = keras.utils.Progbar(**case.arguments)
    written = []
    for now, current, values, more in case.updates:
        seconds = now
        bar.update(current, values, **more)
        written.append(terminal.getvalue().replace("\b", ""))
        terminal.seek(0)
        terminal.truncate()
    assert written == PROGRESS_GOLDEN["updates"][case.id]


def same_lines(found: list[str], expected: list[str]) -> None:
    """Equal texts but for the last digit of the numbers in them."""
    assert [NUMBER.sub("#", line) for line in found] == [NUMBER.sub("#", line) for line in expected]
    for line, wanted in zip(found, expected, strict=True):
        for number, right in zip(NUMBER.findall(line), NUMBER.findall(wanted), strict=True):
            assert abs(float(number) - float(right)) < 1.01e-4, line


@pytest.mark.parametrize("stream", [Terminal, io.StringIO], ids=["terminal", "file"])
@pytest.mark.parametrize("name", RUNS)
def test_runs(name: str, stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that stand in the end; where the output is no terminal, nothing is ever redrawn."""
    make, run = RUNS[name]
    model, data = make(keras)
    output = stream()
    monkeypatch.setattr("sys.stdout", output)
    run(model, *data)
    same_lines(rendered(output.getvalue()), PROGRESS_GOLDEN["runs"][name])
    if not output.isatty():
        assert "\r" not in output.getvalue()
        assert "\b" not in output.getvalue()
