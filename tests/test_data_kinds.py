"""Every kind of data trains, evaluates and predicts alike; order of batches, and running out of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import kerastorch as keras
from fit_tools import WIDTH, Batches, Items, N, Reusable, Stream, X, Y, batches, endless, regressor
from kerastorch.layers import Dense, Dropout
from kerastorch.training import data as data_module

# --- kinds of data -------------------------------------------------------------------------------------


KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "numpy": lambda: {"x": X, "y": Y, "batch_size": 4},
    "float64": lambda: {"x": X.astype("float64"), "y": Y.astype("float64"), "batch_size": 4},
    "lists": lambda: {"x": X.tolist(), "y": Y.tolist(), "batch_size": 4},
    "tensors": lambda: {"x": torch.from_numpy(X), "y": torch.from_numpy(Y), "batch_size": 4},
    "list of one": lambda: {"x": [X], "y": [Y], "batch_size": 4},
    "dict": lambda: {"x": {"dense_input": X}, "y": {"dense_1": Y}, "batch_size": 4},
    "dataset": lambda: {"x": Items(), "batch_size": 4},
    "tensor dataset": lambda: {"x": TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), "batch_size": 4},
    "iterable dataset": lambda: {"x": Stream(), "batch_size": 4},
    "loader": lambda: {"x": DataLoader(Items(), batch_size=4)},
    "loader of a stream": lambda: {"x": DataLoader(Stream(), batch_size=4)},
    "loader with workers": lambda: {"x": DataLoader(Items(), batch_size=4, num_workers=1)},
    "generator": lambda: {"x": batches(3), "steps_per_epoch": 3},
    "endless generator": lambda: {"x": endless(), "steps_per_epoch": 3},
    "generator of lists": lambda: {"x": ([x, y] for x, y in endless()), "steps_per_epoch": 3},
    "sequence": lambda: {"x": Batches()},
    "list of batches": lambda: {"x": Reusable()},
    "steps": lambda: {"x": X, "y": Y, "steps_per_epoch": 3, "batch_size": 4},
    "float steps": lambda: {"x": X, "y": Y, "steps_per_epoch": N / 4, "batch_size": 4},
    "strided": lambda: {"x": np.repeat(X, 2, 0)[::2], "y": Y[::-1][::-1], "batch_size": 4},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_trains_alike(kind: str) -> None:
    expected = regressor()
    wanted = expected.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0).history
    model = regressor()
    found = model.fit(**KINDS[kind](), epochs=3, shuffle=False, verbose=0).history
    assert list(found) == ["loss", "mae"]
    for key in wanted:
        np.testing.assert_allclose(found[key], wanted[key], rtol=1e-5)
    for one, another in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(one, another, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "steps" not in kind])
def test_every_kind_of_data_evaluates_and_predicts_alike(kind: str) -> None:
    model = regressor()
    options = {key: value for key, value in KINDS[kind]().items() if key not in ("steps_per_epoch", "y")}
    steps = {"steps": 3} if "generator" in kind else {}
    labels = {"y": KINDS[kind]()["y"]} if "y" in KINDS[kind]() else {}
    np.testing.assert_allclose(
        model.evaluate(**options, **labels, **steps, verbose=0), model.evaluate(X, Y, verbose=0), rtol=1e-5
    )
    options = {key: value for key, value in KINDS[kind]().items() if key not in ("steps_per_epoch", "y")}
    np.testing.assert_allclose(
        model.predict(**options, **steps, verbose=0), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_data_of_every_type_of_number() -> None:
    whole = np.arange(N * WIDTH).reshape(N, WIDTH)
    expected = regressor().predict(whole.astype("float32"), verbose=0)
    for name in ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float64", ">f4"):
        np.testing.assert_allclose(regressor().predict(whole.astype(name), verbose=0), expected, rtol=1e-5)
    np.testing.assert_allclose(
        regressor().predict(whole > 5, verbose=0), regressor().predict((whole > 5) * 1.0, verbose=0)
    )
    frozen = X.copy()
    frozen.setflags(write=False)
    assert regressor().predict(frozen, verbose=0).shape == (N, 2)


def test_frames() -> None:
    class Frame:
        """Looks like a table of pandas."""

        def __init__(self, values: np.ndarray) -> None:
            self.values, self.shape = values, values.shape

        def to_numpy(self) -> np.ndarray:
            return self.values

        def __len__(self) -> int:
            return len(self.values)

        def __getitem__(self, key: Any) -> Any:
            raise KeyError(key)

    model = regressor()
    np.testing.assert_allclose(model.predict(Frame(X), verbose=0), model.predict(X, verbose=0))
    history = model.fit(Frame(X), Frame(Y), validation_split=0.2, verbose=0).history
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]


def test_the_data_are_not_changed() -> None:
    x, y = X.copy(), Y.copy()
    tensor = torch.from_numpy(X.copy()).requires_grad_()
    regressor().fit(x, y, epochs=2, verbose=0)
    regressor().fit(tensor, y, epochs=2, verbose=0)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(tensor.detach(), X)
    assert tensor.grad is None


def test_sequences_are_shuffled_by_batch_and_told_of_epochs() -> None:
    data = Batches()
    regressor().fit(data, epochs=4, verbose=0)
    rounds = [data.asked[i : i + 3] for i in range(0, 12, 3)]
    assert all(sorted(one) == [0, 1, 2] for one in rounds) and len({tuple(one) for one in rounds}) > 1
    assert data.ended == 4
    data = Batches()
    regressor().fit(data, epochs=2, shuffle=False, verbose=0)
    assert data.asked == [0, 1, 2] * 2
    with pytest.raises(NotImplementedError, match="Bare: expected a method __len__"):

        class Bare(keras.utils.Sequence):
            pass

        regressor().fit(Bare(), verbose=0)


def test_running_out_of_data() -> None:
    model = regressor()
    with pytest.warns(UserWarning, match="Your input ran out of data; interrupting after 1 of 2 steps"):
        history = model.fit(batches(), steps_per_epoch=2, epochs=4, verbose=0)
    assert history.epoch == [0, 1] and int(model.optimizer.iterations) == 3
    model = regressor()
    with pytest.warns(UserWarning, match="Your input ran out of data; interrupting after 0 of a further epoch"):
        history = model.fit(batches(), epochs=3, verbose=0)
    assert history.epoch == [0] and int(model.optimizer.iterations) == 3
    model = regressor()
    with pytest.warns(UserWarning, match="interrupting after 4 of 5 steps"):
        history = model.fit(X, Y, batch_size=4, epochs=3, steps_per_epoch=5, verbose=0)
    assert history.epoch == [0, 1] and int(model.optimizer.iterations) == 9
    with pytest.warns(UserWarning, match="interrupting after 3 of 7 steps"):
        model.evaluate(X, Y, batch_size=4, steps=7, verbose=0)
    with pytest.warns(UserWarning, match="interrupting after 3 of 7 steps"):
        assert model.predict(batches(), steps=7, verbose=0).shape == (N, 2)


def test_epochs_of_fewer_steps_go_on_through_the_data() -> None:
    seen: list[list[float]] = []

    class Probe(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            seen.append(data[0][:, 0].tolist())
            return super().train_step(data)

    model = Probe([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    x = np.arange(5.0)[:, None]
    model.fit(x, x, batch_size=2, steps_per_epoch=2, epochs=3, shuffle=False, verbose=0)
    assert seen == [[0.0, 1.0], [2.0, 3.0], [4.0], [0.0, 1.0], [2.0, 3.0], [4.0]]
    seen.clear()
    model.fit(x, x, steps_per_epoch=2, epochs=1, shuffle=False, verbose=0)
    assert seen == [[0.0, 1.0, 2.0], [3.0, 4.0]]


def test_steps_of_evaluate_and_predict() -> None:
    model = regressor()
    assert model.predict(X, batch_size=4, steps=2, verbose=0).shape == (8, 2)
    np.testing.assert_allclose(
        model.evaluate(X, Y, batch_size=4, steps=2, verbose=0), model.evaluate(X[:8], Y[:8], verbose=0), rtol=1e-6
    )


def test_batches_are_copied_one_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of CUDA, with streams that only take notes."""
    events: list[str] = []

    class Stream:
        def __init__(self, device: Any = None) -> None:
            self.device = device

        def wait_stream(self, other: Any) -> None:
            events.append("wait")

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: events.append(f"pin {int(self[0])}") or self)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda self, stream: events.append(f"record {int(self[0])}"))
    source = ((torch.full((2,), float(number)), None) for number in range(3))
    seen = []
    for x, missing in data_module.copied_ahead(source, torch.device("cpu")):
        assert missing is None
        seen.append(int(x[0]))
        events.append(f"step {seen[-1]}")
    assert seen == [0, 1, 2]
    assert events == [
        "pin 0", "wait", "record 0",
        "pin 1", "step 0", "wait", "record 1",
        "pin 2", "step 1", "wait", "record 2",
        "step 2",
    ]  # fmt: skip


# --- order ---------------------------------------------------------------------------------------------


def order_of(shuffle: Any, samples: int = 12, batch_size: int = 4, epochs: int = 2) -> list[list[int]]:
    seen: list[list[int]] = []

    class Probe(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            x, y = data
            assert torch.equal(x, y)
            seen.append(x[:, 0].int().tolist())
            return super().train_step(data)

    model = Probe([Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    x = np.arange(float(samples))[:, None]
    model.fit(x, x, batch_size=batch_size, epochs=epochs, shuffle=shuffle, verbose=0)
    return seen


def test_shuffling() -> None:
    assert order_of(False) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]] * 2
    shuffled = order_of(True)
    first, second = sum(shuffled[:3], []), sum(shuffled[3:], [])
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second and first != list(range(12))
    by_batch = order_of("batch", samples=14, epochs=8)
    epochs = [by_batch[i : i + 4] for i in range(0, 32, 4)]
    assert all(one[3] == [12, 13] for one in epochs)
    assert all(sorted(one[:3]) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]] for one in epochs)
    assert len({str(one) for one in epochs}) > 1


def test_seeds_make_training_repeatable() -> None:
    found = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        model = keras.Sequential([Dense(3, input_shape=(WIDTH,)), Dropout(0.5), Dense(2)])
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=3, batch_size=3, verbose=0)
        found.append(model.get_weights())
    for one, another in zip(*found, strict=True):
        np.testing.assert_array_equal(one, another)
