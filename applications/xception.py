"""Xception (arXiv:1610.02357)."""

from __future__ import annotations

from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Network, constructor, keras_files
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing

from kerastorch import layers

# number, filters of its separable convolutions, and whether it halves the picture
BLOCKS = (
    (2, (128, 128), True),
    (3, (256, 256), True),
    (4, (728, 728), True),
    *((number, (728, 728, 728), False) for number in range(5, 13)),
    (13, (728, 1024), True),
)


def _relu(x: Any, name: str) -> Any:
    return layers.Activation("relu", name=f"{name}_act")(x)


def _separable(x: Any, filters: int, name: str) -> Any:
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return builder.batch_norm(x, f"{name}_bn")


def _block(x: Any, number: int, filters: tuple[int, ...], halves: bool) -> Any:
    shortcut = x
    if halves:
        shortcut = layers.Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)(x)
        shortcut = builder.batch_norm(shortcut)
    for place, size in enumerate(filters, 1):
        name = f"block{number}_sepconv{place}"
        if (number, place) != (2, 1):  # the stem has ended with a relu
            x = _relu(x, name)
        x = _separable(x, size, name)
    if halves:
        x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"block{number}_pool")(x)
    return layers.Add()([x, shortcut])


def _body(x: Any) -> Any:
    for place, (filters, stride) in enumerate(((32, 2), (64, 1)), 1):
        name = f"block1_conv{place}"
        x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=name)(x)
        x = _relu(builder.batch_norm(x, f"{name}_bn"), name)
    for row in BLOCKS:
        x = _block(x, *row)
    for place, filters in enumerate((1536, 2048), 1):
        name = f"block14_sepconv{place}"
        x = _relu(_separable(x, filters, name), name)
    return x


HASHES = ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97")

Xception = constructor(
    "Xception",
    "Xception: separable convolutions with shortcuts.",
    Network("xception", _body, 299, 71, keras_files(f"{STORAGE}xception/", "xception", HASHES)),
)
preprocess_input = preprocessing("tf")

__all__ = ["Xception", "decode_predictions", "preprocess_input"]
