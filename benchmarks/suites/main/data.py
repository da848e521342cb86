"""The data of the suite: what the pixels are does not change the time."""

from __future__ import annotations

import numpy as np

CLASSES = 10
SHAPES = {"MLP": (784,), "CNN": (28, 28, 1)}


def images(network: str, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Random bytes scaled to 0 ... 1 in the shape of the network's input, and random labels."""
    generator = np.random.default_rng(0)
    x = generator.integers(0, 256, (samples, *SHAPES[network]), dtype=np.uint8)
    return x.astype(np.float32) / 255, generator.integers(0, CLASSES, samples)
