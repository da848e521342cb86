"""The golden files are what tf_keras gives today, and docs/parity.md tells of everything that is compared with them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import kerastorch as keras
import oracle
from support import GOLDEN, Golden

TESTS = Path(__file__).parent
REPORT = TESTS.parent / "docs" / "parity.md"


@pytest.mark.parity
def test_golden_files_are_what_tf_keras_gives(tmp_path: Path) -> None:
    oracle.require("tf_keras")
    copy = tmp_path / "tests"
    shutil.copytree(TESTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    oracle.run(copy / "golden" / "make_golden.py")
    if oracle.has("pandas, PIL, scipy"):
        oracle.run(copy / "golden" / "make_images.py")
    oracle.run(copy / "golden" / "make_data.py")
    for made in sorted((copy / "golden").glob("*.npz")):
        now, then = Golden(made.stem, made.parent), Golden(made.stem)
        assert sorted(now) == sorted(then), made.name
        assert now.facts == then.facts, made.name
        for key in now:
            if now[key].dtype.kind == "f":
                scale = max(np.abs(then[key][np.isfinite(then[key])]).max(initial=0.0), 1e-3)
                last_bit = 1e-3 if now[key].dtype == "float16" else 1e-5
                np.testing.assert_allclose(now[key], then[key], rtol=0, atol=last_bit * scale, err_msg=key)
            else:
                np.testing.assert_array_equal(now[key], then[key], err_msg=key)
    for path in (copy / "golden").glob("*.json"):
        assert path.read_text() == (GOLDEN / path.name).read_text(), path.name


def rows_of(section: str) -> dict[str, list[str]]:
    """The cells of a section of the report by their subjects."""
    text = REPORT.read_text().split(f"## {section}\n")[1].split("## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows[2:]}


# bases, and classes that tf_keras does not show
UNCOMPARED = {"Loss", "LossFunctionWrapper", "TorchLoss", "Metric", "SumOverBatchSize", "SumOverBatchSizeMetricWrapper"}


@pytest.mark.parametrize(("section", "module"), [("Losses", keras.losses), ("Metrics", keras.metrics)])
def test_the_report_has_every_loss_and_metric_within_a_millionth(section: str, module: object) -> None:
    base = keras.losses.Loss if section == "Losses" else keras.metrics.Metric
    classes = {name for name, kind in vars(module).items() if isinstance(kind, type) and issubclass(kind, base)}
    rows = rows_of(section)
    assert classes - UNCOMPARED - set(rows) == set()
    for subject, (count, values, _) in rows.items():
        assert int(count) > 0
        assert float(values) <= 1e-6, f"{subject}: {values}"


def test_the_report_has_every_section() -> None:
    sections = re.findall("^## (.*)$", REPORT.read_text(), flags=re.MULTILINE)
    assert sections[:4] == ["Optimizers and schedules", "Losses", "Metrics", "Layers"]
    assert "Training runs" in sections
