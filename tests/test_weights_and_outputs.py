"""Weights of samples and classes, several outputs, and the names in logs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import kerastorch as keras
from fit_tools import LABELS, WIDTH, N, X, Y, classifier, regressor
from kerastorch.layers import Dense, Input
from support import normal

# --- weights of samples and classes --------------------------------------------------------------------


def test_class_weight_is_a_sample_weight() -> None:
    table = {0: 0.5, 1: 3.0}
    weights = np.array([table[label] for label in LABELS])
    expected = classifier(weighted_metrics=["accuracy"])
    wanted = expected.fit(X, LABELS, sample_weight=weights, epochs=2, shuffle=False, verbose=0).history
    one_hot = np.eye(2)[LABELS]
    cases: list[tuple[Any, Any, str]] = [
        (X, LABELS, "sparse_categorical_crossentropy"),
        (X, LABELS[:, None], "sparse_categorical_crossentropy"),
        (X, LABELS.astype("float32"), "sparse_categorical_crossentropy"),
        (X, one_hot, "categorical_crossentropy"),
        (DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(LABELS)), batch_size=32), None,
         "sparse_categorical_crossentropy"),
    ]  # fmt: skip
    for x, y, loss in cases:
        model = classifier()
        model.compile(keras.optimizers.SGD(0.1), loss, weighted_metrics=["accuracy"])
        found = model.fit(x, y, class_weight=table, epochs=2, shuffle=False, verbose=0).history
        for key in wanted:
            np.testing.assert_allclose(found[key], wanted[key], rtol=1e-5)
    model = classifier(weighted_metrics=["accuracy"])
    both = model.fit(X, LABELS, class_weight={0: 0.5, 1: 1.0}, sample_weight=np.where(LABELS, 3.0, 1.0), epochs=2,
                     shuffle=False, verbose=0).history  # fmt: skip
    np.testing.assert_allclose(both["loss"], wanted["loss"], rtol=1e-5)
    model = classifier()
    on_batch = model.train_on_batch(X, LABELS, class_weight=table)
    assert on_batch == pytest.approx(wanted["loss"][0], rel=1e-5)


def test_class_weight_of_binary_labels() -> None:
    model = keras.Sequential([Dense(1, activation="sigmoid", input_shape=(WIDTH,))])
    model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy")
    weighted = model.fit(X, LABELS, class_weight={0: 2.0, 1: 2.0}, verbose=0).history["loss"][0]
    plain = model.fit(X, LABELS[:, None].astype("float32"), verbose=0).history["loss"][0]
    assert weighted == pytest.approx(2 * plain, rel=1e-5)


def test_sample_weights() -> None:
    weights = np.linspace(0, 2, N)
    model = regressor(rate=0.0, weighted_metrics=["mae"])
    losses = ((model.predict(X, verbose=0) - Y) ** 2).mean(1)
    errors = np.abs(model.predict(X, verbose=0) - Y).mean(1)
    found = model.fit(X, Y, sample_weight=weights, verbose=0).history
    assert found["loss"][0] == pytest.approx((losses * weights).sum() / N, rel=1e-5)  # by the number of samples
    assert found["mae"][0] == pytest.approx(errors.mean(), rel=1e-5)
    assert found["weighted_mae"][0] == pytest.approx((errors * weights).sum() / weights.sum(), rel=1e-5)
    twice = regressor()
    once = regressor()
    twice.fit(X, Y, sample_weight=np.where(np.arange(N) < 5, 2.0, 0.0), batch_size=N, verbose=0)
    once.fit(X[:5], Y[:5], batch_size=5, verbose=0)
    np.testing.assert_allclose(twice.get_weights()[0], once.get_weights()[0], rtol=1e-4, atol=1e-6)
    in_batches = regressor(rate=0.0).fit(iter([(X, Y, weights)]), verbose=0).history["loss"][0]
    assert in_batches == pytest.approx(found["loss"][0], rel=1e-5)


# --- several outputs -----------------------------------------------------------------------------------


def two_headed(outputs: str = "list") -> Any:
    x = Input((WIDTH,), name="x")
    one, two = Dense(1, name="one")(x), Dense(2, name="two", activation="softmax")(x)
    model = keras.Model(x, {"list": [one, two], "dict": {"one": one, "two": two}}[outputs])
    model.set_weights([normal(f"w{i}", tuple(w.shape)) for i, w in enumerate(model.weights)])
    return model


TARGETS = {"one": Y[:, :1], "two": LABELS}
LOSSES = {"one": "mse", "two": "sparse_categorical_crossentropy"}
NAMED: dict[str, dict[str, Any]] = {
    "dicts": {"loss": LOSSES, "metrics": {"one": "mae", "two": ["acc"]}, "loss_weights": {"one": 0.5, "two": 2.0}},
    "lists": {"loss": list(LOSSES.values()), "metrics": [["mae"], ["acc"]], "loss_weights": [0.5, 2.0]},
    "mixed": {"loss": LOSSES, "metrics": ["mae", "acc"], "loss_weights": [0.5, 2.0]},
}


@pytest.mark.parametrize("outputs", ["list", "dict"])
@pytest.mark.parametrize("spelling", NAMED)
@pytest.mark.parametrize("labels", ["list", "dict"])
def test_several_outputs(outputs: str, spelling: str, labels: str) -> None:
    model = two_headed(outputs)
    options = dict(NAMED[spelling])
    if spelling == "mixed":
        options["metrics"] = {"one": "mae", "two": "acc"}
    model.compile(keras.optimizers.SGD(0.0), **options)
    y = list(TARGETS.values()) if labels == "list" else TARGETS
    history = model.fit(X, y, verbose=0).history
    assert list(history) == ["loss", "one_loss", "two_loss", "one_mae", "two_acc"]
    assert history["loss"][0] == pytest.approx(0.5 * history["one_loss"][0] + 2 * history["two_loss"][0], rel=1e-5)
    predicted = model.predict(X, verbose=0)
    one, two = predicted.values() if outputs == "dict" else predicted
    assert history["one_mae"][0] == pytest.approx(np.abs(one - Y[:, :1]).mean(), rel=1e-5)
    assert history["two_acc"][0] == pytest.approx((two.argmax(1) == LABELS).mean(), rel=1e-5)
    assert model.metrics_names == list(history)
    assert model.evaluate(X, y, verbose=0, return_dict=True) == pytest.approx({k: v[0] for k, v in history.items()})


def test_one_loss_for_all_outputs_and_outputs_without_a_loss() -> None:
    model = two_headed()
    model.compile("sgd", "mse", metrics=["mae"])
    assert list(model.fit(X, [Y[:, :1], Y], verbose=0).history) == [
        "loss", "one_loss", "two_loss", "one_mae", "two_mae",
    ]  # fmt: skip
    unused = "Gradients do not exist for variables .'two/kernel:0', 'two/bias:0'."
    model.compile("sgd", {"one": "mse"}, metrics={"two": "mae"})
    with pytest.warns(UserWarning, match=unused):
        history = model.fit(X, {"one": Y[:, :1], "two": Y}, epochs=2, verbose=0).history
    assert list(history) == ["loss", "one_loss", "two_mae"]
    model.compile("sgd", ["mse", None])
    with pytest.warns(UserWarning, match=unused):
        history = model.fit(X, [Y[:, :1], Y], verbose=0).history
    assert list(history) == ["loss", "one_loss"]
    with pytest.raises(ValueError, match="compile: expected losses for the outputs .*received one for 'tow'.*'two'"):
        model.compile("sgd", {"one": "mse", "tow": "mse"})
        model.fit(X, [Y[:, :1], Y], verbose=0)


def test_sample_weights_of_several_outputs() -> None:
    model = two_headed()
    model.compile(keras.optimizers.SGD(0.0), list(LOSSES.values()))
    weights = {"one": np.full(N, 3.0), "two": np.zeros(N)}
    plain = model.fit(X, TARGETS, verbose=0).history
    found = model.fit(X, TARGETS, sample_weight=weights, verbose=0).history
    assert found["one_loss"][0] == pytest.approx(3 * plain["one_loss"][0], rel=1e-5) and found["two_loss"] == [0.0]
    as_list = model.fit(X, TARGETS, sample_weight=list(weights.values()), verbose=0).history
    assert as_list["loss"] == pytest.approx(found["loss"], rel=1e-5)


def test_outputs_of_subclassed_models_are_numbered() -> None:
    class Two(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = Dense(1), Dense(2)

        def call(self, inputs: torch.Tensor) -> Any:
            return self.a(inputs), self.b(inputs)

    model = Two()
    model.compile("sgd", ["mse", "mae"], metrics=["mae"])
    history = model.fit(X, (Y[:, :1], Y), verbose=0).history
    assert list(history) == ["loss", "output_1_loss", "output_2_loss", "output_1_mae", "output_2_mae"]


# --- names in logs -------------------------------------------------------------------------------------


def test_names_of_metrics() -> None:
    cases: list[tuple[Any, list[str]]] = [
        (["accuracy"], ["accuracy"]),
        (["acc"], ["acc"]),
        (["sparse_categorical_crossentropy", "acc"], ["sparse_categorical_crossentropy", "acc"]),
        ([keras.metrics.SparseCategoricalAccuracy(name="a")], ["a"]),
        ([keras.metrics.SparseCategoricalAccuracy()], ["sparse_categorical_accuracy"]),
        ([keras.metrics.sparse_categorical_accuracy], ["sparse_categorical_accuracy"]),
        ("accuracy", ["accuracy"]),
    ]
    for metrics, names in cases:
        keras.backend.clear_session()
        model = classifier(metrics=metrics)
        assert list(model.fit(X, LABELS, verbose=0).history) == ["loss", *names]

    def top(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return y_pred.amax(-1)

    class Top:
        def __call__(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
            return top(y_true, y_pred)

    keras.utils.register_keras_serializable("Mine")(top)
    loss = keras.losses.SparseCategoricalCrossentropy()
    model = classifier(metrics=[Top(), loss])
    assert list(model.fit(X, LABELS, verbose=0).history) == ["loss", "top", loss.name]
    model = classifier(metrics=[top])
    history = model.fit(X, LABELS, validation_data=(X, LABELS), verbose=0).history
    assert list(history) == ["loss", "top", "val_loss", "val_top"]
    assert history["val_top"][0] == pytest.approx(model.predict(X, verbose=0).max(1).mean(), rel=1e-5)
    with pytest.raises(ValueError, match="expected metrics with different names; received two called 'mae'"):
        regressor(metrics=["mae", "mae"]).fit(X, Y, verbose=0)


def test_old_names_of_accuracy_are_found() -> None:
    history = classifier(metrics=["accuracy"]).fit(X, LABELS, verbose=0).history
    with pytest.warns(UserWarning, match="'acc' was logged as 'accuracy'"):
        assert history["acc"] == history["accuracy"]
    assert "acc" not in history


@pytest.mark.parametrize(
    ("units", "activation", "loss", "labels"),
    [
        (1, "sigmoid", "binary_crossentropy", LABELS),
        (1, "sigmoid", "binary_crossentropy", LABELS[:, None]),
        (2, "softmax", "sparse_categorical_crossentropy", LABELS),
        (2, "softmax", "sparse_categorical_crossentropy", LABELS[:, None]),
        (2, "softmax", "categorical_crossentropy", np.eye(2)[LABELS]),
    ],
)
def test_accuracy_is_the_one_that_fits(units: int, activation: str, loss: str, labels: np.ndarray) -> None:
    model = keras.Sequential([Dense(units, activation=activation, input_shape=(WIDTH,))])
    model.compile("sgd", loss, metrics=["accuracy"])
    predicted = model.predict(X, verbose=0)
    classes = (predicted[:, 0] > 0.5) if units == 1 else predicted.argmax(1)
    assert model.evaluate(X, labels, verbose=0)[1] == pytest.approx((classes == LABELS).mean())
