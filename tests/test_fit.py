"""fit, evaluate, predict and the single batches: every kind of data, every argument, what is logged and printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import kerastorch as keras
from kerastorch.layers import Dense, Dropout, Input
from support import normal

N, WIDTH = 10, 4
X = normal("x", (N, WIDTH))
Y = normal("y", (N, 2))
LABELS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1, 1])


def regressor(metrics: Any = ("mae",), rate: float = 0.05, **options: Any) -> Any:
    """The same model each time, as its weights are fixed."""
    model = keras.Sequential([Dense(3, activation="tanh", input_shape=(WIDTH,)), Dense(2)])
    model.set_weights([normal(f"w{i}", tuple(w.shape), scale=0.5) for i, w in enumerate(model.weights)])
    model.compile(keras.optimizers.SGD(rate), "mse", metrics=list(metrics), **options)
    return model


def classifier(**options: Any) -> Any:
    model = keras.Sequential([Dense(2, activation="softmax", input_shape=(WIDTH,))])
    model.set_weights([normal(f"w{i}", tuple(w.shape), scale=0.5) for i, w in enumerate(model.weights)])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", **options)
    return model


class Seen(keras.callbacks.Callback):
    """Remembers the hooks that were called, and the logs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.logs: list[dict[str, Any]] = []


def _remember(name: str) -> Callable[..., None]:
    def hook(self: Seen, *arguments: Any, logs: Any = None) -> None:
        number = arguments[0] if arguments and isinstance(arguments[0], int) else None
        self.calls.append(name if number is None else f"{name} {number}")
        if logs is not None or len(arguments) > 1:
            self.logs.append(dict(logs or arguments[-1] or {}))

    return hook


for _mode in ("train", "test", "predict"):
    for _edge in ("begin", "end"):
        setattr(Seen, f"on_{_mode}_{_edge}", _remember(f"{_mode} {_edge}"))
        setattr(Seen, f"on_{_mode}_batch_{_edge}", _remember(f"{_mode} batch {_edge}"))
Seen.on_epoch_begin, Seen.on_epoch_end = _remember("epoch begin"), _remember("epoch end")


# --- kinds of data ---------------------------------------------------------------------------------------


class Items(Dataset):
    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return X[index], Y[index]


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[Any]:
        return iter(zip(X, Y, strict=True))


class Batches(keras.utils.Sequence):
    """Batches by number."""

    def __init__(self) -> None:
        self.ended = 0
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(index)
        return X[index * 4 : index * 4 + 4], Y[index * 4 : index * 4 + 4]

    def on_epoch_end(self) -> None:
        self.ended += 1


def batches(passes: int = 1) -> Iterator[Any]:
    for _ in range(passes):
        for start in range(0, N, 4):
            yield X[start : start + 4], Y[start : start + 4]


def endless() -> Iterator[Any]:
    while True:
        yield from batches()


class Reusable:
    """Can be iterated over again and again, without a length."""

    def __iter__(self) -> Iterator[Any]:
        return batches()


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


# --- order -----------------------------------------------------------------------------------------------


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


# --- validation ------------------------------------------------------------------------------------------


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


# --- weights of samples and classes ----------------------------------------------------------------------


def test_class_weight_is_a_sample_weight() -> None:
    table = {0: 0.5, 1: 3.0}
    weights = np.array([table[label] for label in LABELS])
    expected = classifier(weighted_metrics=["accuracy"])
    wanted = expected.fit(X, LABELS, sample_weight=weights, epochs=2, shuffle=False, verbose=0).history
    one_hot = np.eye(2)[LABELS]
    cases: list[tuple[Any, Any, str]] = [
        (X, LABELS, "sparse_categorical_crossentropy"),
        (X, LABELS[:, None], "sparse_categorical_crossentropy"),
        (X, LABELS.astype("float32"), "sparse_categorical_crossentropy"),
        (X, one_hot, "categorical_crossentropy"),
        (DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(LABELS)), batch_size=32), None,
         "sparse_categorical_crossentropy"),
    ]  # fmt: skip
    for x, y, loss in cases:
        model = classifier()
        model.compile(keras.optimizers.SGD(0.1), loss, weighted_metrics=["accuracy"])
        found = model.fit(x, y, class_weight=table, epochs=2, shuffle=False, verbose=0).history
        for key in wanted:
            np.testing.assert_allclose(found[key], wanted[key], rtol=1e-5)
    model = classifier(weighted_metrics=["accuracy"])
    both = model.fit(X, LABELS, class_weight={0: 0.5, 1: 1.0}, sample_weight=np.where(LABELS, 3.0, 1.0), epochs=2,
                     shuffle=False, verbose=0).history  # fmt: skip
    np.testing.assert_allclose(both["loss"], wanted["loss"], rtol=1e-5)
    model = classifier()
    on_batch = model.train_on_batch(X, LABELS, class_weight=table)
    assert on_batch == pytest.approx(wanted["loss"][0], rel=1e-5)


def test_class_weight_of_binary_labels() -> None:
    model = keras.Sequential([Dense(1, activation="sigmoid", input_shape=(WIDTH,))])
    model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy")
    weighted = model.fit(X, LABELS, class_weight={0: 2.0, 1: 2.0}, verbose=0).history["loss"][0]
    plain = model.fit(X, LABELS[:, None].astype("float32"), verbose=0).history["loss"][0]
    assert weighted == pytest.approx(2 * plain, rel=1e-5)


def test_sample_weights() -> None:
    weights = np.linspace(0, 2, N)
    model = regressor(rate=0.0, weighted_metrics=["mae"])
    losses = ((model.predict(X, verbose=0) - Y) ** 2).mean(1)
    errors = np.abs(model.predict(X, verbose=0) - Y).mean(1)
    found = model.fit(X, Y, sample_weight=weights, verbose=0).history
    assert found["loss"][0] == pytest.approx((losses * weights).sum() / N, rel=1e-5)  # by the number of samples
    assert found["mae"][0] == pytest.approx(errors.mean(), rel=1e-5)
    assert found["weighted_mae"][0] == pytest.approx((errors * weights).sum() / weights.sum(), rel=1e-5)
    twice = regressor()
    once = regressor()
    twice.fit(X, Y, sample_weight=np.where(np.arange(N) < 5, 2.0, 0.0), batch_size=N, verbose=0)
    once.fit(X[:5], Y[:5], batch_size=5, verbose=0)
    np.testing.assert_allclose(twice.get_weights()[0], once.get_weights()[0], rtol=1e-4, atol=1e-6)
    in_batches = regressor(rate=0.0).fit(iter([(X, Y, weights)]), verbose=0).history["loss"][0]
    assert in_batches == pytest.approx(found["loss"][0], rel=1e-5)


# --- several outputs -------------------------------------------------------------------------------------


def two_headed(outputs: str = "list") -> Any:
    x = Input((WIDTH,), name="x")
    one, two = Dense(1, name="one")(x), Dense(2, name="two", activation="softmax")(x)
    model = keras.Model(x, {"list": [one, two], "dict": {"one": one, "two": two}}[outputs])
    model.set_weights([normal(f"w{i}", tuple(w.shape)) for i, w in enumerate(model.weights)])
    return model


TARGETS = {"one": Y[:, :1], "two": LABELS}
LOSSES = {"one": "mse", "two": "sparse_categorical_crossentropy"}
NAMED: dict[str, dict[str, Any]] = {
    "dicts": {"loss": LOSSES, "metrics": {"one": "mae", "two": ["acc"]}, "loss_weights": {"one": 0.5, "two": 2.0}},
    "lists": {"loss": list(LOSSES.values()), "metrics": [["mae"], ["acc"]], "loss_weights": [0.5, 2.0]},
    "mixed": {"loss": LOSSES, "metrics": ["mae", "acc"], "loss_weights": [0.5, 2.0]},
}


@pytest.mark.parametrize("outputs", ["list", "dict"])
@pytest.mark.parametrize("spelling", NAMED)
@pytest.mark.parametrize("labels", ["list", "dict"])
def test_several_outputs(outputs: str, spelling: str, labels: str) -> None:
    model = two_headed(outputs)
    options = dict(NAMED[spelling])
    if spelling == "mixed":
        options["metrics"] = {"one": "mae", "two": "acc"}
    model.compile(keras.optimizers.SGD(0.0), **options)
    y = list(TARGETS.values()) if labels == "list" else TARGETS
    history = model.fit(X, y, verbose=0).history
    assert list(history) == ["loss", "one_loss", "two_loss", "one_mae", "two_acc"]
    assert history["loss"][0] == pytest.approx(0.5 * history["one_loss"][0] + 2 * history["two_loss"][0], rel=1e-5)
    predicted = model.predict(X, verbose=0)
    one, two = predicted.values() if outputs == "dict" else predicted
    assert history["one_mae"][0] == pytest.approx(np.abs(one - Y[:, :1]).mean(), rel=1e-5)
    assert history["two_acc"][0] == pytest.approx((two.argmax(1) == LABELS).mean(), rel=1e-5)
    assert model.metrics_names == list(history)
    assert model.evaluate(X, y, verbose=0, return_dict=True) == pytest.approx({k: v[0] for k, v in history.items()})


def test_one_loss_for_all_outputs_and_outputs_without_a_loss() -> None:
    model = two_headed()
    model.compile("sgd", "mse", metrics=["mae"])
    assert list(model.fit(X, [Y[:, :1], Y], verbose=0).history) == [
        "loss", "one_loss", "two_loss", "one_mae", "two_mae",
    ]  # fmt: skip
    unused = "Gradients do not exist for variables .'two/kernel:0', 'two/bias:0'."
    model.compile("sgd", {"one": "mse"}, metrics={"two": "mae"})
    with pytest.warns(UserWarning, match=unused):
        history = model.fit(X, {"one": Y[:, :1], "two": Y}, epochs=2, verbose=0).history
    assert list(history) == ["loss", "one_loss", "two_mae"]
    model.compile("sgd", ["mse", None])
    with pytest.warns(UserWarning, match=unused):
        history = model.fit(X, [Y[:, :1], Y], verbose=0).history
    assert list(history) == ["loss", "one_loss"]
    with pytest.raises(ValueError, match="compile: expected losses for the outputs .*received one for 'tow'.*'two'"):
        model.compile("sgd", {"one": "mse", "tow": "mse"})
        model.fit(X, [Y[:, :1], Y], verbose=0)


def test_sample_weights_of_several_outputs() -> None:
    model = two_headed()
    model.compile(keras.optimizers.SGD(0.0), list(LOSSES.values()))
    weights = {"one": np.full(N, 3.0), "two": np.zeros(N)}
    plain = model.fit(X, TARGETS, verbose=0).history
    found = model.fit(X, TARGETS, sample_weight=weights, verbose=0).history
    assert found["one_loss"][0] == pytest.approx(3 * plain["one_loss"][0], rel=1e-5) and found["two_loss"] == [0.0]
    as_list = model.fit(X, TARGETS, sample_weight=list(weights.values()), verbose=0).history
    assert as_list["loss"] == pytest.approx(found["loss"], rel=1e-5)


def test_outputs_of_subclassed_models_are_numbered() -> None:
    class Two(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = Dense(1), Dense(2)

        def call(self, inputs: torch.Tensor) -> Any:
            return self.a(inputs), self.b(inputs)

    model = Two()
    model.compile("sgd", ["mse", "mae"], metrics=["mae"])
    history = model.fit(X, (Y[:, :1], Y), verbose=0).history
    assert list(history) == ["loss", "output_1_loss", "output_2_loss", "output_1_mae", "output_2_mae"]


# --- names in logs ---------------------------------------------------------------------------------------


def test_names_of_metrics() -> None:
    cases: list[tuple[Any, list[str]]] = [
        (["accuracy"], ["accuracy"]),
        (["acc"], ["acc"]),
        (["sparse_categorical_crossentropy", "acc"], ["sparse_categorical_crossentropy", "acc"]),
        ([keras.metrics.SparseCategoricalAccuracy(name="a")], ["a"]),
        ([keras.metrics.SparseCategoricalAccuracy()], ["sparse_categorical_accuracy"]),
        ([keras.metrics.sparse_categorical_accuracy], ["sparse_categorical_accuracy"]),
        ("accuracy", ["accuracy"]),
    ]
    for metrics, names in cases:
        keras.backend.clear_session()
        model = classifier(metrics=metrics)
        assert list(model.fit(X, LABELS, verbose=0).history) == ["loss", *names]

    def top(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return y_pred.amax(-1)

    model = classifier(metrics=[top])
    history = model.fit(X, LABELS, validation_data=(X, LABELS), verbose=0).history
    assert list(history) == ["loss", "top", "val_loss", "val_top"]
    assert history["val_top"][0] == pytest.approx(model.predict(X, verbose=0).max(1).mean(), rel=1e-5)
    with pytest.raises(ValueError, match="expected metrics with different names; received two called 'mae'"):
        regressor(metrics=["mae", "mae"]).fit(X, Y, verbose=0)


def test_old_names_of_accuracy_are_found() -> None:
    history = classifier(metrics=["accuracy"]).fit(X, LABELS, verbose=0).history
    with pytest.warns(UserWarning, match="'acc' was logged as 'accuracy'"):
        assert history["acc"] == history["accuracy"]
    assert "acc" not in history


@pytest.mark.parametrize(
    ("units", "activation", "loss", "labels"),
    [
        (1, "sigmoid", "binary_crossentropy", LABELS),
        (1, "sigmoid", "binary_crossentropy", LABELS[:, None]),
        (2, "softmax", "sparse_categorical_crossentropy", LABELS),
        (2, "softmax", "sparse_categorical_crossentropy", LABELS[:, None]),
        (2, "softmax", "categorical_crossentropy", np.eye(2)[LABELS]),
    ],
)
def test_accuracy_is_the_one_that_fits(units: int, activation: str, loss: str, labels: np.ndarray) -> None:
    model = keras.Sequential([Dense(units, activation=activation, input_shape=(WIDTH,))])
    model.compile("sgd", loss, metrics=["accuracy"])
    predicted = model.predict(X, verbose=0)
    classes = (predicted[:, 0] > 0.5) if units == 1 else predicted.argmax(1)
    assert model.evaluate(X, labels, verbose=0)[1] == pytest.approx((classes == LABELS).mean())


# --- epochs, callbacks, steps ----------------------------------------------------------------------------


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


# --- single batches --------------------------------------------------------------------------------------


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


# --- what is printed -------------------------------------------------------------------------------------

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
