"""Random pictures and labels, the same for every contender."""

from __future__ import annotations

import numpy as np

SIZE, CLASSES = 84, 10


def pictures(samples: int, size: int = SIZE, classes: int = CLASSES) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (samples, size, size, 3) of -1 to 1, and a label for each."""
    generator = np.random.default_rng(0)
    x = generator.random((samples, size, size, 3), dtype=np.float32) * 2 - 1
    return x, generator.integers(0, classes, samples)
