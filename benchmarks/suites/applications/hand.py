"""The same work in plain torch modules, in channels_last memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torchvision
from torch import nn
from torch.nn import functional

from benchmarks.meters import Piece
from benchmarks.suites.applications import BATCH
from benchmarks.suites.applications.data import CLASSES, pictures

DEVICE = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
FEATURES = 2048


def tensors(samples: int, size: int = 84, classes: int = CLASSES) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = pictures(samples, size, classes)
    return torch.from_numpy(np.moveaxis(x, -1, 1)).to(DEVICE), torch.from_numpy(y).to(DEVICE)


def inception() -> nn.Module:
    """torchvision's InceptionV3, which is Keras', up to the mean of its features."""
    network = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    network.fc = nn.Identity()
    network.dropout = nn.Identity()
    network = network.to(DEVICE, memory_format=torch.channels_last)
    return network.eval().requires_grad_(False)


def load(_: ModuleType) -> Piece:
    network = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "w.pt")
    torch.save(network.state_dict(), path)
    return lambda: (torch.load(path, weights_only=True), folder)


def _trainer(samples: int) -> Any:
    """A function that trains for one epoch on a frozen base."""
    base, (x, y) = inception(), tensors(samples)
    head = nn.Sequential(nn.Linear(FEATURES, 1024), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(1024, CLASSES))
    head = head.to(DEVICE).train()
    optimizer = torch.optim.Adam(head.parameters(), fused=True)

    def epoch() -> tuple[float, float]:
        loss_sum = torch.zeros((), device=DEVICE)
        correct = torch.zeros((), dtype=torch.long, device=DEVICE)
        for index in torch.randperm(samples, device=DEVICE).split(BATCH):
            labels = y.index_select(0, index)
            optimizer.zero_grad(set_to_none=True)
            with torch.no_grad():
                features = base(x.index_select(0, index))
            logits = head(features)
            loss = functional.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()
            correct += (logits.argmax(1) == labels).sum()
        return loss_sum.item(), correct.item() / samples

    return epoch


def train_frozen(_: ModuleType, samples: int) -> Piece:
    return _trainer(samples)


def transfer(_: ModuleType, samples: int, epochs: int) -> Piece:
    epoch = _trainer(samples)
    return lambda: [epoch() for _ in range(epochs)]


def later_epoch(_: ModuleType, samples: int) -> Piece:
    return _trainer(samples)


def resnet() -> nn.Module:
    """torchvision's ResNet50 with strides and biases where Keras' has them."""
    network = torchvision.models.resnet50(weights=None)
    for stage in (network.layer2, network.layer3, network.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = nn.Parameter(torch.zeros(module.out_channels))
    return network.to(DEVICE, memory_format=torch.channels_last)


def train(_: ModuleType, batch: int) -> Piece:
    network, (x, y) = resnet().train(), tensors(batch, 224, 1000)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def predict(_: ModuleType, samples: int) -> Piece:
    network, (x, _labels) = resnet().eval(), tensors(samples, 224)

    @torch.inference_mode()
    def probabilities() -> np.ndarray:
        return torch.cat([network(part) for part in x.split(32)]).softmax(1).cpu().numpy()

    return probabilities
