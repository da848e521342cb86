"""The layers of tf.keras, and the table by which configs find them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerastorch.core.registry import Registry
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.layers.activation import Activation, LeakyReLU, ReLU, Softmax
from kerastorch.layers.convolutional import Conv1D, Conv2D, Conv3D, DepthwiseConv2D, SeparableConv2D
from kerastorch.layers.dense import Dense
from kerastorch.layers.embedding import Embedding
from kerastorch.layers.functions import Lambda, TorchModule, TorchOp
from kerastorch.layers.inputs import Input, InputLayer
from kerastorch.layers.merging import Add, Concatenate, add, concatenate
from kerastorch.layers.normalization import BatchNormalization
from kerastorch.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from kerastorch.layers.preprocessing import Rescaling
from kerastorch.layers.regularization import Dropout
from kerastorch.layers.reshaping import Flatten, Reshape, ZeroPadding2D

AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
SeparableConvolution2D = SeparableConv2D
GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D

layer_registry = Registry(
    "layer",
    {name: value for name, value in dict(globals()).items() if isinstance(value, type) and issubclass(value, Layer)},
)


def serialize(layer: Layer) -> dict[str, Any]:
    """{'class_name': ..., 'config': ...} of a layer."""
    return layer_registry.serialize(layer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """The layer that such a config describes."""
    return layer_registry.from_config(config, custom_objects)


__all__ = [
    "Activation",
    "Add",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "LeakyReLU",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "ReLU",
    "Rescaling",
    "Reshape",
    "SeparableConv2D",
    "SeparableConvolution2D",
    "Softmax",
    "TorchModule",
    "TorchOp",
    "ZeroPadding2D",
    "add",
    "concatenate",
    "deserialize",
    "layer_registry",
    "serialize",
]
