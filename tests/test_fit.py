"""fit, evaluate, predict and single batches: arguments, hooks, logs and what is printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import kerastorch as keras
from fit_tools import WIDTH, Batches, Items, N, Reusable, Seen, X, Y, endless, regressor
from kerastorch.layers import Dense, Dropout, Input

# --- validation ----------------------------------------------------------------------------------------


def test_validation_split_takes_the_last_samples() -> None:
    split, explicit = regressor(), regressor()
    first = split.fit(X, Y, validation_split=0.3, shuffle=False, batch_size=3, epochs=2, verbose=0).history
    second = explicit.fit(
        X[:7], Y[:7], validation_data=(X[7:], Y[7:]), shuffle=False, batch_size=3, epochs=2, verbose=0
    ).history
    assert list(first) == list(second) == ["loss", "mae", "val_loss", "val_mae"]
    for key in first:
        np.testing.assert_allclose(first[key], second[key], rtol=1e-6)
    left, right = Input((2,)), Input((2,))
    two = keras.Model({"a": left, "b": right}, [Dense(1)(left), Dense(1)(right)])
    two.compile("sgd", "mse")
    history = two.fit(
        {"a": X[:, :2], "b": X[:, 2:]}, [Y[:, 0], Y[:, 1]], sample_weight=np.ones(N), validation_split=0.2, verbose=0
    ).history
    assert len(history["val_loss"]) == 1


VALIDATION = {
    "tuple": lambda: (X, Y),
    "list": lambda: [X, Y],
    "tensors": lambda: (torch.from_numpy(X), torch.from_numpy(Y)),
    "loader": lambda: DataLoader(Items(), batch_size=4),
    "dataset": lambda: Items(),
    "sequence": lambda: Batches(),
}


@pytest.mark.parametrize("kind", VALIDATION)
def test_validation_data_of_every_kind(kind: str) -> None:
    model = regressor(rate=0.0)
    history = model.fit(X, Y, validation_data=VALIDATION[kind](), epochs=2, verbose=0).history
    expected = model.evaluate(X, Y, verbose=0)
    np.testing.assert_allclose(history["val_loss"], [expected[0]] * 2, rtol=1e-5)
    np.testing.assert_allclose(history["val_mae"], [expected[1]] * 2, rtol=1e-5)


def test_validation_from_a_generator() -> None:
    model = regressor(rate=0.0)
    history = model.fit(X, Y, validation_data=endless(), validation_steps=3, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["val_loss"], [model.evaluate(X, Y, verbose=0)[0]] * 2, rtol=1e-5)


def test_validation_with_sample_weights_steps_and_batch_size() -> None:
    model = regressor(rate=0.0)
    weights = np.arange(N).astype("float32")
    history = model.fit(X, Y, validation_data=(X, Y, weights), verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X, Y, sample_weight=weights, verbose=0)[0], rel=1e-5)
    history = model.fit(X, Y, validation_data=(X, Y), validation_steps=2, validation_batch_size=3, verbose=0).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X[:6], Y[:6], verbose=0)[0], rel=1e-5)


def test_validation_frequency() -> None:
    def epochs_with_validation(frequency: Any, epochs: int = 6) -> list[int]:
        seen = Seen()
        history = (
            regressor()
            .fit(X, Y, validation_data=(X, Y), validation_freq=frequency, epochs=epochs, verbose=0, callbacks=[seen])
            .history
        )
        ends = [i for i, call in enumerate(seen.calls) if call.startswith("epoch end")]
        tests = [i for i, call in enumerate(seen.calls) if call == "test end"]
        found = [next(number for number, end in enumerate(ends) if test < end) for test in tests]
        assert len(history["loss"]) == epochs and len(history.get("val_loss", [])) == len(found)
        return found

    assert epochs_with_validation(1) == [0, 1, 2, 3, 4, 5]
    assert epochs_with_validation(2) == [1, 3, 5]
    assert epochs_with_validation([1, 4]) == [0, 3]
    assert epochs_with_validation((6,)) == [5]
    with pytest.raises(ValueError, match="expected validation_freq of at least 1; received 0"):
        epochs_with_validation(0)


def test_validation_changes_nothing() -> None:
    with_it, without = regressor(), regressor()
    with_it.fit(X, Y, validation_data=(X, Y), epochs=3, shuffle=False, batch_size=3, verbose=0)
    without.fit(X, Y, epochs=3, shuffle=False, batch_size=3, verbose=0)
    for one, another in zip(with_it.get_weights(), without.get_weights(), strict=True):
        np.testing.assert_array_equal(one, another)


# --- epochs, callbacks, steps --------------------------------------------------------------------------


def test_epochs_and_initial_epoch() -> None:
    seen = Seen()
    history = regressor().fit(X, Y, epochs=5, initial_epoch=3, batch_size=5, verbose=0, callbacks=[seen])
    assert history.epoch == [3, 4] and len(history.history["loss"]) == 2
    assert seen.calls == [
        "train begin",
        "epoch begin 3", "train batch begin 0", "train batch end 0", "train batch begin 1", "train batch end 1",
        "epoch end 3",
        "epoch begin 4", "train batch begin 0", "train batch end 0", "train batch begin 1", "train batch end 1",
        "epoch end 4",
        "train end",
    ]  # fmt: skip
    assert regressor().fit(X, Y, epochs=2, initial_epoch=2, verbose=0).epoch == []
    assert regressor().fit(X, Y, epochs=0, verbose=0).history == {}
    model = regressor()
    model.fit(X, Y, epochs=2, verbose=0)
    assert model.history.epoch == [0, 1]
    assert model.fit(X, Y, epochs=1, verbose=0).epoch == [0]


def test_hooks_of_validation_evaluate_and_predict() -> None:
    seen = Seen()
    model = regressor()
    model.fit(X, Y, validation_data=(X, Y), verbose=0, callbacks=[seen])
    assert seen.calls[3:] == [
        "train batch end 0", "test begin", "test batch begin 0", "test batch end 0", "test end", "epoch end 0",
        "train end",
    ]  # fmt: skip
    assert set(seen.logs[-1]) == {"loss", "mae", "val_loss", "val_mae"}
    seen = Seen()
    model.evaluate(X, Y, batch_size=5, verbose=0, callbacks=[seen])
    assert seen.calls == [
        "test begin", "test batch begin 0", "test batch end 0", "test batch begin 1", "test batch end 1", "test end",
    ]  # fmt: skip
    seen = Seen()
    model.predict(X, verbose=0, callbacks=[seen])
    assert seen.calls == ["predict begin", "predict batch begin 0", "predict batch end 0", "predict end"]
    assert seen.logs[-1]["outputs"].shape == (N, 2)


def test_logs_of_batches_are_means_so_far() -> None:
    seen = Seen()
    model = regressor(rate=0.0)
    model.fit(X, Y, batch_size=5, shuffle=False, verbose=0, callbacks=[seen])
    first, second = (
        ((model.predict(part[0], verbose=0) - part[1]) ** 2).mean() for part in ((X[:5], Y[:5]), (X[5:], Y[5:]))
    )
    batches = [logs["loss"] for logs in seen.logs if "loss" in logs][:2]
    np.testing.assert_allclose(batches, [first, (first + second) / 2], rtol=1e-5)
    assert all(isinstance(value, float) for logs in seen.logs for value in logs.values())


def test_callbacks_stop_training() -> None:
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.stop_training = True

    model = regressor()
    history = model.fit(X, Y, batch_size=2, epochs=5, validation_data=(X, Y), verbose=0, callbacks=[Stop()])
    assert history.epoch == [0] and int(model.optimizer.iterations) == 2 and "val_loss" in history.history
    assert model.fit(X, Y, verbose=0).epoch == [0]
    by_epoch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", logs["loss"] < 1e9)
    )
    assert model.fit(X, Y, epochs=5, verbose=0, callbacks=[by_epoch]).epoch == [0]
    assert model.fit(X, Y, epochs=2, verbose=0, callbacks=by_epoch).epoch == [0]


def test_learning_rates_set_by_callbacks() -> None:
    model = regressor(rate=0.5)
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.0 if epoch else 0.5)
    weights: list[np.ndarray] = []
    snapshot = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()[0]))
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[schedule, snapshot])
    assert np.array_equal(weights[0], weights[1]) and np.array_equal(weights[1], weights[2])
    model.optimizer.learning_rate = 0.1
    model.fit(X, Y, verbose=0)
    assert not np.array_equal(weights[2], model.get_weights()[0])


def test_steps_per_execution() -> None:
    expected, model = regressor(), regressor(steps_per_execution=2)
    seen = Seen()
    wanted = expected.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0).history
    found = model.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0, callbacks=[seen]).history
    for key in wanted:
        np.testing.assert_allclose(found[key], wanted[key], rtol=1e-6)
    assert int(model.optimizer.iterations) == 10
    assert [call for call in seen.calls if call.startswith("train batch")][:6] == [
        "train batch begin 0", "train batch end 1", "train batch begin 2", "train batch end 3",
        "train batch begin 4", "train batch end 4",
    ]  # fmt: skip
    np.testing.assert_allclose(
        model.evaluate(X, Y, batch_size=3, verbose=0), expected.evaluate(X, Y, batch_size=3, verbose=0), rtol=1e-6
    )
    np.testing.assert_allclose(
        model.predict(X, batch_size=3, verbose=0), expected.predict(X, batch_size=3, verbose=0), rtol=1e-6
    )


def test_steps_per_execution_takes_no_batch_too_many() -> None:
    taken: list[int] = []

    def counted() -> Iterator[Any]:
        for number in range(100):
            taken.append(number)
            yield X, Y

    model = regressor(steps_per_execution=2)
    model.fit(counted(), steps_per_epoch=3, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 6 and taken == list(range(6))
    taken.clear()
    model.evaluate(counted(), steps=3, verbose=0)
    assert taken == [0, 1, 2]


def test_run_eagerly_and_unknown_options() -> None:
    eager, model = regressor(run_eagerly=True), regressor()
    assert eager.run_eagerly is True and model.run_eagerly is False
    wanted = model.fit(X, Y, epochs=2, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(eager.fit(X, Y, epochs=2, shuffle=False, verbose=0).history["loss"], wanted, rtol=1e-6)
    with pytest.raises(ValueError, match="expected steps_per_execution as a positive integer; received 0"):
        regressor(steps_per_execution=0)
    model.fit(X, Y, workers=4, use_multiprocessing=True, max_queue_size=2, verbose=0)


def test_training_mode_inside_fit() -> None:
    modes: list[tuple[str, bool]] = []

    class Probe(keras.layers.Layer):
        def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
            if inputs.device.type != "meta":
                modes.append(("call", training))
            return inputs

    model = keras.Sequential([Probe(input_shape=(WIDTH,)), Dense(2)])
    model.compile("sgd", "mse")
    for run, expected in (
        (lambda: model.fit(X, Y, verbose=0), True),
        (lambda: model.train_on_batch(X, Y), True),
        (lambda: model.evaluate(X, Y, verbose=0), False),
        (lambda: model.test_on_batch(X, Y), False),
        (lambda: model.predict(X, verbose=0), False),
        (lambda: model.predict_on_batch(X), False),
        (lambda: model(X), False),
    ):
        modes.clear()
        run()
        assert modes == [("call", expected)]
        assert not model.training


def test_a_model_in_training_mode_stays_there() -> None:
    model = keras.Sequential([Dropout(0.5, input_shape=(WIDTH,)), Dense(2)])
    model.compile("sgd", "mse")
    model.train()
    assert np.array_equal(model.predict(X, verbose=0), model.predict(X, verbose=0))
    model.evaluate(X, Y, verbose=0)
    model.fit(X, Y, verbose=0)
    assert model.training and (model(X) != model(X)).any()


# --- single batches ------------------------------------------------------------------------------------


def test_single_batches() -> None:
    model, other = regressor(), regressor()
    loss, mae = model.test_on_batch(X, Y)
    assert [loss, mae] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-6)
    history = other.fit(X, Y, batch_size=N, epochs=3, shuffle=False, verbose=0).history
    found = [model.train_on_batch(X, Y) for _ in range(3)]
    np.testing.assert_allclose(found, np.transpose([history["loss"], history["mae"]]), rtol=1e-6)
    np.testing.assert_array_equal(model.predict_on_batch(X), model.predict(X, verbose=0))
    as_dict = model.test_on_batch(torch.from_numpy(X), torch.from_numpy(Y), return_dict=True)
    assert list(as_dict) == ["loss", "mae"] and isinstance(as_dict["loss"], float)
    assert isinstance(regressor(metrics=[]).train_on_batch(X, Y), float)
    weighted = model.test_on_batch(X, Y, sample_weight=np.full(N, 2.0))
    assert weighted[0] == pytest.approx(2 * model.test_on_batch(X, Y)[0], rel=1e-5)


def test_metrics_of_single_batches_may_add_up() -> None:
    model = regressor(rate=0.0)
    first = model.test_on_batch(X[:5], Y[:5])
    both = model.test_on_batch(X[5:], Y[5:], reset_metrics=False)
    assert both == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    assert first == pytest.approx(model.test_on_batch(X[:5], Y[:5]), rel=1e-6)
    model.reset_metrics()
    assert all(float(metric.result()) == 0 for metric in model.metrics)


def test_results_of_evaluate() -> None:
    model = regressor()
    loss, mae = model.evaluate(X, Y, verbose=0)
    predicted = model.predict(X, verbose=0)
    assert loss == pytest.approx(((predicted - Y) ** 2).mean(), rel=1e-5)
    assert mae == pytest.approx(np.abs(predicted - Y).mean(), rel=1e-5)
    assert model.evaluate(X, Y, batch_size=3, verbose=0) == pytest.approx([loss, mae], rel=1e-5)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == pytest.approx({"loss": loss, "mae": mae})
    assert regressor(metrics=[]).evaluate(X, Y, verbose=0) == pytest.approx(loss)
    assert model.metrics_names == ["loss", "mae"]


def test_results_of_predict() -> None:
    model = regressor()
    whole = model.predict(X, verbose=0)
    assert isinstance(whole, np.ndarray) and whole.dtype == np.float32 and whole.flags.writeable
    for batch_size in (1, 3, 10, 100):
        np.testing.assert_allclose(model.predict(X, batch_size=batch_size, verbose=0), whole, rtol=1e-5, atol=1e-6)
    assert model.predict(X[:1], verbose=0).shape == (1, 2)
    whole[:] = 0
    assert model.predict(X, verbose=0).any()
    identity = keras.Sequential([keras.layers.Activation("linear", input_shape=(WIDTH,))])
    found = identity.predict(X, verbose=0)
    found[:] = 7
    identity.predict_on_batch(X)[:] = 7
    assert not (X == 7).any()  # what is predicted is the caller's own


# --- what is printed -----------------------------------------------------------------------------------


TIME = r"\d+(s|ms|us)"


def printed(capsys: pytest.CaptureFixture[str], run: Callable[[], Any]) -> str:
    capsys.readouterr()
    run()
    return capsys.readouterr().out


def test_printed_lines(capsys: pytest.CaptureFixture[str]) -> None:
    model = regressor()
    line = rf"3/3 \[==============================\] - \d+s {TIME}/step - loss: \d\.\d{{4}} - mae: \d\.\d{{4}}"
    out = printed(capsys, lambda: model.fit(X, Y, batch_size=4, epochs=2))
    assert re.fullmatch(rf"Epoch 1/2\n{line}\nEpoch 2/2\n{line}\n", out)
    out = printed(capsys, lambda: model.fit(X, Y, batch_size=4, validation_data=(X, Y)))
    assert re.fullmatch(rf"{line} - val_loss: \d\.\d{{4}} - val_mae: \d\.\d{{4}}\n", out)
    out = printed(capsys, lambda: model.fit(X, Y, batch_size=4, epochs=2, verbose=2))
    short = rf"3/3 - \d+s - loss: \d\.\d{{4}} - mae: \d\.\d{{4}} - {TIME}/epoch - {TIME}/step"
    assert re.fullmatch(rf"Epoch 1/2\n{short}\nEpoch 2/2\n{short}\n", out)
    assert re.fullmatch(rf"{line}\n", printed(capsys, lambda: model.evaluate(X, Y, batch_size=4)))
    assert re.fullmatch(rf"{short}\n", printed(capsys, lambda: model.evaluate(X, Y, batch_size=4, verbose=2)))
    bar = rf"3/3 \[=+\] - \d+s {TIME}/step\n"
    assert re.fullmatch(bar, printed(capsys, lambda: model.predict(X, batch_size=4)))
    for run in (model.fit, model.evaluate):
        assert printed(capsys, lambda run=run: run(X, Y, verbose=0)) == ""
    assert printed(capsys, lambda: model.predict(X, verbose=0)) == ""


def test_printed_lines_of_unknown_length(capsys: pytest.CaptureFixture[str]) -> None:
    model = regressor()
    out = printed(capsys, lambda: model.fit(Reusable(), epochs=2))
    values = r"- loss: \d\.\d{4} - mae: \d\.\d{4}\n"
    assert re.fullmatch(
        rf"Epoch 1/2\n3/3 \[=+\] - \d+s {TIME}/step {values}Epoch 2/2\n3/3 \[=+\] - \d+s {TIME}/step {values}", out
    )


def test_warnings_are_the_only_noise(capsys: pytest.CaptureFixture[str]) -> None:
    model = regressor()
    model.fit(X, Y, verbose=0, validation_split=0.2, callbacks=[keras.callbacks.EarlyStopping(patience=1)])
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""
