"""The examples: each runs as a student runs it, on a part of its data, and learns something."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerastorch as keras

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

Run = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs an example; returns its variables and what it printed."""

    def run_example(name: str, *arguments: str) -> tuple[dict[str, Any], str]:
        path = ROOT / "examples" / f"{name}.py"
        monkeypatch.setattr(sys, "argv", [str(path), *arguments])
        variables = runpy.run_path(str(path), run_name="__main__")
        return variables, capsys.readouterr().out

    return run_example


def assert_learns(history: dict[str, list[float]], accuracy: float) -> None:
    """The loss falls, and on images or texts not seen in training the accuracy is far above chance."""
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert history["val_accuracy"][-1] > accuracy


def test_fashion_mnist_cnn(run):
    variables, output = run("fashion_mnist_cnn", "--epochs", "2", "--samples", "1600")
    model = variables["model"]
    assert_learns(model.history.history, 0.6)
    assert "Data: examples/data/fashion_mnist_12k.npz, a part of Fashion-MNIST: 1,600 training" in output
    assert "Total params: 113,386\n" in output and '\nModel: "sequential"\n' in output
    assert f"\nTest accuracy {model.history.history['val_accuracy'][-1]:.4f}, test loss " in output
    guesses = model.predict(variables["x_test"][:5], verbose=0).argmax(axis=-1)
    assert re.findall(r"looks like (\S+)", output) == [variables["CLASSES"][guess] for guess in guesses]


def test_full_trains_on_what_load_data_returns(run, monkeypatch):
    generator = np.random.default_rng(0)
    labels = np.arange(96, dtype="uint8") % 10
    images = (generator.integers(0, 40, (96, 28, 28)) + 20 * labels[:, None, None]).astype("uint8")
    arrays = (images[:64], labels[:64]), (images[64:], labels[64:])
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: arrays)
    variables, output = run("fashion_mnist_cnn", "--full", "--epochs", "1")
    assert "Data: the full Fashion-MNIST: 64 training and 32 test images" in output
    np.testing.assert_array_equal(variables["x_train"], images[:64, :, :, None].astype("float32") / 255)
    np.testing.assert_array_equal(variables["y_test"], labels[64:])


def test_full_never_takes_the_part_that_ships_instead(run, monkeypatch):
    def load_data() -> None:
        raise FileNotFoundError("no Fashion-MNIST here")

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", load_data)
    with pytest.raises(FileNotFoundError, match="no Fashion-MNIST here"):
        run("fashion_mnist_cnn", "--full")


def test_mlp(run):
    variables, output = run("mlp", "--epochs", "3", "--samples", "2000")
    assert_learns(variables["history"].history, 0.6)
    assert variables["accuracy"] > 0.6
    assert "Data: examples/data/fashion_mnist_12k.npz: 2,000 training and 2,000 test images" in output
    logits, probabilities = (
        variables[name].predict(variables["x_test"][:8], verbose=0) for name in ("model", "probability_model")
    )
    exponentials = np.exp(logits)
    np.testing.assert_allclose(probabilities, exponentials / exponentials.sum(-1, keepdims=True), rtol=1e-5)


def test_residual_functional(run):
    variables, output = run("residual_functional", "--epochs", "3", "--samples", "1600")
    model = variables["model"]
    assert_learns(model.history.history, 0.3)  # batch statistics need more steps to be good in inference
    assert "Total params: 19,994\n" in output and "'re_lu[0][0]']" in output
    kernel, bias = model.get_layer("dense").get_weights()
    logits = variables["features"][:8] @ kernel + bias
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(model.predict(variables["x_test"][:8], verbose=0), probabilities, rtol=1e-4, atol=1e-6)


def test_inception_cells(run):
    variables, output = run("inception_cells", "--epochs", "2", "--samples", "640")
    history = variables["model"].history.history
    assert history["loss"][1] < 0.9 * history["loss"][0] and history["accuracy"][1] > 0.3
    assert "Total params: 8,154\n" in output and "(None, 14, 14, 64)" in output
    assert f"Test accuracy {history['val_accuracy'][1]:.4f} with 8,154 parameters" in output


def test_text_classifier(run):
    variables, output = run("text_classifier")
    assert_learns(variables["model"].history.history, 0.85)
    assert "sentences from the documentation that Python" in output
    assert "Return the square root of a value. About numbers" in output
    assert "Move the directory to another path. About files" in output
    assert variables["encode"](["Return the qqq"]).tolist()[0][2:4] == [1, 0]


def test_custom_layer_and_model(run):
    variables, output = run("custom_layer_and_model", "--epochs", "2", "--samples", "2000")
    model, x = variables["model"], variables["x_test"][:100].reshape(100, 784).astype("float32")
    assert_learns(model.history.history, 0.6)
    expected = []
    for layer in model.hidden:
        kernel, bias = layer.get_weights()
        x = np.maximum(x @ kernel + bias, 0)
        expected.append(1e-3 * x.mean())
    model(variables["x_test"][:100])
    np.testing.assert_allclose([loss.item() for loss in model.losses], expected, rtol=1e-4)
    assert f"{[f'{loss:.6f}' for loss in expected]}" in output
    assert "'classifier/quiet_dense_1/kernel:0'" in output


def test_custom_train_step(run):
    variables, output = run("custom_train_step", "--epochs", "2", "--samples", "2000")
    history = variables["history"].history
    assert_learns(history, 0.6)
    assert list(history) == ["loss", "accuracy", "gradient_norm", "val_loss", "val_accuracy"]
    assert min(history["gradient_norm"]) > 0.1
    assert f"by epoch: {[round(norm, 2) for norm in history['gradient_norm']]}" in output


def test_stop_when_good_enough(run):
    variables, output = run("stop_when_good_enough", "--accuracy", "0.7", "--epochs", "20", "--samples", "2000")
    accuracies = variables["history"].history["accuracy"]
    assert accuracies[-1] >= 0.7 and max(accuracies[:-1]) < 0.7
    assert 1 < len(accuracies) < 20
    assert f"Epoch {len(accuracies)} reached {accuracies[-1]:.1%} accuracy: good enough." in output
    assert f"Trained for {len(accuracies)} of at most 20 epochs." in output


def test_an_example_runs_in_a_clone_without_installing():
    result = subprocess.run(
        [sys.executable, "-m", "examples.mlp", "--epochs", "1", "--samples", "320"],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert "Data: examples/data/fashion_mnist_12k.npz: 320 training and 2,000 test images" in result.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_short_and_say_how_to_run_them(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) < 80
    assert f"python examples/{path.name}\n" in source or f"python examples/{path.name} " in source
    assert f"python -m examples.{path.stem}\n" in source
    assert f"examples/{path.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_program_in_the_readme_prints_what_the_readme_shows(monkeypatch, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    program = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    shown = re.search(r"```text\n(.*?)Epoch 1/5", text, re.DOTALL)[1]
    monkeypatch.chdir(ROOT)
    assert program.count("epochs=5") == 1
    variables: dict[str, Any] = {}
    exec(program.replace("epochs=5", "epochs=1, steps_per_epoch=60"), variables)
    output = capsys.readouterr().out
    assert output.startswith(shown)
    assert re.search(r"^60/60 \[=+\] - \d+s \d+\w+/step - loss: \d\.\d{4} - accuracy: ", output, re.MULTILINE)
    assert variables["model"].history.history["accuracy"][0] > 0.4
