"""The interpreter that has tf_keras and Keras 3, for tests that compare with them as they run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# with tensorflow-cpu and tf-keras; it need not have torch
PYTHON = os.environ.get("PARITY_PYTHON", sys.executable)
ENVIRONMENT = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def has(modules: str) -> bool:
    """Whether the interpreter can import these modules, such as 'pandas, scipy'."""
    return not subprocess.run([PYTHON, "-c", f"import {modules}"], capture_output=True, env=ENVIRONMENT).returncode


def require(modules: str) -> None:
    """Skip the test where the interpreter lacks one of these modules."""
    if not has(modules):
        pytest.skip(f"needs an interpreter with {modules}")


def run(*arguments: object) -> None:
    """Run a program of Python in the interpreter; CalledProcessError where it fails."""
    subprocess.run([PYTHON, *map(str, arguments)], check=True, env=ENVIRONMENT)
