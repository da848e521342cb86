"""Whether labels are what the losses of a model take; asked before the first step."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch

from kerastorch import losses as losses_module
from kerastorch.training.outputs import Outputs

Shape = Sequence[int | None]

_ONE_HOT = (losses_module.categorical_crossentropy, losses_module.categorical_focal_crossentropy)
# losses that compare each prediction with the label at its place; those of the second group refuse to stretch labels
_STRETCHING = (
    losses_module.mean_squared_error,
    losses_module.mean_absolute_error,
    losses_module.mean_absolute_percentage_error,
    losses_module.mean_squared_logarithmic_error,
    losses_module.huber,
    losses_module.log_cosh,
    losses_module.poisson,
    losses_module.kl_divergence,
    losses_module.cosine_similarity,
    losses_module.hinge,
    losses_module.squared_hinge,
    losses_module.categorical_hinge,
    losses_module.dice,
    losses_module.tversky,
)
_STRICT = (losses_module.binary_crossentropy, losses_module.binary_focal_crossentropy)


def check_labels(outputs: Outputs, losses: list[Any], shapes: list[Shape], y: Any, batch: int | None) -> None:
    """Raise ValueError for labels that a loss cannot take: none, out of range, fractional, one-hot for the wrong loss,
    of another width than the predictions.

    `losses` and `shapes`, of the predictions, have one entry an output; `batch` is a number for errors. Labels that
    stretch to the predictions' shape, as tf.keras lets them, are warned of.
    """
    if y is None:
        if any(loss is not None for loss in losses):
            raise ValueError(
                "Data 'y': expected labels for the loss; received only x. Pass y, or let the data yield (x, y)."
            )
        return
    labels = outputs.labels(y)
    for name, loss, shape, label in zip(outputs.names, losses, shapes, labels, strict=True):
        if loss is None or not isinstance(label, torch.Tensor) or not shape:
            continue
        shown = name if len(losses) > 1 else None
        where = "" if shown is None else f" of output '{shown}'"
        _check_kind(loss, label, shape, where)
        _check_shape(loss, label, shape, where)
        if shape[-1] is not None:
            losses_module.check_labels(loss, label, shape[-1], batch=batch, output=shown)


def check_weights(outputs: Outputs, losses: list[Any], shapes: list[Shape], sample_weight: Any) -> None:
    """Raise ValueError for sample weights of outputs that do not exist, and of shapes that no loss values have."""
    weights = outputs.labels(sample_weight, "sample_weight")
    for name, loss, shape, weight in zip(outputs.names, losses, shapes, weights, strict=True):
        if loss is None or not isinstance(weight, torch.Tensor) or not takes_only_numbers(loss):
            continue
        pairs = zip(shape[1:], weight.shape[1:], strict=False)
        if weight.dim() > len(shape) or any(size not in (1, wanted) and wanted is not None for wanted, size in pairs):
            where = f" of output '{name}'" if len(losses) > 1 else ""
            raise ValueError(
                f"Data 'sample_weight'{where}: expected one weight a sample, or weights that fit predictions of shape "
                f"{(weight.shape[0], *shape[1:])}; received shape {tuple(weight.shape)}. Pass an array of shape "
                f"({weight.shape[0]},)."
            )


def _check_kind(loss: Any, labels: torch.Tensor, shape: Shape, where: str) -> None:
    """One-hot rows belong to 'categorical_crossentropy', class numbers to the sparse one."""
    classes = shape[-1]
    if classes in (None, 1):
        return
    same_rank = labels.dim() == len(shape)
    if losses_module.is_sparse(loss):
        if same_rank and labels.shape[-1] == classes:
            raise ValueError(
                f"SparseCategoricalCrossentropy '{loss.name}'{where}: expected class numbers; received labels of shape "
                f"{tuple(labels.shape)}, one-hot rows of {classes} classes. Use loss='categorical_crossentropy', or "
                "y.argmax(-1)."
            )
        return
    if getattr(loss, "fn", None) not in _ONE_HOT:
        return
    kind = _kind(loss)
    if labels.dim() < len(shape) or (same_rank and labels.shape[-1] == 1):
        raise ValueError(
            f"{kind} '{loss.name}'{where}: expected one-hot rows of {classes} classes; received "
            f"labels of shape {tuple(labels.shape)}, class numbers. Use loss='sparse_categorical_crossentropy', or "
            f"utils.to_categorical(y, {classes})."
        )
    if same_rank and labels.shape[-1] != classes:
        raise ValueError(
            f"{kind} '{loss.name}'{where}: expected one-hot rows of {classes} classes, as the last "
            f"layer has units; received labels of shape {tuple(labels.shape)}. Change the units or the labels."
        )


def _kind(loss: Any) -> str:
    """The class of a loss, or that of the function it wraps: 'MeanSquaredError' for the loss of 'mse'."""
    if type(loss) is not losses_module.LossFunctionWrapper:
        return type(loss).__name__
    return "".join(word.capitalize() for word in loss.fn.__name__.split("_")).replace("Kl", "KL")


def _check_shape(loss: Any, labels: torch.Tensor, shape: Shape, where: str) -> None:
    """Labels have the predictions' shape, but for a last axis of 1 that either may lack."""
    function = getattr(loss, "fn", None)
    if function not in _STRETCHING and function not in _STRICT:
        return
    wanted, received = list(shape[1:]), list(labels.shape[1:])
    if not received and len(wanted) == 1:
        received = [1]
    elif len(wanted) == len(received) + 1 and wanted[-1] == 1:
        wanted.pop()
    elif len(received) == len(wanted) + 1 and received[-1] == 1:
        received.pop()
    pairs = list(zip(wanted, received, strict=False))
    same_rank = len(wanted) == len(received)
    if same_rank and all(expected in (None, size) for expected, size in pairs):
        return
    text = (
        f"{_kind(loss)} '{loss.name}'{where}: expected labels of the predictions' shape "
        f"{(labels.shape[0], *shape[1:])}; received labels of shape {tuple(labels.shape)}"
    )
    stretches = same_rank and all(
        expected is None or 1 in (expected, size) or expected == size for expected, size in pairs
    )
    if function in _STRICT or not stretches:
        raise ValueError(f"{text}. {_advice(function, shape, labels)}")
    warnings.warn(f"{text}, which are stretched to it. {_advice(function, shape, labels)}", stacklevel=2)


def _advice(function: Any, shape: Shape, labels: torch.Tensor) -> str:
    classes = shape[-1]
    if labels.dim() == 1 or labels.shape[-1] == 1:
        if function in _STRICT:
            return (
                "Give the last layer one unit, or one label (0 or 1) to each unit; for class numbers use "
                "'sparse_categorical_crossentropy' with a softmax."
            )
        return f"Give the last layer one unit, or each sample {classes} labels."
    return f"Give the last layer {labels.shape[-1]} units, or change the labels."


def takes_only_numbers(loss: Any) -> bool:
    """Whether NaN in labels can only be a mistake: a loss of the user's own may leave such labels out."""
    inner = getattr(loss, "fn", None) or getattr(loss, "module", None)
    homes = [type(loss).__module__]
    if inner is not None:
        homes.append(inner.__module__ if hasattr(inner, "__name__") else type(inner).__module__)
    return all(home.startswith(("kerastorch.", "torch.")) for home in homes)
