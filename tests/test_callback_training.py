"""Callbacks that need a model that trains: averages, range test, gradients, monitors, loss that is no number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from fit_tools import LABELS, X, Y, classifier, regressor
from kerastorch import callbacks
from kerastorch.layers import Dense
from kerastorch.optimizers import SGD, Adam

# ------------------------------------------------------------------ moving averages


def averaging(**options: Any) -> Any:
    model = regressor()
    model.compile(SGD(0.05, use_ema=True, ema_momentum=0.5, **options), "mse")
    return model


class Look(callbacks.Callback):
    """The first weight at the hooks around validation and epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, list[float]] = {}

    def _note(self, name: str) -> None:
        self.seen.setdefault(name, []).append(self.model.weights[0][0, 0].item())

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._note("begin")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._note("step")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._note("test")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._note("end")


def averages_of(values: list[float], start: float) -> list[float]:
    averages = []
    for value in values:
        start = 0.5 * start + 0.5 * value
        averages.append(start)
    return averages


@pytest.mark.parametrize("by_epoch", [False, True])
def test_averages_are_in_the_model_while_it_is_evaluated(by_epoch: bool) -> None:
    model, look = averaging(), Look()
    model.fit(
        X, Y, batch_size=10, epochs=3, verbose=0, validation_data=(X, Y),
        callbacks=[callbacks.SwapEMAWeights(swap_on_epoch=by_epoch), look],
    )  # fmt: skip
    steps, begins = look.seen["step"], look.seen["begin"]
    averages = averages_of(steps, begins[0])
    assert look.seen["test"] == pytest.approx(averages, rel=1e-5)
    assert begins[1:] == steps[:-1]  # training goes on from the weights
    assert look.seen["end"] == pytest.approx(averages if by_epoch else steps, rel=1e-5)
    assert model.weights[0][0, 0].item() == pytest.approx(averages[-1], rel=1e-5)  # where `fit` leaves them


def test_averages_serve_evaluate_and_predict_and_go_again() -> None:
    model = averaging()
    model.fit(X, Y, epochs=2, verbose=0)
    optimizer = model.optimizer
    model.set_weights([value + 1 for value in model.get_weights()])
    changed = model.get_weights()
    averages = [optimizer.slot(weight, "average").numpy() for weight in model.weights]
    swap = callbacks.SwapEMAWeights()
    results = [model.evaluate(X, Y, verbose=0, callbacks=[swap]), model.predict(X, verbose=0, callbacks=[swap])]
    for found, expected in zip(model.get_weights(), changed, strict=True):
        assert (found == expected).all()
    model.set_weights(averages)
    assert results[0] == model.evaluate(X, Y, verbose=0)
    np.testing.assert_array_equal(results[1], model.predict(X, verbose=0))


def test_an_error_leaves_the_weights_in_the_model() -> None:
    model = averaging()
    model.fit(X, Y, epochs=1, verbose=0)

    def fails(logs: Any) -> None:
        raise ZeroDivisionError

    kept: list[Any] = []
    note = callbacks.LambdaCallback(on_batch_end=lambda batch, logs: kept.append(model.get_weights()))
    with pytest.raises(ZeroDivisionError):
        model.fit(
            X, Y, verbose=0, validation_data=(X, Y),
            callbacks=[note, callbacks.SwapEMAWeights(), callbacks.LambdaCallback(on_test_begin=fails)],
        )  # fmt: skip
    for found, expected in zip(model.get_weights(), kept[-1], strict=True):
        assert (found == expected).all()


def test_averages_need_an_optimizer_that_keeps_them() -> None:
    with pytest.raises(ValueError, match="SwapEMAWeights: expected an optimizer that keeps moving averages; received"):
        regressor().fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[callbacks.SwapEMAWeights()])


# ------------------------------------------------------------------ range test


def test_range_test_raises_the_rate_and_puts_everything_back() -> None:
    model = regressor(rate=0.03)
    model.fit(X, Y, verbose=0)
    before, iterations = model.get_weights(), int(model.optimizer.iterations)
    finder = callbacks.LRFinder(1e-3, 1e-1, steps=5, smoothing=0.0, divergence=100.0)
    rates: list[float] = []
    note = callbacks.LambdaCallback(on_train_batch_begin=lambda b, logs: rates.append(float(model.optimizer.lr)))
    model.fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=[finder, note], shuffle=False)
    assert finder.learning_rates == pytest.approx([1e-3, 10**-2.5, 1e-2, 10**-1.5, 1e-1])
    assert rates == pytest.approx(finder.learning_rates, rel=1e-6)
    for found, expected in zip(model.get_weights(), before, strict=True):
        assert (found == expected).all()
    assert float(model.optimizer.learning_rate) == np.float32(0.03)
    assert int(model.optimizer.iterations) == iterations
    # each loss is that of its batch alone: the first one is known
    assert finder.losses[0] == pytest.approx(model.evaluate(X[:4], Y[:4], verbose=0)[0], rel=1e-6)
    assert finder.smoothed == finder.losses


def test_range_test_stops_when_the_loss_runs_away() -> None:
    model = regressor()
    finder = callbacks.LRFinder(0.1, 1e6, steps=50, smoothing=0.5)
    history = model.fit(X, Y, batch_size=5, epochs=100, verbose=0, callbacks=[finder])
    assert len(finder.losses) < 50 and len(history.epoch) == math.ceil(len(finder.losses) / 2)
    assert not math.isfinite(finder.losses[-1]) or finder.smoothed[-1] > 4 * min(finder.smoothed)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert 0.1 <= finder.suggestion() < finder.learning_rates[-1]


def test_range_test_with_torch_and_adam() -> None:
    for optimizer in (Adam(0.01), lambda parameters: torch.optim.Adam(parameters, lr=0.01)):
        model = regressor()
        model.compile(optimizer, "mse")
        before = model.get_weights()
        model.fit(X, Y, batch_size=5, epochs=5, verbose=0, callbacks=[callbacks.LRFinder(1e-3, 1.0, steps=4)])
        assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
        for found, expected in zip(model.get_weights(), before, strict=True):
            assert (found == expected).all()
        again = regressor()
        again.compile(optimizer if callable(optimizer) else Adam(0.01), "mse")
        for one in (model, again):
            one.fit(X, Y, batch_size=5, epochs=2, verbose=0, shuffle=False)
        for found, expected in zip(model.get_weights(), again.get_weights(), strict=True):
            assert (found == expected).all()  # nothing of the test is left in the optimizer


def test_suggestion_is_where_the_loss_falls_most_steeply() -> None:
    finder = callbacks.LRFinder()
    finder.learning_rates = [10.0**k for k in range(-6, 2)]
    finder.smoothed = [3.0, 2.9, 2.7, 2.0, 1.0, 0.8, 4.0, math.nan]
    assert finder.suggestion() == 1e-3  # from 2.7 to 1.0 around it
    finder.smoothed = [1.0, 2.0]
    with pytest.raises(ValueError, match="LRFinder: expected a test of at least 3 steps; received 2. Call model.fit"):
        finder.suggestion()


def test_range_test_smooths_without_bias() -> None:
    finder = callbacks.LRFinder(smoothing=0.9)
    for loss in (1.0, 2.0, 4.0):
        finder.smoothed.append(finder._smooth(loss))
    weights = np.array([[1, 0, 0], [0.9, 1, 0], [0.81, 0.9, 1]])
    assert finder.smoothed == pytest.approx((weights @ [1.0, 2.0, 4.0] / weights.sum(1)).tolist())


def test_range_test_is_plotted() -> None:
    class Axes:
        def __getattr__(self, name: str) -> Any:
            return lambda *arguments: calls.append((name, *arguments))

    calls: list[Any] = []
    finder = callbacks.LRFinder()
    finder.learning_rates, finder.smoothed = [1e-3, 1e-2, 1e-1], [2.0, 1.0]
    axes = Axes()
    assert finder.plot(axes) is axes
    assert calls[0] == ("plot", [1e-3, 1e-2], [2.0, 1.0]) and ("set_xscale", "log") in calls
    pytest.importorskip("matplotlib").use("Agg")
    assert finder.plot().get_xscale() == "log"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"start": 1.0, "end": 0.1}, "expected 0 < start < end; received start=1.0, end=0.1"),
        ({"start": 0.0}, "expected 0 < start < end; received start=0.0, end=10.0"),
        ({"steps": 1}, "expected at least 2 steps; received steps=1"),
        ({"smoothing": 1.0}, r"expected smoothing in \[0, 1\); received smoothing=1.0"),
        ({"divergence": 1.0}, "expected divergence above 1; received divergence=1.0"),
    ],
)
def test_range_test_refuses_wrong_numbers(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"LRFinder: {text}"):
        callbacks.LRFinder(**options)


def test_range_test_says_what_it_needs() -> None:
    model = keras.Sequential([Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="LRFinder: expected a model that is built.* received Sequential 'sequential'"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.LRFinder()])
    scheduled = regressor(rate=keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5))
    before = scheduled.get_weights()
    with pytest.raises(TypeError, match="expected a learning rate that its schedule decides"):
        scheduled.fit(X, Y, verbose=0, callbacks=[callbacks.LRFinder()])
    assert (scheduled.get_weights()[0] == before[0]).all()
    with pytest.warns(UserWarning, match="LRFinder: expected 100 steps; received 2. Train for more epochs"):
        regressor().fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.LRFinder()])


# ------------------------------------------------------------------ gradients


class Norms(keras.Sequential):
    """Notes the norms of its gradients."""

    def apply_gradients_of(self, loss: torch.Tensor) -> None:
        gradients = torch.autograd.grad(loss, self.trainable_weights, retain_graph=True)
        self.noted.append(math.sqrt(sum(float((gradient.double() ** 2).sum()) for gradient in gradients)))
        self.parts.append([float(gradient.norm()) for gradient in gradients])
        self.largest.append(max(float(gradient.abs().max()) for gradient in gradients))
        super().apply_gradients_of(loss)


@pytest.mark.parametrize(
    ("clip", "clipped"),
    [
        ({"global_clipnorm": 1.5}, lambda model, step: model.noted[step] > 1.5),
        ({"clipnorm": 1.1}, lambda model, step: max(model.parts[step]) > 1.1),
        ({"clipvalue": 0.9}, lambda model, step: model.largest[step] > 0.9),
        ({}, lambda model, step: False),
    ],
)
@pytest.mark.parametrize("module", [keras.optimizers, keras.optimizers.legacy])
def test_gradient_report(module: Any, clip: dict[str, float], clipped: Any, capsys: pytest.CaptureFixture[str]) -> None:
    model = Norms([Dense(3, activation="tanh", input_shape=(4,)), Dense(2)])
    model.noted, model.parts, model.largest = [], [], []
    model.compile(module.SGD(0.2, **clip), "mse")
    report = callbacks.GradientReport(verbose=1)
    history = model.fit(X, Y, batch_size=4, epochs=4, verbose=0, callbacks=[report])
    assert report.norms == pytest.approx(model.noted, rel=1e-5)
    expected = [clipped(model, step) for step in range(12)]
    assert report.clipped == expected
    assert not clip or 0 < sum(expected) < 12  # some, and not all
    steps = np.array(report.norms).reshape(4, 3)
    assert history.history["gradient_norm"] == pytest.approx(steps.mean(1).tolist())
    assert history.history["gradient_norm_max"] == pytest.approx(steps.max(1).tolist())
    counts = np.array(expected).reshape(4, 3).sum(1).tolist()
    assert history.history["clipped_steps"] == counts
    assert [one["steps"] for one in report.epochs] == [3] * 4
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith(f"Epoch 1: gradients clipped in {counts[0]} of 3 steps; norm {steps[0].mean():.4g} on aver")
    assert model.optimizer.gradient_watcher is None


def test_gradient_report_changes_nothing_and_lets_go() -> None:
    weights = []
    for given in ([], [callbacks.GradientReport()]):
        model = regressor()
        model.compile(Adam(0.05, clipnorm=0.1), "mse")
        model.fit(X, Y, batch_size=4, epochs=3, verbose=0, shuffle=False, callbacks=given)
        weights.append(model.get_weights())
    for found, expected in zip(*weights, strict=True):
        assert (found == expected).all()

    def fails(epoch: int, logs: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model.fit(
            X, Y, verbose=0, callbacks=[callbacks.GradientReport(), callbacks.LambdaCallback(on_epoch_begin=fails)]
        )
    assert model.optimizer.gradient_watcher is None


def test_gradient_report_needs_our_optimizer() -> None:
    model = regressor()
    model.compile(lambda parameters: torch.optim.SGD(parameters, lr=0.1), "mse")
    with pytest.raises(ValueError, match="GradientReport: expected an optimizer of this library; received"):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.GradientReport()])


# ------------------------------------------------------------------ names of logs


def warnings_before_training(model: Any, callback: Any, **options: Any) -> list[str]:
    """What is said before the first batch, and nothing later."""
    events: list[Any] = []

    class Note(callbacks.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            events.append("begin")

    with pytest.warns(UserWarning) as said:
        model.fit(X, LABELS, epochs=2, verbose=0, callbacks=[Note(), callback], **options)
    assert events == ["begin"]
    return [str(one.message) for one in said]


@pytest.mark.parametrize(
    ("callback", "what"),
    [
        (lambda: callbacks.EarlyStopping(), "EarlyStopping: early stopping is conditioned on 'val_loss'"),
        (lambda: callbacks.ReduceLROnPlateau(), "ReduceLROnPlateau: learning rate reduction is conditioned on"),
        (
            lambda: callbacks.ModelCheckpoint("x.h5", save_best_only=True),
            "ModelCheckpoint: saving the best model is conditioned on 'val_loss'",
        ),
        (lambda: callbacks.EarlyStopping("val_f1"), "EarlyStopping: early stopping is conditioned on 'val_f1'"),
    ],
)
def test_a_monitor_that_cannot_come_is_named_before_training(
    callback: Any, what: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = callback()
    (said,) = warnings_before_training(classifier(metrics=["accuracy"]), made)
    adds = ", lr" if isinstance(made, callbacks.ReduceLROnPlateau) else ""
    assert said.startswith(what)
    assert said.endswith(f"which is not available. Available are: loss, accuracy{adds}.")


def test_names_are_those_of_the_logs() -> None:
    names: list[Any] = []

    class Watch(callbacks.EarlyStopping):
        def expect_logs(self, names_of_logs: Any) -> None:
            names.append(names_of_logs)

    def two() -> Any:
        inputs = keras.Input((4,))
        return keras.Model(inputs, [Dense(1, name="a")(inputs), Dense(1, name="b")(inputs)])

    cases = [
        (classifier(metrics=["acc", "ce"]), LABELS),
        (classifier(metrics=["AUC", keras.metrics.Precision(name="p")], weighted_metrics=["acc"]), LABELS),
        (regressor([keras.metrics.mean_absolute_error, "mse"]), Y),
        (two(), [LABELS, LABELS]),
    ]
    cases[1][0].compile("sgd", "mse", metrics=["mae", "mse"], weighted_metrics=["mse"])
    cases[1] = (cases[1][0], np.eye(2)[LABELS])
    cases[3][0].compile("sgd", "mse", metrics={"a": ["mae", "mse"], "b": "mae"})
    for model, labels in cases:
        history = model.fit(X, labels, verbose=0, validation_data=(X, labels), callbacks=[Watch("loss")])
        assert sorted(names.pop()) == sorted(history.history)


def test_names_are_unknown_where_code_of_the_user_decides() -> None:
    class Own(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            return {**super().train_step(data), "own": torch.tensor(1.0)}

    model = Own([Dense(2, input_shape=(4,))])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[callbacks.EarlyStopping("own")])  # no warning

    class AddsF1(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["val_f1"] = 0.5

    regressor().fit(X, Y, verbose=0, callbacks=[AddsF1(), callbacks.EarlyStopping("val_f1", mode="max")])
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(x=1.0))
    regressor().fit(X, Y, verbose=0, callbacks=[add, callbacks.EarlyStopping("x")])
    with pytest.warns(UserWarning, match="which is not available. Available are: loss, mae, x.") as said:
        regressor().fit(X, Y, epochs=2, verbose=0, callbacks=[add, callbacks.EarlyStopping("y")])
    assert len(said) == 1


def test_values_that_come_in_later_epochs_are_waited_for() -> None:
    stop = callbacks.EarlyStopping("val_loss", patience=5)
    history = regressor().fit(
        X, Y, epochs=4, verbose=0, validation_data=(X, Y), validation_freq=2, callbacks=[stop]
    )  # and no warning
    assert stop.best == min(history.history["val_loss"])
    assert stop.wait <= 1


def test_names_in_paths_are_checked_before_training(tmp_path: Any) -> None:
    save = callbacks.ModelCheckpoint(str(tmp_path / "{epoch}-{val_los:.2f}.h5"))
    model = regressor()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"expected names of logs in the path; received 'val_los'. Did you mean"):
        model.fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[save])
    assert (model.get_weights()[0] == before[0]).all()
    with pytest.raises(ValueError, match="received 'batch'. "):
        model.fit(X, Y, verbose=0, callbacks=[callbacks.ModelCheckpoint(str(tmp_path / "{batch}.h5"))])
    path = str(tmp_path / "{epoch}-{batch}-{loss:.1f}-{mean_absolute_error!r:.1}.h5")
    model.compile("sgd", "mse", metrics=["mean_absolute_error"])
    model.fit(X, Y, verbose=0, callbacks=[callbacks.ModelCheckpoint(path, save_freq=1)])
    assert [found.name[:4] for found in tmp_path.iterdir()] == ["1-1-"]


@pytest.mark.parametrize(
    ("path", "weights_only", "text"),
    [
        ("model.txt", False, "received the suffix '.txt'"),
        ("model.keras", True, "expected the suffix of a file for weights, such as '.weights.h5'; received"),
        ("model.weights.h5", False, "expected the suffix of a file for a whole model, such as '.keras'; received"),
    ],
)
def test_suffixes_are_checked_before_training(tmp_path: Any, path: str, weights_only: bool, text: str) -> None:
    model = regressor()
    save = callbacks.ModelCheckpoint(str(tmp_path / path), save_weights_only=weights_only)
    with pytest.raises(ValueError, match=text):
        model.fit(X, Y, verbose=0, callbacks=[save])
    assert int(model.optimizer.iterations) == 0 and list(tmp_path.iterdir()) == []


def test_checkpoints_into_a_folder_are_overwritten(tmp_path: Any) -> None:
    path = tmp_path / "saved"
    model = regressor()
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[callbacks.ModelCheckpoint(str(path))])
    loaded = keras.models.load_model(path)
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


# ------------------------------------------------------------------ a loss that is no number


def diverging() -> Any:
    model = regressor(rate=1e20)
    return model


def test_nan_is_warned_of_once() -> None:
    with pytest.warns(RuntimeWarning) as said:
        history = diverging().fit(X, Y, batch_size=2, epochs=3, verbose=0)
    assert math.isnan(history.history["loss"][-1])
    (text,) = (str(one.message) for one in said)
    assert text.startswith("Sequential 'sequential': expected a loss that is a number; received NaN in epoch 1. Lower")
    assert said[0].filename == __file__


BREAKS = [(batch, loss) for batch in (1, 2) for loss in ("nan", "inf")]


def test_terminate_on_nan_names_batch_and_loss(capsys: pytest.CaptureFixture[str]) -> None:
    history = diverging().fit(X, Y, batch_size=2, epochs=3, verbose=0, callbacks=[callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1  # and no warning
    (line,) = capsys.readouterr().out.splitlines()
    assert line in [
        f"Batch {k}: Invalid loss, terminating training (loss: {x})" for k in (1, 2) for x in ("nan", "inf")
    ]


def test_a_value_that_is_read_alone_is_the_logged_one() -> None:
    class Reader(callbacks.Callback):
        def __init__(self, together: bool) -> None:
            super().__init__()
            self.together, self.seen = together, []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.seen.append(dict(logs)["loss"] if self.together else logs["loss"])

    x = np.random.RandomState(0).normal(size=(50, 3)).astype("float32")
    seen = []
    for together in (False, True):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Dense(2, input_shape=(3,))])
        model.compile("sgd", "mse", metrics=["mae"])
        reader = Reader(together)
        history = model.fit(x, x[:, :2], batch_size=7, verbose=0, callbacks=[reader])
        assert reader.seen[-1] == history.history["loss"][0]
        seen.append(reader.seen)
    assert seen[0] == seen[1] and all(type(value) is float for value in seen[0])
