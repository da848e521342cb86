"""Output shapes of layers with windows by the closed formulas; values by a plain loop over windows."""

from __future__ import annotations

import functools
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
# strides and dilations of three axes, not both above 1
STEPS = st.tuples(st.tuples(STRIDES, STRIDES, STRIDES), st.just((1, 1, 1))) | st.tuples(
    st.just((1, 1, 1)), st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
)
FORMATS = st.sampled_from(["channels_last", "channels_first"])
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


def arranged(axes: tuple[Any, ...], data_format: str) -> tuple[Any, ...]:
    """What belongs to (batch, *spatial, channels) in the order of a data format."""
    return axes if data_format == "channels_last" else (axes[0], axes[-1], *axes[1:-1])


def outer(lines: list[np.ndarray]) -> np.ndarray:
    """The products of one value of each line."""
    return functools.reduce(np.multiply.outer, lines)


def edge_layer(kind: str, edges: tuple[tuple[int, int], ...], data_format: str) -> Any:
    """ZeroPadding or Cropping of as many axes as there are edges; that of one axis knows one data format."""
    layer = getattr(keras.layers, f"{kind}{len(edges)}D")
    return layer(edges[0]) if len(edges) == 1 else layer(edges, data_format=data_format)


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
    data_format=FORMATS,
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
    data_format=FORMATS,
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


def transposed_size(size: int, kernel: int, stride: int, dilation: int, padding: str, extra: int | None) -> int:
    """tf.keras: n s, for 'valid' at least up to the last tap; with output_padding o (n - 1) s + k - 2 (k // 2) + o."""
    span = (kernel - 1) * dilation + 1
    if extra is None:
        return size * stride + (max(span - stride, 0) if padding == "valid" else 0)
    return (size - 1) * stride + span - (2 * (span // 2) if padding == "same" else 0) + extra


def transposed_loop(x: np.ndarray, weight: np.ndarray, stride: int, dilation: int, size: int) -> np.ndarray:
    """Each step of (N, L, C) spread over its taps; what is too much goes away on both sides, an odd rest at the end."""
    kernel, filters = weight.shape[:2]
    spread = (x.shape[1] - 1) * stride + (kernel - 1) * dilation + 1
    full = np.zeros((len(x), max(spread, size), filters), "float32")
    for step in range(x.shape[1]):
        for tap in range(kernel):
            full[:, step * stride + tap * dilation] += x[:, step] @ weight[tap].T
    first = max(spread - size, 0) // 2
    return full[:, first : first + size]


@EXAMPLES
@given(
    size=st.integers(1, 8),
    kernel=KERNELS,
    stride=STRIDES,
    dilation=st.integers(1, 3),
    padding=PADDINGS,
    extra=st.none() | st.integers(0, 3),
    data_format=FORMATS,
)
def test_conv1d_transpose(
    size: int, kernel: int, stride: int, dilation: int, padding: str, extra: int | None, data_format: str
) -> None:
    assume((stride == 1 or dilation == 1) and (extra is None or extra < stride))
    expected = transposed_size(size, kernel, stride, dilation, padding, extra)
    layer = keras.layers.Conv1DTranspose(
        2,
        kernel,
        strides=stride,
        dilation_rate=dilation,
        padding=padding,
        output_padding=extra,
        data_format=data_format,
        bias_initializer="ones",
    )
    if expected == 0:
        with pytest.raises(ValueError, match="Leave output_padding out, or use padding='valid'"):
            layer(torch.zeros(arranged((2, size, 3), data_format)))
        return
    shapes = all_shapes(layer, arranged((2, size, 3), data_format))
    assert shapes == [arranged((2, expected, 2), data_format)] * 3
    x, weight = normal("x", (2, size, 3)), normal("weight", (kernel, 2, 3))
    layer.set_weights([weight, np.ones(2, "float32")])
    found = layer(torch.from_numpy(x if data_format == "channels_last" else np.moveaxis(x, -1, 1)))
    found = found if data_format == "channels_last" else found.movedim(1, -1)
    assert_close(found, transposed_loop(x, weight, stride, dilation, expected) + 1, 1e-5)


@EXAMPLES
@given(
    sizes=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
    kernel=st.tuples(KERNELS, KERNELS, KERNELS),
    steps=STEPS,
    padding=PADDINGS,
    extra=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    data_format=FORMATS,
    rank=st.sampled_from([2, 3]),
)
def test_conv_transpose(
    sizes: Any, kernel: Any, steps: Any, padding: str, extra: Any, data_format: str, rank: int
) -> None:
    sizes, kernel, strides, dilation = (axes[:rank] for axes in (sizes, kernel, *steps))
    extra = None if extra is None else tuple(min(pair) for pair in zip(extra, (s - 1 for s in strides), strict=False))
    expected = tuple(
        transposed_size(*axis[:4], padding, axis[4])
        for axis in zip(sizes, kernel, strides, dilation, extra or (None,) * rank, strict=True)
    )
    assume(min(expected) > 0)
    layer = getattr(keras.layers, f"Conv{rank}DTranspose")(
        2,
        kernel,
        strides=strides,
        dilation_rate=dilation,
        padding=padding,
        output_padding=extra,
        data_format=data_format,
        use_bias=False,
    )
    shapes = all_shapes(layer, arranged((1, *sizes, 1), data_format))
    assert shapes == [arranged((1, *expected, 2), data_format)] * 3
    # the values of an outer product are the products of the values along the axes
    axes = [normal(f"axis{i}", (1, size, 1)) for i, size in enumerate(sizes)]
    weights = [normal(f"weight{i}", (size, 1, 1)) for i, size in enumerate(kernel)]
    lines = [
        transposed_loop(x, weight, *options)[0, :, 0]
        for x, weight, *options in zip(axes, weights, strides, dilation, expected, strict=True)
    ]
    weight = outer([weight[:, 0, 0] for weight in weights])[..., None, None]
    layer.set_weights([np.concatenate([weight, 2 * weight], axis=-2)])
    x = torch.from_numpy(outer([x[0, :, 0] for x in axes]).reshape(arranged((1, *sizes, 1), data_format)))
    found = layer(x) if data_format == "channels_last" else layer(x).movedim(1, -1)
    assert_close(found[0, ..., 0], outer(lines), 1e-5)
    assert_close(found[0, ..., 1], 2 * outer(lines), 1e-5)


@EXAMPLES
@given(
    sizes=st.tuples(st.integers(5, 12), st.integers(5, 12), st.integers(5, 12)),
    kernel=st.tuples(KERNELS, KERNELS, KERNELS),
    steps=STEPS,
    padding=PADDINGS,
    data_format=FORMATS,
)
def test_conv3d(sizes: Any, kernel: Any, steps: Any, padding: str, data_format: str) -> None:
    strides, dilation = steps
    expected = tuple(output_size(*axis, padding) for axis in zip(sizes, kernel, strides, dilation, strict=True))
    assume(min(expected) > 0)
    options = {"strides": strides, "dilation_rate": dilation, "padding": padding, "data_format": data_format}
    shapes = all_shapes(keras.layers.Conv3D(2, kernel, **options), arranged((1, *sizes, 3), data_format))
    assert shapes == [arranged((1, *expected, 2), data_format)] * 3


@EXAMPLES
@given(
    height=SIZES,
    width=SIZES,
    kernel=KERNELS,
    stride=STRIDES,
    dilation=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same", "causal"]),
    multiplier=st.integers(1, 3),
    kind=st.sampled_from(["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]),
)
def test_depthwise(
    height: int, width: int, kernel: int, stride: int, dilation: int, padding: str, multiplier: int, kind: str
) -> None:
    assume((stride == 1 or dilation == 1) and (padding != "causal" or kind == "SeparableConv1D"))
    sizes = (height, width)[: int(kind[-2])]
    expected = tuple(output_size(size, kernel, stride, dilation, padding) for size in sizes)
    assume(min(expected) > 0)
    options = {"strides": stride, "dilation_rate": dilation, "padding": padding, "depth_multiplier": multiplier}
    if "Depthwise" in kind:
        layer, channels = getattr(keras.layers, kind)(kernel, **options), 3 * multiplier
    else:
        layer, channels = getattr(keras.layers, kind)(5, kernel, **options), 5
    assert all_shapes(layer, (2, *sizes, 3)) == [(2, *expected, channels)] * 3


@EXAMPLES
@given(
    size=SIZES,
    kernel=KERNELS,
    stride=STRIDES,
    padding=PADDINGS,
    multiplier=st.integers(1, 3),
    dilation=st.integers(1, 3),
)
def test_depthwise1d_values(size: int, kernel: int, stride: int, padding: str, multiplier: int, dilation: int) -> None:
    assume(stride == 1 or dilation == 1)
    assume(output_size(size, kernel, stride, dilation, padding) > 0)
    layer = keras.layers.DepthwiseConv1D(
        kernel, strides=stride, padding=padding, depth_multiplier=multiplier, dilation_rate=dilation, use_bias=False
    )
    x, weight = normal("x", (2, size, 3)), normal("weight", (kernel, 3, multiplier))
    layer.build((None, size, 3))
    layer.set_weights([weight])
    loop = [
        sum((values[:, :, None] * weight[tap] for tap, values in window), np.zeros((2, 3, multiplier), "float32"))
        for window in windows(x, kernel, stride, dilation, padding)
    ]
    assert_close(layer(torch.from_numpy(x)), np.stack(loop, axis=1).reshape(2, len(loop), -1), 1e-5)


@EXAMPLES
@given(
    size=SIZES,
    kernel=KERNELS,
    stride=STRIDES,
    padding=PADDINGS,
    implementation=st.integers(1, 3),
)
def test_locally_connected1d(size: int, kernel: int, stride: int, padding: str, implementation: int) -> None:
    assume(padding == "valid" or implementation > 1)
    expected = output_size(size, kernel, stride, 1, padding)
    assume(expected > 0)
    layer = keras.layers.LocallyConnected1D(
        2, kernel, strides=stride, padding=padding, implementation=implementation, use_bias=False
    )
    assert all_shapes(layer, (2, size, 3)) == [(2, expected, 2)] * 3
    # the middle of a window lies on the stride, unlike that of convolutions
    before = kernel // 2 if padding == "same" else 0
    x, weight = normal("x", (2, size, 3)), normal("weight", (expected, kernel, 3, 2))
    everywhere, single = np.zeros((size, 3, expected, 2), "float32"), []
    loop = np.zeros((2, expected, 2), "float32")
    for position in range(expected):
        places = [(tap, position * stride + tap - before) for tap in range(kernel)]
        inside = [(tap, place) for tap, place in places if 0 <= place < size]
        for tap, place in inside:
            loop[:, position] += x[:, place] @ weight[position, tap]
            everywhere[place, :, position] = weight[position, tap]
        single.append(weight[position, [tap for tap, _ in inside]].reshape(-1, 2).T.ravel())
    kernels = {1: weight.reshape(expected, kernel * 3, 2), 2: everywhere, 3: np.concatenate(single)}
    layer.set_weights([kernels[implementation]])
    assert_close(layer(torch.from_numpy(x)), loop, 1e-5)


@EXAMPLES
@given(
    sizes=st.tuples(SIZES, SIZES),
    kernel=st.tuples(KERNELS, KERNELS),
    strides=st.tuples(STRIDES, STRIDES),
    padding=PADDINGS,
    implementation=st.integers(1, 3),
    data_format=FORMATS,
)
def test_locally_connected2d(
    sizes: Any, kernel: Any, strides: Any, padding: str, implementation: int, data_format: str
) -> None:
    assume(padding == "valid" or implementation > 1)
    expected = tuple(output_size(*axis, 1, padding) for axis in zip(sizes, kernel, strides, strict=True))
    assume(min(expected) > 0)
    options = {"strides": strides, "padding": padding, "data_format": data_format, "implementation": implementation}
    shapes = all_shapes(keras.layers.LocallyConnected2D(2, kernel, **options), arranged((2, *sizes, 3), data_format))
    assert shapes == [arranged((2, *expected, 2), data_format)] * 3


EDGES = st.tuples(st.integers(0, 3), st.integers(0, 3))


@EXAMPLES
@given(
    sizes=st.tuples(SIZES, SIZES, SIZES),
    edges=st.tuples(EDGES, EDGES, EDGES),
    rank=st.integers(1, 3),
    data_format=FORMATS,
)
def test_zero_padding(sizes: Any, edges: Any, rank: int, data_format: str) -> None:
    sizes, edges = sizes[:rank], edges[:rank]
    layer = edge_layer("ZeroPadding", edges, data_format)
    data_format = layer.data_format
    shape = arranged((2, *sizes, 3), data_format)
    expected = arranged((2, *(size + sum(pair) for size, pair in zip(sizes, edges, strict=True)), 3), data_format)
    assert all_shapes(layer, shape) == [expected] * 3
    x = normal("x", shape)
    padded = np.pad(x, arranged(((0, 0), *edges, (0, 0)), data_format))
    assert_close(layer(torch.from_numpy(x)), padded, 0.0)


@EXAMPLES
@given(
    sizes=st.tuples(SIZES, SIZES, SIZES),
    edges=st.tuples(EDGES, EDGES, EDGES),
    rank=st.integers(1, 3),
    data_format=FORMATS,
)
def test_cropping(sizes: Any, edges: Any, rank: int, data_format: str) -> None:
    sizes, edges = sizes[:rank], edges[:rank]
    layer = edge_layer("Cropping", edges, data_format)
    data_format = layer.data_format
    shape = arranged((2, *sizes, 3), data_format)
    left = tuple(size - sum(pair) for size, pair in zip(sizes, edges, strict=True))
    if min(left) <= 0:
        for call in (layer, layer.compute_output_shape):
            with pytest.raises(ValueError, match="expected cropping smaller than the input"):
                call(torch.zeros(shape) if call is layer else shape)
        return
    assert all_shapes(layer, shape) == [arranged((2, *left, 3), data_format)] * 3
    x = normal("x", shape)
    parts = tuple(slice(before, size - after) for size, (before, after) in zip(sizes, edges, strict=True))
    assert_close(layer(torch.from_numpy(x)), x[arranged((slice(None), *parts, slice(None)), data_format)], 0.0)


@EXAMPLES
@given(
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)),
    factors=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7)),
    rank=st.integers(1, 3),
    data_format=FORMATS,
)
def test_up_sampling(sizes: Any, factors: Any, rank: int, data_format: str) -> None:
    sizes, factors = sizes[:rank], factors[:rank]
    options = {} if rank == 1 else {"data_format": data_format}
    data_format = options.get("data_format", "channels_last")
    layer = getattr(keras.layers, f"UpSampling{rank}D")(factors if rank > 1 else factors[0], **options)
    shape = arranged((2, *sizes, 3), data_format)
    new = tuple(size * factor for size, factor in zip(sizes, factors, strict=True))
    assert all_shapes(layer, shape) == [arranged((2, *new, 3), data_format)] * 3
    x = normal("x", shape)
    repeated = x
    for axis, factor in enumerate(factors, 1 if data_format == "channels_last" else 2):
        repeated = np.repeat(repeated, factor, axis=axis)
    assert_close(layer(torch.from_numpy(x)), repeated, 0.0)


@pytest.mark.parametrize("factor", [3, 41, 47, 55, 61])
def test_up_sampling_by_factors_whose_inverse_is_not_exact(factor: int) -> None:
    x = torch.arange(200.0).view(1, 200, 1)
    found = keras.layers.UpSampling1D(factor)(x)
    np.testing.assert_array_equal(found.flatten().numpy(), np.repeat(np.arange(200.0), factor))


@pytest.mark.parametrize(
    "make",
    [
        lambda: keras.layers.Conv2D(2, 5),
        lambda: keras.layers.MaxPooling2D(5),
        lambda: keras.layers.DepthwiseConv2D(5),
        lambda: keras.layers.SeparableConv2D(2, 5),
        lambda: keras.layers.AveragePooling2D(5),
        lambda: keras.layers.LocallyConnected2D(2, 5),
    ],
    ids=["Conv2D", "MaxPooling2D", "DepthwiseConv2D", "SeparableConv2D", "AveragePooling2D", "LocallyConnected2D"],
)
def test_kernel_larger_than_the_image(make: Any) -> None:
    layer = make()
    with pytest.raises(ValueError, match=layer.name):
        layer(keras.Input((4, 6, 3)))
