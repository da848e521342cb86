"""MobileNetV2 (arXiv:1801.04381)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Network, Request, keras_files, make_divisible
from kerastorch.applications.imagenet_utils import correct_pad, decode_predictions, preprocessing
from kerastorch.applications.mobilenet import (
    check_alpha,
    default_size,
    pretrained_rows,
    rows_and_columns,
)
from kerastorch.applications.torch_weights import TorchNames

from kerastorch import layers
from kerastorch.core.config import image_data_format
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.models import Model

# expansion, filters, blocks, stride of the first block
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
OTHER_PADDING = (
    "torchvision's MobileNetV2 pads its convolutions of stride 2 on all sides, this one below and on the right "
    "(epsilon 1e-5 there, 1e-3 here)"
)
SIZES = (96, 128, 160, 192, 224)
ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


def shape_of_tensor(tensor: KerasTensor) -> tuple[int | None, ...]:
    """Rows and columns of a symbolic tensor, in a shape of three channels."""
    rows, columns = rows_and_columns(tensor.shape[1:])
    return (3, rows, columns) if image_data_format() == "channels_first" else (rows, columns, 3)


def check_tensor(owner: str, tensor: Any, shape: Sequence[int | None] | None) -> None:
    """Raises ValueError where `input_tensor` and `input_shape` contradict each other."""
    if not isinstance(tensor, KerasTensor) or shape is None:
        return
    if rows_and_columns(tensor.shape[1:]) != rows_and_columns(shape):
        raise ValueError(
            f"{owner}: expected input_tensor and input_shape of the same size; received input_tensor of shape "
            f"{tensor.shape} and input_shape={shape}. Leave input_shape out."
        )


def _activated(x: Any, norm_name: str, relu_name: str) -> Any:
    return layers.ReLU(6.0, name=relu_name)(builder.batch_norm(x, norm_name, momentum=0.999))


def _block(inputs: Any, number: int, expansion: int, filters: int, stride: int) -> Any:
    name, x, channels = "expanded_conv_", inputs, builder.channels_of(inputs)
    if number:
        name = f"block_{number}_"
        x = layers.Conv2D(expansion * channels, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = _activated(x, f"{name}expand_BN", f"{name}expand_relu")
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, 3), name=f"{name}pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.DepthwiseConv2D(3, stride, padding, use_bias=False, name=f"{name}depthwise")(x)
    x = _activated(x, f"{name}depthwise_BN", f"{name}depthwise_relu")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = builder.batch_norm(x, f"{name}project_BN", momentum=0.999)
    return layers.Add(name=f"{name}add")([inputs, x]) if stride == 1 and channels == filters else x


def MobileNetV2(
    input_shape: Sequence[int | None] | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
) -> Model:
    """MobileNetV2: narrow layers joined by shortcuts, depthwise convolutions in wide ones between them.

    Pictures of 224x224 with the classifier. `alpha` scales the filters; pretrained weights exist for six widths.
    Raises ValueError for a width without pretrained weights.

    >>> MobileNetV2(input_shape=(96, 96, 3), weights=None, include_top=False).output_shape
    (None, 3, 3, 1280)
    """
    owner = "MobileNetV2"
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)

    def body(x: Any) -> Any:
        x = layers.Conv2D(make_divisible(32 * alpha), 3, 2, "same", use_bias=False, name="Conv1")(x)
        x = _activated(x, "bn_Conv1", "Conv1_relu")
        number = 0
        for expansion, filters, blocks, first_stride in STAGES:
            for place in range(blocks):
                stride = first_stride if place == 0 else 1
                x = _block(x, number, expansion, make_divisible(int(filters * alpha)), stride)
                number += 1
        last = make_divisible(1280 * alpha) if alpha > 1.0 else 1280
        x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
        return _activated(x, "Conv_1_bn", "out_relu")

    check_tensor(owner, input_tensor, input_shape)
    known = input_shape
    if known is None and isinstance(input_tensor, KerasTensor):
        known = shape_of_tensor(input_tensor)
    network = Network("", body, default_size(known, SIZES), files={"imagenet": ()})
    builder.check(owner, request, network.files)
    shape = network.input_shape(owner, request)
    rows, files = rows_and_columns(shape)[0], {"imagenet": ()}
    if weights == "imagenet":
        check_alpha(owner, alpha, ALPHAS)
        rows = pretrained_rows(owner, shape, SIZES)
        stem = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}"
        files = keras_files(f"{STORAGE}mobilenet_v2/", stem, endings=(".h5", "_no_top.h5"))
    name = f"mobilenetv2_{alpha:0.2f}_{rows}"
    classifier, names = builder.dense_classifier(None), TorchNames(refusal=OTHER_PADDING)
    return Network(name, body, files=files, classifier=classifier, torch_names=names).build(owner, request, shape)


preprocess_input = preprocessing("tf")

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]
