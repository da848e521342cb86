"""Accuracies: the share of predictions that match their labels."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.core.config import torch_dtype
from kerastorch.losses.weighting import as_tensors
from kerastorch.metrics.reduction import MeanMetricWrapper, with_tally


def _as_numbers(matches: torch.Tensor) -> torch.Tensor:
    return matches.to(torch_dtype(None))


def _check_same_shape(function: str, y_true: torch.Tensor, y_pred: torch.Tensor) -> None:
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"{function}: expected labels of the predictions' shape {tuple(y_pred.shape)}; "
            f"received {tuple(y_true.shape)}. For class indices use 'sparse_categorical_accuracy'."
        )


def _indices_like(function: str, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
    """Class indices in the shape (batch, ...) of predictions (batch, ..., classes)."""
    labels = y_true.squeeze(-1) if y_true.dim() == y_pred.dim() and y_true.shape[-1] == 1 else y_true
    if labels.shape != y_pred.shape[:-1]:
        raise ValueError(
            f"{function}: expected class indices of shape {tuple(y_pred.shape[:-1])} for predictions of "
            f"shape {tuple(y_pred.shape)}; received labels of shape {tuple(y_true.shape)}. "
            "One-hot labels go with 'categorical_accuracy'."
        )
    return labels


def accuracy(y_true: Any, y_pred: Any) -> torch.Tensor:
    """1 where predictions equal labels, 0 elsewhere: shape (batch, ...), as both.

    >>> accuracy([1, 2], [1, 3])
    tensor([1., 0.])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    _check_same_shape("accuracy", y_true, y_pred)
    return _as_numbers(y_true == y_pred.to(y_true.dtype))


def _matches(y_true: torch.Tensor, y_pred: torch.Tensor, threshold: float) -> torch.Tensor:
    return (y_pred > threshold) == y_true


def _tally_binary_matches(
    y_true: torch.Tensor, y_pred: torch.Tensor, threshold: float = 0.5
) -> tuple[torch.Tensor, int] | None:
    if y_true.shape != y_pred.shape:
        return None
    matches = _matches(y_true, y_pred, threshold)
    return matches.sum(), matches.numel()


def _tally_binary_accuracy(
    y_true: torch.Tensor, y_pred: torch.Tensor, threshold: float = 0.5
) -> tuple[torch.Tensor, int] | None:
    if y_true.shape != y_pred.shape or y_pred.dim() < 2 or y_pred.shape[-1] == 0:
        return None
    matches = _matches(y_true, y_pred, threshold)
    units = y_pred.shape[-1]
    return (matches.sum() if units == 1 else matches.sum() / units), matches.numel() // units


@with_tally(_tally_binary_matches)
def binary_matches(y_true: Any, y_pred: Any, threshold: float = 0.5) -> torch.Tensor:
    """1 where a prediction is on its label's side of `threshold`, 0 elsewhere: shape (batch, ...), as both.

    >>> binary_matches([[1, 0]], [[0.8, 0.6]])
    tensor([[1., 0.]])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    _check_same_shape("binary_accuracy", y_true, y_pred)
    return _as_numbers(_matches(y_true, y_pred, threshold))


@with_tally(_tally_binary_accuracy)
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> torch.Tensor:
    """The share of predictions along the last axis that are on their label's side of `threshold`.

    >>> binary_accuracy([[1, 0]], [[0.8, 0.6]])
    tensor([0.5000])
    """
    return binary_matches(y_true, y_pred, threshold).mean(-1)


def _tally_categorical(y_true: torch.Tensor, y_pred: torch.Tensor) -> tuple[torch.Tensor, int] | None:
    if y_true.shape != y_pred.shape:
        return None
    matches = y_true.argmax(-1) == y_pred.argmax(-1)
    return matches.sum(), matches.numel()


@with_tally(_tally_categorical)
def categorical_accuracy(y_true: Any, y_pred: Any) -> torch.Tensor:
    """1 where the largest prediction is at the one of a one-hot label (batch, ..., classes), 0 elsewhere.

    >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]])
    tensor([1., 0.])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"categorical_accuracy: expected one-hot labels of the predictions' shape {tuple(y_pred.shape)}; "
            f"received {tuple(y_true.shape)}. Integer labels go with 'sparse_categorical_accuracy'."
        )
    return _as_numbers(y_true.argmax(-1) == y_pred.argmax(-1))


def _tally_sparse_categorical(y_true: torch.Tensor, y_pred: torch.Tensor) -> tuple[torch.Tensor, int] | None:
    predicted = y_pred.argmax(-1)
    if y_true.dim() == y_pred.dim() and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if y_true.shape != predicted.shape:
        return None
    return (predicted == y_true).sum(), predicted.numel()


@with_tally(_tally_sparse_categorical)
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> torch.Tensor:
    """1 where the largest prediction (batch, ..., classes) is at the class index (batch, ...), 0 elsewhere.

    Raises ValueError for labels of another shape; a last axis of 1 may follow.

    >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]])
    tensor([1., 0.])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    labels = _indices_like("sparse_categorical_accuracy", y_true, y_pred)
    return _as_numbers(y_pred.argmax(-1) == labels)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> torch.Tensor:
    """1 where fewer than `k` classes are predicted higher than the label's class, 0 elsewhere.

    >>> sparse_top_k_categorical_accuracy([2, 0], [[0.1, 0.5, 0.4], [0.1, 0.5, 0.4]], k=2)
    tensor([1., 0.])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    labels = _indices_like("sparse_top_k_categorical_accuracy", y_true, y_pred).long()
    is_class = (labels >= 0) & (labels < y_pred.shape[-1])
    of_label = y_pred.gather(-1, labels.clamp(0, y_pred.shape[-1] - 1).unsqueeze(-1))
    higher = (y_pred > of_label).sum(-1)
    return _as_numbers((higher < k) & is_class & torch.isfinite(of_label.squeeze(-1)))


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> torch.Tensor:
    """As `sparse_top_k_categorical_accuracy`, for one-hot labels.

    >>> top_k_categorical_accuracy([[0, 0, 1]], [[0.1, 0.5, 0.4]], k=2)
    tensor([1.])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    _check_same_shape("top_k_categorical_accuracy", y_true, y_pred)
    return sparse_top_k_categorical_accuracy(y_true.argmax(-1), y_pred, k)


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels.

    >>> Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]])
    tensor(0.7500)
    """

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions are on their label's side of `threshold`.

    >>> BinaryAccuracy()([[1], [1], [0], [0]], [[0.98], [1.0], [0.0], [0.6]])
    tensor(0.7500)
    """

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_matches, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the one of a one-hot label.

    >>> CategoricalAccuracy()([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
    tensor(0.5000)
    """

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the class index.

    >>> SparseCategoricalAccuracy()([[2], [1]], [[0.1, 0.6, 0.3], [0.05, 0.95, 0]])
    tensor(0.5000)
    """

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often a one-hot label is among the `k` largest predictions.

    >>> TopKCategoricalAccuracy(k=1)([[0, 0, 1], [0, 1, 0]], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
    tensor(0.5000)
    """

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class index is among the `k` largest predictions.

    >>> SparseTopKCategoricalAccuracy(k=1)([2, 1], [[0.1, 0.9, 0.8], [0.05, 0.95, 0]])
    tensor(0.5000)
    """

    def __init__(self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)
