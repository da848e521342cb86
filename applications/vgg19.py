"""VGG19 (arXiv:1409.1556)."""

from __future__ import annotations

from kerastorch.applications.builder import constructor
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing
from kerastorch.applications.vgg16 import vgg

VGG19 = constructor(
    "VGG19",
    "VGG19: 16 convolutions and 3 fully connected layers.",
    vgg("vgg19", (2, 2, 4, 4, 4), ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6")),
)
preprocess_input = preprocessing("caffe")

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]
