"""The metrics of all outputs, named as tf.keras names them."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch

from kerastorch import metrics as metrics_module
from kerastorch.core import nest
from kerastorch.core.naming import to_snake_case
from kerastorch.losses import Loss
from kerastorch.training.output_metrics import OutputMetrics
from kerastorch.training.outputs import Outputs, is_ours, like_predictions

# Names that mean another function depending on the labels and the predictions.
_BY_SHAPE = {
    "accuracy": ("binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy"),
    "crossentropy": ("binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"),
}
_SHORT = {"acc": "accuracy", "ce": "crossentropy"}


class CompiledMetrics:
    """What `compile(metrics=..., weighted_metrics=...)` means for a model.

    Strings are looked up at once, so that a misspelt one fails in `compile`; 'accuracy' becomes the accuracy that
    fits when the first labels and predictions are seen.
    """

    def __init__(self, metrics: Any, weighted_metrics: Any, output_names: list[str]) -> None:
        self.given, self.given_weighted = metrics, weighted_metrics
        self.output_names = output_names
        for structure in (metrics, weighted_metrics):
            for metric in nest.flatten(structure):
                by_shape = isinstance(metric, str) and _plain_name(metric) in _BY_SHAPE
                if not by_shape and not callable(metric):
                    metrics_module.get(metric)
        self.per_output: list[OutputMetrics] | None = None
        self.outputs: Outputs | None = None

    def check_names(self, outputs: Any) -> None:
        """Raise ValueError for metrics that do not belong to the symbolic `outputs`."""
        found = Outputs(outputs, self.output_names)
        for given in (self.given, self.given_weighted):
            if _belongs_to_outputs(given):
                found.match(given, "metrics")

    def _build(self, y_true: Any, y_pred: Any) -> None:
        self.outputs = Outputs(y_pred, self.output_names)
        labels, predictions = self.outputs.labels(y_true), nest.flatten(y_pred)
        plain = self._for_each_output(self.given)
        weighted = self._for_each_output(self.given_weighted)
        built: list[OutputMetrics] = []
        taken: set[str] = set()
        for position, output in enumerate(self.outputs.names):
            prefix = f"{output}_" if len(self.outputs.names) > 1 else ""
            label, prediction = labels[position], predictions[position]
            found = [
                [as_metric(one, label, prediction) for one in metrics[position] if one is not None]
                for metrics in (plain, weighted)
            ]
            for metric in found[0]:
                _rename(metric, prefix, "", taken)
            for metric in found[1]:
                _rename(metric, prefix, "weighted_", taken)
            built.append(OutputMetrics(*found))
        self.per_output = built

    def _for_each_output(self, given: Any) -> list[list[Any]]:
        names = self.outputs.names
        if given is None:
            return [[] for _ in names]
        if len(names) == 1 and not isinstance(given, Mapping):
            chosen = [nest.flatten(given)]
        elif _belongs_to_outputs(given):
            chosen = self.outputs.match(given, "metrics")
        else:
            # tf.keras gives each output metrics of its own when a flat list is given
            chosen = [[_fresh(metric) for metric in nest.flatten(given)] for _ in names]
        return [[] if one is None else nest.flatten(one) for one in chosen]

    def names_for(self, outputs: Any) -> list[str] | None:
        """The names of the metrics for the symbolic `outputs`; None where a class of the user's own decides."""
        given = [*nest.flatten(self.given), *nest.flatten(self.given_weighted)]
        if any(hasattr(metric, "result") and not is_ours(metric) for metric in given):
            return None
        preview = CompiledMetrics(self.given, self.given_weighted, self.output_names)
        preview.outputs = Outputs(outputs, self.output_names)
        found, taken = [preview._for_each_output(one) for one in (self.given, self.given_weighted)], set()
        for position, output in enumerate(preview.outputs.names):
            prefix = f"{output}_" if len(preview.outputs.names) > 1 else ""
            for metrics, mark in zip(found, ("", "weighted_"), strict=True):
                for metric in metrics[position]:
                    if metric is not None:
                        _rename(SimpleNamespace(name=_name_of(metric)), prefix, mark, taken)
        return list(taken)

    def start_anew(self) -> None:
        """Let batches be grouped as at the start, so that the sums of an epoch do not depend on the ones before."""
        for output in self.per_output or ():
            output.start_anew()

    def get_grouping(self) -> list[Any]:
        """How far the metrics of each output are in gathering batches."""
        return [output.get_grouping() for output in self.per_output or ()]

    def set_grouping(self, grouping: list[Any]) -> None:
        for output, state in zip(self.per_output or (), grouping, strict=True):
            output.set_grouping(state)

    def forget_outputs(self, output_names: list[str]) -> None:
        """Match metrics and outputs anew at the next call."""
        self.output_names, self.per_output = output_names, None

    def is_sample_wise(self) -> bool:
        """Whether the metrics of several batches at once are those of one after the other."""
        given = [*nest.flatten(self.given), *nest.flatten(self.given_weighted)]
        return all(is_ours(metric) and not isinstance(metric, Loss) for metric in given)

    @property
    def metrics(self) -> list[Any]:
        return [metric for output in self.per_output or [] for metric in (*output.plain, *output.weighted)]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.given is None and self.given_weighted is None:
            return
        if self.per_output is None:
            self._build(y_true, y_pred)
        if type(y_true) is type(y_pred) is torch.Tensor:
            labels, predictions, weights = (y_true,), (y_pred,), (sample_weight,)
        else:
            labels, predictions = self.outputs.labels(y_true), nest.flatten(y_pred)
            weights = self.outputs.labels(sample_weight, "sample_weight")
        for output, label, prediction, weight in zip(self.per_output, labels, predictions, weights, strict=False):
            label, weight = like_predictions(label, weight, prediction)
            if label is not None:
                output.update_state(label, prediction, weight)


def _belongs_to_outputs(given: Any) -> bool:
    """Whether metrics are given output by output: as a dict, or as a list with lists in it."""
    is_list = isinstance(given, list | tuple)
    return isinstance(given, Mapping) or (is_list and any(nest.is_nested(one) for one in given))


def _rename(metric: Any, prefix: str, mark: str, taken: set[str]) -> None:
    """Give a metric the name that tf.keras logs: with its output, and marked where the plain name is taken."""
    own = metric.name.removeprefix(prefix)
    name = f"{prefix}{own}"
    if name in taken:
        name = f"{prefix}{mark}{own}"
    if name in taken:
        raise ValueError(
            f"compile: expected metrics with different names; received two called {name!r}. Pass name='...' to one."
        )
    taken.add(name)
    metric.name = name


def as_metric(metric: Any, y_true: Any, y_pred: Any) -> Any:
    """The metric object for whatever `compile` accepts: a name, a function, a class, an object."""
    if isinstance(metric, str):
        kind = _BY_SHAPE.get(_plain_name(metric))
        function = metrics_module.get(metric if kind is None else _function_for(kind, y_true, y_pred))
        name = metric
    else:
        function = metrics_module.get(metric)
        name = getattr(function, "name", None) or getattr(function, "__name__", None)
        name = name or to_snake_case(type(function).__name__)
    if isinstance(function, metrics_module.Metric):
        return function
    return metrics_module.MeanMetricWrapper(function, name=name)


def _name_of(metric: Any) -> str:
    """The name of a metric as `compile` got it, before labels and predictions are known."""
    by_shape = isinstance(metric, str) and _plain_name(metric) in _BY_SHAPE
    return metric if by_shape else as_metric(metric, None, None).name


def _function_for(kinds: tuple[str, str, str], y_true: torch.Tensor, y_pred: torch.Tensor) -> str:
    binary, sparse, categorical = kinds
    if y_pred.dim() == 0 or y_pred.shape[-1] == 1:
        return binary
    if y_true.dim() < y_pred.dim() or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1):
        return sparse
    return categorical


def _plain_name(metric: str) -> str:
    """'accuracy' for 'acc' and 'ACC', as tf.keras reads these words in any case."""
    word = metric.lower()
    return _SHORT.get(word, word)


def _fresh(metric: Any) -> Any:
    is_object = isinstance(metric, metrics_module.Metric)
    return type(metric).from_config(metric.get_config()) if is_object else metric
