"""Jobs for Lightning: the hand-written network and optimizer under its Trainer."""

from __future__ import annotations

import logging
import warnings
from types import ModuleType
from typing import Any

import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.meters import Piece
from benchmarks.suites.main import hand


def build(lightning: ModuleType, network: str, batch: int, samples: int, shuffle: bool) -> tuple[Any, Any, Any]:
    """Return a Trainer that writes no files, the network with loss and accuracy in the bar, and its data."""

    class Network(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = hand.build(network)

        def training_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
            logits = self.network(batch[0])
            loss = functional.cross_entropy(logits, batch[1])
            accuracy = (logits.argmax(1) == batch[1]).float().mean()
            self.log_dict({"loss": loss, "accuracy": accuracy}, prog_bar=True, on_step=False, on_epoch=True)
            return loss

        test_step = training_step

        def predict_step(self, batch: list[torch.Tensor]) -> torch.Tensor:
            return self.network(batch[0]).softmax(1)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), fused=True)

    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_model_summary": False}
    loader = DataLoader(TensorDataset(*hand.tensors(network, samples)), batch_size=batch, shuffle=shuffle)
    return lightning.Trainer(max_epochs=0, **quiet), Network(), loader


def fit(lightning: ModuleType, network: str, batch: int, samples: int) -> Piece:
    trainer, model, loader = build(lightning, network, batch, samples, shuffle=True)

    def epoch() -> None:
        trainer.fit_loop.max_epochs += 1
        trainer.fit(model, loader)

    return epoch


def predict(lightning: ModuleType, network: str, batch: int, samples: int) -> Piece:
    trainer, model, loader = build(lightning, network, batch, samples, shuffle=False)
    return lambda: torch.cat(trainer.predict(model, loader)).numpy()


def evaluate(lightning: ModuleType, network: str, batch: int, samples: int) -> Piece:
    trainer, model, loader = build(lightning, network, batch, samples, shuffle=False)
    return lambda: trainer.test(model, loader, verbose=False)
