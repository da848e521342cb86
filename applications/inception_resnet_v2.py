"""InceptionResNetV2 (arXiv:1602.07261)."""

from __future__ import annotations

from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Network, constructor, keras_files
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing
from kerastorch.applications.inception_v3 import STEM, Step, average, chain, conv, maximum, mixed, shrinking

from kerastorch import layers
from kerastorch.core.registry import register_keras_serializable


@register_keras_serializable()
class CustomScaleLayer(layers.Layer):
    """The first of two inputs plus `scale` times the second: how a block adds to its shortcut.

    >>> CustomScaleLayer(0.5)([torch.ones(1), torch.ones(1)])
    tensor([1.5000])
    """

    def __init__(self, scale: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Any) -> Any:
        return inputs[0] + inputs[1] * self.scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


BRANCHES = {
    "block35": (
        (conv(32, 1, 1),),
        (conv(32, 1, 1), conv(32, 3, 3)),
        (conv(32, 1, 1), conv(48, 3, 3), conv(64, 3, 3)),
    ),
    "block17": ((conv(192, 1, 1),), (conv(128, 1, 1), conv(160, 1, 7), conv(192, 7, 1))),
    "block8": ((conv(192, 1, 1),), (conv(192, 1, 1), conv(224, 1, 3), conv(256, 3, 1))),
}


def block(kind: str, number: int, scale: float, activated: bool = True) -> Step:
    """Parallel convolutions whose scaled sum is added to the input."""
    name = f"{kind}_{number}"

    def step(x: Any) -> Any:
        up = mixed(f"{name}_mixed", *BRANCHES[kind])(x)
        up = layers.Conv2D(builder.channels_of(x), 1, padding="same", name=f"{name}_conv")(up)
        x = CustomScaleLayer(scale)([x, up])
        return layers.Activation("relu", name=f"{name}_ac")(x) if activated else x

    return step


def _last_convolution(x: Any) -> Any:
    x = layers.Conv2D(1536, 1, padding="same", use_bias=False, name="conv_7b")(x)
    return layers.Activation("relu", name="conv_7b_ac")(builder.batch_norm(x, "conv_7b_bn", scale=False))


BODY = (
    *STEM,
    mixed(
        "mixed_5b",
        (conv(96, 1, 1),),
        (conv(48, 1, 1), conv(64, 5, 5)),
        (conv(64, 1, 1), conv(96, 3, 3), conv(96, 3, 3)),
        (average, conv(64, 1, 1)),
    ),
    *(block("block35", number, 0.17) for number in range(1, 11)),
    mixed("mixed_6a", (shrinking(384),), (conv(256, 1, 1), conv(256, 3, 3), shrinking(384)), (maximum,)),
    *(block("block17", number, 0.1) for number in range(1, 21)),
    mixed(
        "mixed_7a",
        (conv(256, 1, 1), shrinking(384)),
        (conv(256, 1, 1), shrinking(288)),
        (conv(256, 1, 1), conv(288, 3, 3), shrinking(320)),
        (maximum,),
    ),
    *(block("block8", number, 0.2) for number in range(1, 10)),
    block("block8", 10, 1.0, activated=False),
    _last_convolution,
)
HASHES = ("e693bd0210a403b3192acc6073ad2e96", "d19885ff4a710c122648d3b5c3b684e4")

InceptionResNetV2 = constructor(
    "InceptionResNetV2",
    "InceptionResNetV2: parallel convolutions that add to a shortcut.",
    Network(
        "inception_resnet_v2",
        lambda x: chain(x, BODY),
        size=299,
        smallest=75,
        files=keras_files(f"{STORAGE}inception_resnet_v2/", "inception_resnet_v2", HASHES),
    ),
)
preprocess_input = preprocessing("tf")

__all__ = ["CustomScaleLayer", "InceptionResNetV2", "decode_predictions", "preprocess_input"]
