"""F scores: the weighted harmonic mean of precision and recall of each class."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.losses.weighting import as_tensors
from kerastorch.metrics.base import Metric, State
from kerastorch.metrics.reduction import divide_no_nan

_AVERAGES = (None, "micro", "macro", "weighted")
_SMALLEST = 1e-9  # predictions up to here are 0, and never the largest of a row


class FBetaScore(Metric):
    """`(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)`, for labels (batch, classes).

    A prediction is positive above `threshold`, or where it is the largest of its row. `average` None gives one
    score a class, 'macro' their mean, 'weighted' one weighted by how often a class occurs, 'micro' the score of all
    classes taken together. Raises ValueError for other averages, and for labels and predictions without classes.

    >>> FBetaScore(beta=2.0, threshold=0.5)([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.6]])
    tensor([0.5556, 0.8333])
    """

    true_positives = State()
    false_positives = State()
    false_negatives = State()
    intermediate_weights = State()

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._expect(f"average as one of {_AVERAGES}", average, average in _AVERAGES)
        self._expect("beta as a positive number", beta, isinstance(beta, int | float) and beta > 0)
        in_range = threshold is None or (isinstance(threshold, int | float) and 0 < threshold <= 1)
        self._expect("threshold as None or a number above 0 and up to 1", threshold, in_range)
        self.average = average
        self.beta = beta
        self.threshold = threshold

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_weight(name, shape))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = as_tensors(y_true, y_pred)
        if y_true.dim() != 2 or y_pred.dim() != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected labels and predictions of shape (batch, classes); "
                f"received {tuple(y_true.shape)} and {tuple(y_pred.shape)}. Make class indices one-hot with "
                "utils.to_categorical."
            )
        y_true, y_pred = y_true.to(self._dtype), y_pred.detach().to(self._dtype)
        if not self._weights:
            self._build(y_pred.shape[1])
        if self._weights[0].device != y_pred.device:
            self._follow(y_pred.device)
        if self.threshold is None:
            positive = (y_pred >= y_pred.amax(-1, keepdim=True)) & (y_pred.abs() > _SMALLEST)
        else:
            positive = y_pred > self.threshold
        positive = positive.to(self._dtype)
        weight: Any = 1.0
        if sample_weight is not None:
            weight = torch.as_tensor(sample_weight, dtype=self._dtype, device=y_pred.device)
            weight = weight.reshape(-1, 1) if weight.dim() else weight
        axes = (0, 1) if self.average == "micro" else 0
        self.true_positives.add_((weight * positive * y_true).sum(axes))
        self.false_positives.add_((weight * positive * (1.0 - y_true)).sum(axes))
        self.false_negatives.add_((weight * (1.0 - positive) * y_true).sum(axes))
        self.intermediate_weights.add_((weight * y_true).sum(axes))

    def result(self) -> torch.Tensor:
        if not self._weights:
            return torch.zeros((), dtype=self._dtype)
        hits = self.true_positives.detach()
        precision = divide_no_nan(hits, hits + self.false_positives.detach())
        recall = divide_no_nan(hits, hits + self.false_negatives.detach())
        squared = self.beta**2
        scores = (1.0 + squared) * divide_no_nan(precision * recall, squared * precision + recall)
        if self.average == "weighted":
            occurring = self.intermediate_weights.detach()
            return (scores * divide_no_nan(occurring, occurring.sum())).sum()
        return scores if self.average is None else scores.mean()

    def get_config(self) -> dict[str, Any]:
        return {"average": self.average, "beta": self.beta, "threshold": self.threshold, **super().get_config()}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, for labels (batch, classes); see `FBetaScore`.

    >>> F1Score(average="macro", threshold=0.5)([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.6]])
    tensor(0.6667)
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config
