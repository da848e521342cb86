"""Margin losses, for labels -1 and 1 (0 and 1 are understood as well)."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.losses.base import LossFunctionWrapper, Reduction
from kerastorch.losses.weighting import as_floats


def _signs(y_true: torch.Tensor) -> torch.Tensor:
    """Labels as they are, or turned from 0 and 1 into -1 and 1 when all are 0 or 1."""
    # torch.eq, because == of symbolic tensors compares identity
    is_binary = (torch.eq(y_true, 0) | torch.eq(y_true, 1)).all()
    return torch.where(is_binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`mean(max(1 - y_true * y_pred, 0))` over the last axis.

    >>> hinge([[-1.0, 1.0]], [[0.5, 0.5]])
    tensor([1.])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return torch.relu(1.0 - _signs(y_true) * y_pred).mean(-1)


def squared_hinge(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`mean(max(1 - y_true * y_pred, 0) ** 2)` over the last axis.

    >>> squared_hinge([[-1.0, 1.0]], [[0.5, 0.5]])
    tensor([1.2500])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return torch.square(torch.relu(1.0 - _signs(y_true) * y_pred)).mean(-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0)` over the last axis, for one-hot labels.

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 0.25]])
    tensor([1.2500])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    right = (y_true * y_pred).sum(-1)
    wrong = torch.amax((1.0 - y_true) * y_pred, -1)
    return torch.relu(wrong - right + 1.0)


class Hinge(LossFunctionWrapper):
    """`mean(max(1 - y_true * y_pred, 0))`.

    >>> Hinge()([[-1.0], [1.0]], [[0.5], [0.5]])
    tensor(1.)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "hinge") -> None:
        super().__init__(hinge, reduction=reduction, name=name)


class SquaredHinge(LossFunctionWrapper):
    """`mean(max(1 - y_true * y_pred, 0) ** 2)`.

    >>> SquaredHinge()([[-1.0], [1.0]], [[0.5], [0.5]])
    tensor(1.2500)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "squared_hinge") -> None:
        super().__init__(squared_hinge, reduction=reduction, name=name)


class CategoricalHinge(LossFunctionWrapper):
    """`max(max((1 - y_true) * y_pred) - sum(y_true * y_pred) + 1, 0)`, averaged over the samples.

    >>> CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]])
    tensor(1.2500)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "categorical_hinge") -> None:
        super().__init__(categorical_hinge, reduction=reduction, name=name)
