"""Labels and class weights that a loss cannot take are refused before any kernel runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.layers import (
    Dense,
)
from refusals import (
    ONE_HOT,
    X,
    Y,
    classifier,
    deferred,
    refused,
    refused_by_fit,
    subclassed,
)

# --- labels --------------------------------------------------------------------------------------------


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


# --- class_weight and other arguments of fit -----------------------------------------------------------


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
