"""ResNet50, ResNet101 and ResNet152 (arXiv:1512.03385)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Constructor, Network
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing
from kerastorch.applications.torch_weights import TorchNames

from kerastorch import layers

Stack = Callable[[Any, int, int, int, str], Any]
FILTERS = (64, 128, 256, 512)
EPSILON = 1.001e-5
OTHER_STRIDES = (
    "torchvision's ResNet has the stride of a block in its 3x3 convolution, this one in its first 1x1 convolution "
    "(epsilon 1e-5 there, 1.001e-5 here)"
)
NO_TORCH = "torchvision has no ResNet that normalises first"


def norm(x: Any, name: str) -> Any:
    return builder.batch_norm(x, name, epsilon=EPSILON)


def norm_relu(x: Any, name: str) -> Any:
    return layers.Activation("relu", name=f"{name}_relu")(norm(x, f"{name}_bn"))


def resnet(
    function: str,
    stack: Stack,
    depths: tuple[int, ...],
    strides: tuple[int, ...],
    hashes: tuple[str, str],
    norm_first: bool = False,
) -> Constructor:
    """The constructor of a stem, four stacks of bottleneck blocks and the usual ends."""

    def body(x: Any) -> Any:
        x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
        x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
        if not norm_first:
            x = norm_relu(x, "conv1")
        x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)
        for number, row in enumerate(zip(FILTERS, depths, strides, strict=True), 2):
            x = stack(x, *row, f"conv{number}")
        return norm_relu(x, "post") if norm_first else x

    name = function.lower()
    network = Network(
        name,
        body,
        files=builder.keras_files(f"{STORAGE}resnet/", name, hashes),
        pool=builder.pooled_by_name,
        torch_names=TorchNames(refusal=NO_TORCH if norm_first else OTHER_STRIDES),
    )
    return builder.constructor(function, f"{function} of {'-'.join(map(str, depths))} bottleneck blocks.", network)


def stack_of_blocks(x: Any, filters: int, depth: int, stride: int, name: str) -> Any:
    """Blocks of which the first has the stride."""
    x = _block(x, filters, stride, True, f"{name}_block1")
    for number in range(2, depth + 1):
        x = _block(x, filters, 1, False, f"{name}_block{number}")
    return x


def _block(x: Any, filters: int, stride: int, projected: bool, name: str) -> Any:
    shortcut = x
    if projected:
        shortcut = norm(layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x), f"{name}_0_bn")
    x = norm_relu(layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x), f"{name}_1")
    x = norm_relu(layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x), f"{name}_2")
    x = norm(layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x), f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _version_1(function: str, depths: tuple[int, ...], hashes: tuple[str, str]) -> Constructor:
    return resnet(function, stack_of_blocks, depths, (1, 2, 2, 2), hashes)


ResNet50 = _version_1(
    "ResNet50", (3, 4, 6, 3), ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626")
)
ResNet101 = _version_1(
    "ResNet101", (3, 4, 23, 3), ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21")
)
ResNet152 = _version_1(
    "ResNet152", (3, 8, 36, 3), ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c")
)
preprocess_input = preprocessing("caffe")

__all__ = ["ResNet101", "ResNet152", "ResNet50", "decode_predictions", "preprocess_input"]
