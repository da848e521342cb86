"""Ctrl-C and errors of callbacks leave model and History usable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from refusals import (
    X,
    Y,
    classifier,
)


class InterruptAt(keras.callbacks.Callback):
    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


def test_interrupted_training_leaves_model_and_history_usable() -> None:
    model = classifier(metrics=["accuracy"])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=2, epochs=5, verbose=0, validation_data=(X, Y), callbacks=[InterruptAt(2, 1)])
    assert model.history.epoch == [0, 1]
    assert list(model.history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert [len(values) for values in model.history.history.values()] == [2, 2, 2, 2]
    assert model.training is False and not any(layer.training for layer in model.layers)
    assert all(weight.grad is None for weight in model.weights)
    assert int(model.optimizer.iterations) == 12  # two epochs of five, and two steps
    assert model.predict(X, verbose=0).shape == (10, 3)
    before = model.get_weights()
    again = model.fit(X, Y, batch_size=2, epochs=2, verbose=0)
    assert again is model.history and again.epoch == [0, 1]
    assert int(model.optimizer.iterations) == 22
    assert np.abs(model.get_weights()[0] - before[0]).max() > 0


def test_interrupted_validation() -> None:
    class InterruptValidation(keras.callbacks.Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    model = classifier()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[InterruptValidation()])
    assert model.training is False and torch.is_grad_enabled()
    assert model.fit(X, Y, verbose=0).epoch == [0]


def test_errors_of_callbacks_leave_the_model_usable() -> None:
    def fails(batch: int, logs: Any) -> None:
        raise ZeroDivisionError

    model = classifier()
    for hook in ("on_train_batch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"):

        def wrapped(*arguments: Any) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            model.fit(X, Y, verbose=0, callbacks=[keras.callbacks.LambdaCallback(**{hook: wrapped})])
        assert model.training is False and torch.is_grad_enabled()
    assert model.fit(X, Y, verbose=0).epoch == [0]
