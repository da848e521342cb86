"""Training and data on CUDA; skipped where there is none."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import kerastorch as keras
from kerastorch.layers import Dense, Dropout
from torch_models import MODELS, X, Y, data_of, mlp, residual


@pytest.fixture
def cuda() -> str:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return "cuda"


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_training_on_cuda_equals_the_cpu(name: str, cuda: str) -> None:
    x = data_of(name)
    y = Y[: len(x)]
    with keras.device("cpu"):
        slow = MODELS[name]()
    fast = copy.deepcopy(slow).to(cuda)
    for model in (slow, fast):
        for layer in model.layers:
            if isinstance(layer, Dropout):
                layer.rate = 0.0
        model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    assert fast.device.type == "cuda" and [w.stride() for w in fast.weights] == [w.stride() for w in slow.weights]
    ours = fast.fit(x, y, epochs=5, batch_size=3, shuffle=False, validation_data=(x, y), verbose=0).history
    theirs = slow.fit(x, y, epochs=5, batch_size=3, shuffle=False, validation_data=(x, y), verbose=0).history
    for key, values in theirs.items():
        np.testing.assert_allclose(ours[key], values, rtol=1e-3)
    np.testing.assert_allclose(fast.predict(x, verbose=0), slow.predict(x, verbose=0), rtol=1e-3, atol=1e-4)
    assert fast.evaluate(x, y, verbose=0)[0] == pytest.approx(slow.evaluate(x, y, verbose=0)[0], rel=1e-3)


@pytest.mark.gpu
def test_data_too_large_for_the_device_are_copied_ahead(cuda: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (0, 0))
    seen = []

    class Probe(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            seen.append(data[0].device.type)
            return super().train_step(data)

    model = Probe([Dense(2, input_shape=(6,))])
    model.compile("sgd", "mse")
    first = model.fit(X.numpy(), Y.numpy(), batch_size=3, shuffle=False, epochs=2, verbose=0).history["loss"]
    assert seen == ["cuda"] * 6 and first[1] < first[0]
    assert model.predict(X.numpy(), batch_size=3, verbose=0).shape == (8, 2)


@pytest.mark.gpu
@pytest.mark.parametrize("source", ["generator", "loader", "dataset"])
def test_batches_reach_the_device(source: str, cuda: str) -> None:
    dataset = TensorDataset(X, Y)
    data = {
        "generator": lambda: ((X[i : i + 4].numpy(), Y[i : i + 4].numpy()) for i in (0, 4)),
        "loader": lambda: DataLoader(dataset, batch_size=4),
        "dataset": lambda: dataset,
    }[source]()
    model = residual()
    assert model.device.type == "cuda"
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(data, verbose=0).history["loss"]).all()


@pytest.mark.gpu
def test_labels_out_of_range_never_reach_the_device(cuda: str) -> None:
    model = keras.Sequential([Dense(2, activation="softmax", input_shape=(6,))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="received 2 in row 0"):
        model.fit(X, np.full(8, 2), verbose=0)
    assert model.predict(X, verbose=0).shape == (8, 2)  # the device is still usable


@pytest.mark.gpu
def test_no_step_waits_for_the_device(cuda: str) -> None:
    model = mlp()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)
    batch = X.cuda(), Y.cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        model.train_step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.fixture
def half() -> Iterator[None]:
    keras.mixed_precision.set_global_policy("mixed_float16")
    yield
    keras.mixed_precision.set_global_policy(None)


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_mixed_models_learn_and_return_16_bits(name: str, cuda: str, half: None) -> None:
    model = MODELS[name]()
    assert {layer.dtype_policy.name for layer in model.layers if layer.weights} == {"mixed_float16"}
    assert model(torch.as_tensor(data_of(name)).to(cuda)).dtype is torch.float16
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x = data_of(name)
    history = model.fit(x, Y[: len(x)], epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert isinstance(model.optimizer, keras.mixed_precision.LossScaleOptimizer)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:LossScaleOptimizer")
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_skipped_steps_on_cuda_leave_no_trace(optimizer: str, cuda: str) -> None:
    """Fused kernels skip by themselves, and the host learns of it a step later; others are not called."""
    weights = [keras.Variable(torch.tensor([1.0, -2.0]).to(cuda)) for _ in range(2)]
    scaled, plain = keras.mixed_precision.LossScaleOptimizer(optimizer), keras.optimizers.get(optimizer)
    for step in range(5):
        gradient = torch.full((2,), step + 1.0, device=cuda)
        scaled.update([gradient * scaled.loss_scale], weights[:1])
        scaled.update([gradient * float("inf")], weights[:1])
        plain.update([gradient], weights[1:])
    assert scaled.skipped_steps == 5 and int(scaled.iterations) == 5 and float(scaled.loss_scale) == 1024
    assert torch.equal(*weights)
    for ours, wanted in zip(scaled.inner_optimizer.variables, plain.variables, strict=True):
        assert torch.equal(ours, wanted)


@pytest.mark.gpu
def test_no_scaled_step_waits_for_the_device(cuda: str, half: None) -> None:
    model = mlp()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, Y, verbose=0)
    batch = X.cuda(), Y.cuda()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            model.train_step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_gradient_checkpointing_on_cuda_changes_no_number(name: str, cuda: str) -> None:
    found = []
    for checkpointing in (False, True):
        keras.utils.set_random_seed(1)
        model = MODELS[name]()
        model.compile("adam", "mse", gradient_checkpointing=checkpointing)
        x = data_of(name)
        model.fit(x, Y[: len(x)], epochs=3, verbose=0)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
