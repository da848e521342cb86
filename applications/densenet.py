"""DenseNet121, DenseNet169 and DenseNet201 (arXiv:1608.06993)."""

from __future__ import annotations

import re
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import STORAGE, Constructor, Network, constructor, keras_files
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing
from kerastorch.applications.torch_weights import TorchNames

from kerastorch import layers

GROWTH = 32
PARTS = {"0_bn": "norm1", "1_conv": "conv1", "1_bn": "norm2", "2_conv": "conv2"}
ENDS = {
    "conv1/conv": "features.conv0",
    "conv1/bn": "features.norm0",
    "bn": "features.norm5",
    "predictions": "classifier",
}


def _norm_relu(x: Any, name: str, separator: str = "_") -> Any:
    x = builder.batch_norm(x, f"{name}{separator}bn", epsilon=1.001e-5)
    return layers.Activation("relu", name=f"{name}{separator}relu")(x)


def _dense_block(x: Any, name: str) -> Any:
    new = layers.Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(_norm_relu(x, f"{name}_0"))
    new = _norm_relu(new, f"{name}_1")
    new = layers.Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return layers.Concatenate(axis=builder.channel_axis(), name=f"{name}_concat")([x, new])


def _transition(x: Any, name: str) -> Any:
    x = _norm_relu(x, name)
    x = layers.Conv2D(builder.channels_of(x) // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _densenet(function: str, depths: tuple[int, ...], hashes: tuple[str, str]) -> Constructor:
    def body(x: Any) -> Any:
        x = layers.ZeroPadding2D(3)(x)
        x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1/conv")(x)
        x = layers.ZeroPadding2D(1)(_norm_relu(x, "conv1", "/"))
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
        for number, depth in enumerate(depths, 2):
            for place in range(1, depth + 1):
                x = _dense_block(x, f"conv{number}_block{place}")
            if number < 5:
                x = _transition(x, f"pool{number}")
        return _norm_relu(x, "", "")

    name = function.lower()
    files = keras_files(f"{STORAGE}densenet/", name, hashes)
    about = f"{function} of {'-'.join(map(str, depths))} blocks, each of which sees all blocks before it."
    names = TorchNames(_module_of, epsilon=1e-5)
    return constructor(
        function, about, Network(name, body, files=files, pool=builder.pooled_by_name, torch_names=names)
    )


def _module_of(layer: str) -> str:
    """torchvision's name of a layer."""
    if layer in ENDS:
        return ENDS[layer]
    block = re.fullmatch(r"conv(\d)_block(\d+)_([012]_\w+)", layer)
    if block:
        return f"features.denseblock{int(block[1]) - 1}.denselayer{block[2]}.{PARTS[block[3]]}"
    transition = re.fullmatch(r"pool(\d)_(\w+)", layer)
    return f"features.transition{int(transition[1]) - 1}.{'norm' if transition[2] == 'bn' else 'conv'}"


DenseNet121 = _densenet(
    "DenseNet121", (6, 12, 24, 16), ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738")
)
DenseNet169 = _densenet(
    "DenseNet169", (6, 12, 32, 32), ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b")
)
DenseNet201 = _densenet(
    "DenseNet201", (6, 12, 48, 32), ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1")
)
preprocess_input = preprocessing("torch")

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]
