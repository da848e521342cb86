"""Losses of regions: how little the predicted and the true one overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.core.config import epsilon
from kerastorch.losses.base import LossFunctionWrapper, Reduction, of_whole_batch
from kerastorch.losses.weighting import as_floats

Axes = int | Sequence[int] | None


def _sum(values: torch.Tensor, axis: Axes) -> torch.Tensor:
    return values.sum() if axis is None else values.sum(axis)


@of_whole_batch
def dice(y_true: Any, y_pred: Any, axis: Axes = None) -> torch.Tensor:
    """`1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`, over `axis` or everything (arXiv:1606.04797).

    >>> dice([[1.0, 0.0]], [[0.5, 0.5]])
    tensor(0.5000)
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    overlap = _sum(y_true * y_pred, axis)
    return 1.0 - 2.0 * overlap / (_sum(y_true, axis) + _sum(y_pred, axis) + epsilon())


@of_whole_batch
def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axes = None) -> torch.Tensor:
    """As `dice`, with `alpha` the weight of what is missed and `beta` of what is wrongly found (arXiv:1706.05721).

    The names are those of Keras 3, whose weights stand the other way round than in the paper.

    >>> tversky([[1.0, 0.0]], [[0.5, 0.5]], alpha=1.0, beta=0.0)
    tensor(0.5000)
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    overlap = _sum(y_true * y_pred, axis)
    missed = _sum(y_true * (1.0 - y_pred), axis)
    wrong = _sum((1.0 - y_true) * y_pred, axis)
    return 1.0 - overlap / (overlap + alpha * missed + beta * wrong + epsilon())


class Dice(LossFunctionWrapper):
    """One minus the Dice coefficient of the whole batch, or of what lies along `axis`.

    >>> Dice(axis=(1,))([[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.0, 1.0]])
    tensor(0.2500)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "dice", axis: Axes = None) -> None:
        super().__init__(dice, reduction=reduction, name=name, axis=axis)


class Tversky(LossFunctionWrapper):
    """One minus the Tversky index: Dice with a weight of its own for each kind of error.

    >>> Tversky(alpha=1.0, beta=0.0)([[1.0, 0.0]], [[0.5, 0.5]])
    tensor(0.5000)
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "tversky",
        axis: Axes = None,
    ) -> None:
        super().__init__(tversky, reduction=reduction, name=name, alpha=alpha, beta=beta, axis=axis)
