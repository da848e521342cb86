"""Metrics of numbers and directions."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch import losses
from kerastorch.losses.weighting import as_floats, as_tensors, l2_normalize, squeeze_to_match
from kerastorch.metrics.reduction import Mean, MeanMetricWrapper, divide_no_nan


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> torch.Tensor:
    """The cosine of the angle between the vectors along `axis`; the loss of this name is its negative.

    >>> cosine_similarity([[0.0, 1.0]], [[0.0, 2.0]])
    tensor([1.])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    return (l2_normalize(y_true, axis) * l2_normalize(y_pred, axis)).sum(axis)


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
