"""What the metrics of a classifier cost: `fit` with five of them beside `fit` with none."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.cases import Case, Target
from benchmarks.meters import Piece
from benchmarks.suites.main.data import CLASSES, SHAPES, images

LIMIT = 1.15


def cases() -> list[Case]:
    """One epoch a piece; the column of hand-written code holds our own `fit` without metrics."""
    found = []
    for network, batch, steps in (("MLP", 32, 200), ("MLP", 128, 100), ("CNN", 32, 60)):
        title = (
            f"fit {network}, batch {batch}, accuracy, top-5, AUC, precision, recall (hand: ours, no metrics): one step"
        )
        parameters = {"network": network, "batch": batch, "samples": batch * steps}
        found.append(Case(title, "fit_with_metrics", parameters, (Target(LIMIT),), operations=steps))
    return found


def fit_with_metrics(keras: ModuleType, network: str, batch: int, samples: int) -> Piece:
    """The job of the Keras-like libraries."""
    kinds = keras.metrics
    every = [
        "accuracy",
        kinds.TopKCategoricalAccuracy(5),
        kinds.AUC(),
        kinds.Precision(),
        kinds.Recall(),
    ]
    return _fit(keras, network, batch, samples, every)


def fit_without_metrics(_: ModuleType, network: str, batch: int, samples: int) -> Piece:
    """The job of the column that ours is compared with, whatever the library of that column is."""
    return _fit(importlib.import_module("kerastorch"), network, batch, samples, None)


def _fit(keras: ModuleType, network: str, batch: int, samples: int, metrics: Any) -> Piece:
    layers = keras.layers
    model = keras.Sequential([keras.Input(SHAPES[network])])
    if network == "CNN":
        for _ in range(2):
            model.add(layers.Conv2D(32, 3, activation="relu"))
            model.add(layers.MaxPooling2D())
        model.add(layers.Flatten())
    model.add(layers.Dense({"MLP": 512, "CNN": 128}[network], activation="relu"))
    model.add(layers.Dense(CLASSES, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=metrics)
    x, labels = images(network, samples)
    y = np.eye(CLASSES, dtype=np.float32)[labels]
    return lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=1)
