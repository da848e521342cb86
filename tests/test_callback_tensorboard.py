"""TensorBoard: what is in the event files, read back with the package tensorboard."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from fit_tools import LABELS, X, Y, classifier, regressor
from kerastorch.callbacks import TensorBoard
from kerastorch.callbacks.tensorboard import as_images
from kerastorch.layers import Dense, Embedding, Flatten

reading = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def events(folder: Path) -> Any:
    found = reading.EventAccumulator(str(folder), size_guidance=dict.fromkeys(reading.DEFAULT_SIZE_GUIDANCE, 0))
    return found.Reload()


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = events(folder)
    return {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def by_epoch(values: list[float]) -> list[tuple[int, float]]:
    return list(enumerate(np.float32(values).tolist()))


def test_scalars_of_epochs(tmp_path: Path) -> None:
    model = regressor(rate=0.05)
    history = model.fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), callbacks=[TensorBoard(tmp_path)]).history
    assert scalars(tmp_path / "train") == {
        "epoch_loss": by_epoch(history["loss"]),
        "epoch_mae": by_epoch(history["mae"]),
        "epoch_learning_rate": by_epoch([0.05] * 3),
    }
    iterations = [(epoch + 1, value) for epoch, value in by_epoch(history["val_loss"])]
    assert scalars(tmp_path / "validation") == {
        "epoch_loss": by_epoch(history["val_loss"]),
        "epoch_mae": by_epoch(history["val_mae"]),
        "evaluation_loss_vs_iterations": iterations,
        "evaluation_mae_vs_iterations": [(epoch + 1, value) for epoch, value in by_epoch(history["val_mae"])],
    }


def test_no_file_of_validation_without_validation(tmp_path: Path) -> None:
    regressor().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path, write_graph=False)])
    assert [path.name for path in tmp_path.iterdir()] == ["train"]
    assert events(tmp_path / "train").Tags()["tensors"] == []


class Batches(keras.callbacks.Callback):
    """The loss so far after every batch."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"])


@pytest.mark.parametrize(("frequency", "steps"), [("batch", [1, 2, 3, 4, 5, 6]), (2, [2, 4, 6]), (5, [5])])
def test_scalars_of_batches(tmp_path: Path, frequency: Any, steps: list[int]) -> None:
    seen = Batches()
    board = TensorBoard(tmp_path, update_freq=frequency, write_steps_per_second=True)
    model = regressor()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[board, seen])
    found = scalars(tmp_path / "train")
    losses = np.float32(seen.losses).tolist()
    assert found["batch_loss"] == [(step, losses[step - 1]) for step in steps]
    assert [step for step, _ in found["batch_steps_per_second"]] == steps
    assert [epoch for epoch, speed in found["epoch_steps_per_second"] if speed > 0] == [0, 1]
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, callbacks=[board])  # counts on
    assert scalars(tmp_path / "train")["batch_loss"][-1][0] == {"batch": 12, 2: 12, 5: 10}[frequency]


def test_batches_with_several_steps_at_once(tmp_path: Path) -> None:
    model = regressor(steps_per_execution=2)
    model.fit(X, Y, batch_size=2, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path, update_freq=3)])
    assert [step for step, _ in scalars(tmp_path / "train")["batch_loss"]] == [4, 7, 9]


def test_the_learning_rate_of_a_schedule(tmp_path: Path) -> None:
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    regressor(rate=schedule).fit(X, Y, batch_size=5, epochs=2, verbose=0, callbacks=[TensorBoard(tmp_path)])
    found = scalars(tmp_path / "train")["epoch_learning_rate"]
    assert found == [(0, pytest.approx(0.05)), (1, pytest.approx(0.0125))]


def test_histograms_and_images(tmp_path: Path) -> None:
    model = regressor()
    board = TensorBoard(tmp_path, histogram_freq=2, write_images=True)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[board])
    found = events(tmp_path / "train")
    names = [weight.name.replace(":", "_") for weight in model.weights]
    assert found.Tags()["histograms"] == [f"{name}/histogram" for name in names]
    assert found.Tags()["images"] == [f"{name}/image" for name in names]
    kernel = model.get_weights()[0]
    first, last = found.Histograms(f"{names[0]}/histogram")
    assert (first.step, last.step) == (0, 2)
    # float64 sums of the float32 values that the last epoch left
    assert last.histogram_value.num == kernel.size
    assert last.histogram_value.max == pytest.approx(float(kernel.max()), rel=1e-6)
    assert last.histogram_value.sum == pytest.approx(float(kernel.sum()), rel=1e-5)
    image = found.Images(f"{names[0]}/image")[-1]
    assert (image.height, image.width) == (3, 4)


def test_images_of_weights() -> None:
    matrix = as_images(torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 8.0]]))
    assert matrix.tolist() == [[[[0.0], [0.25], [0.5]], [[0.125], [0.375], [1.0]]]]
    assert as_images(torch.arange(3.0)).flatten().tolist() == [0.0, 0.5, 1.0]
    assert as_images(torch.zeros(2, 4, 3)).shape == (3, 2, 4, 1)
    assert as_images(torch.zeros(2, 1, 4, 3)).shape == (3, 2, 4, 1)
    assert as_images(torch.zeros(2, 2, 4, 3)) is None
    assert as_images(torch.tensor(1.0)) is None


def test_the_architecture_is_drawn(tmp_path: Path) -> None:
    converting = pytest.importorskip("tensorboard.plugins.graph.keras_util")
    model = classifier()
    model.fit(X, LABELS, verbose=0, callbacks=[TensorBoard(tmp_path)])
    found = events(tmp_path / "train")
    assert found.Tags()["tensors"] == ["keras"]
    metadata = found.SummaryMetadata("keras").plugin_data
    assert (metadata.plugin_name, metadata.content) == ("graph_keras_model", b"1")
    text = found.Tensors("keras")[0].tensor_proto.string_val[0].decode()
    assert json.loads(text) == json.loads(model.to_json())
    nodes = converting.keras_model_to_graph_def(json.loads(text)).node
    assert f"{model.name}/{model.layers[0].name}" in [node.name for node in nodes]


def test_embeddings(tmp_path: Path) -> None:
    model = keras.Sequential([Embedding(3, 2, input_length=4, name="words"), Flatten(), Dense(1)])
    model.compile("sgd", "mse")
    (tmp_path / "words.tsv").write_text("one\ntwo\nthree\n")
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "words.tsv"})
    model.fit(np.ones((4, 4), "int64"), np.ones((4, 1)), verbose=0, callbacks=[board])
    folder = tmp_path / "train" / "00000" / "words"
    table = np.loadtxt(folder / "tensors.tsv", delimiter="\t")
    np.testing.assert_allclose(table, model.get_weights()[0], rtol=1e-5)
    assert (folder / "metadata.tsv").read_text().split() == ["one", "two", "three"]


@pytest.mark.parametrize(("batches", "expected"), [(2, 1), ("2,3", 1), ((4, 9), 1), (0, 0)])
def test_profiles(tmp_path: Path, batches: Any, expected: int) -> None:
    model = regressor()
    model.fit(X, Y, batch_size=2, verbose=0, callbacks=[TensorBoard(tmp_path, profile_batch=batches)])
    traces = list(tmp_path.glob("plugins/profile/*.pt.trace.json"))
    assert len(traces) == expected
    for trace in traces:
        assert json.loads(trace.read_text())["traceEvents"]


def test_evaluate_alone_and_errors_in_training_leave_whole_files(tmp_path: Path) -> None:
    model = regressor()
    board = TensorBoard(tmp_path)
    loss = model.evaluate(X, Y, verbose=0, callbacks=[board])[0]
    assert scalars(tmp_path / "validation")["evaluation_loss_vs_iterations"] == [(0, np.float32(loss))]

    def fails(epoch: int, logs: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        model.fit(X, Y, verbose=0, callbacks=[board, keras.callbacks.LambdaCallback(on_epoch_end=fails)])
    assert len(scalars(tmp_path / "train")["epoch_loss"]) == 1


def test_wrong_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="expected update_freq 'batch', 'epoch' or a number of batches; received 0"):
        TensorBoard(update_freq=0)
    for batches in (-1, (3, 2), "a", (1, 2, 3), None):
        with pytest.raises(ValueError, match="expected profile_batch as a number of at least 0, or a pair"):
            TensorBoard(profile_batch=batches)
    with pytest.raises(TypeError, match="TensorBoard 'logs': expected arguments of TensorBoard; received 'logdir'"):
        TensorBoard(logdir="x")
    with pytest.warns(UserWarning, match="write_grads had a meaning in Keras 1 and is ignored"):
        TensorBoard(write_grads=True)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match="expected the package tensorboard; found none .* pip install tensorboard"):
        regressor().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
