"""A stand-in for a model, and the order in which `fit` calls hooks, for the tests of callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kerastorch.callbacks import CallbackList, History, LazyLogs, Logs
from kerastorch.optimizers import SGD


class FakeModel:
    """What callbacks ask of a model."""

    def __init__(self, learning_rate: Any = 0.5) -> None:
        self.optimizer = SGD(learning_rate)
        self.stop_training = False
        self.metrics: list[Any] = []
        self.weight = 0.0
        self.saved: list[tuple[str, str]] = []
        self.loaded: list[str] = []

    def get_weights(self) -> list[float]:
        return [self.weight]

    def set_weights(self, weights: list[float]) -> None:
        (self.weight,) = weights

    def save(self, path: str, overwrite: bool) -> None:
        assert overwrite
        Path(path).write_text("model")
        self.saved.append(("model", path))

    def save_weights(self, path: str, overwrite: bool) -> None:
        assert overwrite
        Path(path).write_text("weights")
        self.saved.append(("weights", path))

    def load_weights(self, path: str) -> None:
        self.loaded.append(path)


def fit(model: FakeModel, given: Any, epochs: list[dict[str, Any]], steps: int = 2, **params: Any) -> History:
    """The order of hooks in `fit`: every batch logs the epoch's values."""
    params = {"verbose": 0, "epochs": len(epochs), "steps": steps} | params
    hooks = CallbackList(given, add_history=True, add_progbar=params["verbose"] != 0, model=model, **params)
    hooks.on_train_begin()
    for epoch, values in enumerate(epochs):
        hooks.on_epoch_begin(epoch)
        model.weight = float(epoch)
        for batch in range(steps):
            hooks.on_train_batch_begin(batch)
            hooks.on_train_batch_end(batch, LazyLogs(lambda values=values: values))
            if model.stop_training:
                break
        hooks.on_epoch_end(epoch, Logs(values))
        if model.stop_training:
            break
    hooks.on_train_end()
    return hooks.history


def losses(*values: float, name: str = "val_loss") -> list[dict[str, float]]:
    return [{name: value} for value in values]
