"""MobileNet (arXiv:1704.04861)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Network, Request, keras_files
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing

from kerastorch import layers
from kerastorch.core.config import image_data_format
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.models import Model

# filters and strides of the thirteen blocks
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
SIZES = (128, 160, 192, 224)
ALPHAS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}


def rows_and_columns(shape: Sequence[int | None]) -> tuple[int | None, int | None]:
    return tuple(shape[1:3]) if image_data_format() == "channels_first" else tuple(shape[:2])


def default_size(shape: Sequence[int | None] | None, sizes: Sequence[int]) -> int:
    """The size of the pretrained weights that fit a shape; 224 where none do."""
    rows, columns = (None, None) if shape is None else rows_and_columns(shape)
    return rows if rows == columns and rows in sizes else 224


def pretrained_rows(owner: str, shape: Sequence[int | None], sizes: Sequence[int]) -> int:
    """The size that the pretrained weights were made for; a warning where it is not that of the input."""
    size = default_size(shape, sizes)
    if rows_and_columns(shape) != (size, size):
        warnings.warn(
            f"{owner}: expected a square input of one of the sizes {tuple(sizes)}; received input_shape={shape}. "
            "The weights for 224x224 are loaded.",
            stacklevel=4,
        )
    return size


def check_alpha(owner: str, alpha: float, alphas: Sequence[float]) -> None:
    if alpha not in alphas:
        raise ValueError(
            f"{owner}: expected alpha to be one of {tuple(alphas)} with weights='imagenet'; received alpha={alpha!r}. "
            "Pass weights=None for other widths."
        )


def MobileNet(
    input_shape: Sequence[int | None] | None = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: KerasTensor | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
) -> Model:
    """MobileNet: depthwise convolutions; `alpha` scales the filters of every layer.

    Pictures of 224x224 with the classifier. Pretrained weights exist for four widths and four sizes.
    Raises ValueError for a width or depth without pretrained weights.

    >>> MobileNet(alpha=0.25, weights=None, classes=10).output_shape
    (None, 10)
    """
    owner = "MobileNet"
    request = Request(include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation)

    def activated(x: Any, name: str) -> Any:
        return layers.ReLU(6.0, name=f"{name}_relu")(builder.batch_norm(x, f"{name}_bn"))

    def body(x: Any) -> Any:
        x = layers.Conv2D(int(32 * alpha), 3, 2, "same", use_bias=False, name="conv1")(x)
        x = activated(x, "conv1")
        for number, (filters, stride) in enumerate(BLOCKS, 1):
            if stride > 1:
                x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
            x = layers.DepthwiseConv2D(
                3,
                stride,
                "valid" if stride > 1 else "same",
                depth_multiplier,
                use_bias=False,
                name=f"conv_dw_{number}",
            )(x)
            x = activated(x, f"conv_dw_{number}")
            x = layers.Conv2D(int(filters * alpha), 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
            x = activated(x, f"conv_pw_{number}")
        return x

    def classifier(x: Any, request: Request) -> Any:
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = layers.Reshape((classes,), name="reshape_2")(x)
        return layers.Activation(classifier_activation, name="predictions")(x)

    network = Network("", body, default_size(input_shape, SIZES), files={"imagenet": ()})
    builder.check(owner, request, network.files)
    shape = network.input_shape(owner, request)
    rows, files = rows_and_columns(shape)[0], {"imagenet": ()}
    if weights == "imagenet":
        if depth_multiplier != 1:
            raise ValueError(
                f"{owner}: expected depth_multiplier=1 with weights='imagenet'; received "
                f"depth_multiplier={depth_multiplier!r}. Pass weights=None for others."
            )
        check_alpha(owner, alpha, tuple(ALPHAS))
        rows = pretrained_rows(owner, shape, SIZES)
        stem = f"mobilenet_{ALPHAS[alpha]}_{rows}"
        files = keras_files(f"{STORAGE}mobilenet/", stem, endings=("_tf.h5", "_tf_no_top.h5"))
    network = Network(f"mobilenet_{alpha:0.2f}_{rows}", body, files=files, classifier=classifier)
    return network.build(owner, request, shape)


preprocess_input = preprocessing("tf")

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]
