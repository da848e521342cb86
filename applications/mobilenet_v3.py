"""MobileNetV3Small and MobileNetV3Large (arXiv:1905.02244)."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Constructor, Network, Request, Weights, keras_files, make_divisible
from kerastorch.applications.imagenet_utils import correct_pad, decode_predictions, preprocessing_inside
from kerastorch.applications.mobilenet import check_alpha, rows_and_columns
from kerastorch.applications.mobilenet_v2 import check_tensor, shape_of_tensor

from kerastorch import layers
from kerastorch.core.config import image_data_format
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.models import Model

# expansion, filters, whether the kernel is 5 (3 in minimalistic networks), stride, squeeze, whether hard swish
SMALL = (
    (1, 16, False, 2, True, False),
    (72.0 / 16, 24, False, 2, False, False),
    (88.0 / 24, 24, False, 1, False, False),
    (4, 40, True, 2, True, True),
    (6, 40, True, 1, True, True),
    (6, 40, True, 1, True, True),
    (3, 48, True, 1, True, True),
    (3, 48, True, 1, True, True),
    (6, 96, True, 2, True, True),
    (6, 96, True, 1, True, True),
    (6, 96, True, 1, True, True),
)
LARGE = (
    (1, 16, False, 1, False, False),
    (4, 24, False, 2, False, False),
    (3, 24, False, 1, False, False),
    (3, 40, True, 2, True, False),
    (3, 40, True, 1, True, False),
    (3, 40, True, 1, True, False),
    (6, 80, False, 2, False, True),
    (2.5, 80, False, 1, False, True),
    (2.3, 80, False, 1, False, True),
    (2.3, 80, False, 1, False, True),
    (6, 112, False, 1, True, True),
    (6, 112, False, 1, True, True),
    (6, 160, True, 2, True, True),
    (6, 160, True, 1, True, True),
    (6, 160, True, 1, True, True),
)
HASHES = {
    "large_224_0.75_float": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0_float": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0_float": ("675e7b876c45c57e9e63e6d90a36599c", "ec5221f64a2f6d1ef965a614bdae7973"),
    "small_224_0.75_float": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0_float": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0_float": ("99cd97fb2fcdad2bf028eb838de69e37", "cde8136e733e811080d9fcd8a252f7e4"),
}


def _relu(x: Any) -> Any:
    return layers.ReLU()(x)


def _hard_sigmoid(x: Any) -> Any:
    return builder.multiply_tensors(layers.ReLU(6.0)(builder.add_tensors(x, 3.0)), 1.0 / 6.0)


def _hard_swish(x: Any) -> Any:
    product = layers.Multiply()  # made first: automatic names count in this order
    return product([x, _hard_sigmoid(x)])


def _norm(x: Any, name: str) -> Any:
    return builder.batch_norm(x, f"{name}/BatchNorm", momentum=0.999)


def _conv(x: Any, filters: int, name: str, use_bias: bool = True) -> Any:
    return layers.Conv2D(filters, 1, padding="same", use_bias=use_bias, name=name)(x)


def _squeeze_and_excite(x: Any, name: str) -> Any:
    channels = builder.channels_of(x)
    weight = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}/AvgPool")(x)
    weight = layers.ReLU(name=f"{name}/Relu")(_conv(weight, make_divisible(channels * 0.25), f"{name}/Conv"))
    weight = _hard_sigmoid(_conv(weight, channels, f"{name}/Conv_1"))
    return layers.Multiply(name=f"{name}/Mul")([x, weight])


def _block(
    inputs: Any,
    number: int,
    expansion: float,
    filters: int,
    kernel: int,
    stride: int,
    squeezed: bool,
    activation: Callable[[Any], Any],
) -> Any:
    name = f"expanded_conv_{number}/" if number else "expanded_conv/"
    x, channels, padding = inputs, builder.channels_of(inputs), "same"
    if number:
        x = _conv(x, make_divisible(channels * expansion), f"{name}expand", use_bias=False)
        x = activation(_norm(x, f"{name}expand"))
    if stride == 2:
        x, padding = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{name}depthwise/pad")(x), "valid"
    x = layers.DepthwiseConv2D(kernel, stride, padding, use_bias=False, name=f"{name}depthwise")(x)
    x = activation(_norm(x, f"{name}depthwise"))
    if squeezed:
        x = _squeeze_and_excite(x, f"{name}squeeze_excite")
    x = _norm(_conv(x, filters, f"{name}project", use_bias=False), f"{name}project")
    return layers.Add(name=f"{name}Add")([inputs, x]) if stride == 1 and channels == filters else x


def _body(x: Any, rows: Sequence[Any], alpha: float, minimalistic: bool, include_preprocessing: bool) -> Any:
    swish = _relu if minimalistic else _hard_swish
    if include_preprocessing:
        x = layers.Rescaling(1.0 / 127.5, offset=-1.0)(x)
    x = layers.Conv2D(16, 3, 2, "same", use_bias=False, name="Conv")(x)
    x = swish(_norm(x, "Conv"))
    for number, (expansion, filters, wide, stride, squeezed, swished) in enumerate(rows):
        kernel, activation = 5 if wide and not minimalistic else 3, swish if swished else _relu
        squeezed = squeezed and not minimalistic
        x = _block(x, number, expansion, make_divisible(filters * alpha), kernel, stride, squeezed, activation)
    x = _conv(x, make_divisible(builder.channels_of(x) * 6), "Conv_1", use_bias=False)
    return swish(_norm(x, "Conv_1"))


def _classifier(x: Any, request: Request, filters: int, dropout_rate: float, swish: Callable[[Any], Any]) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = swish(_conv(x, filters, "Conv_2"))
    if dropout_rate > 0:
        x = layers.Dropout(dropout_rate)(x)
    x = layers.Flatten()(_conv(x, request.classes, "Logits"))
    return layers.Activation(request.classifier_activation, name="Predictions")(x)


def _shape(owner: str, shape: Any, tensor: Any) -> tuple[int | None, ...]:
    """Any size is taken, with a classifier too; ValueError where it is known to be under 32x32."""
    check_tensor(owner, tensor, shape)
    if shape is None:
        any_size = (3, None, None) if image_data_format() == "channels_first" else (None, None, 3)
        return shape_of_tensor(tensor) if isinstance(tensor, KerasTensor) else any_size
    if len(shape) != 3 or any(size is not None and size < 32 for size in rows_and_columns(shape)):
        raise ValueError(
            f"{owner}: expected an input size of at least 32x32 and three numbers; received input_shape={shape}. "
            "Resize or repeat the pictures."
        )
    return tuple(shape)


def _files(owner: str, kind: str, alpha: float, minimalistic: bool, shape: Sequence[int | None]) -> Any:
    check_alpha(owner, alpha, (1.0,) if minimalistic else (0.75, 1.0))
    if rows_and_columns(shape) != (224, 224):
        warnings.warn(
            f"{owner}: expected input_shape=(224, 224, 3); received {tuple(shape)}. The weights for that are loaded.",
            stacklevel=4,
        )
    variant = f"{kind}{'_minimalistic' if minimalistic else ''}_224_{float(alpha)}_float"
    stem = f"weights_mobilenet_v3_{variant}"
    return keras_files(f"{STORAGE}mobilenet_v3/", stem, HASHES[variant], (".h5", "_no_top_v2.h5"))


def _mobilenet_v3(kind: str, rows: Sequence[Any], last_filters: int) -> Constructor:
    owner = f"MobileNetV3{kind.capitalize()}"

    def construct(
        input_shape: Sequence[int | None] | None = None,
        alpha: float = 1.0,
        minimalistic: bool = False,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: KerasTensor | None = None,
        classes: int = 1000,
        pooling: str | None = None,
        dropout_rate: float = 0.2,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
    ) -> Model:
        request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)
        builder.check(owner, request, {"imagenet": ()})
        shape, files = _shape(owner, input_shape, input_tensor), {"imagenet": ()}
        if isinstance(weights, str) and weights == "imagenet":
            files = _files(owner, kind, alpha, minimalistic, shape)
        network = Network(
            f"MobilenetV3{kind}",
            partial(
                _body, rows=rows, alpha=alpha, minimalistic=minimalistic, include_preprocessing=include_preprocessing
            ),
            files=files,
            classifier=partial(
                _classifier,
                filters=make_divisible(last_filters * alpha) if alpha > 1.0 else last_filters,
                dropout_rate=dropout_rate,
                swish=_relu if minimalistic else _hard_swish,
            ),
            pool=builder.pooled_by_name,
        )
        return network.build(owner, request, shape)

    about = (
        f"{owner} of {len(rows)} blocks; pictures of any size, 0...255 unless preprocessing is left out. "
        "`minimalistic` leaves out what small devices compute slowly."
    )
    return builder.named(construct, owner, about)


MobileNetV3Small = _mobilenet_v3("small", SMALL, 1024)
MobileNetV3Large = _mobilenet_v3("large", LARGE, 1280)
preprocess_input = preprocessing_inside

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]
