"""evaluate and predict take several batches at once where nobody could tell, and give what single batches give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Lambda,
    MaxPooling2D,
)

RNG = np.random.default_rng(0)
IMAGES, VECTORS = RNG.random((150, 20, 20, 1), dtype="float32"), RNG.random((150, 6), dtype="float32")
CLASSES = RNG.integers(0, 3, 150)
WEIGHTS = RNG.random(150, dtype="float32")


def convolutional() -> Any:
    return keras.Sequential(
        [
            Conv2D(32, 3, activation="relu", input_shape=(20, 20, 1), kernel_regularizer="l2"),
            BatchNormalization(),
            MaxPooling2D(),
            Flatten(),
            Dense(3, activation="softmax"),
        ]
    )


def dense() -> Any:
    return keras.Sequential([Dense(5, activation="relu", input_shape=(6,)), Dense(3, activation="softmax")])


class Watcher(keras.callbacks.Callback):
    """A callback that looks at batches, so that none are merged."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches.append(batch)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches.append(batch)


def counted(model: Any) -> list[int]:
    """The batch sizes of each later call of the model's first layer."""
    sizes: list[int] = []
    model.layers[0].register_forward_pre_hook(lambda layer, args: sizes.append(args[0].shape[0]))
    return sizes


@pytest.mark.parametrize("sample_weight", [None, WEIGHTS])
@pytest.mark.parametrize(("build", "x"), [(convolutional, IMAGES), (dense, VECTORS)])
def test_evaluate_gives_what_single_batches_give(build: Any, x: np.ndarray, sample_weight: Any) -> None:
    model = build()
    model.compile(
        "sgd",
        "sparse_categorical_crossentropy",
        metrics=["accuracy", "sparse_top_k_categorical_accuracy"],
        weighted_metrics=["accuracy"],
    )
    watcher = Watcher()
    options = {"batch_size": 8, "verbose": 0, "sample_weight": sample_weight, "return_dict": True}
    merged = model.evaluate(x, CLASSES, **options)
    single = model.evaluate(x, CLASSES, callbacks=[watcher], **options)
    assert watcher.batches == list(range(19))
    assert merged.keys() == single.keys()
    for name in merged:
        assert merged[name] == pytest.approx(single[name], rel=1e-5), name


def test_small_models_are_called_on_several_batches_and_larger_ones_on_one() -> None:
    for build, x, expected in ((dense, VECTORS, [150]), (convolutional, IMAGES, [32, 32, 32, 32, 22])):
        model = build()
        model.compile("sgd", "sparse_categorical_crossentropy")
        sizes = counted(model)
        model.evaluate(x, CLASSES, verbose=0)
        assert sizes == expected
        del sizes[:]
        model.predict(x, verbose=0)
        assert sizes == expected


def test_predict_gives_what_single_batches_give() -> None:
    model = dense()
    single = model.predict(VECTORS, batch_size=8, verbose=0, callbacks=[Watcher()])
    np.testing.assert_allclose(model.predict(VECTORS, batch_size=8, verbose=0), single, rtol=1e-5)


def test_masked_and_several_outputs() -> None:
    words = Input((5,), dtype="int64")
    embedded = Embedding(9, 400, mask_zero=True)(words)
    pooled = GlobalAveragePooling1D()(embedded)
    model = keras.Model(words, [Dense(1, name="each")(embedded), Dense(2, name="all")(pooled)])
    model.compile("sgd", {"each": "mse", "all": "mae"}, metrics={"each": "mae"})
    x = RNG.integers(0, 9, (150, 5)) * np.array([1, 1, 1, 1, 0])
    x[:, 0] = 1
    y = [RNG.random((150, 5, 1), dtype="float32"), RNG.random((150, 2), dtype="float32")]
    merged = model.evaluate(x, y, batch_size=64, verbose=0, return_dict=True)
    single = model.evaluate(x, y, batch_size=64, verbose=0, return_dict=True, callbacks=[Watcher()])
    assert merged == pytest.approx(single, rel=1e-5)


def test_several_outputs_are_scored_together() -> None:
    inputs = Input((6,))
    wide = Dense(3000, activation="relu")(inputs)
    model = keras.Model(inputs, {"a": Dense(2)(wide), "b": Dense(3, activation="softmax")(wide)})
    model.compile("sgd", {"a": "mse", "b": "sparse_categorical_crossentropy"}, metrics={"b": "accuracy"})
    y = {"a": RNG.random((150, 2), dtype="float32"), "b": CLASSES}
    options = {"batch_size": 64, "verbose": 0, "return_dict": True}
    merged = model.evaluate(VECTORS, y, **options)
    assert merged == pytest.approx(model.evaluate(VECTORS, y, callbacks=[Watcher()], **options), rel=1e-5)


def test_code_of_others_sees_single_batches() -> None:
    class OwnStep(keras.Sequential):
        def test_step(self, data: Any) -> Any:
            return super().test_step(data)

    def own_loss(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return y_pred.max() + 0.0 * y_true.sum()

    own_step = OwnStep([Dense(3, activation="softmax", input_shape=(6,))])
    own_step.compile("sgd", "sparse_categorical_crossentropy")
    with_loss = dense()
    with_loss.compile("sgd", own_loss)
    with_lambda = keras.Sequential([Lambda(lambda t: t - t.mean(0), input_shape=(6,)), Dense(3, activation="softmax")])
    with_lambda.compile("sgd", "sparse_categorical_crossentropy")
    for model in (own_step, with_loss, with_lambda):
        sizes = counted(model)
        model.evaluate(VECTORS, CLASSES, batch_size=50, verbose=0)
        assert sizes == [50, 50, 50]
