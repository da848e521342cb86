"""Convolutions and layers on spatial axes beyond the table of cases: layouts, names, errors, copies, training."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import kerastorch as keras
from kerastorch.layers import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3DTranspose,
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Flatten,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    LocallyConnected1D,
    LocallyConnected2D,
    MaxPooling2D,
    SeparableConv1D,
    SeparableConv2D,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from kerastorch.ops.images import resize
from support import assert_close, normal, numpy_of

IMAGE = torch.from_numpy(normal("image", (2, 6, 5, 3)))

# --- what cannot work --------------------------------------------------------------------------------------

OPTIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "causal images": (
        lambda: Conv2D(4, 3, padding="causal"),
        "Conv2D 'conv2d': expected padding to be one of ('valid', 'same'); received padding='causal', which looks "
        "backwards in time. Conv1D and SeparableConv1D have it.",
    ),
    "causal transposed": (
        lambda: Conv1DTranspose(4, 3, padding="Causal"),
        "Conv1DTranspose 'conv1d_transpose': expected padding to be one of ('valid', 'same'); received "
        "padding='causal'",
    ),
    "causal depthwise": (lambda: DepthwiseConv1D(3, padding="causal"), "Conv1D and SeparableConv1D have it."),
    "causal local": (lambda: LocallyConnected1D(2, 3, padding="causal"), "Conv1D and SeparableConv1D have it."),
    "padding word": (
        lambda: SeparableConv1D(4, 3, padding="full"),
        "SeparableConv1D 'separable_conv1d': expected padding to be one of ('valid', 'same', 'causal'); received "
        "padding='full'.",
    ),
    "strides and dilation": (
        lambda: Conv2D(4, 3, strides=(1, 2), dilation_rate=3),
        "Conv2D 'conv2d': expected strides or dilation_rate above 1, not both; received strides=(1, 2) and "
        "dilation_rate=(3, 3). Set one of them to 1.",
    ),
    "strides and dilation transposed": (
        lambda: Conv3DTranspose(4, 3, strides=2, dilation_rate=2),
        "Conv3DTranspose 'conv3d_transpose': expected strides or dilation_rate above 1, not both",
    ),
    "strides and dilation depthwise": (
        lambda: DepthwiseConv2D(3, strides=2, dilation_rate=2),
        "DepthwiseConv2D 'depthwise_conv2d': expected strides or dilation_rate above 1, not both",
    ),
    "groups and filters": (
        lambda: Conv1D(5, 3, groups=2),
        "Conv1D 'conv1d': expected filters divisible by groups; received filters=5 and groups=2. Change one of them.",
    ),
    "no groups": (
        lambda: SeparableConv2D(4, 3, groups=2),
        "SeparableConv2D 'separable_conv2d': expected groups=1, as this convolution has no groups; received groups=2. "
        "Conv2D has them.",
    ),
    "no groups transposed": (lambda: Conv2DTranspose(4, 3, groups=2), "expected groups=1"),
    "groups": (lambda: Conv2D(4, 3, groups=0), "expected groups as a positive integer; received groups=0."),
    "negative filters": (
        lambda: Conv2D(-4, 3),
        "Conv2D 'conv2d': expected filters as a positive integer; received filters=-4. Pass for example filters=32.",
    ),
    "negative filters transposed": (
        lambda: Conv2DTranspose(-1, 3),
        "Conv2DTranspose 'conv2d_transpose': expected filters as a positive integer; received filters=-1.",
    ),
    "negative filters local": (lambda: LocallyConnected2D(0, 3), "received filters=0."),
    "half a filter": (lambda: SeparableConv2D(2.5, 3), "received filters=2.5."),
    "depth multiplier": (
        lambda: DepthwiseConv2D(3, depth_multiplier=0),
        "DepthwiseConv2D 'depthwise_conv2d': expected depth_multiplier as a positive integer; received "
        "depth_multiplier=0.",
    ),
    "kernel rank": (
        lambda: Conv2D(4, (3, 3, 3)),
        "expected kernel_size as an integer of at least 1 or a tuple of 2; received kernel_size=(3, 3, 3).",
    ),
    "strides": (lambda: Conv2D(4, 3, strides=0), "received strides=0. Pass for example strides=2."),
    "data format": (
        lambda: Conv2D(4, 3, data_format="NHWC"),
        "Conv2D 'conv2d': expected data_format to be one of ('channels_last', 'channels_first'); received "
        "data_format='NHWC'.",
    ),
    "data format of pooling": (
        lambda: MaxPooling2D(data_format="first"),
        "MaxPooling2D 'max_pooling2d': expected data_format to be one of",
    ),
    "data format of padding": (
        lambda: ZeroPadding2D(data_format="first"),
        "ZeroPadding2D 'zero_padding2d': expected data_format to be one of",
    ),
    "output padding": (
        lambda: Conv2DTranspose(4, 3, strides=(2, 3), output_padding=(1, 3)),
        "Conv2DTranspose 'conv2d_transpose': expected output_padding below strides in each axis; received "
        "output_padding=(1, 3) and strides=(2, 3). Make output_padding smaller, or leave it out.",
    ),
    "negative output padding": (
        lambda: Conv1DTranspose(4, 3, strides=2, output_padding=-1),
        "expected output_padding as an integer of at least 0 or a tuple of 1; received output_padding=-1.",
    ),
    "interpolation": (
        lambda: UpSampling2D(2, interpolation="cubic"),
        "UpSampling2D 'up_sampling2d': expected interpolation to be one of ('nearest', 'bilinear', 'bicubic', 'area', "
        "'lanczos3', 'lanczos5', 'gaussian', 'mitchellcubic'); received interpolation='cubic'.",
    ),
    "size": (lambda: UpSampling2D((2, 0)), "expected size as an integer of at least 1 or a tuple of 2; received"),
    "size of one axis": (
        lambda: UpSampling1D(-2),
        "UpSampling1D 'up_sampling1d': expected size as a positive integer; received size=-2.",
    ),
    "negative padding": (
        lambda: ZeroPadding1D(-1),
        "ZeroPadding1D 'zero_padding1d': expected padding as an integer of at least 0 or a tuple of 2; received "
        "padding=-1.",
    ),
    "edges": (
        lambda: Cropping3D((1, 2)),
        "Cropping3D 'cropping3d': expected cropping as an integer or 3 integers or pairs; received cropping=(1, 2). "
        "Pass for example cropping=((1, 1), (1, 1), (1, 1)).",
    ),
    "edges in words": (lambda: ZeroPadding2D("same"), "expected padding as an integer or 2 integers or pairs"),
    "implementation": (
        lambda: LocallyConnected1D(2, 3, implementation=4),
        "LocallyConnected1D 'locally_connected1d': expected implementation to be one of (1, 2, 3); received 4. All of "
        "them compute the same.",
    ),
    "local same": (
        lambda: LocallyConnected2D(2, 3, padding="same"),
        "LocallyConnected2D 'locally_connected2d': expected padding='valid' with implementation=1; received "
        "padding='same'. Use implementation=2, or 3 for large images.",
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_impossible_options(case: str) -> None:
    make, text = OPTIONS[case]
    with pytest.raises(ValueError, match=re.escape(text)):
        make()


CALLS: dict[str, tuple[Callable[[], Any], tuple[int | None, ...], str]] = {
    "groups and channels": (
        lambda: Conv2D(4, 3, groups=2),
        (6, 6, 3),
        "Conv2D 'conv2d': expected input channels divisible by groups; received 3 channels and groups=2. Change groups "
        "or the input.",
    ),
    "unknown channels": (
        lambda: Conv1D(4, 3),
        (6, None),
        "Conv1D 'conv1d': expected a known number of channels; received input shape (None, 6, None). Give the Input a "
        "fixed channel size.",
    ),
    "unknown channels transposed": (
        lambda: Conv2DTranspose(4, 3, data_format="channels_first"),
        (None, 6, 6),
        "Conv2DTranspose 'conv2d_transpose': expected a known number of channels; received input shape "
        "(None, None, 6, 6).",
    ),
    "unknown channels depthwise": (
        lambda: DepthwiseConv2D(3),
        (6, 6, None),
        "DepthwiseConv2D 'depthwise_conv2d': expected a known number of channels",
    ),
    "kernel": (
        lambda: SeparableConv1D(4, 3, dilation_rate=2),
        (4, 2),
        "SeparableConv1D 'separable_conv1d': expected an input at least as large as the kernel (3,) (dilation (2,)); "
        "received input shape (None, 4, 2). Use padding='same', a smaller kernel or a larger input.",
    ),
    "kernel local": (
        lambda: LocallyConnected2D(4, (2, 6)),
        (5, 5, 2),
        "LocallyConnected2D 'locally_connected2d': expected an input at least as large as the kernel (2, 6)",
    ),
    "unknown places": (
        lambda: LocallyConnected1D(4, 3),
        (None, 2),
        "LocallyConnected1D 'locally_connected1d': expected known spatial sizes, as each place has weights of its own; "
        "received input shape (None, None, 2). Give the Input fixed sizes.",
    ),
    "cropping": (
        lambda: Cropping2D(((1, 1), (2, 3))),
        (6, 5, 3),
        "Cropping2D 'cropping2d': expected cropping smaller than the input; received cropping=((1, 1), (2, 3)) and a "
        "size of 5 in spatial axis 1. Crop less, or use a larger input.",
    ),
    "cropping of steps": (
        lambda: Cropping1D(4),
        (8, 3),
        "Cropping1D 'cropping1d': expected cropping smaller than the input; received cropping=(4, 4) and a size of 8",
    ),
    "nothing left": (
        lambda: Conv1DTranspose(4, 2, padding="same", output_padding=0),
        (1, 3),
        "Conv1DTranspose 'conv1d_transpose': expected options that leave something of the output; received "
        "output_padding=(0,) with padding='same' and spatial sizes (1,), which give (0,). Leave output_padding out, or "
        "use padding='valid'.",
    ),
    "rank": (
        lambda: Conv2DTranspose(4, 3),
        (6, 3),
        "Conv2DTranspose 'conv2d_transpose': expected a tensor of rank 4; received shape (None, 6, 3).",
    ),
    "rank of padding": (lambda: ZeroPadding3D(), (6, 6, 3), "'zero_padding3d': expected a tensor of rank 5"),
}


@pytest.mark.parametrize("case", CALLS)
def test_inputs_that_cannot_be(case: str) -> None:
    make, shape, text = CALLS[case]
    with pytest.raises(ValueError, match=re.escape(text)):
        make()(keras.Input(shape))
    if None not in shape:
        with pytest.raises(ValueError, match=re.escape(text.split(";")[0].split("'", 2)[2])):
            make()(torch.zeros(1, *shape))


# --- names ---------------------------------------------------------------------------------------------------


def test_earlier_names_and_modules() -> None:
    layers = keras.layers
    for today, earlier in {
        "Conv1D": ["Convolution1D"],
        "Conv1DTranspose": ["Convolution1DTranspose"],
        "Conv2D": ["Convolution2D"],
        "Conv2DTranspose": ["Convolution2DTranspose", "Deconvolution2D"],
        "Conv3D": ["Convolution3D"],
        "Conv3DTranspose": ["Convolution3DTranspose", "Deconvolution3D"],
        "SeparableConv1D": ["SeparableConvolution1D"],
        "SeparableConv2D": ["SeparableConvolution2D"],
    }.items():
        for name in (today, *earlier):
            assert getattr(layers, name) is getattr(layers, today)
            assert getattr(layers.convolutional, name) is getattr(layers, today)
    for name in ("UpSampling2D", "ZeroPadding2D", "Cropping3D", "DepthwiseConv1D", "MaxPooling2D", "AveragePooling1D"):
        assert getattr(layers.convolutional, name) is getattr(layers, name)
    assert layers.local.LocallyConnected2D is LocallyConnected2D
    config = {"class_name": "Convolution2DTranspose", "config": {"filters": 2, "kernel_size": 3}}
    assert type(layers.deserialize(config)) is Conv2DTranspose


# --- layouts ---------------------------------------------------------------------------------------------------


def test_transposed_kernels_lie_as_channels_last_weights_of_torch() -> None:
    for layer, shape, kernel in (
        (Conv1DTranspose(5, 3), (1, 4, 2), (3, 5, 2)),
        (Conv2DTranspose(5, (3, 4)), (1, 4, 4, 2), (3, 4, 5, 2)),
        (Conv2DTranspose(1, 3), (1, 4, 4, 1), (3, 3, 1, 1)),
        (Conv3DTranspose(5, 2), (1, 3, 3, 3, 2), (2, 2, 2, 5, 2)),
    ):
        layer(torch.zeros(shape))
        assert tuple(layer.kernel.shape) == kernel
        last = layer.kernel.dim() - 1
        assert layer.kernel.permute(last, *range(last - 1), last - 1).is_contiguous()  # (in, *window, out)


def test_transposed_convolution_is_that_of_torch() -> None:
    module = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)
    layer = Conv2DTranspose(4, 3, strides=2, output_padding=1)
    layer.build((None, None, None, 3))
    layer.set_weights([numpy_of(module.weight).transpose(2, 3, 1, 0), numpy_of(module.bias)])
    expected = module(IMAGE.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    # torch cuts `padding` off both ends, and 'valid' nothing
    assert_close(layer(IMAGE)[:, 1:-1, 1:-1], numpy_of(expected), 1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv2DTranspose(2, 3, strides=2, padding="same"),
        lambda: Conv2DTranspose(2, 3, strides=2, padding="same", use_bias=False),
        lambda: Conv2DTranspose(2, 4, strides=2, padding="same"),
        lambda: DepthwiseConv2D(3, depth_multiplier=2),
        lambda: DepthwiseConv2D(3, padding="same"),
        lambda: SeparableConv2D(4, 3, padding="same"),
        lambda: UpSampling2D(2),
        lambda: UpSampling2D(2, interpolation="bicubic"),
        lambda: ZeroPadding2D(1),
        lambda: Cropping2D(1),
    ],
    ids=[
        "transposed",
        "no-bias",
        "even",
        "depthwise",
        "multiplier-1",
        "separable",
        "nearest",
        "bicubic",
        "pad",
        "crop",
    ],
)
def test_outputs_have_their_channels_innermost(make: Callable[[], Any], channels: int) -> None:
    assert make()(IMAGE[..., :channels].contiguous()).is_contiguous()


@pytest.mark.parametrize("multiplier", [1, 3])
def test_depthwise_weights_are_channels_last_without_copies(multiplier: int) -> None:
    for layer in (DepthwiseConv2D(3, depth_multiplier=multiplier), SeparableConv2D(4, 3, depth_multiplier=multiplier)):
        for channels in (1, 4):
            fresh = type(layer).from_config(layer.get_config())
            fresh.build((None, 6, 6, channels))
            weight = fresh.depthwise_weight()
            assert tuple(weight.shape) == (channels * multiplier, 1, 3, 3)
            assert weight.stride() == (9, 1, 3, 1)
            assert weight.data_ptr() == fresh.depthwise_kernel.data_ptr()


# --- values that the table cannot show ---------------------------------------------------------------------------


def test_volumes_are_dilated_unlike_in_tf_keras() -> None:
    layer = Conv3DTranspose(1, 2, dilation_rate=2, use_bias=False)
    x = torch.zeros(1, 1, 1, 1, 1)
    x[:] = 2.0
    assert layer(x).shape == (1, 3, 3, 3, 1)
    layer.set_weights([np.arange(8.0, dtype="float32").reshape(2, 2, 2, 1, 1)])
    found = layer(x)[0, ..., 0]
    np.testing.assert_array_equal(found[::2, ::2, ::2].detach().numpy(), 2 * np.arange(8.0).reshape(2, 2, 2))
    assert found.sum() == 56
    assert layer.get_config()["dilation_rate"] == (2, 2, 2)
    assert type(layer).from_config(layer.get_config()).dilation_rate == (2, 2, 2)


def test_options_of_a_kernel_that_does_not_exist_are_taken() -> None:
    for layer in (DepthwiseConv2D(3, kernel_initializer="ones"), SeparableConv2D(2, 3, kernel_regularizer="l2")):
        layer(IMAGE)
        assert layer.losses == []
        assert len({float(value) for value in layer.depthwise_kernel.detach().flatten()}) > 1
    assert "kernel_initializer" not in DepthwiseConv2D(3, kernel_initializer="ones").get_config()


INTEGERS = torch.arange(2 * 3 * 4 * 2, dtype=torch.int32).view(2, 3, 4, 2)


@pytest.mark.parametrize("make", [UpSampling2D, ZeroPadding2D, lambda: Cropping2D(1)])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.uint8])
def test_whole_numbers_stay_whole(make: Callable[[], Any], dtype: torch.dtype) -> None:
    layer, x = make(), INTEGERS.to(dtype)
    found = layer(x)
    assert found.dtype is dtype
    assert_close(found.float(), numpy_of(layer(x.float())), 0.0)
    assert layer(keras.Input((3, 4, 2), dtype=str(dtype).removeprefix("torch."))).dtype == dtype


RAMP = torch.tensor([1.0, 4.0, 2.0, 8.0, 5.0])
RESIZED = {  # tf.image.resize of RAMP to 3 and to 8
    "nearest": ([1.0, 2.0, 5.0], [1.0, 1.0, 4.0, 2.0, 2.0, 8.0, 5.0, 5.0]),
    "bilinear": ([2.0, 2.0, 6.0], [1.0, 2.3125, 3.875, 2.625, 3.875, 7.625, 6.3125, 5.0]),
    "bicubic": ([1.89539, 2.0, 6.03312], [0.78413, 2.28508, 3.99768, 2.20203, 3.5863, 7.85754, 6.48647, 4.78413]),
    "area": ([2.2, 3.6, 6.2], [1.0, 2.2, 4.0, 2.4, 3.2, 8.0, 6.2, 5.0]),
    "lanczos3": ([2.02441, 2.0, 6.26939], [0.63109, 2.43089, 3.97259, 2.02264, 3.55918, 7.85656, 6.72511, 4.50627]),
    "lanczos5": ([2.24712, 2.0, 6.47002], [0.41659, 2.6619, 3.94926, 2.03311, 3.43681, 7.80706, 6.94483, 4.30755]),
    "gaussian": ([2.01773, 2.85206, 6.01773], [1.18026, 2.31347, 3.48111, 2.77913, 3.92685, 6.93772, 6.31347, 5.18026]),
    "mitchellcubic": (
        [1.98207, 2.44445, 6.06972],
        [0.9578, 2.31234, 3.72801, 2.47896, 3.8117, 7.36815, 6.43291, 4.9578],
    ),
}


@pytest.mark.parametrize("interpolation", RESIZED)
def test_resizing(interpolation: str) -> None:
    for expected in RESIZED[interpolation]:
        size = len(expected)
        tall = resize(RAMP.view(1, 5, 1, 1).expand(2, 5, 4, 3), (size, 4), interpolation)
        wide = resize(RAMP.view(1, 1, 1, 5).expand(2, 3, 4, 5), (4, size), interpolation, channels_last=False)
        rows = np.asarray(expected, "float32")
        # of equal numbers side by side each kind makes the same numbers
        assert_close(tall, np.broadcast_to(rows[:, None, None], (2, size, 4, 3)), 2e-6)
        assert_close(wide, np.broadcast_to(rows, (2, 3, 4, size)), 2e-6)


def test_resizing_whole_numbers() -> None:
    pixels = torch.tensor([0, 255, 7], dtype=torch.uint8).view(1, 3, 1, 1)
    assert resize(pixels, (6, 2), "nearest").flatten().tolist() == [value for value in (0, 255, 7) for _ in range(4)]
    found = resize(pixels, (6, 1), "bilinear")
    assert found.dtype is torch.float32
    assert_close(found.flatten(), np.asarray([0.0, 63.75, 191.25, 193.0, 69.0, 7.0], "float32"), 1e-6)


def test_equal_maxima_share_no_gradient() -> None:
    x = torch.tensor([[[1.0, 5.0], [3.0, 5.0], [3.0, 2.0]]], requires_grad=True)
    GlobalMaxPooling1D()(x).sum().backward()
    assert x.grad.tolist() == [[[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]]
    whole = torch.arange(12).view(1, 2, 3, 2)
    assert GlobalMaxPooling2D()(whole).tolist() == [[10, 11]]
    assert GlobalMaxPooling2D(keepdims=True, data_format="channels_first")(whole).tolist() == [[[[5]], [[11]]]]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_implementations_of_local_layers_are_one(data_format: str) -> None:
    """The kernel of the first implementation, written into the shapes of the others, gives the same output."""
    shape = (2, 4, 5, 3) if data_format == "channels_last" else (2, 3, 4, 5)
    x, options = torch.from_numpy(normal("x", shape)), {"use_bias": False, "data_format": data_format}
    first = LocallyConnected2D(2, (2, 3), **options)
    expected = numpy_of(first(x))
    kernel, places = first.get_weights()[0], numpy_of(first._places)
    count, window = places.shape
    everywhere = np.zeros((60, count, 2), "float32")
    everywhere[places, np.arange(count)[:, None]] = kernel
    if data_format == "channels_last":
        second, third = everywhere.reshape(4, 5, 3, 3, 3, 2), kernel.transpose(0, 2, 1)
    else:
        second, third = everywhere.transpose(0, 2, 1).reshape(3, 4, 5, 2, 3, 3), kernel.transpose(2, 0, 1)
    for implementation, weight in ((2, second), (3, third.ravel())):
        layer = LocallyConnected2D(2, (2, 3), implementation=implementation, **options)
        layer.build((None, *shape[1:]))
        layer.set_weights([weight])
        assert_close(layer(x), expected, 1e-6)


# --- as parts of models -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("implementation", [1, 2, 3])
def test_copies_of_local_layers(implementation: int) -> None:
    x = torch.from_numpy(normal("x", (2, 6, 3)))
    layer = LocallyConnected1D(2, 3, implementation=implementation)
    expected = numpy_of(layer(x))
    assert sorted(layer.state_dict()) == ["bias", "kernel"]
    assert_close(copy.deepcopy(layer)(x), expected, 0.0)
    doubled = copy.deepcopy(layer).double()
    assert_close(doubled(x.double()), expected.astype("float64"), 1e-6)
    assert copy.deepcopy(layer).to("meta")._places.is_meta


def test_an_autoencoder_learns() -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 1))
    x = Conv2D(8, 3, strides=2, padding="same", activation="relu")(inputs)
    x = SeparableConv2D(8, 3, padding="same", activation="relu")(x)
    x = UpSampling2D(2, interpolation="bilinear")(x)
    x = DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = Cropping2D(1)(ZeroPadding2D(1)(x))
    x = Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    outputs = MaxPooling2D()(Conv2D(1, 3, padding="same")(x))
    model = keras.Model(inputs, outputs)
    assert model.output_shape == (None, None, None, 1)
    assert model.count_params() == sum(int(np.prod(w.shape)) for w in model.get_weights())
    images = normal("images", (64, 8, 8, 1))
    images = (images + np.roll(images, 1, 1) + np.roll(images, 1, 2)) / 3
    model.compile(keras.optimizers.Adam(0.01), "mse")
    losses = model.fit(images, images, epochs=20, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.75 * losses[0]
    x = torch.from_numpy(images[:3])
    step = x
    for layer in model.layers[1:]:
        step = layer(step)
    assert_close(model(x), numpy_of(step), 1e-6)
    assert model(torch.zeros(1, 12, 20, 1)).shape == (1, 12, 20, 1)


def test_sequences_and_local_layers_learn() -> None:
    keras.utils.set_random_seed(0)
    x = normal("sequences", (128, 12, 3))
    y = (x[:, 3, 0] - x[:, 7, 1] > 0).astype("float32")
    model = keras.Sequential(
        [
            ZeroPadding1D(1, input_shape=(12, 3)),
            LocallyConnected1D(4, 3, activation="relu"),
            Conv1DTranspose(4, 2, strides=2, activation="relu"),
            DepthwiseConv1D(3, padding="same"),
            SeparableConv1D(4, 3, padding="causal", activation="relu"),
            Cropping1D((1, 1)),
            UpSampling1D(2),
            Flatten(),
            Dense(1, activation="sigmoid"),
        ]
    )
    assert [layer.output_shape[1] for layer in model.layers] == [14, 12, 24, 24, 24, 22, 44, 176, 1]
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=10, batch_size=16, verbose=0).history
    assert history["accuracy"][-1] > 0.9
    restored = keras.Sequential.from_config(model.get_config())
    restored.build((None, 12, 3))
    restored.set_weights(model.get_weights())
    assert_close(restored.predict(x, verbose=0), model.predict(x, verbose=0), 1e-6)


def test_volumes_repeat_their_places() -> None:
    x = torch.from_numpy(normal("volume", (1, 2, 2, 2, 3))).requires_grad_()
    UpSampling3D((2, 1, 3))(x).sum().backward()
    assert x.grad.unique().tolist() == [6.0]
