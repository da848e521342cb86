"""Metrics of true and false positives and negatives at thresholds: Precision, Recall, AUC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from kerastorch.core.config import epsilon
from kerastorch.losses.weighting import as_tensors, fit_rank, squeeze_to_match
from kerastorch.metrics.base import Metric
from kerastorch.metrics.reduction import divide_no_nan


class Counts(NamedTuple):
    """Weighted numbers at each threshold: shape (thresholds,), or (thresholds, labels)."""

    true_positives: torch.Tensor
    false_positives: torch.Tensor
    true_negatives: torch.Tensor
    false_negatives: torch.Tensor


class _Thresholds:
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
            thresholds = torch.tensor(self.values, dtype=y_pred.dtype, device=y_pred.device)
            above = (y_pred > thresholds.reshape(-1, *[1] * y_pred.dim())).to(y_pred.dtype)
            true_positives = (above * positive).sum(1)
            false_positives = (above * negative).sum(1)
        return Counts(
            true_positives,
            false_positives,
            negative.sum(0) - false_positives,
            positive.sum(0) - true_positives,
        )

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


def _as_list(thresholds: float | Sequence[float] | None, default: float, owner: Metric) -> list[float]:
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
        self.thresholds = _as_list(thresholds, 0.5 if top_k is None else -1e10, self)
        self._grid = _Thresholds(self.thresholds)

    def _count(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Counts:
        y_true, y_pred, weight = _aligned(self, y_true, y_pred, sample_weight)
        if self.top_k is not None:
            chosen = torch.zeros_like(y_pred).scatter(-1, y_pred.topk(self.top_k, -1).indices, 1.0)
            y_pred = torch.where(chosen == 1.0, y_pred, torch.full_like(y_pred, -1e10))
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id, None], y_pred[..., self.class_id, None]
        positive = (y_true != 0).to(self._dtype)
        negative = 1.0 - positive
        if weight is not None:
            weight = weight.expand(y_pred.shape)
            positive, negative = positive * weight, negative * weight
        return self._grid.count(y_pred.flatten(), positive.flatten(), negative.flatten())

    def _single(self, values: torch.Tensor) -> torch.Tensor:
        return values[0] if len(self.thresholds) == 1 else values


def _aligned(
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
        self._others = self.add_weight(self.other_kind, (len(self.thresholds),))
        setattr(self, self.other_kind, self._others)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = self._count(y_true, y_pred, sample_weight)
        self.true_positives.add_(counts.true_positives)
        self._others.add_(getattr(counts, self.other_kind))

    def result(self) -> torch.Tensor:
        hits = self.true_positives.detach()
        return self._single(divide_no_nan(hits, hits + self._others.detach()))

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


class Recall(_Share):
    """The share of labels 1 that are predicted positive: true positives / (true positives + false negatives).

    >>> Recall()([0, 1, 1, 1], [1, 0, 1, 1])
    tensor(0.6667)
    """

    other_kind = "false_negatives"


class AUC(Metric):
    """The area under the 'ROC', 'PR' or 'PR_GAIN' curve, from counts at thresholds between 0 and 1.

    `summation_method` is 'interpolation', 'minoring' or 'majoring'. With `multi_label` the area of each label
    (last axis) is averaged, weighted by `label_weights`. Raises ValueError for other curves and methods.

    >>> AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
    tensor(0.7500)
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        curves = {"roc": "ROC", "pr": "PR", "pr_gain": "PR_GAIN", "prgain": "PR_GAIN"}
        self._expect("a curve 'ROC', 'PR' or 'PR_GAIN'", curve, str(curve).lower() in curves)
        methods = ("interpolation", "minoring", "majoring")
        method = str(summation_method).lower()
        self._expect(f"a summation_method out of {methods}", summation_method, method in methods)
        self._expect("num_labels only with multi_label=True", num_labels, multi_label or not num_labels)
        self._from_thresholds = thresholds is not None
        if thresholds is None:
            self._expect("num_thresholds above 1", num_thresholds, num_thresholds > 1)
            inner = [(i + 1) / (num_thresholds - 1) for i in range(num_thresholds - 2)]
        else:
            inner = sorted(_as_list(list(thresholds), 0.5, self))
        self.num_thresholds = len(inner) + 2
        self.thresholds = [-epsilon(), *inner, 1.0 + epsilon()]
        self.curve = curves[str(curve).lower()]
        self.summation_method = method
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = label_weights
        self.from_logits = from_logits
        self._grid = _Thresholds(self.thresholds)
        self._sums: Counts | None = None
        if not multi_label:
            self._build((self.num_thresholds,))
        elif num_labels:
            self._build((self.num_thresholds, num_labels))

    def _expect(self, wanted: str, received: Any, is_right: bool) -> None:
        if not is_right:
            raise ValueError(f"AUC '{self.name}': expected {wanted}; received {received!r}.")

    def _build(self, shape: tuple[int, ...]) -> None:
        self._sums = Counts(*(self.add_weight(kind, shape) for kind in Counts._fields))
        self.true_positives, self.false_positives, self.true_negatives, self.false_negatives = self._sums

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred, weight = _aligned(self, y_true, y_pred, sample_weight)
        if self.from_logits:
            y_pred = torch.sigmoid(y_pred)
        if self.multi_label:
            self._expect("predictions of shape (batch, labels)", tuple(y_pred.shape), y_pred.dim() == 2)
        if self._sums is None:
            self._build((self.num_thresholds, y_pred.shape[1]))
            self._follow(y_pred.device)
        positive = (y_true != 0).to(self._dtype)
        negative = 1.0 - positive
        if self.label_weights is not None and not self.multi_label:
            of_labels = torch.as_tensor(self.label_weights, dtype=self._dtype, device=y_pred.device)
            weight = of_labels if weight is None else weight * of_labels
        if weight is not None:
            positive, negative = positive * weight, negative * weight
        if not self.multi_label:
            y_pred, positive, negative = y_pred.flatten(), positive.flatten(), negative.flatten()
        for total, count in zip(self._sums, self._grid.count(y_pred, positive, negative), strict=True):
            total.add_(count)

    def result(self) -> torch.Tensor:
        if self._sums is None:
            return torch.zeros((), dtype=self._dtype)
        counts = Counts(*(total.detach() for total in self._sums))
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._average(_interpolated_precision_area(counts).sum(0))
        x, y = _curve(self.curve, counts)
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2.0
        else:
            choose = torch.minimum if self.summation_method == "minoring" else torch.maximum
            heights = choose(y[:-1], y[1:])
        return self._average(((x[:-1] - x[1:]) * heights).sum(0))

    def _average(self, areas: torch.Tensor) -> torch.Tensor:
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return areas.mean()
        weights = torch.as_tensor(self.label_weights, dtype=areas.dtype, device=areas.device)
        return divide_no_nan((areas * weights).sum(), weights.sum())

    def get_config(self) -> dict[str, Any]:
        config = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
            **super().get_config(),
        }
        return {**config, "thresholds": self.thresholds[1:-1]} if self._from_thresholds else config


def _curve(curve: str, counts: Counts) -> tuple[torch.Tensor, torch.Tensor]:
    """The x and y of a curve at each threshold, from the lowest on."""
    hits, false_alarms, rejections, misses = counts
    recall = divide_no_nan(hits, hits + misses)
    if curve == "ROC":
        return divide_no_nan(false_alarms, false_alarms + rejections), recall
    if curve == "PR":
        return recall, divide_no_nan(hits, hits + false_alarms)
    # Flach and Kull 2015, Precision-Recall-Gain curves
    odds = divide_no_nan(hits + misses, false_alarms + rejections)
    recall_gain = 1.0 - odds * divide_no_nan(misses, hits)
    precision_gain = 1.0 - odds * divide_no_nan(false_alarms, hits)
    recall_gain = torch.where(hits == 0, torch.zeros_like(hits), recall_gain).clamp(min=0.0)
    return recall_gain, torch.where(hits == 0, torch.ones_like(hits), precision_gain)


def _interpolated_precision_area(counts: Counts) -> torch.Tensor:
    """The areas between thresholds under a precision-recall curve whose true positives grow linearly.

    Davis and Goadrich 2006, The relationship between Precision-Recall and ROC curves.
    """
    hits, false_alarms, _, misses = counts
    positives = hits + false_alarms
    gained = hits[:-1] - hits[1:]
    slope = divide_no_nan(gained, (positives[:-1] - positives[1:]).clamp(min=0.0))
    intercept = hits[1:] - slope * positives[1:]
    both = (positives[:-1] > 0) & (positives[1:] > 0)
    ratio = torch.where(both, divide_no_nan(positives[:-1], positives[1:]), torch.ones_like(gained))
    return divide_no_nan(slope * (gained + intercept * torch.log(ratio)), hits[1:] + misses[1:])
