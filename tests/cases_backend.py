"""The table of backend functions: each row is one call, made with tf_keras' `K` and with ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from support import integers, normal, uniform


class BackendCase(NamedTuple):
    """`call(K, *inputs)`; floating inputs get gradients unless `gradient` is False.

    `symbolic` counts the inputs that are symbolic tensors, the first ones, when the call builds a functional model.
    Without `arrays` the call itself uses operators or methods that an array lacks.
    """

    id: str
    call: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    gradient: bool = True
    symbolic: int = 99
    arrays: bool = True

    def cotangent(self, index: int, shape: tuple[int, ...]) -> np.ndarray:
        return normal(f"backend/{self.id}/cotangent{index}", shape)


BACKEND: list[BackendCase] = []


def row(name: str, call: Callable[..., Any], *inputs: np.ndarray, **options: Any) -> None:
    BACKEND.append(BackendCase(name, call, inputs, **options))


X = normal("backend/x", (2, 3, 4))
Y = normal("backend/y", (2, 3, 4))
POSITIVE = uniform("backend/positive", (2, 3, 4), 0.1, 3.0)
ROUNDED = np.round(X * 2) / 2
LOGICAL = X > 0
FACES = normal("backend/images", (2, 5, 6, 3))
FACES_FIRST = np.ascontiguousarray(np.moveaxis(FACES, -1, 1))
SEQUENCES = normal("backend/sequences", (2, 7, 3))
VOLUMES = normal("backend/volumes", (2, 4, 3, 5, 2))

for _name in (
    "abs",
    "cos",
    "exp",
    "sin",
    "square",
    "tanh",
    "sigmoid",
    "softplus",
    "softsign",
    "softmax",
    "relu",
    "elu",
):
    row(_name, lambda K, x, f=_name: getattr(K, f)(x), X)
for _name in ("hard_sigmoid", "sign", "round", "transpose", "flatten", "batch_flatten", "zeros_like", "ones_like"):
    row(_name, lambda K, x, f=_name: getattr(K, f)(x), X * 3)
for _name in ("maximum", "minimum"):
    row(_name, lambda K, x, y, f=_name: getattr(K, f)(x, y), X, Y)
    row(f"{_name}-number", lambda K, x, f=_name: getattr(K, f)(x, 0.25), X)
for _name in ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal"):
    row(_name, lambda K, x, y, f=_name: getattr(K, f)(x, y), ROUNDED, np.round(Y * 2) / 2)
    row(f"{_name}-number", lambda K, x, f=_name: getattr(K, f)(x, 0.5), ROUNDED)
row("log", lambda K, x: K.log(x), POSITIVE)
row("sqrt", lambda K, x: K.sqrt(x), POSITIVE)
row("sqrt-negative", lambda K, x: K.sqrt(x), X, gradient=False)
row("pow", lambda K, x: K.pow(x, 3), X)
row("pow-tensor", lambda K, x, y: K.pow(x, y), POSITIVE, Y)
row("clip", lambda K, x: K.clip(x, -0.5, 0.5), X)
row("clip-crossed", lambda K, x: K.clip(x, 0.5, -0.5), X, gradient=False)
row("clip-below", lambda K, x: K.clip(x, 0.1, None), X)
row("clip-above", lambda K, x: K.clip(x, None, 0.1), X)
row("relu-options", lambda K, x: K.relu(x, alpha=0.1, max_value=1.5, threshold=0.2), X * 3)
row("relu-leaky", lambda K, x: K.relu(x, alpha=0.3), X)
row("elu-alpha", lambda K, x: K.elu(x, alpha=0.5), X)
row("softmax-axis", lambda K, x: K.softmax(x, axis=1), X)
row("cast", lambda K, x: K.cast(x, "int32"), X * 3, gradient=False)
row("cast-bool", lambda K, x: K.cast(x, "float64"), LOGICAL)
row("cast-name", lambda K, x: K.cast(x > 0, "float32") * x, X, arrays=False)
row("stop-gradient", lambda K, x: x * K.stop_gradient(x * x), X, arrays=False)

for _name in ("sum", "prod", "mean", "var", "std", "max", "min"):
    for _axis in (None, 0, 1, -1, [0, 2]):
        row(
            f"{_name}-{_axis}",
            lambda K, x, f=_name, a=_axis: getattr(K, f)(x, axis=a, keepdims=a == 1),
            X,
        )
    row(f"{_name}-keepdims", lambda K, x, f=_name: getattr(K, f)(x, keepdims=True), X)
    row(f"{_name}-positional", lambda K, x, f=_name: getattr(K, f)(x, 1, True), X)
row("max-ties", lambda K, x: K.max(x, axis=-1), np.round(ROUNDED))
row("min-ties", lambda K, x: K.min(x, axis=(1, 2)), np.round(ROUNDED))
for _name in ("mean", "var", "std", "any", "all"):
    row(f"{_name}-bool", lambda K, x, f=_name: getattr(K, f)(x, axis=1), LOGICAL)
row("any-keepdims", lambda K, x: K.any(x, axis=[1, 2], keepdims=True), LOGICAL)
row("all-everything", lambda K, x: K.all(x), LOGICAL)
for _name in ("argmax", "argmin"):
    row(_name, lambda K, x, f=_name: getattr(K, f)(x), X, gradient=False)
    row(f"{_name}-axis", lambda K, x, f=_name: getattr(K, f)(x, axis=1), X, gradient=False)
for _name in ("cumsum", "cumprod"):
    row(_name, lambda K, x, f=_name: getattr(K, f)(x), X)
    row(f"{_name}-axis", lambda K, x, f=_name: getattr(K, f)(x, axis=-1), X)
row("l2_normalize", lambda K, x: K.l2_normalize(x), X)
row("l2_normalize-axis", lambda K, x: K.l2_normalize(x, axis=-1), X)
row("l2_normalize-axes", lambda K, x: K.l2_normalize(x, axis=[1, 2]), X)

row("dot", lambda K, x, y: K.dot(x, y), X[:, 0], normal("backend/dot", (4, 5)), symbolic=1)
row("dot-3d-2d", lambda K, x, y: K.dot(x, y), X, normal("backend/dot", (4, 5)), symbolic=1)
row("dot-3d-3d", lambda K, x, y: K.dot(x, y), X, normal("backend/dot3", (5, 4, 2)), symbolic=1)
row("dot-4d-3d", lambda K, x, y: K.dot(x, y), FACES, normal("backend/dot43", (2, 3, 4)), symbolic=1)
B = {
    (2, 4): normal("backend/b24", (2, 4)),
    (2, 3): normal("backend/b23", (2, 3)),
    (2, 3, 4): X,
    (2, 4, 5): normal("backend/b245", (2, 4, 5)),
    (2, 4, 3): normal("backend/b243", (2, 4, 3)),
    (2, 5, 3, 4): normal("backend/b2534", (2, 5, 3, 4)),
    (2, 6, 4, 3): normal("backend/b2643", (2, 6, 4, 3)),
}
for _first, _second, _axes in (
    ((2, 4), (2, 4), None),
    ((2, 4), (2, 4), 1),
    ((2, 4), (2, 4, 3), None),
    ((2, 4), (2, 4, 3), 1),
    ((2, 4), (2, 3, 4), (1, 2)),
    ((2, 3, 4), (2, 4), None),
    ((2, 3, 4), (2, 3), 1),
    ((2, 3, 4), (2, 4, 5), None),
    ((2, 3, 4), (2, 4, 5), (2, 1)),
    ((2, 3, 4), (2, 4, 3), (1, 2)),
    ((2, 3, 4), (2, 4, 3), (-1, -2)),
    ((2, 3, 4), (2, 3, 4), 2),
    ((2, 5, 3, 4), (2, 4, 3), (2, 2)),
    ((2, 5, 3, 4), (2, 6, 4, 3), None),
    ((2, 5, 3, 4), (2, 6, 4, 3), (3, 2)),
    ((2, 5, 3, 4), (2, 6, 4, 3), (2, 3)),
    ((2, 3, 4), (2, 6, 4, 3), (1, 3)),
):
    row(
        f"batch_dot-{_first}-{_second}-{_axes}",
        lambda K, x, y, a=_axes: K.batch_dot(x, y, axes=a),
        B[_first],
        B[_second],
    )

row("permute_dimensions", lambda K, x: K.permute_dimensions(x, (0, 2, 1)), X)
row("reshape", lambda K, x: K.reshape(x, (-1, 2, 6)), X)
row("reshape-by-shape", lambda K, x: K.reshape(x, (-1, K.int_shape(x)[1] * K.int_shape(x)[2])), X)
row("expand_dims", lambda K, x: K.expand_dims(x), X)
row("expand_dims-axis", lambda K, x: K.expand_dims(x, 1), X)
row("squeeze", lambda K, x: K.squeeze(x, 2), X[:, :, :1])
row("squeeze-negative", lambda K, x: K.squeeze(K.expand_dims(x, -1), axis=-1), X)
row("concatenate", lambda K, x, y: K.concatenate([x, y]), X, Y)
row("concatenate-axis", lambda K, x, y: K.concatenate([x, y], axis=1), X, Y)
row("stack", lambda K, x, y: K.stack([x, y], axis=1), X, Y)
row("tile", lambda K, x: K.tile(x, [1, 2, 3]), X)
row("repeat", lambda K, x: K.repeat(x, 3), X[:, 0])
row("repeat_elements", lambda K, x: K.repeat_elements(x, 2, axis=1), X)
row("reverse", lambda K, x: K.reverse(x, 1), X)
row("reverse-axes", lambda K, x: K.reverse(x, [1, 2]), X)
row(
    "gather",
    lambda K, i, x: K.gather(x, i),
    integers("backend/gather", (2, 3), 5),
    normal("backend/table", (5, 4)),
    symbolic=1,
)
row("one_hot", lambda K, i: K.one_hot(i, 4), integers("backend/one_hot", (2, 3), 5))
row("temporal_padding", lambda K, x: K.temporal_padding(x, (2, 1)), SEQUENCES)
row("spatial_2d_padding", lambda K, x: K.spatial_2d_padding(x, ((1, 0), (2, 1))), FACES)
row("spatial_2d_padding-first", lambda K, x: K.spatial_2d_padding(x, data_format="channels_first"), FACES_FIRST)
row("spatial_3d_padding", lambda K, x: K.spatial_3d_padding(x, ((1, 0), (0, 1), (1, 1))), VOLUMES)

row("switch-elements", lambda K, x, y: K.switch(K.greater(x, 0), x, y), X, Y)
row("switch-rows", lambda K, c, x, y: K.switch(c, x, y), LOGICAL[:, :, :1][:, :, 0], X, Y)
row("switch-last-axis", lambda K, c, x, y: K.switch(c, x, y), np.array([True, False, False, True]), X, Y, symbolic=0)
row("switch-scalar", lambda K, x, y: K.switch(K.constant(0.0), x, y), X, Y)
row("switch-functions", lambda K, x, y: K.switch(K.constant(1), lambda: x * 2, lambda: y), X, Y, symbolic=0)
row("in_train_phase", lambda K, x, y: K.in_train_phase(x, y), X, Y)
row("in_train_phase-training", lambda K, x, y: K.in_train_phase(lambda: x, y, training=1), X, Y, symbolic=0)
row("in_test_phase", lambda K, x, y: K.in_test_phase(x, y), X, Y)
row("map_fn", lambda K, x: K.map_fn(lambda part: K.sum(part * part, axis=0), x), X)
row("foldl", lambda K, x: K.foldl(lambda a, b: a * b + 1.0, x), X, symbolic=0)
row(
    "foldl-start",
    lambda K, x, y: K.foldl(lambda a, b: a * 2.0 + b, x, initializer=y),
    X,
    Y[0],
    symbolic=0,
    arrays=False,
)
row("foldr", lambda K, x: K.foldr(lambda a, b: a * b + 1.0, x), X, symbolic=0)

HOT = np.eye(4, dtype="float32")[integers("backend/hot", (2, 3), 4)]
PROBABLE = np.exp(X) / np.exp(X).sum(-1, keepdims=True)
UNSCALED = POSITIVE
ZERO_ONE = (Y > 0).astype("float32")
SHARES = uniform("backend/shares", (2, 3, 4), 0.01, 0.99)
SURE = np.round(SHARES)
row("categorical_crossentropy", lambda K, t, p: K.categorical_crossentropy(t, p), HOT, UNSCALED)
row("categorical_crossentropy-logits", lambda K, t, p: K.categorical_crossentropy(t, p, from_logits=True), HOT, X)
row("categorical_crossentropy-axis", lambda K, t, p: K.categorical_crossentropy(t, p, axis=1), ZERO_ONE, UNSCALED)
row("categorical_crossentropy-softmax", lambda K, t, x: K.categorical_crossentropy(t, K.softmax(x)), HOT, X * 20)
LABELS = integers("backend/labels", (2, 3), 4)
row("sparse_categorical_crossentropy", lambda K, t, p: K.sparse_categorical_crossentropy(t, p), LABELS, UNSCALED)
row(
    "sparse_categorical_crossentropy-logits",
    lambda K, t, p: K.sparse_categorical_crossentropy(t, p, from_logits=True),
    LABELS,
    X,
)
row(
    "sparse_categorical_crossentropy-axis",
    lambda K, t, p: K.sparse_categorical_crossentropy(t, p, axis=1),
    LABELS,
    np.moveaxis(PROBABLE, -1, 1),
)
row(
    "sparse_categorical_crossentropy-flat",
    lambda K, t, p: K.sparse_categorical_crossentropy(t, p),
    LABELS[:, 0],
    PROBABLE[:, 0],
)
row(
    "sparse_categorical_crossentropy-ignored",
    lambda K, t, p: K.sparse_categorical_crossentropy(t, p, ignore_class=0),
    LABELS,
    PROBABLE,
)
row("binary_crossentropy", lambda K, t, p: K.binary_crossentropy(t, p), ZERO_ONE, SHARES)
row("binary_crossentropy-sure", lambda K, t, p: K.binary_crossentropy(t, p), ZERO_ONE, SURE, gradient=False)
row("binary_crossentropy-logits", lambda K, t, p: K.binary_crossentropy(t, p, from_logits=True), ZERO_ONE, X * 5)
row("binary_crossentropy-sigmoid", lambda K, t, x: K.binary_crossentropy(t, K.sigmoid(x)), ZERO_ONE, X * 40)
row("binary_focal_crossentropy", lambda K, t, p: K.binary_focal_crossentropy(t, p, True, 0.3, 1.5), ZERO_ONE, SHARES)
row("categorical_focal_crossentropy", lambda K, t, p: K.categorical_focal_crossentropy(t, p, 0.5), HOT, PROBABLE)
row(
    "in_top_k",
    lambda K, p, t: K.in_top_k(p, t, 2),
    np.float32([[0.1, 0.5, 0.5, 0.2], [0.4, 0.3, 0.3, 0.1], [0.1, np.nan, 0.3, 0.2], [0.4, 0.3, 0.2, 0.4]]),
    np.array([3, 1, 2, 0], "int32"),
    gradient=False,
)
CTC_LABELS = np.array([[1, 2, 1, 0], [0, 0, 3, 3]], "int32")
CTC = np.exp(normal("backend/ctc", (2, 9, 5)) * 2)
CTC = (CTC / CTC.sum(-1, keepdims=True)).astype("float32")
row(
    "ctc_batch_cost",
    lambda K, t, p, n, m: K.ctc_batch_cost(t, p, n, m),
    CTC_LABELS,
    CTC,
    np.array([[9], [7]], "int32"),
    np.array([[3], [2]], "int32"),
)
row(
    "ctc_decode",
    lambda K, p, n: [K.ctc_decode(p, n)[0][0][:, :5], K.ctc_decode(p, n)[1]],
    CTC,
    np.array([9, 6], "int32"),
    gradient=False,
)

KERNEL = normal("backend/kernel", (3, 2, 3, 4))
for _padding in ("valid", "same"):
    for _strides in ((1, 1), (2, 2)):
        row(
            f"conv2d-{_padding}-{_strides[0]}",
            lambda K, x, k, p=_padding, s=_strides: K.conv2d(x, k, strides=s, padding=p),
            FACES,
            KERNEL,
            symbolic=1,
        )
        for _mode in ("max", "avg"):
            row(
                f"pool2d-{_mode}-{_padding}-{_strides[0]}",
                lambda K, x, p=_padding, s=_strides, m=_mode: K.pool2d(x, (2, 3), s, p, pool_mode=m),
                FACES,
            )
row(
    "conv2d-dilated",
    lambda K, x, k: K.conv2d(x, k, dilation_rate=(2, 1), padding="same"),
    FACES,
    KERNEL,
    symbolic=1,
    gradient=False,
)
row(
    "conv2d-first",
    lambda K, x, k: K.conv2d(x, k, padding="same", data_format="channels_first"),
    FACES_FIRST,
    KERNEL,
    symbolic=1,
)
for _padding in ("valid", "same", "causal"):
    row(
        f"conv1d-{_padding}",
        lambda K, x, k, p=_padding: K.conv1d(x, k, strides=2, padding=p),
        SEQUENCES,
        normal("backend/kernel1", (3, 3, 4)),
        symbolic=1,
    )
row(
    "conv3d",
    lambda K, x, k: K.conv3d(x, k, padding="same"),
    VOLUMES,
    normal("backend/kernel3", (2, 3, 2, 2, 3)),
    symbolic=1,
)
row(
    "conv2d_transpose-same",
    lambda K, x, k: K.conv2d_transpose(x, k, (2, 9, 12, 4), strides=(2, 2), padding="same"),
    FACES,
    normal("backend/transposed", (3, 2, 4, 3)),
    symbolic=0,
)
row(
    "conv2d_transpose-valid",
    lambda K, x, k: K.conv2d_transpose(x, k, (2, 12, 13, 4), strides=(2, 2)),
    FACES,
    normal("backend/transposed", (3, 2, 4, 3)),
    symbolic=0,
)
row(
    "depthwise_conv2d",
    lambda K, x, k: K.depthwise_conv2d(x, k, strides=(2, 2), padding="same"),
    FACES,
    normal("backend/depthwise", (3, 2, 3, 2)),
    symbolic=1,
)
row(
    "separable_conv2d",
    lambda K, x, k, p: K.separable_conv2d(x, k, p, padding="same"),
    FACES,
    normal("backend/depthwise", (3, 2, 3, 2)),
    normal("backend/pointwise", (1, 1, 6, 4)),
    symbolic=1,
)
row("pool3d", lambda K, x: K.pool3d(x, (2, 2, 3), (2, 1, 2), "same", pool_mode="avg"), VOLUMES)
row("resize_images", lambda K, x: K.resize_images(x, 2, 3, "channels_last"), FACES)
row("resize_images-bilinear", lambda K, x: K.resize_images(x, 2, 3, "channels_last", "bilinear"), FACES)
row("resize_images-first", lambda K, x: K.resize_images(x, 2, 1, "channels_first"), FACES_FIRST)
row("resize_volumes", lambda K, x: K.resize_volumes(x, 2, 1, 3, "channels_last"), VOLUMES)
row("bias_add", lambda K, x, b: K.bias_add(x, b), FACES, normal("backend/bias", (3,)), symbolic=1)
row(
    "bias_add-first",
    lambda K, x, b: K.bias_add(x, b, data_format="channels_first"),
    FACES_FIRST,
    normal("backend/bias", (3,)),
    symbolic=1,
)
row("bias_add-sample", lambda K, x, b: K.bias_add(x, b), FACES, normal("backend/bias_sample", (5, 6, 3)), symbolic=1)
row(
    "bias_add-sample-first",
    lambda K, x, b: K.bias_add(x, b, "channels_first"),
    FACES_FIRST,
    normal("backend/bias_sample", (5, 6, 3)),
    symbolic=1,
)
row(
    "batch_normalization",
    lambda K, x, m, v, b, g: K.batch_normalization(x, m, v, b, g),
    FACES,
    *(uniform(f"backend/{part}", (3,), 0.5, 1.5) for part in ("mean", "variance", "beta", "gamma")),
    symbolic=1,
    gradient=False,
)
row("dropout-nothing", lambda K, x: K.dropout(x, 0.0), X)
row(
    "identity-of-constants",
    lambda K, x: x + K.constant(2.0, shape=(3, 4)) * K.arange(4, dtype="float32"),
    X,
    arrays=False,
)
row(
    "variables",
    lambda K, x: x * K.variable([1, 2, 3, 4]) + K.zeros((4,)) + K.ones((3, 1)) + K.eye(4)[:3],
    X,
    arrays=False,
)
row("arange", lambda K, x: K.cast(K.arange(1, 9, 2), "float32") * x, X, arrays=False)


def _plain_step(K: Any, weights: Any) -> Callable[..., Any]:
    def step(x: Any, states: Any) -> Any:
        state = K.tanh(K.dot(x, weights) + states[0])
        return state * 2.0, [state]

    return step


RNN_WEIGHTS = normal("backend/rnn_weights", (3, 3))
RNN_STATE = normal("backend/rnn_state", (2, 3))
RNN_MASK = np.array([[1, 1, 0, 1, 0, 0, 1], [0, 1, 1, 1, 1, 0, 0]], bool)
for _id, _options, _masked in (
    ("plain", {}, False),
    ("backwards", {"go_backwards": True}, False),
    ("unrolled", {"unroll": True}, False),
    ("time-major", {"time_major": True}, False),
    ("last-only", {"return_all_outputs": False}, False),
    ("masked", {}, True),
    ("masked-backwards", {"go_backwards": True}, True),
    ("masked-zeros", {"zero_output_for_mask": True}, True),
    ("masked-unrolled", {"unroll": True}, True),
    ("masked-unrolled-zeros", {"unroll": True, "zero_output_for_mask": True}, True),
):
    row(
        f"rnn-{_id}",
        lambda K, x, s, *rest, o=_options: K.rnn(
            _plain_step(K, rest[-1]), x, [s], mask=rest[0] if len(rest) > 1 else None, **o
        ),
        np.moveaxis(SEQUENCES, 0, 1).copy() if "time" in _id else SEQUENCES,
        RNN_STATE,
        *([RNN_MASK] if _masked else []),
        RNN_WEIGHTS,
        symbolic=0 if "time" in _id else 2 + _masked,
        arrays=False,
    )


def _step_with_constants(x: Any, states: Any) -> Any:
    total, count, factor = states
    return x[0] * factor + x[1] * count, [total + x[0], count + 1.0]


row(
    "rnn-constants-and-nested-inputs",
    lambda K, x, y, s, f: K.rnn(_step_with_constants, (x, y), [s, K.zeros_like(s)], constants=[f]),
    SEQUENCES,
    SEQUENCES[:, ::-1].copy(),
    RNN_STATE,
    RNN_STATE * 2,
    arrays=False,
)
row(
    "rnn-lengths",
    lambda K, x, s, w, n: K.rnn(_plain_step(K, w), x, [s], input_length=n),
    SEQUENCES,
    RNN_STATE,
    RNN_WEIGHTS,
    np.array([7, 4], "int32"),
    symbolic=0,
    gradient=False,
    arrays=False,
)
