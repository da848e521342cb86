"""The metrics of all outputs, named as tf.keras names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kerastorch import metrics as metrics_module
from kerastorch.core import nest
from kerastorch.core.naming import to_snake_case
from kerastorch.losses.weighting import apply_mask
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
                if isinstance(metric, str) and _SHORT.get(metric, metric) not in _BY_SHAPE:
                    metrics_module.get(metric)
        self.per_output: list[tuple[list[Any], list[Any]]] | None = None
        self.outputs: Outputs | None = None
        self.detaches = False

    def _build(self, y_true: Any, y_pred: Any) -> None:
        self.outputs = Outputs(y_pred, self.output_names)
        labels, predictions = self.outputs.labels(y_true), nest.flatten(y_pred)
        plain = self._for_each_output(self.given)
        weighted = self._for_each_output(self.given_weighted)
        pairs: list[tuple[list[Any], list[Any]]] = []
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
            pairs.append((found[0], found[1]))
        self.per_output = pairs

    def _for_each_output(self, given: Any) -> list[list[Any]]:
        names = self.outputs.names
        if given is None:
            return [[] for _ in names]
        if isinstance(given, Mapping):
            chosen = self.outputs.match(given, "metrics")
        elif len(names) == 1:
            chosen = [nest.flatten(given)]
        elif isinstance(given, list | tuple) and any(isinstance(one, list | tuple) for one in given):
            chosen = self.outputs.match(given, "metrics")
        else:
            # tf.keras gives each output metrics of its own when a flat list is given
            chosen = [[_fresh(metric) for metric in nest.flatten(given)] for _ in names]
        return [[] if one is None else nest.flatten(one) for one in chosen]

    def forget_outputs(self, output_names: list[str]) -> None:
        """Match metrics and outputs anew at the next call."""
        self.output_names, self.per_output = output_names, None

    def is_sample_wise(self) -> bool:
        """Whether the metrics of several batches at once are those of one after the other."""
        return all(is_ours(metric) for given in (self.given, self.given_weighted) for metric in nest.flatten(given))

    @property
    def metrics(self) -> list[Any]:
        return [metric for plain, weighted in self.per_output or [] for metric in (*plain, *weighted)]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if self.given is None and self.given_weighted is None:
            return
        if self.per_output is None:
            self._build(y_true, y_pred)
            self.detaches = any(not is_ours(metric) for metric in self.metrics)
        if self.detaches:
            y_pred = nest.map_structure(_detached, y_pred)
        if type(y_true) is type(y_pred) is torch.Tensor:
            labels, predictions, weights = (y_true,), (y_pred,), (sample_weight,)
        else:
            labels, predictions = self.outputs.labels(y_true), nest.flatten(y_pred)
            weights = self.outputs.labels(sample_weight)
        for position, (plain, weighted) in enumerate(self.per_output):
            prediction = predictions[position]
            label, weight = like_predictions(labels[position], weights[position], prediction)
            if label is None:
                continue
            mask = getattr(prediction, "_keras_mask", None)
            for metric in plain:
                metric.update_state(label, prediction, sample_weight=mask)
            if mask is not None:
                weight = apply_mask(prediction, weight, mask)
            for metric in weighted:
                metric.update_state(label, prediction, sample_weight=weight)


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
        kind = _BY_SHAPE.get(_SHORT.get(metric, metric))
        function = metrics_module.get(metric if kind is None else _function_for(kind, y_true, y_pred))
        name = metric
    else:
        function = metrics_module.get(metric)
        name = getattr(function, "name", None) or getattr(function, "__name__", None)
        name = name or to_snake_case(type(function).__name__)
    if isinstance(function, metrics_module.Metric):
        return function
    return metrics_module.MeanMetricWrapper(function, name=name)


def _function_for(kinds: tuple[str, str, str], y_true: torch.Tensor, y_pred: torch.Tensor) -> str:
    binary, sparse, categorical = kinds
    if y_pred.dim() == 0 or y_pred.shape[-1] == 1:
        return binary
    if y_true.dim() < y_pred.dim() or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1):
        return sparse
    return categorical


def _detached(prediction: torch.Tensor) -> torch.Tensor:
    """Predictions for metrics of the user's own, which may ask for numpy values."""
    plain = prediction.detach()
    for attribute in ("_keras_mask", "_keras_logits"):
        if hasattr(prediction, attribute):
            setattr(plain, attribute, getattr(prediction, attribute).detach())
    return plain


def _fresh(metric: Any) -> Any:
    is_object = isinstance(metric, metrics_module.Metric)
    return type(metric).from_config(metric.get_config()) if is_object else metric
