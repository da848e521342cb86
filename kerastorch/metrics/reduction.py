"""Means and sums over batches, and functions of (y_true, y_pred) that are averaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from kerastorch.core.registry import registered_name
from kerastorch.core.variable import Variable
from kerastorch.losses.weighting import (
    apply_valid_mask,
    as_tensors,
    fit_rank,
    fits_into,
    is_tensor,
    squeeze_to_match,
)
from kerastorch.metrics.base import Metric, State

MetricFunction = Callable[..., torch.Tensor]
# the sum of a batch and how many values were added up; None where the simple way does not apply
Tally = Callable[..., tuple[torch.Tensor, int] | None]


def divide_no_nan(numerator: torch.Tensor, denominator: torch.Tensor) -> torch.Tensor:
    """`numerator / denominator`, 0 where the denominator is 0."""
    return torch.where(denominator == 0, torch.zeros_like(numerator), numerator / denominator)


def _as_values(values: Any, dtype: torch.dtype) -> torch.Tensor:
    if not isinstance(values, torch.Tensor):
        values = torch.as_tensor(values)
    if values.requires_grad:
        values = values.detach()
    return values if values.dtype == dtype else values.to(dtype)


def _weigh(
    values: torch.Tensor, sample_weight: Any, reduce: Callable[..., torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and weights of one shape; axes that the weights lack are reduced, unless they have length 1."""
    weight = fit_rank(sample_weight, values)
    if not fits_into(weight, values):
        if weight.shape != values.shape[: weight.dim()]:
            raise ValueError(
                f"sample_weight: expected a shape that fits values of shape {tuple(values.shape)}; "
                f"received {tuple(weight.shape)}. Give one weight per sample, or one per value."
            )
        values = reduce(values, tuple(range(weight.dim(), values.dim())))
    return values, weight.expand(values.shape)


class Sum(Metric):
    """The (weighted) sum of all values.

    >>> metric = Sum()
    >>> metric.update_state([1, 3, 5], sample_weight=[1, 1, 0])
    >>> metric.result()
    tensor(4.)
    """

    total = State()

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_weight("total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = _as_values(values, self._dtype)
        if values.device != self.total.device:
            self._follow(values.device)
        if sample_weight is not None:
            values, weight = _weigh(values, sample_weight, torch.sum)
            values = values * weight
        self.total.add_(values.sum())

    def result(self) -> torch.Tensor:
        return self.total.detach().clone()


class Mean(Metric):
    """The (weighted) mean of all values: their weighted sum divided by the sum of the weights.

    >>> metric = Mean()
    >>> metric.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    >>> metric.result()
    tensor(2.)
    """

    total = State()

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_weight("total")
        self._count = self.add_weight("count")
        # values without weights are counted in Python; they go to the device only when somebody looks
        self._number: float = 0
        self._counted_on_device = False

    @property
    def count(self) -> Variable:
        """The sum of the weights so far."""
        self.catch_up()
        if self._number:
            self._count.assign_add(self._number)
            self._number = 0
        self._counted_on_device = True
        return self._count

    @property
    def weights(self) -> list[Variable]:
        return [weight if weight is not self._count else self.count for weight in super().weights]

    variables = weights
    non_trainable_weights = weights
    non_trainable_variables = weights

    def _add(self, total: torch.Tensor, number: float, factor: float = 1) -> None:
        if total.device != self.total.device:
            self._follow(total.device)
        self.total.add_(total, alpha=factor)
        self._number += number

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        if type(sample_weight) is int and type(values) is torch.Tensor and values.dtype is self._dtype:
            # a batch's mean and its size: what the training loop adds up in each step
            if values.dim() == 0 and not values.requires_grad:
                self._add(values, sample_weight, factor=sample_weight)
                return
        if sample_weight is None and isinstance(values, int | float):
            self.total.add_(values)
            self._number += 1
            return
        values = _as_values(values, self._dtype)
        if sample_weight is None:
            self._add(values.sum() if values.dim() else values, values.numel())
        elif isinstance(sample_weight, int | float):
            total = values.sum() if values.dim() else values
            self._add(total, values.numel() * sample_weight, factor=sample_weight)
        else:
            values, weight = _weigh(values, sample_weight, torch.mean)
            self._add((values * weight).sum(), 0)
            self._count.add_(weight.sum())
            self._counted_on_device = True

    def result(self) -> torch.Tensor:
        total = self.total.detach()  # first, as it brings the numbers up to date
        if self._counted_on_device:
            return divide_no_nan(total, self.count.detach())
        return total / self._number if self._number else torch.zeros_like(total)

    def as_number(self) -> float | None:
        """The same number as `float(result())` for less work; None where there is no such way to it."""
        total = self.total
        plain = total.is_cpu and total.dtype is torch.float32 and type(self).result is Mean.result
        if not plain or self._counted_on_device or not self._number:
            return None
        return float(np.float32(total.item()) / np.float32(self._number))

    def reset_state(self) -> None:
        self._number = 0
        self._counted_on_device = False
        super().reset_state()


class SumOverBatchSize(Mean):
    """The weighted sum of all values divided by their number: weights change the sum alone.

    >>> metric = SumOverBatchSize()
    >>> metric.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    >>> metric.result()
    tensor(1.)
    """

    def __init__(self, name: str | None = "sum_over_batch_size", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = _as_values(values, self._dtype)
        if sample_weight is not None:
            values, weight = _weigh(values, sample_weight, torch.mean)
            values = values * weight
        self._add(values.sum(), values.numel())


def with_tally(tally: Tally) -> Callable[[MetricFunction], MetricFunction]:
    """Decorator of a metric function: `tally(y_true, y_pred, ...)` adds up a batch in few torch calls."""

    def decorate(function: MetricFunction) -> MetricFunction:
        function.tally = tally  # type: ignore[attr-defined]
        return function

    return decorate


def _tally_of(function: MetricFunction) -> Tally | None:
    fused_mean = getattr(function, "fused_mean", None)
    return getattr(function, "tally", None) if fused_mean is None else partial(_tally_of_mean, fused_mean)


def _tally_of_mean(
    fused_mean: MetricFunction, y_true: torch.Tensor, y_pred: torch.Tensor, **kwargs: Any
) -> tuple[torch.Tensor, int] | None:
    # a mean in half precision would be too coarse to be added up
    whole = y_pred.dtype is torch.float32 or y_pred.dtype is torch.float64
    mean = fused_mean(y_true, y_pred, **kwargs) if whole else None
    if mean is None:
        return None
    number = y_pred.numel() // max(1, y_pred.shape[-1]) if y_pred.dim() > 1 else 1
    return mean.detach() * number, number


class MeanMetricWrapper(Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)` that returns one value per sample.

    >>> metric = MeanMetricWrapper(lambda y_true, y_pred: (y_true - y_pred).abs())
    >>> metric([1.0, 2.0], [1.0, 4.0])
    tensor(1.)
    """

    def __init__(self, fn: MetricFunction, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._arguments = kwargs
        self._tally = _tally_of(fn)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if (
            sample_weight is None
            and self._tally is not None
            and type(y_pred) is torch.Tensor
            and type(y_true) is torch.Tensor
            and y_true.device == y_pred.device
        ):
            tallied = self._tally(y_true, y_pred, **self._arguments)
            if tallied is not None:
                self._add(*tallied)
                return
        y_true, y_pred = as_tensors(y_true, y_pred)
        if y_true.dtype != self._dtype:
            y_true = y_true.to(self._dtype)
        if y_pred.dtype != self._dtype:
            y_pred = y_pred.to(self._dtype)
        y_true, y_pred = squeeze_to_match(y_true, y_pred)
        values = self._fn(y_true, y_pred, **self._arguments)
        mask = getattr(values, "_keras_mask", None)
        if mask is not None:
            sample_weight = apply_valid_mask(values, sample_weight, mask, isinstance(self, SumOverBatchSize))
        if not is_tensor(values) and isinstance(values, Mapping):
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected a metric function that returns a tensor; "
                f"received a dict with {sorted(values)}. Write a subclass of Metric whose result is a dict."
            )
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._arguments}
        return {"fn": self._fn, **config} if type(self) in _WRAPPERS else config

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name}, fn={registered_name(self._fn)}, dtype={self.dtype})"


class SumOverBatchSizeMetricWrapper(MeanMetricWrapper, SumOverBatchSize):
    """`SumOverBatchSize` of a function `fn(y_true, y_pred, **kwargs)` that returns one value per sample.

    >>> metric = SumOverBatchSizeMetricWrapper(lambda y_true, y_pred: (y_true - y_pred).abs())
    >>> metric([1.0, 2.0], [1.0, 4.0], sample_weight=[1.0, 0.5])
    tensor(0.5000)
    """


_WRAPPERS = (MeanMetricWrapper, SumOverBatchSizeMetricWrapper)


class MeanTensor(Metric):
    """The (weighted) mean of tensors of one shape, element by element.

    Raises ValueError for a tensor of another shape, and for a result before the first update.

    >>> metric = MeanTensor()
    >>> metric.update_state([0.0, 1.0])
    >>> metric([2.0, 2.0])
    tensor([1.0000, 1.5000])
    """

    total = State()
    count = State()

    def __init__(self, name: str | None = "mean_tensor", dtype: Any = None, shape: Sequence[int] | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.count = None
        self._shape = None if shape is None else tuple(shape)
        if shape is not None:
            self._build(shape)

    def _build(self, shape: Sequence[int]) -> None:
        self.total = self.add_weight("total", tuple(shape))
        self.count = self.add_weight("count", tuple(shape))

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values = _as_values(values, self._dtype)
        if self.total is None or self.count is None:
            self._build(values.shape)
        if values.shape != self.total.shape:
            raise ValueError(
                f"MeanTensor '{self.name}': expected values of shape {tuple(self.total.shape)}, as in the "
                f"first update; received {tuple(values.shape)}. Use one metric for each shape."
            )
        if values.device != self.total.device:
            self._follow(values.device)
        weight = torch.ones_like(values)
        if sample_weight is not None:
            values, weight = _weigh(values, sample_weight, torch.mean)
        self.total.add_(values * weight)
        self.count.add_(weight)

    def result(self) -> torch.Tensor:
        if self.total is None or self.count is None:
            raise ValueError(
                f"MeanTensor '{self.name}': expected at least one update before a result; received none. "
                "Call update_state first, or give 'shape'."
            )
        return divide_no_nan(self.total.detach(), self.count.detach())

    def get_config(self) -> dict[str, Any]:
        shape = {} if self._shape is None else {"shape": self._shape}
        return {**super().get_config(), **shape}
