"""Bad input gets an error that says what is wrong, before any training, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.layers import (
    Activation,
    Add,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    MaxPooling2D,
    Reshape,
)

X = np.random.RandomState(0).rand(10, 8).astype("float32")
Y = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
ONE_HOT = np.eye(3, dtype="float32")[Y]
IMAGES = np.random.RandomState(0).rand(10, 6, 5, 3).astype("float32")


def classifier(loss: Any = "sparse_categorical_crossentropy", **options: Any) -> Any:
    model = keras.Sequential([Dense(4, activation="relu", input_shape=(8,)), Dense(3, activation="softmax")])
    model.compile("sgd", loss, **options)
    return model


def image_classifier() -> Any:
    model = keras.Sequential([Conv2D(2, 3, input_shape=(6, 5, 3)), Flatten(), Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


class Subclassed(keras.Model):
    """A model whose outputs are known only when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = Dense(3, activation="softmax")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.dense(inputs)


def subclassed(loss: str = "sparse_categorical_crossentropy") -> Any:
    model = Subclassed()
    model.compile("sgd", loss)
    return model


def deferred(loss: str = "sparse_categorical_crossentropy") -> Any:
    model = keras.Sequential([Dense(4, activation="relu"), Dense(3, activation="softmax")])
    model.compile("sgd", loss)
    return model


def refused(model: Any, call: Callable[[], Any], kind: type[Exception], *texts: str) -> str:
    """`call` raises `kind` with all `texts`, in one sentence each, and leaves the model as it was."""
    before = model.get_weights() if model.built else None
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    for text in texts:
        assert text in message
    assert "expected" in message and "received" in message
    assert model.training is False
    assert int(model.optimizer.iterations) == 0
    if before is not None:
        for weight, value in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, value)
    return message


def refused_by_fit(model: Any, x: Any, y: Any, kind: type[Exception], *texts: str, **options: Any) -> str:
    message = refused(model, lambda: model.fit(x, y, verbose=0, **options), kind, *texts)
    assert model.history is None or model.history.history == {}
    return message


# --- shapes

SHAPES = {
    "width": (classifier, X[:, :5], "expected shape (None, 8) for input 'dense_input'; received (10, 5)"),
    "more axes": (classifier, X[:, None], "received (10, 1, 8). Reshape the data"),
    "one axis": (classifier, X[:, 0], "received (10,). Add the missing axis"),
    "no channels": (image_classifier, IMAGES[..., 0], "received (10, 6, 5). Add the missing axis"),
    "one picture": (
        image_classifier,
        IMAGES[0],
        "received (6, 5, 3). Add the missing axis, for example x[None]",
    ),
    "channels first": (
        image_classifier,
        IMAGES.transpose(0, 3, 1, 2),
        "received (10, 3, 6, 5). The channels seem to be on the other side: transpose the data",
    ),
}


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict", "train_on_batch", "predict_on_batch", "call"])
def test_wrong_shapes(case: str, method: str) -> None:
    build, x, text = SHAPES[case]
    model = build()
    y = Y[: len(x)]
    calls = {
        "fit": lambda: model.fit(x, y, verbose=0),
        "evaluate": lambda: model.evaluate(x, y, verbose=0),
        "predict": lambda: model.predict(x, verbose=0),
        "train_on_batch": lambda: model.train_on_batch(x, y),
        "predict_on_batch": lambda: model.predict_on_batch(x),
        "call": lambda: model(x),
    }
    refused(model, calls[method], ValueError, text)


def test_wrong_shapes_are_found_before_the_first_step() -> None:
    seen: list[int] = []
    record = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append(1))
    model = classifier()
    refused_by_fit(model, X[:, :5], Y, ValueError, "(None, 8)", callbacks=[record])
    refused_by_fit(model, X, Y, ValueError, "(None, 8)", validation_data=(X[:, :5], Y), callbacks=[record])
    assert seen == []


def test_shapes_for_several_inputs() -> None:
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    model = keras.Model([left, right], Dense(1)(Concatenate()([left, right])))
    model.compile("sgd", "mse")
    a, b, y = np.ones((4, 3)), np.ones((4, 2)), np.ones((4, 1))
    refused_by_fit(model, [b, a], y, ValueError, "expected shape (None, 3) for input 'left'; received (4, 2)")
    refused_by_fit(model, {"left": a, "right": a}, y, ValueError, "(None, 2) for input 'right'; received (4, 3)")
    refused_by_fit(model, {"left": a, "rihgt": b}, y, ValueError, "received ['left', 'rihgt']", "Missing: 'right'")
    refused_by_fit(model, a, y, ValueError, "expected 2 inputs (left, right); received 1")
    refused_by_fit(model, [a, b, b], y, ValueError, "expected 2 inputs (left, right); received 3")
    refused_by_fit(classifier(), [X, X], Y, ValueError, "received 2")


def test_layers_say_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"Conv2D 'conv2d': expected a tensor of rank 4.*; received shape \(10, 8\)"):
        Conv2D(2, 3)(torch.zeros(10, 8))
    layer = Dense(2)
    layer(torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"Dense 'dense': expected size 3 in axis -1; received shape \(1, 4\)"):
        layer(torch.zeros(1, 4))
    with pytest.raises(ValueError, match=r"Dense 'dense_1': expected a known size of the last axis"):
        Dense(2)(keras.Input((None,)))
    with pytest.raises(ValueError, match=r"Add 'add': expected a list of tensors; received one of shape"):
        Add()(keras.Input((3,)))
    with pytest.raises(ValueError, match=r"Add 'add_1': expected inputs whose shapes are equal or broadcast"):
        Add()([keras.Input((3,)), keras.Input((4,))])
    with pytest.raises(ValueError, match=r"Concatenate 'concatenate': expected inputs that differ only in axis -1"):
        Concatenate()([keras.Input((3, 2)), keras.Input((4, 2))])
    with pytest.raises(ValueError, match=r"Reshape 'reshape': expected a target_shape with 8 values"):
        Reshape((3, 3))(keras.Input((8,)))


def test_kernel_larger_than_the_image() -> None:
    too_large = r"'{}': expected an input at least as large as the {} \({}.*received input shape \({}, 3"
    cases = [
        (Conv2D(2, 5), (3, 3, 1), "kernel", "5, 5"),
        (Conv1D(2, 5), (3, 1), "kernel", "5,"),
        (MaxPooling2D(5), (3, 3, 1), "window", "5, 5"),
    ]
    for layer, shape, what, size in cases:
        with pytest.raises(ValueError, match=too_large.format(layer.name, what, size, "None")):
            layer(keras.Input(shape))
    for layer, shape, what, size in cases:
        fresh = type(layer).from_config(layer.get_config())
        with pytest.raises(ValueError, match=too_large.format(layer.name, what, size, "1")):
            fresh(torch.zeros(1, *shape))
    model = keras.Sequential([Conv2D(2, 3, input_shape=(4, 4, 1)), Conv2D(2, 3, padding="same")])
    with pytest.raises(ValueError, match="Use padding='same', a smaller kernel or a larger input"):
        model.add(Conv2D(2, 3))


def test_lengths() -> None:
    model = classifier()
    text = "Data 'x': expected arrays of the same number of samples; received 10 in x, 4 in y."
    refused_by_fit(model, X, Y[:4], ValueError, text)
    refused_by_fit(model, X, Y, ValueError, "3 in sample_weight", sample_weight=np.ones(3))
    text = "Data 'validation x': expected arrays of the same number of samples; received 10 in validation x, 4 in"
    refused_by_fit(model, X, Y, ValueError, text, validation_data=(X, Y[:4]))
    refused(model, lambda: model.evaluate(X, Y[:4], verbose=0), ValueError, "4 in y")
    refused_by_fit(model, ((X, Y[:4]) for _ in range(2)), None, ValueError, "'x' of batch 0", "4 in y")


def test_a_list_of_samples_is_a_list_of_inputs() -> None:
    message = refused_by_fit(classifier(), list(np.ones((500, 8))), np.zeros(500), ValueError, "numpy.stack(x)")
    assert len(message) < 300
    refused_by_fit(classifier(), list(X[:8]), Y[:8], ValueError, "received 8")


@pytest.mark.parametrize("empty", [X[:0], [], torch.zeros(0, 8)], ids=["array", "list", "tensor"])
def test_empty_data(empty: Any) -> None:
    model = classifier()
    text = "Data 'x': expected at least one sample; received empty data. Check the path"
    refused_by_fit(model, empty, Y[:0], ValueError, text)
    refused(model, lambda: model.predict(empty, verbose=0), ValueError, text)
    refused(model, lambda: model.evaluate(empty, Y[:0], verbose=0), ValueError, text)


def test_empty_generators() -> None:
    model = classifier()
    text = "expected at least one batch; received an empty generator, loader or dataset"
    refused_by_fit(model, iter(()), None, ValueError, text)
    refused(model, lambda: model.predict(iter(()), verbose=0), ValueError, text)
    refused(model, lambda: model.evaluate(iter(()), verbose=0), ValueError, text)
    refused_by_fit(model, iter([(X[:0], Y[:0])]), None, ValueError, "'x' of batch 0: expected at least one sample")


# --- values


def spoilt(*rows: tuple[int, float]) -> np.ndarray:
    x = X.copy()
    for row, value in rows:
        x[row, 2] = value
    return x


def test_values_that_are_not_finite() -> None:
    x = spoilt((4, np.nan), (7, np.inf))
    text = "Data 'x': expected finite numbers; received nan in row 4 (2 of 10 rows hold NaN or infinity)."
    message = refused_by_fit(classifier(), x, Y, ValueError, text, "numpy.nan_to_num(x)")
    assert message.count("row 4") == 1 and "row 7" not in message
    refused_by_fit(classifier(), spoilt((7, -np.inf)), Y, ValueError, "received -inf in row 7 (1 of 10 rows")
    refused_by_fit(classifier(), torch.tensor(x), Y, ValueError, text)
    refused_by_fit(classifier(), x.tolist(), Y.tolist(), ValueError, text)
    refused_by_fit(classifier(), X, Y, ValueError, "Data 'validation x'", "row 4", validation_data=(x, Y))
    refused_by_fit(classifier("mse"), X, np.where(ONE_HOT > 0, np.nan, 1), ValueError, "Data 'y'", "nan in row 0")
    refused_by_fit(classifier(), X, Y, ValueError, "'sample_weight'", "row 0", sample_weight=np.full(10, np.nan))
    model = classifier()
    refused(model, lambda: model.evaluate(x, Y, verbose=0), ValueError, text)
    refused(model, lambda: model.train_on_batch(x, Y), ValueError, text)


def test_large_finite_values_are_no_infinity() -> None:
    x = np.full((4, 8), 3e38, "float32")  # their sum is infinite
    assert classifier("mse").predict(x, verbose=0).shape == (4, 3)


def test_values_that_are_not_finite_in_a_generator_name_the_batch() -> None:
    def batches() -> Iterator[Any]:
        yield X, Y
        yield spoilt((4, np.nan)), Y

    model = classifier()
    with pytest.raises(ValueError, match="Data 'x' of batch 1: expected finite numbers; received nan in row 4"):
        model.fit(batches(), verbose=0)
    assert int(model.optimizer.iterations) == 1  # the batch before it has counted
    assert np.isfinite(model.get_weights()[0]).all()


def test_predict_warns_once_of_values_that_are_not_finite() -> None:
    model = classifier()
    with pytest.warns(RuntimeWarning, match="received nan in row 4 .* What is predicted for them") as seen:
        found = model.predict(spoilt((4, np.nan), (6, np.nan)), batch_size=2, verbose=0)
    assert len(seen) == 1
    assert np.isnan(found).any(1).nonzero()[0].tolist() == [4, 6]


def test_a_loss_of_ones_own_may_leave_out_missing_labels() -> None:
    def known_only(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return torch.where(torch.isnan(y_true), 0.0, (y_true - y_pred) ** 2).mean(-1)

    model = classifier(known_only)
    y = ONE_HOT.copy()
    y[3] = np.nan
    history = model.fit(X, y, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


RAGGED = np.empty(10, dtype=object)
RAGGED[:] = [np.zeros(i + 1) for i in range(10)]
KINDS = {
    "objects": (np.array([[1, None]] * 10, dtype=object), TypeError, "an array of Python objects", "(10, 2)"),
    "numbers as objects": (X.astype(object), TypeError, "Convert it: numpy.asarray(x, dtype='float32')"),
    "ragged array": (RAGGED, TypeError, "received rows of different shapes", "Pad the rows to one length"),
    "ragged list": (
        [[1.0] * (i + 1) for i in range(10)],
        ValueError,
        "received a ragged list of 10. Pad the rows",
    ),
    "strings": (np.array([["a"] * 8] * 10), TypeError, "received strings", "Turn words into integers first"),
    "strings in lists": ([["a"] * 8] * 10, TypeError, "received strings"),
    "bytes": (np.array([[b"a"] * 8] * 10), TypeError, "received strings"),
    "complex": (X + 1j, TypeError, "received complex numbers", "real and imaginary parts as two channels"),
    "complex tensor": (torch.tensor(X + 1j), TypeError, "received complex numbers, Tensor of shape (10, 8)"),
    "dates": (np.full((10, 8), np.datetime64("2020-01-01")), TypeError, "values of dtype datetime64[D]"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_array_of_numbers(kind: str) -> None:
    x, error, *texts = KINDS[kind]
    for batches in (x, ((x, Y) for _ in range(2))):
        refused_by_fit(classifier(), batches, Y if batches is x else None, error, "Data 'x': expected", *texts)
    model = classifier()
    refused(model, lambda: model.predict(x, verbose=0), error, *texts)
    refused_by_fit(classifier(), X, x, error, "Data 'y': expected", texts[0].replace("(x", "(y"))


def test_what_is_no_data_at_all() -> None:
    refused_by_fit(classifier(), None, None, ValueError, "expected data as x; received None")
    refused_by_fit(classifier(), 5, Y, TypeError, "received 5 (int)")
    refused_by_fit(classifier(), "data.csv", Y, TypeError, "received the string 'data.csv'", "Read the file first")
    refused_by_fit(classifier(), X, None, ValueError, "expected labels for the loss; received only x")
    refused_by_fit(classifier(), iter([X]), None, ValueError, "expected labels for the loss; received only x")
    refused_by_fit(subclassed(), X, None, ValueError, "expected labels for the loss; received only x")
    refused_by_fit(classifier(), iter([(X, Y, Y, Y)]), None, ValueError, "received a tuple of 4")
    refused_by_fit(classifier(), iter([(X, Y)]), Y, ValueError, "expected y and sample_weight inside the batches")


# --- labels


def labels_with(row: int, value: float) -> np.ndarray:
    y = Y.astype("float32" if value != int(value) else "int64")
    y[row] = value
    return y


LABELS = {
    "above": (labels_with(6, 3), "expected integer labels from 0 to 2, for 3 classes; received 3 in row 6."),
    "far above": (labels_with(9, 255), "received 255 in row 9."),
    "negative": (labels_with(2, -1), "received -1 in row 2. Correct the labels, or leave such samples out"),
    "fractional": (
        labels_with(5, 0.5),
        "received 0.5 in row 5. Give whole numbers, or use a loss for regression",
    ),
    "from one": (Y + 1, "received 3 in row 2. The labels seem to start at 1: subtract 1"),
    "column": (labels_with(6, 3)[:, None], "received 3 in row 6, position 0."),
}


@pytest.mark.parametrize("case", LABELS)
@pytest.mark.parametrize("build", [classifier, deferred, subclassed])
def test_labels_that_are_no_classes(case: str, build: Callable[[], Any]) -> None:
    y, text = LABELS[case]
    refused_by_fit(build(), X, y, ValueError, "SparseCategoricalCrossentropy", text)


def test_labels_are_checked_before_any_kernel_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """On an accelerator a label out of range would end the process, so the loss must never see it."""

    def fails(*_: Any, **__: Any) -> torch.Tensor:
        raise RuntimeError("the loss has run")

    for build in (classifier, deferred, subclassed):
        model = build()
        loss = model.compiled_loss.given
        monkeypatch.setattr(loss, "_fused_mean", fails)
        monkeypatch.setattr(loss, "fn", fails) if loss._fused_mean is None else None
        y = labels_with(6, 3)
        refused(model, lambda m=model, y=y: m.fit(X, y, verbose=0), ValueError, "received 3 in row 6")
        refused(model, lambda m=model, y=y: m.train_on_batch(X, y), ValueError, "received 3 in row 6")
        refused(model, lambda m=model, y=y: m.evaluate(X, y, verbose=0), ValueError, "received 3 in row 6")
        refused(model, lambda m=model, y=y: m.fit(iter([(X, y)]), verbose=0), ValueError, "in batch 0, row 6")


@pytest.mark.parametrize("build", [classifier, deferred, subclassed])
def test_labels_of_a_generator_name_the_batch(build: Callable[[], Any]) -> None:
    def batches() -> Iterator[Any]:
        for number in range(4):
            yield X, labels_with(3, 9 if number == 2 else 0)

    model = build()
    with pytest.raises(ValueError, match=r"for 3 classes; received 9 in batch 2, row 3\."):
        model.fit(batches(), verbose=0)
    assert int(model.optimizer.iterations) == 2


def test_labels_of_validation_data_are_checked_before_training() -> None:
    for build in (classifier, deferred, subclassed):
        refused_by_fit(build(), X, Y, ValueError, "received 3 in row 6", validation_data=(X, labels_with(6, 3)))


def test_labels_of_several_outputs_name_the_output() -> None:
    inputs = keras.Input((8,))
    outputs = [Dense(3, activation="softmax", name="kind")(inputs), Dense(1, name="size")(inputs)]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", {"kind": "sparse_categorical_crossentropy", "size": "mse"})
    text = "of output 'kind': expected integer labels from 0 to 2, for 3 classes; received 3 in row 6"
    refused_by_fit(model, X, {"kind": labels_with(6, 3), "size": X[:, :1]}, ValueError, text)
    refused_by_fit(model, X, {"knd": Y, "size": X[:, :1]}, ValueError, "received one for 'knd'. Did you mean 'kind'?")
    refused_by_fit(model, X, [Y], ValueError, "fit: expected labels as a list of 2", "received 1")


def test_one_hot_and_integer_labels_name_the_other_loss() -> None:
    text = "expected class numbers; received labels of shape (10, 3), one-hot rows of 3 classes. "
    other = "Use loss='categorical_crossentropy'"
    for build in (classifier, deferred, subclassed):
        refused_by_fit(build(), X, ONE_HOT, ValueError, text + other)
    text = "expected one-hot rows of 3 classes; received labels of shape {}, class numbers. "
    other = "Use loss='sparse_categorical_crossentropy', or utils.to_categorical(y, 3)"
    for build in (classifier, deferred, subclassed):
        for y in (Y, Y[:, None]):
            refused_by_fit(build("categorical_crossentropy"), X, y, ValueError, text.format(y.shape) + other)
    five = np.eye(5)[Y]
    refused_by_fit(classifier("categorical_crossentropy"), X, five, ValueError, "received labels of shape (10, 5)")


def test_labels_of_another_width() -> None:
    for loss in ("mse", "mae", "binary_crossentropy"):
        refused_by_fit(classifier(loss), X, np.eye(5)[Y], ValueError, "shape (10, 3); received labels of shape (10, 5)")


def test_steps_of_ones_own_may_use_labels_as_they_like() -> None:
    class Shifted(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            x, y = data
            y_pred = self(x, training=True)
            self.apply_gradients_of(self.compiled_loss(y - 1, y_pred))
            return self.get_metrics_result()

    model = Shifted([Dense(3, activation="softmax", input_shape=(8,))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert np.isfinite(model.fit(X, Y + 1, verbose=0).history["loss"][0])


# --- class_weight and other arguments of fit


def test_class_weight_that_lacks_a_class() -> None:
    text = "expected a class_weight for every class in y; received none for class 2. Add 2: 1.0 to the dict"
    refused_by_fit(classifier(), X, Y, ValueError, text, class_weight={0: 1.0, 1: 2.0})
    text = "received none for class 0. Add 0: 1.0"
    refused_by_fit(classifier(), X, Y, ValueError, text, class_weight={1: 1.0, 2: 2.0})
    model = classifier("categorical_crossentropy")
    refused_by_fit(model, X, ONE_HOT, ValueError, "received none for class 1", class_weight={0: 1.0, 2: 2.0})
    refused_by_fit(classifier(), iter([(X, Y)]), None, ValueError, "none for class 2", class_weight={0: 1.0, 1: 2.0})
    for wrong in ({}, {"a": 1.0}, {0: "a", 1: 1, 2: 1}, {-1: 1.0}):
        text = "expected class_weight as a dict from class number to weight; received"
        refused_by_fit(classifier(), X, Y, ValueError, text, repr(wrong), class_weight=wrong)
    refused_by_fit(classifier(), X, Y, TypeError, "received [1, 2, 3] (list)", class_weight=[1, 2, 3])


ARGUMENTS = {
    "batch_size": (0, ValueError, "expected batch_size as a positive integer; received 0"),
    "epochs": (1.5, ValueError, "expected epochs as a whole number; received 1.5"),
    "verbose": ("loud", ValueError, "expected verbose to be 0, 1, 2 or 'auto'; received 'loud'"),
    "validation_split": (1.5, ValueError, "expected validation_split between 0 and 1; received 1.5"),
    "steps_per_epoch": (0, ValueError, "expected steps_per_epoch as a positive number; received 0"),
    "callbacks": (
        [keras.callbacks.History],
        TypeError,
        "received the class History. Create one: History(...)",
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_of_fit(name: str) -> None:
    value, kind, text = ARGUMENTS[name]
    model = classifier()
    refused(model, lambda: model.fit(X, Y, **{"verbose": 0, name: value}), kind, text)


def test_validation_split_that_cannot_be() -> None:
    refused_by_fit(classifier(), X[:1], Y[:1], ValueError, "leaves samples on both sides", validation_split=0.2)
    refused_by_fit(classifier(), iter([(X, Y)]), None, ValueError, "received list_iterator", validation_split=0.2)


# --- names

MISSPELT = {
    "loss": (lambda: classifier("sparse_categorical_crossentopy"), "'sparse_categorical_crossentropy'"),
    "loss in a dict": (lambda: classifier({"dense_1": "meen_squared_error"}), "'mean_squared_error'"),
    "metric": (lambda: classifier(metrics=["acuracy"]), "'accuracy'"),
    "weighted metric": (lambda: classifier(weighted_metrics=["mean_absolute_eror"]), "'mean_absolute_error'"),
    "optimizer": (lambda: keras.Sequential([Dense(1)]).compile("adma", "mse"), "'adam'"),
    "activation": (lambda: Dense(3, activation="rellu"), "'relu'"),
    "activation layer": (lambda: Activation("sofmax"), "'softmax'"),
    "initializer": (lambda: Dense(3, kernel_initializer="glorot_unifrom"), "'glorot_uniform'"),
    "regularizer": (lambda: Dense(3, kernel_regularizer="l1l2"), "'L1L2'|'l1_l2'"),
    "constraint": (lambda: Dense(3, kernel_constraint="max_nrom"), "'max_norm'"),
}


@pytest.mark.parametrize("kind", MISSPELT)
def test_misspelt_names(kind: str) -> None:
    make, nearest = MISSPELT[kind]
    with pytest.raises(ValueError, match=rf"expected the name of a known .*received .*Did you mean ({nearest})\?"):
        make()


UNKNOWN_ARGUMENTS = {
    "Dense": (lambda: Dense(3, activaton="relu"), "Dense 'dense'", "activaton='relu'", "activation"),
    "Conv2D": (lambda: Conv2D(3, 3, pading="same"), "Conv2D 'conv2d'", "pading='same'", "padding"),
    "Dropout": (lambda: Dropout(0.5, sed=3), "Dropout 'dropout'", "sed=3", "seed"),
    "Sequential": (lambda: keras.Sequential([], nme="x"), "Sequential 'sequential'", "nme='x'", "name"),
    "compile": (lambda: classifier(metric=["mae"]), "Sequential 'sequential'", "metric=['mae']", "metrics"),
    "optimizer": (
        lambda: keras.optimizers.Adam(learningrate=1.0),
        "Adam 'Adam'",
        "'learningrate'",
        "learning_rate",
    ),
}


@pytest.mark.parametrize("kind", UNKNOWN_ARGUMENTS)
def test_unknown_arguments(kind: str) -> None:
    make, owner, given, nearest = UNKNOWN_ARGUMENTS[kind]
    with pytest.raises(TypeError, match=re.escape(owner)) as caught:
        make()
    assert f"received {given}" in str(caught.value)
    assert f"Did you mean '{nearest}'?" in str(caught.value)


def test_arguments_that_make_no_sense() -> None:
    cases = [
        (
            lambda: Dense(-1),
            ValueError,
            "Dense 'dense': expected units as a positive integer; received units=-1",
        ),
        (lambda: Dense(2.5), ValueError, "received units=2.5"),
        (lambda: Conv2D(2, 3, padding="smae"), ValueError, "padding to be one of .*received padding='smae'"),
        (lambda: Conv2D(2, (3, 3, 3)), ValueError, r"kernel_size .*received kernel_size=\(3, 3, 3\)"),
        (lambda: Dropout(2), ValueError, "expected a rate from 0 to 1; received rate=2"),
        (lambda: Embedding(0, 3), ValueError, "input_dim as a positive integer; received input_dim=0"),
        (
            lambda: keras.Sequential([Dense]),
            TypeError,
            "expected a layer or a torch module; .*Pass an instance",
        ),
        (
            lambda: keras.Input((3.5,)),
            ValueError,
            r"expected a shape of integers or None; received \(None, 3.5\)",
        ),
        (lambda: Dense("relu", 3, name=5), TypeError, "expected a non-empty string as name; received 5"),
    ]
    for make, kind, text in cases:
        with pytest.raises(kind, match=text):
            make()


# --- the order of things


def test_training_before_compile() -> None:
    model = keras.Sequential([Dense(3, input_shape=(8,))])
    calls = {
        "fit": lambda: model.fit(X, Y),
        "evaluate": lambda: model.evaluate(X, Y),
        "train_on_batch": lambda: model.train_on_batch(X, Y),
        "test_on_batch": lambda: model.test_on_batch(X, Y),
    }
    for method, call in calls.items():
        text = rf"Sequential 'sequential': expected a compiled model for {method}\(\).*Call model\.compile"
        with pytest.raises(RuntimeError, match=text):
            call()
    assert model.predict(X, verbose=0).shape == (10, 3)


def test_empty_models() -> None:
    model = keras.Sequential()
    model.compile("sgd", "mse")
    for call in (
        lambda: model.predict(X),
        lambda: model.fit(X, Y, verbose=0),
        lambda: model(X),
        lambda: model.pop(),
    ):
        with pytest.raises((ValueError, TypeError), match="expected at least one layer.*received an empty model"):
            call()


def test_before_build() -> None:
    model = keras.Sequential([Dense(3)])
    with pytest.raises(ValueError, match="Sequential 'sequential': expected a model that is built.*input_shape"):
        model.summary()
    with pytest.raises(AttributeError, match="expected a model with symbolic outputs; received one that is not built"):
        _ = model.output
    with pytest.raises(AttributeError, match="Dense 'dense': expected a layer that is part of a model to have .output"):
        _ = model.layers[0].output
    with pytest.raises(ValueError, match="'sequential': expected 0 weight arrays .*; received 1. Call the layer once"):
        model.set_weights([X])
    with pytest.raises(ValueError, match="expected a functional or Sequential model that is built"):
        _ = model.code
    assert model.predict(X, verbose=0).shape == (10, 3)
    model.summary(print_fn=lambda line: None)


def test_counting_weights_that_do_not_exist() -> None:
    for layer in (Dense(3), keras.Sequential([Dense(3)]), Subclassed()):
        with pytest.raises(ValueError, match="expected a layer that is built; received one without weights. Call it"):
            layer.count_params()
        layer(X)
        assert layer.count_params() == 27
    assert keras.Sequential([Flatten(input_shape=(2, 2))]).count_params() == 0


def test_weights_of_another_shape_change_nothing() -> None:
    model = classifier()
    before = model.get_weights()
    wrong = [np.zeros_like(weight) for weight in before[:-1]] + [np.zeros(7)]
    with pytest.raises(ValueError, match=r"expected shape \(3,\) for weight 3 \(dense_1/bias:0\); received \(7,\)"):
        model.set_weights(wrong)
    with pytest.raises(ValueError, match=r"expected 4 weight arrays \(\(8, 4\), \(4,\), .*received 2"):
        model.set_weights(wrong[:2])
    for weight, value in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_graphs_that_are_not_connected() -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    text = r"Model 'm': expected outputs that can be computed from the inputs; .* also needs 'b'.*Add it to `inputs`"
    with pytest.raises(ValueError, match=text):
        keras.Model(a, Dense(1)(b), name="m")
    with pytest.raises(ValueError, match=text):
        keras.Model(a, Add()([a, b]), name="m")
    with pytest.raises(ValueError, match="expected symbolic tensors as inputs; received ndarray. Start from Input"):
        keras.Model(X, X)
    with pytest.raises(ValueError, match="expected different inputs; received one of them twice"):
        keras.Model([a, a], Dense(1)(a))
    with pytest.raises(ValueError, match="expected inputs and outputs; received only one of them"):
        keras.Model(inputs=a)


def test_layers_of_the_same_name() -> None:
    with pytest.raises(
        ValueError, match="Sequential 'sequential': expected layers with different names; .* called 'a'"
    ):
        keras.Sequential([Dense(1, name="a", input_shape=(2,)), Dense(1, name="a")])
    x = keras.Input((3,))
    with pytest.raises(ValueError, match=r"two layers called 'a' \(Dense and Activation\). Pass name='...' to one"):
        keras.Model(x, Activation("relu", name="a")(Dense(1, name="a")(x)))


def test_misspelt_layer_names() -> None:
    with pytest.raises(ValueError, match="expected the name of a layer; received 'dence_1'. Did you mean 'dense_1'"):
        classifier().get_layer("dence_1")
    with pytest.raises(ValueError, match="expected an index below 2; received index=2"):
        classifier().get_layer(index=2)


def test_nothing_to_train() -> None:
    model = classifier()
    model.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")  # freezing counts from here on
    refused_by_fit(model, X, Y, ValueError, "expected at least one trainable weight", "Set trainable = True")
    unlost = keras.Sequential([Dense(1, input_shape=(8,))])
    unlost.compile("sgd")
    refused_by_fit(unlost, X, Y, ValueError, "expected a loss for at least one output", "Pass loss='...' to compile()")


# --- what works, as in tf.keras


def test_images_without_a_channel_axis() -> None:
    model = keras.Sequential([Conv2D(2, 3, input_shape=(28, 28, 1)), Flatten(), Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.random.RandomState(0).rand(10, 28, 28)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(x[..., None], verbose=0))
    history = model.fit(x, Y, batch_size=10, verbose=0)
    assert history.history["loss"][0] > 0
    dense = keras.Sequential([Dense(1, input_shape=(1,))])
    column = np.arange(4.0)
    np.testing.assert_array_equal(dense.predict(column, verbose=0), dense.predict(column[:, None], verbose=0))


@pytest.mark.parametrize(
    "convert",
    [
        lambda x, y: (x.tolist(), y.tolist()),
        lambda x, y: ([x], [y]),
        lambda x, y: ((x,), (y,)),
        lambda x, y: (x.astype("float64"), y.astype("uint8")),
        lambda x, y: (x[::-1][::-1], y.astype("float32")),
        lambda x, y: (torch.tensor(x), torch.tensor(y)),
        lambda x, y: ({"dense_input": x}, {"dense_1": y}),
        lambda x, y: (np.asfortranarray(x), y[:, None]),
        lambda x, y: (x.astype(">f4"), y.astype(">i8")),
    ],
    ids=[
        "lists",
        "in lists",
        "in tuples",
        "float64",
        "float labels",
        "tensors",
        "dicts",
        "columns",
        "big-endian",
    ],
)
def test_data_that_mean_the_same(convert: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    trained = []
    for x, y in ((X, Y), convert(X, Y)):
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        model = classifier()
        model.fit(x, y, shuffle=False, epochs=2, batch_size=4, verbose=0)
        trained.append(model.get_weights())
    for weight, expected in zip(*trained, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-6, atol=1e-8)


def test_numbers_in_lists() -> None:
    model = keras.Sequential([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    model.fit([1.0, 2.0, 3.0], [2.0, 4.0, 6.0], verbose=0)
    model.set_weights([np.full((1, 1), 2.0), np.zeros(1)])
    assert model.predict([10.0], verbose=0).tolist() == [[20.0]]
    assert model.predict([[10.0], [1.0]], verbose=0).tolist() == [[20.0], [2.0]]


# --- interruption


class InterruptAt(keras.callbacks.Callback):
    def __init__(self, epoch: int, batch: int) -> None:
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


def test_interrupted_training_leaves_model_and_history_usable() -> None:
    model = classifier(metrics=["accuracy"])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=2, epochs=5, verbose=0, validation_data=(X, Y), callbacks=[InterruptAt(2, 1)])
    assert model.history.epoch == [0, 1]
    assert list(model.history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert [len(values) for values in model.history.history.values()] == [2, 2, 2, 2]
    assert model.training is False and not any(layer.training for layer in model.layers)
    assert all(weight.grad is None for weight in model.weights)
    assert int(model.optimizer.iterations) == 12  # two epochs of five, and two steps
    assert model.predict(X, verbose=0).shape == (10, 3)
    before = model.get_weights()
    again = model.fit(X, Y, batch_size=2, epochs=2, verbose=0)
    assert again is model.history and again.epoch == [0, 1]
    assert int(model.optimizer.iterations) == 22
    assert np.abs(model.get_weights()[0] - before[0]).max() > 0


def test_interrupted_validation() -> None:
    class InterruptValidation(keras.callbacks.Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            raise KeyboardInterrupt

    model = classifier()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[InterruptValidation()])
    assert model.training is False and torch.is_grad_enabled()
    assert model.fit(X, Y, verbose=0).epoch == [0]


def test_errors_of_callbacks_leave_the_model_usable() -> None:
    def fails(batch: int, logs: Any) -> None:
        raise ZeroDivisionError

    model = classifier()
    for hook in ("on_train_batch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"):

        def wrapped(*arguments: Any) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            model.fit(X, Y, verbose=0, callbacks=[keras.callbacks.LambdaCallback(**{hook: wrapped})])
        assert model.training is False and torch.is_grad_enabled()
    assert model.fit(X, Y, verbose=0).epoch == [0]
