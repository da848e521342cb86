"""Output shapes of convolution and pooling by the closed formulas; values by a plain loop over windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import kerastorch as keras
from support import assert_close, normal

SIZES, KERNELS, STRIDES = st.integers(1, 12), st.integers(1, 5), st.integers(1, 4)
PADDINGS = st.sampled_from(["valid", "same"])
EXAMPLES = settings(max_examples=40, deadline=None, derandomize=True)


def output_size(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """tf.keras: 'same' and 'causal' give ceil(n / s), 'valid' ceil((n - (k - 1) d) / s)."""
    span = 0 if padding in ("same", "causal") else (kernel - 1) * dilation
    return -(-(size - span) // stride)


def padding_before(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    if padding == "valid":
        return 0
    span = (kernel - 1) * dilation
    if padding == "causal":
        return span
    total = max((output_size(size, kernel, stride, dilation, padding) - 1) * stride + span + 1 - size, 0)
    return total // 2


def windows(x: np.ndarray, kernel: int, stride: int, dilation: int, padding: str) -> list[list[tuple[int, Any]]]:
    """For every output position of an (N, L, C) array, the kernel taps that lie inside with their values."""
    before = padding_before(x.shape[1], kernel, stride, dilation, padding)
    found = []
    for position in range(output_size(x.shape[1], kernel, stride, dilation, padding)):
        places = [(tap, position * stride + tap * dilation - before) for tap in range(kernel)]
        found.append([(tap, x[:, place]) for tap, place in places if 0 <= place < x.shape[1]])
    return found


def all_shapes(layer: Any, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The output shape of a real call, of a symbolic call and by formula."""
    eager = tuple(layer(torch.zeros(shape)).shape)
    symbolic = tuple(layer(keras.Input(shape[1:])).shape)
    computed = tuple(layer.compute_output_shape((None, *shape[1:])))
    assert symbolic[0] is None and computed[0] is None
    return [eager, (shape[0], *symbolic[1:]), (shape[0], *computed[1:])]


@EXAMPLES
@given(
    size=SIZES,
    kernel=KERNELS,
    stride=STRIDES,
    dilation=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same", "causal"]),
)
def test_conv1d(size: int, kernel: int, stride: int, dilation: int, padding: str) -> None:
    assume(stride == 1 or dilation == 1)
    expected = output_size(size, kernel, stride, dilation, padding)
    assume(expected > 0)
    layer = keras.layers.Conv1D(2, kernel, strides=stride, dilation_rate=dilation, padding=padding)
    assert all_shapes(layer, (2, size, 3)) == [(2, expected, 2)] * 3
    x, weight = normal("x", (2, size, 3)), normal("weight", (kernel, 3, 2))
    layer.set_weights([weight, np.zeros(2, "float32")])
    loop = np.stack(
        [
            sum((values @ weight[tap] for tap, values in window), np.zeros((2, 2), "float32"))
            for window in windows(x, kernel, stride, dilation, padding)
        ],
        axis=1,
    )
    assert_close(layer(torch.from_numpy(x)), loop, 1e-5)


@EXAMPLES
@given(
    height=SIZES,
    width=SIZES,
    kernel=st.tuples(KERNELS, KERNELS),
    strides=st.tuples(STRIDES, STRIDES),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=PADDINGS,
    data_format=st.sampled_from(["channels_last", "channels_first"]),
)
def test_conv2d(
    height: int,
    width: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int],
    padding: str,
    data_format: str,
) -> None:
    assume(strides == (1, 1) or dilation == (1, 1))
    rows = output_size(height, kernel[0], strides[0], dilation[0], padding)
    columns = output_size(width, kernel[1], strides[1], dilation[1], padding)
    assume(rows > 0 and columns > 0)
    layer = keras.layers.Conv2D(
        2, kernel, strides=strides, dilation_rate=dilation, padding=padding, data_format=data_format
    )
    if data_format == "channels_last":
        assert all_shapes(layer, (2, height, width, 3)) == [(2, rows, columns, 2)] * 3
    else:
        assert all_shapes(layer, (2, 3, height, width)) == [(2, 2, rows, columns)] * 3


@EXAMPLES
@given(size=SIZES, pool=KERNELS, stride=st.none() | STRIDES, padding=PADDINGS, kind=st.sampled_from(["Max", "Average"]))
def test_pooling1d(size: int, pool: int, stride: int | None, padding: str, kind: str) -> None:
    step = stride or pool
    expected = output_size(size, pool, step, 1, padding)
    assume(expected > 0)
    layer = getattr(keras.layers, f"{kind}Pooling1D")(pool, strides=stride, padding=padding)
    assert all_shapes(layer, (2, size, 3)) == [(2, expected, 3)] * 3
    x = normal("x", (2, size, 3))
    reduce = np.max if kind == "Max" else np.mean  # the mean is over the values inside
    loop = np.stack(
        [reduce([values for _, values in window], axis=0) for window in windows(x, pool, step, 1, padding)], axis=1
    )
    assert_close(layer(torch.from_numpy(x)), loop, 1e-5)


@EXAMPLES
@given(
    height=SIZES,
    width=SIZES,
    pool=st.tuples(KERNELS, KERNELS),
    strides=st.tuples(STRIDES, STRIDES),
    padding=PADDINGS,
    kind=st.sampled_from(["Max", "Average"]),
    data_format=st.sampled_from(["channels_last", "channels_first"]),
)
def test_pooling2d(
    height: int, width: int, pool: tuple[int, int], strides: tuple[int, int], padding: str, kind: str, data_format: str
) -> None:
    rows = output_size(height, pool[0], strides[0], 1, padding)
    columns = output_size(width, pool[1], strides[1], 1, padding)
    assume(rows > 0 and columns > 0)
    layer = getattr(keras.layers, f"{kind}Pooling2D")(pool, strides=strides, padding=padding, data_format=data_format)
    if data_format == "channels_last":
        assert all_shapes(layer, (2, height, width, 3)) == [(2, rows, columns, 3)] * 3
    else:
        assert all_shapes(layer, (2, 3, height, width)) == [(2, 3, rows, columns)] * 3


@EXAMPLES
@given(
    height=SIZES,
    width=SIZES,
    kernel=KERNELS,
    stride=STRIDES,
    padding=PADDINGS,
    multiplier=st.integers(1, 3),
    kind=st.sampled_from(["DepthwiseConv2D", "SeparableConv2D"]),
)
def test_depthwise(height: int, width: int, kernel: int, stride: int, padding: str, multiplier: int, kind: str) -> None:
    rows = output_size(height, kernel, stride, 1, padding)
    columns = output_size(width, kernel, stride, 1, padding)
    assume(rows > 0 and columns > 0)
    options = {"strides": stride, "padding": padding, "depth_multiplier": multiplier}
    if kind == "DepthwiseConv2D":
        layer, channels = keras.layers.DepthwiseConv2D(kernel, **options), 3 * multiplier
    else:
        layer, channels = keras.layers.SeparableConv2D(5, kernel, **options), 5
    assert all_shapes(layer, (2, height, width, 3)) == [(2, rows, columns, channels)] * 3


@EXAMPLES
@given(
    top=st.integers(0, 3),
    bottom=st.integers(0, 3),
    left=st.integers(0, 3),
    right=st.integers(0, 3),
    height=SIZES,
    width=SIZES,
)
def test_zero_padding(top: int, bottom: int, left: int, right: int, height: int, width: int) -> None:
    layer = keras.layers.ZeroPadding2D(((top, bottom), (left, right)))
    shape = (2, height + top + bottom, width + left + right, 3)
    assert all_shapes(layer, (2, height, width, 3)) == [shape] * 3
    x = normal("x", (2, height, width, 3))
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    assert_close(layer(torch.from_numpy(x)), padded, 0.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.Conv2D(2, 5),
        lambda: keras.layers.MaxPooling2D(5),
        lambda: keras.layers.DepthwiseConv2D(5),
        lambda: keras.layers.SeparableConv2D(2, 5),
        lambda: keras.layers.AveragePooling2D(5),
    ],
    ids=["Conv2D", "MaxPooling2D", "DepthwiseConv2D", "SeparableConv2D", "AveragePooling2D"],
)
def test_kernel_larger_than_the_image(make: Any) -> None:
    layer = make()
    with pytest.raises(ValueError, match=layer.name):
        layer(keras.Input((4, 6, 3)))
