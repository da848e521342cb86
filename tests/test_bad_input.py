"""Bad input gets an error that says what is wrong, before any training, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.layers import (
    Add,
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Flatten,
    MaxPooling2D,
    Reshape,
)
from refusals import (
    IMAGES,
    ONE_HOT,
    X,
    Y,
    classifier,
    image_classifier,
    refused,
    refused_by_fit,
    subclassed,
)

# --- shapes --------------------------------------------------------------------------------------------


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


# --- values --------------------------------------------------------------------------------------------


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


# --- what works, as in tf.keras ------------------------------------------------------------------------


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
