"""Whole-model training against tf_keras: history, weights, evaluation and predictions after 50 steps."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

import kerastorch as keras
from cases_training import TRAINING, TrainingCase
from support import Golden, assert_close

GOLDEN = Golden("training")


def first_rows(value: Any, count: int) -> Any:
    if isinstance(value, dict):
        return {key: array[:count] for key, array in value.items()}
    if isinstance(value, list):
        return [array[:count] for array in value]
    return value[:count]


def trained(case: TrainingCase) -> tuple[Any, Any]:
    model = case.build(keras)
    model.set_weights(case.initial_weights(model.get_weights()))
    model.compile(**case.compile(keras))
    x, y = case.data()
    with contextlib.nullcontext() if case.warns is None else pytest.warns(UserWarning, match=case.warns):
        return model, model.fit(x, y, **case.fit_arguments())


def expected_part(case: TrainingCase, part: str) -> np.ndarray:
    return GOLDEN[f"{case.id}/{part}"]


@pytest.mark.parametrize("case", TRAINING, ids=[case.id for case in TRAINING])
def test_training(case: TrainingCase) -> None:
    model, history = trained(case)
    facts = GOLDEN.facts[case.id]

    assert list(history.history) == facts["history"]
    assert history.epoch == facts["epochs"]
    for key, values in history.history.items():
        assert_close(np.asarray(values, "float32"), expected_part(case, f"history/{key}"), 1e-5, key)

    weights = model.get_weights()
    assert f"{case.id}/weight/{len(weights)}" not in GOLDEN
    for i, weight in enumerate(weights):
        assert_close(weight, expected_part(case, f"weight/{i}"), case.tolerance, model.weights[i].name)
    assert int(model.optimizer.iterations) == facts["steps"]

    x, y = case.data()
    evaluated = model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)
    assert sorted(evaluated) == sorted(facts["evaluate"])
    for key, value in evaluated.items():
        assert_close(value, expected_part(case, f"evaluate/{key}"), 1e-5, key)
    assert list(model.metrics_names) == facts["metrics_names"]
    listed = model.evaluate(x, y, batch_size=32, verbose=0)
    listed = listed if isinstance(listed, list) else [listed]
    for name, value in zip(model.metrics_names, listed, strict=True):
        assert_close(value, expected_part(case, f"evaluate/{name}"), 1e-5, name)

    predicted = model.predict(x, batch_size=32, verbose=0)
    predicted = predicted if isinstance(predicted, list) else [predicted]
    assert len(predicted) == facts["outputs"]
    for i, prediction in enumerate(predicted):
        assert isinstance(prediction, np.ndarray)
        assert_close(prediction[:5], expected_part(case, f"predict/{i}"), 2e-5, f"prediction {i}")


BATCHWISE = [
    case
    for case in TRAINING
    if case.id
    in ("mlp-adam", "cnn-sgd", "mlp-batchnorm", "two-and-two", "two-and-two-lists", "regularized", "text", "subclassed")
]


@pytest.mark.parametrize("case", BATCHWISE, ids=[case.id for case in BATCHWISE])
def test_train_on_batch_takes_the_steps_of_fit(case: TrainingCase) -> None:
    """One step by hand and one step of fit, from the same weights on the same rows, end alike."""
    ends = []
    for by_hand in (False, True):
        keras.backend.clear_session()
        model = case.build(keras)
        model.set_weights(case.initial_weights(model.get_weights()))
        model.compile(**case.compile(keras))
        x, y = (first_rows(part, 16) for part in case.data())
        if by_hand:
            logs = model.train_on_batch(x, y, return_dict=True)
        else:
            fitted = model.fit(x, y, batch_size=16, verbose=0, shuffle=False).history
            logs = {key: values[0] for key, values in fitted.items()}
        ends.append((logs, model.get_weights(), model.test_on_batch(x, y), model.predict_on_batch(x)))
    (logs, weights, tested, predicted), (logs_2, weights_2, tested_2, predicted_2) = ends
    assert list(logs) == list(logs_2)
    assert_close(list(logs_2.values()), list(logs.values()), 1e-6, "logs")
    for weight, weight_2 in zip(weights, weights_2, strict=True):
        assert_close(weight_2, weight, 1e-6, "weight")
    assert_close(np.asarray(tested_2), np.asarray(tested), 1e-6, "test_on_batch")
    pairs = zip(predicted, predicted_2, strict=True) if isinstance(predicted, list) else [(predicted, predicted_2)]
    for prediction, prediction_2 in pairs:
        assert_close(prediction_2, prediction, 1e-6, "predict_on_batch")


INPUT_FORMS = ["tensor", "list", "generator", "dataset", "loader", "sequence"]


@pytest.mark.parametrize("form", INPUT_FORMS)
def test_every_form_of_input_trains_alike(form: str) -> None:
    """Whatever holds the data, the run is the golden one of the arrays."""
    import torch

    case = next(case for case in TRAINING if case.id == "mlp-adam")
    model = case.build(keras)
    model.set_weights(case.initial_weights(model.get_weights()))
    model.compile(**case.compile(keras))
    x, y = case.data()
    rows = [slice(i, i + 16) for i in range(0, len(x), 16)]
    arguments: dict[str, Any] = {"epochs": 10, "verbose": 0, "shuffle": False}
    tensors = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    if form == "tensor":
        history = model.fit(torch.from_numpy(x), torch.from_numpy(y), batch_size=16, **arguments)
    elif form == "list":
        history = model.fit(x.tolist(), y.tolist(), batch_size=16, **arguments)
    elif form == "generator":

        def batches() -> Any:
            while True:
                for part in rows:
                    yield x[part], y[part]

        history = model.fit(batches(), steps_per_epoch=5, **arguments)
    elif form == "dataset":
        history = model.fit(tensors, batch_size=16, **arguments)
    elif form == "loader":
        history = model.fit(torch.utils.data.DataLoader(tensors, batch_size=16), **arguments)
    else:

        class Batches(keras.utils.Sequence):
            def __len__(self) -> int:
                return len(rows)

            def __getitem__(self, index: int) -> Any:
                return x[rows[index]], y[rows[index]]

        history = model.fit(Batches(), **arguments)
    assert_close(history.history["loss"], expected_part(case, "history/loss"), 1e-5, "loss")
    for i, weight in enumerate(model.get_weights()):
        assert_close(weight, expected_part(case, f"weight/{i}"), 1e-5, f"weight {i}")
