"""Data sets, layers of categories and texts, and what makes data of files, against tf.data and tf_keras."""

from __future__ import annotations

import contextlib
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import cases_data
from kerastorch import data, layers, utils
from kerastorch.core.strings import as_strings
from kerastorch.data.experimental import make_csv_dataset
from kerastorch.preprocessing import sequence, text
from support import GOLDEN, config_differences

EXPECTED = json.loads((GOLDEN / "data.json").read_text(encoding="utf-8"))


@contextlib.contextmanager
def printed():
    lines = io.StringIO()
    with contextlib.redirect_stdout(lines):
        yield lines


def tensor(value):
    if isinstance(value, list):
        return [tensor(one) for one in value]
    return as_strings(value) if value.dtype.kind == "U" else torch.from_numpy(value)


@pytest.fixture(scope="module")
def tools(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    cases_data.make_files(folder)
    return SimpleNamespace(
        Dataset=data.Dataset,
        TensorSpec=data.TensorSpec,
        TextLineDataset=data.TextLineDataset,
        CsvDataset=data.CsvDataset,
        make_csv_dataset=make_csv_dataset,
        dtype=lambda name: name,
        tensor=tensor,
        layers=layers,
        text=text,
        sequence=sequence,
        utils=utils,
        np_utils=utils.np_utils,
        folder=folder,
        printed=printed,
    )


def without_what_is_learnt(found):
    """The config without the words that adapt() has found: tf_keras writes these beside the config."""
    config = found.get("config") if isinstance(found, dict) else None
    if not isinstance(config, dict) or "vocabulary_size" not in config:
        return found
    learnt = ("vocabulary_size", "vocabulary_dtype")
    return {**found, "config": {key: value for key, value in config.items() if key not in learnt}}


@pytest.mark.parametrize("name", EXPECTED)
def test_as_in_keras(tools, name):
    found = json.loads(json.dumps(cases_data.CASES[name](tools)))
    assert config_differences(without_what_is_learnt(found), without_what_is_learnt(EXPECTED[name]), name) == []


def test_every_case_has_its_values():
    assert sorted(cases_data.CASES) == sorted(EXPECTED)
    assert np.array_equal(cases_data.COLOURS[0], ["red", "blue"])
