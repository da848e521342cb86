"""The table of metrics: one row a case, updated with several batches, for both keras-like modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cases_losses import drawn
from support import generator

Shape = tuple[int, ...]
BATCHES = (6, 6, 3)


@dataclass(frozen=True)
class MetricCase:
    id: str
    make: Callable[[Any], Any]
    true: str | None  # None for metrics of plain values
    predicted: str
    shape: Shape  # of one sample's predictions
    weights: Shape | None = None  # of one sample's weights

    def batches(self) -> list[tuple[np.ndarray, ...]]:
        """The positional arguments of each `update_state`, without the weights."""
        batches = []
        for i, size in enumerate(BATCHES):
            predicted = drawn(self.predicted, f"{self.id}/predicted{i}", (size, *self.shape))
            if self.true is None:
                batches.append((predicted,))
            else:
                batches.append((drawn(self.true, f"{self.id}/true{i}", (size, *self.shape)), predicted))
        return batches

    def sample_weights(self) -> list[np.ndarray | None]:
        if self.weights is None:
            return [None] * len(BATCHES)
        random = generator(f"{self.id}/weights")
        return [random.uniform(0.0, 2.0, size=(size, *self.weights)).astype("float32") for size in BATCHES]


METRICS: list[MetricCase] = []


def row(
    id: str, make: Callable[[Any], Any], true: str | None, predicted: str, shape: Shape = (5,), **options: Any
) -> None:
    METRICS.append(MetricCase(id, make, true, predicted, shape, **options))


def metric(class_name: str, /, **arguments: Any) -> Callable[[Any], Any]:
    return lambda keras: getattr(keras.metrics, class_name)(**arguments)


for _class, _true, _predicted in (
    ("BinaryAccuracy", "binary", "unit"),
    ("CategoricalAccuracy", "one_hot", "distribution"),
    ("SparseCategoricalAccuracy", "labels", "distribution"),
    ("MeanSquaredError", "real", "real"),
    ("MeanAbsoluteError", "real", "real"),
    ("RootMeanSquaredError", "real", "real"),
    ("MeanAbsolutePercentageError", "positive", "real"),
    ("MeanSquaredLogarithmicError", "positive", "positive"),
    ("BinaryCrossentropy", "binary", "unit"),
    ("CategoricalCrossentropy", "one_hot", "distribution"),
    ("SparseCategoricalCrossentropy", "labels", "distribution"),
    ("TopKCategoricalAccuracy", "one_hot", "real"),
    ("SparseTopKCategoricalAccuracy", "labels", "real"),
    ("CosineSimilarity", "real", "real"),
    ("Hinge", "signs", "real"),
    ("SquaredHinge", "binary", "real"),
    ("CategoricalHinge", "one_hot", "real"),
    ("LogCoshError", "real", "real"),
    ("Poisson", "positive", "positive"),
    ("KLDivergence", "distribution", "distribution"),
):
    _arguments = {"k": 2} if "TopK" in _class else {}
    row(_class, metric(_class, **_arguments), _true, _predicted)
    row(f"{_class}-weights", metric(_class, **_arguments), _true, _predicted, weights=())
    row(f"{_class}-rank3", metric(_class, **_arguments), _true, _predicted, (3, 5))

row("Accuracy", metric("Accuracy"), "labels", "labels")
row("Accuracy-weights", metric("Accuracy"), "binary", "binary", weights=())
row("SparseCategoricalAccuracy-column", metric("SparseCategoricalAccuracy"), "labels_column", "distribution")
row("SparseCategoricalAccuracy-float", metric("SparseCategoricalAccuracy"), "labels_float", "logits")
row(
    "SparseCategoricalAccuracy-sequence-weights",
    metric("SparseCategoricalAccuracy"),
    "labels",
    "logits",
    (3, 5),
    weights=(3,),
)
row("BinaryAccuracy-column", metric("BinaryAccuracy"), "binary", "unit", (1,))
row("BinaryAccuracy-flat-truth", metric("BinaryAccuracy"), "binary_flat", "unit", (1,))
row("BinaryAccuracy-threshold", metric("BinaryAccuracy", threshold=0.7), "binary", "unit", (1,))
row("BinaryAccuracy-logits", metric("BinaryAccuracy", threshold=0.0), "binary", "logits", (1,), weights=())
row("BinaryCrossentropy-logits", metric("BinaryCrossentropy", from_logits=True), "binary", "logits")
row("BinaryCrossentropy-smoothing", metric("BinaryCrossentropy", label_smoothing=0.2), "binary", "unit")
row(
    "CategoricalCrossentropy-logits",
    metric("CategoricalCrossentropy", from_logits=True, label_smoothing=0.1),
    "one_hot",
    "logits",
)
row(
    "SparseCategoricalCrossentropy-logits",
    metric("SparseCategoricalCrossentropy", from_logits=True),
    "labels",
    "logits",
)
row("MeanSquaredError-flat-truth", metric("MeanSquaredError"), "real_flat", "real", (1,))
row("TopKCategoricalAccuracy-default", metric("TopKCategoricalAccuracy"), "one_hot", "real", (8,))
row("SparseTopKCategoricalAccuracy-column", metric("SparseTopKCategoricalAccuracy", k=3), "labels_column", "real", (8,))
row("Mean", metric("Mean"), None, "real")
row("Mean-weights", metric("Mean"), None, "real", weights=())
row("Mean-scalars", metric("Mean", name="average"), None, "real", ())
row("Mean-scalars-weights", metric("Mean"), None, "real", (), weights=())
row("Sum", metric("Sum"), None, "real")
row("Sum-weights", metric("Sum"), None, "real", weights=())
row(
    "MeanMetricWrapper",
    lambda keras: keras.metrics.MeanMetricWrapper(keras.losses.mean_squared_error, name="wrapped"),
    "real",
    "real",
    weights=(),
)

# --- counts of right and wrong, curves, overlaps -----------------------------------------------------------
for _class in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives", "Precision", "Recall", "AUC"):
    row(_class, metric(_class), "binary", "unit", (1,))
    row(f"{_class}-weights", metric(_class), "binary", "unit", (1,), weights=())
    row(f"{_class}-many", metric(_class), "binary", "unit", (4,))
for _class in ("TruePositives", "FalseNegatives", "Precision", "Recall"):
    row(f"{_class}-threshold", metric(_class, thresholds=0.3), "binary", "unit", (1,))
row("Precision-top-k", metric("Precision", top_k=2), "binary", "unit", (5,))
row("Recall-class", metric("Recall", class_id=1), "one_hot", "distribution", (3,))
row("AUC-pr", metric("AUC", curve="PR", num_thresholds=50), "binary", "unit", (1,))
row("AUC-minoring", metric("AUC", num_thresholds=20, summation_method="minoring"), "binary", "unit", (1,))
row("AUC-logits", metric("AUC", from_logits=True), "binary", "logits", (1,))
row("AUC-multi-label", metric("AUC", multi_label=True, num_labels=3), "binary", "unit", (3,))
row("BinaryIoU", metric("BinaryIoU", threshold=0.4), "binary", "unit", (4,))
row("IoU", metric("IoU", num_classes=4, target_class_ids=[0, 2]), "labels", "labels", (3, 4))
row("MeanIoU", metric("MeanIoU", num_classes=4), "labels", "labels", (3, 4))
row("MeanIoU-weights", metric("MeanIoU", num_classes=4), "labels", "labels", (3, 4), weights=(3,))
row("OneHotIoU", metric("OneHotIoU", num_classes=4, target_class_ids=[1]), "one_hot", "distribution", (3, 4))
row("OneHotMeanIoU", metric("OneHotMeanIoU", num_classes=4), "one_hot", "distribution", (3, 4))

# --- the functions, one batch, without reduction -----------------------------------------------------------
METRIC_FUNCTIONS: dict[str, tuple[Callable[[Any, Any, Any], Any], str, str, Shape]] = {
    "binary_accuracy": (lambda keras, t, p: keras.metrics.binary_accuracy(t, p), "binary", "unit", (6, 5)),
    "binary_accuracy-threshold": (
        lambda keras, t, p: keras.metrics.binary_accuracy(t, p, threshold=0.3),
        "binary",
        "unit",
        (6, 5),
    ),
    "categorical_accuracy": (lambda keras, t, p: keras.metrics.categorical_accuracy(t, p), "one_hot", "real", (6, 5)),
    "sparse_categorical_accuracy": (
        lambda keras, t, p: keras.metrics.sparse_categorical_accuracy(t, p),
        "labels",
        "real",
        (6, 5),
    ),
    "sparse_categorical_accuracy-column": (
        lambda keras, t, p: keras.metrics.sparse_categorical_accuracy(t, p),
        "labels_column",
        "real",
        (6, 5),
    ),
    "top_k_categorical_accuracy": (
        lambda keras, t, p: keras.metrics.top_k_categorical_accuracy(t, p, k=2),
        "one_hot",
        "real",
        (6, 5),
    ),
    "sparse_top_k_categorical_accuracy": (
        lambda keras, t, p: keras.metrics.sparse_top_k_categorical_accuracy(t, p, k=2),
        "labels",
        "real",
        (6, 5),
    ),
    "mean_squared_error": (lambda keras, t, p: keras.metrics.mean_squared_error(t, p), "real", "real", (6, 5)),
    "mse-name": (lambda keras, t, p: keras.metrics.get("mse")(t, p), "real", "real", (6, 5)),
    "mae-name": (lambda keras, t, p: keras.metrics.get("mae")(t, p), "real", "real", (6, 5)),
}
