"""Models are freed the moment nobody holds them, and using them over and over takes no more memory."""

from __future__ import annotations

import copy
import gc
import json
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import kerastorch as keras
from kerastorch.layers import (
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Lambda,
    Layer,
    MaxPooling2D,
)

X = np.random.RandomState(0).rand(16, 6).astype("float32")
Y = np.random.RandomState(1).rand(16, 1).astype("float32")
IMAGES = np.random.RandomState(2).rand(16, 8, 8, 1).astype("float32")
WORDS = np.random.RandomState(3).randint(0, 9, (16, 5))


@pytest.fixture(autouse=True, scope="module")
def warm() -> None:
    """torch imports parts of itself when they are first used, and such imports leave cycles behind."""
    for optimizer in ("sgd", "adam"):
        model = stack()
        model.compile(optimizer, "mse", metrics=["mae"])
        model.fit(X, Y, validation_data=(X, Y), verbose=0)
    gc.collect()


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def stack() -> Any:
    return keras.Sequential(
        [Dense(4, activation="relu", input_shape=(6,)), Dropout(0.5), BatchNormalization(), Dense(1)]
    )


def deferred() -> Any:
    return keras.Sequential([Dense(4), Dense(1)])


def convolutional() -> Any:
    return keras.Sequential(
        [Conv2D(2, 3, activation="relu", input_shape=(8, 8, 1)), MaxPooling2D(), Flatten(), Dense(1)]
    )


def branching() -> Any:
    x = Input((6,))
    shared = Dense(4, kernel_regularizer="l2", activity_regularizer="l1")
    h = Add()([shared(x), shared(x * 2)])
    return keras.Model(x, Dense(1)(Concatenate()([h, torch.tanh(h)[:, :2]])))


def nested() -> Any:
    x = Input((6,))
    inner = keras.Sequential([Dense(4), keras.Sequential([Dense(3)])])
    return keras.Model(x, Dense(1)(inner(x)))


def masked() -> Any:
    words = Input((5,), dtype="int64")
    return keras.Model(words, Dense(1)(GlobalAveragePooling1D()(Embedding(9, 4, mask_zero=True)(words))))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = [Dense(4), [Dense(4)], {"last": Dense(1)}]
        self.linear = nn.Linear(6, 6)
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
        x = self.blocks[1][0](self.blocks[0](self.linear(inputs)))
        self.add_loss(x.square().mean())
        self.add_metric(x.mean(), name="mean")
        self.seen.update_state(x.detach().sum())
        return self.blocks[2]["last"](x)


class CustomStep(keras.Sequential):
    def train_step(self, data: Any) -> Any:
        x, y = data
        loss = (self(x, training=True) - y).square().mean()
        gradients = torch.autograd.grad(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss.detach()}


class Own(Layer):
    def build(self, input_shape: Any) -> None:
        self.w = self.add_weight(name="w", shape=(input_shape[-1], 1))

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ self.w


MODELS: dict[str, tuple[Callable[[], Any], np.ndarray]] = {
    "stack": (stack, X),
    "deferred": (deferred, X),
    "convolutional": (convolutional, IMAGES),
    "branching": (branching, X),
    "nested": (nested, X),
    "masked": (masked, WORDS),
    "subclassed": (Subclassed, X),
    "custom step": (lambda: CustomStep([Dense(1, input_shape=(6,))]), X),
    "own layer": (lambda: keras.Sequential([Own(input_shape=(6,))]), X),
    "lambda": (lambda: keras.Sequential([Lambda(lambda t: t * 2, input_shape=(6,)), Dense(1)]), X),
    "torch module": (lambda: keras.Sequential([Input((6,)), nn.Linear(6, 1)]), X),
}


def traces(model: Any) -> list[weakref.ref[Any]]:
    """Weak references to all that makes a model."""
    things = [model, *model._flatten_layers(), *model.weights, model.optimizer, model.compiled_loss, *model.metrics]
    things += [model.history]
    if model.graph is not None:
        things += model.graph.nodes
    return [weakref.ref(thing) for thing in things if thing is not None]


def alive(references: list[weakref.ref[Any]]) -> list[str]:
    return sorted({type(thing).__name__ for reference in references if (thing := reference()) is not None})


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "torch"])
def test_models_are_freed_at_once(name: str, optimizer: str, tmp_path: Path) -> None:
    build, x = MODELS[name]
    model = build()
    chosen = torch.optim.SGD if optimizer == "torch" else optimizer
    model.compile((lambda p: chosen(p, lr=0.01)) if optimizer == "torch" else chosen, "mse", metrics=["mae"])
    history = model.fit(
        x, Y, batch_size=4, epochs=2, validation_data=(x, Y), verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=1, restore_best_weights=True),
            keras.callbacks.ModelCheckpoint(str(tmp_path / "weights.h5"), save_weights_only=True),
        ],
    )  # fmt: skip
    model.evaluate(x, Y, verbose=0)
    model.predict(x, verbose=0)
    model.train_on_batch(x, Y)
    output = model(torch.from_numpy(x))
    losses = model.losses
    references = traces(model)
    del model, output, losses, history
    assert alive(references) == []


def test_a_history_alone_keeps_no_model() -> None:
    model = stack()
    model.compile("sgd", "mse")
    history = model.fit(X, Y, verbose=0)
    reference = weakref.ref(model)
    values = history.history
    del model, history
    assert reference() is None and len(values["loss"]) == 1


def test_copies_and_parts_are_freed_at_once() -> None:
    model = branching()
    twins = [
        copy.deepcopy(model),
        keras.models.clone_model(model),
        keras.models.model_from_json(model.to_json()),
        keras.models.model_from_config(json.loads(model.to_json())),
        keras.Model(model.input, model.layers[1].output),
    ]
    for twin in twins:
        twin(torch.from_numpy(X))
        twin.compile("sgd", "mse")
    references = [reference for twin in twins[:4] for reference in traces(twin)]
    part = weakref.ref(twins[4])
    del twins, twin
    assert alive(references) == [] and part() is None
    references = traces(model)
    tensor = model.output
    del model
    assert "Dense" in alive(references) and "Functional" not in alive(references)  # the tensor keeps its graph
    del tensor
    assert alive(references) == []


def test_symbolic_calls_leave_nothing_behind() -> None:
    layer = Dense(2)
    for _ in range(3):
        x = Input((6,))
        node = weakref.ref(layer(x).node)
        assert node() is None
    assert len(layer.weights) == 2


def test_failed_training_leaves_nothing_behind() -> None:
    model = stack()
    model.compile("sgd", "sparse_categorical_crossentropy")
    try:
        model.fit(X[:, :3], Y, verbose=0)
    except ValueError as error:
        del error
    references = traces(model)
    del model
    assert alive(references) == []


def test_hooks_and_summaries_leave_nothing_behind() -> None:
    model = branching()
    model.layers[1].register_forward_hook(lambda module, args, output: None).remove()
    model(torch.from_numpy(X))
    model.summary(print_fn=lambda line: None)
    assert "forward" in model.code
    references = traces(model)
    del model
    assert alive(references) == []


def test_data_are_freed_after_use() -> None:
    model = stack()
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = torch.rand(64, 6), torch.rand(64, 1)
    references = [weakref.ref(x), weakref.ref(y)]
    model.fit(x, y, verbose=0, validation_data=(x, y))
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    del x, y
    assert [reference() for reference in references] == [None, None]


def test_labels_of_unfinished_checks_are_freed() -> None:
    class Custom(Subclassed):
        def train_step(self, data: Any) -> Any:
            return {"loss": data[0].sum() * 0}

    model = Custom()
    model.compile("sgd", "mse")
    y = torch.rand(16, 1)
    reference = weakref.ref(y)
    model.fit(X, y, verbose=0)
    del y
    assert reference() is None


def resident_megabytes() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def growth(run: Callable[[], Any], rounds: int) -> float:
    for _ in range(5):
        run()
    before = resident_megabytes()
    for _ in range(rounds):
        run()
    return resident_megabytes() - before


@needs_proc
def test_rounds_of_build_and_fit_take_no_more_memory() -> None:
    def run() -> None:
        model = keras.Sequential([Dense(64, activation="relu", input_shape=(784,)), Dense(10, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(images, labels, batch_size=32, verbose=0, callbacks=[keras.callbacks.EarlyStopping("loss")])

    images, labels = np.random.rand(128, 784).astype("float32"), np.random.randint(0, 10, 128)
    assert growth(run, 100) < 5


@needs_proc
def test_calls_of_train_on_batch_take_no_more_memory() -> None:
    model = keras.Sequential([Dense(64, activation="relu", input_shape=(784,)), Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = np.random.rand(32, 784).astype("float32"), np.random.randint(0, 10, 32)
    assert growth(lambda: model.train_on_batch(images, labels), 1000) < 5
    assert growth(lambda: model.test_on_batch(images, labels, reset_metrics=False), 200) < 2


@needs_proc
def test_rounds_of_predict_take_no_more_memory() -> None:
    model = convolutional()
    assert growth(lambda: model.predict(IMAGES, verbose=0), 200) < 2
    assert growth(lambda: model(IMAGES), 200) < 2
