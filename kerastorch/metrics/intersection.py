"""Intersection over union of predicted and true classes, from their confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.losses.weighting import as_tensors
from kerastorch.metrics.base import Metric, State
from kerastorch.metrics.reduction import divide_no_nan


class IoU(Metric):
    """The mean over `target_class_ids` of hits / (hits + false alarms + misses).

    Labels and predictions are class indices, or one-hot or probabilities along `axis` where
    `sparse_y_true` or `sparse_y_pred` is False. Labels equal to `ignore_class` are left out, classes that
    never occur do not count, and an index that is no class makes the result nan.
    Raises ValueError for a target class that is not in [0, num_classes).

    >>> IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])
    tensor(0.3333)
    """

    total_cm = State()

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not all(0 <= target < num_classes for target in target_class_ids):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected target classes from 0 to {num_classes - 1}; "
                f"received {list(target_class_ids)}. Raise num_classes or correct the targets."
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_weight("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = as_tensors(y_true, y_pred)
        if y_pred.device != self.total_cm.device:
            self._follow(y_pred.device)
        true_class = y_true if self.sparse_y_true else y_true.argmax(self.axis)
        weight = torch.ones((), dtype=self._dtype, device=y_pred.device)
        if sample_weight is not None:
            weight = torch.as_tensor(sample_weight, dtype=self._dtype, device=y_pred.device)
        if weight.numel() != true_class.numel():  # weights of whole samples
            weight = weight.reshape(weight.shape + (1,) * (true_class.dim() - weight.dim())).expand(true_class.shape)
        true_class, weight = true_class.flatten().long(), weight.flatten()
        predicted = (y_pred if self.sparse_y_pred else y_pred.argmax(self.axis)).flatten().long()
        if self.ignore_class is not None:
            # leaving them in with weight 0 needs no count of what remains, and so no wait for the device
            valid = true_class != self.ignore_class
            weight = weight * valid
            true_class, predicted = true_class * valid, predicted * valid
        is_class = (torch.minimum(true_class, predicted) >= 0) & (
            torch.maximum(true_class, predicted) < self.num_classes
        )
        weight = torch.where(is_class, weight, torch.nan)
        cells = torch.where(is_class, true_class * self.num_classes + predicted, 0)
        self.total_cm.view(-1).scatter_add_(0, cells, weight)

    def result(self) -> torch.Tensor:
        matrix = self.total_cm.detach()
        hits = matrix.diagonal()
        union = matrix.sum(0) + matrix.sum(1) - hits
        hits, union = hits[self.target_class_ids], union[self.target_class_ids]
        return divide_no_nan(divide_no_nan(hits, union).sum(), (union != 0).sum().to(matrix.dtype))

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
            **super().get_config(),
        }


def _without(config: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in keys}


class BinaryIoU(IoU):
    """`IoU` of two classes, predictions from `threshold` on being class 1.

    >>> BinaryIoU(target_class_ids=[0, 1], threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])
    tensor(0.3333)
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = as_tensors(y_true, y_pred)
        super().update_state(y_true, y_pred >= self.threshold, sample_weight)

    def get_config(self) -> dict[str, Any]:
        base = Metric.get_config(self)
        return {"target_class_ids": self.target_class_ids, "threshold": self.threshold, **base}


class MeanIoU(IoU):
    """`IoU` averaged over all classes.

    >>> MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])
    tensor(0.3333)
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "target_class_ids")


class OneHotIoU(IoU):
    """`IoU` for one-hot labels and, unless `sparse_y_pred`, probabilities.

    >>> OneHotIoU(num_classes=2, target_class_ids=[0])([[1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4]])
    tensor(0.5000)
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot labels and, unless `sparse_y_pred`, probabilities.

    >>> OneHotMeanIoU(num_classes=2)([[1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4]])
    tensor(0.2500)
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        return _without(super().get_config(), "sparse_y_true")
