"""The same seed gives the same bits: in one process and in several, whatever feeds the model."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import kerastorch as keras
from kerastorch import layers

ROOT = Path(__file__).resolve().parents[1]
X = np.random.default_rng(0).normal(size=(24, 6, 6, 1)).astype("float32")
Y = np.random.default_rng(1).integers(0, 3, 24)


class Noisy(Dataset):
    """Samples with noise from all three generators."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        noise = random.random() + np.random.random() + torch.rand(()).item()
        return X[index] * np.float32(noise), int(Y[index])


class Batches(keras.utils.Sequence):
    def __init__(self) -> None:
        self.order = np.arange(len(X))

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[4 * index : 4 * index + 4]
        return X[chosen] * np.float32(np.random.random()), Y[chosen]

    def on_epoch_end(self) -> None:
        np.random.shuffle(self.order)


def generated() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    while True:
        chosen = np.random.choice(len(X), 4)
        yield X[chosen] * np.float32(random.random()), Y[chosen]


SOURCES: dict[str, Callable[[], dict[str, Any]]] = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 4},
    "batches shuffled": lambda: {"x": X, "y": Y, "batch_size": 4, "shuffle": "batch"},
    "validation split": lambda: {"x": X, "y": Y, "batch_size": 4, "validation_split": 0.25},
    "loader": lambda: {"x": DataLoader(Noisy(), batch_size=4, shuffle=True)},
    "loader with workers": lambda: {"x": DataLoader(Noisy(), batch_size=4, shuffle=True, num_workers=2)},
    "persistent workers": lambda: {
        "x": DataLoader(Noisy(), batch_size=4, shuffle=True, num_workers=2, persistent_workers=True)
    },
    "dataset": lambda: {"x": Noisy(), "batch_size": 4},
    "sequence": lambda: {"x": Batches()},
    "sequence with workers": lambda: {"x": Batches(), "workers": 2, "use_multiprocessing": True},
    "generator": lambda: {"x": generated(), "steps_per_epoch": 6},
    "generator with workers": lambda: {"x": generated(), "steps_per_epoch": 6, "workers": 2},
}


def build() -> Any:
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.GaussianNoise(0.1),
            layers.Conv2D(4, 3, kernel_initializer="he_normal"),
            layers.BatchNormalization(),
            layers.SpatialDropout2D(0.2),
            layers.Reshape((4, 16)),
            layers.LSTM(5, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
            layers.GRU(4, kernel_initializer="truncated_normal"),
            layers.AlphaDropout(0.1),
            layers.Dense(8, activation="selu", kernel_initializer="lecun_uniform"),
            layers.Dropout(0.5, seed=7),
            layers.Dense(3, activation="softmax", kernel_initializer="variance_scaling"),
        ]
    )


def run(source: str, seed: int = 11) -> str:
    """A digest of all that a training run leaves: history, weights, optimizer, and the next random numbers."""
    keras.utils.set_random_seed(seed)
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(**SOURCES[source](), epochs=3, verbose=0).history
    digest = hashlib.sha256(repr(sorted(history.items())).encode())
    for array in (*model.get_weights(), *model.optimizer.get_weights(), model.predict(X, verbose=0)):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(repr((random.random(), np.random.random(), torch.rand(()).item())).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("source", SOURCES)
def test_two_runs_of_one_process(source: str) -> None:
    assert run(source) == run(source)


@pytest.mark.parametrize("source", ["arrays", "loader with workers", "sequence"])
def test_another_seed_gives_another_run(source: str) -> None:
    assert run(source) != run(source, seed=12)


def test_runs_of_several_processes() -> None:
    """Also equal to a run of this process, which has drawn numbers and counted names before."""
    sources = ["arrays", "loader with workers", "sequence", "generator"]
    code = f"import torch, test_reproducibility as t; torch.set_num_threads(1); print(*map(t.run, {sources!r}))"
    found = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "PYTHONHASHSEED": hash_seed}
        result = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment, cwd=ROOT
        )
        assert result.returncode == 0, result.stderr
        found.append(result.stdout.split())
    assert found[0] == found[1] == [run(source) for source in sources]


def test_all_three_generators_are_seeded() -> None:
    drawn = []
    for _ in range(2):
        keras.utils.set_random_seed(2**31 + 5)
        drawn.append((random.random(), np.random.normal(), torch.randn(()).item(), keras.random.normal((2,)).tolist()))
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.filterwarnings("ignore:LossScaleOptimizer")
def test_mixed_precision_repeats(policy: str) -> None:
    keras.mixed_precision.set_global_policy(policy)
    try:
        assert run("arrays") == run("arrays")
    finally:
        keras.mixed_precision.set_global_policy(None)


def test_deterministic_operations() -> None:
    """Nothing that layers, losses, metrics and optimizers need lacks a deterministic kernel."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    keras.config.enable_op_determinism()
    try:
        assert torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.benchmark
        assert run("arrays") == run("arrays")
        model = keras.Sequential(
            [layers.Embedding(8, 4, mask_zero=True), layers.LSTM(3), layers.Dense(1, activation="sigmoid")]
        )
        model.compile("adam", "binary_crossentropy", metrics=["AUC", "Precision"])
        model.fit(np.arange(24).reshape(6, 4) % 8, np.arange(6) % 2, verbose=0)
        image = keras.Sequential(
            [keras.Input((4, 4, 2)), layers.UpSampling2D(2, interpolation="bilinear"), layers.Conv2DTranspose(1, 3)]
        )
        image.compile("sgd", "mse")
        image.train_on_batch(np.ones((2, 4, 4, 2)), np.ones((2, 10, 10, 1)))
    finally:
        torch.use_deterministic_algorithms(False)
        torch.backends.cudnn.benchmark = before


def test_the_settings_of_keras_3() -> None:
    config = keras.config
    assert config.backend() == "torch"
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("float32", 1e-7, "channels_last")
    try:
        config.set_floatx("float64")
        config.set_epsilon(1e-3)
        config.set_image_data_format("channels_first")
        settings = keras.backend.floatx(), keras.backend.epsilon(), keras.backend.image_data_format()
        assert settings == ("float64", 1e-3, "channels_first")
        assert layers.Dense(1).dtype == "float64" and layers.Conv2D(1, 1).data_format == "channels_first"
    finally:
        config.set_floatx("float32")
        config.set_epsilon(1e-7)
        config.set_image_data_format("channels_last")
