"""Functional models: inputs and outputs of every structure, shared layers, nested and cut models, masks, copies."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Lambda,
    Layer,
    MaxPooling2D,
    Softmax,
)
from support import normal

LEFT = torch.from_numpy(normal("left", (4, 3)))
RIGHT = torch.from_numpy(normal("right", (4, 2)))


def same(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


# --- structures of inputs and outputs --------------------------------------------------------------------

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


# --- shared layers, nested models, parts of graphs -------------------------------------------------------


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


def nested_model() -> tuple[Any, Any]:
    inner_in = Input((3,), name="inner_in")
    inner = keras.Model(inner_in, Dense(2, activation="tanh", name="inner_dense")(inner_in), name="inner")
    outer_in = Input((3,), name="outer_in")
    outer = keras.Model(outer_in, Dense(1, name="head")(inner(outer_in)), name="outer")
    return inner, outer


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


# --- training mode ---------------------------------------------------------------------------------------


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


# --- masks -----------------------------------------------------------------------------------------------

WORDS = torch.tensor([[1, 2, 0, 0], [3, 0, 0, 0], [1, 1, 1, 2]])


class MaskedSum(Layer):
    """Tells in its output which mask it has received."""

    def call(self, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is None:
            return inputs.sum((1, 2)) * 0 - 1
        return mask.sum(1).float()


class Skip(Layer):
    """Masks the first step, whatever came before."""

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        first = torch.arange(inputs.shape[1], device=inputs.device).expand(inputs.shape[:2]) > 0
        return first if mask is None else mask & first


LENGTHS = torch.tensor([2.0, 1.0, 4.0])
MASKED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "embedding": (lambda e: e, LENGTHS),
    "dense": (lambda e: Dense(3)(e), LENGTHS),
    "dropout and activation": (lambda e: Activation("relu")(Dropout(0.1)(e)), LENGTHS),
    "batch normalization": (lambda e: BatchNormalization()(e), LENGTHS),
    "own mask": (lambda e: Skip()(e), LENGTHS - 1),
    "own mask after none": (lambda e: Skip()(Flatten()(e).reshape(-1, 4, 2)), torch.tensor([3.0, 3.0, 3.0])),
    "add": (lambda e: Add()([e, Skip()(e)]), LENGTHS - 1),
    "add of one masked": (lambda e: Add()([e, e * 2]), LENGTHS),
    "concatenate": (lambda e: Concatenate()([e, Skip()(e)]), LENGTHS - 1),
    "concatenate steps": (lambda e: Concatenate(axis=1)([e, e]), 2 * LENGTHS),
    "concatenate with unmasked": (lambda e: Concatenate()([e, e * 2]), LENGTHS),
    "lost in a lambda": (lambda e: Lambda(lambda t: t * 2)(e), torch.tensor([-1.0] * 3)),
    "lost in an operator": (lambda e: e + 1, torch.tensor([-1.0] * 3)),
    "nested": (lambda e: keras.Sequential([Dense(2), Dropout(0.5)])(e), LENGTHS),
    "nested with a mask of its own": (lambda e: keras.Sequential([Dense(2), Skip()])(e), LENGTHS - 1),
    "torch module": (lambda e: Lambda(lambda t: t, mask=lambda t, m: m)(e), LENGTHS),
}


@pytest.mark.parametrize("case", MASKED)
def test_masks_travel(case: str) -> None:
    between, expected = MASKED[case]
    words = Input((4,), dtype="int64")
    model = keras.Model(words, MaskedSum()(between(Embedding(5, 2, mask_zero=True)(words))))
    same(model(WORDS), expected)
    outer = keras.Sequential([model])
    same(outer(WORDS), expected)
    again = keras.Model(words, model(words) * 1)
    same(again(WORDS), expected)


def test_masks_travel_through_eager_calls() -> None:
    embedded = Embedding(5, 2, mask_zero=True)(WORDS)
    same(embedded._keras_mask, WORDS != 0)
    same(MaskedSum()(Dense(3)(embedded)), LENGTHS)
    same(MaskedSum()(embedded, mask=WORDS == 1), torch.tensor([1.0, 0.0, 3.0]))
    same(MaskedSum()(embedded + 0), torch.tensor([-1.0] * 3))


def test_masks_leave_and_enter_models() -> None:
    words = Input((4,), dtype="int64")
    encoder = keras.Model(words, Dense(2)(Embedding(5, 2, mask_zero=True)(words)))
    encoded = encoder(WORDS)
    same(encoded._keras_mask, WORDS != 0)
    x = Input((4, 2))
    decoder = keras.Model(x, MaskedSum()(Activation("tanh")(x)))
    same(decoder(encoded), LENGTHS)
    same(decoder(encoded + 0), torch.tensor([-1.0] * 3))
    same(decoder(torch.zeros(3, 4, 2), mask=WORDS != 0), LENGTHS)
    whole = keras.Model(words, decoder(encoder(words)))
    same(whole(WORDS), LENGTHS)


def test_an_explicit_mask_wins() -> None:
    words, mask = Input((4,), dtype="int64"), Input((4,), dtype="bool")
    embedded = Embedding(5, 2, mask_zero=True)(words)
    model = keras.Model(
        [words, mask], [MaskedSum()(embedded, mask=mask), MaskedSum()(Dropout(0.1)(embedded, mask=mask))]
    )
    for found in model([WORDS, WORDS == 1]):
        same(found, torch.tensor([1.0, 0.0, 3.0]))


class Encoder(Layer):
    """Has layers inside, and nothing that speaks of masks."""

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        self.inner = list(layers)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        for layer in self.inner:
            inputs = layer(inputs)
        return inputs


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([MaskedSum], LENGTHS),
        ([lambda: Dense(3), MaskedSum], LENGTHS),
        ([lambda: Dense(3)], LENGTHS),
        ([lambda: Dense(3), Skip], LENGTHS - 1),
        ([lambda: Lambda(lambda t: t * 2)], torch.tensor([-1.0] * 3)),
        ([lambda: keras.Sequential([Dense(3), Dropout(0.5)])], LENGTHS),
    ],
)
def test_masks_travel_through_layers_with_layers_inside(layers: list[Any], expected: torch.Tensor) -> None:
    words = Input((4,), dtype="int64")
    embedded = Embedding(5, 2, mask_zero=True)(words)
    outputs = Encoder(*(make() for make in layers))(embedded)
    if len(outputs.shape) == 3:
        outputs = MaskedSum()(outputs)
    model = keras.Model(words, outputs)
    same(model(WORDS), expected)
    inside = Encoder(Embedding(5, 2, mask_zero=True), *(make() for make in layers))(words)
    if len(inside.shape) == 3:
        inside = MaskedSum()(inside)
    same(keras.Model(words, inside)(WORDS), expected)


def test_masks_leave_nested_models_for_plain_layers() -> None:
    words = Input((4,), dtype="int64")
    encoder = keras.Sequential([Embedding(5, 2, mask_zero=True), Dense(3)])
    same(keras.Model(words, MaskedSum()(encoder(words)))(WORDS), LENGTHS)
    same(keras.Model(words, MaskedSum()(Activation("relu")(encoder(words))))(WORDS), LENGTHS)
    dropped = keras.Sequential([Embedding(5, 2, mask_zero=True), Lambda(lambda t: t + 1)])
    same(keras.Model(words, MaskedSum()(dropped(words)))(WORDS), torch.tensor([-1.0] * 3))


def test_masks_are_used_by_layers_and_losses() -> None:
    words = Input((4,), dtype="int64")
    embedding = Embedding(5, 2, mask_zero=True)
    model = keras.Model(words, GlobalAveragePooling1D()(embedding(words)))
    table = embedding.embeddings
    same(model(WORDS)[0], table[[1, 2]].mean(0))
    softmax = keras.Model(words, Softmax()(embedding(words)[..., 0], mask=Lambda(lambda w: w != 0)(words)))
    same(softmax(WORDS)[1], torch.tensor([1.0, 0.0, 0.0, 0.0]))
    tagger = keras.Model(words, Dense(1)(embedding(words)))
    tagger.compile("sgd", "mse", metrics=["mae"])
    y = torch.ones(3, 4, 1)
    predicted = tagger(WORDS).detach()
    valid = (WORDS != 0)[..., None]
    results = tagger.evaluate(WORDS, y, verbose=0, return_dict=True)
    assert results["loss"] == pytest.approx(float((predicted - y)[valid].square().mean()), rel=1e-5)
    assert results["mae"] == pytest.approx(float((predicted - y)[valid].abs().mean()), rel=1e-5)


# --- losses and metrics of layers ------------------------------------------------------------------------


class Activity(Layer):
    def __init__(self, rate: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        self.add_loss(self.rate * inputs.square().mean())
        self.add_metric(inputs.mean(), name="activity")
        return inputs


def test_losses_of_layers() -> None:
    x = Input((3,))
    l2 = keras.regularizers.L2(0.1)
    hidden = Dense(2, kernel_regularizer=l2, bias_regularizer="l1", activity_regularizer=keras.regularizers.L1(0.3))
    model = keras.Model(x, Activity()(hidden(x)))
    model.layers[1].bias.assign([1.0, -2.0])
    assert [round(float(loss.detach()), 5) for loss in model.losses] == [
        round(float(0.1 * hidden.kernel.detach().square().sum()), 5), 0.03,
    ]  # fmt: skip
    h = model(LEFT).detach()
    expected = {
        "kernel": 0.1 * hidden.kernel.detach().square().sum(),
        "bias": torch.tensor(0.03),
        "activity": 0.3 * h.abs().sum() / 4,
        "add_loss": 0.5 * h.square().mean(),
    }
    found = sorted(float(loss.detach()) for loss in model.losses)
    np.testing.assert_allclose(found, sorted(map(float, expected.values())), rtol=1e-5)
    model(LEFT * 2)
    assert len(model.losses) == 4  # those of the call before do not count
    model.compile("sgd", "mse")
    y = torch.zeros(4, 2)
    results = model.evaluate(LEFT, y, verbose=0, return_dict=True)
    assert list(results) == ["loss", "activity"]
    total = float(h.square().mean()) + sum(map(float, expected.values()))
    assert results["loss"] == pytest.approx(total, rel=1e-5)
    assert results["activity"] == pytest.approx(float(h.mean()), rel=1e-5)


def test_losses_of_layers_are_trained() -> None:
    x = Input((3,))
    model = keras.Model(x, Activity()(Dense(2, use_bias=False)(x)))
    model.compile(keras.optimizers.SGD(1.0))
    kernel = model.layers[1].kernel.detach().clone().requires_grad_()
    (0.5 * (LEFT @ kernel).square().mean()).backward()
    model.fit(LEFT, batch_size=4, verbose=0)
    same(model.layers[1].kernel.detach(), kernel.detach() - kernel.grad)


def test_losses_and_metrics_of_training_do_not_outlive_it() -> None:
    class OnlyInTraining(Layer):
        def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
            if training:
                self.add_loss(inputs.sum() * 0 + 100.0)
                self.add_metric(inputs.sum() * 0 + 7.0, name="seven")
            return inputs

    model = keras.Sequential([Dense(2, input_shape=(3,)), OnlyInTraining()])
    model.compile("sgd", "mse")
    history = model.fit(LEFT, torch.zeros(4, 2), validation_data=(LEFT, torch.zeros(4, 2)), verbose=0, epochs=2).history
    assert min(history["loss"]) > 100 > max(history["val_loss"])
    assert history["seven"] == [7.0, 7.0]
    model(LEFT, training=True)
    assert len(model.losses) == 1
    model(LEFT)
    assert model.losses == []


def test_metrics_of_layers_called_twice_are_averaged() -> None:
    layer = Activity(0.0)
    x = Input((3,))
    model = keras.Model(x, layer(x) + layer(x * 3))
    model.compile("sgd", "mse")
    ones = torch.ones(2, 3)
    assert model.evaluate(ones, ones * 4, verbose=0, return_dict=True) == {"loss": 0.0, "activity": 2.0}


def test_losses_of_nested_and_shared_layers() -> None:
    dense = Dense(2, activity_regularizer=keras.regularizers.L1(1.0), kernel_initializer="ones", use_bias=False)
    inner = keras.Sequential([dense])
    x = Input((3,))
    model = keras.Model(x, inner(x) + inner(x * 2))
    ones = torch.ones(2, 3)
    model(ones)
    found = sorted(float(loss.detach()) for loss in model.losses)
    assert found == [6.0, 12.0]  # each call has its own
    model(ones)
    assert len(model.losses) == 2


def test_add_loss_with_functions_and_symbolic_metrics_of_models() -> None:
    model = keras.Sequential([Dense(1, input_shape=(3,), kernel_initializer="ones")])
    model.add_loss(lambda: model.layers[0].kernel.sum())
    assert [float(loss.detach()) for loss in model.losses] == [3.0]
    model.compile("sgd", "mse")
    results = model.evaluate(LEFT, model(LEFT).detach(), verbose=0)
    assert results == pytest.approx(3.0)


# --- trainable -------------------------------------------------------------------------------------------


def test_freezing_reaches_layers_inside() -> None:
    inner, outer = nested_model()
    outer.trainable = False
    assert outer.trainable_weights == [] and len(outer.non_trainable_weights) == 4
    assert not inner.get_layer("inner_dense").trainable
    assert not any(weight.requires_grad for weight in outer.parameters())
    outer.trainable = True
    assert len(outer.trainable_weights) == 4 and inner.get_layer("inner_dense").trainable
    inner.get_layer("inner_dense").trainable = False
    assert [w.name for w in outer.trainable_weights] == ["head/kernel:0", "head/bias:0"]
    assert [w.name for w in outer.non_trainable_weights] == ["inner_dense/kernel:0", "inner_dense/bias:0"]


def test_freezing_before_build() -> None:
    layer = Dense(2, trainable=False)
    model = keras.Sequential([layer, Dense(1)])
    model.build((None, 3))
    assert [w.name for w in model.trainable_weights] == ["dense_1/kernel:0", "dense_1/bias:0"]
    assert not layer.kernel.requires_grad
    layer.trainable = True
    assert len(model.trainable_weights) == 4 and layer.kernel.requires_grad


def test_frozen_batch_normalization_stays_in_inference() -> None:
    x = Input((3,))
    norm = BatchNormalization()
    model = keras.Model(x, norm(x))
    norm.trainable = False
    wide = LEFT * 10 + 5
    same(model(wide, training=True), model(wide))
    np.testing.assert_array_equal(norm.moving_mean.numpy(), np.zeros(3))
    norm.trainable = True
    assert np.abs((model(wide, training=True) - model(wide)).detach().numpy()).max() > 1
    assert np.abs(norm.moving_mean.numpy()).min() > 0
    assert [w.name for w in norm.non_trainable_weights] == [
        "batch_normalization/moving_mean:0", "batch_normalization/moving_variance:0",
    ]  # fmt: skip


def test_freezing_between_fits_is_seen() -> None:
    model = keras.Sequential([Dense(2, input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    y = torch.ones(4, 1)
    model.fit(LEFT, y, verbose=0)
    frozen = model.layers[0].get_weights()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.fit(LEFT, y, verbose=0, epochs=2)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], frozen[0])
    model.layers[0].trainable = True
    model.compile("sgd", "mse")
    model.fit(LEFT, y, verbose=0, epochs=2)
    assert np.abs(model.layers[0].get_weights()[0] - frozen[0]).max() > 0


# --- copies ----------------------------------------------------------------------------------------------


def branching_model() -> Any:
    a, b = Input((3,), name="a"), Input((2,), name="b")
    shared = Dense(4, activation="relu", kernel_regularizer="l2", name="shared")
    inner = keras.Sequential([Dense(4, input_shape=(4,)), BatchNormalization()], name="inner")
    left = inner(shared(a))
    right = shared(torch.cat([b, b[:, :1]], 1) * 0.5)
    joined = Concatenate(axis=-1, name="joined")([left, right, torch.tanh(left)])
    return keras.Model([a, b], [Dense(1, name="one")(joined), Softmax(name="two")(joined)], name="branching")


@pytest.mark.parametrize(
    "make",
    [
        lambda m: keras.Model.from_config(m.get_config()),
        lambda m: keras.models.model_from_json(m.to_json()),
        lambda m: keras.models.model_from_config(json.loads(m.to_json())),
        keras.models.clone_model,
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
    ],
    ids=["from_config", "json", "model_from_config", "clone_model", "deepcopy", "pickle"],
)
def test_copies_of_models(make: Callable[[Any], Any]) -> None:
    model = branching_model()
    for weight in model.weights:
        weight.assign(np.abs(normal(weight.name, tuple(weight.shape))))
    twin = make(model)
    assert type(twin) is type(model) and twin.name == "branching"
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert [w.name for w in twin.weights] == [w.name for w in model.weights]
    assert not {id(w) for w in twin.weights} & {id(w) for w in model.weights}
    twin.set_weights(model.get_weights())
    for training in (False, True):
        for found, expected in zip(twin([LEFT, RIGHT], training), model([LEFT, RIGHT], training), strict=True):
            same(found, expected)
    assert len(twin.losses) == len(model.losses) == 1
    before = twin.get_weights()
    model.set_weights([weight + 1 for weight in model.get_weights()])
    for weight, value in zip(twin.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    part = keras.Model(twin.input, twin.get_layer("joined").output)
    assert part([LEFT, RIGHT]).shape == (4, 12)
    twin.compile("sgd", "mse")
    twin.fit([LEFT, RIGHT], [torch.ones(4, 1), torch.ones(4, 12)], verbose=0)


def test_copies_of_compiled_and_trained_models() -> None:
    model = keras.Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=["mae"])
    y = torch.ones(4, 1)
    model.fit(LEFT, y, epochs=2, verbose=0, shuffle=False)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        ours = copy.deepcopy(model)
        assert int(twin.optimizer.iterations) == 2
        for one in (twin, ours):
            one.fit(LEFT, y, epochs=3, verbose=0, shuffle=False)
        for found, expected in zip(twin.get_weights(), ours.get_weights(), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6)
        assert twin.evaluate(LEFT, y, verbose=0) == pytest.approx(ours.evaluate(LEFT, y, verbose=0))
    assert int(model.optimizer.iterations) == 2


def test_clone_model_with_a_function_and_with_inputs() -> None:
    model = keras.Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(2, activation="relu")])

    def linear(layer: Any) -> Any:
        config = layer.get_config()
        if "activation" in config:
            config["activation"] = "linear"
        return type(layer).from_config(config)

    twin = keras.models.clone_model(model, clone_function=linear)
    twin.set_weights(model.get_weights())
    kernels = [w for w in model.weights if "kernel" in w.name]
    same(twin(LEFT), LEFT @ kernels[0] @ kernels[1])
    x = Input((3,), name="fresh")
    assert keras.models.clone_model(model, input_tensors=x).input_names == ["fresh"]
    functional = keras.Model(x, Dense(2)(x))
    y = Input((3,), name="other")
    assert keras.models.clone_model(functional, input_tensors=[y]).input_names == ["other"]
    with pytest.raises(ValueError, match="clone_model: expected a model; received 3"):
        keras.models.clone_model(3)


def test_custom_layers_in_configs() -> None:
    class Scale(Layer):
        def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs * self.factor

    class Old(Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.n = units

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs + self.n

        def get_config(self) -> dict[str, Any]:
            config = super().get_config()
            config.update({"units": self.n})
            return config

    x = Input((3,))
    model = keras.Model(x, Old(2)(Scale(3.0)(x)))
    again = keras.models.model_from_json(model.to_json(), custom_objects={"Scale": Scale, "Old": Old})
    same(again(LEFT), LEFT * 3 + 2)
    with keras.utils.custom_object_scope({"Scale": Scale, "Old": Old}):
        same(keras.models.model_from_json(model.to_json())(LEFT), LEFT * 3 + 2)
    with pytest.raises(ValueError, match="expected the name of a known layer; received 'Scale'"):
        keras.models.model_from_json(model.to_json())


def test_a_config_cannot_call_what_is_no_function_of_tensors() -> None:
    x = Input((3,))
    text = keras.Model(x, torch.exp(x)).to_json()
    assert '"torch.exp"' in text
    for name in ("torch.load", "torch.save", "torch.hub.load", "exp", "os.system"):
        with pytest.raises(ValueError, match="expected the name of a torch function on tensors"):
            keras.models.model_from_json(text.replace('"function": "torch.exp"', f'"function": "{name}"'))


# --- names and lookup ------------------------------------------------------------------------------------


def test_names_count_per_process() -> None:
    assert [Dense(1).name, Dense(1).name, Conv2D(1, 1).name] == ["dense", "dense_1", "conv2d"]
    assert keras.Input((1,)).name == "input_1" and keras.Input((1,)).name == "input_2"
    x = Input((1,))
    assert [keras.Model(x, x).name, keras.Model(x, x).name] == ["model", "model_1"]
    assert keras.Sequential().name == "sequential"
    keras.backend.clear_session()
    assert [Dense(1).name, Input((1,)).name, keras.Model(x, x).name] == ["dense", "input_1", "model"]

    class MyNet(keras.Model):
        pass

    assert [MyNet().name, MyNet(name="x").name] == ["my_net", "x"]


def test_get_layer() -> None:
    model = branching_model()
    assert model.get_layer("joined") is model.get_layer(index=model.layers.index(model.get_layer("joined")))
    assert model.get_layer(index=-1) is model.layers[-1]
    with pytest.raises(ValueError, match="expected the name of a layer; received 'joint'. Did you mean 'joined'"):
        model.get_layer("joint")
    with pytest.raises(ValueError, match="Known: "):
        model.get_layer("zzzzzz")


def test_a_subclass_may_be_functional() -> None:
    class Autoencoder(keras.Model):
        def __init__(self, width: int, code: int) -> None:
            x = Input((width,))
            z = Dense(code, name="code")(x)
            super().__init__(x, Dense(width, name="out")(z))
            self.encoder = keras.Model(x, z)

    model = Autoencoder(3, 2)
    assert isinstance(model, Autoencoder) and model.name == "autoencoder"
    same(model(LEFT), model.get_layer("out")(model.encoder(LEFT)))
    assert len(model.weights) == 4
    model.compile("sgd", "mse")
    model.fit(LEFT, LEFT, verbose=0)
    model.summary(print_fn=lambda line: None)
