"""ResNet50V2, ResNet101V2 and ResNet152V2: normalisation before each convolution (arXiv:1603.05027)."""

from __future__ import annotations

from typing import Any

from kerastorch.applications.builder import Constructor
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing
from kerastorch.applications.resnet import norm_relu, resnet

from kerastorch import layers


def stack_of_blocks(x: Any, filters: int, depth: int, stride: int, name: str) -> Any:
    """Blocks of which the last has the stride."""
    for number in range(1, depth + 1):
        x = _block(x, filters, stride if number == depth else 1, number == 1, f"{name}_block{number}")
    return x


def _block(x: Any, filters: int, stride: int, projected: bool, name: str) -> Any:
    normed = norm_relu(x, f"{name}_preact")
    if projected:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(normed)
    else:
        shortcut = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = norm_relu(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(normed), f"{name}_1")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = norm_relu(layers.Conv2D(filters, 3, stride, use_bias=False, name=f"{name}_2_conv")(x), f"{name}_2")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([shortcut, x])


def _version_2(function: str, depths: tuple[int, ...], hashes: tuple[str, str]) -> Constructor:
    return resnet(function, stack_of_blocks, depths, (2, 2, 2, 1), hashes, norm_first=True)


ResNet50V2 = _version_2(
    "ResNet50V2", (3, 4, 6, 3), ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917")
)
ResNet101V2 = _version_2(
    "ResNet101V2", (3, 4, 23, 3), ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5")
)
ResNet152V2 = _version_2(
    "ResNet152V2", (3, 8, 36, 3), ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33")
)
preprocess_input = preprocessing("tf")

__all__ = ["ResNet101V2", "ResNet152V2", "ResNet50V2", "decode_predictions", "preprocess_input"]
