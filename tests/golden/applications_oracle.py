"""tf_keras' side of test_applications_parity.py: weights, features and steps of training of one network in files.

    python applications_oracle.py make NETWORK OPTIONS FOLDER TRAINS    writes w.h5, out.npz and, trained, after.h5
    python applications_oracle.py read NETWORK OPTIONS FOLDER           reads back.h5 and writes back.npz

OPTIONS are JSON. The weights are those of tf_keras' initializers, but that nothing starts from 0 or 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cases_applications import shaken, training_data


def build(name: str, options: dict[str, Any]) -> Any:
    return getattr(tf_keras.applications, name)(weights=None, include_top=False, pooling="avg", **options)


def calibrate(model: Any, x: np.ndarray) -> None:
    """Give normalisation the statistics of the pictures, so that these still differ behind the last layer."""
    norms = [layer for layer in model.submodules if isinstance(layer, tf_keras.layers.BatchNormalization)]
    before = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(x, training=True)
    for layer, momentum in zip(norms, before, strict=True):
        layer.momentum = momentum


def main(task: str, name: str, options: str, folder: str, trains: str = "0") -> None:
    tf_keras.utils.set_random_seed(1)
    model, place = build(name, json.loads(options)), Path(folder)
    x, y = training_data(model)
    if task == "read":
        model.load_weights(place / "back.h5")
        np.savez(place / "back.npz", features=model.predict(x, verbose=0))
        return
    model.set_weights(shaken(model))
    calibrate(model, x)
    model.save_weights(place / "w.h5")
    weights = model.get_weights()
    # random networks are chaotic: what rounding leaves in the first layer may be a thousand times as much in the last
    tf_keras.backend.set_floatx("float64")
    model = build(name, json.loads(options))
    model.set_weights(weights)
    features = model.predict(x.astype("float64"), verbose=0)
    losses = []
    if int(trains):
        model.compile(tf_keras.optimizers.SGD(1e-3), "mse")
        losses = [model.train_on_batch(x, y) for _ in range(3)]
        model.save_weights(place / "after.h5")
    np.savez(place / "out.npz", features=features, losses=losses)


main(*sys.argv[1:])
