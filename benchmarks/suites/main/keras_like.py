"""Jobs for every library that speaks Keras: ours, Keras 3 on torch, tf_keras."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.meters import Piece
from benchmarks.suites.main.data import CLASSES, SHAPES, images


def build(keras: ModuleType, network: str) -> Any:
    """Build and compile a network as courses do."""
    layers = keras.layers
    model = keras.Sequential([keras.Input(SHAPES[network])])
    if network == "CNN":
        for _ in range(2):
            model.add(layers.Conv2D(32, 3, activation="relu"))
            model.add(layers.MaxPooling2D())
        model.add(layers.Flatten())
    model.add(layers.Dense({"MLP": 512, "CNN": 128}[network], activation="relu"))
    model.add(layers.Dense(CLASSES, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def tensor(keras: ModuleType, x: np.ndarray) -> Any:
    """The library's own tensor, where the library computes."""
    if keras.__name__ == "tf_keras":
        return importlib.import_module("tensorflow").constant(x)
    hand = importlib.import_module("benchmarks.suites.main.hand")
    return hand.torch.from_numpy(x).to(hand.DEVICE)


def fit(keras: ModuleType, network: str, batch: int, samples: int) -> Piece:
    model, (x, y) = build(keras, network), images(network, samples)
    return lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=1)


def predict(keras: ModuleType, network: str, batch: int, samples: int) -> Piece:
    model, (x, _) = build(keras, network), images(network, samples)
    return lambda: model.predict(x, batch_size=batch, verbose=1)


def evaluate(keras: ModuleType, network: str, batch: int, samples: int) -> Piece:
    model, (x, y) = build(keras, network), images(network, samples)
    return lambda: model.evaluate(x, y, batch_size=batch, verbose=1)


def predict_one(keras: ModuleType, network: str, calls: int) -> Piece:
    model, (x, _) = build(keras, network), images(network, 1)
    return lambda: [model.predict(x, verbose=0) for _ in range(calls)]


def call(keras: ModuleType, network: str, calls: int) -> Piece:
    model, x = build(keras, network), tensor(keras, images(network, 1)[0])
    return lambda: [model(x) for _ in range(calls)]


def chain(keras: ModuleType, layers: int) -> Piece:
    inputs = outputs = keras.Input((8,))
    for _ in range(layers):
        outputs = keras.layers.Activation("relu")(outputs)
    model, x = keras.Model(inputs, outputs), tensor(keras, np.ones((1, 8), np.float32))
    return lambda: model(x)
