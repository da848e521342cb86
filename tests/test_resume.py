"""Training that is interrupted goes on as if nothing had happened: the same numbers to the last bit."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import callbacks
from kerastorch.layers import GRU, LSTM, BatchNormalization, Dense, Dropout, Input, Reshape
from kerastorch.optimizers import SGD, Adam, AdamW, Nadam, legacy
from kerastorch.saving import state_file

ROOT = Path(__file__).resolve().parents[1]
X = np.random.RandomState(0).normal(size=(50, 6)).astype("float32")
Y = (X.sum(1) > 0).astype("int64")
EPOCHS = 4


class Interrupted(Exception):
    pass


class InterruptAfter(callbacks.Callback):
    """Stands for a power cut: the process forgets everything after some batches."""

    def __init__(self, batches: int) -> None:
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if not self.left:
            raise Interrupted


def until_done(run: Callable[[list[Any]], Any], batches: int) -> tuple[Any, int]:
    """The result of `run` with an interruption after every so many batches, and how many there were."""
    for count in range(60):
        np.random.seed(count)
        torch.manual_seed(count)
        try:
            return run([InterruptAfter(batches)]), count
        except Interrupted:
            continue
    raise AssertionError("training does not get on")


# ------------------------------------------------------------------ what is trained


class Custom(keras.Model):
    """A step, a metric and random numbers of its own, and a layer that only the first call builds."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = Dense(8, activation="relu"), Dense(2, activation="softmax")
        self.drop = Dropout(0.3)
        self.seen = keras.metrics.Mean(name="seen")
        self.noise = keras.random.SeedGenerator(4)

    def call(self, x: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        x = self.first(x)
        if training:
            x = x + keras.random.normal(tuple(x.shape), seed=self.noise) * 0.01
        self.add_metric(x.abs().mean(), name="activity")
        return self.last(self.drop(x, training=training))

    def train_step(self, data: Any) -> Any:
        logs = super().train_step(data)
        self.seen.update_state(data[0].mean())
        return logs


class OwnLogs(keras.Sequential):
    """Logs the values of the last batch, which no metric keeps."""

    def train_step(self, data: Any) -> Any:
        loss = self.compute_loss(None, data[1], self(data[0], training=True))
        self.apply_gradients_of(loss)
        return {"loss": loss.detach(), "twice": 2 * loss.detach()}


def two_outputs() -> Any:
    inputs = Input((6,))
    x = Dropout(0.2, seed=1)(Dropout(0.3)(Dense(8, activation="relu")(inputs)))
    return keras.Model(inputs, [Dense(2, activation="softmax", name="p")(x), Dense(1, name="q")(x)])


MODELS: dict[str, Callable[[], Any]] = {
    "custom": Custom,
    "two outputs": two_outputs,
    "deferred": lambda: keras.Sequential(
        [Dense(8, activation="relu"), BatchNormalization(), Dense(2, activation="softmax")]
    ),
    "recurrent": lambda: keras.Sequential(
        [
            Reshape((3, 2), batch_input_shape=(10, 6)),
            LSTM(4, stateful=True, return_sequences=True),
            GRU(3, dropout=0.2, recurrent_dropout=0.2),
            Dense(2, activation="softmax"),
        ]
    ),
    "own logs": lambda: OwnLogs([Dense(4, activation="relu", input_shape=(6,)), Dropout(0.5), Dense(2, "softmax")]),
}
OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "adam": lambda: Adam(0.01),
    "schedule": lambda: SGD(keras.optimizers.schedules.CosineDecay(0.05, 30), momentum=0.9, nesterov=True),
    "torch": lambda: lambda parameters: torch.optim.Adam(parameters, lr=0.01, amsgrad=True, fused=True),
    "accumulating": lambda: AdamW(0.01, gradient_accumulation_steps=3, use_ema=True, clipnorm=0.1),
    "legacy": lambda: legacy.Ftrl(0.05),
    "nadam": lambda: Nadam(0.01),
}


class Shuffled(keras.utils.Sequence):
    """The usual Sequence of courses: shuffles itself after each epoch, and changes its pictures at random."""

    def __init__(self) -> None:
        self.order = np.arange(40)
        self.on_epoch_end()

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Any:
        chosen = self.order[index * 8 : index * 8 + 8]
        return X[chosen] + np.random.normal(size=(8, 1)).astype("float32") * 0.1, Y[chosen]

    def on_epoch_end(self) -> None:
        np.random.shuffle(self.order)


class Noisy(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return 43

    def __getitem__(self, index: int) -> Any:
        return X[index] + torch.randn(6).numpy() * 0.1, Y[index]


DATA: dict[str, Callable[[], dict[str, Any]]] = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 8},
    "batches of 10": lambda: {"x": X, "y": Y, "batch_size": 10},
    "in order": lambda: {"x": X, "y": Y, "batch_size": 8, "shuffle": False},
    "by batch": lambda: {"x": X, "y": Y, "batch_size": 8, "shuffle": "batch"},
    "steps": lambda: {"x": X, "y": Y, "batch_size": 8, "steps_per_epoch": 3},
    "sequence": lambda: {"x": Shuffled()},
    "loader": lambda: {"x": torch.utils.data.DataLoader(Noisy(), batch_size=8, shuffle=True)},
    "dataset": lambda: {"x": Noisy(), "batch_size": 8},
}


def make(model: str, optimizer: str) -> Any:
    keras.utils.set_random_seed(3)
    made = MODELS[model]()
    if model == "two outputs":
        made.compile(OPTIMIZERS[optimizer](), ["sparse_categorical_crossentropy", "mse"], metrics=[["acc"], ["mae"]])
    elif model == "own logs":
        made.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy")
    else:
        metrics = ["accuracy", keras.metrics.MeanAbsoluteError(), keras.metrics.SparseTopKCategoricalAccuracy(1)]
        made.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy", metrics=metrics)
    return made


def train(
    folder: Path, model: str, optimizer: str, data: str, save_freq: Any = None, more: list[Any] | None = None
) -> Any:
    """Train to the end; everything that the training leaves behind."""
    made = make(model, optimizer)
    given = DATA[data]()
    validation = (X[:20], Y[:20])
    if model == "two outputs":
        given["y"], validation = [Y, X[:, :1]], (X[:20], [Y[:20], X[:20, :1]])
    used = [callbacks.CSVLogger(folder / "log.csv")]
    used += [] if save_freq is None else [callbacks.BackupAndRestore(folder / "backup", save_freq=save_freq)]
    used += [callbacks.EarlyStopping("loss", patience=50, restore_best_weights=model == "two outputs")]
    if optimizer != "schedule":
        used += [callbacks.ReduceLROnPlateau("loss", patience=1, factor=0.5, min_delta=0.5)]
    history = made.fit(
        **given, epochs=EPOCHS, verbose=0, validation_data=validation, validation_batch_size=10,
        callbacks=[*used, *(more or [])],
    )  # fmt: skip
    state = json.loads(json.dumps(made.optimizer.state_dict(), default=lambda tensor: tensor.tolist()))
    weights = [weight.tolist() for weight in made.get_weights()]
    rows = (folder / "log.csv").read_text()
    assert not (folder / "backup").exists()
    return weights, state, history.history, history.epoch, rows, np.random.rand(), torch.rand(1).item()


@pytest.mark.parametrize(
    ("model", "optimizer", "data", "save_freq", "batches"),
    [
        ("two outputs", "adam", "arrays", 2, 9),
        ("two outputs", "schedule", "steps", 2, 4),
        ("two outputs", "torch", "in order", 3, 5),
        ("two outputs", "accumulating", "by batch", "epoch", 8),
        ("custom", "adam", "arrays", 2, 5),
        ("custom", "accumulating", "steps", 3, 4),
        ("custom", "torch", "arrays", "epoch", 9),
        ("custom", "schedule", "sequence", 2, 4),
        ("deferred", "nadam", "loader", 2, 4),
        ("deferred", "legacy", "sequence", "epoch", 6),
        ("deferred", "torch", "dataset", "epoch", 7),
        ("deferred", "accumulating", "arrays", 1, 4),
        ("recurrent", "adam", "batches of 10", 2, 4),
        ("own logs", "adam", "arrays", 1, 3),
    ],
)
def test_interruptions_change_nothing(
    model: str, optimizer: str, data: str, save_freq: Any, batches: int, tmp_path: Path
) -> None:
    expected = train(tmp_path, model, optimizer, data)
    found, count = until_done(lambda more: train(tmp_path, model, optimizer, data, save_freq, more), batches)
    assert count > 2
    for one, other in zip(found, expected, strict=True):
        assert one == other


# ------------------------------------------------------------------ killed processes


def program_runs(*arguments: Any) -> dict[str, Any]:
    program = [sys.executable, str(ROOT / "tests" / "resume_program.py"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies processes")
def test_killed_runs_end_as_if_nothing_had_happened(tmp_path: Path) -> None:
    report = program_runs(5, 0, tmp_path)
    assert report["differences"] == {}
    assert report["kills"] == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="copies processes")
def test_two_processes_in_one_folder_do_no_harm(tmp_path: Path) -> None:
    assert program_runs("--pair", tmp_path) == {"differences": []}


@pytest.mark.resume
@pytest.mark.parametrize(("kills", "options"), [(100, []), (10, ["--fresh"])])
def test_many_kills(tmp_path: Path, kills: int, options: list[str]) -> None:
    if not options and not hasattr(os, "fork"):
        pytest.skip("copies processes")
    report = program_runs(kills, 0, tmp_path, *options)
    sys.stdout.write(f"{report}\n")
    assert report["differences"] == {}
    assert report["kills"] == kills
    assert report["files_read"] > kills


# ------------------------------------------------------------------ from a saved model


def saving(path: Path | None = None, **options: Any) -> list[Any]:
    """Callbacks before and behind the one that saves, all of which have a state."""
    save = [] if path is None else [callbacks.ModelCheckpoint(path, **options)]
    stop = callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True)
    return [stop, *save, callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.1)]


def classifier() -> Any:
    keras.utils.set_random_seed(3)
    layers = [Dense(8, activation="relu", input_shape=(6,)), BatchNormalization(), Dropout(0.3), Dropout(0.2, seed=5)]
    model = keras.Sequential([*layers, Dense(2, activation="softmax")])
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy", "mae"])
    return model


FIT = {"x": X, "y": Y, "batch_size": 8, "verbose": 0, "validation_split": 0.2}


def ends(model: Any, history: Any) -> tuple[Any, ...]:
    weights = [weight.tolist() for weight in (*model.get_weights(), *model.optimizer.get_weights())]
    return weights, history.history, history.epoch


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.pt", "m.safetensors", "m"])
def test_a_model_saved_in_fit_goes_on_from_its_file(name: str, tmp_path: Path) -> None:
    model = classifier()
    expected = ends(model, model.fit(**FIT, epochs=6, callbacks=saving()))
    path = tmp_path / name
    classifier().fit(**FIT, epochs=3, callbacks=saving(path))
    keras.utils.set_random_seed(99)
    model = keras.models.load_model(path)
    others = saving(tmp_path / f"again-{name}")
    assert ends(model, model.fit(**FIT, epochs=6, initial_epoch=3, callbacks=others)) == expected
    # and from a file that the resumed training has written
    again = keras.models.load_model(tmp_path / f"again-{name}")
    keras.utils.set_random_seed(98)
    history = again.fit(**FIT, epochs=6, initial_epoch=6, callbacks=saving(path))
    assert (history.history, history.epoch) == expected[1:]


@pytest.mark.parametrize("batch", [2, 5])
def test_a_model_saved_inside_an_epoch_goes_on_behind_its_batch(batch: int, tmp_path: Path) -> None:
    model = classifier()
    expected = ends(model, model.fit(**FIT, epochs=5, callbacks=saving()))
    path = str(tmp_path / "{epoch}-{batch}.keras")
    classifier().fit(**FIT, epochs=4, callbacks=saving(path, save_freq=3))
    model = keras.models.load_model(tmp_path / f"3-{batch}.keras")
    others = saving(tmp_path / "again.keras", save_freq=3)
    assert ends(model, model.fit(**FIT, epochs=5, initial_epoch=2, callbacks=others)) == expected


def test_steps_over_several_epochs_go_on_from_a_file(tmp_path: Path) -> None:
    options = {**FIT, "steps_per_epoch": 3}
    model = classifier()
    expected = ends(model, model.fit(**options, epochs=5, callbacks=saving()))
    classifier().fit(**options, epochs=2, callbacks=saving(tmp_path / "m.keras"))
    model = keras.models.load_model(tmp_path / "m.keras")
    others = saving(tmp_path / "again.keras")
    assert ends(model, model.fit(**options, epochs=5, initial_epoch=2, callbacks=others)) == expected


def test_a_file_is_only_gone_on_with_where_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    classifier().fit(**FIT, epochs=2, callbacks=[callbacks.ModelCheckpoint(path)])
    model = keras.models.load_model(path)
    assert model.fit(**FIT, epochs=1).epoch == [0]  # a new training
    assert model.fit(**FIT, epochs=3, initial_epoch=2).epoch == [2]
    model = keras.models.load_model(path)
    assert model.fit(**FIT, epochs=4, initial_epoch=3).epoch == [3]
    model = keras.models.load_model(path)
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert model.fit(**FIT, epochs=3, initial_epoch=2).epoch == [2]
    model = keras.models.load_model(path)
    save = callbacks.ModelCheckpoint(path)
    history = model.fit(X[:7], Y[:7], verbose=0, epochs=3, initial_epoch=2, callbacks=[save])  # other data
    assert history.epoch == [0, 1, 2]


def test_a_model_saved_after_fit_goes_on_training(tmp_path: Path) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 3, 0.7)
    for name in ("m.keras", "m.h5", "m.pt", "m.safetensors"):
        results = []
        for reload in (False, True):
            keras.utils.set_random_seed(1)
            model = keras.Sequential([Dense(4, activation="relu", input_shape=(6,)), Dense(2, activation="softmax")])
            model.compile(Nadam(schedule, clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
            model.fit(X, Y, epochs=2, verbose=0, shuffle=False)
            if reload:
                model.save(tmp_path / name)
                model = keras.models.load_model(tmp_path / name)
            assert int(model.optimizer.iterations) == 4
            results.append(ends(model, model.fit(X, Y, epochs=2, verbose=0, shuffle=False)))
        assert results[0] == results[1]


def test_values_that_no_file_takes_are_left_out_with_a_warning(tmp_path: Path) -> None:
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(strange=object()))
    path = tmp_path / "m.keras"
    with pytest.warns(UserWarning, match=r"expected numbers, texts, arrays.*received <object.*without the place wh"):
        classifier().fit(**FIT, callbacks=[add, callbacks.ModelCheckpoint(path)])
    assert keras.models.load_model(path).fit(**FIT, epochs=2, initial_epoch=1).epoch == [1]
    with pytest.raises(TypeError, match=r"backup '.*'\['hook_logs'\]\['strange'\]: expected numbers, texts, arrays"):
        classifier().fit(**FIT, callbacks=[add, callbacks.BackupAndRestore(tmp_path / "backup")])


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.pt", "m.safetensors"])
def test_a_damaged_training_state_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = state_file.to_bytes({"version": 1, "epoch": 1, "first_epoch": 0, "step": 0, "taken": 0}, "state")
    other = state_file.to_bytes({"version": 1, "epoch": "1", "first_epoch": 0, "step": 0, "taken": 0}, "state")
    for data in (good[:-1], good[:20], np.full(50, 255, "uint8"), other):
        with monkeypatch.context() as patch:
            patch.setattr(state_file, "of_model", lambda model, label, data=data: data)
            classifier().save(tmp_path / name)
        with pytest.raises(ValueError, match=f"load_model '.*{name}': expected "):
            keras.models.load_model(tmp_path / name)
        assert len(keras.models.load_model(tmp_path / name, compile=False).layers) == 5


# ------------------------------------------------------------------ what callbacks meet


class Counting(callbacks.Callback):
    """A callback of the user's own, with a state."""

    state_attributes = ("batches",)
    batches = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.batches = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches += 1


class Hooks(callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.calls.append("begin")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(f"epoch {epoch}")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.calls.append(f"batch {batch}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls.append(f"end {epoch}: {sorted(logs)}")


@pytest.mark.parametrize(
    ("save_freq", "batches", "calls"),
    [
        ("epoch", 8, ["begin", "end 0: ['loss', 'mine']", "epoch 1"]),
        (3, 6, ["begin", "epoch 1", "batch 0", "batch 1"]),
        (5, 6, ["begin", "epoch 0", "batch 4", "end 0: ['loss', 'mine']", "epoch 1"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_every_callback_gets_every_hook_once(
    save_freq: Any, batches: int, calls: list[str], first: bool, tmp_path: Path
) -> None:
    """The backup may be anywhere in the list: who came behind it gets the hook when training goes on."""

    class Mine(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["mine"] = epoch

    def run(hooks: Hooks, counting: Counting, *more: Any) -> None:
        model = keras.Sequential([Dense(2, activation="softmax", input_shape=(6,))])
        model.compile("sgd", "sparse_categorical_crossentropy")
        backup = callbacks.BackupAndRestore(tmp_path, save_freq=save_freq)
        used = [Mine(), backup, counting, hooks] if first else [Mine(), counting, hooks, backup]
        model.fit(X, Y, batch_size=10, epochs=3, verbose=0, callbacks=[*used, *more])

    with pytest.raises(Interrupted):
        run(Hooks(), Counting(), InterruptAfter(batches))
    hooks, counting = Hooks(), Counting()
    run(hooks, counting)
    waiting = ("batch 4", "batch 0") if save_freq != "epoch" else ("end 0: ['loss', 'mine']",)
    expected = calls if first else [call for call in calls if call not in waiting]
    assert hooks.calls[: len(expected)] == expected
    assert counting.batches == 15
    assert hooks.calls[-1] == "end 2: ['loss', 'mine']"


def test_other_callbacks_than_before_are_said(tmp_path: Path) -> None:
    backup = callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(Interrupted):
        classifier().fit(**FIT, epochs=3, callbacks=[backup, Counting(), InterruptAfter(8)])
    counting, model = Counting(), classifier()
    with pytest.warns(UserWarning, match="received Counting, EarlyStopping, BackupAndRestore, History. Those of the"):
        history = model.fit(**FIT, epochs=3, callbacks=[counting, callbacks.EarlyStopping("loss"), backup])
    assert history.epoch == [0, 1, 2]
    assert counting.batches == 15


def test_the_bar_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup = callbacks.BackupAndRestore(tmp_path, save_freq=3)
    options = {**FIT, "verbose": 2, "epochs": 2}
    with pytest.raises(Interrupted):
        classifier().fit(**options, callbacks=[backup, InterruptAfter(9)])
    capsys.readouterr()
    classifier().fit(**options, callbacks=[backup, InterruptAfter(99)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 2/2" and lines[1].startswith("5/5 - ") and len(lines) == 2


def test_stopping_stays_stopped(tmp_path: Path) -> None:
    def run(*more: Any) -> Any:
        model = classifier()
        stop = callbacks.EarlyStopping("loss", patience=1, baseline=0.0)
        options = {"delete_checkpoint": False}
        return model.fit(
            **FIT, epochs=9, callbacks=[callbacks.BackupAndRestore(tmp_path, **options), stop, *more]
        ), stop

    history, stop = run()
    assert len(history.epoch) < 9
    again, same = run()  # the backup of the last epoch is still there: nothing is trained
    assert (again.history, again.epoch) == (history.history, history.epoch)
    assert (same.stopped_epoch, same.best) == (stop.stopped_epoch, stop.best)


# ------------------------------------------------------------------ what is refused


def interrupted(folder: Path, save_freq: Any = "epoch", **options: Any) -> None:
    backup = callbacks.BackupAndRestore(folder, save_freq=save_freq)
    with pytest.raises(Interrupted):
        classifier().fit(**{**FIT, **options}, epochs=3, callbacks=[backup, InterruptAfter(8)])


def wider() -> Any:
    model = keras.Sequential([Dense(9, activation="relu", input_shape=(6,)), BatchNormalization(), Dense(2, "softmax")])
    model.compile(Adam(0.01), "sparse_categorical_crossentropy")
    return model


def changed(**options: Any) -> Any:
    model = classifier()
    arguments = {"optimizer": Adam(0.01), "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy", "mae"]}
    model.compile(**{**arguments, **options})
    return model


def with_tanh() -> Any:
    layers = [Dense(8, activation="tanh", input_shape=(6,)), BatchNormalization(), Dropout(0.3), Dropout(0.2, seed=5)]
    model = keras.Sequential([*layers, Dense(2, activation="softmax")])
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy", "mae"])
    return model


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (wider, {}, r"a weight dense(_\d)?.kernel \[6, 8\] torch.float32; received .* \[6, 9\] torch.float32. Build"),
        (with_tanh, {}, 'a model with "activation": "relu" in its config; received "activation": "tanh". Build and'),
        (lambda: changed(optimizer=Nadam(0.01)), {}, "the optimizer Adam .*; received Nadam"),
        (lambda: changed(optimizer=Adam(0.02)), {}, r"the optimizer Adam .*0.01.*; received Adam .*0.02"),
        (
            lambda: changed(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
            {},
            'the loss "sparse_categorical_crossentropy"; received .*"from_logits": true',
        ),
        (classifier, {"batch_size": 7}, "batch_size 8; received 7. Pass the same data and batch_size to fit"),
        (classifier, {"x": X[:30], "y": Y[:30]}, "samples 40; received 24. Pass the same data"),
        (classifier, {"shuffle": False}, "shuffle True; received False"),
        (classifier, {"steps_per_epoch": 4}, "5 steps in an epoch, as before; received 4. Pass the same"),
    ],
)
@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_another_training_is_refused(model: Any, options: Any, text: str, save_freq: Any, tmp_path: Path) -> None:
    interrupted(tmp_path, save_freq)
    other = model()
    before = other.get_weights()
    backup = callbacks.BackupAndRestore(tmp_path, save_freq=save_freq)
    with pytest.raises(ValueError, match=rf"(?s)^backup '.*backup.safetensors': expected .*{text}"):
        other.fit(**{**FIT, **options}, epochs=3, callbacks=[backup])
    for one, another in zip(other.get_weights(), before, strict=True):
        assert (one == another).all()
    assert other.training is False
    assert (tmp_path / "backup.safetensors").exists()


def test_other_metrics_are_refused_inside_an_epoch(tmp_path: Path) -> None:
    interrupted(tmp_path, 2)
    with pytest.raises(ValueError, match=r"expected the metrics \['loss', 'accuracy', 'mae'\], as before.* 'mse'\]"):
        changed(metrics=["accuracy", "mse"]).fit(**FIT, epochs=3, callbacks=[callbacks.BackupAndRestore(tmp_path, 2)])


def test_longer_training_is_no_other_training(tmp_path: Path) -> None:
    model = classifier()
    expected = ends(model, model.fit(**FIT, epochs=5))
    interrupted(tmp_path)
    model = classifier()
    backup = callbacks.BackupAndRestore(tmp_path)
    assert ends(model, model.fit(**FIT, epochs=5, callbacks=[backup])) == expected


def test_broken_backups_are_refused(tmp_path: Path) -> None:
    interrupted(tmp_path)
    path = tmp_path / "backup.safetensors"
    whole = path.read_bytes()
    for broken in (b"", b"<html>", whole[:100], whole[:-1], whole[: len(whole) // 2], b"\xff" * 100):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match="backup '.*backup.safetensors': expected "):
            classifier().fit(**FIT, epochs=3, callbacks=[callbacks.BackupAndRestore(tmp_path)])
    state_file.write(path, {"version": 0}, "state")
    with pytest.raises(ValueError, match="expected the state of a training of version 1; received one of version 0"):
        classifier().fit(**FIT, epochs=3, callbacks=[callbacks.BackupAndRestore(tmp_path)])


def test_a_generator_goes_on_where_it_is_and_that_is_said(tmp_path: Path) -> None:
    def batches() -> Any:
        while True:
            for start in range(0, 40, 8):
                yield X[start : start + 8], Y[start : start + 8]

    def run(*more: Any) -> Any:
        backup = callbacks.BackupAndRestore(tmp_path, save_freq=2)
        return classifier().fit(batches(), steps_per_epoch=5, epochs=3, verbose=0, callbacks=[backup, *more])

    with pytest.raises(Interrupted):
        run(InterruptAfter(7))
    with pytest.warns(UserWarning, match="received a generator, which goes on where it is. The batches may be others"):
        history = run(InterruptAfter(99))
    assert history.epoch == [0, 1, 2]


def test_arguments_of_backups(tmp_path: Path) -> None:
    for wrong in (0, "batch", None, True, False):
        with pytest.raises(ValueError, match="expected save_freq 'epoch' or a number of batches; received"):
            callbacks.BackupAndRestore(tmp_path, save_freq=wrong)
    with pytest.warns(UserWarning, match="expected save_freq, as no signal of a preemption is heard here"):
        assert callbacks.BackupAndRestore("x", save_freq=False, save_before_preemption=True).save_freq == "epoch"
    file = tmp_path / "file"
    file.write_text("")
    model = classifier()
    with pytest.raises(ValueError, match="BackupAndRestore '.*file': expected a folder that can be written; received"):
        model.fit(**FIT, callbacks=[callbacks.BackupAndRestore(file)])
    assert int(model.optimizer.iterations) == 0


def test_the_backup_goes_when_training_is_done_and_stays_when_asked_to(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "backup"
    folder.mkdir(parents=True)
    old, new = (folder / f".backup.safetensors.{name}.safetensors" for name in ("old", "new"))
    for path in (old, new):
        path.write_text("half written")
    os.utime(old, (time.time() - 1000,) * 2)
    classifier().fit(**FIT, callbacks=[callbacks.BackupAndRestore(folder)])
    assert list(folder.iterdir()) == [new]
    new.unlink()
    classifier().fit(**FIT, callbacks=[callbacks.BackupAndRestore(folder, delete_checkpoint=False)])
    assert [path.name for path in folder.iterdir()] == ["backup.safetensors"]
    classifier().fit(**FIT, callbacks=[callbacks.BackupAndRestore(folder)])
    assert not folder.exists()


def test_a_full_disk_keeps_the_backup_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        written.append(handle)
        if len(written) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    model = classifier()
    expected = ends(model, model.fit(**FIT, epochs=3))
    written: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left on device.*The backup before this one is whole: make room"):
            classifier().fit(**FIT, epochs=3, callbacks=[callbacks.BackupAndRestore(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["backup.safetensors"]
    model = classifier()
    assert ends(model, model.fit(**FIT, epochs=3, callbacks=[callbacks.BackupAndRestore(tmp_path)])) == expected


# ------------------------------------------------------------------ states and files


def test_states_keep_their_kinds(tmp_path: Path) -> None:
    value = {
        "numbers": [1, 2.5, float("inf"), True, None, 2**80],
        "tuple": (1, (2, "x")),
        3: {"$": "dollar", "array": np.array([[1, 2]], "uint16"), "empty": np.zeros((0, 2))},
        "tensors": [torch.tensor(1.5, dtype=torch.bfloat16), torch.arange(4)[::2], torch.zeros(0), torch.tensor(True)],
        "dtype": torch.float16,
        "device": torch.device("cpu"),
        "numpy": np.float32(0.5),
    }
    state_file.write(tmp_path / "state", value, "state")
    found = state_file.read(tmp_path / "state", "state")
    assert list(found) == list(value)
    assert found["numbers"] == value["numbers"] and found["tuple"] == value["tuple"]
    assert type(found[3]["array"]) is np.ndarray and found[3]["array"].dtype == "uint16"
    assert found[3]["array"].tolist() == [[1, 2]] and found[3]["empty"].shape == (0, 2) and found[3]["$"] == "dollar"
    for one, other in zip(found["tensors"], value["tensors"], strict=True):
        assert one.dtype == other.dtype and torch.equal(one, other)
    assert (found["dtype"], found["device"], found["numpy"]) == (torch.float16, torch.device("cpu"), 0.5)
    assert state_file.from_bytes(state_file.to_bytes([1, "a"], "state"), "state") == [1, "a"]


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array(["a"]), [print], torch.tensor(1j)])
def test_states_take_only_plain_values(value: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"state\['x'\](\[0\])?: expected numbers, texts, arrays, tensors, and lists"):
        state_file.write(tmp_path / "state", {"x": value}, "state")
    assert list(tmp_path.iterdir()) == []


def test_there_is_nothing_to_go_on_from_outside_of_a_hook(tmp_path: Path) -> None:
    found: list[Any] = []

    class Look(callbacks.Callback):
        def _look(self, *_: Any, **__: Any) -> None:
            found.append(self.model.get_training_state() is None)

        on_train_begin = on_epoch_begin = on_test_begin = on_test_batch_end = on_train_end = _look

    model = classifier()
    assert model.get_training_state() is None
    model.save_training_state(tmp_path / "x")
    model.fit(**FIT, epochs=1, callbacks=[Look()])
    assert found == [True] * 6  # two batches of validation among them
    assert model.get_training_state() is None and list(tmp_path.iterdir()) == []


def test_metrics_keep_their_state_with_the_batches_that_wait() -> None:
    metrics = [keras.metrics.MeanAbsoluteError(), keras.metrics.AUC(), keras.metrics.Mean(), keras.metrics.Precision()]
    y, prediction = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.25], [0.5]])
    for metric in metrics:
        twin = type(metric)()
        if isinstance(metric, keras.metrics.Mean) and type(metric) is keras.metrics.Mean:
            metric.update_state(prediction)
        else:
            metric.update_state(y, prediction)
            metric.update_later(y, prediction / 2, None)
        twin.set_state(metric.get_state())
        assert [weight.tolist() for weight in twin.weights] == [weight.tolist() for weight in metric.weights]
        assert float(twin.result()) == float(metric.result())

    class Listing(keras.metrics.Metric):
        def __init__(self) -> None:
            super().__init__()
            self.parts, self.sums = [], {"a": 0}

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.parts.append(y_pred.numpy())
            self.sums["a"] += 1

    listing, twin = Listing(), Listing()
    listing.update_state(y, prediction)
    twin.set_state(listing.get_state())
    assert twin.sums == {"a": 1} and twin.parts[0].tolist() == [[0.25], [0.5]]
