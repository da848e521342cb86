"""EfficientNetV2: B0 to B3, S, M and L (arXiv:2104.00298)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Constructor, Network, Request, Weights, keras_files
from kerastorch.applications.efficientnet import CONVOLUTION, DENSE, conv, drop_and_add, squeeze_and_excite
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing_inside

from kerastorch import layers
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.models import Model

MEAN, VARIANCE = [0.485, 0.456, 0.406], [0.229**2, 0.224**2, 0.225**2]
# whether fused, blocks, filters in, filters out, expansion, stride of the first block
B = (
    (True, 1, 32, 16, 1, 1),
    (True, 2, 16, 32, 4, 2),
    (True, 2, 32, 48, 4, 2),
    (False, 3, 48, 96, 4, 2),
    (False, 5, 96, 112, 6, 1),
    (False, 8, 112, 192, 6, 2),
)
S = (
    (True, 2, 24, 24, 1, 1),
    (True, 4, 24, 48, 4, 2),
    (True, 4, 48, 64, 4, 2),
    (False, 6, 64, 128, 4, 2),
    (False, 9, 128, 160, 6, 1),
    (False, 15, 160, 256, 6, 2),
)
M = (
    (True, 3, 24, 24, 1, 1),
    (True, 5, 24, 48, 4, 2),
    (True, 5, 48, 80, 4, 2),
    (False, 7, 80, 160, 4, 2),
    (False, 14, 160, 176, 6, 1),
    (False, 18, 176, 304, 6, 2),
    (False, 5, 304, 512, 6, 1),
)
L = (
    (True, 4, 32, 32, 1, 1),
    (True, 7, 32, 64, 4, 2),
    (True, 7, 64, 96, 4, 2),
    (False, 10, 96, 192, 4, 2),
    (False, 19, 192, 224, 6, 1),
    (False, 25, 224, 384, 6, 2),
    (False, 7, 384, 640, 6, 1),
)


def _norm(x: Any, name: str) -> Any:
    return builder.batch_norm(x, name, momentum=0.9)


def _activated(x: Any, name: str) -> Any:
    return layers.Activation("swish", name=f"{name}activation")(_norm(x, f"{name}bn"))


def _block(inputs: Any, fused: bool, filters: int, expansion: int, stride: int, rate: float, name: str) -> Any:
    """An expansion, a 3x3 convolution and a projection; a fused block has the first two in one convolution."""
    x, channels = inputs, builder.channels_of(inputs)
    if expansion != 1:
        kernel, step = (3, stride) if fused else (1, 1)
        x = _activated(conv(x, channels * expansion, kernel, f"{name}expand_conv", step), f"{name}expand_")
    if not fused:
        x = layers.DepthwiseConv2D(
            3, stride, "same", use_bias=False, depthwise_initializer=CONVOLUTION, name=f"{name}dwconv2"
        )(x)
        x = squeeze_and_excite(_activated(x, name), max(1, channels // 4), "swish", name)
    kernel, step = (3, stride) if fused and expansion == 1 else (1, 1)
    x = _norm(conv(x, filters, kernel, f"{name}project_conv", step), f"{name}project_bn")
    if fused and expansion == 1:
        x = layers.Activation("swish", name=f"{name}project_activation")(x)
    return drop_and_add(x, inputs, rate, name) if stride == 1 and channels == filters else x


def _scaled(x: Any, by_colour: bool) -> Any:
    if by_colour and builder.channels_of(x) == 3:
        x = layers.Rescaling(1.0 / 255)(x)
        return layers.Normalization(mean=MEAN, variance=VARIANCE, axis=builder.channel_axis())(x)
    return layers.Rescaling(1.0 / 128.0, offset=-1)(x)


def _efficientnet_v2(
    variant: str, stages: Sequence[Any], width: float, depth: float, size: int, hashes: tuple[str, str]
) -> Constructor:
    function, name = f"EfficientNetV2{variant}", f"efficientnetv2-{variant.lower()}"

    def rounded(filters: int) -> int:
        return max(8, int(filters * width + 4) // 8 * 8)

    def body(x: Any, include_preprocessing: bool) -> Any:
        if include_preprocessing:
            x = _scaled(x, by_colour=variant.startswith("B"))
        x = _activated(conv(x, rounded(stages[0][2]), 3, "stem_conv", 2), "stem_")
        number, blocks = 0, sum(stage[1] for stage in stages)
        for stage, (fused, repeats, _, filters, expansion, stride) in enumerate(stages, 1):
            for place in range(math.ceil(depth * repeats)):
                block, step = f"block{stage}{chr(place + 97)}_", stride if place == 0 else 1
                x = _block(x, fused, rounded(filters), expansion, step, 0.2 * number / blocks, block)
                number += 1
        return _activated(conv(x, rounded(1280), 1, "top_conv"), "top_")

    def construct(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Sequence[int | None] | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
    ) -> Model:
        network = Network(
            name,
            lambda x: body(x, include_preprocessing),
            size,
            files=keras_files(f"{STORAGE}efficientnet_v2/", name, hashes, (".h5", "_notop.h5")),
            classifier=builder.dense_classifier(dropout=0.2, kernel_initializer=DENSE),
            pool=builder.pooled_by_name,
        )
        arguments = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        return network.build(function, Request(*arguments))

    about = f"{function} of {len(stages)} stages; pictures of {size}x{size}, 0...255 unless preprocessing is left out."
    return builder.named(construct, function, about)


EfficientNetV2B0 = _efficientnet_v2(
    "B0", B, 1.0, 1.0, 224, ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff")
)
EfficientNetV2B1 = _efficientnet_v2(
    "B1", B, 1.0, 1.1, 240, ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37")
)
EfficientNetV2B2 = _efficientnet_v2(
    "B2", B, 1.1, 1.2, 260, ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb")
)
EfficientNetV2B3 = _efficientnet_v2(
    "B3", B, 1.2, 1.4, 300, ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856")
)
EfficientNetV2S = _efficientnet_v2(
    "S", S, 1.0, 1.0, 384, ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070")
)
EfficientNetV2M = _efficientnet_v2(
    "M", M, 1.0, 1.0, 480, ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342")
)
EfficientNetV2L = _efficientnet_v2(
    "L", L, 1.0, 1.0, 480, ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615")
)
preprocess_input = preprocessing_inside

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]
