"""Variables: parameters with a name, a memory order and the methods of Keras."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import Variable
from kerastorch.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    MaxPooling2D,
)
from support import normal


def test_a_variable_is_a_parameter() -> None:
    v = Variable([1.0, 2.0], name="scale")
    assert isinstance(v, torch.nn.Parameter) and isinstance(v, torch.Tensor)
    assert v.name == "scale" and v.trainable and v.requires_grad and v.is_leaf
    assert v.dtype is torch.float32 and tuple(v.shape) == (2,)
    (v * 3).sum().backward()
    assert v.grad.tolist() == [3.0, 3.0]
    counter = Variable(0, dtype="int64")
    assert counter.dtype is torch.int64 and not counter.requires_grad and not counter.trainable
    assert Variable(lambda: [1.0, 2.0]).numpy().tolist() == [1.0, 2.0]
    assert not Variable([1.0], trainable=False).requires_grad


def test_numpy_gives_a_copy() -> None:
    v = Variable([1.0, 2.0])
    array = v.numpy()
    array[0] = 9.0
    assert v.numpy().tolist() == [1.0, 2.0]
    assert np.asarray(v).tolist() == [1.0, 2.0]
    assert np.asarray(v, dtype="int32").dtype == np.int32
    source = np.ones(2, "float32")
    v = Variable(source)
    source[0] = 5.0
    assert v.numpy().tolist() == [1.0, 1.0]
    assert repr(v) == "<Variable 'Variable:0' shape=(2,) dtype=float32, numpy=array([1., 1.], dtype=float32)>"


def test_assignment() -> None:
    v = Variable([1.0, 2.0], name="v")
    assert v.assign([3.0, 4.0]) is v and v.tolist() == [3.0, 4.0]
    assert v.assign_add([1.0, 1.0]).tolist() == [4.0, 5.0]
    assert v.assign_sub(np.array([4.0, 4.0])).tolist() == [0.0, 1.0]
    assert v.assign(torch.tensor([7, 8])).tolist() == [7.0, 8.0]
    assert v.grad_fn is None and v.requires_grad
    for method in (v.assign, v.assign_add, v.assign_sub):
        text = r"Variable 'v': expected a value of shape \(2,\); received \(3,\). Reshape the value"
        with pytest.raises(ValueError, match=text):
            method([1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match=r"received \(2, 1\)"):
            method(torch.zeros(2, 1))
    assert v.tolist() == [7.0, 8.0]
    pointer = v.data_ptr()
    v.assign([0.0, 0.0])
    assert v.data_ptr() == pointer


def test_value_shares_memory_and_takes_part_in_gradients() -> None:
    v = Variable([1.0, 2.0])
    value = v.value()
    assert type(value) is torch.Tensor and not value.is_leaf
    assert value.data_ptr() == v.data_ptr()
    value.square().sum().backward()
    assert v.grad.tolist() == [2.0, 4.0]
    assert v.read_value().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (3, 3, 1, 8), (3, 3, 4, 1), (1, 1, 4, 8), (3, 3, 1, 1), (1, 5, 1, 2)])
def test_kernels_lie_in_memory_as_torch_wants_them(shape: tuple[int, ...]) -> None:
    values = normal("kernel", shape)
    v = Variable(values, memory_order=(3, 0, 1, 2))
    height, width, channels, filters = shape
    assert tuple(v.shape) == shape
    np.testing.assert_array_equal(v.numpy(), values)
    assert v.numpy().flags.c_contiguous
    # exactly the strides of a channels_last (out, in, height, width) weight, also where sizes are 1
    weight = v.permute(3, 2, 0, 1)
    assert weight.stride() == (height * width * channels, 1, width * channels, channels)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert v.memory_view().is_contiguous()
    assert v.memory_view().data_ptr() == v.data_ptr()


@pytest.mark.parametrize("channels", [1, 2])
def test_images_stay_channels_last(channels: int) -> None:
    """A stray contiguous() on a kernel with one channel would turn outputs, and all that follows, to channels first."""
    model = keras.Sequential(
        [
            Conv2D(4, 3, padding="same", activation="relu", input_shape=(8, 6, channels)),
            DepthwiseConv2D(3, padding="same"),
            BatchNormalization(),
            MaxPooling2D(2),
            Conv2D(1, 3, padding="same"),
            Conv2D(3, 1),
        ]
    )
    for image_copy in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), keras.models.clone_model(model)):
        image_copy.set_weights([np.abs(normal(str(i), w.shape)) for i, w in enumerate(model.weights)])
        x = torch.from_numpy(normal("image", (2, 8, 6, channels)))
        for layer in image_copy.layers:
            x = layer(x)
            n, h, w, c = x.shape
            assert x.stride() == (h * w * c, w * c, c, 1), layer.name
            assert x.permute(0, 3, 1, 2).is_contiguous(memory_format=torch.channels_last)
    gradient = torch.autograd.grad(model(torch.ones(2, 8, 6, channels)).sum(), model.trainable_weights)
    for one, weight in zip(gradient, model.trainable_weights, strict=True):
        assert one.shape == weight.shape


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda v: pickle.loads(pickle.dumps(v)),
    "old pickle": lambda v: pickle.loads(pickle.dumps(v, protocol=2)),
    "torch.save": lambda v: _saved_and_loaded(v),
}


def _saved_and_loaded(value: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


@pytest.mark.parametrize("way", COPIES)
def test_copies_of_variables_are_whole(way: str) -> None:
    v = Variable(
        normal("v", (3, 3, 1, 2)),
        name="conv/kernel:0",
        memory_order=(3, 0, 1, 2),
        constraint=keras.constraints.NonNeg(),
        regularizer=keras.regularizers.L2(0.1),
    )
    v.requires_grad_(False)
    twin = COPIES[way](v)
    assert type(twin) is Variable and twin.name == "conv/kernel:0" and twin.trainable and not twin.requires_grad
    assert twin.memory_order == (3, 0, 1, 2) and twin.stride() == v.stride()
    assert isinstance(twin.constraint, keras.constraints.NonNeg) and twin.regularizer.l2 == pytest.approx(0.1)
    np.testing.assert_array_equal(twin.numpy(), v.numpy())
    twin.assign_add(np.ones((3, 3, 1, 2)))
    assert np.abs(twin.numpy() - v.numpy()).min() > 0.9


def test_variables_shared_by_layers_stay_shared_in_copies() -> None:
    model = keras.Sequential([Dense(3, input_shape=(3,)), Dense(3)])
    model.layers[1].kernel = model.layers[0].kernel
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.layers[0].kernel is twin.layers[1].kernel
        assert twin.layers[0].kernel is not model.layers[0].kernel
        assert len(twin.weights) == 3
