"""A training program that is killed again and again, and started again until it is done.

    python tests/resume_program.py KILLS SEED FOLDER [--fresh]
    python tests/resume_program.py --pair FOLDER

The first form writes a JSON object to the standard output: how often the program was killed, how many files were read,
and every difference between the end of the killed runs and that of a run that was never stopped. Processes are forked
from one that has imported the library; with --fresh they are new interpreters. The second form runs the program twice
at the same time in one folder, and writes the differences alone.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import kerastorch as keras
from kerastorch import callbacks
from kerastorch.layers import BatchNormalization, Dense, Dropout

EPOCHS = 8
SETTINGS = [{"save_freq": "epoch"}, {"save_freq": 3}, {"save_freq": 7, "steps_per_epoch": 9}]


def build() -> Any:
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            Dense(32, activation="relu", input_shape=(16,)),
            BatchNormalization(),
            Dropout(0.3),
            Dropout(0.2, seed=5),
            Dense(3, activation="softmax"),
        ]
    )
    metrics = ["accuracy", keras.metrics.MeanAbsoluteError(), keras.metrics.SparseTopKCategoricalAccuracy(2)]
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=metrics)
    return model


def train(folder: Path, save_freq: str | int, steps_per_epoch: int | None = None) -> None:
    """The program: knows nothing of being killed."""
    numbers = np.random.RandomState(0)
    x = numbers.normal(size=(200, 16)).astype("float32")
    y = (x[:, 0] > 0).astype("int64") + (x[:, 1] > 0)
    model = build()
    (folder / "begun").touch()
    history = model.fit(
        x,
        y,
        batch_size=16,
        epochs=EPOCHS,
        steps_per_epoch=steps_per_epoch,
        verbose=0,
        validation_data=(x[:40], y[:40]),
        callbacks=[
            callbacks.ModelCheckpoint(folder / "models" / "last.keras"),
            callbacks.BackupAndRestore(folder / "backup", save_freq=save_freq),
            callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=1, min_delta=0.01),
            callbacks.EarlyStopping("val_loss", patience=EPOCHS, restore_best_weights=True),
            callbacks.CSVLogger(folder / "log.csv"),
            callbacks.ModelCheckpoint(folder / "models" / "best.h5", save_best_only=True),
            callbacks.ModelCheckpoint(folder / "models" / "often.weights.h5", save_weights_only=True, save_freq=5),
        ],
    )
    slots = {f"slot{i}": value for i, value in enumerate(model.optimizer.get_weights())}
    weights = {f"weight{i}": value for i, value in enumerate(model.get_weights())}
    rate = {"rate": np.array(float(model.optimizer.learning_rate)), "next": torch.rand(3).numpy()}
    values = {f"history/{name}": np.array(found) for name, found in history.history.items()}
    part = folder / f"result-{os.getpid()}.npz"
    np.savez(part, **slots, **weights, **rate, **values, epoch=np.array(history.epoch))
    os.replace(part, folder / "result.npz")


def forked(folder: Path, settings: dict[str, Any]) -> Callable[[], int | None]:
    """Start the program in a copy of this process; the function returned gives its exit code when it has ended."""
    pid = os.fork()
    if pid == 0:
        try:
            train(folder, **settings)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)

    def poll(stop: bool = False) -> int | None:
        if stop:
            os.kill(pid, signal.SIGKILL)
        ended, status = os.waitpid(pid, 0 if stop else os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None

    return poll


def fresh(folder: Path, settings: dict[str, Any]) -> Callable[[], int | None]:
    """As `forked`, in a new interpreter."""
    process = subprocess.Popen([sys.executable, __file__, "--train", str(folder), json.dumps(settings)])

    def poll(stop: bool = False) -> int | None:
        if stop:
            process.kill()
        return process.wait() if stop else process.poll()

    return poll


def check_files(folder: Path) -> int:
    """Read every file that a reader may meet; returns their number."""
    found = [path for path in (folder / "models").glob("*") if not path.name.startswith(".")]
    for path in found:
        if path.name.endswith(".weights.h5"):
            build().load_weights(path)
        else:
            keras.models.load_model(path)
    return len(found)


def differences(expected: Path, found: Path) -> list[str]:
    with np.load(expected / "result.npz") as one, np.load(found / "result.npz") as other:
        wrong = [name for name in one if name not in other or not np.array_equal(one[name], other[name])]
        wrong += [name for name in other if name not in one]
        epochs = one["epoch"].tolist()
    if epochs != list(range(EPOCHS)):
        wrong.append(f"epochs {epochs}")
    if (expected / "log.csv").read_bytes() != (found / "log.csv").read_bytes():
        wrong.append("log.csv")
    for name in ("last.keras", "best.h5"):
        models = [keras.models.load_model(folder / "models" / name) for folder in (expected, found)]
        pairs = zip(*(model.get_weights() + model.optimizer.get_weights() for model in models), strict=True)
        wrong += [] if all(np.array_equal(*pair) for pair in pairs) else [name]
    return wrong


def main(kills: int, seed: int, folder: Path, start: Callable[..., Any], longest: float) -> dict[str, Any]:
    chance = random.Random(seed)
    report: dict[str, Any] = {"kills": 0, "files_read": 0, "differences": {}, "runs": 0}
    number = 0
    while report["kills"] < kills:
        settings = SETTINGS[number % len(SETTINGS)]
        number += 1
        whole, broken = folder / "whole", folder / "broken"
        for place in (whole, broken):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
        poll = started(start, whole, settings)
        begun = time.monotonic()
        wait_for(poll)
        duration = time.monotonic() - begun
        while True:
            poll = started(start, broken, settings)
            report["runs"] += 1
            end = time.monotonic() + chance.uniform(0.0, min(duration, longest))
            while time.monotonic() < end and (code := poll()) is None:
                time.sleep(0.001)
            if code is None and report["kills"] < kills:
                poll(stop=True)
                report["kills"] += 1
                report["files_read"] += check_files(broken)
                continue
            if code is None:
                wait_for(poll)
            elif code != 0:
                raise SystemExit(f"the program has failed: {code}")
            break
        wrong = differences(whole, broken)
        if wrong:
            report["differences"][str(settings)] = wrong
    return report


def started(start: Callable[..., Any], folder: Path, settings: dict[str, Any]) -> Callable[..., int | None]:
    """Start the program; returns when it is about to train, so that no kill is spent on the imports."""
    (folder / "begun").unlink(missing_ok=True)
    poll = start(folder, settings)
    while not (folder / "begun").exists():
        if (code := poll()) is not None:
            raise SystemExit(f"the program has failed: {code}")
        time.sleep(0.001)
    return poll


def wait_for(poll: Callable[[], int | None]) -> None:
    while (code := poll()) is None:
        time.sleep(0.005)
    if code != 0:
        raise SystemExit(f"the program has failed: {code}")


def pair(folder: Path) -> dict[str, Any]:
    """Two processes that write the same backup and the same checkpoints."""
    for name in ("whole", "both"):
        (folder / name).mkdir(parents=True)
    wait_for(forked(folder / "whole", {"save_freq": 5}))
    running = [forked(folder / "both", {"save_freq": 5}) for _ in range(2)]
    for poll in running:
        wait_for(poll)
    wrong = differences(folder / "whole", folder / "both")
    return {"differences": [name for name in wrong if name != "log.csv"]}  # to which both have written


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "--train":
        train(Path(sys.argv[2]), **json.loads(sys.argv[3]))
    elif sys.argv[1] == "--pair":
        print(json.dumps(pair(Path(sys.argv[2]))))
    else:
        way = fresh if "--fresh" in sys.argv else forked
        print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), way, 60.0)))
