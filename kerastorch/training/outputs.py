"""Matching what `compile` and `fit` were given (one, a list, a dict by output name) with a model's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.errors import did_you_mean
from kerastorch.losses import Loss


class Outputs:
    """The outputs of a model, in flattening order: their names in logs and, where a dict is returned, their keys.

    Names are the model's own, else the way to an output: its keys and positions from 1, such as 'features_2', after
    'output' where the way begins with a position.
    """

    def __init__(self, y_pred: Any, declared: list[str]) -> None:
        self.structure = nest.map_structure(lambda _: None, y_pred)
        paths = _paths(self.structure)
        of_paths = ["_".join(path if isinstance(y_pred, Mapping) else ("output", *path)) for path in paths]
        if paths == [()]:
            of_paths = ["output_1"]
        self.names = declared if len(declared) == len(paths) else of_paths
        self.is_nested = any(len(path) > 1 for path in paths)
        flat_dict = isinstance(y_pred, Mapping) and not self.is_nested
        self.keys = [path[0] for path in paths] if flat_dict else self.names

    def match(self, given: Any, what: str) -> list[Any]:
        """`given` as one entry an output: by key or name where it is a dict, by position where it is a list.

        None where an output has none; a single entry serves all. Raises ValueError for names that no output has, and
        for lists of another length.
        """
        if self.is_nested and nest.is_nested(given):
            return self._match_nested(given, self.structure, what)
        if isinstance(given, Mapping):
            return self._by_name(given, what)
        if isinstance(given, list | tuple):
            if len(given) != len(self.names):
                raise self._wrong_length(given, self.names, what)
            return list(given)
        return [given] * len(self.names)

    def _by_name(self, given: Mapping[str, Any], what: str) -> list[Any]:
        unknown = [key for key in given if key not in self.names and key not in self.keys]
        if len(unknown) == len(given) == len(self.names) == 1:
            return list(given.values())
        if unknown:
            raise self._unknown(unknown[0], self.keys, what)
        pairs = zip(self.keys, self.names, strict=True)
        return [given[key] if key in given else given.get(name) for key, name in pairs]

    def _match_nested(self, given: Any, structure: Any, what: str) -> list[Any]:
        """As `match`, where `given` has the outputs' own nesting, or is a dict by the names of single outputs."""
        if not nest.is_nested(structure):
            return [given]
        if isinstance(given, Mapping):
            if structure is self.structure and given and all(key in self.names for key in given):
                return [given.get(name) for name in self.names]
            if isinstance(structure, Mapping):
                unknown = [key for key in given if key not in structure]
                if unknown:
                    raise self._unknown(unknown[0], [*structure, *self.names], what)
                parts = [(given.get(key), structure[key]) for key in sorted(structure)]
                return [entry for part in parts for entry in self._match_nested(*part, what)]
        elif isinstance(given, list | tuple) and not isinstance(structure, Mapping):
            if len(given) != len(structure):
                raise self._wrong_length(given, structure, what)
            pairs = zip(given, structure, strict=True)
            return [entry for part in pairs for entry in self._match_nested(*part, what)]
        elif not nest.is_nested(given):
            return [given] * len(nest.flatten(structure))
        raise ValueError(
            f"{_method(what)}: expected {what} nested as the outputs are, or a dict by their names {self.names}; "
            f"received {type(given).__name__} where the outputs are {type(structure).__name__}."
        )

    def _unknown(self, name: Any, known: list[str], what: str) -> ValueError:
        return ValueError(
            f"{_method(what)}: expected {what} for the outputs {known}; received one for {name!r}. "
            f"{did_you_mean(name, known)}"
        )

    def _wrong_length(self, given: Any, wanted: Any, what: str) -> ValueError:
        return ValueError(
            f"{_method(what)}: expected {what} as a list of {len(wanted)}, one for each of the outputs "
            f"{self.names}; received {len(given)}. Use a dict by output name to leave some out."
        )

    def labels(self, given: Any, what: str = "labels") -> list[Any]:
        """Labels, or sample weights, as one entry an output; a single array serves all outputs."""
        if len(self.names) == 1:
            flat = nest.flatten(given)
            return flat if len(flat) == 1 else [given]
        return self.match(given, what)


def _method(what: str) -> str:
    return "fit" if what in ("labels", "sample_weight", "class_weight") else "compile"


def _paths(structure: Any, way: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The keys and positions that lead to each output."""
    if isinstance(structure, Mapping):
        return [path for key in sorted(structure) for path in _paths(structure[key], (*way, str(key)))]
    if isinstance(structure, list | tuple):
        return [path for at, part in enumerate(structure) for path in _paths(part, (*way, str(at + 1)))]
    return [way]


def like_predictions(y_true: Any, sample_weight: Any, y_pred: torch.Tensor) -> tuple[Any, Any]:
    """Labels and weights (batch,) as columns where the predictions are a matrix, as tf.keras does before losses."""
    if y_pred.dim() == 2:
        if isinstance(y_true, torch.Tensor) and y_true.dim() == 1:
            y_true = y_true.unsqueeze(1)
        if isinstance(sample_weight, torch.Tensor) and sample_weight.dim() == 1:
            sample_weight = sample_weight.unsqueeze(1)
    return y_true, sample_weight


def is_ours(scorer: Any) -> bool:
    """Whether a loss or metric is the package's and scores sample by sample, so that batches can be put together.

    That is not so for functions of the user's own, for losses over a whole batch, along its axis, and for a loss as
    a metric, which is averaged over batches.
    """
    if scorer is None or isinstance(scorer, str):
        return True
    inner = getattr(scorer, "fn", None) or getattr(scorer, "_fn", None) or getattr(scorer, "module", None)
    home = scorer if hasattr(scorer, "__name__") else type(scorer)
    if not home.__module__.startswith("kerastorch."):
        return False
    if inner is not None and (isinstance(inner, Loss) or not str(inner.__module__).startswith("kerastorch.")):
        return False
    axis = getattr(scorer, "_arguments", {}).get("axis", -1)
    along_samples = isinstance(axis, int) and (axis == -1 or axis > 0)
    return along_samples and not getattr(inner or scorer, "of_whole_batch", False)
