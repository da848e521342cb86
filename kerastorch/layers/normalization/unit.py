"""Normalisation to length 1."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.layers.normalization.base import AxisLayer


class UnitNormalization(AxisLayer):
    """Scale each sample to Euclidean length 1 over `axis`: `x / max(|x|, 1e-6)`.

    Input and output have the same shape. Raises ValueError for axes that the input does not have.

    >>> UnitNormalization()(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = self.checked_axis(axis)

    def build(self, input_shape: Any) -> None:
        self.positive_axes(input_shape)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.as_floats(inputs), dim=self.axis, eps=1e-6)
