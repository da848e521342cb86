"""Metrics of true and false positives and negatives at thresholds: Precision, Recall and the counts themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from kerastorch.losses.weighting import as_tensors, fit_rank, squeeze_to_match
from kerastorch.metrics.base import Metric, State
from kerastorch.metrics.reduction import divide_no_nan


class Counts(NamedTuple):
    """Weighted numbers at each threshold: shape (thresholds,), or (thresholds, labels)."""

    true_positives: torch.Tensor
    false_positives: torch.Tensor
    true_negatives: torch.Tensor
    false_negatives: torch.Tensor


class Thresholds:
    """Thresholds that predictions must exceed to be positive; counts at all of them at once."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = list(values)
        last = len(self.values) - 1
        # 0, 1/n, 2/n ... 1, give or take the margin that AUC puts around the ends
        self.even = last >= 2 and all(
            abs(value - position / last) <= 2e-7 + 1e-5 * position / last for position, value in enumerate(self.values)
        )
        self.beyond_ends = self.values[0] < 0.0 or self.values[-1] > 1.0

    def count(self, y_pred: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor) -> Counts:
        """Counts over the first axis; `positive` and `negative` are the weights of labels 1 and 0, else 0."""
        if self.even:
            true_positives, false_positives = self._count_even(y_pred, positive, negative)
        else:
            # one by one, as numbers that are part of a kernel's call need no copy to the device
            above = torch.stack([y_pred > value for value in self.values]).to(y_pred.dtype)
            true_positives = (above * positive).sum(1)
            false_positives = (above * negative).sum(1)
        return Counts(
            true_positives,
            false_positives,
            negative.sum(0) - false_positives,
            positive.sum(0) - true_positives,
        )

    def count_all(
        self, y_true: torch.Tensor, y_pred: torch.Tensor, weight: torch.Tensor | None, class_id: int | None = None
    ) -> Counts:
        """Counts over everything, or over one class of the last axis."""
        if class_id is not None:
            y_true, y_pred = y_true[..., class_id, None], y_pred[..., class_id, None]
        positive = (y_true != 0).to(y_pred.dtype)
        negative = 1.0 - positive
        if weight is not None:
            weight = weight.expand(y_pred.shape)
            positive, negative = positive * weight, negative * weight
        return self.count(y_pred.flatten(), positive.flatten(), negative.flatten())

    def _count_even(
        self, y_pred: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A histogram of how many thresholds each prediction exceeds, summed up from above."""
        number = len(self.values)
        exceeded = torch.ceil(y_pred.clamp(0.0, 1.0) * (number - 1)).long()
        if self.beyond_ends:
            exceeded = exceeded.clamp(min=1)
        summed = []
        for weight in (positive, negative):
            histogram = weight.new_zeros((number + 1, *weight.shape[1:])).scatter_add_(0, exceeded, weight)
            summed.append(histogram.flip(0).cumsum(0).flip(0)[1:])
        return summed[0], summed[1]


def as_thresholds(thresholds: float | Sequence[float] | None, default: float, owner: Metric) -> list[float]:
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, list | tuple) else [thresholds]
    if not all(isinstance(value, int | float) and 0 <= value <= 1 for value in values):
        raise ValueError(
            f"{type(owner).__name__} '{owner.name}': expected thresholds between 0 and 1; received "
            f"{thresholds!r}. For logits, put a sigmoid before the metric."
        )
    return values


class ConfusionMetric(Metric):
    """Base of the metrics that count at thresholds: labels 0 and 1, predictions between 0 and 1.

    `top_k` takes only the k largest predictions of a sample as positive, `class_id` looks at one class.
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        # with top_k everything that is left counts as positive, however small
        self.thresholds = as_thresholds(thresholds, 0.5 if top_k is None else -1e10, self)
        self._grid = Thresholds(self.thresholds)

    def _count(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Counts:
        y_true, y_pred, weight = aligned(self, y_true, y_pred, sample_weight)
        if self.top_k is not None:
            chosen = torch.zeros_like(y_pred).scatter(-1, y_pred.topk(self.top_k, -1).indices, 1.0)
            y_pred = torch.where(chosen == 1.0, y_pred, torch.full_like(y_pred, -1e10))
        return self._grid.count_all(y_true, y_pred, weight, self.class_id)

    def _single(self, values: torch.Tensor) -> torch.Tensor:
        return values[0] if len(self.thresholds) == 1 else values


def aligned(
    metric: Metric, y_true: Any, y_pred: Any, sample_weight: Any
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Labels, predictions and weights in the metric's type, of matching ranks, on one device."""
    y_true, y_pred = as_tensors(y_true, y_pred)
    y_pred = y_pred.detach().to(metric._dtype)
    y_true, y_pred = squeeze_to_match(y_true.to(metric._dtype), y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{type(metric).__name__} '{metric.name}': expected labels of the predictions' shape "
            f"{tuple(y_pred.shape)}; received {tuple(y_true.shape)}. Make class indices one-hot with "
            "utils.to_categorical."
        )
    if metric._weights and metric._weights[0].device != y_pred.device:
        metric._follow(y_pred.device)
    return y_true, y_pred, None if sample_weight is None else fit_rank(sample_weight, y_pred)


class _ConditionCount(ConfusionMetric):
    """The number of predictions of one kind, at one or more thresholds."""

    kind: str
    accumulator = State()

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(thresholds, name=name, dtype=dtype)
        self.accumulator = self.add_weight("accumulator", (len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = self._count(y_true, y_pred, sample_weight)
        self.accumulator.add_(getattr(counts, self.kind))

    def result(self) -> torch.Tensor:
        return self._single(self.accumulator.detach().clone())

    def get_config(self) -> dict[str, Any]:
        return {"thresholds": self.init_thresholds, **super().get_config()}


class TruePositives(_ConditionCount):
    """The number of predictions above the threshold (0.5) whose label is 1.

    >>> TruePositives()([0, 1, 1, 1], [1, 0, 1, 1])
    tensor(2.)
    """

    kind = "true_positives"


class TrueNegatives(_ConditionCount):
    """The number of predictions up to the threshold (0.5) whose label is 0.

    >>> TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0])
    tensor(2.)
    """

    kind = "true_negatives"


class FalsePositives(_ConditionCount):
    """The number of predictions above the threshold (0.5) whose label is 0.

    >>> FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1])
    tensor(2.)
    """

    kind = "false_positives"


class FalseNegatives(_ConditionCount):
    """The number of predictions up to the threshold (0.5) whose label is 1.

    >>> FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0])
    tensor(2.)
    """

    kind = "false_negatives"


class _Share(ConfusionMetric):
    """True positives divided by themselves and one other kind."""

    other_kind: str
    true_positives = State()

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(thresholds, top_k, class_id, name, dtype)
        self.true_positives = self.add_weight("true_positives", (len(self.thresholds),))
        setattr(self, self.other_kind, self.add_weight(self.other_kind, (len(self.thresholds),)))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = self._count(y_true, y_pred, sample_weight)
        self.true_positives.add_(counts.true_positives)
        getattr(self, self.other_kind).add_(getattr(counts, self.other_kind))

    def result(self) -> torch.Tensor:
        hits = self.true_positives.detach()
        return self._single(divide_no_nan(hits, hits + getattr(self, self.other_kind).detach()))

    def get_config(self) -> dict[str, Any]:
        return {
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
            **super().get_config(),
        }


class Precision(_Share):
    """The share of positive predictions whose label is 1: true / (true + false positives).

    >>> Precision()([0, 1, 1, 1], [1, 0, 1, 1])
    tensor(0.6667)
    """

    other_kind = "false_positives"
    false_positives = State()


class Recall(_Share):
    """The share of labels 1 that are predicted positive: true positives / (true positives + false negatives).

    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    tensor(0.6667)
    """

    other_kind = "false_negatives"
    false_negatives = State()
