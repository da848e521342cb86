"""Writes what `keras.ops` of Keras 3 on TensorFlow gives for the table of `ops`:

python tests/golden/make_ops.py file.npz
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import keras
import numpy as np

from cases_ops import OPS


def main() -> None:
    found: dict[str, np.ndarray] = {}
    for case in OPS:
        if case.keras:
            outputs = keras.tree.flatten(case.call(keras.ops, *case.inputs))
            found |= {f"{case.id}/{i}": keras.ops.convert_to_numpy(output) for i, output in enumerate(outputs)}
    np.savez(sys.argv[1], **found)


if __name__ == "__main__":
    main()
