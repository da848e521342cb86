"""Logs, the list that calls hooks, and the logger of the progress bar, with a stand-in for a model."""

from __future__ import annotations

import copy
import io
import json
import pickle
import sys
import types
import weakref
from typing import Any

import numpy as np
import pytest
import torch

from callback_tools import FakeModel, fit, losses
from kerastorch import callbacks
from kerastorch.callbacks import Callback, CallbackList, History, LazyLogs, Logs

# ------------------------------------------------------------------ logs


def test_lazy_logs_are_read_once_and_only_when_somebody_looks() -> None:
    reads = []

    def reader() -> dict[str, Any]:
        reads.append(1)
        return {"loss": torch.tensor(0.5), "matrix": torch.ones(2), "steps": 3}

    logs = LazyLogs(reader)
    logs["lr"] = 0.1
    assert logs.pending
    assert not reads
    assert logs["loss"] == 0.5
    assert type(logs["loss"]) is float
    assert isinstance(logs["matrix"], np.ndarray)
    assert sorted(logs) == ["loss", "lr", "matrix", "steps"]
    assert reads == [1]


@pytest.mark.parametrize(
    "look",
    [
        dict,
        lambda logs: {**logs},
        lambda logs: dict(**logs),
        lambda logs: logs.copy(),
        copy.copy,
        copy.deepcopy,
        lambda logs: pickle.loads(pickle.dumps(logs)),
        lambda logs: json.loads(json.dumps(logs)),
        lambda logs: dict(logs.items()),
        lambda logs: dict(zip(logs.keys(), logs.values(), strict=True)),
        lambda logs: logs | {},
        lambda logs: {} | logs,
        lambda logs: eval(repr(logs)),
        lambda logs: {key: logs.get(key) for key in logs},
        lambda logs: logs if logs and len(logs) == 2 and "acc" in logs else None,
    ],
)
def test_lazy_logs_look_like_a_dict(look: Any) -> None:
    logs = LazyLogs(lambda: {"loss": torch.tensor(0.5), "acc": torch.tensor(0.25)})
    assert look(logs) == {"loss": 0.5, "acc": 0.25}


def test_lazy_logs_change_like_a_dict() -> None:
    logs = LazyLogs(lambda: {"loss": torch.tensor(0.5), "acc": torch.tensor(0.25)})
    logs.update(lr=1.0)
    assert logs.pop("loss") == 0.5
    assert logs == {"acc": 0.25, "lr": 1.0}
    logs.clear()
    assert logs == {}
    logs = LazyLogs(lambda: {"loss": 1.0})
    logs["loss"] = 2.0  # what a callback has written is not overwritten by a late reading
    assert logs == {"loss": 2.0}


def test_accuracy_goes_by_both_names() -> None:
    logs = Logs(accuracy=0.5, val_out_acc=0.25)
    assert (logs["acc"], logs.get("val_out_accuracy"), logs.get("val_acc"), logs.get("x", 3)) == (
        0.5,
        0.25,
        None,
        3,
    )
    assert "acc" not in logs
    with pytest.raises(KeyError):
        logs["val_acc"]
    history = History()
    history.on_epoch_end(0, {"val_accuracy": 0.5})
    with pytest.warns(UserWarning, match="History: 'val_acc' was logged as 'val_accuracy'"):
        assert history.history["val_acc"] == [0.5]
    with pytest.raises(KeyError):
        history.history["val_loss"]


# ------------------------------------------------------------------ the list


class Recorder(Callback):
    def __init__(self) -> None:
        self.calls: list[Any] = []


for _hook in callbacks.callback.HOOKS:

    def _record(self: Recorder, *arguments: Any, hook: str = _hook, **keywords: Any) -> None:
        self.calls.append((hook, *arguments[:-1]))

    setattr(Recorder, _hook, _record)


def test_every_hook_is_called_with_its_number() -> None:
    recorder = Recorder()
    hooks = CallbackList([recorder], model=FakeModel(), epochs=1)
    for name in callbacks.callback.HOOKS:
        numbered = "batch" in name or "epoch" in name
        getattr(hooks, name)(*([3] if numbered else []))
    expected = [(name, 3) if "batch" in name or "epoch" in name else (name,) for name in callbacks.callback.HOOKS]
    assert recorder.calls == expected
    assert recorder.params == {"epochs": 1}


def test_old_batch_hooks_are_called_unless_the_new_ones_are_defined() -> None:
    class Old(Callback):
        def on_batch_begin(self, batch: int, logs: Any = None) -> None:
            seen.append(("begin", batch))

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(("end", batch, logs["loss"]))

    class Both(Old):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append("new")
            super().on_train_batch_end(batch, logs)

    seen: list[Any] = []
    fit(FakeModel(), [Old()], losses(1.0, name="loss"), steps=1)
    assert seen == [("begin", 0), ("end", 0, 1.0)]
    seen.clear()
    fit(FakeModel(), Both(), losses(1.0, name="loss"), steps=1)
    assert seen == [("begin", 0), "new", ("end", 0, 1.0)]


def test_only_overridden_hooks_are_collected() -> None:
    class Quiet(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            pass

    given = [
        Quiet(),
        callbacks.EarlyStopping(),
        callbacks.ModelCheckpoint("x.h5"),
        callbacks.ReduceLROnPlateau(),
    ]
    hooks = CallbackList(given, add_history=True, add_progbar=True, verbose=2, epochs=1, steps=1)
    assert {name for name, found in hooks.hooks.items() if "batch" in name and found} == set()
    hooks = CallbackList(given, add_progbar=True, verbose=1, epochs=1, steps=1)
    assert [len(hooks.hooks[name]) for name in callbacks.callback.BATCH_HOOKS] == [0, 1, 0, 1, 0, 1]
    hooks.append(callbacks.LambdaCallback(on_batch_begin=lambda batch, logs: None))
    assert len(hooks.hooks["on_train_batch_begin"]) == 1


def test_logs_that_a_callback_keeps_hold_the_values_of_their_batch() -> None:
    state = {"loss": 0.0}
    kept: list[Any] = []

    class Keeper(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch != 1:
                kept.append(logs)

    hooks = CallbackList([Keeper()])
    unread = []
    for batch in range(3):
        state["loss"] = float(batch)
        logs = LazyLogs(lambda: dict(state))
        hooks.on_train_batch_end(batch, logs)
        unread.append(logs.pending)
    assert [logs["loss"] for logs in kept] == [0.0, 2.0]
    assert unread == [False, True, False]


def test_tensors_reach_hooks_as_python_numbers() -> None:
    seen = []
    end = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]),
        on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]),
    )
    hooks = CallbackList([end])
    hooks.on_train_batch_end(0, {"loss": torch.tensor(0.5, requires_grad=True)})
    hooks.on_epoch_end(0, {"loss": torch.tensor(0.25)})
    assert seen == [0.5, 0.25]
    assert {type(value) for value in seen} == {float}


def test_what_is_no_callback_is_refused() -> None:
    with pytest.raises(TypeError, match=r"CallbackList: expected callback objects; received the class EarlyStopping"):
        CallbackList([callbacks.EarlyStopping])
    with pytest.raises(TypeError, match=r"expected objects of class Callback; received 3 \(int\). Subclass Callback"):
        CallbackList([3])
    with pytest.raises(TypeError, match="received 'on_epoch_ends'. Did you mean 'on_epoch_end'?"):
        callbacks.LambdaCallback(on_epoch_ends=print)


def test_callbacks_do_not_keep_the_model_alive() -> None:
    model = FakeModel()
    history = fit(model, [Recorder()], losses(1.0))
    assert model.history is history
    assert history.model is model
    dead = weakref.ref(model)
    del model
    assert dead() is None
    assert history.model is None
    assert pickle.loads(pickle.dumps(history)).history == {"val_loss": [1.0]}


def test_history_collects_what_other_callbacks_add() -> None:
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=epoch))
    history = fit(FakeModel(), [add], losses(3.0, 2.0))
    assert history.history == {"val_loss": [3.0, 2.0], "extra": [0, 1]}
    assert (history.epoch, history.params) == ([0, 1], {"verbose": 0, "epochs": 2, "steps": 2})


def test_base_logger_averages_by_size() -> None:
    logger = callbacks.BaseLogger(stateful_metrics=["seen"])
    logger.set_params({"metrics": ["loss", "seen"]})
    logger.on_epoch_begin(0)
    logger.on_batch_end(0, {"loss": 1.0, "seen": 5, "size": 3})
    logger.on_batch_end(1, {"loss": 5.0, "seen": 7, "size": 1})
    logs: dict[str, float] = {}
    logger.on_epoch_end(0, logs)
    assert logs == {"loss": 2.0, "seen": 7}


# ------------------------------------------------------------------ the progress bar's logger


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bar_reads_logs_only_when_it_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    clock = [0.0]
    monkeypatch.setattr(callbacks.progress.time, "time", lambda: clock[0])
    clock[0] = 100.0
    hooks = CallbackList(add_progbar=True, model=FakeModel(), verbose=1, epochs=1, steps=10)
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    pending = []
    for batch in range(4):
        clock[0] += 0.03
        logs = LazyLogs(lambda: {"loss": 0.5})
        hooks.on_train_batch_end(batch, logs)
        pending.append(logs.pending)
    assert pending == [False, True, False, True]


def test_bar_averages_the_values_of_single_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    model = FakeModel()
    model.metrics = [types.SimpleNamespace(name="count")]
    hooks = CallbackList(add_progbar=True, model=model, verbose=1, epochs=1, steps=4)
    hooks.on_epoch_begin(0)
    for batch in range(4):
        loss = torch.tensor(float(batch), requires_grad=True)
        hooks.on_train_batch_end(batch, {"loss": loss, "count": torch.tensor(batch)})
    assert stream.getvalue().count("\r") == 1  # the three other batches came too soon to be drawn
    hooks.on_epoch_end(0, {"loss": 3.0, "count": 3})
    line = stream.getvalue().rpartition("\r")[2]
    assert line.startswith("4/4 [==============================] - 0s ")
    assert " - loss: 1.8000 - count: 3.0000" in line


@pytest.mark.parametrize("verbose", [1, 2])
def test_away_from_a_terminal_an_epoch_is_one_line(verbose: int, capsys: pytest.CaptureFixture[str]) -> None:
    fit(FakeModel(), None, losses(0.5, 0.25, name="loss"), steps=3, verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert lines[::2] == ["Epoch 1/2", "Epoch 2/2"]
    begin = "3/3 [==============================] - 0s " if verbose == 1 else "3/3 - 0s - loss: "
    assert [line.startswith(begin) for line in lines[1::2]] == [True, True]
    assert ["loss: 0.5000" in lines[1], "loss: 0.2500" in lines[3], len(lines)] == [True, True, 4]


def test_unknown_length_is_learnt_in_the_first_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    hooks = CallbackList(add_progbar=True, model=FakeModel(), verbose=2, epochs=1, steps=None)
    hooks.on_epoch_begin(0)
    for batch in range(5):
        hooks.on_train_batch_end(batch, {"loss": 1.0})
    hooks.on_epoch_end(0, {"loss": 1.0})
    assert capsys.readouterr().out.startswith("5/5 - 0s - loss: 1.0000 - ")


def test_validation_inside_fit_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    hooks = CallbackList(add_progbar=True, model=FakeModel(), verbose=1, epochs=1, steps=1)
    hooks.on_train_begin()
    hooks.on_test_begin()
    hooks.on_test_batch_end(0, {"loss": 1.0})
    hooks.on_test_end({"loss": 1.0})
    assert capsys.readouterr().out == ""
    alone = CallbackList(add_progbar=True, model=FakeModel(), verbose=1, epochs=1, steps=1)
    alone.on_test_begin()
    alone.on_test_batch_end(0, {"loss": 1.0})
    alone.on_test_end({"loss": 1.0})
    assert " - loss: 1.0000\n" in capsys.readouterr().out


def test_notebook_updates_one_display(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[tuple[str, dict[str, str]]] = []

    class Handle:
        def update(self, bundle: dict[str, str], raw: bool) -> None:
            assert raw
            shown.append(("update", bundle))

    def display(bundle: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        shown.append(("display", bundle))
        return Handle()

    ipython = types.ModuleType("IPython")
    ipython.display = types.ModuleType("IPython.display")
    ipython.display.display = display
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    bar = callbacks.Progbar(2, interval=0.0)
    bar.update(1, [("loss", 1.0)])
    bar.update(2, [("loss", 3.0)])
    assert [how for how, _ in shown] == ["display", "update"]
    assert shown[0][1]["text/plain"].startswith("1/2 [==============>...............] - ETA: 0s - loss: 1.0000")
    assert shown[1][1]["text/plain"].endswith(" - loss: 2.0000")
    assert capsys.readouterr().out == ""


def test_bar_of_samples(capsys: pytest.CaptureFixture[str]) -> None:
    bar = callbacks.ProgbarLogger("samples")
    bar.set_params({"verbose": 1, "epochs": 1, "samples": 10})
    bar.on_epoch_begin(0)
    for batch in range(5):
        bar.on_train_batch_end(batch, {"size": 2, "loss": 1.0})
    assert bar.seen == 10
    bar.on_epoch_end(0, {"loss": 1.0})
    out = capsys.readouterr().out
    assert out.startswith("10/10 [==============================] - 0s ")
    assert "/sample - loss: 1.0000" in out
    with pytest.raises(ValueError, match="expected count_mode 'steps' or 'samples'; received 'batches'"):
        callbacks.ProgbarLogger("batches")


class _OneByOne:
    """A reader that counts what it reads."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self) -> dict[str, Any]:
        return {name: self.value_of(name) for name in ("loss", "accuracy")}

    def value_of(self, name: str) -> Any:
        if name not in ("loss", "accuracy"):
            return None
        self.read.append(name)
        return torch.tensor({"loss": 0.5, "accuracy": 0.25}[name])


def test_one_value_is_read_without_the_others() -> None:
    reader = _OneByOne()
    logs = LazyLogs(reader)
    assert (logs["loss"], logs["loss"], logs.get("loss")) == (0.5, 0.5, 0.5)
    assert reader.read == ["loss"] and logs.pending


def test_the_order_of_logs_does_not_depend_on_what_was_read_first() -> None:
    logs = LazyLogs(_OneByOne())
    logs["rate"] = torch.tensor(2.0)
    assert logs["accuracy"] == 0.25
    logs["accuracy"] = 1.0
    assert list(logs.items()) == [("loss", 0.5), ("accuracy", 1.0), ("rate", 2.0)]
    assert logs["acc"] == 1.0 and logs.get("other") is None


def test_a_value_under_its_other_name_is_read_late_too() -> None:
    logs = LazyLogs(_OneByOne())
    assert logs["acc"] == 0.25 and not logs.pending
    with pytest.raises(KeyError, match="rate"):
        LazyLogs(_OneByOne())["rate"]
