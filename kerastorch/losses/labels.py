"""Errors about class indices that are not classes."""

from __future__ import annotations

import torch


def describe_wrong_labels(
    labels: torch.Tensor, number_of_classes: int, ignore_class: int | None = None, batch: int | None = None
) -> str | None:
    """What is wrong with class indices (rows, ...): the first that is no class; None when all are classes."""
    if labels.numel() == 0 or labels.dtype == torch.bool:
        return None
    lowest, highest = torch.aminmax(labels)
    fits = bool((lowest >= 0) & (highest < number_of_classes))
    whole = not labels.dtype.is_floating_point or torch.equal(labels, labels.floor())
    if fits and whole:
        return None
    is_class = (labels >= 0) & (labels < number_of_classes) & (labels == labels.floor())
    if ignore_class is not None:
        is_class |= labels == ignore_class
    wrong = (~is_class).nonzero()
    if len(wrong) == 0:
        return None
    position = wrong[0].tolist()
    value = labels[tuple(position)].item()
    place = f"row {position[0]}" if position else "the only label"
    if len(position) > 1:
        place += f", position {position[1] if len(position) == 2 else tuple(position[1:])}"
    if batch is not None:
        place = f"batch {batch}, {place}"
    return (
        f"expected integer labels from 0 to {number_of_classes - 1}, for {number_of_classes} classes; "
        f"received {value} in {place}. {_advice(labels, value, number_of_classes)}"
    )


def _advice(labels: torch.Tensor, value: float, number_of_classes: int) -> str:
    if value != value:
        return "Remove the samples without a label."
    if value != int(value):
        return "Give whole numbers, or use a loss for regression such as 'mse'."
    if value < 0:
        return f"Correct the labels, or leave such samples out with ignore_class={int(value)}."
    if value == number_of_classes and bool(labels.min() >= 1):
        return "The labels seem to start at 1: subtract 1 from them."
    return "Correct the labels, or give the last layer one unit for each class."
