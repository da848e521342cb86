"""Loads damaged files in processes of limited memory and time, and says what came of each.

python tests/file_fuzzing.py 20000
"""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PATIENCE = 5.0  # seconds for one file
MEMORY = 1 << 30  # bytes that one file may make the process ask for
OWN = ("sequential", "nested", "lstm", "two_inputs")


def corpus() -> dict[str, bytes]:
    """The files to damage, by library and name."""
    import cases_files
    import kerastorch as keras

    files = {}
    for library in ("tf_keras", "keras"):
        with zipfile.ZipFile(HERE / "golden" / "files" / f"{library}.zip") as archive:
            names = [name for name in archive.namelist() if name.endswith((".h5", ".keras"))]
            files |= {f"{library}/{name}": archive.read(name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for name in OWN:
            model = cases_files.make(keras, name)
            for suffix in (".keras", ".h5", ".safetensors", ".pt"):
                path = Path(folder) / f"{name}{suffix}"
                model.save(path)
                files[f"ours/{path.name}"] = path.read_bytes()
            for suffix in (".weights.h5", ".weights.safetensors", ".weights.pt"):
                path = Path(folder) / f"{name}{suffix}"
                model.save_weights(path)
                files[f"ours/{path.name}"] = path.read_bytes()
    return files


def outcome(path: Path, name: str, models: dict[str, Any]) -> str:
    """What loading a file comes to: 'loaded', 'refused', or what should not happen."""
    import cases_files
    import kerastorch as keras

    try:
        if ".weights." in name:
            stem = Path(name).name.split(".")[0]
            if stem not in models:
                models[stem] = cases_files.make(keras, stem)
            models[stem].load_weights(path)
        else:
            scale, cubed = cases_files.own_layer(keras)
            keras.models.load_model(path, {"Scale": scale, "cubed": cubed})
    except MemoryError:
        return "memory: MemoryError"
    except (ValueError, TypeError) as error:
        cause: BaseException | None = error
        while cause is not None:
            text = str(cause)
            if isinstance(cause, MemoryError) or "allocate" in text or "memory allocation" in text:
                return f"memory: {text[:300]}"
            cause = cause.__cause__
        return "refused"
    except Exception as error:
        return f"wrong error: {type(error).__name__}: {str(error)[:300]}"
    return "loaded"


def work(folder: Path) -> None:
    """Answer every number of a mutant on the standard input with a line about it."""
    import resource
    import warnings

    sys.path[:0] = [str(HERE), str(HERE.parent)]
    import torch

    import kerastorch  # noqa: F401
    from file_mutations import mutate

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    files = corpus()
    names = sorted(files)
    models: dict[str, Any] = {}
    for name in names:  # everything that is imported on demand is imported before memory is limited
        path = folder / "first"
        path.write_bytes(files[name])
        if outcome(path, name, models) != "loaded":
            raise SystemExit(f"{name} does not load as it is")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        number = int(line)
        name = names[number % len(names)]
        path = folder / f"damaged{number % 2}"
        path.write_bytes(mutate(name, files[name], number))
        start = time.perf_counter()
        result = outcome(path, name, models)
        sys.stdout.write(json.dumps([name, result, time.perf_counter() - start]) + "\n")
        sys.stdout.flush()


class Loader:
    """A process that loads damaged files, started anew when one has ended or stopped it."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, __file__, "--work", self.folder.name]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the process that loads files did not start: {self.process.wait()}")

    def load(self, number: int) -> tuple[str, str, float]:
        """Name, outcome and seconds of a mutant."""
        if self.process is None:
            self.start()
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else ""
        if line:
            return tuple(json.loads(line))
        result = f"crash: {self.process.wait()}" if ready else "hang"
        self.close()
        return "", result, PATIENCE

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@contextlib.contextmanager
def loader() -> Iterator[Loader]:
    one = Loader()
    try:
        yield one
    finally:
        one.close()
        one.folder.cleanup()


def run(numbers: range) -> tuple[Counter[str], dict[int, str], float]:
    """How often what came out, the mutants with which something went wrong, and the longest time."""
    counts: Counter[str] = Counter()
    wrong: dict[int, str] = {}
    longest = 0.0
    with loader() as one:
        for number in numbers:
            name, result, seconds = one.load(number)
            counts[result.partition(":")[0]] += 1
            longest = max(longest, seconds)
            if result not in ("loaded", "refused"):
                wrong[number] = f"{name} {result}"
    return counts, wrong, longest


def main(first: int, last: int) -> int:
    start = time.perf_counter()
    counts, wrong, longest = run(range(first, last))
    for number, text in wrong.items():
        print(number, text)
    seconds = time.perf_counter() - start
    print(f"{last - first} damaged files in {seconds:.0f} s: {dict(counts)}; slowest {longest:.2f} s")
    return int(bool(wrong))


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        work(Path(sys.argv[2]))
    else:
        limits = [int(text) for text in sys.argv[1:]]
        sys.exit(main(*((0, *limits) if len(limits) == 1 else limits)))
