"""Matching what `compile` was given (one, a list, a dict by output name) with a model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.errors import did_you_mean


class Outputs:
    """The outputs of a model, in flattening order: their names in logs and, where a dict is returned, their keys.

    Names are the model's own, else the keys, else 'output_1', 'output_2', ...
    """

    def __init__(self, y_pred: Any, declared: list[str]) -> None:
        count = len(nest.flatten(y_pred))
        keys = sorted(y_pred) if isinstance(y_pred, Mapping) else []
        numbered = [f"output_{position + 1}" for position in range(count)]
        self.names = next(names for names in (declared, keys, numbered) if len(names) == count)
        self.keys = keys if len(keys) == count else self.names

    def match(self, given: Any, what: str) -> list[Any]:
        """`given` as one entry an output, by key or name where it is a dict; None where an output has none.

        Raises ValueError for names that no output has, and for lists of another length.
        """
        method = "fit" if what == "labels" else "compile"
        if isinstance(given, Mapping):
            unknown = [key for key in given if key not in self.names and key not in self.keys]
            if len(unknown) == len(given) == len(self.names) == 1:
                return list(given.values())
            if unknown:
                raise ValueError(
                    f"{method}: expected {what} for the outputs {self.keys}; received one for {unknown[0]!r}. "
                    f"{did_you_mean(unknown[0], self.keys)}"
                )
            pairs = zip(self.keys, self.names, strict=True)
            return [given[key] if key in given else given.get(name) for key, name in pairs]
        if isinstance(given, list | tuple):
            if len(given) != len(self.names):
                raise ValueError(
                    f"{method}: expected {what} as a list of {len(self.names)}, one for each of the outputs "
                    f"{self.names}; received {len(given)}. Use a dict by output name to leave some out."
                )
            return list(given)
        return [given] * len(self.names)

    def labels(self, given: Any) -> list[Any]:
        """Labels, or sample weights, as one entry an output; a single array serves all outputs."""
        if len(self.names) == 1:
            flat = nest.flatten(given)
            return flat if len(flat) == 1 else [given]
        return self.match(given, "labels")


def like_predictions(y_true: Any, sample_weight: Any, y_pred: torch.Tensor) -> tuple[Any, Any]:
    """Labels and weights (batch,) as columns where the predictions are one column, as tf.keras does before losses."""
    if y_pred.dim() == 2 and y_pred.shape[1] == 1:
        if isinstance(y_true, torch.Tensor) and y_true.dim() == 1:
            y_true = y_true.unsqueeze(1)
        if isinstance(sample_weight, torch.Tensor) and sample_weight.dim() == 1:
            sample_weight = sample_weight.unsqueeze(1)
    return y_true, sample_weight


def is_ours(scorer: Any) -> bool:
    """Whether a loss or metric, or the function inside it, is the package's: those score sample by sample."""
    if scorer is None or isinstance(scorer, str):
        return True
    inner = getattr(scorer, "fn", None) or getattr(scorer, "_fn", None)
    home = scorer if hasattr(scorer, "__name__") else type(scorer)
    return home.__module__.startswith("kerastorch.") and (inner is None or inner.__module__.startswith("kerastorch."))
