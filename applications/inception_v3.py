"""InceptionV3 (arXiv:1512.00567)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Network, constructor, keras_files
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing

from kerastorch import layers

Step = Callable[[Any], Any]


def conv(filters: int, rows: int, columns: int, stride: int = 1, padding: str = "same") -> Step:
    """Convolution, normalisation without a scale, relu."""

    def step(x: Any) -> Any:
        x = layers.Conv2D(filters, (rows, columns), stride, padding, use_bias=False)(x)
        return layers.Activation("relu")(builder.batch_norm(x, scale=False))

    return step


def shrinking(filters: int) -> Step:
    """The 3x3 convolution that halves the picture."""
    return conv(filters, 3, 3, 2, "valid")


def average(x: Any) -> Any:
    return layers.AveragePooling2D(3, 1, "same")(x)


def maximum(x: Any) -> Any:
    return layers.MaxPooling2D(3, 2)(x)


def fork(name: str | None, *ways: Step) -> Step:
    """The outputs of several ways, one after the other in the channels."""

    def step(x: Any) -> Any:
        return layers.Concatenate(axis=builder.channel_axis(), name=name)([way(x) for way in ways])

    return step


def chain(x: Any, steps: Any) -> Any:
    for step in steps:
        x = step(x)
    return x


def mixed(name: str, *branches: tuple[Step, ...]) -> Step:
    return fork(name, *(lambda x, steps=steps: chain(x, steps) for steps in branches))


def _wide(name: str, pooled_filters: int) -> Step:
    return mixed(
        name,
        (conv(64, 1, 1),),
        (conv(48, 1, 1), conv(64, 5, 5)),
        (conv(64, 1, 1), conv(96, 3, 3), conv(96, 3, 3)),
        (average, conv(pooled_filters, 1, 1)),
    )


def _factorized(name: str, filters: int) -> Step:
    down, across = conv(filters, 7, 1), conv(filters, 1, 7)
    return mixed(
        name,
        (conv(192, 1, 1),),
        (conv(filters, 1, 1), across, conv(192, 7, 1)),
        (conv(filters, 1, 1), down, across, down, conv(192, 1, 7)),
        (average, conv(192, 1, 1)),
    )


def _split(name: str, inner_name: str) -> Step:
    ways = conv(384, 1, 3), conv(384, 3, 1)
    return mixed(
        name,
        (conv(320, 1, 1),),
        (conv(384, 1, 1), fork(inner_name, *ways)),
        (conv(448, 1, 1), conv(384, 3, 3), fork(None, *ways)),
        (average, conv(192, 1, 1)),
    )


STEM = (
    conv(32, 3, 3, 2, "valid"),
    conv(32, 3, 3, 1, "valid"),
    conv(64, 3, 3),
    maximum,
    conv(80, 1, 1, 1, "valid"),
    conv(192, 3, 3, 1, "valid"),
    maximum,
)
BODY = (
    *STEM,
    _wide("mixed0", 32),
    _wide("mixed1", 64),
    _wide("mixed2", 64),
    mixed("mixed3", (shrinking(384),), (conv(64, 1, 1), conv(96, 3, 3), shrinking(96)), (maximum,)),
    _factorized("mixed4", 128),
    _factorized("mixed5", 160),
    _factorized("mixed6", 160),
    _factorized("mixed7", 192),
    mixed(
        "mixed8",
        (conv(192, 1, 1), shrinking(320)),
        (conv(192, 1, 1), conv(192, 1, 7), conv(192, 7, 1), shrinking(192)),
        (maximum,),
    ),
    _split("mixed9", "mixed9_0"),
    _split("mixed10", "mixed9_1"),
)
HASHES = ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63")

InceptionV3 = constructor(
    "InceptionV3",
    "InceptionV3: eleven blocks of parallel convolutions.",
    Network(
        "inception_v3",
        lambda x: chain(x, BODY),
        size=299,
        smallest=75,
        files=keras_files(f"{STORAGE}inception_v3/", "inception_v3", HASHES),
    ),
)
preprocess_input = preprocessing("tf")

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]
