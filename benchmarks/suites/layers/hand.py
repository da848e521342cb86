"""The same work in plain torch modules."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.meters import Piece
from benchmarks.suites.layers.data import WORDS, sentences, values
from benchmarks.suites.layers.table import LAYERS

DEVICE = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"


def prepare(name: str) -> tuple[nn.Module, torch.Tensor]:
    """The module, and its input as a channels_last tensor (batch, channels, ...) where it wants channels second."""
    entry = LAYERS[name]
    kind, options = entry.torch
    module = getattr(nn, kind)(**options)
    module = (nn.Sequential(nn.ZeroPad2d(entry.pad), module) if entry.pad else module).to(DEVICE)
    x = torch.from_numpy(values(entry)).to(DEVICE)
    if len(entry.shape) >= 4 or kind == "Conv1d":
        x = x.movedim(-1, 1)
    if len(entry.shape) == 4:
        module = module.to(memory_format=torch.channels_last)
    return module.train("inference" not in name), x


def step(_: ModuleType, name: str) -> Piece:
    """Forward and backward, to the input too where it has a gradient."""
    module, x = prepare(name)
    attention = name == "MultiHeadAttention"
    x.requires_grad_(x.is_floating_point())
    parameters = [x, *module.parameters()]
    gradient: list[torch.Tensor] = []

    def run() -> Any:
        for _ in range(LAYERS[name].calls):
            for parameter in parameters:
                parameter.grad = None
            y = module(x, x, x, need_weights=False) if attention else module(x)
            y = y[0] if isinstance(y, tuple) else y
            if not gradient:
                gradient.append(torch.ones_like(y))
            y.backward(gradient[0])
        return y

    return run


class Network(nn.Module):
    """Embedding, a recurrent layer, and one logit from its last output."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 32)
        self.cell = getattr(nn, cell)(32, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.head(self.cell(self.embedding(words))[0][:, -1])


def fit(_: ModuleType, cell: str, steps: int) -> Piece:
    words, labels = (torch.from_numpy(array).to(DEVICE) for array in sentences(32 * steps))
    network = Network(cell).to(DEVICE)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def epoch() -> float:
        total = torch.zeros((), device=DEVICE)
        for index in torch.randperm(len(words), device=DEVICE).split(32):
            optimizer.zero_grad(set_to_none=True)
            logits = network(words.index_select(0, index)).squeeze(1)
            loss = functional.binary_cross_entropy_with_logits(logits, labels.index_select(0, index))
            loss.backward()
            optimizer.step()
            total += loss.detach()
        return total.item()

    return epoch
