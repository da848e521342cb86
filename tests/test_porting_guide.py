"""The lines that docs/porting.md tells people to write are lines that run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import ops

GUIDE = (Path(__file__).parents[1] / "docs" / "porting.md").read_text(encoding="utf-8")
ROWS = [re.findall(r"\|([^|]*)", line.rstrip("|")) for line in GUIDE.splitlines() if line.startswith("| `")]


@pytest.mark.parametrize("cell", [row[1] for row in ROWS if len(row) == 2])
def test_import_lines(cell: str) -> None:
    lines = [code for code in re.findall("`([^`]*)`", cell) if code.startswith(("import ", "from "))]
    for line in lines:
        exec(line, {})
    assert lines or "set_random_seed" in cell or cell.strip() == "the same"


@pytest.mark.parametrize("cells", [row[1:] for row in ROWS if len(row) == 3 and "`" in row[2]])
def test_torch_and_ops_do_the_same(cells: list[str]) -> None:
    x = torch.arange(6.0).reshape(2, 3)
    names: dict[str, Any] = {"x": x, "a": x, "b": x + 1, "torch": torch, "ops": ops, "keras": keras}
    ours, theirs = (eval(cell.strip().strip("`"), dict(names)) for cell in cells)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-6)


def test_the_training_loop() -> None:
    after = GUIDE.split("# after\n")[0].splitlines()[-1] + "\n" + GUIDE.split("# after\n")[1].split("```")[0]
    model = keras.Sequential([keras.layers.Dense(2, input_shape=(3,))])
    before = model.get_weights()
    exec(
        after,
        {"model": model, "loss_function": keras.losses.MeanSquaredError(), "optimizer": keras.optimizers.SGD(0.1)}
        | {"x": torch.ones(4, 3), "y": torch.ones(4, 2), "torch": torch},
    )
    assert not np.array_equal(before[0], model.get_weights()[0])
