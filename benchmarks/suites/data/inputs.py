"""The inputs of the suite: random pictures, and files of smooth ones, which compress as photographs do."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import numpy as np


def pixels(count: int, size: int = 84, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype(dtype)


@functools.lru_cache(maxsize=1)
def jpeg_files(count: int) -> Path:
    """A folder with two classes of JPEG files 256x256, kept for the next run on this machine."""
    from PIL import Image

    root = Path(tempfile.gettempdir()) / f"kerastorch_benchmark_jpeg_{count}"
    if (root / "done").exists():
        return root
    generator = np.random.default_rng(0)
    for number in range(count):
        folder = root / ("cats", "dogs")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(generator.integers(0, 256, (32, 32, 3), dtype=np.uint8))
        coarse.resize((256, 256), Image.Resampling.BICUBIC).save(folder / f"{number:04d}.jpg", quality=90)
    (root / "done").touch()
    return root
