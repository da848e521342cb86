"""Files of ResNet50 in the Keras-like libraries; `.keras` holds the architecture too."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.meters import Piece


def _model_and_folder(keras: ModuleType) -> tuple[Any, tempfile.TemporaryDirectory[str]]:
    return keras.applications.ResNet50(weights=None), tempfile.TemporaryDirectory(prefix="saving-")


def _save(model: Any, folder: str, suffix: str) -> str:
    path = str(Path(folder) / f"model{suffix}")
    (model.save if suffix == ".keras" else model.save_weights)(path)
    return path


def save(keras: ModuleType, suffix: str) -> Piece:
    model, folder = _model_and_folder(keras)
    return lambda: _save(model, folder.name, suffix)


def load(keras: ModuleType, suffix: str) -> Piece:
    model, folder = _model_and_folder(keras)
    path = _save(model, folder.name, suffix)

    def piece(folder: tempfile.TemporaryDirectory[str] = folder) -> None:  # which is removed with the piece
        model.load_weights(path)

    return piece
