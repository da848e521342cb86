"""Metrics of a whole curve of thresholds: the area under it, and single points on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.core.config import epsilon
from kerastorch.metrics.base import Metric, State
from kerastorch.metrics.confusion import Counts, Thresholds, aligned, as_thresholds
from kerastorch.metrics.reduction import divide_no_nan


class CurveMetric(Metric):
    """Base of the metrics that gather all four counts at many thresholds."""

    true_positives = State()
    false_positives = State()
    true_negatives = State()
    false_negatives = State()

    def _build(self, shape: tuple[int, ...]) -> None:
        for kind in Counts._fields:
            setattr(self, kind, self.add_weight(kind, shape))

    def _add_counts(self, counts: Counts) -> None:
        for kind, count in zip(Counts._fields, counts, strict=True):
            getattr(self, kind).add_(count)

    def _counts(self) -> Counts:
        return Counts(*(getattr(self, kind).detach() for kind in Counts._fields))


class AUC(CurveMetric):
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
            inner = sorted(as_thresholds(list(thresholds), 0.5, self))
        self.num_thresholds = len(inner) + 2
        self.thresholds = [-epsilon(), *inner, 1.0 + epsilon()]
        self.curve = curves[str(curve).lower()]
        self.summation_method = method
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = label_weights
        self.from_logits = from_logits
        self._grid = Thresholds(self.thresholds)
        if not multi_label:
            self._build((self.num_thresholds,))
        elif num_labels:
            self._build((self.num_thresholds, num_labels))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred, weight = aligned(self, y_true, y_pred, sample_weight)
        if self.from_logits:
            y_pred = torch.sigmoid(y_pred)
        if self.multi_label:
            self._expect("predictions of shape (batch, labels)", tuple(y_pred.shape), y_pred.dim() == 2)
        if not self._weights:
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
        self._add_counts(self._grid.count(y_pred, positive, negative))

    def result(self) -> torch.Tensor:
        if not self._weights:
            return torch.zeros((), dtype=self._dtype)
        counts = self._counts()
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


class PointOnCurve(CurveMetric):
    """Base of the metrics that look for the best value of one share where another is at least `value`.

    Shares are taken at `num_thresholds` thresholds from 0 to 1; where no threshold will do, the result is 0.
    """

    demanded: str  # the argument of the constructor that limits a share

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._expect(f"a {self.demanded} between 0 and 1", value, 0 <= value <= 1)
        self._expect("num_thresholds of at least 1", num_thresholds, num_thresholds > 0)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        last = num_thresholds - 1
        self.thresholds = [position / last for position in range(num_thresholds)] if last else [0.5]
        self._grid = Thresholds(self.thresholds)
        self._build((num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred, weight = aligned(self, y_true, y_pred, sample_weight)
        self._add_counts(self._grid.count_all(y_true, y_pred, weight, self.class_id))

    def _shares(self, counts: Counts) -> tuple[torch.Tensor, torch.Tensor]:
        """What is limited and what is maximised, at each threshold."""
        raise NotImplementedError(f"{type(self).__name__} '{self.name}': expected a method _shares; found none.")

    def result(self) -> torch.Tensor:
        limited, wanted = self._shares(self._counts())
        return torch.where(limited >= self.value, wanted, 0.0).amax()

    def get_config(self) -> dict[str, Any]:
        return {
            "num_thresholds": self.num_thresholds,
            self.demanded: self.value,
            "class_id": self.class_id,
            **super().get_config(),
        }


def _sensitivity(counts: Counts) -> torch.Tensor:
    return divide_no_nan(counts.true_positives, counts.true_positives + counts.false_negatives)


def _specificity(counts: Counts) -> torch.Tensor:
    return divide_no_nan(counts.true_negatives, counts.true_negatives + counts.false_positives)


def _precision(counts: Counts) -> torch.Tensor:
    return divide_no_nan(counts.true_positives, counts.true_positives + counts.false_positives)


class SensitivityAtSpecificity(PointOnCurve):
    """The best sensitivity (recall of label 1) where the specificity (recall of label 0) is at least `specificity`.

    >>> SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    tensor(0.5000)
    """

    demanded = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def _shares(self, counts: Counts) -> tuple[torch.Tensor, torch.Tensor]:
        return _specificity(counts), _sensitivity(counts)


class SpecificityAtSensitivity(PointOnCurve):
    """The best specificity (recall of label 0) where the sensitivity (recall of label 1) is at least `sensitivity`.

    >>> SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    tensor(0.6667)
    """

    demanded = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def _shares(self, counts: Counts) -> tuple[torch.Tensor, torch.Tensor]:
        return _sensitivity(counts), _specificity(counts)


class PrecisionAtRecall(PointOnCurve):
    """The best precision where the recall is at least `recall`.

    >>> PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    tensor(0.5000)
    """

    demanded = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def _shares(self, counts: Counts) -> tuple[torch.Tensor, torch.Tensor]:
        return _sensitivity(counts), _precision(counts)


class RecallAtPrecision(PointOnCurve):
    """The best recall where the precision is at least `precision`.

    >>> RecallAtPrecision(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])
    tensor(1.)
    """

    demanded = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def _shares(self, counts: Counts) -> tuple[torch.Tensor, torch.Tensor]:
        return _precision(counts), _sensitivity(counts)
