"""Whether labels are what the losses of a model take; asked before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch import losses as losses_module
from kerastorch.training.outputs import Outputs

Shape = Sequence[int | None]


def check_labels(outputs: Outputs, losses: list[Any], shapes: list[Shape], y: Any, batch: int | None) -> None:
    """Raise ValueError for labels that a loss cannot take: none, out of range, fractional, one-hot for the wrong loss.

    `losses` and `shapes`, of the predictions, have one entry an output; `batch` is a number for errors.
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
        _check_kind(loss, label, shape, shown)
        if shape[-1] is not None:
            losses_module.check_labels(loss, label, shape[-1], batch=batch, output=shown)


def _check_kind(loss: Any, labels: torch.Tensor, shape: Shape, output: str | None) -> None:
    """One-hot rows belong to 'categorical_crossentropy', class numbers to the sparse one."""
    classes = shape[-1]
    if classes in (None, 1):
        return
    where = "" if output is None else f" of output '{output}'"
    same_rank = labels.dim() == len(shape)
    if losses_module.is_sparse(loss):
        if same_rank and labels.shape[-1] == classes:
            raise ValueError(
                f"SparseCategoricalCrossentropy '{loss.name}'{where}: expected class numbers; received labels of shape "
                f"{tuple(labels.shape)}, one-hot rows of {classes} classes. Use loss='categorical_crossentropy', or "
                "y.argmax(-1)."
            )
        return
    if getattr(loss, "fn", None) is not losses_module.categorical_crossentropy:
        return
    if labels.dim() < len(shape) or (same_rank and labels.shape[-1] == 1):
        raise ValueError(
            f"CategoricalCrossentropy '{loss.name}'{where}: expected one-hot rows of {classes} classes; received "
            f"labels of shape {tuple(labels.shape)}, class numbers. Use loss='sparse_categorical_crossentropy', or "
            f"utils.to_categorical(y, {classes})."
        )
    if same_rank and labels.shape[-1] != classes:
        raise ValueError(
            f"CategoricalCrossentropy '{loss.name}'{where}: expected one-hot rows of {classes} classes, as the last "
            f"layer has units; received labels of shape {tuple(labels.shape)}. Change the units or the labels."
        )


def takes_only_numbers(loss: Any) -> bool:
    """Whether NaN in labels can only be a mistake: a loss of the user's own may leave such labels out."""
    inner = getattr(loss, "fn", None) or getattr(loss, "module", None)
    homes = [type(loss).__module__]
    if inner is not None:
        homes.append(inner.__module__ if hasattr(inner, "__name__") else type(inner).__module__)
    return all(home.startswith(("kerastorch.", "torch.")) for home in homes)
