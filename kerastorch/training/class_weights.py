"""`class_weight` of `fit`: the weight of each sample by its class, for one output or for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.core import nest
from kerastorch.core.errors import describe
from kerastorch.training.outputs import Outputs

_SAMPLE = "Pass for example {0: 1.0, 1: 5.0}."


class ClassWeights:
    """Tables from class to weight, by which batches get sample weights.

    `given` is a dict from class number to weight; with several outputs a dict of such dicts by output name, or a list
    of them, None where an output needs none. `outputs` are the symbolic outputs, None where they are not known.
    Raises TypeError or ValueError for anything else, and for classes that an output does not have.
    """

    def __init__(self, given: Any, output_names: list[str], outputs: Any = None) -> None:
        self.names = output_names
        self.known = None if outputs is None else Outputs(outputs, output_names)
        by_name = isinstance(given, Mapping) and any(isinstance(one, Mapping) for one in given.values())
        in_list = isinstance(given, list | tuple) and all(one is None or isinstance(one, Mapping) for one in given)
        self.of_outputs = bool(given) and (by_name or in_list)
        if not self.of_outputs:
            self.tables: Any = _as_table(given, "")
        elif by_name:
            self.tables = {name: _as_table(one, f" of output '{name}'") for name, one in given.items()}
        else:
            self.tables = [_as_table(one, f" of output {at}") for at, one in enumerate(given)]
        if self.known is not None:
            self._check_classes(nest.flatten(outputs))

    def _check_classes(self, outputs: list[Any]) -> None:
        if len(self.known.names) > 1 and not self.of_outputs:
            raise self._one_for_several()
        tables = self.known.match(self.tables, "class_weight") if self.of_outputs else [self.tables]
        for name, table, output in zip(self.known.names, tables, outputs, strict=True):
            units = output.shape[-1] if len(output.shape) > 1 else None
            if table is not None and units is not None:
                _check_known(table, max(2, units), f" of output '{name}'" if len(tables) > 1 else "")

    def _one_for_several(self) -> ValueError:
        names = self.known.names if self.known is not None else self.names or ["output_1", "output_2"]
        return ValueError(
            f"fit: expected class_weight for each output that needs one, as there are several; received one table for "
            f"all. Pass for example {{'{names[-1]}': {{0: 1.0, 1: 5.0}}}}."
        )

    def __call__(self, labels: Any, sample_weight: Any) -> Any:
        """The sample weights of a batch: those given, times those of the classes."""
        if labels is None:
            raise ValueError("fit: expected labels with class_weight; received only x. Pass y.")
        if not nest.is_nested(labels) and not self.of_outputs:
            return _times(sample_weight, _weights_of(labels, self.tables, ""))
        outputs = self._outputs(labels)
        if len(outputs.names) > 1 and not self.of_outputs:
            raise self._one_for_several()
        tables = outputs.match(self.tables, "class_weight") if self.of_outputs else [self.tables]
        found = []
        each = (outputs.names, tables, outputs.labels(labels), outputs.labels(sample_weight, "sample_weight"))
        for name, table, label, weight in zip(*each, strict=True):
            where = f" of output '{name}'" if len(outputs.names) > 1 else ""
            if table is not None and label is not None:
                weight = _times(weight, _weights_of(label, table, where))
            found.append(weight)
        if len(found) == 1:
            return found[0]
        by_name = isinstance(labels, Mapping) or outputs.is_nested
        return dict(zip(outputs.keys, found, strict=True)) if by_name else found

    def _outputs(self, labels: Any) -> Outputs:
        """The outputs where they are known, else as the labels show them."""
        return self.known if self.known is not None else Outputs(labels, self.names)


def _as_table(class_weight: Any, where: str) -> torch.Tensor | None:
    """A tensor of weights by class, NaN where there is none."""
    if class_weight is None and where:
        return None
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"fit: expected class_weight{where} as a dict from class number to weight; received "
            f"{describe(class_weight)}. {_SAMPLE}"
        )
    fits = class_weight and all(_is_class(key) and _is_weight(value) for key, value in class_weight.items())
    if not fits:
        raise ValueError(
            f"fit: expected class_weight{where} as a dict from class number to weight; received "
            f"{dict(class_weight)!r}. {_SAMPLE}"
        )
    table = torch.full((max(map(int, class_weight)) + 1,), float("nan"))
    for key, value in class_weight.items():
        table[int(key)] = float(value)
    return table


def _is_class(key: Any) -> bool:
    return isinstance(key, int | float | np.number) and key >= 0 and int(key) == key


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and 0 <= value < float("inf")


def _check_known(table: torch.Tensor, classes: int, where: str) -> None:
    """Raise ValueError for weights of classes that do not exist."""
    if len(table) > classes:
        raise ValueError(
            f"fit: expected class_weight{where} for classes 0 to {classes - 1}; received one for class "
            f"{len(table) - 1}. Remove it, or give the last layer one unit for each class."
        )


def _weights_of(labels: torch.Tensor, table: torch.Tensor, where: str) -> torch.Tensor:
    """The weight of each sample by its class: an integer, a binary label or a one-hot row."""
    one_hot = labels.dim() > 1 and labels.shape[-1] > 1
    if one_hot:
        _check_known(table, labels.shape[-1], where)
    classes = labels.argmax(-1) if one_hot else labels.reshape(labels.shape[0], -1)[:, 0]
    if classes.is_floating_point() and bool((classes != classes.floor()).any()):
        raise ValueError(
            f"fit: expected class numbers in the labels{where}, to look up class_weight; received "
            f"{classes[classes != classes.floor()][0].item():g}. Use sample_weight instead."
        )
    classes, table = classes.long(), table.to(labels.device)
    weights = table[classes.clamp(0, len(table) - 1)]
    missing = torch.isnan(weights) | (classes >= len(table)) | (classes < 0)
    if bool(missing.any()):
        absent = sorted({int(value) for value in classes[missing]})
        raise ValueError(
            f"fit: expected a class_weight{where} for every class in y; received none for class "
            f"{', '.join(map(str, absent[:5]))}. Add {absent[0]}: 1.0 to the dict."
        )
    return weights


def _times(sample_weight: torch.Tensor | None, by_class: torch.Tensor) -> torch.Tensor:
    """The product of both, of which one may have more axes."""
    if sample_weight is None:
        return by_class
    axes = max(sample_weight.dim(), by_class.dim())
    first, second = (part.reshape(part.shape + (1,) * (axes - part.dim())) for part in (sample_weight, by_class))
    return first * second
