"""Reads the batches of CIFAR-10 and CIFAR-100."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerastorch.core.config import image_data_format
from kerastorch.datasets import plain_pickle


def load_batches(folder: Path, names: Sequence[str], label_key: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of some batch files, one after the other.

    Images: uint8, (sample, row, column, channel), or (sample, channel, row, column) where that is the image
    data format; labels: int64, (sample, 1). Raises ValueError for a folder without one of the files.
    """
    batches = [_load_batch(folder / name) for name in names]
    images = np.concatenate([batch[b"data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([batch[label_key.encode()] for batch in batches]).reshape(-1, 1)
    if image_data_format() == "channels_last":
        images = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    return images, labels


def _load_batch(path: Path) -> dict:
    if not path.is_file():
        raise ValueError(
            f"File '{path.name}': expected a batch of CIFAR in the folder {path.parent}; received a folder "
            "without it. Delete the folder and load again."
        )
    with path.open("rb") as file:
        return plain_pickle.load(file, path.name)
