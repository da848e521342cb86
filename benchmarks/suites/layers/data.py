"""The inputs of the suite: random numbers, words and lengths."""

from __future__ import annotations

import numpy as np

from benchmarks.suites.layers.table import Entry

WORDS, LENGTH = 2000, 80


def values(entry: Entry) -> np.ndarray:
    generator = np.random.default_rng(0)
    if entry.integers:
        return generator.integers(0, entry.integers, entry.shape)
    return generator.standard_normal(entry.shape, dtype=np.float32)


def mask(entry: Entry) -> np.ndarray | None:
    """Whole sequences and half ones and everything between."""
    if not entry.mask:
        return None
    batch, steps = entry.shape[:2]
    lengths = np.linspace(steps // 2, steps, batch).astype(int)[:, None]
    places = np.arange(steps)[None, :]
    return places < lengths if entry.mask == "right" else places >= steps - lengths


def sentences(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Integers without zero, so that nothing is masked, and labels 0 and 1."""
    generator = np.random.default_rng(0)
    return generator.integers(1, WORDS, (count, LENGTH)), generator.integers(0, 2, count).astype(np.float32)
