"""100 steps of every optimizer with every clip, decay, schedule and average against tf_keras, today's and legacy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import cases_optimizers as cases
import kerastorch as keras
from support import Golden

GOLDEN = Golden("trajectories")


def rows(optimizer: Any) -> np.ndarray:
    """The weights, in one row, after the steps that the golden file keeps."""
    weights = [torch.nn.Parameter(torch.from_numpy(np.asarray(weight))) for weight in cases.tiny_start()]
    values = [weight.detach().numpy() for weight in weights]
    found = []
    for step in range(cases.LONG):
        gradients = [torch.from_numpy(np.asarray(g)) for g in cases.tiny_gradients(values, step)]
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        if step + 1 == cases.LONG and optimizer.use_ema:
            optimizer.finalize_variable_values(weights)
        if step + 1 in cases.KEPT:
            found.append(cases.flat(values).copy())
    assert int(optimizer.iterations) == cases.LONG
    return np.stack(found)


def compare(name: str, legacy: bool) -> None:
    expected = GOLDEN[f"legacy/{name}" if legacy else name]
    combinations = cases.combinations(name, legacy)
    assert len(combinations) == len(expected)
    assert np.isfinite(expected).all()
    worst = {}
    for (title, options), row in zip(combinations.items(), expected, strict=True):
        actual = rows(cases.make(keras, name, options, legacy))
        worst[title] = float((np.abs(actual - row).max(axis=1) / np.abs(row).max(axis=1)).max())
    too_far = {title: f"{difference:.2g}" for title, difference in worst.items() if not difference <= 1e-5}
    assert too_far == {}


@pytest.mark.filterwarnings("ignore:.*`decay` is an old argument:UserWarning")
@pytest.mark.parametrize("name", cases.VARIANTS)
def test_hundred_steps(name: str) -> None:
    compare(name, legacy=False)


@pytest.mark.parametrize("name", cases.LEGACY_VARIANTS)
def test_hundred_steps_of_legacy_optimizers(name: str) -> None:
    compare(name, legacy=True)


def test_combinations_are_all_different() -> None:
    """What is combined changes the result, so that no option can be ignored unnoticed."""
    for name, legacy in [
        *((name, False) for name in cases.VARIANTS),
        *((name, True) for name in cases.LEGACY_VARIANTS),
    ]:
        finals = GOLDEN[f"legacy/{name}" if legacy else name][:, -1]
        differences = np.abs(finals[:, None] - finals[None]).max(axis=-1) + np.eye(len(finals))
        assert differences.min() > 1e-4, name
