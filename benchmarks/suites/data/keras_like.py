"""The same work in Keras' words: ours and tf_keras."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.meters import Piece
from benchmarks.suites.data.inputs import jpeg_files, pixels
from benchmarks.suites.data.pipelines import mapped, rows, texts

__all__ = ["flow", "flow_of_bytes", "folder", "layers", "mapped", "rows", "texts"]
BATCH = 64


def generator_of(keras: ModuleType, options: dict[str, Any]) -> Any:
    """An ImageDataGenerator, which Keras 3 keeps in a place of its own."""
    path = (
        "keras.src.legacy.preprocessing.image" if keras.__name__ == "keras" else f"{keras.__name__}.preprocessing.image"
    )
    return importlib.import_module(path).ImageDataGenerator(**options)


def flow(keras: ModuleType, batches: int, options: dict[str, Any]) -> Piece:
    x = pixels(BATCH * 4)
    iterator = generator_of(keras, options).flow(x, np.arange(len(x)), batch_size=BATCH)
    return lambda: [next(iterator) for _ in range(batches)]


def folder(keras: ModuleType, files: int, size: int, options: dict[str, Any]) -> Piece:
    iterator = generator_of(keras, options).flow_from_directory(
        str(jpeg_files(files)), target_size=(size, size), batch_size=32, class_mode="binary"
    )
    return lambda: [iterator[number] is None for number in range(len(iterator))]


def flow_of_bytes(keras: ModuleType, samples: int) -> Piece:
    """Iterators that stay, so that what they hold counts."""
    x = pixels(samples, dtype="uint8")
    generator = generator_of(keras, {"rotation_range": 30})
    kept = []

    def run() -> None:
        kept.append(generator.flow(x, batch_size=BATCH))
        next(kept[-1])

    return run


def layers(keras: ModuleType, batches: int) -> Piece:
    x = pixels(BATCH)
    kinds = keras.layers
    changes = keras.Sequential([kinds.RandomFlip(), kinds.RandomRotation(0.1), kinds.RandomZoom(0.2)])
    tensor = importlib.import_module("tensorflow").constant(x) if keras.__name__ == "tf_keras" else x
    return lambda: [changes(tensor, training=True) for _ in range(batches)][-1]
