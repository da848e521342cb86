"""docs/formats.md is complete, and other libraries load today what is written here, and the other way round."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import oracle
from cases_files import MODELS
from file_exchange import COMPILES, LOADS, PREDICTS, STATE, TRAINS

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "docs" / "formats.md").read_text()


def report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("formats_report", TESTS / "golden" / "formats_report.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tables() -> dict[str, dict[str, list[str]]]:
    """By heading: the cells of each model."""
    found = {}
    for part in TEXT.split("### Written by ")[1:]:
        heading, _, rest = part.partition("\n")
        rows = [line.strip("| ").split(" | ") for line in rest.split("###")[0].splitlines() if line.startswith("|")]
        found[heading] = {row[0]: row[1:] for row in rows[2:]}
    return found


def test_the_matrix_is_complete() -> None:
    module, found = report(), tables()
    writers = [heading.partition(", loaded by ")[0] for heading in found]
    assert sorted(set(writers)) == sorted(module.TITLES.values())
    readers = [heading.partition(", loaded by ")[2] for heading in found if heading.startswith("kerastorch,")]
    assert readers == [module.TITLES[name] for name in ("kerastorch", "tf_keras", "keras")]
    names = {name.replace("_", " ") for name in MODELS}
    assert set(found["kerastorch, loaded by kerastorch"]) == names


def test_everything_that_other_libraries_write_loads_here() -> None:
    for heading, rows in tables().items():
        for model, cells in rows.items():
            for cell in cells:
                if heading.endswith("loaded by kerastorch") and not cell.startswith("not: trains"):
                    assert cell in ("yes", "–"), f"{heading}: {model}: {cell}"
                assert cell in ("yes", "–") or re.fullmatch(r"not: [a-z, ]+( \[\d+\])+", cell), f"{heading}: {cell}"


@pytest.mark.parity
@pytest.mark.parametrize("library", ["tf_keras", "keras"])
def test_other_libraries_load_what_is_written_here_and_the_other_way_round(library: str, tmp_path: Path) -> None:
    module = report()
    oracle.require("tf_keras")
    names = ["sequential", "two_inputs", "nested", "recurrent", "preprocessing", "custom", "optimizer_momentum"]
    for writer, reader in ((module.OURS, library), (library, module.OURS)):
        folder = tmp_path / writer
        folder.mkdir()
        module.run("write", writer, folder, names)
        answers = module.run("read", reader, folder, names)
        assert {file.partition(".")[0] for file in answers} == set(names)
        for file, steps in answers.items():
            assert set(steps) <= {LOADS, COMPILES, PREDICTS, STATE, TRAINS}
            for step, answer in steps.items():
                assert answer == "yes" or module.reason(writer, reader, file, step), f"{writer}, {file}: {answer}"
