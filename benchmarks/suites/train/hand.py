"""The steps of torch's own optimizers; beside `fit` with metrics or callbacks, `fit` without."""

from __future__ import annotations

from types import ModuleType

import torch
from torch import nn

from benchmarks.meters import Piece
from benchmarks.suites.train.callbacks import fit_without_callback as fit_with_callback
from benchmarks.suites.train.metrics import fit_without_metrics as fit_with_metrics
from benchmarks.suites.train.table import RULES, shapes

__all__ = ["fit_with_callback", "fit_with_metrics", "optimizer_step"]

DEVICE = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"


def drawn(model: str, seed: int) -> list[torch.Tensor]:
    """A random tensor for each weight."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator).to(DEVICE) for shape in shapes(model)]


def gradients(model: str) -> list[list[torch.Tensor]]:
    """Two lists, which take turns: under one and the same gradient some rules would run into 0 / 0."""
    return [drawn(model, 1), drawn(model, 2)]


def optimizer_step(_: ModuleType, name: str, model: str, steps: int) -> Piece:
    parameters = [nn.Parameter(tensor) for tensor in drawn(model, 0)]
    turns = gradients(model)
    kind, options = RULES[name].torch
    optimizer = getattr(torch.optim, kind)(parameters, lr=1e-3, **options)

    def run() -> None:
        for step in range(steps):
            for parameter, gradient in zip(parameters, turns[step % 2], strict=True):
                parameter.grad = gradient
            optimizer.step()

    return run
