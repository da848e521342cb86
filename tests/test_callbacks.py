"""Callbacks that stop, save, set the learning rate and write files, with a stand-in for a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from callback_tools import FakeModel, fit, losses
from kerastorch import callbacks
from kerastorch.callbacks import Callback, CallbackList
from kerastorch.core.variable import Variable
from kerastorch.optimizers import schedules

# ------------------------------------------------------------------ stopping


def test_early_stopping_waits_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    model = FakeModel()
    stop = callbacks.EarlyStopping(patience=2, verbose=1, restore_best_weights=True)
    history = fit(model, [stop], losses(3.0, 2.0, 2.5, 2.0, 1.0))
    assert history.history["val_loss"] == [3.0, 2.0, 2.5, 2.0]
    assert capsys.readouterr().out == (
        "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )
    assert model.weight == 1.0
    assert (stop.best, stop.best_epoch, stop.stopped_epoch) == (2.0, 1, 3)


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({"monitor": "val_accuracy"}, [0.1, 0.2, 0.15, 0.3], 3),
        ({"monitor": "val_loss", "mode": "max"}, [3.0, 2.0, 1.0], 2),
        ({"min_delta": 0.5}, [3.0, 2.8, 1.0], 2),
        ({"min_delta": -0.5, "patience": 1}, [3.0, 2.0, 1.0], 3),
        ({"baseline": 1.0, "patience": 2}, [3.0, 2.0, 1.5, 1.2], 4),
        ({"baseline": 2.5, "patience": 2}, [3.0, 2.0, 2.1, 1.0, 1.0, 1.0], 6),
        ({"start_from_epoch": 3}, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 5),
        ({}, [1.0, 2.0], 2),
    ],
)
def test_early_stopping_arguments(options: dict[str, Any], values: list[float], epochs: int) -> None:
    name = options.get("monitor", "val_loss")
    history = fit(FakeModel(), [callbacks.EarlyStopping(**options)], losses(*values, name=name))
    assert len(history.epoch) == epochs


def test_early_stopping_restores_the_first_epoch_when_nothing_improves() -> None:
    model = FakeModel()
    fit(model, [callbacks.EarlyStopping(patience=1, restore_best_weights=True)], losses(math.nan, math.nan))
    assert model.weight == 0.0


def test_a_missing_monitor_is_said_once() -> None:
    stop = callbacks.EarlyStopping()
    with pytest.warns(UserWarning) as seen:
        fit(FakeModel(), [stop], [{"loss": 1.0, "acc": 0.5}] * 3)
    assert [str(warning.message) for warning in seen] == [
        "EarlyStopping: early stopping is conditioned on 'val_loss', which is not available. Available are: loss, acc."
    ]
    with pytest.warns(UserWarning, match="EarlyStopping: mode 'least' is unknown; falling back to 'auto'") as seen:
        assert callbacks.EarlyStopping(mode="least").mode == "auto"
    assert seen[0].filename == __file__


def test_monitor_finds_the_other_name_of_accuracy() -> None:
    with pytest.warns(UserWarning, match="EarlyStopping: 'val_acc' is logged as 'val_accuracy', the name") as said:
        history = fit(FakeModel(), [callbacks.EarlyStopping("val_acc")], losses(0.5, 0.4, 0.6, name="val_accuracy"))
    assert len(said) == 1
    assert len(history.epoch) == 2


@pytest.mark.parametrize("loss", [math.nan, math.inf, torch.tensor(math.nan)])
def test_terminate_on_nan(loss: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = FakeModel()
    stop = callbacks.TerminateOnNaN()
    hooks = CallbackList([stop], model=model)
    hooks.on_train_batch_end(0, {"loss": torch.tensor(1.0)})
    assert not model.stop_training
    hooks.on_train_batch_end(1, {"loss": loss})
    assert model.stop_training
    assert capsys.readouterr().out == f"Batch 1: Invalid loss, terminating training (loss: {float(loss)})\n"


# ------------------------------------------------------------------ checkpoints


def test_checkpoint_of_the_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, path = FakeModel(), str(tmp_path / "deep" / "x.h5")
    save = callbacks.ModelCheckpoint(path, verbose=1, save_best_only=True)
    fit(model, [save], losses(0.534, 0.6, 0.5))
    assert model.saved == [("model", path)] * 2
    assert capsys.readouterr().out == (
        f"\nEpoch 1: val_loss improved from inf to 0.53400, saving model to {path}\n"
        "\nEpoch 2: val_loss did not improve from 0.53400\n"
        f"\nEpoch 3: val_loss improved from 0.53400 to 0.50000, saving model to {path}\n"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"monitor": "val_acc"}, [1, 3]),
        ({"monitor": "val_acc", "mode": "min"}, [1, 2]),
        ({"monitor": "val_acc", "initial_value_threshold": 0.55}, [3]),
        ({"monitor": "val_loss"}, [1, 2]),
        ({"monitor": "val_loss", "mode": "max"}, [1, 3]),
    ],
)
def test_checkpoint_modes(tmp_path: Path, options: dict[str, Any], expected: list[int]) -> None:
    model = FakeModel()
    save = callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.h5"), save_best_only=True, **options)
    values = (0.5, 0.4, 0.6)
    fit(model, [save], [{"val_acc": value, "val_loss": value} for value in values])
    assert [int(Path(path).stem) for _, path in model.saved] == expected


def test_checkpoint_names_and_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = FakeModel()
    template = tmp_path / "{epoch:02d}-{val_loss:.2f}-{val_acc:.1f}.weights.h5"
    fit(
        model,
        [callbacks.ModelCheckpoint(template, save_weights_only=True, verbose=1)],
        [{"val_loss": 0.534, "val_accuracy": 0.75}],
    )
    path = str(tmp_path / "01-0.53-0.8.weights.h5")
    assert model.saved == [("weights", path)]
    assert capsys.readouterr().out == f"\nEpoch 1: saving model to {path}\n"


def test_checkpoint_by_batches_and_by_epochs(tmp_path: Path) -> None:
    model = FakeModel()
    by_batch = callbacks.ModelCheckpoint(str(tmp_path / "{epoch}-{batch}.h5"), save_freq=3)
    by_epoch = callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.h5"), period=2)
    fit(model, [by_batch, by_epoch], losses(1.0, 1.0, 1.0), steps=4)
    assert [Path(path).stem for _, path in model.saved] == ["1-3", "2-2", "2", "3-1", "3-4"]


def test_checkpoint_loads_on_restart(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    path.write_text("weights")
    model = FakeModel()
    fit(model, [callbacks.ModelCheckpoint(path, load_weights_on_restart=True)], [])
    assert model.loaded == [str(path)]


def test_checkpoint_errors(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(ValueError, match="expected a folder that can be written; received") as error:
        fit(FakeModel(), [callbacks.ModelCheckpoint(str(file / "x.h5"))], losses(1.0))
    assert "Pass a path in a folder that exists or can be created." in str(error.value)
    with pytest.raises(
        ValueError, match=r"expected names of logs in the path; received 'val_los'. Did you mean 'val_loss'"
    ):
        fit(FakeModel(), [callbacks.ModelCheckpoint(str(tmp_path / "{val_los}.h5"))], losses(1.0))
    with pytest.raises(ValueError, match="expected the path of a file; received the folder"):
        fit(FakeModel(), [callbacks.ModelCheckpoint(str(tmp_path), save_weights_only=True)], losses(1.0))
    with pytest.raises(ValueError, match="expected save_freq 'epoch' or a number of batches; received 'epochs'"):
        callbacks.ModelCheckpoint("x.h5", save_freq="epochs")


# ------------------------------------------------------------------ learning rate


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (lambda epoch, rate: rate / 2, [0.25, 0.125]),
        (lambda epoch: 1.0 / (epoch + 1), [1.0, 0.5]),
        (schedules.ExponentialDecay(0.5, 1, 0.5), [0.5, 0.25]),
        (lambda *arguments: torch.tensor(arguments[1] * 2), [1.0, 2.0]),
    ],
)
def test_learning_rate_scheduler(schedule: Any, rates: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    model = FakeModel()
    history = fit(model, [callbacks.LearningRateScheduler(schedule, verbose=1)], losses(1.0, 1.0))
    assert history.history["lr"] == rates
    assert float(model.optimizer.learning_rate) == rates[-1]
    assert capsys.readouterr().out == "".join(
        f"\nEpoch {epoch}: LearningRateScheduler setting learning rate to {rate}.\n"
        for epoch, rate in enumerate(rates, 1)
    )


def test_learning_rate_scheduler_errors() -> None:
    with pytest.raises(ValueError, match=r"expected the schedule to return a number; received None \(NoneType\)"):
        fit(FakeModel(), [callbacks.LearningRateScheduler(lambda epoch: None)], losses(1.0))
    model = FakeModel()
    model.optimizer = None
    with pytest.raises(ValueError, match="expected a model whose optimizer has a learning rate; received the optim"):
        fit(model, [callbacks.LearningRateScheduler(lambda epoch: 0.1)], losses(1.0))


def test_reduce_on_plateau_rounds_and_says_what_keras_does(capsys: pytest.CaptureFixture[str]) -> None:
    model = FakeModel(0.001)
    reduce = callbacks.ReduceLROnPlateau(factor=0.1, patience=2, verbose=1)
    history = fit(model, [reduce], losses(1.0, 1.0, 1.0, 1.0))
    assert capsys.readouterr().out == (
        "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.00010000000474974513.\n"
    )
    assert history.history["lr"] == pytest.approx([0.001, 0.001, 0.001, 0.0001])
    assert float(model.optimizer.lr) == 0.00010000000474974513


@pytest.mark.parametrize(
    ("options", "values", "rate"),
    [
        ({"factor": 0.5, "patience": 1}, [1.0, 1.0, 1.0], 0.125),
        ({"factor": 0.5, "patience": 1, "cooldown": 2}, [1.0, 1.0, 1.0, 1.0], 0.125),
        ({"factor": 0.5, "patience": 1, "cooldown": 3}, [1.0, 1.0, 1.0, 1.0], 0.25),
        ({"factor": 0.5, "patience": 1, "min_lr": 0.3}, [1.0, 1.0, 1.0], 0.3),
        ({"factor": 0.5, "patience": 1, "min_delta": 0.5}, [1.0, 0.6, 0.4], 0.25),
        ({"factor": 0.5, "patience": 1, "epsilon": 0.5}, [1.0, 0.6, 0.4], 0.25),
        ({"factor": 0.5, "patience": 1, "mode": "max"}, [1.0, 0.5, 2.0], 0.25),
        ({"factor": 0.5, "patience": 3}, [1.0, 1.0, 1.0], 0.5),
    ],
)
def test_reduce_on_plateau_arguments(options: dict[str, Any], values: list[float], rate: float) -> None:
    model = FakeModel()
    fit(model, [callbacks.ReduceLROnPlateau(**options)], losses(*values))
    assert float(model.optimizer.learning_rate) == np.float32(rate)


@pytest.mark.parametrize(
    ("kind", "arguments", "error", "text"),
    [
        ("ReduceLROnPlateau", {"factor": schedules.ExponentialDecay(0.1, 1, 0.5)}, TypeError,
         "ReduceLROnPlateau 'val_loss': expected factor to be a number of at least 0; received .*ExponentialDecay"),
        ("ReduceLROnPlateau", {"min_lr": -1e-4}, ValueError, "min_lr to be a number of at least 0; received -0.0001"),
        ("ReduceLROnPlateau", {"patience": "3"}, TypeError, "patience to be a number of at least 0; received '3'"),
        ("ReduceLROnPlateau", {"cooldown": -1}, ValueError, "cooldown to be a number of at least 0; received -1"),
        ("EarlyStopping", {"patience": None}, TypeError, "EarlyStopping 'val_loss': expected patience to be a number"),
        ("EarlyStopping", {"min_delta": "auto"}, TypeError, "expected min_delta to be a number; received 'auto'"),
        ("EarlyStopping", {"baseline": [0.5]}, TypeError, "expected baseline to be a number; received .0.5. .list."),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(kind: str, arguments: dict[str, Any], error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        getattr(callbacks, kind)(**arguments)


def test_reduce_on_plateau_refuses_to_grow() -> None:
    with pytest.raises(ValueError, match="expected a factor below 1; received 2.0"):
        callbacks.ReduceLROnPlateau(factor=2.0)


def test_the_rate_may_be_assigned_as_a_variable() -> None:
    class Halve(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.lr.assign(float(self.model.optimizer.lr) / 2)

    model = FakeModel()
    fit(model, [Halve()], losses(1.0, 1.0))
    weight = Variable([1.0])
    model.optimizer.apply_gradients([(torch.ones(1), weight)])
    assert weight.item() == 0.875


# ------------------------------------------------------------------ files


def test_csv_logger(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    fit(FakeModel(), [callbacks.CSVLogger(path)], [{"loss": 0.5, "acc": np.array([1, 2])}, {"loss": 0.25}])
    assert path.read_bytes().decode() == (
        'epoch,acc,loss,val_acc,val_loss\r\n0,"""[1, 2]""",0.5,NA,NA\r\n1,NA,0.25,NA,NA\r\n'
    )
    fit(FakeModel(), [callbacks.CSVLogger(path, separator=";")], [{"loss": 0.5, "val_loss": 1.0}])
    fit(
        FakeModel(),
        [callbacks.CSVLogger(path, separator=";", append=True)],
        [{"loss": 0.75, "val_loss": 1.5}],
    )
    assert path.read_bytes().decode() == "epoch;loss;val_loss\r\n0;0.5;1.0\r\n0;0.75;1.5\r\n"
