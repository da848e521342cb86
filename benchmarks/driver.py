"""Starts one worker per contender and lets them take turns at the cases."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cases import Case, Contender
from benchmarks.measure import PieceFailed, take_turns

ROOT = Path(__file__).resolve().parent.parent
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class Result(NamedTuple):
    """The measurements of one case, a value a round and contender, and the reasons of those that failed."""

    case: Case
    values: dict[str, list[float]]
    failures: dict[str, str]


class Worker:
    """A contender in a process of its own."""

    def __init__(self, contender: Contender, python: str, threads: int | None = None) -> None:
        self.contender = contender
        self._command = [python, "-m", "benchmarks.worker", contender.library]
        self._environment = {**os.environ, **contender.environment}
        if threads is not None:
            self._environment.update(dict.fromkeys(THREADS, str(threads)))
        self._open()

    def _open(self) -> None:
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=pipe,
            stdout=pipe,
            stderr=self._errors,
            text=True,
        )

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send one request and return the answer; PieceFailed if the worker could not carry it out."""
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            last = self._errors.read().strip().rpartition("\n")[2]
            raise PieceFailed(f"the process ended with code {self._process.wait()}: {last}")
        reply = json.loads(line)
        if "error" in reply and not reply["missing"]:
            raise PieceFailed(reply["error"])
        return reply

    def start(self) -> str | None:
        """Import the library and return its version; None if a peer is not installed, which is no failure."""
        reply = self.ask("import")
        if "error" in reply and not self.contender.peer:
            raise PieceFailed(reply["error"])
        return reply.get("version")

    def prepare(self, package: str, case: Case) -> bool:
        """Set up a case, in a new process to measure memory; return whether the contender has this job."""
        if case.grows:
            self.close()
            self._open()
            self.start()
        module = f"{package}.{self.contender.jobs}"
        return self.ask("prepare", module=module, **dataclasses.asdict(case))["supported"]

    def run(self) -> float:
        """Run one piece and return its measurement."""
        return self.ask("run")["value"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def run_case(package: str, case: Case, workers: dict[str, Worker], rounds: int) -> Result:
    """Measure one case with all workers that know its job; memory in one round."""
    pieces, failures = {}, {}
    for name, worker in workers.items():
        try:
            if worker.prepare(package, case):
                pieces[name] = worker.run
        except PieceFailed as error:
            failures[name] = str(error)
    values, failed = take_turns(pieces, 1 if case.grows else rounds)
    one = {name: [value / case.operations for value in row] for name, row in values.items()}
    return Result(case, one, failures | failed)
