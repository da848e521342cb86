"""EfficientNetB0 to B7 (arXiv:1905.11946)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import Constructor, Network, Request, Weights, keras_files, make_divisible
from kerastorch.applications.imagenet_utils import correct_pad, decode_predictions, preprocessing_inside

from kerastorch import layers
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.initializers import VarianceScaling
from kerastorch.models import Model

FOLDER = "https://storage.googleapis.com/keras-applications/"
# kernel, blocks, filters in, filters out, expansion, stride of the first block
STAGES = (
    (3, 1, 32, 16, 1, 1),
    (3, 2, 16, 24, 6, 2),
    (5, 2, 24, 40, 6, 2),
    (3, 3, 40, 80, 6, 2),
    (5, 3, 80, 112, 6, 1),
    (5, 4, 112, 192, 6, 2),
    (3, 1, 192, 320, 6, 1),
)
CONVOLUTION = VarianceScaling(2.0, "fan_out", "truncated_normal")
DENSE = VarianceScaling(1.0 / 3.0, "fan_out", "uniform")
DEVIATIONS = (0.229, 0.224, 0.225)


def conv(x: Any, filters: int, kernel: int, name: str, stride: int = 1, padding: str = "same", **options: Any) -> Any:
    options = {"use_bias": False, **options}
    return layers.Conv2D(filters, kernel, stride, padding, kernel_initializer=CONVOLUTION, name=name, **options)(x)


def squeeze_and_excite(x: Any, filters: int, activation: Any, name: str) -> Any:
    """Scale each channel by what a small network makes of the means of all channels (arXiv:1709.01507)."""
    channels = builder.channels_of(x)
    shape = (channels, 1, 1) if builder.channel_axis() == 1 else (1, 1, channels)
    weight = layers.Reshape(shape, name=f"{name}se_reshape")(layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x))
    weight = conv(weight, filters, 1, f"{name}se_reduce", activation=activation, use_bias=True)
    weight = conv(weight, channels, 1, f"{name}se_expand", activation="sigmoid", use_bias=True)
    return layers.Multiply(name=f"{name}se_excite")([x, weight])


def drop_and_add(x: Any, shortcut: Any, rate: float, name: str) -> Any:
    """Add to the shortcut, leaving out the whole block of a sample with probability `rate` in training."""
    if rate:
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, shortcut])


def _block(
    inputs: Any, activation: Any, rate: float, name: str, kernel: int, filters: int, expansion: int, stride: int
) -> Any:
    def activated(x: Any, before: str = "") -> Any:
        x = builder.batch_norm(x, f"{name}{before}bn")
        return layers.Activation(activation, name=f"{name}{before}activation")(x)

    x, channels, padding = inputs, builder.channels_of(inputs), "same"
    if expansion != 1:
        x = activated(conv(x, channels * expansion, 1, f"{name}expand_conv"), "expand_")
    if stride == 2:
        x, padding = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{name}dwconv_pad")(x), "valid"
    x = layers.DepthwiseConv2D(
        kernel, stride, padding, use_bias=False, depthwise_initializer=CONVOLUTION, name=f"{name}dwconv"
    )(x)
    x = squeeze_and_excite(activated(x), max(1, channels // 4), activation, name)
    x = builder.batch_norm(conv(x, filters, 1, f"{name}project_conv"), f"{name}project_bn")
    return drop_and_add(x, inputs, rate, name) if stride == 1 and channels == filters else x


def _scaled_to_imagenet(x: Any) -> Any:
    """The pretrained networks divide by the variance, not by its root; this layer makes up the difference."""
    shape = (3, 1, 1) if builder.channel_axis() == 1 else (3,)
    factors = [deviation**-0.5 for deviation in DEVIATIONS]
    if len(shape) > 1:
        factors = [[[factor]] for factor in factors]
    return layers.Rescaling(factors, name=builder.names.next("tf.math.multiply"))(x)


def _efficientnet(
    function: str, width: float, depth: float, size: int, dropout: float, hashes: tuple[str, str]
) -> Constructor:
    name = function.lower()

    def construct(
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        input_shape: Sequence[int | None] | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        drop_connect_rate: float = 0.2,
        depth_divisor: int = 8,
        activation: Any = "swish",
    ) -> Model:
        def rounded(filters: int) -> int:
            return make_divisible(filters * width, depth_divisor)

        def body(x: Any) -> Any:
            x = layers.Normalization(axis=builder.channel_axis())(layers.Rescaling(1.0 / 255.0)(x))
            if isinstance(weights, str) and weights == "imagenet":
                x = _scaled_to_imagenet(x)
            x = layers.ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad")(x)
            x = builder.batch_norm(conv(x, rounded(32), 3, "stem_conv", 2, "valid"), "stem_bn")
            x = layers.Activation(activation, name="stem_activation")(x)
            repeats = [math.ceil(depth * blocks) for _, blocks, *_ in STAGES]
            number = 0
            for stage, (kernel, _, _, filters, expansion, stride) in enumerate(STAGES):
                for place in range(repeats[stage]):
                    rate = drop_connect_rate * number / sum(repeats)
                    block = f"block{stage + 1}{chr(place + 97)}_"
                    step = stride if place == 0 else 1
                    x = _block(x, activation, rate, block, kernel, rounded(filters), expansion, step)
                    number += 1
            x = builder.batch_norm(conv(x, rounded(1280), 1, "top_conv"), "top_bn")
            return layers.Activation(activation, name="top_activation")(x)

        network = Network(
            name,
            body,
            size,
            files=keras_files(FOLDER, name, hashes, (".h5", "_notop.h5")),
            classifier=builder.dense_classifier(dropout=dropout, kernel_initializer=DENSE),
            pool=builder.pooled_by_name,
        )
        arguments = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        return network.build(function, Request(*arguments))

    about = (
        f"{function}: {width} times the width and {depth} times the depth of B0; pictures of {size}x{size}, 0...255."
    )
    return builder.named(construct, function, about)


EfficientNetB0 = _efficientnet(
    "EfficientNetB0", 1.0, 1.0, 224, 0.2, ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d")
)
EfficientNetB1 = _efficientnet(
    "EfficientNetB1", 1.0, 1.1, 240, 0.2, ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432")
)
EfficientNetB2 = _efficientnet(
    "EfficientNetB2", 1.1, 1.2, 260, 0.3, ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39")
)
EfficientNetB3 = _efficientnet(
    "EfficientNetB3", 1.2, 1.4, 300, 0.3, ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226")
)
EfficientNetB4 = _efficientnet(
    "EfficientNetB4", 1.4, 1.8, 380, 0.4, ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba")
)
EfficientNetB5 = _efficientnet(
    "EfficientNetB5", 1.6, 2.2, 456, 0.4, ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f")
)
EfficientNetB6 = _efficientnet(
    "EfficientNetB6", 1.8, 2.6, 528, 0.5, ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743")
)
EfficientNetB7 = _efficientnet(
    "EfficientNetB7", 2.0, 3.1, 600, 0.5, ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a")
)
preprocess_input = preprocessing_inside

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]
