"""Inference in which convolutions take in what follows: normalisation, a sum, swish, and activations in place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kerastorch as keras
from cases_applications import formula_weights
from kerastorch.core import nest
from kerastorch.layers import (
    Activation,
    Add,
    Average,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    Input,
    MaxPooling2D,
    ReLU,
)
from kerastorch.models import Model
from network_tools import nested, small_base, with_formula_weights
from support import normal

IMAGES = normal("images", (16, 8, 8, 3))


def called(model: Any, x: np.ndarray) -> list[np.ndarray]:
    """What the layers compute, one output after the other."""
    with torch.no_grad():
        return [output.numpy() for output in nest.flatten(model(torch.from_numpy(x)))]


def relative(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a - b).max() / np.abs(b).max())


@pytest.mark.parametrize("style", ["alone", "nested", "channels first", "depthwise, bias, swish"])
def test_predict_and_evaluate_fold(style: str) -> None:
    if style == "channels first":
        inputs = Input((3, 12, 12))
        x = BatchNormalization(axis=1)(Conv2D(4, 3, data_format="channels_first", use_bias=False)(inputs))
        model = Model(inputs, Dense(4, activation="softmax")(Flatten()(Activation("relu")(x))))
    elif style == "depthwise, bias, swish":
        inputs = Input((12, 12, 3))
        x = DepthwiseConv2D(3, depth_multiplier=2, bias_initializer="random_normal")(inputs)
        x = Activation("swish")(BatchNormalization(scale=False)(x))
        model = Model(inputs, Dense(4, activation="softmax")(Flatten()(x)))
    else:
        model = small_base(pooling="avg") if style == "alone" else nested(small_base())
    model.set_weights(formula_weights(model))
    x = normal("x", (16, *model.input_shape[1:]))
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    program = (model.layers[0] if style == "nested" else model).inference_program()
    assert "folded" in program.code and "batch_normalization(" not in program.code
    found = model.predict(x, verbose=0)
    assert 0 < relative(found, expected) < 1e-5  # other sums in another order: it did fold
    np.testing.assert_array_equal(model(torch.from_numpy(x)).detach(), expected)  # and it is over
    model.compile(loss="mse")
    np.testing.assert_allclose(model.evaluate(x, expected * 0, verbose=0), (expected**2).mean(), rtol=1e-4)


def test_folding_follows_the_weights() -> None:
    model = small_base(pooling="avg")
    x = normal("x", (16, 32, 32, 3))
    first = model.predict(x, verbose=0)
    model.get_layer("conv_pw_13_bn").set_weights([2 * w for w in model.get_layer("conv_pw_13_bn").get_weights()])
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    assert relative(first, expected) > 1e-2
    assert relative(model.predict(x, verbose=0), expected) < 1e-5


def test_what_is_looked_at_is_not_folded() -> None:
    inputs = Input((12, 12, 3))
    convolved = Conv2D(4, 3)(inputs)
    x = BatchNormalization()(convolved)
    for model in (Model(inputs, [x, convolved]), Model(inputs, Add()([convolved, BatchNormalization()(convolved)]))):
        assert not model.inference_program().folding
    model = Model(inputs, Activation("relu")(BatchNormalization()(Conv2D(4, 3)(inputs))))
    assert model.inference_program().folding
    seen = []
    handle = model.layers[1].register_forward_hook(lambda *args: seen.append(args[2].shape[0]))
    model.predict(normal("x", (16, 12, 12, 3)), verbose=0)
    assert seen == [16]
    handle.remove()
    assert model.inference_program().folding
    model.layers[1].activation = keras.activations.tanh
    assert not model.inference_program().folding


def test_mixed_precision_is_not_folded() -> None:
    inputs = Input((12, 12, 3))
    x = Conv2D(4, 3, dtype="mixed_bfloat16")(inputs)
    assert not Model(inputs, BatchNormalization(dtype="mixed_bfloat16")(x)).inference_program().folding


def test_a_step_of_prediction_of_ones_own_runs_the_ordinary_code() -> None:
    class Sampled(Model):
        def predict_step(self, data: Any) -> Any:
            return self(data, training=True)

    inputs = Input((12, 12, 3))
    model = Sampled(inputs, BatchNormalization()(Conv2D(4, 3)(inputs)))
    x = 5 + 3 * normal("x", (16, 12, 12, 3))
    y = model.predict(x, verbose=0)
    assert np.abs(y.mean((0, 1, 2))).max() < 0.5 and math.isclose(y.std(), 1.0, rel_tol=0.05)


def assert_predicts_what_it_computes(model: Any, x: np.ndarray) -> None:
    for found, expected in zip(nest.flatten(model.predict(x, verbose=0)), called(model, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * max(1.0, np.abs(expected).max()))


def residual(x: Any, *, activation: str | None = "relu", normalized: bool = True) -> Any:
    y = Conv2D(x.shape[-1], 3, padding="same", use_bias=not normalized)(Conv2D(5, 1, activation="relu")(x))
    y = Add()([x, BatchNormalization()(y) if normalized else y])
    return y if activation is None else Activation(activation)(y)


@pytest.mark.parametrize("activation", ["relu", "swish", None])
@pytest.mark.parametrize("normalized", [True, False])
def test_a_convolution_adds_itself_to_what_went_past_it(activation: str | None, normalized: bool) -> None:
    inputs = Input((8, 8, 3))
    x = BatchNormalization()(Conv2D(6, 3)(inputs))
    for _ in range(2):
        x = residual(x, activation=activation, normalized=normalized)
    model = with_formula_weights(Model(inputs, x))
    code = model.inference_program().code
    assert code.count("_folded(") == 3 and "self.add" not in code
    assert_predicts_what_it_computes(model, IMAGES)


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (9, 7)])
def test_sums_with_the_channels_first(size: tuple[int, int]) -> None:
    def block(x: Any) -> Any:
        y = Conv2D(6, 3, padding="same", data_format="channels_first")(
            Conv2D(5, 1, activation="relu", data_format="channels_first")(x)
        )
        return Add()([x, BatchNormalization(axis=1)(y)])

    inputs = Input((3, *size))
    x = Activation("swish")(BatchNormalization(axis=1)(Conv2D(6, 1, data_format="channels_first")(inputs)))
    model = with_formula_weights(Model(inputs, block(Activation("relu")(block(x)))))
    assert model.inference_program().code.count("_folded(") == 3
    assert_predicts_what_it_computes(model, normal("first", (16, 3, *size)))


def test_a_sum_is_not_written_over_what_is_still_needed() -> None:
    inputs = Input((8, 8, 3))
    x = BatchNormalization()(Conv2D(6, 1)(inputs))
    models = {
        "an input": Model(inputs, Add()([inputs, BatchNormalization()(Conv2D(3, 1)(inputs))])),
        "an output": Model(inputs, [x, Add()([x, Conv2D(6, 1)(Conv2D(6, 1)(x))])]),
        "its own input": Model(inputs, Add()([x, Conv2D(6, 1)(x)])),
        "used later": Model(inputs, Concatenate()([x, Add()([x, Conv2D(6, 1)(Conv2D(6, 1)(x))])])),
        "twice the same": Model(inputs, Add()([x, x])),
        "seen through a view": Model(inputs, Concatenate()([Dropout(0.5)(x), residual(x, activation=None)])),
    }
    # the first sum would be written over `x`, which the convolution of the second one reads when that one is reached
    late = Conv2D(6, 1)(x)
    first = Add()([x, Conv2D(6, 1)(Conv2D(6, 1)(x))])
    other = BatchNormalization()(Conv2D(6, 1)(inputs))
    models["read by one that waits"] = Model(inputs, Concatenate()([first, Add()([other, late])]))
    for name, model in models.items():
        with_formula_weights(model)
        assert_predicts_what_it_computes(model, IMAGES)
        if name in ("an input", "an output", "its own input", "used later", "seen through a view"):
            assert "self.add" in model.inference_program().code or "in_place" in model.inference_program().code, name


def test_sums_of_other_shapes_and_dtypes_stay_sums() -> None:
    inputs = Input((None, None, 3))
    x = BatchNormalization()(Conv2D(6, 3, padding="same")(inputs))
    small = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    for total in (Add()([small, Conv2D(6, 1)(x)]), Add()([Conv2D(6, 1)(small), x]), Add()([x, residual(x), x])):
        assert_predicts_what_it_computes(with_formula_weights(Model(inputs, total)), IMAGES)
    double = Add(dtype="float64")([x, Conv2D(6, 1)(Conv2D(6, 1)(x))])
    model = with_formula_weights(Model(inputs, double))
    assert model.predict(IMAGES, verbose=0).dtype == np.float64
    assert_predicts_what_it_computes(model, IMAGES)


def test_sizes_that_broadcast_only_when_it_runs() -> None:
    first, second = Input((None, None, 3)), Input((None, None, 3))
    x = BatchNormalization()(Conv2D(4, 1)(first))
    model = with_formula_weights(Model([first, second], Add()([x, BatchNormalization()(Conv2D(4, 1)(second))])))
    assert "_folded" in model.inference_program().code and "self.add" not in model.inference_program().code
    for shapes in ((1, 8), (8, 1), (8, 8)):
        data = [normal(f"{size}", (16, size, size, 3)) for size in shapes]
        with torch.no_grad():
            expected = model([torch.from_numpy(one) for one in data]).numpy()
        np.testing.assert_allclose(model.predict(data, verbose=0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Data 'x'. expected finite numbers")
def test_what_is_not_a_number_stays_so() -> None:
    inputs = Input((8, 8, 3))
    x = BatchNormalization()(Conv2D(6, 3, padding="same")(inputs))
    x = Activation("swish")(BatchNormalization()(Conv2D(6, 3, padding="same")(residual(x))))
    model = with_formula_weights(Model(inputs, ReLU(6.0)(Add()([x, Conv2D(6, 1)(Conv2D(6, 1)(x))]))))
    images = IMAGES.copy()
    images[3, 2, 2] = np.nan
    found = np.isnan(model.predict(images, verbose=0))
    np.testing.assert_array_equal(found, np.isnan(called(model, images)[0]))
    assert found[3].any() and not found[2].any()


def test_without_the_kernels_the_numbers_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = Input((8, 8, 3))
    x = Activation("swish")(BatchNormalization()(Conv2D(6, 3)(inputs)))
    model = with_formula_weights(Model(inputs, residual(residual(x, activation="swish"))))
    expected = model.predict(IMAGES, verbose=0)
    monkeypatch.setattr("kerastorch.ops.convolution._HAS_KERNELS", False)
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_a_shared_convolution_is_followed_by_layers_of_its_own() -> None:
    inputs, shared = Input((8, 8, 3)), Conv2D(6, 1)
    outputs = [BatchNormalization()(shared(inputs)), BatchNormalization()(shared(inputs))]
    model = with_formula_weights(Model(inputs, Concatenate()(outputs)))
    assert model.inference_program().code.count("_folded") == 2
    assert_predicts_what_it_computes(model, IMAGES)


def test_a_mean_is_not_a_sum() -> None:
    inputs = Input((8, 8, 3))
    x = Average()([Conv2D(4, 3)(inputs), Conv2D(4, 3)(inputs)])
    model = with_formula_weights(Model(inputs, BatchNormalization()(Conv2D(4, 3)(x))))
    assert_predicts_what_it_computes(model, IMAGES)


STEPS = {
    "conv": lambda x, _: Conv2D(4, 3, padding="same")(x),
    "point": lambda x, _: Conv2D(4, 1, use_bias=False)(x),
    "depthwise": lambda x, _: DepthwiseConv2D(3, padding="same")(x),
    "conv with relu": lambda x, _: Conv2D(4, 3, padding="same", activation="relu")(x),
    "norm": lambda x, _: BatchNormalization()(x),
    "conv and norm": lambda x, _: BatchNormalization()(Conv2D(4, 3, padding="same", use_bias=False)(x)),
    "relu": lambda x, _: Activation("relu")(x),
    "relu6": lambda x, _: ReLU(6.0)(x),
    "swish": lambda x, _: Activation("swish")(x),
    "linear": lambda x, _: Activation("linear")(x),
    "dropout": lambda x, _: Dropout(0.5)(x),
    "pool": lambda x, _: MaxPooling2D(3, 1, padding="same")(x),
    "add": lambda x, y: Add()([x, y]),
    "add the other way": lambda x, y: Add()([y, x]),
    "mean": lambda x, y: Average()([x, y]),
    "residual": lambda x, _: residual(x, activation=None),
}


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 30), st.integers(0, 30)), max_size=14),
    outputs=st.lists(st.integers(0, 30), max_size=2),
)
def test_any_graph_predicts_what_its_layers_compute(steps: list[tuple[str, int, int]], outputs: list[int]) -> None:
    inputs = Input((6, 6, 4))
    values = [inputs, BatchNormalization()(Conv2D(4, 1)(inputs))]
    for name, first, second in steps:
        # mostly of the newest tensors, so that chains come about
        values.append(STEPS[name](values[-1 - first // 3 % len(values)], values[-1 - second % len(values)]))
    results = {id(value.node): value for value in [values[-1], *(values[place % len(values)] for place in outputs)]}
    results.pop(id(inputs.node), None)
    model = with_formula_weights(Model(inputs, list(results.values())))
    assert_predicts_what_it_computes(model, normal("any", (9, 6, 6, 4)))
