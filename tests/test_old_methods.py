"""Methods and argument words of earlier Keras do the work of today's, and say so once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import kerastorch as keras
from support import assert_close, normal

X = normal("x", (12, 3))
Y = (X.sum(1) > 0).astype("int64")


def classifier(units: int = 2) -> Any:
    keras.utils.set_random_seed(0)
    activation = "softmax" if units > 1 else "sigmoid"
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(units, activation=activation)])
    loss = "sparse_categorical_crossentropy" if units > 1 else "binary_crossentropy"
    model.compile("sgd", loss, metrics=["accuracy"])
    return model


def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    while True:
        for start in range(0, 12, 4):
            yield X[start : start + 4], Y[start : start + 4]


def todays() -> Any:
    model = classifier()
    history = model.fit(batches(), steps_per_epoch=3, epochs=2, validation_data=batches(), validation_steps=2)
    return model, history


def test_fit_generator() -> None:
    model, wanted = classifier(), todays()[1]
    with pytest.warns(UserWarning, match=r"fit_generator: an earlier name of fit. Use model.fit"):
        found = model.fit_generator(batches(), 3, epochs=2, validation_data=batches(), validation_steps=2)
    assert found.history == wanted.history


def test_words_of_keras_1() -> None:
    model, wanted = classifier(), todays()[1]
    text = "samples_per_epoch= is steps_per_epoch=, nb_epoch= is epochs=, nb_val_samples= is validation_steps="
    with pytest.warns(UserWarning) as caught:
        found = model.fit_generator(
            batches(), samples_per_epoch=12, nb_epoch=2, validation_data=batches(), nb_val_samples=8, verbose=0
        )
    assert [text in str(warning.message) for warning in caught] == [False, True]
    assert found.history == wanted.history


def test_nb_epoch() -> None:
    model = classifier()
    with pytest.warns(UserWarning, match="fit: earlier words were taken as today's: nb_epoch= is epochs=. Use today"):
        history = model.fit(X, Y, 4, nb_epoch=3, verbose=0)
    assert history.epoch == [0, 1, 2] and history.params["steps"] == 3


def test_evaluate_generator_and_predict_generator(capsys: pytest.CaptureFixture[str]) -> None:
    model = todays()[0]
    capsys.readouterr()
    with pytest.warns(UserWarning, match="evaluate_generator: an earlier name of evaluate"):
        found = model.evaluate_generator(batches(), 3)
    assert capsys.readouterr().out == ""
    assert found == model.evaluate(batches(), steps=3, verbose=0)
    with pytest.warns(UserWarning, match="predict_generator: an earlier name of predict"):
        assert_close(model.predict_generator(batches(), steps=3), model.predict(X, verbose=0), 1e-6)


@pytest.mark.parametrize("units", [2, 1])
def test_predict_classes_and_predict_proba(units: int) -> None:
    model = classifier(units)
    scores = model.predict(X, verbose=0)
    with pytest.warns(UserWarning, match=r"predict_classes: an earlier method. Use np.argmax"):
        classes = model.predict_classes(X)
    np.testing.assert_array_equal(classes, scores.argmax(-1) if units == 2 else (scores > 0.5).astype(int))
    with pytest.warns(UserWarning, match=r"predict_proba: an earlier method. Use model.predict\(x\)"):
        np.testing.assert_array_equal(model.predict_proba(X), scores)


def test_sequences_count_their_own_batches() -> None:
    class Batches(keras.utils.Sequence):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            return X[index * 4 : index * 4 + 4], Y[index * 4 : index * 4 + 4]

    with pytest.warns(UserWarning, match="samples_per_epoch= is steps_per_epoch="):
        history = classifier().fit(Batches(), samples_per_epoch=8, verbose=0)
    assert history.params["steps"] == 2


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(TypeError, match="nb_epochs"):
        classifier().fit(X, Y, nb_epochs=2)
