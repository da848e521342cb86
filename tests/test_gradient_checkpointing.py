"""Gradient checkpointing: the same numbers, less memory, nothing done twice that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import kerastorch as keras
from kerastorch import layers, mixed_precision
from kerastorch.layers import Dense
from support import integers, normal


def residual(seed: int | None = None) -> Any:
    x = inputs = keras.Input((8, 8, 3))
    for _ in range(5):
        y = layers.Conv2D(6, 3, padding="same", activation="relu")(x)
        y = layers.Dropout(0.3, seed=seed)(layers.BatchNormalization()(y))
        y = layers.BatchNormalization(fused=False)(layers.Conv2D(6, 3, padding="same")(y))
        x = layers.Add()([layers.Conv2D(6, 1)(x), layers.ReLU()(y)])
    return keras.Model(inputs, Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def transformer() -> Any:
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(10, 8, mask_zero=True)(inputs)
    for _ in range(3):
        x = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x) + x)
        y = layers.GaussianNoise(0.1)(Dense(16, activation="gelu", activity_regularizer="l2")(x))
        x = x + layers.SpatialDropout1D(0.2)(Dense(8)(y))
    x = layers.LSTM(5, dropout=0.2, recurrent_dropout=0.2)(x)
    return keras.Model(inputs, Dense(3, activation="softmax")(x))


def sequential() -> Any:
    stack = [block for _ in range(6) for block in (Dense(8, activation="relu"), layers.BatchNormalization())]
    return keras.Sequential([*stack, layers.Flatten(), Dense(3, activation="softmax")])


def nested() -> Any:
    inputs = keras.Input((8, 8, 3))
    x = keras.Model(inputs, layers.Conv2D(4, 3)(inputs))(inputs)
    for _ in range(3):
        x = layers.TimeDistributed(layers.BatchNormalization())(layers.Conv2D(4, 3, padding="same")(x))
    inner = keras.Sequential([layers.Conv2D(4, 3, padding="same") for _ in range(6)])
    x = layers.GlobalMaxPooling2D()(inner(x))
    return keras.Model(inputs, Dense(3, activation="softmax")(x))


MODELS: dict[str, Callable[[], Any]] = {
    "residual": residual,
    "seeded": lambda: residual(seed=5),
    "transformer": transformer,
    "sequential": sequential,
    "nested": nested,
}


def data(name: str) -> tuple[np.ndarray, np.ndarray]:
    y = integers("labels", (12,), 3)
    return (integers("words", (12, 6), 10) if name == "transformer" else normal("images", (12, 8, 8, 3))), y


def made(name: str, checkpointing: bool, optimizer: Any = None) -> Any:
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = MODELS[name]()
    model.compile(
        optimizer or keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        gradient_checkpointing=checkpointing,
    )
    return model


def saved_bytes(model: Any, x: Any) -> int:
    """How much memory the forward keeps for backward, beside the weights."""
    kept: dict[int, torch.Tensor] = {}
    weights = {weight.untyped_storage().data_ptr() for weight in model.weights}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        outputs = model(x, training=True)
    size = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    assert outputs.requires_grad
    return size


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("name", MODELS)
def test_training_is_bit_equal(name: str, policy: str) -> None:
    mixed_precision.set_global_policy(policy)
    try:
        found = []
        for checkpointing in (False, True):
            model = made(name, checkpointing)
            history = model.fit(*data(name), epochs=3, batch_size=4, verbose=0).history
            found.append((history, model.get_weights(), model.predict(data(name)[0], verbose=0)))
    finally:
        mixed_precision.set_global_policy(None)
    (history, weights, outputs), (other_history, other_weights, other_outputs) = found
    assert history == other_history
    assert all(np.array_equal(one, other) for one, other in zip(weights, other_weights, strict=True))
    np.testing.assert_array_equal(outputs, other_outputs)


@pytest.mark.parametrize(("name", "share"), [("residual", 0.5), ("seeded", 0.5), ("transformer", 0.6)])
def test_less_is_kept_for_backward(name: str, share: float) -> None:
    x = torch.from_numpy(data(name)[0])
    kept = [saved_bytes(made(name, checkpointing), x) for checkpointing in (False, True)]
    assert kept[1] < share * kept[0]


def test_depth_costs_its_root() -> None:
    """Four times as many layers keep about twice as much, instead of four times."""
    x = torch.randn(16, 32)
    kept = []
    for depth in (16, 64):
        model = keras.Sequential([keras.Input((32,)), *(Dense(32, activation="tanh") for _ in range(depth))])
        model.gradient_checkpointing = True
        kept.append(saved_bytes(model, x))
    assert 1.2 < kept[1] / kept[0] < 2.7


def test_the_flag_can_be_set_and_taken_back() -> None:
    model = made("residual", False)
    x = torch.from_numpy(data("residual")[0])
    plain = saved_bytes(model, x)
    model.gradient_checkpointing = True
    assert "def part(" in model.code and saved_bytes(model, x) < plain
    model.gradient_checkpointing = False
    assert "def part(" not in model.code and saved_bytes(model, x) == plain
    model.gradient_checkpointing = True
    model.compile("sgd", "mse")
    assert model.gradient_checkpointing  # compile leaves it alone where it says nothing


def test_models_inside_follow() -> None:
    model = made("nested", True)
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert len(inner) == 2 and all(one.gradient_checkpointing for one in inner)
    x = torch.from_numpy(data("nested")[0])
    with_inner = saved_bytes(model, x)
    model.gradient_checkpointing = False
    assert not inner[1].gradient_checkpointing
    assert with_inner < 0.8 * saved_bytes(model, x)


def test_inference_keeps_nothing_and_computes_once() -> None:
    calls = []

    class Counting(keras.layers.Layer):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            if not inputs.is_meta:
                calls.append(torch.is_grad_enabled())
            return inputs * 2

    stack = [block for _ in range(8) for block in (Dense(4), Counting())]
    model = keras.Sequential([keras.Input((4,)), *stack])
    model.gradient_checkpointing = True
    model.predict(np.ones((2, 4)), verbose=0)
    assert calls == [False] * 8
    calls.clear()
    model(torch.ones(2, 4)).sum().backward()
    assert 8 < len(calls) < 16  # the last part is not computed again


@pytest.mark.parametrize("kind", ["state", "hook", "module", "metric"])
def test_what_cannot_run_twice_runs_once(kind: str) -> None:
    calls = []

    class State(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.count = self.add_weight("count", shape=(), initializer="zeros", trainable=False)

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            if not inputs.is_meta:
                self.count.assign_add(1.0)
            return inputs * 1.5

    class Measuring(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.mean = keras.metrics.Sum(name="total")

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            if not inputs.is_meta:
                self.mean.update_state(1.0)
            return inputs * 1.5

    norm = nn.BatchNorm1d(4)
    layer = {
        "state": State,
        "hook": lambda: Dense(4),
        "module": lambda: layers.TorchModule(norm),
        "metric": Measuring,
    }[kind]()
    before, after = ([Dense(4, activation="tanh") for _ in range(6)] for _ in range(2))
    model = keras.Sequential([keras.Input(batch_shape=(2, 4)), *before, layer, *after])
    model.gradient_checkpointing = True
    if kind == "hook":
        model(torch.randn(2, 4), training=True)
        layer.register_forward_hook(lambda *_: calls.append(1))
    model(torch.randn(2, 4), training=True).sum().backward()
    count = {
        "state": lambda: layer.count.item(),
        "hook": lambda: len(calls),
        "module": lambda: norm.num_batches_tracked.item(),
        "metric": lambda: layer.mean.result().item(),
    }[kind]()
    assert count == 1
    assert all(weight.grad is not None for weight in model.trainable_weights)


def test_states_of_recurrent_layers_move_once() -> None:
    found = []
    for checkpointing in (False, True):
        keras.utils.set_random_seed(2)
        stack = [layers.LSTM(4, stateful=True, return_sequences=True) for _ in range(4)]
        model = keras.Sequential([keras.Input(batch_shape=(4, 5, 3)), *stack, layers.Flatten(), Dense(1)])
        model.compile("adam", "mse", gradient_checkpointing=checkpointing)
        model.fit(normal("x", (8, 5, 3)), normal("y", (8, 1)), epochs=3, batch_size=4, verbose=0, shuffle=False)
        found.append([*model.get_weights(), *(state.numpy() for layer in stack for state in layer.states)])
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_losses_and_metrics_that_layers_add_count_once() -> None:
    class Adding(keras.layers.Layer):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            self.add_loss(inputs.square().mean())
            self.add_metric(inputs.detach().mean(), name="mean")
            return inputs

    found = []
    for checkpointing in (False, True):
        keras.utils.set_random_seed(2)
        stack = [block for _ in range(5) for block in (Dense(4, activation="tanh"), Adding())]
        model = keras.Sequential([keras.Input((4,)), *stack, Dense(1)])
        model.compile("sgd", "mse", gradient_checkpointing=checkpointing)
        found.append(model.fit(normal("x", (8, 4)), normal("y", (8, 1)), epochs=3, verbose=0).history)
    assert found[0] == found[1] and len(found[0]["mean"]) == 3


def test_generators_of_layers_draw_once() -> None:
    class Noise(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.source = keras.random.SeedGenerator(3)
            self.generator = torch.Generator().manual_seed(4)

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            if inputs.is_meta:
                return inputs
            drawn = keras.random.uniform(inputs.shape, seed=self.source)
            return inputs * drawn * torch.rand(inputs.shape, generator=self.generator)

    found = []
    for checkpointing in (False, True):
        keras.utils.set_random_seed(2)
        stack = [block for _ in range(5) for block in (Dense(4), Noise())]
        model = keras.Sequential([keras.Input((4,)), *stack, Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse", gradient_checkpointing=checkpointing)
        model.fit(normal("x", (8, 4)), normal("y", (8, 1)), epochs=3, batch_size=4, verbose=0)
        found.append((model.get_weights(), [layer.source.count for layer in stack[1::2]]))
    assert found[0][1] == found[1][1] == [6] * 5
    assert all(np.array_equal(one, other) for one, other in zip(found[0][0], found[1][0], strict=True))


@pytest.mark.filterwarnings("ignore:LossScaleOptimizer")
def test_scaled_losses_go_along() -> None:
    mixed_precision.set_global_policy("mixed_float16")
    try:
        found = []
        for checkpointing in (False, True):
            model = made("sequential", checkpointing)
            model.fit(*data("sequential"), epochs=2, verbose=0)
            found.append(model.get_weights())
    finally:
        mixed_precision.set_global_policy(None)
    assert isinstance(model.optimizer, mixed_precision.LossScaleOptimizer)
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_models_that_define_call_are_refused() -> None:
    class Own(keras.Model):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs

    model = Own(name="own")
    text = (
        "Own 'own': expected a functional or Sequential model for gradient_checkpointing; received one that defines "
        "`call`. Set it on the models inside, or use torch.utils.checkpoint in `call`."
    )
    for use in (
        lambda: setattr(model, "gradient_checkpointing", True),
        lambda: model.compile("sgd", "mse", gradient_checkpointing=True),
    ):
        with pytest.raises(ValueError) as caught:
            use()
        assert str(caught.value) == text
    model.compile("sgd", "mse", gradient_checkpointing=False)
    assert model.gradient_checkpointing is False


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    yield
    assert not torch.is_autocast_enabled("cpu")
