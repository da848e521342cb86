"""Small models and data for the tests of torch and of accelerators."""

from __future__ import annotations

from typing import Any

import torch

import kerastorch as keras
from kerastorch.layers import Add, BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from support import normal

X = torch.from_numpy(normal("x", (8, 6)))
Y = torch.from_numpy(normal("y", (8, 2)))
IMAGES = torch.from_numpy(normal("images", (4, 8, 8, 1)))


def mlp() -> Any:
    return keras.Sequential(
        [Dense(5, activation="relu", input_shape=(6,)), BatchNormalization(), Dropout(0.5), Dense(2)]
    )


def cnn() -> Any:
    return keras.Sequential(
        [Conv2D(3, 3, activation="relu", input_shape=(8, 8, 1)), MaxPooling2D(), Flatten(), Dense(2, name="head")]
    )


def residual() -> Any:
    x = Input((6,))
    h = Dense(6, activation="relu", name="a")(x)
    return keras.Model(x, Dense(2, name="head")(Add()([x, h]) * 0.5))


MODELS = {"mlp": mlp, "cnn": cnn, "residual": residual}


def data_of(name: str) -> torch.Tensor:
    return IMAGES if name == "cnn" else X
