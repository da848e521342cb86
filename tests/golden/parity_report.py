"""Writes docs/parity.md: how far every optimizer, loss, metric, layer and training run is from tf_keras.

It runs the tests that compare with the golden files, and notes how far apart the values of each comparison are:

    python tests/golden/parity_report.py [file]
"""

from __future__ import annotations

import importlib
import platform
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
sys.path[:0] = [str(TESTS), str(ROOT)]

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

import cases_functions  # noqa: E402
import cases_losses  # noqa: E402
import cases_metrics  # noqa: E402
import cases_optimizers  # noqa: E402
import kerastorch as keras  # noqa: E402
import layer_case  # noqa: E402
import support  # noqa: E402

# By test file: the section of the report. Files that compare with other golden files follow under their own names.
SECTIONS = {
    "test_optimizers": "Optimizers and schedules",
    "test_losses": "Losses",
    "test_metrics": "Metrics",
    "test_metric_properties": "Metrics",
    "test_layers_golden": "Layers",
    "test_activations": "Activations, regularizers and constraints",
    "test_regularizers_constraints": "Activations, regularizers and constraints",
    "test_training_golden": "Training runs",
}
HEAD = """\
# Differences from tf_keras

The largest difference between kerastorch and tf_keras in each group of golden values, as a share of the largest value
of the compared array. Losses, metrics and layers are compared in a call or a few, in float32 unless a row says
otherwise: there 1.2e-07 is the last bit, in float16 9.8e-04. Optimizers are compared after the steps of a whole
trajectory, training runs after 50 steps from the same weights on the same data. What only Keras 3 knows is compared
with Keras 3. `make parity` checks that tf_keras still gives the golden values, and writes this file.

"""


class Comparison(NamedTuple):
    section: str
    subject: str
    is_gradient: bool
    difference: float


class Recorder:
    """A pytest plugin that measures every `assert_close` of a test with a golden file."""

    def __init__(self) -> None:
        self.found: list[Comparison] = []
        self.failed: list[str] = []
        self._section = self._subject = ""

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        module = Path(item.fspath).stem
        name = module.removeprefix("test_").removesuffix("_golden").replace("_", " ")
        self._section = SECTIONS.get(module, name.capitalize())
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        self._subject = subject_of(module, parameters.values())

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def assert_close(self, actual: Any, expected: Any, tolerance: float, what: str = "value") -> None:
        if self._subject:
            expected = np.asarray(expected)
            subject = f"{self._subject} in float16" if expected.dtype == np.float16 else self._subject
            difference = relative_difference(support.numpy_of(actual), expected)
            self.found.append(Comparison(self._section, subject, "gradient" in what, difference))
        assert_close(actual, expected, tolerance, what)


assert_close = support.assert_close


def relative_difference(actual: np.ndarray, expected: np.ndarray) -> float:
    """As `support.assert_close` measures it; 0 where nothing is finite."""
    if actual.shape != expected.shape or expected.size == 0:
        return 0.0 if actual.shape == expected.shape else float("inf")
    finite = np.isfinite(expected.astype("float64"))
    difference = np.abs(actual.astype("float64") - expected.astype("float64"))[finite]
    scale = max(float(np.abs(expected[finite].astype("float64")).max(initial=0.0)), 1e-3)
    return float(difference.max(initial=0.0)) / scale


def subject_of(module: str, parameters: Iterable[Any]) -> str:
    """What a test is about, by its parameters; empty where that is no row of a table of cases."""
    for value in parameters:
        if isinstance(value, cases_losses.LossCase):
            return name_of_loss(value.make(keras))
        if isinstance(value, cases_metrics.MetricCase):
            return type(value.make(keras)).__name__
        if isinstance(value, layer_case.Case):
            return value.layer if isinstance(value.layer, str) else f"({value.family}: functions and models)"
        if isinstance(value, str):
            return name_of_entry(module, value)
        if hasattr(value, "id"):
            return value.id if module == "test_training_golden" else value.id.split("-")[0]
    return ""


def name_of_loss(loss: Any) -> str:
    if type(loss) is keras.losses.LossFunctionWrapper or not isinstance(loss, keras.losses.Loss):
        return getattr(loss, "fn", loss).__name__
    return type(loss).__name__


def name_of_entry(module: str, name: str) -> str:
    """The class of an optimizer or schedule for a name in their tables, other names without their options.

    Empty in the files of SECTIONS for names of other things than cases.
    """
    if module.startswith("test_optimizer"):
        return name_of_optimizer(name)
    tables = {
        "test_metrics": (cases_metrics.METRIC_FUNCTIONS,),
        "test_activations": (cases_functions.ACTIVATIONS,),
        "test_regularizers_constraints": (cases_functions.REGULARIZERS, cases_functions.CONSTRAINTS),
    }
    if module in tables and any(name in table for table in tables[module]):
        return name.split("-")[0]
    return "" if module in SECTIONS else name.split("-")[0]


def name_of_optimizer(name: str) -> str:
    legacy = "legacy " if name.startswith("legacy") else ""
    for table in ("OPTIMIZERS", "SCHEDULES"):
        make = getattr(cases_optimizers, table).get(name)
        if make is not None:
            return legacy + type(make(keras)).__name__
    for table in ("VARIANTS", "LEGACY_VARIANTS"):
        variant = getattr(cases_optimizers, table, {}).get(name.removeprefix("legacy-"))
        if variant is not None:
            return legacy + variant[0]
    return ""


TRAJECTORIES = "test_optimizer_trajectories"


def golden_tests() -> list[str]:
    """The test files that compare with golden values by `assert_close`."""
    paths = [path for path in sorted(TESTS.glob("test_*.py")) if path.stem != TRAJECTORIES]
    return [str(path) for path in paths if "Golden(" in path.read_text()]


def trajectories() -> list[Comparison]:
    """The optimizers with all combinations of their options, which one test compares at once."""
    module, found = importlib.import_module(TRAJECTORIES), []
    for legacy, variants in ((False, cases_optimizers.VARIANTS), (True, cases_optimizers.LEGACY_VARIANTS)):
        for name, (kind, _) in variants.items():
            golden = module.GOLDEN[f"legacy/{name}" if legacy else name]
            combinations = cases_optimizers.combinations(name, legacy).values()
            for options, expected in zip(combinations, golden, strict=True):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of old words among the options
                    actual = module.rows(cases_optimizers.make(keras, name, options, legacy))
                subject = f"legacy {kind}" if legacy else kind
                found.append(
                    Comparison(SECTIONS["test_optimizers"], subject, False, relative_difference(actual, expected))
                )
    return found


def cell(comparisons: list[Comparison]) -> str:
    if not comparisons:
        return "–"
    worst = max(comparison.difference for comparison in comparisons)
    return f"{worst:.1e}" if worst else "0"


def report(found: list[Comparison]) -> str:
    """The text of the file: a table for each section, a row for each subject."""
    lines = [HEAD + f"torch {torch.__version__.split('+')[0]}, {platform.machine()}, one thread.\n"]
    sections = dict.fromkeys([*SECTIONS.values(), *(comparison.section for comparison in found)])
    for section in sections:
        rows: dict[str, list[Comparison]] = {}
        for comparison in found:
            if comparison.section == section:
                rows.setdefault(comparison.subject, []).append(comparison)
        if not rows:
            continue
        lines += [f"## {section}\n", "| | comparisons | values | gradients |", "| --- | ---: | ---: | ---: |"]
        for subject in sorted(rows, key=str.lower):
            parts = [[row for row in rows[subject] if row.is_gradient is wanted] for wanted in (False, True)]
            lines.append(f"| {subject} | {len(rows[subject])} | {cell(parts[0])} | {cell(parts[1])} |")
        lines.append("")
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    recorder = Recorder()
    support.assert_close = recorder.assert_close  # before the test files import it
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT), "-m", "not parity and not gpu"]
    pytest.main([*options, "--continue-on-collection-errors", *golden_tests()], plugins=[recorder])
    if (support.GOLDEN / "trajectories.npz").exists():
        recorder.found += trajectories()
    target = Path(argv[0]) if argv else ROOT / "docs" / "parity.md"
    target.write_text(report(recorder.found))
    for nodeid in recorder.failed:
        sys.stderr.write(f"failed: {nodeid}\n")
    return int(bool(recorder.failed) or not recorder.found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
