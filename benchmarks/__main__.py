"""Command line: `python -m benchmarks [suite]`."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from benchmarks import suites
from benchmarks.cases import CONTENDERS, OURS, Contender
from benchmarks.driver import Result, Worker, run_case
from benchmarks.measure import PieceFailed
from benchmarks.report import header, rows


def arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=suites.__doc__)
    add = parser.add_argument
    add("suite", nargs="?", default="main", choices=suites.names())
    add("--rounds", type=int, default=9, help="turns of each contender at each case (default 9)")
    add("--quick", action="store_true", help="two rounds, and fewer repeats where memory is measured")
    add("--only", default="", help="contenders, such as hand,ours,keras or hand,peers (default: all)")
    add("--case", default="", help="only the cases with this text in the title")
    add("--peers-python", default=sys.executable, help="interpreter that has the peers installed")
    add("--threads", type=int, help="threads of each contender (default: as many as its library takes)")
    return parser.parse_args(argv)


def chosen(only: str) -> list[Contender]:
    """The contenders that --only names; `peers` stands for every library but ours."""
    wanted = set(filter(None, only.split(",")))
    known = {contender.name for contender in CONTENDERS} | {"peers"}
    if not wanted <= known:
        raise SystemExit(f"--only: expected names out of {sorted(known)}; received {only!r}.")
    return [c for c in CONTENDERS if not wanted or c.name in wanted or (c.peer and "peers" in wanted)]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def start(workers: list[Worker]) -> tuple[dict[str, Worker], list[str]]:
    """Return the workers whose library can be imported, and a note on each contender."""
    ready, notes = {}, []
    for worker in workers:
        name, library = worker.contender.name, worker.contender.library
        try:
            version = worker.start()
        except PieceFailed as error:
            notes.append(f"- {name} failed to start: {error}")
        else:
            missing = version is None
            notes.append(f"- {name}: {library} {'is not installed, left out' if missing else version}")
            if not missing:
                ready[name] = worker
        say(notes[-1])
    return ready, notes


def main(argv: list[str] | None = None) -> int:
    """Run a suite, print its table, and return 1 if our own contender failed."""
    options = arguments(argv)
    package, cases = suites.load(options.suite, options.quick)
    contenders = chosen(options.only)
    rounds = 2 if options.quick else options.rounds
    results: list[Result] = []
    with contextlib.ExitStack() as stack:
        started = []
        for contender in contenders:
            python = options.peers_python if contender.peer else sys.executable
            started.append(Worker(contender, python, options.threads))
            stack.callback(started[-1].close)
        workers, notes = start(started)
        names = list(workers)
        say(header(names))
        try:
            for case in cases:
                if options.case in case.title:
                    results.append(run_case(package, case, workers, rounds))
                    say(rows(results[-1], names))
        except KeyboardInterrupt:
            notes.append("- interrupted")
    for result in results:
        notes += [f"- {name} failed at '{result.case.title}': {why}" for name, why in result.failures.items()]
    threads = options.threads or "default"
    print(f"Suite `{options.suite}`: {rounds} rounds, {os.cpu_count()} processors, threads: {threads}\n")
    print("\n".join([*notes, "", header(names), *(rows(result, names) for result in results)]))
    we_take_part = any(contender.name == OURS for contender in contenders)
    return int(we_take_part and (OURS not in names or any(OURS in result.failures for result in results)))


if __name__ == "__main__":
    sys.exit(main())
