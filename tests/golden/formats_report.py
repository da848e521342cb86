"""Writes docs/formats.md: which files of which library load in which, and how far a model goes on from them.

    PARITY_PYTHON=... python tests/golden/formats_report.py [file]

PARITY_PYTHON is an interpreter with tensorflow-cpu, tf-keras and Keras 3. They write all models of cases_files.py in
all their formats, and load what is written here; files of earlier libraries are those in tests/golden/files.
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
sys.path[:0] = [str(TESTS), str(ROOT)]

import cases_files  # noqa: E402
from file_exchange import COMPILES, JSON, KERAS, LAYERS, STATE, STEPS, TRAINS, TREE, WHOLE  # noqa: E402

OURS = "kerastorch"
PYTHON = os.environ.get("PARITY_PYTHON", sys.executable)
LIVE = {
    "tf_keras": {"TF_USE_LEGACY_KERAS": "1"},
    "keras": {"KERAS_BACKEND": "tensorflow"},
}
STORED = ("keras_2_0", "keras_2_2", "keras_2_3", "keras_2_4", "keras_2_10", "keras_2_15", "keras_3_0")
TITLES = {
    OURS: "kerastorch",
    "tf_keras": "tf_keras 2.21",
    "keras": "Keras 3.15",
    "keras_2_0": "Keras 2.0.8",
    "keras_2_2": "Keras 2.2.4",
    "keras_2_3": "Keras 2.3.1",
    "keras_2_4": "tf.keras 2.4",
    "keras_2_10": "tf.keras 2.10",
    "keras_2_15": "tf.keras 2.15",
    "keras_3_0": "Keras 3.0.5",
}
COLUMNS = {WHOLE: ".h5", LAYERS: ".h5, weights alone", JSON: "JSON and .h5", KERAS: ".keras", TREE: ".weights.h5"}


class Known(NamedTuple):
    """Steps that cannot succeed, and why."""

    writer: str
    reader: str
    files: str
    steps: tuple[str, ...]
    why: str


KNOWN = (
    Known(
        OURS,
        "keras",
        "*.h5",
        (COMPILES, STATE, TRAINS),
        "Keras 3 takes no optimizer from a compiled .h5 file of tf_keras: load it with compile=False, or save .keras",
    ),
    Known(
        OURS,
        "tf_keras",
        "*.keras",
        (STATE, TRAINS),
        "the optimizer begins anew: tf_keras counts its variables without the learning rate, Keras 3 with it; .h5 has "
        "them as tf_keras does",
    ),
    Known(
        OURS,
        "keras",
        "convlstm.*",
        ("predicts", TRAINS),
        "hard_sigmoid is another function in Keras 3; use recurrent_activation='sigmoid'",
    ),
    Known(OURS, "tf_keras", "attention.keras", ("loads",), "tf_keras wants the shapes of query and value, Keras 3 not"),
    Known(OURS, "keras", "attention.*", ("loads",), "tf_keras wants the shapes of query and value, Keras 3 not"),
    Known(OURS, "tf_keras", "nested.keras", ("loads",), "the two count the calls of nested models differently"),
    Known(OURS, "keras", "nested.*", ("loads",), "the two count the calls of nested models differently"),
    Known(OURS, "keras", "custom.h5", ("loads",), "tf_keras writes registered functions by name, Keras 3 as objects"),
    Known(OURS, "tf_keras", "optimizer_lion.h5", (COMPILES,), "tf_keras does not load its own Lion from .h5 either"),
    Known(
        "*",
        "*",
        "optimizer_nadam.*",
        (TRAINS,),
        "in a graph with several weights tf_keras multiplies its product of momentums once for each",
    ),
    Known("*", "*", "lstm.*", (TRAINS,), "Keras 3 on TensorFlow leaves rows of an Embedding alone that no word names"),
)
# Known failures that may only be those of these libraries.
_LIBRARIES = {"optimizer_nadam.*": ("tf_keras", "keras_2_15"), "lstm.*": ("keras",)}

HEAD = """\
# File formats

`save` and `save_weights` choose the format by the suffix, `load_model` and `load_weights` by the content.

| suffix | what it is | whole model | weights |
| --- | --- | --- | --- |
| `.keras` | archive of Keras 3 | yes | read |
| `.h5`, `.hdf5` | Keras 2's layout | yes | yes |
| `.weights.h5` | layout of tf_keras 2.13 and Keras 3 | | yes |
| none | a folder with `model.keras` | yes | read |
| `.safetensors` | tensors and JSON | yes | yes |
| `.pt`, `.pth` | `torch.save` of tensors and JSON | yes | yes |

`.h5` and `to_json` are written for tf_keras, `.keras` for Keras 3; most models load in both. Other files, such as
TensorFlow's checkpoints and SavedModel folders, are refused with a text that says what to do.

## How far models get

The tables are filled by `make parity` (`tests/golden/formats_report.py`). **yes**: the file loads and predicts the same
to 1e-5 of the largest value; from a whole model, the state of the optimizer is equal too, and a further step of
training gives the same predictions. Otherwise the cell says which of these does not hold, and a note why. –: the
library does not write such a file.

"""


def run(command: str, library: str, folder: Path, names: Iterable[str] = ()) -> dict[str, Any]:
    """What file_exchange.py answers, in the interpreter of a library."""
    python = sys.executable if library == OURS else PYTHON
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    environment = {**os.environ, "PYTHONPATH": str(ROOT) if library == OURS else "", **quiet, **LIVE.get(library, {})}
    arguments = [python, str(TESTS / "file_exchange.py"), command, library, str(folder), *names]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])["answer"]


def matrix() -> dict[tuple[str, str], dict[str, dict[str, str]]]:
    """By writer and reader: the steps of each file."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for library in (OURS, *LIVE, *STORED):
            folder = Path(name) / library
            folder.mkdir()
            if library in STORED:
                with zipfile.ZipFile(TESTS / "golden" / "files" / f"{library}.zip") as archive:
                    archive.extractall(folder)
            else:
                run("write", library, folder)
            readers = (OURS, *LIVE) if library == OURS else (OURS,)
            found.update({(library, reader): run("read", reader, folder) for reader in readers})
    return found


class Notes:
    """Reasons by number, and what fails without one."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.unexplained: list[str] = []

    def number(self, text: str) -> int:
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1

    def cell(self, writer: str, reader: str, file: str, steps: dict[str, str] | None) -> str:
        """One cell of a table."""
        if steps is None:
            return "–"
        failed = [step for step in STEPS if steps.get(step, "yes") != "yes"]
        numbers = set()
        for step in failed:
            why = reason(writer, reader, file, step)
            if why is None:
                self.unexplained.append(f"{writer} -> {reader}: {file} {step}: {steps[step]}")
            else:
                numbers.add(self.number(why))
        marks = "".join(f" [{number}]" for number in sorted(numbers))
        return f"not: {', '.join(failed)}{marks}" if failed else "yes"


def reason(writer: str, reader: str, file: str, step: str) -> str | None:
    for known in KNOWN:
        among = _LIBRARIES.get(known.files, (writer, reader))
        fits = fnmatch.fnmatch(writer, known.writer) and fnmatch.fnmatch(reader, known.reader)
        if fits and fnmatch.fnmatch(file, known.files) and step in known.steps and {writer, reader} & set(among):
            return known.why
    return None


def row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(notes: Notes, writer: str, reader: str, files: dict[str, dict[str, str]]) -> list[str]:
    columns = [suffix for suffix in COLUMNS if any(f".{name.partition('.')[2]}" == suffix for name in files)]
    lines = [row(["model", *(COLUMNS[suffix] for suffix in columns)]), row(["---"] * (len(columns) + 1))]
    for name in cases_files.MODELS:
        steps = [files.get(f"{name}{suffix}") for suffix in columns]
        cells = [notes.cell(writer, reader, f"{name}{s}", one) for s, one in zip(columns, steps, strict=True)]
        if set(cells) != {"–"}:
            lines.append(row([name.replace("_", " "), *cells]))
    return lines


def report(found: dict[tuple[str, str], dict[str, dict[str, str]]]) -> tuple[str, list[str]]:
    """The text of the file, and the steps that fail without a reason."""
    notes, lines = Notes(), []
    for (writer, reader), files in found.items():
        heading = f"### Written by {TITLES[writer]}, loaded by {TITLES[reader]}"
        lines += [heading, "", *table(notes, writer, reader, files), ""]
    numbered = [f"{number}. {text[0].upper()}{text[1:]}." for number, text in enumerate(notes.texts, 1)]
    lines += ["### Notes", "", *numbered]
    return HEAD + "\n".join(lines) + "\n", notes.unexplained


def main(argv: list[str]) -> int:
    text, unexplained = report(matrix())
    target = Path(argv[0]) if argv else ROOT / "docs" / "formats.md"
    target.write_text(text)
    for line in unexplained:
        sys.stderr.write(f"{line}\n")
    return int(bool(unexplained))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
