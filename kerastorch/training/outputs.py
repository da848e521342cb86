"""Matching what `compile` was given (one, a list, a dict by output name) with a model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.errors import did_you_mean


def names_of_outputs(y_pred: Any, declared: list[str]) -> list[str]:
    """One name an output, in flattening order: dict keys, the model's names, or 'output_1', 'output_2', ..."""
    if isinstance(y_pred, Mapping):
        return sorted(y_pred)
    count = len(nest.flatten(y_pred))
    return declared if len(declared) == count else [f"output_{position + 1}" for position in range(count)]


def per_output(given: Any, names: list[str], what: str, y_pred: Any = None) -> list[Any]:
    """`given` as one entry an output; None where an output has none.

    Raises ValueError for names that no output has, and for lists of another length.
    """
    if isinstance(given, Mapping):
        # labels may be keyed by the model's names even where its outputs are keyed by others
        unknown = [key for key in given if key not in names]
        if unknown and not (len(names) == 1 and len(given) == 1):
            raise ValueError(
                f"compile: expected {what} for the outputs {names}; received one for {unknown[0]!r}. "
                f"{did_you_mean(unknown[0], names)}"
            )
        if unknown:
            return list(given.values())
        return [given.get(name) for name in names]
    if isinstance(given, list | tuple):
        if len(given) != len(names):
            raise ValueError(
                f"compile: expected {what} as a list of {len(names)}, one for each of the outputs {names}; "
                f"received {len(given)}. Use a dict by output name to leave some out."
            )
        return list(given)
    return [given] * len(names)


def labels_per_output(labels: Any, names: list[str]) -> list[Any]:
    if len(names) == 1:
        flat = nest.flatten(labels)
        return flat if len(flat) == 1 else [labels]
    if labels is None or isinstance(labels, torch.Tensor):
        return [labels] * len(names)
    return per_output(labels, names, "labels")


def like_predictions(y_true: Any, sample_weight: Any, y_pred: torch.Tensor) -> tuple[Any, Any]:
    """Labels and weights (batch,) as columns where the predictions are one column, as tf.keras does before losses."""
    if y_pred.dim() == 2 and y_pred.shape[1] == 1:
        if isinstance(y_true, torch.Tensor) and y_true.dim() == 1:
            y_true = y_true.unsqueeze(1)
        if isinstance(sample_weight, torch.Tensor) and sample_weight.dim() == 1:
            sample_weight = sample_weight.unsqueeze(1)
    return y_true, sample_weight
