"""What callbacks cost: `fit` of a small network with one of them beside `fit` without."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.cases import Case, Target
from benchmarks.meters import Piece

LIMIT = 20e-6  # seconds a step
BATCH, STEPS = 32, 1000


def _every_hook(keras: ModuleType, folder: Path) -> Any:
    class Counter(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.begun = batch

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.ended = batch

    return Counter()


def _reader(keras: ModuleType, folder: Path) -> Any:
    seen: list[float] = []
    return keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append(logs["loss"]))


KINDS: dict[str, Callable[[ModuleType, Path], Any]] = {
    "own, both hooks of a batch": _every_hook,
    "LambdaCallback that reads the loss": _reader,
    "TerminateOnNaN": lambda keras, folder: keras.callbacks.TerminateOnNaN(),
    "EarlyStopping": lambda keras, folder: keras.callbacks.EarlyStopping("loss", restore_best_weights=True),
    "ReduceLROnPlateau": lambda keras, folder: keras.callbacks.ReduceLROnPlateau("loss"),
    "LearningRateScheduler": lambda keras, folder: keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate),
    "CSVLogger": lambda keras, folder: keras.callbacks.CSVLogger(folder / "log.csv"),
    "ModelCheckpoint": lambda keras, folder: keras.callbacks.ModelCheckpoint(folder / "model.keras"),
    "BackupAndRestore": lambda keras, folder: keras.callbacks.BackupAndRestore(folder / "backup"),
    "TensorBoard": lambda keras, folder: keras.callbacks.TensorBoard(folder / "logs"),
}
OURS_ALONE = {
    "GradientReport": lambda keras, folder: keras.callbacks.GradientReport(),
}


def cases() -> list[Case]:
    """One epoch a piece; the column of hand-written code holds our own `fit` without the callback."""
    return [
        Case(
            f"fit with {name} (hand: ours, without): one step",
            "fit_with_callback",
            {"name": name},
            (Target(LIMIT, kind="difference"),),
            operations=STEPS,
        )
        for name in (*KINDS, *OURS_ALONE)
    ]


def fit_with_callback(keras: ModuleType, name: str) -> Piece:
    """The job of the Keras-like libraries."""
    make = (KINDS | (OURS_ALONE if keras.__name__ == "kerastorch" else {}))[name]
    folder = tempfile.TemporaryDirectory(prefix="callbacks-")
    run = _fit(keras, [make(keras, Path(folder.name))])

    def piece(folder: Any = folder) -> None:  # which is removed with the piece
        run()

    return piece


def fit_without_callback(_: ModuleType, name: str) -> Piece:
    """The job of the column that ours is compared with."""
    return _fit(importlib.import_module("kerastorch"), [])


def _fit(keras: ModuleType, callbacks: list[Any]) -> Piece:
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((64,)), layers.Dense(32, activation="relu"), layers.Dense(10, activation="softmax")]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    generator = np.random.default_rng(0)
    x = generator.standard_normal((STEPS * BATCH, 64), dtype=np.float32)
    y = generator.integers(0, 10, STEPS * BATCH)
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=1, verbose=1, callbacks=callbacks)
