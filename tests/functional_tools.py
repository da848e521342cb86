"""Two inputs, a comparison and a nested model, for the tests of functional models."""

from __future__ import annotations

from typing import Any

import torch

import kerastorch as keras
from kerastorch.layers import (
    Dense,
    Input,
)
from support import normal

LEFT = torch.from_numpy(normal("left", (4, 3)))
RIGHT = torch.from_numpy(normal("right", (4, 2)))


def same(found: Any, expected: Any) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)


def nested_model() -> tuple[Any, Any]:
    inner_in = Input((3,), name="inner_in")
    inner = keras.Model(inner_in, Dense(2, activation="tanh", name="inner_dense")(inner_in), name="inner")
    outer_in = Input((3,), name="outer_in")
    outer = keras.Model(outer_in, Dense(1, name="head")(inner(outer_in)), name="outer")
    return inner, outer
