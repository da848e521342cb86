"""Compiled metrics add several batches at once, and nobody can tell; nothing in the loop reads from the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import kerastorch as keras
from kerastorch import metrics
from kerastorch.training.output_metrics import BATCHES_AT_ONCE, BYTES_AT_ONCE, OutputMetrics

N, CLASSES, BATCH = 210, 4, 3
X = np.random.RandomState(0).standard_normal((N, 5)).astype("float32")
Y = np.eye(CLASSES, dtype="float32")[np.arange(N) % CLASSES]
WEIGHTS = np.linspace(0.0, 2.0, N).astype("float32")


def every_metric() -> list[Any]:
    return [
        "accuracy",
        metrics.TopKCategoricalAccuracy(2, name="top"),
        metrics.AUC(name="auc"),
        metrics.Precision(name="precision"),
        metrics.Recall(name="recall"),
        metrics.CategoricalCrossentropy(name="ce"),
        metrics.F1Score(average="macro", name="f1"),
        "mse",
    ]


def classifier(**options: Any) -> Any:
    """A model that does not change: its metrics can be computed from what it predicts."""
    model = keras.Sequential([keras.layers.Dense(CLASSES, activation="softmax", input_shape=(5,))])
    model.set_weights([np.random.RandomState(1).standard_normal((5, CLASSES)), np.zeros(CLASSES)])
    model.compile(keras.optimizers.SGD(0.0), "categorical_crossentropy", **options)
    return model


def running_results(weights: np.ndarray | None = None) -> list[dict[str, float]]:
    """The results after each batch, by metrics that are updated one batch after the other."""
    y_pred = torch.from_numpy(classifier().predict(X, verbose=0))
    fresh = [metrics.CategoricalAccuracy("accuracy"), *every_metric()[1:-1], metrics.MeanSquaredError("mse")]
    found = []
    for start in range(0, N, BATCH):
        part = slice(start, start + BATCH)
        weight = None if weights is None else torch.from_numpy(weights[part])
        for metric in fresh:
            metric.update_state(torch.from_numpy(Y[part]), y_pred[part], weight)
        found.append({metric.name: metric.result().item() for metric in fresh})
    return found


def close(found: Any, expected: Any) -> None:
    assert {name: pytest.approx(value, rel=1e-6, abs=1e-7) for name, value in expected.items()} == found


def test_results_are_those_of_one_batch_after_the_other() -> None:
    history = classifier(metrics=every_metric()).fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0).history
    close({name: values[0] for name, values in history.items() if name != "loss"}, running_results()[-1])
    model = classifier(weighted_metrics=every_metric())
    history = model.fit(X, Y, batch_size=BATCH, shuffle=False, sample_weight=WEIGHTS, verbose=0).history
    close({name: values[0] for name, values in history.items() if name != "loss"}, running_results(WEIGHTS)[-1])
    evaluated = model.evaluate(X, Y, batch_size=BATCH, sample_weight=WEIGHTS, verbose=0, return_dict=True)
    close({name: value for name, value in evaluated.items() if name != "loss"}, running_results(WEIGHTS)[-1])


LOOKS: dict[str, Callable[[Any, Any], Any]] = {
    "logs": lambda auc, logs: logs["auc"],
    "result": lambda auc, logs: auc.result().item(),
    "weights of the model": lambda auc, logs: by_counts(*(weight.numpy() for weight in auc.weights)),
    "get_weights": lambda auc, logs: by_counts(*auc.get_weights()),
    "attributes": lambda auc, logs: by_counts(
        auc.true_positives.numpy(),
        auc.false_positives.numpy(),
        auc.true_negatives.numpy(),
        auc.false_negatives.numpy(),
    ),
}


def by_counts(tp: np.ndarray, fp: np.ndarray, tn: np.ndarray, fn: np.ndarray) -> float:
    """The area under the ROC curve by trapezoids."""
    x, y = fp / np.maximum(fp + tn, 1), tp / np.maximum(tp + fn, 1)
    return float(((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2).sum())


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("every", [1, 7, 41])
def test_whoever_looks_during_training_sees_all_batches_so_far(look: str, every: int) -> None:
    auc = metrics.AUC(name="auc")
    seen: dict[int, float] = {}

    class Looks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch % every == every - 1:
                seen[batch] = LOOKS[look](auc, logs)

    model = classifier(metrics=["accuracy", auc])
    model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[Looks()])
    expected = running_results()
    assert len(seen) == N // BATCH // every
    assert seen == {batch: pytest.approx(expected[batch]["auc"], rel=1e-5) for batch in seen}


def test_means_show_total_and_count() -> None:
    accuracy = metrics.CategoricalAccuracy(name="accuracy")
    seen = []
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((accuracy.total.item(), accuracy.count.item()))
    )
    classifier(metrics=[accuracy]).fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[look])
    expected = running_results()
    assert [count for _, count in seen] == [BATCH * (batch + 1) for batch in range(N // BATCH)]
    assert seen[-1][0] == pytest.approx(expected[-1]["accuracy"] * N)
    assert seen[40][0] == pytest.approx(expected[40]["accuracy"] * BATCH * 41)


def test_logs_that_are_kept_are_those_of_their_batch() -> None:
    kept: list[Any] = []
    keep = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: kept.append(logs))
    model = classifier(metrics=every_metric())
    model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[keep])
    for logs, expected in zip(kept, running_results(), strict=True):
        close({name: value for name, value in logs.items() if name != "loss"}, expected)


def test_a_generator_may_fill_one_buffer_again_and_again() -> None:
    x, y, weight = np.empty((BATCH, 5), "float32"), np.empty((BATCH, CLASSES), "float32"), np.empty(BATCH, "float32")

    def batches() -> Iterator[Any]:
        for start in range(0, N, BATCH):
            x[:], y[:], weight[:] = (array[start : start + BATCH] for array in (X, Y, WEIGHTS))
            yield x, y, weight

    history = classifier(weighted_metrics=every_metric()).fit(batches(), verbose=0).history
    close({name: values[0] for name, values in history.items() if name != "loss"}, running_results(WEIGHTS)[-1])


def test_masks_and_logits_wait_with_their_batch() -> None:
    inputs = keras.Input((6,))
    x = keras.layers.Embedding(9, 3, mask_zero=True)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    model.set_weights([200.0 * np.random.RandomState(2).standard_normal(w.shape) for w in model.get_weights()])
    model.compile(
        keras.optimizers.SGD(0.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", "sparse_categorical_crossentropy"],
    )
    words = np.random.RandomState(3).randint(0, 9, (50 * 4, 6))
    tags = words % 3
    history = model.fit(words, tags, batch_size=4, shuffle=False, verbose=0).history
    predicted = model.predict(words, verbose=0)
    valid = words != 0
    assert history["accuracy"][0] == pytest.approx((predicted.argmax(-1) == tags)[valid].mean(), rel=1e-6)
    table, (kernel, bias) = model.get_weights()[0], model.get_weights()[1:]
    logits = torch.from_numpy(table[words] @ kernel + bias)
    values = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(tags).flatten(), reduction="none")
    expected = values[torch.from_numpy(valid).flatten()].mean().item()
    assert expected > 20.0  # no probability that is kept off zero by 1e-7 costs more than 16.1
    assert history["sparse_categorical_crossentropy"][0] == pytest.approx(expected, rel=1e-5)


def test_metrics_of_ones_own_see_every_batch() -> None:
    sizes: list[int] = []

    class Mine(metrics.AUC):
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            sizes.append(len(y_pred))
            super().update_state(y_true, y_pred, sample_weight)

    def own(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        sizes.append(-len(y_pred))
        return y_pred.mean(-1)

    model = classifier(metrics=[Mine(name="auc"), own, metrics.Precision(name="precision")])
    history = model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0).history
    assert sizes == [BATCH, -BATCH] * (N // BATCH)
    assert history["auc"][0] == pytest.approx(running_results()[-1]["auc"], rel=1e-6)


def test_what_does_not_fit_is_said_at_the_first_batch() -> None:
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax", input_shape=(5,))])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy", metrics.AUC(name="auc")])
    with pytest.raises(ValueError, match=r"AUC 'auc': expected labels of the predictions' shape \(3, 3\); received"):
        model.fit(X, np.arange(N) % 3, batch_size=BATCH, verbose=0)
    assert int(model.optimizer.iterations) == 1


def test_a_reset_forgets_what_waits() -> None:
    auc = metrics.AUC(name="auc")
    reset = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: auc.reset_state() if batch == 34 else None
    )
    model = classifier(metrics=[auc])
    model.fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[reset])
    fresh = metrics.AUC()
    fresh.update_state(Y[35 * BATCH :], model.predict(X, verbose=0)[35 * BATCH :])
    assert auc.result().item() == pytest.approx(fresh.result().item(), rel=1e-6)


def waiting(metric: Any) -> int:
    return len(metric._waiting)


def test_how_many_batches_wait() -> None:
    metric = metrics.AUC()
    output = OutputMetrics([metric], [])
    y_true, y_pred = torch.ones(2, 3), torch.full((2, 3), 0.5)
    output.update_state(y_true, y_pred)
    assert waiting(metric) == 0  # the first batch shows whether batches of its kind fit
    for number in range(1, BATCHES_AT_ONCE):
        output.update_state(y_true, y_pred)
        assert waiting(metric) == number
    output.update_state(y_true, y_pred)
    assert waiting(metric) == 0
    output.update_state(torch.ones(5, 3), torch.full((5, 3), 0.5))
    assert waiting(metric) == 1  # a batch of another size is of the same kind
    output.update_state(y_true.long(), y_pred)
    assert waiting(metric) == 0  # one of another kind is added at once, with those that wait
    output.update_state(y_true.long(), y_pred)
    assert waiting(metric) == 1
    assert metric.true_positives.sum().item() == 100 * 3 * (2 * (BATCHES_AT_ONCE + 1) + 5 + 2 + 2)
    assert waiting(metric) == 0


def test_large_predictions_do_not_wait() -> None:
    metric = metrics.MeanSquaredError()
    output = OutputMetrics([metric], [])
    large = torch.zeros(2, BYTES_AT_ONCE // 16)
    for _ in range(3):
        output.update_state(large, large)
        assert waiting(metric) == 0
    middle = torch.zeros(2, BYTES_AT_ONCE // 64)
    counts = []
    for _ in range(20):
        output.update_state(middle, middle)
        counts.append(waiting(metric))
    assert max(counts) * middle.nbytes <= BYTES_AT_ONCE
    assert metric.count.item() == 2 * 23


def test_vectors_of_predictions_do_not_wait() -> None:
    """Their metrics are one value a batch, which counts as much for a small batch as for a large one."""
    metric = metrics.MeanSquaredError()
    output = OutputMetrics([metric], [])
    for value, size in ((1.0, 4), (1.0, 4), (3.0, 1)):
        output.update_state(torch.zeros(size), torch.full((size,), value))
    assert metric.result().item() == pytest.approx((1.0 + 1.0 + 9.0) / 3)


def test_memory_of_batches_is_given_back() -> None:
    metric = metrics.AUC()
    output = OutputMetrics([metric], [])
    y_pred = torch.full((2, 3), 0.5, requires_grad=True)
    for _ in range(3):
        output.update_state(torch.ones(2, 3), y_pred * 1.0)
    assert all(not part.requires_grad for batch in metric._waiting for part in batch if part is not None)
    metric.result()
    assert waiting(metric) == 0


# --- nothing in the loop reads from the device ---------------------------------------------------------------


class NoKernelThatReads(TorchDispatchMode):
    """Fails at kernels whose results Python has to wait for."""

    reading = frozenset("_local_scalar_dense nonzero equal is_nonzero masked_select bincount item unique".split())

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.overloadpacket.__name__
        assert name not in self.reading, f"{name} reads values"
        return function(*args, **(kwargs or {}))


class NoMethodThatReads(TorchFunctionMode):
    """Fails at methods that would copy values from an accelerator."""

    reading = frozenset("item tolist cpu numpy __bool__ __float__ __int__ __index__ nonzero __array__".split())

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", "")
        assert name not in self.reading, f"{name} reads values"
        return function(*args, **(kwargs or {}))


class Watched(keras.Sequential):
    """A model whose steps must not read values, but for the first, in which the optimizer plans its own."""

    def make_train_function(self) -> Any:
        function = super().make_train_function()

        def step(iterator: Iterator[Any]) -> Any:
            if int(self.optimizer.iterations) == 0:
                return function(iterator)
            with NoKernelThatReads(), NoMethodThatReads():
                return function(iterator)

        return step


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_no_step_of_fit_reads_values(optimizer: str, weights: np.ndarray | None) -> None:
    model = Watched([
        keras.layers.Dense(6, activation="relu", input_shape=(5,)),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(CLASSES, activation="softmax", kernel_regularizer="l2"),
    ])  # fmt: skip
    model.compile(optimizer, "categorical_crossentropy", metrics=every_metric(), weighted_metrics=["mae"])
    history = model.fit(X, Y, batch_size=BATCH, sample_weight=weights, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert int(model.optimizer.iterations) == 2 * N // BATCH


def test_the_watch_sees_what_reads() -> None:
    for read in (lambda x: x.item(), lambda x: bool(x > 0), lambda x: x.cpu(), lambda x: x.nonzero()):
        with pytest.raises(AssertionError, match="reads values"):
            with NoKernelThatReads(), NoMethodThatReads():
                read(torch.ones(()))
