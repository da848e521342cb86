"""Functional models: inputs and outputs of every structure, shared layers, nested and cut models."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import LEFT, RIGHT, nested_model, same
from kerastorch.layers import (
    Activation,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    MaxPooling2D,
)

# --- structures of inputs and outputs ------------------------------------------------------------------


STRUCTURES: dict[str, Callable[[Any, Any], Any]] = {
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
    "dict": lambda a, b: {"left": a, "right": b},
    "unsorted dict": lambda a, b: {"z": a, "a": b},
    "nested list": lambda a, b: [a, [b]],
    "dict of lists": lambda a, b: {"both": [a, b]},
}


@pytest.mark.parametrize("kind", STRUCTURES)
def test_inputs_of_every_structure(kind: str) -> None:
    structure = STRUCTURES[kind]
    a, b = Input((3,), name="left"), Input((2,), name="right")
    first, second = Dense(2), Dense(2)
    model = keras.Model(structure(a, b), first(a) - second(b))
    expected = first(LEFT) - second(RIGHT)
    same(model(structure(LEFT, RIGHT)), expected)
    found = model.predict(structure(LEFT.numpy(), RIGHT.numpy()), verbose=0)
    np.testing.assert_allclose(found, expected.detach().numpy(), rtol=1e-6)
    assert model.input_shape == structure((None, 3), (None, 2))
    assert sorted(model.input_names) == ["left", "right"]
    for twin in (copy.deepcopy(model), keras.models.clone_model(model)):
        twin.set_weights(model.get_weights())
        same(twin(structure(LEFT, RIGHT)), expected)


@pytest.mark.parametrize("kind", STRUCTURES)
def test_outputs_of_every_structure(kind: str) -> None:
    structure = STRUCTURES[kind]
    a, b = Input((3,)), Input((2,))
    first, second = Dense(2), Dense(4)
    model = keras.Model([a, b], structure(first(a), second(b)))
    found, expected = model([LEFT, RIGHT]), structure(first(LEFT), second(RIGHT))
    assert type(found) is type(expected)
    same(found, expected)
    arrays = model.predict([LEFT.numpy(), RIGHT.numpy()], batch_size=3, verbose=0)
    plain = structure(first(LEFT).detach().numpy(), second(RIGHT).detach().numpy())
    assert type(arrays) is type(plain)
    for found, expected in zip(keras_flatten(arrays), keras_flatten(plain), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert model.output_shape == structure((None, 2), (None, 4))


def keras_flatten(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in keras_flatten(structure[key])]
    if isinstance(structure, list | tuple):
        return [leaf for part in structure for leaf in keras_flatten(part)]
    return [structure]


def test_structures_survive_json() -> None:
    for kind in ("list", "tuple", "dict", "unsorted dict"):
        structure = STRUCTURES[kind]
        a, b = Input((3,), name="left"), Input((2,), name="right")
        model = keras.Model(structure(a, b), structure(Dense(2)(a), Dense(4)(b)))
        again = keras.models.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        expected = keras_flatten(model(structure(LEFT, RIGHT)))
        for found, one in zip(keras_flatten(again(structure(LEFT, RIGHT))), expected, strict=True):
            same(found, one)


def test_a_list_of_one_is_the_tensor() -> None:
    a = Input((3,))
    model = keras.Model([a], [Dense(2)(a)])
    assert model(LEFT).shape == (4, 2)
    assert isinstance(model.predict(LEFT.numpy(), verbose=0), np.ndarray)
    assert model.input_shape == (None, 3) and model.output_shape == (None, 2)
    assert model.outputs[0].shape == model.output.shape == (None, 2)
    as_tuple = keras.Model((a,), (Dense(2)(a),))
    assert isinstance(as_tuple.predict((LEFT.numpy(),), verbose=0), tuple)


def test_inputs_by_name_and_in_any_order() -> None:
    a, b = Input((3,), name="left"), Input((2,), name="right")
    model = keras.Model([a, b], Concatenate()([a, b]))
    expected = torch.cat([LEFT, RIGHT], 1)
    same(model([LEFT, RIGHT]), expected)
    same(model((LEFT, RIGHT)), expected)
    same(model({"right": RIGHT, "left": LEFT}), expected)
    same(model({"right": RIGHT, "left": LEFT, "more": LEFT}), expected)
    same(model([LEFT.numpy().astype("float64"), RIGHT.numpy()]), expected)


def test_inputs_take_the_type_of_their_input() -> None:
    words = Input((2,), dtype="int32")
    numbers = Input((2,), dtype="float64")
    model = keras.Model([words, numbers], [words + 1, numbers * 2])
    first, second = model([torch.ones(1, 2), torch.ones(1, 2, dtype=torch.int64)])
    assert first.dtype is torch.int32 and second.dtype is torch.float64
    image = Input((2, 2, 1))
    assert keras.Model(image, Flatten()(image))(torch.ones(1, 2, 2, 1, dtype=torch.uint8)).dtype is torch.float32


def test_an_input_may_be_an_output_and_outputs_may_repeat() -> None:
    a = Input((3,))
    y = Dense(2)(a)
    model = keras.Model(a, [a, y, y])
    first, second, third = model(LEFT)
    same(first, LEFT)
    same(second, third)
    assert model.output_names[1:] == ["dense", "dense_1"]


def test_inputs_that_nothing_uses() -> None:
    a, b = Input((3,)), Input((2,))
    model = keras.Model([a, b], Dense(1)(a))
    assert model([LEFT, RIGHT]).shape == (4, 1)
    assert [layer.name for layer in model.layers] == ["input_1", "input_2", "dense"]


# --- shared layers, nested models, parts of graphs -----------------------------------------------------


def test_shared_layers_have_one_set_of_weights() -> None:
    shared = Dense(2, name="shared")
    a, b = Input((3,)), Input((3,))
    siamese = keras.Model([a, b], (shared(a) - shared(b)).abs().sum(-1))
    assert [w.name for w in siamese.weights] == ["shared/kernel:0", "shared/bias:0"]
    same(siamese([LEFT, LEFT]), torch.zeros(4))
    same(siamese([LEFT, -LEFT]), (2 * LEFT @ shared.kernel).abs().sum(-1))
    model_gradient = torch.autograd.grad(siamese([LEFT, -LEFT]).sum(), shared.kernel)[0]
    kernel = shared.kernel.detach().requires_grad_()
    same(model_gradient, torch.autograd.grad((2 * LEFT @ kernel).abs().sum(), kernel)[0])


def test_layers_know_their_calls() -> None:
    shared = Dense(2)
    a, b = Input((3,)), Input((5, 3))
    first, second = shared(a), shared(b)
    assert shared.get_output_at(0).shape == first.shape and shared.get_output_at(1).shape == second.shape
    assert shared.get_input_at(1).shape == (None, 5, 3)
    with pytest.raises(ValueError, match="Dense 'dense': expected the number of a call, 0 to 1; received 2"):
        shared.get_output_at(2)
    assert shared.input_shape == (None, 3)
    keras.Model(b, second)


def test_models_are_layers_of_models() -> None:
    inner, outer = nested_model()
    assert [layer.name for layer in outer.layers] == ["outer_in", "inner", "head"]
    same(outer(LEFT), outer.get_layer("head")(inner(LEFT)))
    assert [w.name for w in outer.weights] == [
        "inner_dense/kernel:0", "inner_dense/bias:0", "head/kernel:0", "head/bias:0",
    ]  # fmt: skip
    inner.get_layer("inner_dense").kernel.assign(np.zeros((3, 2)))
    inner.get_layer("inner_dense").bias.assign([0.5, -0.5])
    expected = torch.tanh(torch.tensor([0.5, -0.5])) @ outer.get_layer("head").kernel
    same(outer(LEFT), expected.expand(4, 1))
    assert "inner = self.inner(outer_in" in outer.code


def test_nested_models_with_several_inputs_and_outputs() -> None:
    a, b = Input((3,), name="a"), Input((2,), name="b")
    inner = keras.Model({"a": a, "b": b}, [Dense(2)(a), Dense(2)(b)])
    x, y = Input((3,)), Input((2,))
    first, second = inner({"a": x, "b": y})
    model = keras.Model([x, y], first * second)
    expected = inner({"a": LEFT, "b": RIGHT})
    same(model([LEFT, RIGHT]), expected[0] * expected[1])


def test_nested_models_on_other_shapes() -> None:
    image = Input((None, None, 1))
    net = keras.Model(image, MaxPooling2D()(Conv2D(2, 3, padding="same")(image)))
    assert net.output_shape == (None, None, None, 2)
    x = Input((8, 6, 1))
    assert net(x).shape == (None, 4, 3, 2)
    assert keras.Model(x, Flatten()(net(x))).output_shape == (None, 24)
    assert net(torch.zeros(1, 10, 10, 1)).shape == (1, 5, 5, 2)
    fixed = keras.Model(x, Flatten()(x))
    with pytest.raises(ValueError, match=r"Model 'model_2': expected shape \(None, 8, 6, 1\) for input"):
        fixed(Input((4, 4, 1)))


def test_sequential_in_functional_and_functional_in_sequential() -> None:
    stack = keras.Sequential([Dense(4, activation="relu", input_shape=(3,)), Dropout(0.5)])
    x = Input((3,))
    model = keras.Model(x, Dense(1)(stack(x)))
    whole = keras.Sequential([Input((3,)), model, Activation("sigmoid")])
    same(whole(LEFT), torch.sigmoid(model(LEFT)))
    assert len(whole.weights) == 4
    deferred = keras.Sequential([Dense(4), Dense(2)])
    model = keras.Model(x, deferred(x))
    same(model(LEFT), deferred(LEFT))
    assert deferred.built and deferred.output_shape == (None, 2)


def test_subclassed_models_in_functional_models() -> None:
    class Block(keras.Model):
        def __init__(self, units: int) -> None:
            super().__init__()
            self.dense = Dense(units)
            self.norm = BatchNormalization()

        def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
            return self.norm(self.dense(inputs), training=training)

    x = Input((3,))
    block = Block(4)
    model = keras.Model(x, Dense(1)(block(x)))
    same(model(LEFT), model.layers[-1](block(LEFT)))
    model(LEFT, training=True)
    assert np.abs(block.norm.moving_mean.numpy()).max() > 0
    assert len(model.trainable_weights) == 6 and len(model.weights) == 8


def test_models_cut_out_of_a_graph() -> None:
    x = Input((3,))
    h = Dense(4, activation="relu", name="a")(x)
    h = Dense(4, activation="tanh", name="b")(h)
    model = keras.Model(x, Dense(2, name="c")(h))
    front = keras.Model(model.input, model.get_layer("a").output)
    features = keras.Model(inputs=model.inputs, outputs=[layer.output for layer in model.layers])
    back = keras.Model(model.get_layer("a").output, model.output)
    middle = keras.Model(model.get_layer("b").input, model.get_layer("b").output)
    same(back(front(LEFT)), model(LEFT))
    same(middle(front(LEFT)), model.get_layer("b")(front(LEFT)))
    outputs = features(LEFT)
    assert len(outputs) == 4
    same(outputs[0], LEFT)
    same(outputs[3], model(LEFT))
    assert [w.name for w in back.weights] == ["b/kernel:0", "b/bias:0", "c/kernel:0", "c/bias:0"]
    back.get_layer("c").bias.assign([1.0, 2.0])
    same(model(LEFT), back(front(LEFT)))
    again = keras.models.model_from_json(back.to_json())
    again.set_weights(back.get_weights())
    same(again(front(LEFT)), back(front(LEFT)))


def test_models_cut_where_graphs_join() -> None:
    a, b = Input((3,)), Input((3,))
    left, right = Dense(2, name="l")(a), Dense(2, name="r")(b)
    joined = Concatenate(name="joined")([left, right])
    model = keras.Model([a, b], Dense(1, name="out")(joined + 1))
    tail = keras.Model([left, right], model.output)
    same(tail([model.get_layer("l")(LEFT), model.get_layer("r")(-LEFT)]), model([LEFT, -LEFT]))
    half = keras.Model([left, b], model.output)
    same(half([model.get_layer("l")(LEFT), -LEFT]), model([LEFT, -LEFT]))


def test_a_head_on_a_frozen_base() -> None:
    inner, _ = nested_model()
    inner.trainable = False
    x = Input((3,))
    model = keras.Model(x, Dense(1)(inner(x, training=False)))
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit(LEFT, torch.ones(4, 1), epochs=3, verbose=0)
    for weight, value in zip(inner.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 2


def test_layers_reused_after_their_models_are_gone() -> None:
    x = Input((3,))
    shared = Dense(2)
    model = keras.Model(x, shared(x))
    expected = model(LEFT).detach()
    del model, x
    y = Input((3,))
    same(keras.Model(y, shared(y))(LEFT), expected)


# --- training mode -------------------------------------------------------------------------------------


def test_training_argument_of_calls_and_of_nodes() -> None:
    x = Input((100,))
    free, on, off = Dropout(0.5)(x), Dropout(0.5)(x, training=True), Dropout(0.5)(x, training=False)
    model = keras.Model(x, [free, on, off])
    ones = torch.ones(1, 100)
    for training in (False, True):
        a, b, c = model(ones, training=training)
        assert bool((a == 0).any()) is training
        assert (b == 0).any() and (c == 1).all()
    model.train()
    assert (model(ones)[0] == 0).any()
    assert (model(ones, training=False)[0] == 1).all()
    model.eval()
    assert (model(ones)[0] == 1).all()
    assert (model(ones, training=True)[0] == 0).any()


def test_training_reaches_nested_models() -> None:
    inner = keras.Sequential([Dropout(0.5, input_shape=(100,))])
    x = Input((100,))
    model = keras.Model(x, inner(x))
    fixed = keras.Model(x, inner(x, training=False))
    ones = torch.ones(1, 100)
    assert (model(ones, training=True) == 0).any() and (model(ones) == 1).all()
    assert (fixed(ones, training=True) == 1).all()
