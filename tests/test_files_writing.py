"""Files appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import kerastorch as keras
from kerastorch.layers import Dense

SUFFIXES = (".keras", ".h5", ".weights.h5", ".safetensors", ".pt", "")
PROGRAM = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from test_files_writing import SUFFIXES, filled, save
model = filled(0.0)
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    value = float(sys.argv[4]) + number
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    for suffix in SUFFIXES:
        save(model, sys.argv[2] + "/model" + suffix)
"""


def filled(value: float) -> Any:
    """A model whose weights all have one value, so that a mixture of two files shows."""
    model = keras.Sequential([keras.Input((64,)), Dense(64), Dense(64)])
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    return model


def save(model: Any, path: str) -> None:
    (model.save_weights if path.endswith(".weights.h5") else model.save)(path)


def check_whole(folder: Path) -> None:
    """Every file that is there loads, and its weights are of one moment."""
    for suffix in SUFFIXES:
        path = folder / f"model{suffix}"
        if suffix == ".weights.h5":
            model = filled(-1.0)
            model.load_weights(path)
        else:
            model = keras.models.load_model(path)
        values = np.concatenate([weight.ravel() for weight in model.get_weights()])
        assert values.min() == values.max() >= 0, path


def start(folder: Path, times: int, first: float = 0.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(Path(__file__).parent), str(folder), str(times), str(first)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        save(filled(0.0), str(tmp_path / f"model{suffix}"))
    generator = random.Random(0)
    for _ in range(3):
        process = start(tmp_path, 10**6)
        assert process.stdout.readline() == "ready\n"
        time.sleep(generator.uniform(0.05, 0.5))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        check_whole(tmp_path)


@pytest.mark.slow
def test_two_processes_write_one_file_and_a_third_reads_it(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        save(filled(0.0), str(tmp_path / f"model{suffix}"))
    processes = [start(tmp_path, 20, first) for first in (0.0, 1000.0)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    while any(process.poll() is None for process in processes):
        check_whole(tmp_path)
    assert [process.wait() for process in processes] == [0, 0]
    for process in processes:
        process.communicate()
    check_whole(tmp_path)
    assert list(tmp_path.rglob(".*")) == []


FULL = """
import resource, signal, sys
sys.path.insert(0, sys.argv[1])
from test_files_writing import SUFFIXES, filled, save
model = filled(2.0)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
for suffix in SUFFIXES:
    try:
        save(model, sys.argv[2] + "/model" + suffix)
    except (OSError, RuntimeError) as error:
        print(type(error).__name__, error)
    else:
        sys.exit("written")
"""


def test_a_file_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    """A limit of the size of files stands in for a full disk: writing fails in the middle."""
    for suffix in SUFFIXES:
        save(filled(1.0), str(tmp_path / f"model{suffix}"))
    command = [sys.executable, "-c", FULL, str(Path(__file__).parent), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    assert len(done.stdout.splitlines()) >= len(SUFFIXES), done.stdout
    assert done.stdout.count("File too large") >= len(SUFFIXES) - 1, done.stdout  # torch.save has its own words
    check_whole(tmp_path)
    assert list(tmp_path.rglob(".*")) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_cannot_be_written_to_is_said(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path))

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # a superuser may write everywhere
    with pytest.raises(PermissionError, match="expected a folder that can be written to.*model"):
        save(filled(0.0), str(tmp_path / f"model{suffix}"))
    assert list(tmp_path.glob("model.*")) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        save(filled(1.0), str(tmp_path / "a" / "b" / f"model{suffix}"))
    check_whole(tmp_path / "a" / "b")


def test_an_existing_file_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    model = filled(1.0)
    for suffix in SUFFIXES:
        path = tmp_path / f"model{suffix}"
        save(model, str(path))
        method = model.save_weights if suffix == ".weights.h5" else model.save
        with pytest.raises(ValueError, match="expected a path that does not exist, as overwrite is False"):
            method(path, overwrite=False)


@pytest.mark.parametrize("suffix", [".ckpt", ".tf", ".txt"])
def test_other_suffixes_are_refused_with_one_that_works(suffix: str, tmp_path: Path) -> None:
    for method in (filled(0.0).save, filled(0.0).save_weights):
        with pytest.raises(ValueError, match=rf"received.*'\{suffix}'.*Use.*(keras|h5)"):
            method(tmp_path / f"model{suffix}")


def test_the_library_of_safetensors_reads_and_writes_the_same_files(tmp_path: Path) -> None:
    model = keras.Sequential([keras.layers.Conv2D(2, 3, input_shape=(4, 4, 1)), keras.layers.BatchNormalization()])
    model.save_weights(tmp_path / "ours.safetensors")
    theirs = safetensors.torch.load_file(tmp_path / "ours.safetensors")
    state = model.state_dict()
    assert set(theirs) == set(state) and all(torch.equal(theirs[key], state[key]) for key in state)
    changed = {key: (value + 1).contiguous() for key, value in state.items()}
    safetensors.torch.save_file(changed, tmp_path / "theirs.safetensors", {"format": "pt"})
    model.load_weights(tmp_path / "theirs.safetensors")
    assert all(torch.equal(changed[key], value) for key, value in model.state_dict().items())
    model.save(tmp_path / "whole.safetensors")
    with safetensors.safe_open(tmp_path / "whole.safetensors", "pt") as file:
        assert len(file.keys()) >= len(state) and file.metadata()
