"""The table of layer cases: one row a case, used to make the golden files and to test against them."""

# ruff: noqa: C408
from __future__ import annotations

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
