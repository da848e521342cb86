"""`torch.save` and `torch.load` of ResNet50's state, whatever the format of the others."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import ModuleType

import torch
import torchvision

from benchmarks.meters import Piece


def save(_: ModuleType, suffix: str) -> Piece:
    model, folder = torchvision.models.resnet50(), tempfile.TemporaryDirectory(prefix="saving-")

    def piece() -> None:
        with (Path(folder.name) / "model.pt").open("wb") as file:
            torch.save(model.state_dict(), file)
            file.flush()
            os.fsync(file.fileno())  # the others wait for the disk too

    return piece


def load(_: ModuleType, suffix: str) -> Piece:
    model, folder = torchvision.models.resnet50(), tempfile.TemporaryDirectory(prefix="saving-")
    path = Path(folder.name) / "model.pt"
    torch.save(model.state_dict(), path)

    def piece(folder: tempfile.TemporaryDirectory[str] = folder) -> None:  # which is removed with the piece
        model.load_state_dict(torch.load(path))

    return piece
