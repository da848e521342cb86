"""Losses for regression: distances between numbers, distributions and directions."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.core.config import epsilon
from kerastorch.losses.base import LossFunctionWrapper, Reduction, with_fused_mean
from kerastorch.losses.weighting import as_floats, l2_normalize


def _fused_squared_error(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor | None:
    if y_true.shape != y_pred.shape or not y_pred.dtype.is_floating_point:
        return None
    return F.mse_loss(y_pred, y_true if y_true.dtype is y_pred.dtype else y_true.to(y_pred.dtype))


def _fused_absolute_error(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor | None:
    if y_true.shape != y_pred.shape or not y_pred.dtype.is_floating_point:
        return None
    return F.l1_loss(y_pred, y_true if y_true.dtype is y_pred.dtype else y_true.to(y_pred.dtype))


@with_fused_mean(_fused_squared_error)
def mean_squared_error(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`mean((y_true - y_pred) ** 2)` over the last axis: (batch, ..., units) gives (batch, ...).

    >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]])
    tensor([2.5000])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    difference = y_pred - y_true
    return (difference * difference).mean(-1)


@with_fused_mean(_fused_absolute_error)
def mean_absolute_error(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`mean(|y_true - y_pred|)` over the last axis.

    >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]])
    tensor([1.5000])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return torch.abs(y_pred - y_true).mean(-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`100 * mean(|y_true - y_pred| / |y_true|)` over the last axis.

    >>> mean_absolute_percentage_error([[2.0, 1.0]], [[1.0, 1.0]])
    tensor([25.])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return 100.0 * torch.abs((y_true - y_pred) / torch.clamp(torch.abs(y_true), min=epsilon())).mean(-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`mean((log(y_true + 1) - log(y_pred + 1)) ** 2)` over the last axis; negative numbers count as 0.

    >>> mean_squared_logarithmic_error([[0.0]], [[1.0]])
    tensor([0.4805])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    difference = torch.log(torch.clamp(y_pred, min=epsilon()) + 1.0) - torch.log(
        torch.clamp(y_true, min=epsilon()) + 1.0
    )
    return (difference * difference).mean(-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> torch.Tensor:
    """The mean over the last axis of `e ** 2 / 2` up to `delta`, of `delta * (|e| - delta / 2)` above.

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]])
    tensor([1.5000])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    error = torch.abs(y_pred - y_true)
    return torch.where(error <= delta, 0.5 * error * error, delta * error - 0.5 * delta * delta).mean(-1)


def log_cosh(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`mean(log(cosh(y_pred - y_true)))` over the last axis.

    >>> log_cosh([[0.0]], [[1.0]])
    tensor([0.4338])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    error = y_pred - y_true
    return (error + F.softplus(-2.0 * error) - math.log(2.0)).mean(-1)


def kl_divergence(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`sum(y_true * log(y_true / y_pred))` over the last axis, both clipped to [epsilon, 1].

    >>> kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])
    tensor([0.1438])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = torch.clamp(y_true, epsilon(), 1.0)
    y_pred = torch.clamp(y_pred, epsilon(), 1.0)
    return (y_true * torch.log(y_true / y_pred)).sum(-1)


def poisson(y_true: Any, y_pred: Any) -> torch.Tensor:
    """`mean(y_pred - y_true * log(y_pred))` over the last axis.

    >>> poisson([[1.0]], [[1.0]])
    tensor([1.0000])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return (y_pred - y_true * torch.log(y_pred + epsilon())).mean(-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> torch.Tensor:
    """Minus the cosine of the angle between the vectors along `axis`: -1 for the same direction.

    >>> cosine_similarity([[0.0, 1.0]], [[0.0, 2.0]])
    tensor([-1.])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return -(l2_normalize(y_true, axis) * l2_normalize(y_pred, axis)).sum(axis)


class MeanSquaredError(LossFunctionWrapper):
    """`mean((y_true - y_pred) ** 2)`.

    >>> MeanSquaredError()([[0.0], [1.0]], [[1.0], [3.0]])
    tensor(2.5000)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "mean_squared_error") -> None:
        super().__init__(mean_squared_error, reduction=reduction, name=name)


class MeanAbsoluteError(LossFunctionWrapper):
    """`mean(|y_true - y_pred|)`.

    >>> MeanAbsoluteError()([[0.0], [1.0]], [[1.0], [3.0]])
    tensor(1.5000)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "mean_absolute_error") -> None:
        super().__init__(mean_absolute_error, reduction=reduction, name=name)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """`100 * mean(|y_true - y_pred| / |y_true|)`.

    >>> MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]])
    tensor(25.)
    """

    def __init__(
        self, reduction: str | None = Reduction.AUTO, name: str | None = "mean_absolute_percentage_error"
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction=reduction, name=name)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """`mean((log(y_true + 1) - log(y_pred + 1)) ** 2)`.

    >>> MeanSquaredLogarithmicError()([[0.0]], [[1.0]])
    tensor(0.4805)
    """

    def __init__(
        self, reduction: str | None = Reduction.AUTO, name: str | None = "mean_squared_logarithmic_error"
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction=reduction, name=name)


class Huber(LossFunctionWrapper):
    """Quadratic for errors up to `delta`, linear above (https://doi.org/10.1214/aoms/1177703732).

    >>> Huber()([[0.0], [0.0]], [[1.0], [3.0]])
    tensor(1.5000)
    """

    def __init__(
        self, delta: float = 1.0, reduction: str | None = Reduction.AUTO, name: str | None = "huber_loss"
    ) -> None:
        super().__init__(huber, reduction=reduction, name=name, delta=delta)


class LogCosh(LossFunctionWrapper):
    """`mean(log(cosh(y_pred - y_true)))`: like a squared error near zero, like an absolute one far away.

    >>> LogCosh()([[0.0]], [[1.0]])
    tensor(0.4338)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "log_cosh") -> None:
        super().__init__(log_cosh, reduction=reduction, name=name)


class KLDivergence(LossFunctionWrapper):
    """`sum(y_true * log(y_true / y_pred))`, averaged over the samples.

    >>> KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])
    tensor(0.1438)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "kl_divergence") -> None:
        super().__init__(kl_divergence, reduction=reduction, name=name)


class Poisson(LossFunctionWrapper):
    """`mean(y_pred - y_true * log(y_pred))`.

    >>> Poisson()([[1.0]], [[1.0]])
    tensor(1.0000)
    """

    def __init__(self, reduction: str | None = Reduction.AUTO, name: str | None = "poisson") -> None:
        super().__init__(poisson, reduction=reduction, name=name)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the mean cosine between labels and predictions: -1 for the same direction, 1 for the opposite.

    >>> CosineSimilarity()([[0.0, 1.0]], [[0.0, -2.0]])
    tensor(1.)
    """

    def __init__(
        self, axis: int = -1, reduction: str | None = Reduction.AUTO, name: str | None = "cosine_similarity"
    ) -> None:
        super().__init__(cosine_similarity, reduction=reduction, name=name, axis=axis)
