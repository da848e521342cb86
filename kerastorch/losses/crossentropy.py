"""Crossentropies: from logits, from probabilities that remember their logits, and from bare probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.core.config import epsilon
from kerastorch.losses.base import LossFunctionWrapper, Reduction, with_fused_mean
from kerastorch.losses.labels import describe_wrong_labels
from kerastorch.losses.weighting import as_floats, as_tensors, clip_probabilities

# torch would leave out labels of -100; no label is this one
_NO_CLASS = -(2**62)


def _logits_of(y_pred: torch.Tensor, from_logits: bool, function: str) -> torch.Tensor | None:
    """The logits that `y_pred` is or remembers; None for bare probabilities."""
    remembered = getattr(y_pred, "_keras_logits", None)
    if remembered is None:
        return y_pred if from_logits else None
    if from_logits:
        warnings.warn(
            f"{function}: received from_logits=True for the output of a softmax or sigmoid, which are "
            "probabilities. The loss is computed from the logits before it; use from_logits=False, or no "
            "activation in the last layer.",
            stacklevel=3,
        )
    return remembered


def _check_classes(labels: torch.Tensor, number_of_classes: int, ignore_class: int | None) -> None:
    text = describe_wrong_labels(labels, number_of_classes, ignore_class)
    if text is not None:
        raise ValueError(f"sparse_categorical_crossentropy: {text}")


def _fused_sparse_categorical(
    y_true: torch.Tensor,
    y_pred: torch.Tensor,
    from_logits: bool = False,
    axis: int = -1,
    ignore_class: int | None = None,
) -> torch.Tensor | None:
    logits = _logits_of(y_pred, from_logits, "sparse_categorical_crossentropy")
    if logits is None or logits.dim() != 2 or axis not in (-1, 1):
        return None
    if y_true.dim() != 1:
        if y_true.dim() != 2 or y_true.shape[1] != 1:
            return None
        y_true = y_true.squeeze(1)
    if y_true.dtype is not torch.int64:
        y_true = y_true.long()
    ignored = _NO_CLASS if ignore_class is None else ignore_class
    try:
        return F.cross_entropy(logits, y_true, ignore_index=ignored)
    except IndexError:
        _check_classes(y_true, logits.shape[1], ignore_class)
        raise


@with_fused_mean(_fused_sparse_categorical)
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> torch.Tensor:
    """`-log(y_pred[y_true])`: class indices (batch, ...) and probabilities (batch, ..., classes).

    The labels may have a last axis of 1; the result is of shape (batch, ...).
    Raises ValueError for labels that are one-hot or not in [0, classes).

    >>> sparse_categorical_crossentropy([1], [[0.25, 0.75]])
    tensor([0.2877])
    """
    y_true, y_pred = as_tensors(y_true, y_pred)
    logits = _logits_of(y_pred, from_logits, "sparse_categorical_crossentropy")
    if logits is None:
        # the crossentropy of logarithms divides by their sum, so these need not sum to 1
        logits = torch.log(clip_probabilities(y_pred))
    if axis not in (-1, logits.dim() - 1):
        logits = torch.movedim(logits, axis, -1)
    expected = logits.shape[:-1]
    if len(y_true.shape) == len(logits.shape) and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if tuple(y_true.shape) != tuple(expected):
        raise ValueError(
            f"sparse_categorical_crossentropy: expected integer labels of shape {tuple(expected)} for "
            f"predictions of shape {tuple(y_pred.shape)}; received labels of shape {tuple(y_true.shape)}. "
            + (
                "One-hot labels go with 'categorical_crossentropy'."
                if tuple(y_true.shape) == tuple(y_pred.shape)
                else "Give one class index per prediction."
            )
        )
    target = y_true.long()
    ignored = _NO_CLASS if ignore_class is None else ignore_class
    try:
        values = F.cross_entropy(logits.flatten(0, -2), target.flatten(), ignore_index=ignored, reduction="none")
    except IndexError:
        _check_classes(target, logits.shape[-1], ignore_class)
        raise
    if len(expected) != 1:
        values = values.reshape(expected)
    if ignore_class is not None:
        values._keras_mask = target != ignore_class  # type: ignore[attr-defined]
    return values


def _fused_categorical(
    y_true: torch.Tensor,
    y_pred: torch.Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> torch.Tensor | None:
    logits = _logits_of(y_pred, from_logits, "categorical_crossentropy")
    if logits is None or axis not in (-1, 1) or y_true.shape != logits.shape:
        return None
    if logits.dim() != 2 or logits.shape[1] == 1:
        return None
    if y_true.dtype is not logits.dtype:
        y_true = y_true.to(logits.dtype)
    return F.cross_entropy(logits, y_true, label_smoothing=label_smoothing)


def _check_one_hot(function: str, y_true: torch.Tensor, y_pred: torch.Tensor) -> None:
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ValueError(
            f"{function}: expected one-hot labels of the predictions' shape {tuple(y_pred.shape)}; received "
            f"labels of shape {tuple(y_true.shape)}. Integer labels go with "
            "'sparse_categorical_crossentropy', or make them one-hot with utils.to_categorical."
        )
    if y_pred.shape[-1] == 1:
        warnings.warn(
            f"{function}: expected predictions for at least 2 classes; received shape {tuple(y_pred.shape)}. "
            "Use 'binary_crossentropy' for one unit with a sigmoid.",
            SyntaxWarning,
            stacklevel=3,
        )


def _smooth(y_true: torch.Tensor, label_smoothing: float, classes: int) -> torch.Tensor:
    return y_true * (1.0 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


@with_fused_mean(_fused_categorical)
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> torch.Tensor:
    """`-sum(y_true * log(y_pred))` over `axis`, for one-hot labels (batch, ..., classes).

    Raises ValueError for labels of another shape.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.25, 0.75]])
    tensor([0.2877])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    _check_one_hot("categorical_crossentropy", y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_true.shape[axis])
    logits = _logits_of(y_pred, from_logits, "categorical_crossentropy")
    if logits is None:
        logarithm = torch.log(clip_probabilities(y_pred / y_pred.sum(axis, keepdim=True)))
    else:
        logarithm = torch.log_softmax(logits, axis)
    return -(y_true * logarithm).sum(axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float | list[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> torch.Tensor:
    """`-sum(alpha * (1 - y_pred) ** gamma * y_true * log(y_pred))` over `axis` (arXiv:1708.02002).

    `alpha` is one weight, or one for each class. Raises ValueError for labels of another shape.

    >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.25, 0.75]], alpha=1.0)
    tensor([0.0180])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    _check_one_hot("categorical_focal_crossentropy", y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, y_true.shape[-1])
    logits = _logits_of(y_pred, from_logits, "categorical_focal_crossentropy")
    probabilities = y_pred if logits is None else torch.softmax(logits, axis)
    probabilities = clip_probabilities(probabilities / probabilities.sum(axis, keepdim=True))
    if not isinstance(alpha, int | float):
        alpha = torch.as_tensor(alpha, dtype=probabilities.dtype, device=probabilities.device)
    focus = alpha * torch.pow(1.0 - probabilities, gamma)
    return -(focus * y_true * torch.log(probabilities)).sum(axis)


def _fused_binary(
    y_true: torch.Tensor,
    y_pred: torch.Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> torch.Tensor | None:
    logits = _logits_of(y_pred, from_logits, "binary_crossentropy")
    if logits is None or y_true.shape != logits.shape:
        return None
    if y_true.dtype is not logits.dtype:
        y_true = y_true.to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits, _smooth(y_true, label_smoothing, 2))


def _binary_values(y_true: torch.Tensor, y_pred: torch.Tensor, from_logits: bool, function: str) -> torch.Tensor:
    """`-log` of the probability that each prediction gives to its label."""
    logits = _logits_of(y_pred, from_logits, function)
    if tuple(y_true.shape) != tuple(y_pred.shape):
        raise ValueError(
            f"{function}: expected labels of the predictions' shape {tuple(y_pred.shape)}; received "
            f"labels of shape {tuple(y_true.shape)}. Give one label (0 or 1) per unit of the last layer; "
            "for class indices use 'sparse_categorical_crossentropy' with a softmax."
        )
    if logits is not None:
        return F.binary_cross_entropy_with_logits(logits, y_true, reduction="none")
    probability = clip_probabilities(y_pred)
    of_one = torch.log(probability + epsilon())
    of_zero = torch.log(1.0 - probability + epsilon())
    return -(y_true * of_one + (1.0 - y_true) * of_zero)


@with_fused_mean(_fused_binary)
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> torch.Tensor:
    """`-mean(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred))` over `axis`.

    Raises ValueError for labels of another shape than the predictions.

    >>> binary_crossentropy([[0.0, 1.0]], [[0.25, 0.75]])
    tensor([0.2877])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    return _binary_values(y_true, y_pred, from_logits, "binary_crossentropy").mean(axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> torch.Tensor:
    """The binary crossentropy times `(1 - p) ** gamma`, p being the label's probability (arXiv:1708.02002).

    With `apply_class_balancing`, label 1 weighs `alpha` and label 0 `1 - alpha`.

    >>> binary_focal_crossentropy([[0.0, 1.0]], [[0.25, 0.75]])
    tensor([0.0180])
    """
    y_true, y_pred = as_floats(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    values = _binary_values(y_true, y_pred, from_logits, "binary_focal_crossentropy")
    probability = torch.sigmoid(y_pred) if from_logits else y_pred
    of_label = y_true * probability + (1.0 - y_true) * (1.0 - probability)
    values = torch.pow(1.0 - of_label, gamma) * values
    if apply_class_balancing:
        values = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * values
    return values.mean(axis)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """`-log(y_pred[y_true])`: class indices (batch, ...) and probabilities or logits (batch, ..., classes).

    Labels equal to `ignore_class` count neither in the sum nor in the number that it is divided by.
    Raises ValueError for one-hot labels and for labels that are not in [0, classes).

    >>> SparseCategoricalCrossentropy()([1, 0], [[0.25, 0.75], [0.5, 0.5]])
    tensor(0.4904)
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "sparse_categorical_crossentropy",
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction=reduction,
            name=name,
            from_logits=from_logits,
            ignore_class=ignore_class,
            **({} if axis == -1 else {"axis": axis}),  # tf.keras' config has none
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """`-sum(y_true * log(y_pred))`, averaged over the samples, for one-hot labels (batch, ..., classes).

    `label_smoothing` s turns labels 0 and 1 into s / classes and 1 - s + s / classes.
    Raises ValueError for labels that do not have the predictions' shape.

    >>> CategoricalCrossentropy()([[0.0, 1.0], [1.0, 0.0]], [[0.25, 0.75], [0.5, 0.5]])
    tensor(0.4904)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "categorical_crossentropy",
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction=reduction,
            name=name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """The categorical crossentropy times `alpha * (1 - y_pred) ** gamma` (arXiv:1708.02002).

    >>> CategoricalFocalCrossentropy(alpha=1.0)([[0.0, 1.0]], [[0.25, 0.75]])
    tensor(0.0180)
    """

    def __init__(
        self,
        alpha: float | list[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "categorical_focal_crossentropy",
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction=reduction,
            name=name,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryCrossentropy(LossFunctionWrapper):
    """`-mean(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred))`, for labels 0 and 1.

    `label_smoothing` s turns labels 0 and 1 into s / 2 and 1 - s / 2.
    Raises ValueError for labels that do not have the predictions' shape.

    >>> BinaryCrossentropy()([[0.0], [1.0]], [[0.25], [0.75]])
    tensor(0.2877)
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "binary_crossentropy",
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction=reduction,
            name=name,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """The binary crossentropy times `(1 - p) ** gamma`, p being the label's probability (arXiv:1708.02002).

    >>> BinaryFocalCrossentropy()([[0.0], [1.0]], [[0.25], [0.75]])
    tensor(0.0180)
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = Reduction.AUTO,
        name: str | None = "binary_focal_crossentropy",
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction=reduction,
            name=name,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
