"""Training and data on CUDA; skipped where there is none."""

from __future__ import annotations

import copy
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
