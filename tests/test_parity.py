"""With tf_keras installed: its values today are those of the golden files that the other tests compare with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parent


@pytest.mark.parity
def test_golden_files_are_what_tf_keras_gives(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs tensorflow-cpu and tf-keras")
    copy = tmp_path / "tests"
    shutil.copytree(TESTS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([sys.executable, str(copy / "golden" / "make_golden.py")], check=True, env=environment)
    for made in sorted((copy / "golden").glob("*.npz")):
        with np.load(made) as now, np.load(TESTS / "golden" / made.name) as then:
            assert sorted(now.files) == sorted(then.files), made.name
            for key in now.files:
                if now[key].dtype.kind == "f":
                    scale = max(np.abs(then[key]).max(initial=0.0), 1e-3)
                    np.testing.assert_allclose(now[key], then[key], rtol=0, atol=1e-5 * scale, err_msg=key)
                else:
                    np.testing.assert_array_equal(now[key], then[key], err_msg=key)
    for name in ("structures.json", "progress.json"):
        assert (copy / "golden" / name).read_text() == (TESTS / "golden" / name).read_text(), name
