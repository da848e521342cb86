"""Makes images.npz: what tf_keras' `preprocessing.image` does in the programs of cases_images.py.

TF_USE_LEGACY_KERAS=1 CUDA_VISIBLE_DEVICES= python tests/golden/make_images.py

It needs scipy, pandas and Pillow besides.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402
import pandas  # noqa: E402
from tf_keras.preprocessing import image  # noqa: E402

import cases_images as cases  # noqa: E402
from support import pack  # noqa: E402


def small(array: np.ndarray) -> np.ndarray:
    """Pictures at half the precision, which is far below 1/255 of their range."""
    return array.astype("float16") if array.dtype.kind == "f" and array.ndim >= 3 else array


def main() -> None:
    warnings.simplefilter("ignore")
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}

    def keep(section: str, found: dict[str, np.ndarray]) -> None:
        arrays.update({f"{section}/{key}": small(np.asarray(value)) for key, value in found.items()})

    for name, options in {**cases.GENERATORS, **cases.LAST_ONLY}.items():
        keep(f"{name}/channels_last", cases.flow(image, options, "channels_last"))
    for name in ("rotation", "shift lists", "flips and rotation", "channel shift", "fill wrap, order 3"):
        keep(f"{name}/channels_first", cases.flow(image, cases.GENERATORS[name], "channels_first"))
    for name, options in cases.FITTED.items():
        keep(name, cases.fitted(image, options))
    keep("single", cases.single_pictures(image))
    keep("arrays", cases.array_options(image))
    with tempfile.TemporaryDirectory() as folder:
        root = cases.make_tree(Path(folder))
        facts["folders"], found = cases.folders(image, root)
        keep("folders", found)
        facts["frames"], found = cases.frames(image, root, pandas.DataFrame)
        keep("frames", found)
        keep("loaded", cases.loaded(image, root))
    pack(HERE / "images.npz", facts, arrays)
    sys.stdout.write(f"{(HERE / 'images.npz').stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
