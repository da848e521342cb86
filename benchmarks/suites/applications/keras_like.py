"""The same work in Keras' words: ours, Keras 3 on torch, tf_keras."""

from __future__ import annotations

import importlib
import tempfile
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.meters import Piece
from benchmarks.suites.applications import BATCH
from benchmarks.suites.applications.data import CLASSES, SIZE, pictures


def applications(keras: ModuleType) -> ModuleType:
    return importlib.import_module(f"{keras.__name__}.applications")


def build(keras: ModuleType, name: str) -> Piece:
    constructor = getattr(applications(keras), name)
    return lambda: constructor(weights=None)


def load(keras: ModuleType) -> Piece | None:
    model = applications(keras).InceptionV3(weights=None)
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name, "w.weights.h5" if keras.__name__ == "keras" else "w.h5")
    model.save_weights(path)
    return lambda: (model.load_weights(path), folder)


def frozen_model(keras: ModuleType) -> Any:
    """The model of the course: a frozen base and two layers on top."""
    layers = keras.layers
    conv_base = applications(keras).InceptionV3(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3))
    for layer in conv_base.layers:
        layer.trainable = False
    x = layers.Dense(1024, activation="relu")(layers.Flatten()(conv_base.output))
    outputs = layers.Dense(CLASSES, activation="softmax")(layers.Dropout(0.5)(x))
    model = keras.Model(conv_base.input, outputs)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train_frozen(keras: ModuleType, samples: int) -> Piece:
    model, (x, y) = frozen_model(keras), pictures(samples)
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)


def transfer(keras: ModuleType, samples: int, epochs: int) -> Piece:
    model, (x, y) = frozen_model(keras), pictures(samples)
    return lambda: model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)


def later_epoch(keras: ModuleType, samples: int) -> Piece:
    """A call of `fit` that goes on by one epoch for each piece; the first one is over when the piece is made."""
    model, (x, y) = frozen_model(keras), pictures(samples)
    begin, done = threading.Semaphore(0), threading.Semaphore(0)

    class Turns(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            begin.acquire()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            done.release()

    def train() -> None:
        model.fit(x, y, batch_size=BATCH, epochs=10**6, verbose=0, callbacks=[Turns()])

    threading.Thread(target=train, daemon=True).start()

    def epoch() -> None:
        begin.release()
        done.acquire()

    epoch()
    return epoch


def train(keras: ModuleType, batch: int) -> Piece:
    model, (x, y) = applications(keras).ResNet50(weights=None), pictures(batch, 224, 1000)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    return lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0)


def predict(keras: ModuleType, samples: int) -> Piece:
    model, (x, _) = applications(keras).ResNet50(weights=None), pictures(samples, 224)
    return lambda: model.predict(x, batch_size=32, verbose=0)
