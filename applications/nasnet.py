"""NASNetMobile and NASNetLarge (arXiv:1707.07012)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Constructor, File, Network, Request, Weights
from kerastorch.applications.imagenet_utils import correct_pad, decode_predictions, preprocessing

from kerastorch import layers
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.models import Model


def _relu(x: Any, name: str | None = None) -> Any:
    return layers.Activation("relu", name=name)(x)


def _norm(x: Any, name: str) -> Any:
    return builder.batch_norm(x, name, momentum=0.9997)


def _conv(x: Any, filters: int, name: str) -> Any:
    return layers.Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)


def _average(x: Any, name: str, stride: int = 1) -> Any:
    return layers.AveragePooling2D(3, stride, "same" if stride == 1 else "valid", name=name)(x)


def _add(a: Any, b: Any, name: str | None = None) -> Any:
    return layers.Add(name=name)([a, b])


def _separable(x: Any, filters: int, kernel: int, name: str, stride: int = 1) -> Any:
    """Relu, separable convolution and normalisation, twice; the first convolution has the stride."""
    for place, step in ((1, stride), (2, 1)):
        x, padding = _relu(x), "same"
        if step == 2:
            x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"separable_conv_{place}_pad_{name}")(x)
            padding = "valid"
        x = layers.SeparableConv2D(
            filters,
            kernel,
            step,
            padding,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"separable_conv_{place}_{name}",
        )(x)
        x = _norm(x, f"separable_conv_{place}_bn_{name}")
    return x


def _adjusted(p: Any, x: Any, filters: int, name: str) -> Any:
    """The output of the cell before the last, in the size and with the filters of the last one."""
    if p is None:
        return x
    if p.shape[-2] != x.shape[-2]:
        p = _relu(p, f"adjust_relu_1_{name}")
        ways = []
        for number, way in ((1, p), (2, None)):
            if way is None:  # the same places, moved by one pixel
                way = layers.Cropping2D(((1, 0), (1, 0)))(layers.ZeroPadding2D(((0, 1), (0, 1)))(p))
            way = layers.AveragePooling2D(1, 2, "valid", name=f"adjust_avg_pool_{number}_{name}")(way)
            ways.append(_conv(way, filters // 2, f"adjust_conv_{number}_{name}"))
        return _norm(layers.Concatenate(axis=builder.channel_axis())(ways), f"adjust_bn_{name}")
    if builder.channels_of(p) != filters:
        return _norm(_conv(_relu(p), filters, f"adjust_conv_projection_{name}"), f"adjust_bn_{name}")
    return p


def _normal_cell(x: Any, p: Any, filters: int, name: str) -> tuple[Any, Any]:
    p = _adjusted(p, x, filters, name)
    h = _norm(_conv(_relu(x), filters, f"normal_conv_1_{name}"), f"normal_bn_1_{name}")
    one = _separable(h, filters, 5, f"normal_left1_{name}")
    one = _add(one, _separable(p, filters, 3, f"normal_right1_{name}"), f"normal_add_1_{name}")
    two = _separable(p, filters, 5, f"normal_left2_{name}")
    two = _add(two, _separable(p, filters, 3, f"normal_right2_{name}"), f"normal_add_2_{name}")
    three = _add(_average(h, f"normal_left3_{name}"), p, f"normal_add_3_{name}")
    four = _average(p, f"normal_left4_{name}")
    four = _add(four, _average(p, f"normal_right4_{name}"), f"normal_add_4_{name}")
    five = _add(_separable(h, filters, 3, f"normal_left5_{name}"), h, f"normal_add_5_{name}")
    outputs = [p, one, two, three, four, five]
    return layers.Concatenate(axis=builder.channel_axis(), name=f"normal_concat_{name}")(outputs), x


def _reduction_cell(x: Any, p: Any, filters: int, name: str) -> tuple[Any, Any]:
    p = _adjusted(p, x, filters, name)
    h = _norm(_conv(_relu(x), filters, f"reduction_conv_1_{name}"), f"reduction_bn_1_{name}")
    padded = layers.ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{name}")(h)
    one = _separable(h, filters, 5, f"reduction_left1_{name}", 2)
    one = _add(one, _separable(p, filters, 7, f"reduction_right1_{name}", 2), f"reduction_add_1_{name}")
    two = layers.MaxPooling2D(3, 2, "valid", name=f"reduction_left2_{name}")(padded)
    two = _add(two, _separable(p, filters, 7, f"reduction_right2_{name}", 2), f"reduction_add_2_{name}")
    three = _average(padded, f"reduction_left3_{name}", 2)
    three = _add(three, _separable(p, filters, 5, f"reduction_right3_{name}", 2), f"reduction_add3_{name}")
    four = _add(two, _average(one, f"reduction_left4_{name}"))
    five = _separable(one, filters, 3, f"reduction_left4_{name}")
    largest = layers.MaxPooling2D(3, 2, "valid", name=f"reduction_right5_{name}")(padded)
    five = _add(five, largest, f"reduction_add4_{name}")
    outputs = [two, three, four, five]
    return layers.Concatenate(axis=builder.channel_axis(), name=f"reduction_concat_{name}")(outputs), x


def _nasnet(
    kind: str,
    size: int,
    penultimate: int,
    blocks: int,
    stem: int,
    skips_reduction: bool,
    hashes: tuple[str, str],
) -> Constructor:
    owner, filters = f"NASNet{kind.capitalize()}", penultimate // 24

    def body(x: Any) -> Any:
        x = layers.Conv2D(stem, 3, 2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1")(x)
        x, p = _norm(x, "stem_bn1"), None
        x, p = _reduction_cell(x, p, filters // 4, "stem_1")
        x, p = _reduction_cell(x, p, filters // 2, "stem_2")
        for stage in range(3):
            width = filters * 2**stage
            if stage:
                x, before = _reduction_cell(x, p, width, f"reduce_{stage * blocks}")
                p = p if skips_reduction else before
            for place in range(blocks):
                x, p = _normal_cell(x, p, width, f"{stage * blocks + place + bool(stage)}")
        return _relu(x)

    cached, published = f"nasnet_{kind}{{}}.h5", f"{STORAGE}nasnet/NASNet-{kind}{{}}.h5"
    files = {
        "imagenet": (
            File(cached.format(""), published.format(""), hashes[0]),
            File(cached.format("_no_top"), published.format("-no-top"), hashes[1]),
        )
    }
    network = Network("NASNet", body, size, files=files, classifier=builder.dense_classifier(None))

    def construct(
        input_shape: Sequence[int | None] | None = None,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
    ) -> Model:
        if input_shape is not None and None in input_shape and isinstance(weights, str) and weights == "imagenet":
            raise ValueError(
                f"{owner}: expected a static input_shape with weights='imagenet'; received input_shape={input_shape}. "
                "Give every size."
            )
        arguments = (include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        return network.build(owner, Request(*arguments))

    about = f"{owner} of {3 * blocks} searched cells; pictures of {size}x{size} with the classifier."
    return builder.named(construct, owner, about)


NASNetMobile = _nasnet(
    "mobile",
    224,
    1056,
    4,
    32,
    False,
    ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
)
NASNetLarge = _nasnet(
    "large",
    331,
    4032,
    6,
    96,
    True,
    ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
)
preprocess_input = preprocessing("tf")

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]
