"""Metrics of numbers: errors, directions, correlations, explained variance."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch import losses
from kerastorch.core.config import epsilon
from kerastorch.losses.weighting import as_floats, as_tensors, l2_normalize, squeeze_to_match
from kerastorch.metrics.base import Metric, State
from kerastorch.metrics.reduction import Mean, MeanMetricWrapper, divide_no_nan


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> torch.Tensor:
    """The cosine of the angle between the vectors along `axis`; the loss of this name is its negative.

    >>> cosine_similarity([[0.0, 1.0]], [[0.0, 2.0]])
    tensor([1.])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return (l2_normalize(y_true, axis) * l2_normalize(y_pred, axis)).sum(axis)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> torch.Tensor:
    """The linear correlation of labels and predictions along `axis`: from -1 to 1, nan where one is constant.

    >>> pearson_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 0.5]])
    tensor([1.])
    """
    y_true, y_pred = squeeze_to_match(*as_floats(y_true, y_pred))
    y_true, y_pred = (y - y.mean(axis, keepdim=True) for y in (y_true, y_pred))
    y_true, y_pred = (y / y.square().mean(axis, keepdim=True).sqrt() for y in (y_true, y_pred))
    return (y_true * y_pred).mean(axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> torch.Tensor:
    """The agreement of labels and predictions along `axis`: 1 where they are equal (doi:10.2307/2532051).

    >>> concordance_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 0.5]])
    tensor([0.9756])
    """
    y_true, y_pred = squeeze_to_match(*as_floats(y_true, y_pred))
    mean_true, mean_pred = y_true.mean(axis, keepdim=True), y_pred.mean(axis, keepdim=True)
    from_true, from_pred = y_true - mean_true, y_pred - mean_pred
    spread = from_true.square().mean(axis) + from_pred.square().mean(axis)
    apart = (mean_true - mean_pred).square().mean(axis)
    return 2.0 * (from_true * from_pred).mean(axis) / (spread + apart + epsilon())


class MeanSquaredError(MeanMetricWrapper):
    """The mean of `(y_true - y_pred) ** 2`.

    >>> MeanSquaredError()([[0.0], [1.0]], [[1.0], [3.0]])
    tensor(2.5000)
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of `|y_true - y_pred|`.

    >>> MeanAbsoluteError()([[0.0], [1.0]], [[1.0], [3.0]])
    tensor(1.5000)
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of `100 * |y_true - y_pred| / |y_true|`.

    >>> MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]])
    tensor(25.)
    """

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of `(log(y_true + 1) - log(y_pred + 1)) ** 2`.

    >>> MeanSquaredLogarithmicError()([[0.0]], [[1.0]])
    tensor(0.4805)
    """

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of `log(cosh(y_pred - y_true))`.

    >>> LogCoshError()([[0.0]], [[1.0]])
    tensor(0.4338)
    """

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between labels and predictions: 1 for the same direction.

    >>> CosineSimilarity()([[0.0, 1.0]], [[0.0, 2.0]])
    tensor(1.)
    """

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class RootMeanSquaredError(Mean):
    """The square root of the mean of `(y_true - y_pred) ** 2`.

    >>> RootMeanSquaredError()([[0.0], [1.0]], [[1.0], [2.0]])
    tensor(1.)
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = as_tensors(y_true, y_pred)
        y_true, y_pred = squeeze_to_match(y_true.to(self._dtype), y_pred.detach().to(self._dtype))
        super().update_state(torch.square(y_pred - y_true), sample_weight)

    def result(self) -> torch.Tensor:
        return torch.sqrt(super().result())


class MeanRelativeError(Mean):
    """The mean of `|y_true - y_pred| / normalizer`, 0 where the normalizer is 0.

    >>> MeanRelativeError(normalizer=[1, 3])([1.0, 3.0], [2.0, 6.0])
    tensor(1.)
    """

    def __init__(self, normalizer: Any, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.normalizer = normalizer

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = as_tensors(y_true, y_pred)
        y_true, y_pred = squeeze_to_match(y_true.to(self._dtype), y_pred.detach().to(self._dtype))
        normalizer = torch.as_tensor(self.normalizer, dtype=self._dtype, device=y_pred.device)
        error = torch.abs(y_true - y_pred)
        super().update_state(divide_no_nan(error, normalizer.expand(error.shape)), sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {"normalizer": self.normalizer, **super().get_config()}


class PearsonCorrelation(MeanMetricWrapper):
    """The mean linear correlation of labels and predictions along `axis`.

    >>> PearsonCorrelation()([[0.0, 1.0, 0.5]], [[0.1, 0.9, 0.5]])
    tensor(1.)
    """

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean agreement of labels and predictions along `axis`.

    >>> ConcordanceCorrelation()([[0.0, 1.0, 0.5]], [[0.1, 0.9, 0.5]])
    tensor(0.9756)
    """

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)


class R2Score(Metric):
    """`1 - residual / variance`: the share of the labels' variance that predictions (batch, outputs) explain.

    `class_aggregation` is 'uniform_average', 'variance_weighted_average' or None for one score an output. With
    `num_regressors` the score is adjusted for their number, where there are more values than that.
    Raises ValueError for other aggregations, and for labels and predictions without outputs.

    >>> R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])
    tensor(0.5714)
    """

    num_samples = State()
    squared_sum = State()
    sum = State()
    total_mse = State()
    count = State()

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        known = (None, "uniform_average", "variance_weighted_average")
        self._expect(f"class_aggregation as one of {known}", class_aggregation, class_aggregation in known)
        self._expect("num_regressors of at least 0", num_regressors, num_regressors >= 0)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_weight("num_samples", dtype="int32")

    def _build(self, outputs: int) -> None:
        self.squared_sum = self.add_weight("squared_sum", (outputs,))
        self.sum = self.add_weight("sum", (outputs,))
        self.total_mse = self.add_weight("residual", (outputs,))
        self.count = self.add_weight("count", (outputs,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = as_tensors(y_true, y_pred)
        if y_true.dim() != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"R2Score '{self.name}': expected labels and predictions of shape (batch, outputs); received "
                f"{tuple(y_true.shape)} and {tuple(y_pred.shape)}. Give both two axes, of the same lengths."
            )
        y_true, y_pred = y_true.to(self._dtype), y_pred.detach().to(self._dtype)
        if len(self._weights) == 1:
            self._build(y_pred.shape[1])
        if self._weights[0].device != y_pred.device:
            self._follow(y_pred.device)
        weight = torch.ones((), dtype=self._dtype, device=y_pred.device)
        if sample_weight is not None:
            weight = torch.as_tensor(sample_weight, dtype=self._dtype, device=y_pred.device)
        weight = (weight.unsqueeze(1) if weight.dim() == 1 else weight).expand(y_true.shape)
        self.sum.add_((weight * y_true).sum(0))
        self.squared_sum.add_((weight * y_true * y_true).sum(0))
        self.total_mse.add_((weight * torch.square(y_true - y_pred)).sum(0))
        self.count.add_(weight.sum(0))
        self.num_samples.add_(y_true.numel())

    def result(self) -> torch.Tensor:
        number = self.num_samples.detach()
        if len(self._weights) == 1:
            return torch.zeros((), dtype=self._dtype)
        total = self.squared_sum.detach() - self.sum.detach().square() / self.count.detach()
        scores = 1.0 - self.total_mse.detach() / total
        scores = torch.where(torch.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = scores.mean()
        elif self.class_aggregation is not None:
            scores = (total * scores).sum() / total.sum()
        if not self.num_regressors:
            return scores
        left = number - self.num_regressors - 1
        adjusted = 1.0 - (1.0 - scores) * (number - 1) / left
        return torch.where(left > 0, adjusted, scores)

    def get_config(self) -> dict[str, Any]:
        return {
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
            **super().get_config(),
        }
