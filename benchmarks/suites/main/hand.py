"""Jobs in PyTorch as a good engineer writes them by hand: the yardstick, so keep it the fastest there is.

Equal or slower: `x[index]`, slices of a permuted copy, a DataLoader, contiguous (N, C, H, W) memory.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.meters import Piece
from benchmarks.suites.main.data import CLASSES, images

DEVICE = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"


def build(network: str) -> nn.Sequential:
    """The network that yields logits, in channels_last memory."""
    layers: list[nn.Module] = [nn.Linear(784, 512), nn.ReLU(inplace=True), nn.Linear(512, CLASSES)]
    if network == "CNN":
        layers = [nn.Conv2d(1, 32, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        layers += [nn.Conv2d(32, 32, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        layers += [nn.Flatten(), nn.Linear(800, 128), nn.ReLU(inplace=True), nn.Linear(128, CLASSES)]
    return nn.Sequential(*layers).to(DEVICE, memory_format=torch.channels_last)


def tensors(network: str, samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """All data on the device; images as (samples, channels, height, width)."""
    x, y = images(network, samples)
    if network == "CNN":
        x = np.moveaxis(x, -1, 1)
    return torch.from_numpy(x).to(DEVICE), torch.from_numpy(y).to(DEVICE)


def fit(_: ModuleType, network: str, batch: int, samples: int) -> Piece:
    model, (x, y) = build(network).train(), tensors(network, samples)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def epoch() -> tuple[float, float]:
        loss_sum = torch.zeros((), device=DEVICE)
        correct = torch.zeros((), dtype=torch.long, device=DEVICE)
        for index in torch.randperm(samples, device=DEVICE).split(batch):
            labels = y.index_select(0, index)
            optimizer.zero_grad(set_to_none=True)
            logits = model(x.index_select(0, index))
            loss = functional.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
            correct += (logits.argmax(1) == labels).sum()
        return loss_sum.item() * batch / samples, correct.item() / samples

    return epoch


def predict(_: ModuleType, network: str, batch: int, samples: int) -> Piece:
    model, (x, _labels) = build(network).eval(), tensors(network, samples)

    @torch.inference_mode()
    def probabilities() -> np.ndarray:
        return torch.cat([model(part) for part in x.split(batch)]).softmax(1).cpu().numpy()

    return probabilities


def evaluate(_: ModuleType, network: str, batch: int, samples: int) -> Piece:
    """The logits of an epoch are few, so loss and accuracy are taken once, which beats a tally."""
    model, (x, y) = build(network).eval(), tensors(network, samples)

    @torch.inference_mode()
    def scores() -> tuple[float, float]:
        logits = torch.cat([model(part) for part in x.split(batch)])
        correct = (logits.argmax(1) == y).sum()
        return functional.cross_entropy(logits, y).item(), correct.item() / samples

    return scores


def call(_: ModuleType, network: str, calls: int) -> Piece:
    """The bare call, which records gradients as `model(x)` does."""
    model, (x, _labels) = nn.Sequential(*build(network), nn.Softmax(1)).eval(), tensors(network, 1)
    return lambda: [model(x) for _ in range(calls)]


def predict_one(_: ModuleType, network: str, calls: int) -> Piece:
    """The bare call without gradients and with no conversion on the way in or out."""
    return torch.inference_mode()(call(_, network, calls))


def chain(_: ModuleType, layers: int) -> Piece:
    """The operations of the layers without the layers."""
    x = torch.ones((1, 8), device=DEVICE)

    def inline() -> torch.Tensor:
        outputs = x
        for _ in range(layers):
            outputs = torch.relu(outputs)
        return outputs

    return inline
