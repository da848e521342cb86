"""The table of layer cases: one row a case, used to make the golden files and to test against them."""

# ruff: noqa: C408
from __future__ import annotations

from typing import Any

import numpy as np

from layer_case import CASES, Case, drawn, family, made, merged, row

__all__ = ["CASES", "Case", "drawn"]

# --- core -----------------------------------------------------------------------------------------------
family("core")
row("dense-rank2", "Dense", (3, 5), dict(units=4))
row("dense-rank3", "Dense", (2, 3, 5), dict(units=4))
row("dense-rank4", "Dense", (2, 3, 2, 5), dict(units=4))
row("dense-no-bias", "Dense", (3, 5), dict(units=4, use_bias=False))
row("dense-no-bias-rank3", "Dense", (2, 3, 5), dict(units=4, use_bias=False, activation="relu"))
row("dense-one-unit", "Dense", (7, 1), dict(units=1))
row("dense-batch1", "Dense", (1, 5), dict(units=3))
row("dense-relu", "Dense", (3, 5), dict(units=4, activation="relu"))
row("dense-softmax", "Dense", (3, 5), dict(units=4, activation="softmax"))
row("dense-softmax-rank3", "Dense", (2, 3, 5), dict(units=4, activation="softmax"))
row("dense-sigmoid", "Dense", (3, 5), dict(units=1, activation="sigmoid"))
row("dense-tanh", "Dense", (3, 5), dict(units=4, activation="tanh"))
row("dense-selu-lecun", "Dense", (3, 5), dict(units=4, activation="selu", kernel_initializer="lecun_normal"))
row("dense-float64", "Dense", (3, 5), dict(units=4, activation="tanh", dtype="float64"), dtype="float64")
row("dense-float64-input", "Dense", (3, 5), dict(units=4), dtype="float64")
row("dense-integer-input", "Dense", (3, 5), dict(units=4), dtype="int32")
row(
    "dense-initializers",
    "Dense",
    (3, 5),
    dict(
        units=4,
        kernel_initializer=made("initializers.HeNormal", seed=1),
        bias_initializer=made("initializers.Constant", 0.5),
    ),
)
row(
    "dense-regularizers",
    "Dense",
    (3, 5),
    dict(units=4, kernel_regularizer=made("regularizers.L1", 0.01), bias_regularizer=made("regularizers.L2", 0.02)),
)
row(
    "dense-activity-regularizer",
    "Dense",
    (3, 5),
    dict(units=4, activity_regularizer=made("regularizers.L1L2", l1=0.01, l2=0.02)),
)
row("dense-regularizer-name", "Dense", (3, 5), dict(units=4, kernel_regularizer="l2"))
row(
    "dense-constraints",
    "Dense",
    (3, 5),
    dict(units=4, kernel_constraint=made("constraints.MaxNorm", 2.0, axis=0), bias_constraint="non_neg"),
)
row("dense-not-trainable", "Dense", (3, 5), dict(units=4, trainable=False), trainable=False)
row("dense-named", "Dense", (3, 5), dict(units=4, name="logits"))
for _name in (
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "linear",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
):
    row(f"activation-{_name}", "Activation", (3, 7), dict(activation=_name))
row("activation-softmax-rank3", "Activation", (2, 3, 5), dict(activation="softmax"))
row("activation-relu-image", "Activation", (2, 3, 4, 2), dict(activation="relu"))
row("relu", "ReLU", (3, 7))
row("relu-max", "ReLU", (3, 7), dict(max_value=1.0))
row("relu-slope", "ReLU", (3, 7), dict(negative_slope=0.2))
row("relu-threshold", "ReLU", (3, 7), dict(threshold=0.3))
row("relu-everything", "ReLU", (3, 7, 2), dict(max_value=1.2, negative_slope=0.1, threshold=0.25))
row("relu6-image", "ReLU", (2, 3, 4, 2), dict(max_value=6.0))
row("relu-float64", "ReLU", (3, 7), dict(negative_slope=0.125, dtype="float64"), dtype="float64")
row("softmax", "Softmax", (3, 7))
row("softmax-axis1", "Softmax", (2, 3, 4), dict(axis=1))
row("softmax-axes", "Softmax", (2, 3, 4), dict(axis=(1, 2)))
row("leaky-relu", "LeakyReLU", (3, 7))
row("leaky-relu-alpha", "LeakyReLU", (3, 7), dict(alpha=0.1))
row("leaky-relu-alpha0", "LeakyReLU", (2, 3, 4, 2), dict(alpha=0.0))
row("flatten-rank1", "Flatten", (3,), unknown=((None,),))
row("flatten-rank2", "Flatten", (3, 4))
row("flatten-rank3", "Flatten", (2, 3, 4))
row("flatten-image", "Flatten", (2, 3, 4, 2), unknown=((None, 3, 4, 2),))
row("flatten-image-unknown", "Flatten", (2, 3, 4, 2))
row("flatten-rank5", "Flatten", (2, 3, 2, 2, 2))
row("flatten-channels-first", "Flatten", (2, 2, 3, 4), dict(data_format="channels_first"))
row("flatten-channels-first-rank3", "Flatten", (2, 3, 4), dict(data_format="channels_first"))
row("reshape", "Reshape", (2, 12), dict(target_shape=(3, 4)))
row("reshape-infer", "Reshape", (2, 12), dict(target_shape=(-1, 2, 3)))
row("reshape-infer-middle", "Reshape", (2, 6, 4), dict(target_shape=(3, -1, 2)), unknown=((None, 6, 4),))
row("reshape-unknown", "Reshape", (2, 6, 4), dict(target_shape=(-1, 8)))
row("reshape-flat", "Reshape", (2, 3, 4), dict(target_shape=(12,)), unknown=((None, 3, 4),))
row("dropout-inference", "Dropout", (3, 5), dict(rate=0.5))
row("dropout-rate0-training", "Dropout", (3, 5), dict(rate=0.0), training=True)
row("dropout-noise-shape", "Dropout", (2, 3, 5), dict(rate=0.3, noise_shape=(None, 1, None), seed=3))
row("dropout-integer-rate", "Dropout", (3, 5), dict(rate=0))
row("lambda", lambda keras: keras.layers.Lambda(lambda x: x * 2.0 + 1.0), (3, 5), check_config=False)
row("lambda-slice", lambda keras: keras.layers.Lambda(lambda x: x[:, 1:, :]), (2, 4, 3), check_config=False)
row(
    "lambda-arguments",
    lambda keras: keras.layers.Lambda(lambda x, factor: x * factor, arguments={"factor": 3.0}),
    (3, 5),
    check_config=False,
)
row(
    "lambda-two-inputs",
    lambda keras: keras.layers.Lambda(lambda pair: pair[0] * pair[1]),
    [(3, 5), (3, 5)],
    check_config=False,
)
row("rescaling", "Rescaling", (2, 3, 4), dict(scale=1 / 127.5, offset=-1.0))
row("rescaling-scale", "Rescaling", (2, 3, 3, 3), dict(scale=1 / 255))
row("rescaling-uint8", "Rescaling", (2, 3, 3, 3), dict(scale=1 / 255), dtype="uint8", high=256)
row("rescaling-integers", "Rescaling", (2, 3), dict(scale=2, offset=1), dtype="int32")
row("rescaling-float64", "Rescaling", (2, 3), dict(scale=0.125, offset=0.75, dtype="float64"), dtype="float64")

# --- embedding ------------------------------------------------------------------------------------------
family("embedding")
row("embedding", "Embedding", (3, 4), dict(input_dim=10, output_dim=3), dtype="int32")
row("embedding-int64", "Embedding", (3, 4), dict(input_dim=10, output_dim=3), dtype="int64")
row("embedding-float-input", "Embedding", (3, 4), dict(input_dim=10, output_dim=3), dtype="float32", whole=True)
row("embedding-uint8", "Embedding", (3, 4), dict(input_dim=10, output_dim=3), dtype="uint8")
row("embedding-one-column", "Embedding", (5, 1), dict(input_dim=10, output_dim=3), dtype="int32")
row("embedding-rank1", "Embedding", (5,), dict(input_dim=10, output_dim=3), dtype="int32", unknown=((None,),))
row("embedding-rank3", "Embedding", (2, 3, 2), dict(input_dim=10, output_dim=3), dtype="int32")
row(
    "embedding-input-length",
    "Embedding",
    (3, 4),
    dict(input_dim=10, output_dim=3, input_length=4),
    dtype="int32",
    unknown=((None, 4),),
)
row("embedding-mask-zero", "Embedding", (3, 4), dict(input_dim=4, output_dim=3, mask_zero=True), dtype="int32", high=4)
row(
    "embedding-regularizer",
    "Embedding",
    (3, 4),
    dict(input_dim=10, output_dim=3, embeddings_regularizer=made("regularizers.L2", 0.1)),
    dtype="int32",
)
row(
    "embedding-initializer",
    "Embedding",
    (3, 4),
    dict(
        input_dim=10,
        output_dim=3,
        embeddings_initializer=made("initializers.RandomNormal", stddev=0.02),
        embeddings_constraint="unit_norm",
    ),
    dtype="int32",
)
row("embedding-float64", "Embedding", (3, 4), dict(input_dim=10, output_dim=3, dtype="float64"), dtype="int32")
row(
    "embedding-pooled",
    lambda keras: keras.Sequential([keras.layers.Embedding(10, 3), keras.layers.GlobalAveragePooling1D()]),
    (3, 4),
    dtype="int32",
    unknown=((None, None),),
)
row(
    "embedding-masked-pooled",
    lambda keras: keras.Sequential(
        [keras.layers.Embedding(4, 3, mask_zero=True), keras.layers.GlobalAveragePooling1D()]
    ),
    (5, 6),
    dtype="int32",
    high=4,
    unknown=((None, None),),
)
row(
    "embedding-masked-dense-pooled",
    lambda keras: keras.Sequential(
        [
            keras.layers.Embedding(4, 3, mask_zero=True),
            keras.layers.Dense(2, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.GlobalAveragePooling1D(),
        ]
    ),
    (5, 6),
    dtype="int32",
    high=4,
    unknown=((None, None),),
)
row(
    "embedding-masked-flatten",
    lambda keras: keras.Sequential(
        [keras.layers.Embedding(4, 3, mask_zero=True, input_length=4), keras.layers.Flatten(), keras.layers.Dense(2)]
    ),
    (3, 4),
    dtype="int32",
    high=4,
    unknown=((None, 4),),
)

# --- convolution ----------------------------------------------------------------------------------------
family("convolution")
row("conv1d", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3))
row("conv1d-same", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3, padding="same"))
row("conv1d-same-even", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=4, padding="same"))
row("conv1d-same-stride2", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3, strides=2, padding="same"))
row("conv1d-same-stride2-even-size", "Conv1D", (2, 10, 3), dict(filters=4, kernel_size=3, strides=2, padding="same"))
row("conv1d-same-stride3-even", "Conv1D", (2, 10, 3), dict(filters=4, kernel_size=2, strides=3, padding="same"))
row("conv1d-same-stride-over-kernel", "Conv1D", (2, 10, 2), dict(filters=3, kernel_size=1, strides=3, padding="same"))
row("conv1d-valid-stride2", "Conv1D", (2, 10, 3), dict(filters=4, kernel_size=3, strides=2))
row("conv1d-causal", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3, padding="causal"))
row("conv1d-causal-dilated", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3, padding="causal", dilation_rate=2))
row("conv1d-causal-strided", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=2, padding="causal", strides=2))
row(
    "conv1d-causal-upper-case",
    "Conv1D",
    (2, 9, 3),
    dict(filters=4, kernel_size=2, padding="CAUSAL"),
    check_config=False,
)
row("conv1d-dilated", "Conv1D", (2, 11, 3), dict(filters=4, kernel_size=3, dilation_rate=3))
row("conv1d-dilated-same", "Conv1D", (2, 11, 3), dict(filters=4, kernel_size=2, dilation_rate=3, padding="same"))
row("conv1d-groups", "Conv1D", (2, 9, 4), dict(filters=6, kernel_size=3, groups=2))
row("conv1d-no-bias", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3, use_bias=False))
row("conv1d-relu", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3, activation="relu"))
row("conv1d-rank4", "Conv1D", (2, 3, 8, 2), dict(filters=4, kernel_size=3))
row("conv1d-kernel1", "Conv1D", (2, 5, 3), dict(filters=4, kernel_size=1))
row("conv1d-channels-first", "Conv1D", (2, 3, 9), dict(filters=4, kernel_size=3, data_format="channels_first"))
row(
    "conv1d-channels-first-same-stride2",
    "Conv1D",
    (2, 3, 9),
    dict(filters=4, kernel_size=4, strides=2, padding="same", data_format="channels_first"),
)
row("conv1d-float64", "Conv1D", (2, 9, 3), dict(filters=4, kernel_size=3, dtype="float64"), dtype="float64")
row("conv2d", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3))
row("conv2d-one-channel", "Conv2D", (2, 7, 6, 1), dict(filters=4, kernel_size=3))
row("conv2d-one-filter", "Conv2D", (2, 7, 6, 3), dict(filters=1, kernel_size=3))
row("conv2d-one-to-one", "Conv2D", (2, 7, 6, 1), dict(filters=1, kernel_size=3, padding="same"))
row("conv2d-batch1", "Conv2D", (1, 7, 6, 3), dict(filters=4, kernel_size=3))
row("conv2d-kernel1", "Conv2D", (2, 5, 6, 3), dict(filters=4, kernel_size=1))
row("conv2d-kernel1-stride2", "Conv2D", (2, 5, 6, 3), dict(filters=4, kernel_size=1, strides=2))
row("conv2d-kernel1-stride2-same", "Conv2D", (2, 5, 6, 3), dict(filters=4, kernel_size=1, strides=2, padding="same"))
row("conv2d-kernel-is-image", "Conv2D", (2, 4, 3, 3), dict(filters=4, kernel_size=(4, 3)))
row("conv2d-rectangular", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=(1, 3)))
row("conv2d-rectangular-same", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=(5, 2), padding="same"))
row("conv2d-same", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, padding="same"))
row("conv2d-same-even", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=2, padding="same"))
row("conv2d-same-kernel4", "Conv2D", (2, 7, 6, 2), dict(filters=3, kernel_size=4, padding="same"))
row("conv2d-same-kernel-over-image", "Conv2D", (2, 3, 2, 2), dict(filters=3, kernel_size=5, padding="same"))
row("conv2d-same-stride2", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, strides=2, padding="same"))
row("conv2d-same-stride2-even", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=2, strides=2, padding="same"))
row("conv2d-same-stride2-kernel4", "Conv2D", (2, 9, 8, 2), dict(filters=3, kernel_size=4, strides=2, padding="same"))
row("conv2d-same-stride3", "Conv2D", (2, 8, 7, 3), dict(filters=4, kernel_size=3, strides=3, padding="same"))
row("conv2d-same-strides", "Conv2D", (2, 8, 7, 3), dict(filters=4, kernel_size=(3, 2), strides=(2, 1), padding="same"))
row(
    "conv2d-same-upper-case", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, padding="SAME"), check_config=False
)
row("conv2d-valid-stride2", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, strides=2))
row("conv2d-valid-stride-even", "Conv2D", (2, 8, 7, 3), dict(filters=4, kernel_size=2, strides=(3, 2)))
row("conv2d-dilated", "Conv2D", (2, 8, 7, 3), dict(filters=4, kernel_size=3, dilation_rate=2))
row("conv2d-dilated-same", "Conv2D", (2, 8, 7, 3), dict(filters=4, kernel_size=3, dilation_rate=2, padding="same"))
row(
    "conv2d-dilated-same-even",
    "Conv2D",
    (2, 8, 7, 3),
    dict(filters=4, kernel_size=2, dilation_rate=(3, 1), padding="same"),
)
row("conv2d-groups", "Conv2D", (2, 6, 5, 4), dict(filters=6, kernel_size=3, groups=2))
row("conv2d-groups-depthwise", "Conv2D", (2, 6, 5, 3), dict(filters=6, kernel_size=3, groups=3, padding="same"))
row(
    "conv2d-groups-strided-same",
    "Conv2D",
    (2, 6, 5, 4),
    dict(filters=4, kernel_size=2, groups=2, strides=2, padding="same"),
)
row("conv2d-no-bias", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, use_bias=False))
row("conv2d-relu", "Conv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, activation="relu"))
row("conv2d-softmax", "Conv2D", (2, 5, 6, 3), dict(filters=4, kernel_size=3, activation="softmax"))
row("conv2d-rank5", "Conv2D", (2, 2, 5, 6, 2), dict(filters=3, kernel_size=3))
row(
    "conv2d-regularizers",
    "Conv2D",
    (2, 5, 6, 3),
    dict(
        filters=4,
        kernel_size=3,
        kernel_regularizer=made("regularizers.L2", 0.01),
        bias_regularizer=made("regularizers.L1", 0.02),
        activity_regularizer=made("regularizers.L2", 0.005),
    ),
)
row(
    "conv2d-constraints",
    "Conv2D",
    (2, 5, 6, 3),
    dict(
        filters=4,
        kernel_size=3,
        kernel_constraint=made("constraints.MaxNorm", 1.5, axis=[0, 1, 2]),
        bias_constraint=made("constraints.NonNeg"),
    ),
)
row("conv2d-float64", "Conv2D", (2, 5, 6, 3), dict(filters=4, kernel_size=3, dtype="float64"), dtype="float64")
row("conv2d-channels-first", "Conv2D", (2, 3, 7, 6), dict(filters=4, kernel_size=3, data_format="channels_first"))
row(
    "conv2d-channels-first-same",
    "Conv2D",
    (2, 3, 7, 6),
    dict(filters=4, kernel_size=2, strides=2, padding="same", data_format="channels_first", activation="relu"),
)
row(
    "conv2d-channels-first-groups",
    "Conv2D",
    (2, 4, 7, 6),
    dict(filters=6, kernel_size=(3, 2), groups=2, data_format="channels_first"),
)
row(
    "conv2d-channels-first-dilated",
    "Conv2D",
    (2, 3, 7, 6),
    dict(filters=4, kernel_size=2, dilation_rate=2, data_format="channels_first", use_bias=False),
)
row("separable", "SeparableConv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3))
row("separable-same", "SeparableConv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, padding="same"))
row(
    "separable-same-stride2", "SeparableConv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=2, strides=2, padding="same")
)
row("separable-valid-stride2", "SeparableConv2D", (2, 7, 6, 3), dict(filters=4, kernel_size=3, strides=2))
row("separable-multiplier", "SeparableConv2D", (2, 7, 6, 2), dict(filters=4, kernel_size=3, depth_multiplier=3))
row("separable-dilated", "SeparableConv2D", (2, 7, 8, 3), dict(filters=4, kernel_size=3, dilation_rate=2))
row(
    "separable-no-bias-relu",
    "SeparableConv2D",
    (2, 7, 6, 3),
    dict(filters=4, kernel_size=(3, 1), use_bias=False, activation="relu"),
)
row(
    "separable-regularizers",
    "SeparableConv2D",
    (2, 5, 6, 3),
    dict(
        filters=4,
        kernel_size=3,
        depthwise_regularizer=made("regularizers.L2", 0.01),
        pointwise_regularizer=made("regularizers.L1", 0.02),
        bias_regularizer="l1",
    ),
)
row("separable-one-channel", "SeparableConv2D", (2, 6, 5, 1), dict(filters=3, kernel_size=3, padding="same"))
row(
    "separable-channels-first",
    "SeparableConv2D",
    (2, 3, 7, 6),
    dict(filters=4, kernel_size=3, padding="same", data_format="channels_first"),
)
row(
    "separable-channels-first-stride2",
    "SeparableConv2D",
    (2, 3, 7, 6),
    dict(filters=4, kernel_size=3, strides=2, depth_multiplier=2, data_format="channels_first"),
)
row("depthwise", "DepthwiseConv2D", (2, 7, 6, 3), dict(kernel_size=3))
row("depthwise-same", "DepthwiseConv2D", (2, 7, 6, 3), dict(kernel_size=3, padding="same"))
row("depthwise-same-stride2", "DepthwiseConv2D", (2, 7, 6, 3), dict(kernel_size=3, strides=2, padding="same"))
row("depthwise-same-stride2-even", "DepthwiseConv2D", (2, 7, 6, 3), dict(kernel_size=2, strides=2, padding="same"))
row("depthwise-valid-stride2", "DepthwiseConv2D", (2, 7, 6, 3), dict(kernel_size=(3, 2), strides=(2, 2)))
row("depthwise-multiplier", "DepthwiseConv2D", (2, 7, 6, 3), dict(kernel_size=3, depth_multiplier=2))
row("depthwise-multiplier-one-channel", "DepthwiseConv2D", (2, 7, 6, 1), dict(kernel_size=3, depth_multiplier=4))
row("depthwise-dilated", "DepthwiseConv2D", (2, 7, 8, 3), dict(kernel_size=3, dilation_rate=2))
row(
    "depthwise-no-bias-relu",
    "DepthwiseConv2D",
    (2, 7, 6, 3),
    dict(kernel_size=3, use_bias=False, activation="relu", depthwise_regularizer=made("regularizers.L2", 0.1)),
)
row(
    "depthwise-channels-first",
    "DepthwiseConv2D",
    (2, 3, 7, 6),
    dict(kernel_size=3, strides=2, padding="same", data_format="channels_first"),
)
row(
    "depthwise-channels-first-multiplier",
    "DepthwiseConv2D",
    (2, 3, 7, 6),
    dict(kernel_size=2, depth_multiplier=2, data_format="channels_first"),
)
row("depthwise-float64", "DepthwiseConv2D", (2, 5, 6, 3), dict(kernel_size=3, dtype="float64"), dtype="float64")
row("zero-padding2d", "ZeroPadding2D", (2, 3, 4, 2))
row("zero-padding2d-pair", "ZeroPadding2D", (2, 3, 4, 2), dict(padding=(1, 2)))
row("zero-padding2d-sides", "ZeroPadding2D", (2, 3, 4, 2), dict(padding=((1, 0), (2, 3))))
row("zero-padding2d-nothing", "ZeroPadding2D", (2, 3, 4, 2), dict(padding=0))
row(
    "zero-padding2d-channels-first",
    "ZeroPadding2D",
    (2, 2, 3, 4),
    dict(padding=((1, 2), (0, 3)), data_format="channels_first"),
)

# --- pooling --------------------------------------------------------------------------------------------
family("pooling")
for _kind in ("Max", "Average"):
    _id = _kind.lower()
    _1d, _2d = f"{_kind}Pooling1D", f"{_kind}Pooling2D"
    row(f"{_id}1d", _1d, (2, 9, 3))
    row(f"{_id}1d-pool3", _1d, (2, 10, 3), dict(pool_size=3))
    row(f"{_id}1d-overlapping", _1d, (2, 9, 3), dict(pool_size=3, strides=1))
    row(f"{_id}1d-same", _1d, (2, 9, 3), dict(pool_size=2, padding="same"))
    row(f"{_id}1d-same-overlapping", _1d, (2, 10, 3), dict(pool_size=4, strides=3, padding="same"))
    row(f"{_id}1d-sparse-strides", _1d, (2, 11, 3), dict(pool_size=2, strides=3))
    row(f"{_id}1d-channels-first", _1d, (2, 3, 9), dict(pool_size=2, padding="same", data_format="channels_first"))
    row(f"{_id}2d", _2d, (2, 6, 8, 3))
    row(f"{_id}2d-odd", _2d, (2, 7, 5, 3))
    row(f"{_id}2d-one-channel", _2d, (2, 7, 5, 1))
    row(f"{_id}2d-pool3-stride2", _2d, (2, 7, 8, 3), dict(pool_size=3, strides=2))
    row(f"{_id}2d-pool3-stride1", _2d, (2, 5, 6, 3), dict(pool_size=(3, 3), strides=(1, 1)))
    row(f"{_id}2d-same", _2d, (2, 7, 5, 3), dict(padding="same"))
    row(f"{_id}2d-same-stride1", _2d, (2, 5, 6, 3), dict(pool_size=3, strides=1, padding="same"))
    row(f"{_id}2d-same-stride1-even", _2d, (2, 5, 6, 3), dict(pool_size=2, strides=1, padding="same"))
    row(f"{_id}2d-same-pool3-stride2", _2d, (2, 8, 7, 3), dict(pool_size=3, strides=2, padding="same"))
    row(f"{_id}2d-same-pool5", _2d, (2, 6, 4, 2), dict(pool_size=5, strides=2, padding="same"))
    row(f"{_id}2d-rectangular", _2d, (2, 7, 8, 3), dict(pool_size=(2, 3), strides=(1, 2)))
    row(f"{_id}2d-rectangular-same", _2d, (2, 7, 8, 3), dict(pool_size=(1, 3), strides=(2, 1), padding="same"))
    row(f"{_id}2d-whole-image", _2d, (2, 4, 5, 3), dict(pool_size=(4, 5)))
    row(f"{_id}2d-float64", _2d, (2, 6, 5, 3), dict(dtype="float64"), dtype="float64")
    row(f"{_id}2d-channels-first", _2d, (2, 3, 6, 7), dict(data_format="channels_first"))
    row(
        f"{_id}2d-channels-first-same",
        _2d,
        (2, 3, 7, 6),
        dict(pool_size=3, strides=2, padding="same", data_format="channels_first"),
    )
    row(f"global-{_id}1d", f"Global{_kind}Pooling1D", (2, 5, 3))
    row(f"global-{_id}1d-keepdims", f"Global{_kind}Pooling1D", (2, 5, 3), dict(keepdims=True))
    row(f"global-{_id}1d-channels-first", f"Global{_kind}Pooling1D", (2, 3, 5), dict(data_format="channels_first"))
    row(f"global-{_id}2d", f"Global{_kind}Pooling2D", (2, 5, 4, 3))
    row(f"global-{_id}2d-keepdims", f"Global{_kind}Pooling2D", (2, 5, 4, 3), dict(keepdims=True))
    row(f"global-{_id}2d-channels-first", f"Global{_kind}Pooling2D", (2, 3, 5, 4), dict(data_format="channels_first"))
    row(
        f"global-{_id}2d-channels-first-keepdims",
        f"Global{_kind}Pooling2D",
        (2, 3, 5, 4),
        dict(data_format="channels_first", keepdims=True),
    )

# --- normalization --------------------------------------------------------------------------------------
family("normalization")
for _training in (False, True):
    _id = "batchnorm-training" if _training else "batchnorm"
    _options = dict(training=_training, positive=True)
    row(f"{_id}-rank2", "BatchNormalization", (6, 4), **_options)
    row(f"{_id}-rank3", "BatchNormalization", (3, 4, 3), **_options)
    row(f"{_id}-rank4", "BatchNormalization", (3, 4, 2, 3), **_options)
    row(f"{_id}-rank4-one-channel", "BatchNormalization", (3, 4, 2, 1), **_options)
    row(f"{_id}-no-scale", "BatchNormalization", (3, 4, 2, 3), dict(scale=False), **_options)
    row(f"{_id}-no-center", "BatchNormalization", (6, 4), dict(center=False), **_options)
    row(f"{_id}-neither", "BatchNormalization", (3, 4, 2, 3), dict(center=False, scale=False), **_options)
    row(f"{_id}-momentum", "BatchNormalization", (3, 4, 2, 3), dict(momentum=0.8, epsilon=1e-5), **_options)
    row(f"{_id}-momentum-rank2", "BatchNormalization", (6, 4), dict(momentum=0.5, epsilon=0.1), **_options)
    row(
        f"{_id}-axis1",
        "BatchNormalization",
        (3, 3, 4, 2),
        dict(axis=1),
        transposed=True,
        unknown=((None, 3, None, None),),
        **_options,
    )
    row(f"{_id}-axis1-rank3", "BatchNormalization", (3, 4, 2), dict(axis=1), unknown=((None, 4, None),), **_options)
    row(f"{_id}-axis-positive", "BatchNormalization", (3, 4, 2, 3), dict(axis=3), **_options)
    row(
        f"{_id}-float64",
        "BatchNormalization",
        (6, 4),
        dict(momentum=0.75, dtype="float64"),
        dtype="float64",
        **_options,
    )
    row(f"{_id}-frozen", "BatchNormalization", (3, 4, 2, 3), dict(trainable=False), trainable=False, **_options)
    row(
        f"{_id}-regularizers",
        "BatchNormalization",
        (6, 4),
        dict(
            gamma_regularizer=made("regularizers.L2", 0.1),
            beta_regularizer=made("regularizers.L1", 0.2),
            gamma_constraint="non_neg",
            beta_initializer="ones",
        ),
        **_options,
    )

for _training in (False, True):
    _id = "batchnorm-training" if _training else "batchnorm"
    _options = dict(training=_training, positive=True)
    row(f"{_id}-rank5", "BatchNormalization", (2, 2, 3, 2, 3), **_options)
    row(
        f"{_id}-rank5-axis1",
        "BatchNormalization",
        (2, 3, 2, 3, 2),
        dict(axis=1),
        transposed=True,
        unknown=((None, 3, None, None, None),),
        **_options,
    )
    row(f"{_id}-axis2", "BatchNormalization", (3, 4, 2, 3), dict(axis=2), unknown=((None, None, 2, None),), **_options)
    row(f"{_id}-axis-listed", "BatchNormalization", (3, 4, 2, 3), dict(axis=[3]), **_options)
    row(f"{_id}-axes", "BatchNormalization", (5, 3, 2), dict(axis=[1, 2]), unknown=((None, 3, 2),), **_options)
    row(
        f"{_id}-axes-apart",
        "BatchNormalization",
        (3, 4, 2, 3),
        dict(axis=[1, 3], scale=False),
        unknown=((None, 4, None, 3),),
        **_options,
    )
    row(f"{_id}-integers", "BatchNormalization", (6, 4), dtype="int32", **_options)
    row(f"{_id}-not-fused", "BatchNormalization", (3, 4, 2, 3), dict(fused=False), **_options)
    row(f"{_id}-fused", "BatchNormalization", (3, 4, 2, 3), dict(fused=True), **_options)
    row(
        f"{_id}-synchronized",
        "BatchNormalization",
        (3, 4, 2, 3),
        dict(synchronized=True),
        check_config=False,  # tf_keras forgets it
        **_options,
    )
    row(
        f"{_id}-float64-rank4",
        "BatchNormalization",
        (3, 4, 2, 3),
        dict(momentum=0.75, dtype="float64"),
        dtype="float64",
        **_options,
    )
    row(f"{_id}-mask", "BatchNormalization", (3, 4, 3), masks="right", **_options)
    row(f"{_id}-mask-ignored-rank4", "BatchNormalization", (3, 4, 2, 3), masks="right", **_options)
row("batchnorm-training-one-sample", "BatchNormalization", (1, 4), training=True, positive=True)
row("batchnorm-training-one-pixel", "BatchNormalization", (1, 1, 1, 3), training=True, positive=True)
row("batchnorm-training-mask-left", "BatchNormalization", (3, 4, 3), masks="left", training=True, positive=True)
row(
    "batchnorm-training-mask-holes",
    "BatchNormalization",
    (3, 4, 3),
    dict(center=False, momentum=0.5),
    masks="holes",
    training=True,
    positive=True,
)
row("batchnorm-training-mask-empty", "BatchNormalization", (3, 4, 3), masks="empty", training=True, positive=True)

row("layernorm", "LayerNormalization", (3, 5))
row("layernorm-rank3", "LayerNormalization", (2, 3, 5))
row("layernorm-rank4", "LayerNormalization", (2, 3, 2, 5))
row("layernorm-axis1", "LayerNormalization", (2, 3, 5), dict(axis=1), unknown=((None, 3, None),))
row("layernorm-axis-2-image", "LayerNormalization", (2, 3, 4, 2), dict(axis=-2), unknown=((None, None, 4, None),))
row("layernorm-axis0", "LayerNormalization", (4, 3), dict(axis=0), unknown=((4, None),))
row("layernorm-axes", "LayerNormalization", (2, 3, 5), dict(axis=[1, 2]), unknown=((None, 3, 5),))
row("layernorm-axes-reversed", "LayerNormalization", (2, 3, 5), dict(axis=[2, 1]), unknown=((None, 3, 5),))
row("layernorm-axes-negative", "LayerNormalization", (2, 3, 4, 2), dict(axis=(-3, -2, -1)), unknown=((None, 3, 4, 2),))
row("layernorm-axes-apart", "LayerNormalization", (2, 3, 4, 2), dict(axis=[1, 3]), unknown=((None, 3, None, 2),))
row("layernorm-axes-middle", "LayerNormalization", (2, 3, 4, 2), dict(axis=[1, 2]), unknown=((None, 3, 4, None),))
row("layernorm-no-scale", "LayerNormalization", (3, 5), dict(scale=False))
row("layernorm-no-center", "LayerNormalization", (2, 3, 5), dict(center=False, axis=1), unknown=((None, 3, None),))
row("layernorm-neither", "LayerNormalization", (3, 5), dict(center=False, scale=False))
row("layernorm-epsilon", "LayerNormalization", (3, 5), dict(epsilon=1e-6))
row("layernorm-epsilon-large", "LayerNormalization", (3, 5), dict(epsilon=0.5))
row("layernorm-float64", "LayerNormalization", (2, 3, 5), dict(dtype="float64"), dtype="float64")
row("layernorm-integers", "LayerNormalization", (3, 5), dtype="int32")
row("layernorm-mask", "LayerNormalization", (3, 4, 5), masks="right")
row(
    "layernorm-regularizers",
    "LayerNormalization",
    (3, 5),
    dict(
        gamma_regularizer="l2",
        beta_regularizer=made("regularizers.L1", 0.2),
        gamma_constraint="non_neg",
        beta_initializer="ones",
    ),
)
row(
    "layernorm-activity-regularizer",
    "LayerNormalization",
    (3, 5),
    dict(activity_regularizer=made("regularizers.L1L2", 0.01, 0.02)),
    check_config=False,  # tf_keras forgets it
)

row("groupnorm", "GroupNormalization", (2, 3, 4, 6), dict(groups=3))
row("groupnorm-rank2", "GroupNormalization", (3, 6), dict(groups=2))
row("groupnorm-rank3", "GroupNormalization", (2, 3, 6), dict(groups=2))
row("groupnorm-rank5", "GroupNormalization", (2, 2, 3, 2, 4), dict(groups=2))
row("groupnorm-one-group", "GroupNormalization", (2, 3, 2, 4), dict(groups=1))
row("groupnorm-instance", "GroupNormalization", (2, 3, 2, 4), dict(groups=-1))
row("groupnorm-axis1", "GroupNormalization", (2, 4, 3, 2), dict(groups=2, axis=1), unknown=((None, 4, None, None),))
row("groupnorm-axis2", "GroupNormalization", (2, 3, 4, 2), dict(groups=2, axis=-2), unknown=((None, None, 4, None),))
row("groupnorm-no-scale", "GroupNormalization", (2, 3, 4), dict(groups=2, scale=False))
row("groupnorm-no-center", "GroupNormalization", (2, 3, 4), dict(groups=2, center=False, epsilon=1e-5))
row("groupnorm-neither", "GroupNormalization", (2, 3, 4), dict(groups=4, center=False, scale=False))
row("groupnorm-float64", "GroupNormalization", (2, 3, 4), dict(groups=2, dtype="float64"), dtype="float64")
row(
    "groupnorm-mask",
    "GroupNormalization",
    (2, 3, 4),
    dict(groups=2),
    arguments=dict(mask=np.array([[[1], [1], [0]], [[1], [0], [0]]], bool)),
)
row(
    "groupnorm-mask-axis1",
    "GroupNormalization",
    (2, 4, 3),
    dict(groups=2, axis=1, center=False),
    arguments=dict(mask=np.array([[[1, 1, 0]], [[0, 1, 1]]], bool)),
    unknown=((None, 4, None),),
)
row(
    "groupnorm-regularizers",
    "GroupNormalization",
    (2, 3, 4),
    dict(
        groups=2,
        gamma_regularizer=made("regularizers.L2", 0.1),
        beta_regularizer="l1",
        beta_constraint="unit_norm",
        gamma_initializer="zeros",
    ),
)

row("unitnorm", "UnitNormalization", (3, 5))
row("unitnorm-rank4", "UnitNormalization", (2, 3, 2, 5))
row("unitnorm-axis1", "UnitNormalization", (2, 3, 5), dict(axis=1))
row("unitnorm-axes", "UnitNormalization", (2, 3, 5), dict(axis=[1, 2]))
row("unitnorm-axes-apart", "UnitNormalization", (2, 3, 2, 5), dict(axis=(1, -1)))
row("unitnorm-integers", "UnitNormalization", (3, 5), dtype="int32")
row("unitnorm-float64", "UnitNormalization", (3, 5), dict(dtype="float64"), dtype="float64")
row("unitnorm-mask", "UnitNormalization", (3, 4, 5), masks="left")

for _training in (False, True):
    _id = "spectralnorm-training" if _training else "spectralnorm"
    row(
        f"{_id}-dense",
        "SpectralNormalization",
        (3, 5),
        dict(layer=made("layers.Dense", 4, name="inner")),
        training=_training,
    )
    row(
        f"{_id}-conv",
        "SpectralNormalization",
        (2, 4, 5, 3),
        dict(layer=made("layers.Conv2D", 2, 3, name="inner", activation="relu"), power_iterations=3),
        unknown=((None, 4, 5, 3),),
        training=_training,
    )
    row(
        f"{_id}-embedding",
        "SpectralNormalization",
        (2, 3),
        dict(layer=made("layers.Embedding", 10, 4, name="inner")),
        dtype="int32",
        unknown=((None, 3),),
        training=_training,
    )
row(
    "spectralnorm-training-regularizer",
    "SpectralNormalization",
    (3, 5),
    dict(layer=made("layers.Dense", 4, name="inner", kernel_regularizer="l2", use_bias=False)),
    training=True,
)

row("normalization", "Normalization", (3, 4), positive=True)
row("normalization-rank4", "Normalization", (2, 3, 4, 3), positive=True)
row("normalization-axis1", "Normalization", (2, 3, 4), dict(axis=1), positive=True, unknown=((None, 3, None),))
row("normalization-axes", "Normalization", (2, 3, 4), dict(axis=(1, 2)), positive=True, unknown=((None, 3, 4),))
row(
    "normalization-axes-reversed",
    "Normalization",
    (2, 3, 4),
    dict(axis=[-1, 1]),
    positive=True,
    unknown=((None, 3, 4),),
)
row("normalization-one", "Normalization", (3, 4), dict(axis=None), positive=True)
row("normalization-invert", "Normalization", (3, 4), dict(invert=True), positive=True)
row("normalization-integers", "Normalization", (3, 4), dtype="int32", positive=True)
row("normalization-float64", "Normalization", (3, 4), dict(dtype="float64"), dtype="float64", positive=True)
row("normalization-given", "Normalization", (3, 4), dict(mean=0.5, variance=2.0))
row("normalization-given-zero-variance", "Normalization", (3, 4), dict(mean=0.5, variance=0.0))
row("normalization-given-list", "Normalization", (3, 2), dict(mean=[0.5, -1.0], variance=[2.0, 0.5], invert=True))
row("normalization-given-one", "Normalization", (2, 3, 4), dict(axis=None, mean=0.5, variance=2.0))

# --- merging --------------------------------------------------------------------------------------------
family("merging")
row("add", "Add", [(2, 3), (2, 3)])
row("add-three", "Add", [(2, 3, 4), (2, 3, 4), (2, 3, 4)])
row("add-broadcast", "Add", [(2, 3, 4), (2, 1, 4)], unknown=((None, 3, 4), (None, 1, 4)))
row("add-ranks", "Add", [(2, 3, 4), (2, 4)], unknown=((None, 3, 4), (None, 4)))
row("add-image", "Add", [(2, 3, 4, 2), (2, 3, 4, 2)])
row("add-function", merged("add", (3,), (3,)), [(2, 3), (2, 3)])
row("concatenate", "Concatenate", [(2, 3), (2, 4)])
row("concatenate-three", "Concatenate", [(2, 3, 1), (2, 3, 4), (2, 3, 2)])
row("concatenate-axis1", "Concatenate", [(2, 3, 4), (2, 2, 4)], dict(axis=1))
row("concatenate-axis0", "Concatenate", [(2, 3), (1, 3)], dict(axis=0))
row("concatenate-image", "Concatenate", [(2, 3, 4, 2), (2, 3, 4, 1)])
row(
    "concatenate-image-axis1",
    "Concatenate",
    [(2, 3, 4, 2), (2, 1, 4, 2)],
    dict(axis=1),
    unknown=((None, 3, 4, 2), (None, 1, 4, 2)),
)
row(
    "concatenate-image-unknown",
    "Concatenate",
    [(2, 3, 4, 2), (2, 1, 4, 2)],
    dict(axis=1),
    unknown=((None, None, 4, 2), (None, 1, 4, 2)),
)
row(
    "concatenate-function",
    merged("concatenate", (3, 2), (1, 2), axis=1),
    [(2, 3, 2), (2, 1, 2)],
    unknown=((None, 3, 2), (None, 1, 2)),
)
row("concatenate-float64", "Concatenate", [(2, 3), (2, 4)], dict(dtype="float64"), dtype="float64")

# --- wrappers -------------------------------------------------------------------------------------------
family("wrappers")


def _timed(id: str, layer: str, shape: Any, *args: Any, inner: Any = (), outer: Any = (), **options: Any) -> None:
    """TimeDistributed, with the arguments `outer`, around a layer with the arguments `args` and `inner`."""
    wrapped = made(f"layers.{layer}", *args, **dict(inner), name="inner")
    row(f"timed-{id}", "TimeDistributed", shape, dict(layer=wrapped, **dict(outer)), **options)


_timed("dense", "Dense", (2, 4, 3), 5)
_timed("dense-relu-rank4", "Dense", (2, 3, 2, 4), 3, inner=dict(activation="relu"))
_timed("dense-regularizers", "Dense", (2, 3, 4), 3, inner=dict(kernel_regularizer="l2", bias_regularizer="l1"))
_timed("dense-activity-regularizer", "Dense", (2, 3, 4), 3, inner=dict(activity_regularizer="l2"))
_timed(
    "dense-float64", "Dense", (2, 3, 4), 3, inner=dict(dtype="float64"), outer=dict(dtype="float64"), dtype="float64"
)
_timed("dense-frozen", "Dense", (2, 3, 4), 3, outer=dict(trainable=False))
for _kind in ("right", "holes", "empty"):
    _timed(f"dense-masked-{_kind}", "Dense", (3, 5, 2), 4, masks=_kind)
_timed("activation", "Activation", (2, 3, 4), "softmax")
_timed("conv1d", "Conv1D", (2, 3, 6, 2), 3, 2)
_timed("conv2d", "Conv2D", (2, 3, 5, 4, 2), 3, 3)
_timed("conv2d-options", "Conv2D", (2, 2, 5, 6, 2), 3, 3, inner=dict(padding="same", strides=2, activation="relu"))
_timed("dropout-masked-left", "Dropout", (3, 3, 4, 2), 0.5, masks="left")
_timed("max-pooling", "MaxPooling2D", (2, 3, 4, 6, 2))
_timed("global-average-pooling", "GlobalAveragePooling2D", (2, 3, 4, 5, 2))
_timed("flatten", "Flatten", (2, 3, 4, 2, 2), unknown=((None, None, 4, 2, 2),))
_timed("flatten-unknown", "Flatten", (2, 3, 4, 2))
_timed("reshape", "Reshape", (2, 3, 8), (2, 4))
_timed("embedding", "Embedding", (2, 3, 4), 10, 5, dtype="int32")
_timed("embedding-mask", "Embedding", (2, 3, 4), 10, 5, inner=dict(mask_zero=True), dtype="int32")
for _training in (False, True):
    _timed(f"batchnorm{'-training' * _training}", "BatchNormalization", (3, 4, 2), training=_training, positive=True)
_timed("lstm", "LSTM", (2, 3, 4, 2), 3)
_timed("lstm-sequences-masked", "GRU", (3, 4, 5, 2), 3, inner=dict(return_sequences=True))


def _both(id: str, layer: str, shape: Any, *args: Any, inner: Any = (), outer: Any = (), **options: Any) -> None:
    """Bidirectional, with the arguments `outer`, around a layer with the arguments `args` and `inner`."""
    wrapped = made(f"layers.{layer}", *args, **dict(inner), name="inner")
    row(f"bidirectional-{id}", "Bidirectional", shape, dict(layer=wrapped, **dict(outer)), **options)


for _name in ("SimpleRNN", "GRU", "LSTM"):
    _id = _name.lower()
    _both(_id, _name, (2, 5, 3), 4)
    _both(f"{_id}-sequences", _name, (2, 5, 3), 4, inner=dict(return_sequences=True))
    _both(f"{_id}-state", _name, (2, 4, 3), 2, inner=dict(return_state=True))
    for _kind in ("right", "left", "holes", "empty"):
        _both(f"{_id}-masked-{_kind}", _name, (3, 5, 2), 3, inner=dict(return_sequences=True), masks=_kind)
for _mode in ("sum", "mul", "ave", None):
    _both(f"lstm-{_mode}", "LSTM", (2, 4, 3), 2, outer=dict(merge_mode=_mode))
    _options = dict(return_sequences=True, return_state=True)
    _both(f"lstm-{_mode}-everything", "LSTM", (3, 4, 3), 2, inner=_options, outer=dict(merge_mode=_mode), masks="right")
_both("lstm-last-masked", "LSTM", (3, 5, 2), 3, masks="right")
_both("gru-state-masked", "GRU", (3, 5, 2), 3, inner=dict(return_state=True), masks="left")
_states = dict(initial_state=[drawn(2, 3), drawn(2, 3), drawn(2, 3), drawn(2, 3)])
_both("lstm-initial-state", "LSTM", (2, 4, 3), 3, arguments=_states)
_both(
    "lstm-initial-state-masked",
    "LSTM",
    (2, 4, 3),
    3,
    inner=dict(return_sequences=True),
    arguments=_states,
    masks="right",
)
_both("gru-initial-state", "GRU", (2, 4, 3), 3, arguments=dict(initial_state=[drawn(2, 3), drawn(2, 3)]))
_both("gru-reset-before", "GRU", (2, 4, 3), 3, inner=dict(reset_after=False))
_both("lstm-backwards", "LSTM", (2, 4, 3), 3, inner=dict(go_backwards=True, return_sequences=True))
_both("lstm-hard", "LSTM", (2, 4, 3), 3, inner=dict(recurrent_activation="hard_sigmoid", activation="relu"))
_both("lstm-no-bias", "LSTM", (2, 4, 3), 3, inner=dict(use_bias=False))
_both("lstm-regularizers", "LSTM", (2, 4, 3), 3, inner=dict(kernel_regularizer="l2", recurrent_regularizer="l1"))
_both("lstm-activity", "LSTM", (2, 4, 3), 3, inner=dict(activity_regularizer="l2"))
_both("lstm-frozen", "LSTM", (2, 4, 3), 3, inner=dict(trainable=False))
_both("lstm-float64", "LSTM", (2, 4, 3), 3, inner=dict(dtype="float64"), outer=dict(dtype="float64"), dtype="float64")
_both("lstm-stateful", "LSTM", (2, 4, 3), 3, inner=dict(stateful=True), unknown=((2, None, 3),))
_both("lstm-time-major", "LSTM", (4, 2, 3), 3, inner=dict(time_major=True, return_sequences=True))
_both("conv-lstm", "ConvLSTM2D", (2, 3, 5, 4, 2), 2, 2, inner=dict(return_sequences=True))
_both("cell", "RNN", (2, 4, 3), made("layers.LSTMCell", 3, name="cell"))
_cells = [made("layers.GRUCell", 3, name="low"), made("layers.LSTMCell", 2, name="high")]
_both("cells", "RNN", (3, 4, 3), made("layers.StackedRNNCells", _cells, name="cells"), masks="right")
_both(
    "own-backward-layer",
    "LSTM",
    (3, 5, 2),
    3,
    inner=dict(return_sequences=True),
    outer=dict(
        backward_layer=made("layers.GRU", 2, go_backwards=True, return_sequences=True, name="other"),
        merge_mode="concat",
    ),
    masks="right",
    computes_shape=False,  # tf_keras doubles the forward layer's size
)

# --- convolutional recurrent ----------------------------------------------------------------------------
family("convlstm")
for _rank, _sizes in ((1, (6,)), (2, (5, 4)), (3, (3, 4, 3))):
    _layer, _shape = f"ConvLSTM{_rank}D", (2, 3, *_sizes, 2)
    _id = _layer.lower()
    _defaults = dict(filters=2, kernel_size=2)
    row(_id, _layer, _shape, _defaults)
    row(f"{_id}-state", _layer, _shape, dict(**_defaults, return_state=True, return_sequences=True))
    row(f"{_id}-strides", _layer, _shape, dict(**_defaults, strides=2))
    row(f"{_id}-same", _layer, _shape, dict(**_defaults, padding="same", return_sequences=True))
    row(f"{_id}-same-strides", _layer, _shape, dict(filters=2, kernel_size=3, strides=2, padding="same"))
    row(f"{_id}-masked", _layer, (3, *_shape[1:]), dict(**_defaults, return_sequences=True), masks="holes")
    row(f"{_id}-float64", _layer, _shape, dict(**_defaults, dtype="float64"), dtype="float64")
_layer, _shape = "ConvLSTM2D", (2, 3, 5, 4, 2)
row("convlstm2d-dilation", _layer, _shape, dict(filters=2, kernel_size=2, dilation_rate=2, return_sequences=True))
row("convlstm2d-dilation-same", _layer, _shape, dict(filters=2, kernel_size=3, dilation_rate=2, padding="same"))
row("convlstm2d-rectangular", _layer, _shape, dict(filters=3, kernel_size=(3, 1), strides=(1, 2)))
row("convlstm2d-one-channel", _layer, (2, 3, 5, 4, 1), dict(filters=1, kernel_size=3, padding="same"))
row("convlstm2d-backwards", _layer, _shape, dict(filters=2, kernel_size=2, go_backwards=True, return_sequences=True))
row("convlstm2d-sigmoid", _layer, _shape, dict(filters=2, kernel_size=2, recurrent_activation="sigmoid"))
row("convlstm2d-relu", _layer, _shape, dict(filters=2, kernel_size=2, activation="relu"))
row("convlstm2d-no-bias", _layer, _shape, dict(filters=2, kernel_size=2, use_bias=False))
row("convlstm2d-no-forget-bias", _layer, _shape, dict(filters=2, kernel_size=2, unit_forget_bias=False))
row("convlstm2d-dropout-unused", _layer, _shape, dict(filters=2, kernel_size=2, dropout=0.5, recurrent_dropout=0.5))
row("convlstm2d-frozen", _layer, _shape, dict(filters=2, kernel_size=2, trainable=False))
row(
    "convlstm2d-regularizers",
    _layer,
    _shape,
    dict(filters=2, kernel_size=2, kernel_regularizer="l1", recurrent_regularizer="l2", bias_regularizer="l2"),
)
row("convlstm2d-activity", _layer, _shape, dict(filters=2, kernel_size=2, activity_regularizer="l2"))
row(
    "convlstm2d-initializers",
    _layer,
    _shape,
    dict(
        filters=2,
        kernel_size=2,
        kernel_initializer="he_normal",
        recurrent_initializer="zeros",
        bias_constraint="non_neg",
    ),
)
row("convlstm2d-stateful", _layer, _shape, dict(filters=2, kernel_size=2, stateful=True), unknown=((2, None, 5, 4, 2),))
for _kind in ("right", "left", "empty"):
    row(f"convlstm2d-masked-{_kind}", _layer, (3, 4, 3, 4, 2), dict(filters=2, kernel_size=2), masks=_kind)
row(
    "convlstm2d-initial-state",
    _layer,
    _shape,
    dict(filters=2, kernel_size=2, return_state=True),
    arguments=dict(initial_state=[drawn(2, 4, 3, 2), drawn(2, 4, 3, 2)]),
)

# --- transposed convolution -----------------------------------------------------------------------------
family("transposed")
row("conv1d-transpose", "Conv1DTranspose", (2, 5, 3), dict(filters=4, kernel_size=3))
row("conv1d-transpose-strided", "Conv1DTranspose", (2, 5, 3), dict(filters=4, kernel_size=3, strides=2))
row("conv1d-transpose-stride-over-kernel", "Conv1DTranspose", (2, 4, 3), dict(filters=2, kernel_size=2, strides=3))
row("conv1d-transpose-same", "Conv1DTranspose", (2, 5, 3), dict(filters=4, kernel_size=4, padding="same"))
row(
    "conv1d-transpose-same-stride3",
    "Conv1DTranspose",
    (2, 4, 3),
    dict(filters=4, kernel_size=4, strides=3, padding="same", activation="relu"),
)
row(
    "conv1d-transpose-output-padding",
    "Conv1DTranspose",
    (2, 4, 3),
    dict(filters=2, kernel_size=3, strides=3, output_padding=2),
)
row(
    "conv1d-transpose-channels-first",
    "Conv1DTranspose",
    (2, 3, 4),
    dict(filters=2, kernel_size=3, strides=2, padding="same", data_format="channels_first"),
)
row("conv2d-transpose", "Conv2DTranspose", (2, 4, 3, 3), dict(filters=4, kernel_size=3))
row("conv2d-transpose-one-channel", "Conv2DTranspose", (2, 4, 3, 1), dict(filters=2, kernel_size=2, strides=2))
row("conv2d-transpose-one-filter", "Conv2DTranspose", (2, 4, 3, 2), dict(filters=1, kernel_size=3, padding="same"))
row("conv2d-transpose-kernel1", "Conv2DTranspose", (2, 4, 3, 2), dict(filters=3, kernel_size=1))
row("conv2d-transpose-kernel1-stride2", "Conv2DTranspose", (2, 4, 3, 2), dict(filters=3, kernel_size=1, strides=2))
row("conv2d-transpose-stride2", "Conv2DTranspose", (2, 4, 3, 3), dict(filters=4, kernel_size=2, strides=2))
row("conv2d-transpose-strides", "Conv2DTranspose", (2, 3, 4, 2), dict(filters=3, kernel_size=(3, 2), strides=(1, 3)))
row("conv2d-transpose-same", "Conv2DTranspose", (2, 4, 3, 3), dict(filters=4, kernel_size=3, padding="same"))
for _kernel in (2, 3, 4, 5):
    row(
        f"conv2d-transpose-same-stride2-kernel{_kernel}",
        "Conv2DTranspose",
        (2, 4, 3, 2),
        dict(filters=3, kernel_size=_kernel, strides=2, padding="same"),
    )
row(
    "conv2d-transpose-same-stride3",
    "Conv2DTranspose",
    (2, 3, 4, 2),
    dict(filters=3, kernel_size=(2, 4), strides=3, padding="same", activation="relu"),
)
row(
    "conv2d-transpose-same-no-bias",
    "Conv2DTranspose",
    (2, 3, 4, 2),
    dict(filters=3, kernel_size=3, strides=2, padding="same", use_bias=False),
)
row(
    "conv2d-transpose-output-padding",
    "Conv2DTranspose",
    (2, 3, 4, 2),
    dict(filters=3, kernel_size=3, strides=2, output_padding=1),
)
row(
    "conv2d-transpose-output-padding-0",
    "Conv2DTranspose",
    (2, 3, 4, 2),
    dict(filters=3, kernel_size=3, strides=2, padding="same", output_padding=0),
)
row(
    "conv2d-transpose-same-output-padding",
    "Conv2DTranspose",
    (2, 3, 4, 2),
    dict(filters=3, kernel_size=(3, 5), strides=(2, 3), padding="same", output_padding=(1, 2)),
)
row("conv2d-transpose-dilated", "Conv2DTranspose", (2, 3, 4, 2), dict(filters=3, kernel_size=3, dilation_rate=2))
row(
    "conv2d-transpose-dilated-same",
    "Conv2DTranspose",
    (2, 5, 4, 2),
    dict(filters=3, kernel_size=(2, 3), dilation_rate=2, padding="same"),
)
row(
    "conv2d-transpose-regularizers",
    "Conv2DTranspose",
    (2, 3, 4, 2),
    dict(
        filters=3,
        kernel_size=2,
        kernel_regularizer=made("regularizers.L2", 0.01),
        bias_regularizer=made("regularizers.L1", 0.02),
        activity_regularizer=made("regularizers.L2", 0.005),
        kernel_constraint=made("constraints.MaxNorm", 1.5, axis=[0, 1, 2]),
        bias_constraint="non_neg",
        bias_initializer="ones",
    ),
)
row(
    "conv2d-transpose-float64",
    "Conv2DTranspose",
    (2, 3, 4, 2),
    dict(filters=3, kernel_size=3, strides=2, dtype="float64"),
    dtype="float64",
)
row(
    "conv2d-transpose-channels-first",
    "Conv2DTranspose",
    (2, 2, 3, 4),
    dict(filters=3, kernel_size=3, strides=2, padding="same", data_format="channels_first"),
)
row(
    "conv2d-transpose-channels-first-valid",
    "Conv2DTranspose",
    (2, 2, 3, 4),
    dict(filters=3, kernel_size=2, strides=3, output_padding=2, data_format="channels_first", activation="tanh"),
)
row("conv3d-transpose", "Conv3DTranspose", (2, 2, 3, 2, 2), dict(filters=3, kernel_size=2))
row(
    "conv3d-transpose-same-stride2",
    "Conv3DTranspose",
    (2, 2, 3, 2, 2),
    dict(filters=2, kernel_size=3, strides=2, padding="same"),
)
row(
    "conv3d-transpose-strides",
    "Conv3DTranspose",
    (1, 2, 2, 3, 2),
    dict(filters=2, kernel_size=(1, 2, 3), strides=(2, 1, 2), output_padding=(1, 0, 1), use_bias=False),
)
row(
    "conv3d-transpose-channels-first",
    "Conv3DTranspose",
    (1, 2, 2, 2, 3),
    dict(filters=2, kernel_size=2, strides=(1, 2, 2), padding="same", data_format="channels_first"),
)

# --- spatial axes ---------------------------------------------------------------------------------------
family("spatial")
row("conv3d", "Conv3D", (2, 4, 3, 4, 2), dict(filters=3, kernel_size=2))
row("conv3d-same-stride2", "Conv3D", (2, 4, 3, 5, 2), dict(filters=3, kernel_size=3, strides=2, padding="same"))
row("conv3d-same-even", "Conv3D", (2, 3, 3, 4, 2), dict(filters=2, kernel_size=2, padding="same", activation="relu"))
row("conv3d-kernel1", "Conv3D", (2, 3, 2, 2, 2), dict(filters=3, kernel_size=1, use_bias=False))
row("conv3d-dilated", "Conv3D", (1, 4, 5, 4, 2), dict(filters=2, kernel_size=2, dilation_rate=2))
row("conv3d-groups", "Conv3D", (1, 3, 3, 3, 4), dict(filters=2, kernel_size=2, groups=2))
row(
    "conv3d-channels-first",
    "Conv3D",
    (2, 2, 4, 3, 4),
    dict(filters=3, kernel_size=(2, 1, 3), strides=(1, 2, 1), data_format="channels_first"),
)
row("conv3d-float64", "Conv3D", (1, 3, 3, 3, 2), dict(filters=2, kernel_size=2, dtype="float64"), dtype="float64")
row("separable1d", "SeparableConv1D", (2, 7, 3), dict(filters=4, kernel_size=3))
row("separable1d-causal", "SeparableConv1D", (2, 7, 3), dict(filters=4, kernel_size=3, padding="causal"))
row(
    "separable1d-causal-dilated",
    "SeparableConv1D",
    (2, 9, 3),
    dict(filters=4, kernel_size=3, padding="causal", dilation_rate=2, use_bias=False),
)
row(
    "separable1d-same-stride2",
    "SeparableConv1D",
    (2, 8, 3),
    dict(filters=4, kernel_size=3, strides=2, padding="same", depth_multiplier=2, activation="relu"),
)
row(
    "separable1d-regularizers",
    "SeparableConv1D",
    (2, 6, 3),
    dict(
        filters=4,
        kernel_size=2,
        depthwise_regularizer="l2",
        pointwise_regularizer=made("regularizers.L1", 0.02),
        bias_regularizer="l1",
        depthwise_constraint="unit_norm",
        pointwise_constraint="non_neg",
        bias_constraint="max_norm",
        depthwise_initializer="he_normal",
        pointwise_initializer="lecun_uniform",
    ),
)
row(
    "separable1d-unused-kernel", "SeparableConv1D", (2, 5, 2), dict(filters=3, kernel_size=2, kernel_initializer="ones")
)
row(
    "separable1d-channels-first",
    "SeparableConv1D",
    (2, 3, 7),
    dict(filters=4, kernel_size=3, padding="same", data_format="channels_first"),
)
row("depthwise1d", "DepthwiseConv1D", (2, 7, 3), dict(kernel_size=3))
row("depthwise1d-multiplier", "DepthwiseConv1D", (2, 7, 3), dict(kernel_size=2, depth_multiplier=3, activation="relu"))
row("depthwise1d-same-stride2", "DepthwiseConv1D", (2, 8, 3), dict(kernel_size=3, strides=2, padding="same"))
row("depthwise1d-dilated", "DepthwiseConv1D", (2, 8, 3), dict(kernel_size=3, dilation_rate=2, use_bias=False))
row(
    "depthwise1d-regularizers",
    "DepthwiseConv1D",
    (2, 6, 3),
    dict(
        kernel_size=2,
        depthwise_regularizer="l2",
        bias_regularizer="l1",
        depthwise_constraint="non_neg",
        bias_constraint="non_neg",
        activity_regularizer="l2",
    ),
)
row("depthwise1d-channels-first", "DepthwiseConv1D", (2, 3, 7), dict(kernel_size=3, data_format="channels_first"))
for _kind in ("Max", "Average"):
    _id, _3d = _kind.lower(), f"{_kind}Pooling3D"
    row(f"{_id}3d", _3d, (1, 4, 5, 4, 2))
    row(f"{_id}3d-same", _3d, (1, 3, 4, 5, 2), dict(pool_size=(2, 3, 2), padding="same"))
    row(f"{_id}3d-same-stride1", _3d, (1, 3, 4, 3, 2), dict(pool_size=2, strides=1, padding="same"))
    row(f"{_id}3d-strides", _3d, (1, 4, 5, 5, 2), dict(pool_size=(1, 2, 3), strides=(2, 1, 2)))
    row(f"{_id}3d-channels-first", _3d, (1, 2, 4, 5, 4), dict(pool_size=2, data_format="channels_first"))
    row(f"global-{_id}3d", f"Global{_kind}Pooling3D", (2, 2, 3, 2, 3))
    row(
        f"global-{_id}3d-channels-first",
        f"Global{_kind}Pooling3D",
        (2, 3, 2, 3, 2),
        dict(data_format="channels_first", keepdims=True),
    )
for _mask in ("right", "left", "holes"):
    row(f"global-average1d-mask-{_mask}", "GlobalAveragePooling1D", (3, 5, 2), masks=_mask)
row("global-average1d-mask-keepdims", "GlobalAveragePooling1D", (3, 5, 2), dict(keepdims=True), masks="right")
row("zero-padding1d", "ZeroPadding1D", (2, 3, 2))
row("zero-padding1d-sides", "ZeroPadding1D", (2, 3, 2), dict(padding=(0, 3)))
row("zero-padding1d-float64", "ZeroPadding1D", (2, 3, 2), dict(padding=2, dtype="float64"), dtype="float64")
row("zero-padding3d", "ZeroPadding3D", (1, 2, 3, 2, 2))
row("zero-padding3d-sizes", "ZeroPadding3D", (1, 2, 3, 2, 2), dict(padding=(1, 0, 2)))
row(
    "zero-padding3d-channels-first",
    "ZeroPadding3D",
    (1, 2, 2, 3, 2),
    dict(padding=((1, 0), (0, 2), (1, 1)), data_format="channels_first"),
)
row("cropping1d", "Cropping1D", (2, 6, 2))
row("cropping1d-sides", "Cropping1D", (2, 6, 2), dict(cropping=(3, 0)))
row("cropping2d-default", "Cropping2D", (2, 4, 5, 2))
row("cropping2d", "Cropping2D", (2, 4, 5, 2), dict(cropping=1))
row("cropping2d-sizes", "Cropping2D", (2, 4, 6, 2), dict(cropping=(1, 2)))
row("cropping2d-sides", "Cropping2D", (2, 4, 5, 2), dict(cropping=((1, 2), (0, 3))))
row("cropping2d-front", "Cropping2D", (2, 4, 5, 2), dict(cropping=((1, 0), (2, 0)), dtype="float64"), dtype="float64")
row(
    "cropping2d-channels-first",
    "Cropping2D",
    (2, 2, 4, 5),
    dict(cropping=((1, 0), (2, 1)), data_format="channels_first"),
)
row("cropping3d", "Cropping3D", (1, 3, 4, 5, 2))
row("cropping3d-sides", "Cropping3D", (1, 3, 4, 5, 2), dict(cropping=((1, 0), (0, 2), (2, 1))))
row(
    "cropping3d-channels-first",
    "Cropping3D",
    (1, 2, 3, 4, 5),
    dict(cropping=(0, 1, 2), data_format="channels_first"),
)
row("up-sampling1d", "UpSampling1D", (2, 3, 2))
row("up-sampling1d-size3", "UpSampling1D", (2, 4, 2), dict(size=3, dtype="float64"), dtype="float64")
row("up-sampling2d", "UpSampling2D", (2, 3, 4, 2))
row("up-sampling2d-one-channel", "UpSampling2D", (2, 3, 4, 1), dict(size=2))
row("up-sampling2d-sizes", "UpSampling2D", (2, 3, 4, 2), dict(size=(3, 2), dtype="float64"), dtype="float64")
row("up-sampling2d-size1", "UpSampling2D", (2, 3, 4, 2), dict(size=1, interpolation="gaussian"))
row("up-sampling2d-channels-first", "UpSampling2D", (2, 2, 3, 4), dict(size=(1, 3), data_format="channels_first"))
for _interpolation in ("bilinear", "bicubic", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
    row(
        f"up-sampling2d-{_interpolation}",
        "UpSampling2D",
        (2, 4, 5, 2),
        dict(size=(2, 3), interpolation=_interpolation),
    )
    row(
        f"up-sampling2d-{_interpolation}-channels-first",
        "UpSampling2D",
        (1, 2, 3, 2),
        dict(size=2, interpolation=_interpolation, data_format="channels_first"),
    )
# tf.image.resize has no gradient for 'area', and whole inputs are not asked for theirs
row("up-sampling2d-area", "UpSampling2D", (2, 3, 4, 2), dict(size=(2, 3), interpolation="area"), whole=True)
row("up-sampling3d", "UpSampling3D", (1, 2, 3, 2, 2))
row("up-sampling3d-sizes", "UpSampling3D", (1, 2, 3, 2, 2), dict(size=(1, 3, 2)))
row("up-sampling3d-channels-first", "UpSampling3D", (1, 2, 2, 3, 2), dict(size=2, data_format="channels_first"))

# --- weights of their own for each place ----------------------------------------------------------------
family("local")
for _format in ("channels_last", "channels_first"):
    _last = _format == "channels_last"
    _sequence, _image = ((2, 7, 2), (2, 4, 5, 2)) if _last else ((2, 2, 7), (2, 2, 4, 5))
    for _implementation in (1, 2, 3):
        _id = f"implementation{_implementation}" + ("" if _last else "-channels-first")
        _options = dict(implementation=_implementation, data_format=_format)
        row(
            f"local1d-{_id}",
            "LocallyConnected1D",
            _sequence,
            dict(filters=3, kernel_size=3, strides=2, **_options),
            unknown=((None, *_sequence[1:]),),
        )
        row(
            f"local2d-{_id}",
            "LocallyConnected2D",
            _image,
            dict(filters=3, kernel_size=(2, 3), strides=(1, 2), **_options),
            unknown=((None, *_image[1:]),),
        )
        if _implementation > 1:
            row(
                f"local1d-same-{_id}",
                "LocallyConnected1D",
                _sequence,
                dict(filters=2, kernel_size=4, padding="same", use_bias=False, **_options),
                unknown=((None, *_sequence[1:]),),
            )
            row(
                f"local2d-same-{_id}",
                "LocallyConnected2D",
                _image,
                dict(filters=2, kernel_size=(2, 3), strides=2, padding="same", activation="relu", **_options),
                unknown=((None, *_image[1:]),),
            )
row(
    "local1d-regularizers",
    "LocallyConnected1D",
    (2, 6, 2),
    dict(
        filters=3,
        kernel_size=2,
        kernel_regularizer=made("regularizers.L2", 0.01),
        bias_regularizer=made("regularizers.L1", 0.02),
        activity_regularizer="l2",
        kernel_constraint="unit_norm",
        bias_constraint="non_neg",
        kernel_initializer="he_normal",
        bias_initializer="ones",
    ),
    unknown=((None, 6, 2),),
)
row(
    "local2d-float64",
    "LocallyConnected2D",
    (2, 3, 4, 2),
    dict(filters=2, kernel_size=2, activation="tanh", dtype="float64"),
    dtype="float64",
    unknown=((None, 3, 4, 2),),
)

# --- regularisation --------------------------------------------------------------------------------------
family("regularization")
for _layer, _config, _shape in (
    ("Dropout", dict(rate=0.4), (2, 3, 4)),
    ("SpatialDropout1D", dict(rate=0.4), (2, 3, 4)),
    ("SpatialDropout2D", dict(rate=0.4, seed=2), (2, 3, 4, 2)),
    ("SpatialDropout3D", dict(rate=0.4), (2, 2, 3, 2, 2)),
    ("GaussianDropout", dict(rate=0.4, seed=1), (3, 5)),
    ("GaussianNoise", dict(stddev=0.4), (3, 5)),
    ("AlphaDropout", dict(rate=0.4), (3, 5)),
):
    row(f"{_layer}-inference", _layer, _shape, _config)
    _still = {key: 0.0 if key in ("rate", "stddev") else value for key, value in _config.items()}
    row(f"{_layer}-still", _layer, _shape, _still, training=True)
row("dropout-mask", "Dropout", (3, 4, 2), dict(rate=0.4), masks="right")
row("gaussian-noise-mask", "GaussianNoise", (3, 4, 2), dict(stddev=0.4, seed=3), masks="left")
row("spatial-dropout1d-mask", "SpatialDropout1D", (3, 4, 2), dict(rate=0.4), masks="holes")
row(
    "spatial-dropout2d-channels-first",
    "SpatialDropout2D",
    (2, 3, 4, 2),
    dict(rate=0.4, data_format="channels_first"),
    check_config=False,  # tf_keras forgets the layout
)
row("dropout-float64", "Dropout", (3, 5), dict(rate=0.0, dtype="float64"), dtype="float64", training=True)
row("activity-regularization", "ActivityRegularization", (3, 5), dict(l1=0.1, l2=0.2))
row("activity-regularization-l1", "ActivityRegularization", (2, 3, 5), dict(l1=0.1))
row("activity-regularization-l2-training", "ActivityRegularization", (3, 5), dict(l2=0.3), training=True)
row("activity-regularization-none", "ActivityRegularization", (3, 5))
row("activity-regularization-mask", "ActivityRegularization", (3, 4, 2), dict(l1=0.1), masks="right")

# --- activations -----------------------------------------------------------------------------------------
family("activations")
row("elu", "ELU", (3, 7))
row("elu-alpha", "ELU", (3, 7), dict(alpha=0.4))
row("elu-negative-alpha", "ELU", (3, 7), dict(alpha=-0.4))
row("elu-image", "ELU", (2, 3, 4, 2), dict(alpha=2.0))
row("elu-float64", "ELU", (3, 7), dict(alpha=0.5, dtype="float64"), dtype="float64")
row("elu-mask", "ELU", (3, 4, 2), masks="right")
row("thresholded-relu", "ThresholdedReLU", (3, 7))
row("thresholded-relu-theta", "ThresholdedReLU", (3, 7), dict(theta=0.3))
row("thresholded-relu-theta0", "ThresholdedReLU", (2, 3, 4, 2), dict(theta=0))
row("thresholded-relu-float64", "ThresholdedReLU", (3, 7), dict(theta=0.25, dtype="float64"), dtype="float64")
row("leaky-relu-float64", "LeakyReLU", (3, 7), dict(alpha=0.25, dtype="float64"), dtype="float64")
row("leaky-relu-mask", "LeakyReLU", (3, 4, 2), masks="left")
row("relu-mask", "ReLU", (3, 4, 2), masks="right")
row("relu-threshold-slope", "ReLU", (3, 7), dict(threshold=0.5, negative_slope=0.25))
row("relu-max-slope", "ReLU", (3, 7), dict(max_value=0.5, negative_slope=0.25))
row("prelu", "PReLU", (3, 7))
row("prelu-rank3", "PReLU", (2, 3, 5), unknown=((None, 3, 5),))
row("prelu-image", "PReLU", (2, 3, 4, 2), unknown=((None, 3, 4, 2),))
row("prelu-image-shared", "PReLU", (2, 3, 4, 2), dict(shared_axes=[1, 2]))
row("prelu-image-channels-first", "PReLU", (2, 2, 3, 4), dict(shared_axes=(2, 3)), unknown=((None, 2, None, None),))
row("prelu-shared-one-axis", "PReLU", (2, 3, 5), dict(shared_axes=1))
row("prelu-shared-last", "PReLU", (2, 3, 5), dict(shared_axes=[2]), unknown=((None, 3, None),))
row("prelu-shared-middle", "PReLU", (2, 3, 4, 2), dict(shared_axes=[2]), unknown=((None, 3, None, 2),))
row("prelu-shared-outer", "PReLU", (2, 3, 4, 2), dict(shared_axes=[1, 3]), unknown=((None, None, 4, None),))
row("prelu-shared-all", "PReLU", (2, 3, 5), dict(shared_axes=[1, 2]), unknown=((None, None, None),))
row("prelu-one-feature", "PReLU", (3, 1))
row("prelu-float64", "PReLU", (3, 7), dict(dtype="float64"), dtype="float64")
row("prelu-mask", "PReLU", (3, 4, 2), masks="right", unknown=((None, 4, 2),))
row(
    "prelu-regularized",
    "PReLU",
    (3, 7),
    dict(
        alpha_initializer=made("initializers.Constant", 0.25),
        alpha_regularizer=made("regularizers.L1L2", 0.1, 0.2),
        alpha_constraint="non_neg",
    ),
)
row("softmax-axis0", "Softmax", (4, 3), dict(axis=0))
row("softmax-axis-listed", "Softmax", (2, 3, 4), dict(axis=[1]))
row("softmax-axes-all", "Softmax", (2, 3, 4), dict(axis=[0, 1, 2]))
row("softmax-float64", "Softmax", (3, 7), dict(dtype="float64"), dtype="float64")
_mask = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]], bool)
for _robust in (False, True):
    _id = "softmax-robust" if _robust else "softmax"
    _config = dict(robust_masking=True) if _robust else {}
    row(f"{_id}-mask", "Softmax", (3, 4), _config, arguments=dict(mask=_mask))
    row(f"{_id}-mask-axes", "Softmax", (2, 3, 4), dict(axis=(1, 2), **_config), arguments=dict(mask=_mask[None]))
    row(f"{_id}-mask-numbers", "Softmax", (3, 4), _config, arguments=dict(mask=_mask.astype("float32")))
row("dense-prelu", "Dense", (3, 5), dict(units=4, activation=made("layers.PReLU", name="inner")))
row(
    "dense-prelu-regularized",
    "Dense",
    (3, 5),
    dict(units=4, activation=made("layers.PReLU", name="inner", alpha_regularizer="l2", alpha_initializer="ones")),
)
row("dense-leaky-relu", "Dense", (3, 5), dict(units=4, activation=made("layers.LeakyReLU", 0.1, name="inner")))
row("dense-relu-function", "Dense", (3, 5), dict(units=4, activation="leaky_relu"))
row(
    "conv2d-prelu",
    "Conv2D",
    (2, 5, 4, 3),
    dict(filters=2, kernel_size=3, activation=made("layers.PReLU", name="inner", shared_axes=[1, 2])),
)
row("conv2d-elu", "Conv2D", (2, 5, 4, 3), dict(filters=2, kernel_size=3, activation=made("layers.ELU", 0.5, name="a")))
row("activation-prelu", "Activation", (3, 5), dict(activation=made("layers.PReLU", name="inner")))
row("activation-threshold", "Activation", (3, 5), dict(activation=made("layers.ThresholdedReLU", 0.2, name="inner")))

# --- attention ------------------------------------------------------------------------------------------
family("attention")
_two = [(2, 3, 4), (2, 5, 4)]
_three = [(2, 3, 4), (2, 5, 6), (2, 5, 4)]
_scored = dict(return_attention_scores=True)
_causal = dict(use_causal_mask=True)
for _kind in ("Attention", "AdditiveAttention"):
    _id = "attention" if _kind == "Attention" else "additive-attention"
    row(_id, _kind, _two)
    row(f"{_id}-key", _kind, [(2, 3, 4), (2, 5, 4), (2, 5, 4)])
    row(f"{_id}-scores", _kind, _two, arguments=_scored)
    row(f"{_id}-scores-key", _kind, [(2, 3, 4), (2, 5, 4), (2, 5, 4)], arguments=_scored)
    row(f"{_id}-value-mask", _kind, [(3, 3, 4), (3, 5, 4)], masks=(None, "right"))
    row(f"{_id}-value-mask-left", _kind, [(3, 3, 4), (3, 5, 4)], masks=(None, "left"))
    row(f"{_id}-query-mask", _kind, [(3, 3, 4), (3, 5, 4)], masks=("right", None))
    row(f"{_id}-masks", _kind, [(3, 4, 4), (3, 4, 4)], masks=("right", "right"))
    row(f"{_id}-masks-key", _kind, [(3, 3, 4), (3, 5, 4), (3, 5, 4)], masks=("left", "holes", "right"))
    row(f"{_id}-masks-empty", _kind, [(3, 3, 4), (3, 5, 4)], masks=("empty", "empty"), arguments=_scored)
    row(f"{_id}-causal", _kind, [(2, 5, 4), (2, 5, 4)], arguments=_causal)
    row(f"{_id}-causal-longer", _kind, _two, arguments=_causal)
    row(f"{_id}-causal-shorter", _kind, [(2, 5, 4), (2, 3, 4)], arguments=_causal)
    row(f"{_id}-causal-masked", _kind, [(3, 4, 4), (3, 4, 4)], masks=("holes", "left"), arguments=_causal)
    row(f"{_id}-causal-scores", _kind, _two, arguments={**_causal, **_scored}, masks=(None, "right"))
    row(f"{_id}-causal-option", _kind, [(2, 4, 3), (2, 4, 3)], dict(causal=True), check_config=False)
    row(f"{_id}-scale", _kind, _two, dict(use_scale=True), masks=(None, "right"))
    row(f"{_id}-no-scale", _kind, _two, dict(use_scale=False, dropout=0.3), arguments=_scored)
    row(f"{_id}-float64", _kind, _two, dict(dtype="float64"), dtype="float64", masks=(None, "empty"))
    row(
        f"{_id}-float16",
        _kind,
        _two,
        dict(dtype="float16"),
        dtype="float16",
        masks=(None, "right"),
        tolerance=3e-3,
    )
row("attention-value-size", "Attention", _three, computes_shape=False)
row(
    "attention-value-size-scores",
    "Attention",
    _three,
    arguments=_scored,
    masks=("right", "left", None),
    computes_shape=False,
)
row("attention-concat", "Attention", _two, dict(score_mode="concat"))
row("attention-concat-scale", "Attention", _two, dict(score_mode="concat", use_scale=True), arguments=_scored)
row("attention-concat-masks", "Attention", _two, dict(score_mode="concat"), masks=("right", "empty"))
row("attention-rank4", "Attention", [(2, 2, 3, 4), (2, 2, 5, 4)], dict(use_scale=True))

_heads = dict(num_heads=2, key_dim=3)


def _attend(id: str, shapes: Any, config: dict[str, Any], **options: Any) -> None:
    """A row of several heads. A bias of the keys shifts all scores of a query alike, which changes nothing."""
    vanishing = 3 if config.get("use_bias", True) else None
    masked = bool(options.get("masks")) or "attention_mask" in options.get("arguments", {})
    row(
        id,
        "MultiHeadAttention",
        shapes,
        config,
        spread=True,
        vanishing=vanishing,
        check_masks=not (masked and "return_attention_scores" in options.get("arguments", {})),
        **options,
    )


_attend("heads", [(2, 3, 4), (2, 5, 4)], _heads)
_attend("heads-scores", [(2, 3, 4), (2, 5, 4)], _heads, arguments=_scored)
_attend("heads-key", [(2, 3, 4), (2, 5, 4), (2, 5, 4)], _heads)
_attend(
    "heads-three-sizes",
    [(2, 3, 4), (2, 5, 6), (2, 5, 7)],
    dict(num_heads=2, key_dim=3, value_dim=5, output_shape=6),
    arguments=_scored,
    computes_shape=False,
)
_attend(
    "heads-value-dim",
    [(2, 3, 4), (2, 5, 4)],
    dict(num_heads=3, key_dim=2, value_dim=4),
)
_attend("heads-one", [(2, 3, 4), (2, 5, 4)], dict(num_heads=1, key_dim=4))
_attend("heads-no-bias", [(2, 3, 4), (2, 5, 4)], {**_heads, "use_bias": False})
_attend("heads-dropout", [(2, 3, 4), (2, 5, 4)], {**_heads, "dropout": 0.4})
_attend("heads-dropout0-training", _two, _heads, training=True)
_attend("heads-output-shape", _two, {**_heads, "output_shape": [5]})
_attend("heads-output-shapes", _two, {**_heads, "output_shape": (2, 5)})
for _masks in ("right", "left", "holes", "empty"):
    _attend(
        f"heads-value-mask-{_masks}",
        [(3, 3, 4), (3, 5, 4)],
        _heads,
        masks=(None, _masks),
    )
    _attend(
        f"heads-masks-{_masks}",
        [(3, 4, 4), (3, 4, 4)],
        _heads,
        masks=(_masks, _masks),
        arguments=_causal if _masks in ("left", "holes") else _scored,
    )
_attend("heads-query-mask", _two, _heads, masks=("empty", None))
_attend(
    "heads-key-mask",
    [(3, 3, 4), (3, 5, 4), (3, 5, 4)],
    _heads,
    masks=("right", "left", "holes"),
)
_attend("heads-causal", [(2, 5, 4), (2, 5, 4)], _heads, arguments=_causal)
_attend("heads-causal-longer", _two, _heads, arguments=_causal)
_attend("heads-causal-shorter", [(2, 5, 4), (2, 3, 4)], _heads, arguments=_causal)
_attend(
    "heads-causal-scores",
    _two,
    _heads,
    masks=(None, "right"),
    arguments={**_causal, **_scored},
)
_seen = np.array(
    [[[1, 1, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]], [[1, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 1, 0, 1, 0]]]
)
for _id, _mask in {
    "": _seen.astype(bool),
    "-integers": _seen,
    "-floats": _seen.astype("float32"),
    "-shared": _seen[1].astype(bool),
    "-one-row": _seen[:, :1].astype(bool),
    "-heads": np.stack([_seen, 1 - _seen], 1).astype(bool),
}.items():
    _attend(
        f"heads-attention-mask{_id}",
        _two,
        _heads,
        arguments=dict(attention_mask=_mask),
    )
_attend(
    "heads-attention-mask-scores",
    _two,
    _heads,
    masks=("right", "holes"),
    arguments=dict(attention_mask=_seen.astype("float32"), **_causal, **_scored),
)
_attend(
    "heads-robust",
    _two,
    {**_heads, "softmax_robust_masking": True},
    masks=("right", "empty"),
)
_attend(
    "heads-robust-floats",
    _two,
    {**_heads, "softmax_robust_masking": True},
    arguments=dict(attention_mask=_seen * 0.75, **_scored),
)
_attend("heads-rank4", [(2, 2, 3, 4), (2, 3, 2, 4)], _heads, arguments=_scored)
for _id, _axes in {
    "-axis1": 1,
    "-axis2": (2,),
    "-axes": (1, 2),
    "-axes-swapped": (2, 1),
    "-axis-negative": (-3,),
}.items():
    _value = {"-axis1": (2, 5, 3, 4), "-axes": (2, 2, 2, 4), "-axes-swapped": (2, 3, 2, 4)}.get(_id, (2, 2, 5, 4))
    _attend(
        f"heads-rank4{_id}",
        [(2, 2, 3, 4), _value],
        {**_heads, "attention_axes": _axes},
        arguments=_scored,
    )
_attend(
    "heads-rank5-axes-mask",
    [(2, 2, 2, 3, 4), (2, 2, 3, 2, 4)],
    {**_heads, "attention_axes": (2, 3)},
    arguments=dict(attention_mask=np.arange(36).reshape(2, 3, 3, 2) % 5 != 1),
)
_attend("heads-float64", _two, {**_heads, "dtype": "float64"}, dtype="float64")
_attend(
    "heads-float64-masks",
    _two,
    {**_heads, "dtype": "float64"},
    dtype="float64",
    masks=("right", "empty"),
)
_attend(
    "heads-float16",
    _two,
    {**_heads, "dtype": "float16"},
    dtype="float16",
    masks=(None, "empty"),
    tolerance=5e-3,
)
_attend(
    "heads-regularizers",
    _two,
    dict(
        num_heads=2,
        key_dim=3,
        kernel_regularizer=made("regularizers.L2", 0.01),
        bias_regularizer=made("regularizers.L1", 0.02),
        activity_regularizer=made("regularizers.L2", 0.03),
        kernel_initializer="he_normal",
        bias_initializer="ones",
        kernel_constraint="max_norm",
        bias_constraint="non_neg",
    ),
)
for _masks in (("right", "empty"), ("empty", "holes")):
    _attend(f"heads-many-keys-{_masks[1]}", [(2, 3, 4), (2, 40, 4)], _heads, masks=_masks)
    row(f"attention-many-keys-{_masks[1]}", "Attention", [(2, 3, 4), (2, 40, 4)], dict(use_scale=True), masks=_masks)
_attend(
    "heads-many-keys-causal",
    [(2, 34, 4), (2, 34, 4)],
    _heads,
    masks=("left", "left"),
    arguments=_causal,
    tolerance=2e-5,
)
_attend(
    "heads-many-keys-float16",
    [(2, 3, 4), (2, 40, 4)],
    {**_heads, "dtype": "float16"},
    dtype="float16",
    masks=(None, "empty"),
    tolerance=5e-3,
)
_attend("heads-not-trainable", _two, {**_heads, "trainable": False}, trainable=False)


def _over_words(attend: Any) -> Any:
    """A model that looks words up with a mask, attends to them and averages."""

    def make(keras: Any) -> Any:
        words = keras.Input((5,), dtype="int32")
        embedded = keras.layers.Embedding(4, 6, mask_zero=True)(words)
        return keras.Model(words, keras.layers.GlobalAveragePooling1D()(attend(keras.layers, embedded)))

    return make


for _id, _attention in {
    "heads": lambda layers, x: layers.MultiHeadAttention(2, 3)(x, x),
    "heads-causal": lambda layers, x: layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True),
    "heads-unmasked-query": lambda layers, x: layers.MultiHeadAttention(2, 3)(x * 2.0, x),
    "heads-unmasked-value": lambda layers, x: layers.MultiHeadAttention(2, 3)(x, x * 2.0, key=x),
    "attention": lambda layers, x: layers.Attention(use_scale=True)([x, x]),
    "attention-causal": lambda layers, x: layers.Attention()([x, x * 2.0, x], use_causal_mask=True),
    "additive": lambda layers, x: layers.AdditiveAttention()([x * 0.5, x]),
}.items():
    row(
        f"embedded-{_id}",
        _over_words(_attention),
        (4, 5),
        dtype="int32",
        high=4,
        unknown=((None, 5),),
        computes_shape=False,
        vanishing=4 if "heads" in _id else None,
    )

# --- merging: the other layers --------------------------------------------------------------------------
family("merging")
for _kind in ("Subtract", "Multiply", "Average", "Maximum", "Minimum"):
    _id = _kind.lower()
    row(_id, _kind, [(2, 3), (2, 3)])
    row(f"{_id}-ranks", _kind, [(2, 3, 4), (2, 4)], unknown=((None, 3, 4), (None, 4)))
    row(f"{_id}-broadcast", _kind, [(2, 1, 4, 2), (2, 3, 4, 1)], unknown=((None, 1, 4, 2), (None, 3, 4, 1)))
    row(f"{_id}-masks", _kind, [(3, 4, 2), (3, 4, 2)], masks=("right", "holes"))
    row(f"{_id}-function", merged(_id, (3,), (3,)), [(2, 3), (2, 3)])
    if _kind != "Subtract":
        row(f"{_id}-three", _kind, [(2, 3, 4), (2, 3, 4), (2, 3, 4)], masks=(None, "right", None))
        row(f"{_id}-one", _kind, [(2, 3)])
row("add-one", "Add", [(2, 3, 4)])
row("add-masks", "Add", [(3, 4, 2), (3, 4, 2), (3, 4, 2)], masks=("right", None, "left"))
row("add-float64", "Add", [(2, 3), (2, 3)], dict(dtype="float64"), dtype="float64")
row("add-unknown", "Add", [(2, 3, 4), (2, 3, 4)], unknown=((None, None, 4), (None, 3, 4)))
row("multiply-float64", "Multiply", [(2, 3), (2, 3)], dict(dtype="float64"), dtype="float64")
row("concatenate-one", "Concatenate", [(2, 3, 4)])
row("concatenate-masks", "Concatenate", [(3, 4, 2), (3, 4, 3)], masks=("right", "holes"))
row("concatenate-masks-one", "Concatenate", [(3, 4, 2), (3, 4, 3)], masks=("right", None))
row("concatenate-masks-axis1", "Concatenate", [(3, 4, 2), (3, 3, 2)], dict(axis=1), masks=("right", "left"))
row("concatenate-masks-rank4", "Concatenate", [(3, 4, 2, 2), (3, 4, 2, 1)], masks=("right", "left"))
row("concatenate-rank5-axis", "Concatenate", [(2, 1, 2, 2, 3), (2, 1, 3, 2, 3)], dict(axis=-3))
row("dot", "Dot", [(2, 3), (2, 3)], dict(axes=1))
row("dot-normalized", "Dot", [(2, 3), (2, 3)], dict(axes=-1, normalize=True))
row("dot-rank3", "Dot", [(2, 3, 4), (2, 3, 5)], dict(axes=1), unknown=((None, 3, 4), (None, 3, 5)))
row("dot-rank3-last", "Dot", [(2, 3, 4), (2, 5, 4)], dict(axes=-1))
row("dot-pair", "Dot", [(2, 3, 4), (2, 5, 3)], dict(axes=(1, 2)), unknown=((None, 3, None), (None, None, 3)))
row("dot-pair-list", "Dot", [(2, 3, 4), (2, 4, 5)], dict(axes=[2, 1]), unknown=((None, None, 4), (None, 4, None)))
row("dot-pair-negative", "Dot", [(2, 3, 4), (2, 4, 5)], dict(axes=(-1, -2)), unknown=((None, 3, 4), (None, 4, 5)))
row("dot-ranks", "Dot", [(2, 3, 4), (2, 4)], dict(axes=(2, 1)))
row("dot-ranks-turned", "Dot", [(2, 4), (2, 3, 4)], dict(axes=(1, 2)))
row("dot-rank4", "Dot", [(2, 3, 4, 2), (2, 5, 3)], dict(axes=(1, 2)), unknown=((None, 3, 4, 2), (None, 5, 3)))
row(
    "dot-rank4-both", "Dot", [(2, 3, 2, 4), (2, 2, 4, 3)], dict(axes=(3, 2)), unknown=((None, 3, 2, 4), (None, 2, 4, 3))
)
row("dot-rank3-normalized", "Dot", [(2, 3, 4), (2, 3, 4)], dict(axes=2, normalize=True))
row("dot-masks", "Dot", [(3, 4, 2), (3, 4, 2)], dict(axes=2), masks=("right", "left"))
row("dot-float64", "Dot", [(2, 3), (2, 3)], dict(axes=1, dtype="float64"), dtype="float64")
row("dot-function", merged("dot", (3, 4), (4,), axes=(2, 1)), [(2, 3, 4), (2, 4)], unknown=((None, 3, 4), (None, 4)))

# --- reshaping ------------------------------------------------------------------------------------------
family("reshaping")
row("permute", "Permute", (2, 3, 4), dict(dims=(2, 1)))
row("permute-rank4", "Permute", (2, 3, 4, 2), dict(dims=(3, 1, 2)))
row("permute-list", "Permute", (2, 3, 4, 2), dict(dims=[2, 3, 1]))
row("permute-nothing", "Permute", (2, 3), dict(dims=(1,)))
row("permute-float64", "Permute", (2, 3, 4), dict(dims=(2, 1), dtype="float64"), dtype="float64")
row("permute-masked", "Permute", (3, 4, 2), dict(dims=(2, 1)), masks="right")
row("repeat", "RepeatVector", (2, 4), dict(n=3))
row("repeat-once", "RepeatVector", (2, 4), dict(n=1))
row("repeat-float64", "RepeatVector", (2, 4), dict(n=2, dtype="float64"), dtype="float64")
row(
    "permute-flatten-dense",
    lambda keras: keras.Sequential(
        [keras.layers.Permute((2, 1)), keras.layers.Flatten(), keras.layers.Dense(2), keras.layers.RepeatVector(2)]
    ),
    (2, 3, 4),
    unknown=((None, 3, 4),),
)

# --- core: the other layers -----------------------------------------------------------------------------
family("core")
row("dense-float16", "Dense", (3, 5), dict(units=4, dtype="float16"), dtype="float16", tolerance=3e-3)
row("dense-float16-rank3", "Dense", (2, 3, 5), dict(units=4, dtype="float16"), dtype="float16", tolerance=3e-3)
row("dense-rank5", "Dense", (2, 3, 2, 2, 4), dict(units=3, activation="relu"))
row("masking", "Masking", (3, 4, 2), dict(mask_value=3.0), whole=True, high=4)
row("masking-zero", "Masking", (4, 5, 2), whole=True, high=2)
row("masking-rank4", "Masking", (2, 3, 2, 2), dict(mask_value=1), whole=True, high=2)
row("masking-rank2", "Masking", (4, 2), whole=True, high=2)
row("identity", "Identity", (2, 3, 4), masks="right")
row("identity-several", "Identity", [(2, 3), (2, 4)])
for _id, (_equation, _shape, _output, _bias) in {
    "dense": ("ab,bc->ac", (3, 4), 5, "c"),
    "sequence": ("abc,cd->abd", (2, 3, 4), [None, 5], "d"),
    "sequence-known": ("abc,cd->abd", (2, 3, 4), (3, 5), "d"),
    "no-bias": ("abc,cd->abd", (2, 3, 4), (None, 5), None),
    "ellipsis": ("...x,xy->...y", (2, 3, 4), 5, "y"),
    "ellipsis-rank2": ("...x,xy->...y", (3, 4), 5, "y"),
    "ellipsis-rank4": ("...x,xy->...y", (2, 3, 2, 4), 5, None),
    "ellipsis-heads": ("...x,xhd->...hd", (2, 3, 4), (2, 3), "hd"),
    "ellipsis-right": ("ab...,bc->ac...", (2, 3, 4, 2), 5, "c"),
    "heads": ("abc,cde->abde", (2, 3, 4), (None, 2, 3), "de"),
    "heads-joined": ("abde,dec->abc", (2, 3, 2, 3), (None, 4), "c"),
    "steps": ("abc,bd->adc", (2, 3, 4), (5, None), "d"),
    "bias-of-steps": ("abc,cd->abd", (2, 3, 4), (3, 5), "b"),
    "bias-of-both": ("abc,cd->abd", (2, 3, 4), (3, 5), "bd"),
    "bias-turned": ("abc,cde->abde", (2, 3, 4), (None, 2, 3), "e"),
    "turned": ("abc,dc->abd", (2, 3, 4), (None, 5), "d"),
    "output-turned": ("abc,cde->aebd", (2, 3, 4), (3, None, 2), "ed"),
    "each-step": ("abc,bcd->abd", (2, 3, 4), (3, 5), "bd"),
    "weighted": ("abc,c->abc", (2, 3, 4), (None, 4), "c"),
    "summed": ("abc,c->ab", (2, 3, 4), (None,), None),
}.items():
    row(
        f"einsum-{_id}",
        "EinsumDense",
        _shape,
        dict(equation=_equation, output_shape=_output, bias_axes=_bias),
        computes_shape=False,
        unknown=((None, *_shape[1:]),),
    )
row(
    "einsum-options",
    "EinsumDense",
    (2, 3, 4),
    dict(
        equation="abc,cd->abd",
        output_shape=(None, 5),
        activation="relu",
        bias_axes="d",
        kernel_initializer="he_normal",
        bias_initializer="ones",
        kernel_regularizer=made("regularizers.L2", 0.01),
        bias_regularizer=made("regularizers.L1", 0.02),
        kernel_constraint="max_norm",
        bias_constraint="non_neg",
    ),
    computes_shape=False,
)
row(
    "einsum-float64",
    "EinsumDense",
    (2, 3, 4),
    dict(equation="...b,bc->...c", output_shape=2, bias_axes="c", activation="tanh", dtype="float64"),
    dtype="float64",
    computes_shape=False,
)
row(
    "lambda-several",
    lambda keras: keras.layers.Lambda(lambda x: [x * 2.0, x[:, :1]]),
    (3, 5),
    check_config=False,
)
row(
    "lambda-mask",
    lambda keras: keras.layers.Lambda(lambda x, mask: x * 2.0, mask=lambda x, mask: mask),
    (3, 4, 2),
    masks="right",
    check_config=False,
)
row(
    "lambda-output-shape",
    lambda keras: keras.layers.Lambda(lambda x: x[:, ::2] - 1.0, output_shape=(3,)),
    (3, 5),
    check_config=False,
    unknown=((None, 5),),
)

# --- recurrent ------------------------------------------------------------------------------------------
family("recurrent")


def minimal_cell(keras: Any, **options: Any) -> Any:
    """A cell as a user writes one: inputs, state and, where they are given, constants are mixed by kernels."""

    class MinimalCell(keras.layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units
            self.state_size = units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="uniform", name="kernel")
            self.recurrent_kernel = self.add_weight(
                shape=(self.units, self.units), initializer="uniform", name="recurrent_kernel"
            )
            self.built = True

        def call(self, inputs: Any, states: Any, constants: Any = None) -> Any:
            output = keras.activations.tanh(inputs @ self.kernel + states[0] @ self.recurrent_kernel)
            if constants is not None:
                output = output * constants[0] + constants[1]
            return output, [output]

    return keras.layers.RNN(MinimalCell(4), **options)


def nested_cell(keras: Any, **options: Any) -> Any:
    """A cell with a list in its list of states, whose output has another size than its states."""

    class NestedCell(keras.layers.Layer):
        state_size = [3, [3, 2]]
        output_size = 2

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], 3), initializer="uniform", name="kernel")
            self.mixer = self.add_weight(shape=(3, 2), initializer="uniform", name="mixer")
            self.built = True

        def call(self, inputs: Any, states: Any) -> Any:
            first, (second, third) = states
            first = keras.activations.tanh(inputs @ self.kernel + first - second)
            third = keras.activations.tanh(third + first @ self.mixer)
            return third * 2.0, [first, [second * 0.5 + first, third]]

    return keras.layers.RNN(NestedCell(), **options)


def cell_model(cell: str, states: int, **options: Any) -> Any:
    """A model of one step of a cell: input and states, output and new states."""

    def make(keras: Any) -> Any:
        inputs = [keras.Input(3), *[keras.Input(4) for _ in range(states)]]
        output, new_states = getattr(keras.layers, cell)(4, **options)(inputs[0], inputs[1:])
        return keras.Model(inputs, [output, *new_states])

    return make


for _id, _layer, _states, _mask in (
    ("lstm", "LSTM", 2, "right"),
    ("gru", "GRU", 1, "left"),
    ("simple-rnn", "SimpleRNN", 1, "holes"),
):
    _initial = dict(initial_state=[drawn(3, 4) for _ in range(_states)])
    row(_id, _layer, (2, 5, 3), dict(units=4))
    row(f"{_id}-sequences", _layer, (2, 5, 3), dict(units=4, return_sequences=True))
    row(f"{_id}-state", _layer, (2, 5, 3), dict(units=4, return_sequences=True, return_state=True))
    row(f"{_id}-backwards", _layer, (2, 5, 3), dict(units=4, return_sequences=True, go_backwards=True))
    row(f"{_id}-no-bias", _layer, (2, 5, 3), dict(units=4, use_bias=False))
    row(f"{_id}-one-step", _layer, (2, 1, 3), dict(units=4))
    row(f"{_id}-unroll", _layer, (2, 5, 3), dict(units=4, unroll=True), unknown=((None, 5, 3),))
    row(f"{_id}-time-major", _layer, (5, 2, 3), dict(units=4, return_sequences=True, time_major=True))
    row(f"{_id}-time-major-last", _layer, (5, 2, 3), dict(units=4, time_major=True))
    row(f"{_id}-relu", _layer, (2, 5, 3), dict(units=4, activation="relu"))
    row(f"{_id}-linear", _layer, (2, 5, 3), dict(units=4, activation=None, return_sequences=True))
    row(f"{_id}-float64", _layer, (2, 5, 3), dict(units=4, return_sequences=True, dtype="float64"), dtype="float64")
    row(f"{_id}-dropout-inference", _layer, (2, 5, 3), dict(units=4, dropout=0.3, recurrent_dropout=0.2))
    row(f"{_id}-stateful", _layer, (2, 5, 3), dict(units=4, stateful=True), unknown=((2, None, 3),))
    row(f"{_id}-initial-state", _layer, (3, 5, 3), dict(units=4, return_state=True), arguments=_initial)
    row(f"{_id}-listed-state", _layer, [(3, 5, 3), *[(3, 4)] * _states], dict(units=4, return_sequences=True))
    row(
        f"{_id}-100-steps",
        _layer,
        (2, 100, 3),
        dict(units=4, return_sequences=True, return_state=True),
        tolerance=1e-4,
    )
    row(f"{_id}-100-steps-mask", _layer, (3, 100, 2), dict(units=4, return_state=True), masks="left", tolerance=1e-4)
    row(
        f"{_id}-options",
        _layer,
        (2, 5, 3),
        dict(
            units=4,
            kernel_initializer="he_normal",
            recurrent_initializer="glorot_uniform",
            bias_initializer="ones",
            kernel_regularizer="l2",
            recurrent_regularizer=made("regularizers.L1", 0.1),
            bias_regularizer=made("regularizers.L1L2", 0.1, 0.2),
            activity_regularizer=made("regularizers.L2", 0.3),
            kernel_constraint="non_neg",
            recurrent_constraint=made("constraints.MaxNorm", 1.5),
            bias_constraint="unit_norm",
        ),
    )
    for _kind in ("right", "left", "holes", "empty"):
        row(f"{_id}-mask-{_kind}", _layer, (4, 5, 3), dict(units=4, return_sequences=True), masks=_kind)
        row(f"{_id}-mask-{_kind}-last", _layer, (4, 5, 3), dict(units=4, return_state=True), masks=_kind)
        row(
            f"{_id}-mask-{_kind}-initial-state",
            _layer,
            (3, 5, 3),
            dict(units=4, return_sequences=True, return_state=True),
            masks=_kind,
            arguments=_initial,
        )
    row(
        f"{_id}-mask-backwards",
        _layer,
        (4, 5, 3),
        dict(units=4, return_sequences=True, return_state=True, go_backwards=True),
        masks=_mask,
    )
    row(f"{_id}-mask-backwards-last", _layer, (4, 5, 3), dict(units=4, go_backwards=True), masks="left")
    row(
        f"{_id}-mask-zero-output",
        _layer,
        (4, 5, 3),
        dict(units=4, return_sequences=True, zero_output_for_mask=True),
        masks="holes",
    )
    row(f"{_id}-mask-zero-output-last", _layer, (4, 5, 3), dict(units=4, zero_output_for_mask=True), masks="right")
    row(f"{_id}-mask-time-major", _layer, (5, 4, 3), dict(units=4, return_state=True, time_major=True), masks="holes")
    row(
        f"{_id}-mask-unroll",
        _layer,
        (4, 5, 3),
        dict(units=4, return_sequences=True, unroll=True),
        masks="holes",
        unknown=((None, 5, 3),),
    )
    row(
        f"{_id}-mask-stateful",
        _layer,
        (4, 5, 3),
        dict(units=4, stateful=True, return_state=True),
        masks=_mask,
        unknown=((4, None, 3),),
    )
    row(f"{_id}-mask-relu", _layer, (4, 5, 3), dict(units=4, activation="relu", return_state=True), masks="holes")
    row(
        f"{_id}-mask-float64",
        _layer,
        (4, 5, 3),
        dict(units=4, return_sequences=True, return_state=True, dtype="float64"),
        dtype="float64",
        masks="holes",
    )
    row(
        f"{_id}-mask-linear-zero-output",
        _layer,
        (4, 5, 3),
        dict(units=4, activation="linear", return_sequences=True, zero_output_for_mask=True),
        masks="left",
    )
for _id, _layer in (("lstm", "LSTM"), ("gru", "GRU")):
    row(f"{_id}-hard-sigmoid", _layer, (2, 5, 3), dict(units=4, recurrent_activation="hard_sigmoid"))
    row(f"{_id}-sigmoid-tanh", _layer, (2, 5, 3), dict(units=4, activation="sigmoid", recurrent_activation="tanh"))
    row(f"{_id}-implementation1", _layer, (2, 5, 3), dict(units=4, implementation=1))
row("lstm-no-forget-bias", "LSTM", (2, 5, 3), dict(units=4, unit_forget_bias=False))
for _id, _more in (
    ("gru-before", {}),
    ("gru-before-no-bias", dict(use_bias=False)),
    ("gru-before-state", dict(return_sequences=True, return_state=True, go_backwards=True)),
    ("gru-before-relu", dict(activation="relu", recurrent_activation="hard_sigmoid")),
    ("gru-before-implementation1", dict(implementation=1)),
):
    row(_id, "GRU", (2, 5, 3), dict(units=4, reset_after=False, **_more))
row("gru-before-mask", "GRU", (4, 5, 3), dict(units=4, reset_after=False, return_state=True), masks="holes")

_lstm_cell = made("layers.LSTMCell", 4, name="first")
_gru_cell = made("layers.GRUCell", 3, name="second")
_stack = made("layers.StackedRNNCells", [_lstm_cell, _gru_cell], name="stack")
row("rnn-lstm-cell", "RNN", (2, 5, 3), dict(cell=_lstm_cell, return_sequences=True, return_state=True))
row("rnn-lstm-cell-mask", "RNN", (4, 5, 3), dict(cell=_lstm_cell, return_state=True), masks="left")
row("rnn-gru-cell", "RNN", (2, 5, 3), dict(cell=_gru_cell, go_backwards=True))
row("rnn-gru-cell-before", "RNN", (2, 5, 3), dict(cell=made("layers.GRUCell", 3, reset_after=False, name="cell")))
row("rnn-simple-cell", "RNN", (2, 5, 3), dict(cell=made("layers.SimpleRNNCell", 3, name="cell"), time_major=True))
row(
    "rnn-simple-cell-initial-state",
    "RNN",
    (2, 5, 3),
    dict(cell=made("layers.SimpleRNNCell", 3, activation="sigmoid", name="cell")),
    arguments=dict(initial_state=[drawn(2, 3)]),
)
row(
    "rnn-float64",
    "RNN",
    (2, 5, 3),
    dict(cell=made("layers.GRUCell", 3, dtype="float64", name="cell"), dtype="float64"),
    dtype="float64",
)
row("rnn-list", "RNN", (2, 5, 3), dict(cell=[_lstm_cell, _gru_cell]), check_config=False)
row("rnn-stacked", "RNN", (2, 5, 3), dict(cell=_stack, return_sequences=True, return_state=True))
row("rnn-stacked-last", "RNN", (2, 5, 3), dict(cell=_stack))
row("rnn-stacked-mask", "RNN", (4, 5, 3), dict(cell=_stack, return_sequences=True, return_state=True), masks="holes")
row("rnn-stacked-mask-empty", "RNN", (4, 5, 3), dict(cell=_stack, return_state=True), masks="empty")
row(
    "rnn-stacked-zero-output",
    "RNN",
    (4, 5, 3),
    dict(cell=_stack, return_sequences=True, zero_output_for_mask=True),
    masks="right",
)
row(
    "rnn-stacked-initial-state",
    "RNN",
    (2, 5, 3),
    dict(cell=_stack, return_state=True),
    arguments=dict(initial_state=[[drawn(2, 4), drawn(2, 4)], drawn(2, 3)]),
)
row("rnn-stacked-stateful", "RNN", (2, 5, 3), dict(cell=_stack, stateful=True), unknown=((2, None, 3),))
row("rnn-custom", minimal_cell, (2, 5, 3), check_config=False)
row(
    "rnn-custom-mask",
    lambda keras: minimal_cell(keras, return_sequences=True, return_state=True),
    (4, 5, 3),
    masks="holes",
    check_config=False,
)
row(
    "rnn-custom-zero-output",
    lambda keras: minimal_cell(keras, return_sequences=True, zero_output_for_mask=True),
    (4, 5, 3),
    masks="left",
    check_config=False,
)
row(
    "rnn-custom-constants",
    lambda keras: minimal_cell(keras, return_state=True),
    (2, 5, 3),
    arguments=dict(constants=[drawn(2, 4), drawn(2, 4)]),
    check_config=False,
)
row(
    "rnn-custom-constants-state",
    lambda keras: minimal_cell(keras, go_backwards=True),
    (2, 5, 3),
    arguments=dict(initial_state=[drawn(2, 4)], constants=[drawn(2, 4), drawn(1, 4)]),
    check_config=False,
)
row("rnn-nested", nested_cell, (2, 5, 3), check_config=False)
row(
    "rnn-nested-mask",
    lambda keras: nested_cell(keras, return_sequences=True, return_state=True),
    (4, 5, 3),
    masks="holes",
    check_config=False,
)
for _id, _layer, _states, _more in (
    ("lstm-cell", "LSTMCell", 2, {}),
    ("lstm-cell-relu", "LSTMCell", 2, dict(activation="relu", use_bias=False)),
    ("gru-cell", "GRUCell", 1, {}),
    ("gru-cell-before", "GRUCell", 1, dict(reset_after=False)),
    ("simple-rnn-cell", "SimpleRNNCell", 1, {}),
):
    row(_id, cell_model(_layer, _states, **_more), [(2, 3), *[(2, 4)] * _states], computes_shape=False)

# --- image preprocessing --------------------------------------------------------------------------------
family("image_preprocessing")
for _name in ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"):
    _more = dict(whole=True, high=256) if _name == "area" else {}
    row(f"resizing-{_name}", "Resizing", (2, 5, 6, 2), dict(height=3, width=9, interpolation=_name), **_more)
row("resizing-crop-wide", "Resizing", (2, 4, 6, 1), dict(height=5, width=3, crop_to_aspect_ratio=True))
row("resizing-crop-high", "Resizing", (2, 6, 4, 1), dict(height=2, width=5, crop_to_aspect_ratio=True))
row("resizing-one", "Resizing", (5, 6, 2), dict(height=2, width=3), unknown=((None, None, 2),))
row("resizing-uint8", "Resizing", (2, 4, 4, 3), dict(height=3, width=5), dtype="uint8", high=256)
row(
    "resizing-uint8-nearest",
    "Resizing",
    (2, 4, 4, 3),
    dict(height=3, width=5, interpolation="nearest"),
    dtype="uint8",
    high=256,
)
row("center-crop", "CenterCrop", (2, 6, 5, 2), dict(height=3, width=2))
row("center-crop-odd", "CenterCrop", (2, 5, 5, 1), dict(height=2, width=5))
row("center-crop-small", "CenterCrop", (2, 3, 6, 1), dict(height=4, width=4))
row("center-crop-one", "CenterCrop", (5, 6, 2), dict(height=3, width=2), unknown=((None, None, 2),))
row("center-crop-uint8", "CenterCrop", (2, 4, 5, 2), dict(height=2, width=3), dtype="uint8", high=256)
for _name, _config in (
    ("RandomCrop", dict(height=3, width=4, seed=1)),
    ("RandomFlip", {}),
    ("RandomFlip", dict(mode="vertical", seed=3)),
    ("RandomTranslation", dict(height_factor=0.2, width_factor=(-0.1, 0.3))),
    ("RandomRotation", dict(factor=(-0.2, 0.1), fill_mode="wrap", seed=2)),
    ("RandomZoom", dict(height_factor=0.2, interpolation="nearest", fill_value=2.0)),
    ("RandomContrast", dict(factor=(0.2, 0.4))),
    ("RandomBrightness", dict(factor=0.2, value_range=(0, 1))),
):
    row(
        f"{_name.lower()}-inference{'-' + str(_config['mode']) if 'mode' in _config else ''}",
        _name,
        (2, 5, 6, 2),
        _config,
        arguments=dict(training=False),
    )
# a range of one number leaves nothing to chance
_pixels = dict(training=True, whole=True, high=256)
for _mode in ("reflect", "wrap", "nearest", "constant"):
    for _between in ("bilinear", "nearest"):
        _filling = dict(fill_mode=_mode, interpolation=_between, fill_value=9.0)
        _end = f"{_mode}-{_between}"
        row(f"random-rotation-{_end}", "RandomRotation", (2, 6, 5, 2), dict(factor=(0.13, 0.13), **_filling), **_pixels)
        row(
            f"random-translation-{_end}",
            "RandomTranslation",
            (2, 6, 5, 2),
            dict(height_factor=(0.43, 0.43), width_factor=(-0.57, -0.57), **_filling),
            **_pixels,
        )
        row(
            f"random-zoom-{_end}",
            "RandomZoom",
            (2, 6, 5, 2),
            dict(height_factor=(0.6, 0.6), width_factor=(1.3, 1.3), **_filling),
            **_pixels,
        )
row("random-zoom-in", "RandomZoom", (2, 6, 5, 1), dict(height_factor=(-0.45, -0.45)), **_pixels)
row("random-rotation-one", "RandomRotation", (6, 5, 1), dict(factor=[0.2, 0.2]), unknown=((None, None, 1),), **_pixels)
row("random-crop-whole", "RandomCrop", (2, 4, 5, 1), dict(height=4, width=5), **_pixels)
row("random-crop-small", "RandomCrop", (2, 4, 5, 1), dict(height=6, width=3), **_pixels)
row("random-brightness", "RandomBrightness", (2, 3, 3, 3), dict(factor=(-0.3, -0.3)), **_pixels)
row("random-brightness-range", "RandomBrightness", (2, 3, 3, 3), dict(factor=[1, 1], value_range=[-2, 128]), **_pixels)
row("random-height", "RandomHeight", (2, 6, 5, 2), dict(factor=(0.4, 0.4)), **_pixels)
row(
    "random-height-nearest", "RandomHeight", (2, 6, 5, 1), dict(factor=(-0.3, -0.3), interpolation="nearest"), **_pixels
)
row("random-width", "RandomWidth", (2, 6, 5, 2), dict(factor=(-0.5, -0.5), interpolation="bicubic"), **_pixels)
