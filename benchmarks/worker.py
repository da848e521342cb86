"""The process of one contender: prepares cases, runs pieces when asked, and answers with measurements.

Requests and answers are lines of JSON on the standard input and output that the process starts with. What the
contender itself prints goes to a screen that forgets it.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.meters import growth, growth_to_peak, peak, seconds, seconds_of_import


class Screen(io.StringIO):
    """A standard output that looks like a terminal, or like a file, and forgets its text."""

    terminal = True

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        return len(text)


def prepare(library: str, request: dict[str, Any]) -> Callable[[], float] | None:
    """Make the function that measures one piece of a case; None where this contender has no such job."""
    if request["measure"] == "import":
        return partial(seconds_of_import, library)
    found = importlib.util.find_spec(request["module"])  # not every suite has jobs for every contender
    job = None if found is None else getattr(importlib.import_module(request["module"]), request["job"], None)
    if job is None:
        return None
    job = partial(job, sys.modules[library], **request["parameters"])
    if request["measure"] == "growth of job":
        return partial(growth, lambda: job()(), request["repeats"])
    if request["measure"] == "peak of job":
        return partial(peak, lambda: job()())
    piece = job()
    if piece is None:  # the contender has the job, but not with these parameters
        return None
    if request["measure"] == "growth to peak":
        piece()
        return partial(growth_to_peak, piece)
    if request["measure"] == "growth":
        return partial(growth, piece, request["repeats"])
    piece()
    return partial(seconds, piece)


def main(library: str) -> None:
    """Import the library and answer requests until the input ends."""
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    sys.stdout = screen = Screen()
    measure: Callable[[], float] | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if request["do"] == "import":
                reply = {"version": getattr(importlib.import_module(library), "__version__", "")}
            elif request["do"] == "prepare":
                screen.terminal, measure = request["terminal"], None
                measure = prepare(library, request)
                reply = {"supported": measure is not None}
            else:
                reply = {"value": measure()}
        except Exception as error:  # whatever a contender raises is its result
            traceback.print_exc()
            missing = isinstance(error, ModuleNotFoundError) and error.name == library
            reply = {"error": f"{type(error).__name__}: {error}", "missing": missing}
        answers.write(json.dumps(reply) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
