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
    masked: bool = False  # the weights are a mask, as compiled metrics get it from masked predictions
    later: bool = False  # known to Keras 3, not to tf_keras
    same_shape: bool = False  # every batch has as many samples

    @property
    def sizes(self) -> Shape:
        return (BATCHES[0],) * len(BATCHES) if self.same_shape else BATCHES

    def batches(self) -> list[tuple[np.ndarray, ...]]:
        """The positional arguments of each `update_state`, without the weights."""
        batches = []
        for i, size in enumerate(self.sizes):
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
        if self.masked:
            return [random.uniform(size=(size, *self.weights)) < 0.6 for size in self.sizes]
        return [random.uniform(0.0, 2.0, size=(size, *self.weights)).astype("float32") for size in self.sizes]


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
    row(f"{_class}-rank3-weights", metric(_class, **_arguments), _true, _predicted, (3, 5), weights=(3,))
    row(f"{_class}-rank3-weights-rank1", metric(_class, **_arguments), _true, _predicted, (3, 5), weights=())
    row(f"{_class}-mask", metric(_class, **_arguments), _true, _predicted, (3, 5), weights=(3,), masked=True)

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

row(
    "MeanMetricWrapper-arguments",
    lambda keras: keras.metrics.MeanMetricWrapper(keras.losses.huber, delta=0.5),
    "real",
    "real",
)
row("MeanTensor", metric("MeanTensor"), None, "real", (3,), same_shape=True)
row("MeanTensor-weights", metric("MeanTensor", name="averages"), None, "real", (3,), weights=(3,), same_shape=True)
row("MeanRelativeError", metric("MeanRelativeError", normalizer=[0.5, 2.0, 0.0]), "positive", "real", (3,))
row(
    "MeanRelativeError-weights",
    metric("MeanRelativeError", normalizer=[0.5, 2.0, 1.0]),
    "real",
    "real",
    (3,),
    weights=(3,),
)
row("CosineSimilarity-axis", metric("CosineSimilarity", axis=1), "real", "real", (3, 5))
row(
    "SparseCategoricalCrossentropy-ignored",
    metric("SparseCategoricalCrossentropy", ignore_class=-1),
    "labels_with_ignored",
    "distribution",
    weights=(),
)
row(
    "SparseCategoricalCrossentropy-axis",
    metric("SparseCategoricalCrossentropy", axis=-1, from_logits=True),
    "labels",
    "logits",
    (3, 5),
)
row("Hinge-binary-labels", metric("Hinge"), "binary", "real")
row("MeanSquaredError-weights-many", metric("MeanSquaredError"), "real", "real", (2, 3, 4), weights=(2, 3))

# --- counts of right and wrong, curves, overlaps -----------------------------------------------------------
for _class in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives", "Precision", "Recall", "AUC"):
    row(_class, metric(_class), "binary", "unit", (1,))
    row(f"{_class}-weights", metric(_class), "binary", "unit", (1,), weights=())
    row(f"{_class}-weights-each", metric(_class), "binary", "unit", (4,), weights=(4,))
    row(f"{_class}-mask", metric(_class), "binary", "unit", (1,), weights=(), masked=True)
    row(f"{_class}-many", metric(_class), "binary", "unit", (4,))
    row(f"{_class}-edges", metric(_class), "binary", "edges", (4,))
for _class in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives", "Precision", "Recall"):
    row(f"{_class}-threshold", metric(_class, thresholds=0.3), "binary", "unit", (1,))
    row(f"{_class}-thresholds", metric(_class, thresholds=[0.0, 0.3, 0.75]), "binary", "unit", (2,), weights=())
    row(f"{_class}-even-thresholds", metric(_class, thresholds=[0.0, 0.25, 0.5, 0.75, 1.0]), "binary", "edges", (2,))
for _class in ("Precision", "Recall"):
    row(f"{_class}-top-k-weights", metric(_class, top_k=3), "binary", "unit", (5,), weights=())
    row(f"{_class}-top-k-threshold", metric(_class, top_k=3, thresholds=0.4), "binary", "unit", (5,))
    row(f"{_class}-top-k-class", metric(_class, top_k=2, class_id=1), "one_hot", "distribution", (4,))
    row(f"{_class}-class-weights", metric(_class, class_id=2), "one_hot", "unit", (3,), weights=())
    row(f"{_class}-sequence", metric(_class), "binary", "unit", (3, 2), weights=(3, 1))
row("Precision-top-k", metric("Precision", top_k=2), "binary", "unit", (5,))
row("Recall-class", metric("Recall", class_id=1), "one_hot", "distribution", (3,))
row("AUC-pr", metric("AUC", curve="PR", num_thresholds=50), "binary", "unit", (1,))
row("AUC-minoring", metric("AUC", num_thresholds=20, summation_method="minoring"), "binary", "unit", (1,))
row("AUC-logits", metric("AUC", from_logits=True), "binary", "logits", (1,))
row("AUC-multi-label", metric("AUC", multi_label=True, num_labels=3), "binary", "unit", (3,))
row("AUC-pr-weights", metric("AUC", curve="PR"), "binary", "unit", (2,), weights=())
row("AUC-pr-minoring", metric("AUC", curve="PR", summation_method="minoring"), "binary", "unit", (1,))
row("AUC-pr-majoring", metric("AUC", curve="PR", summation_method="majoring"), "binary", "edges", (2,))
row("AUC-majoring", metric("AUC", num_thresholds=20, summation_method="majoring"), "binary", "unit", (1,))
row("AUC-thresholds", metric("AUC", thresholds=[0.7, 0.1, 0.45]), "binary", "unit", (3,), weights=())
row("AUC-even-thresholds", metric("AUC", thresholds=[0.25, 0.5, 0.75]), "binary", "edges", (3,))
row("AUC-label-weights", metric("AUC", label_weights=[0.5, 2.0, 1.0], num_thresholds=30), "binary", "unit", (3,))
row("AUC-gain", metric("AUC", curve="PR_GAIN"), "binary", "unit", (2,))
row("AUC-multi-label-weights", metric("AUC", multi_label=True), "binary", "unit", (3,), weights=())
row(
    "AUC-multi-label-label-weights",
    metric("AUC", multi_label=True, label_weights=[0.5, 2.0, 1.0], curve="PR"),
    "binary",
    "unit",
    (3,),
)
row("AUC-multi-label-logits", metric("AUC", multi_label=True, num_labels=2, from_logits=True), "binary", "logits", (2,))
for _class, _argument in (
    ("SensitivityAtSpecificity", "specificity"),
    ("SpecificityAtSensitivity", "sensitivity"),
    ("PrecisionAtRecall", "recall"),
    ("RecallAtPrecision", "precision"),
):
    row(_class, metric(_class, **{_argument: 0.5}), "binary", "unit", (1,))
    row(f"{_class}-weights", metric(_class, **{_argument: 0.6}), "binary", "unit", (3,), weights=())
    row(f"{_class}-mask", metric(_class, **{_argument: 0.4}), "binary", "unit", (1,), weights=(), masked=True)
    row(f"{_class}-edges", metric(_class, **{_argument: 0.7, "num_thresholds": 5}), "binary", "edges", (3,))
    row(f"{_class}-one", metric(_class, **{_argument: 0.3, "num_thresholds": 1}), "binary", "unit", (3,))
    row(f"{_class}-none", metric(_class, **{_argument: 1.0}), "binary", "unit", (3,))
    row(f"{_class}-class", metric(_class, **{_argument: 0.5, "class_id": 1}), "one_hot", "distribution", (3,))
for _class in ("F1Score", "FBetaScore"):
    for _average in (None, "micro", "macro", "weighted"):
        _more = {"beta": 2.0} if _class == "FBetaScore" else {}
        row(f"{_class}-{_average}", metric(_class, average=_average, **_more), "one_hot", "distribution", (4,))
        row(
            f"{_class}-{_average}-threshold",
            metric(_class, average=_average, threshold=0.4, **_more),
            "binary",
            "unit",
            (4,),
            weights=(),
        )
    row(f"{_class}-edges", metric(_class), "binary", "edges", (4,))
for _aggregation in (None, "uniform_average", "variance_weighted_average"):
    row(f"R2Score-{_aggregation}", metric("R2Score", class_aggregation=_aggregation), "real", "real", (3,))
    row(
        f"R2Score-{_aggregation}-weights",
        metric("R2Score", class_aggregation=_aggregation),
        "real",
        "real",
        (3,),
        weights=(),
    )
row("R2Score-regressors", metric("R2Score", num_regressors=2), "real", "real", (1,))
row("R2Score-too-many-regressors", metric("R2Score", num_regressors=11), "real", "real", (1,))
row("PearsonCorrelation", metric("PearsonCorrelation"), "real", "real", later=True)
row("PearsonCorrelation-weights", metric("PearsonCorrelation"), "real", "real", (3, 5), weights=(3,), later=True)
row("ConcordanceCorrelation", metric("ConcordanceCorrelation"), "real", "real", later=True)
row(
    "ConcordanceCorrelation-weights", metric("ConcordanceCorrelation"), "real", "real", (3, 5), weights=(3,), later=True
)
row("IoU-weights", metric("IoU", num_classes=4, target_class_ids=[1, 3]), "labels", "labels", (3, 4), weights=(3,))
row(
    "IoU-ignored",
    metric("IoU", num_classes=4, target_class_ids=[0, 1], ignore_class=-1),
    "labels_with_ignored",
    "labels",
    (3, 4),
)
row(
    "IoU-dense",
    metric("IoU", num_classes=4, target_class_ids=[0, 1], sparse_y_true=False, sparse_y_pred=False),
    "one_hot",
    "distribution",
    (3, 4),
)
row(
    "MeanIoU-dense-predictions", metric("MeanIoU", num_classes=4, sparse_y_pred=False), "labels", "distribution", (3, 4)
)
row("MeanIoU-mask", metric("MeanIoU", num_classes=4), "labels", "labels", (3, 4), weights=(3,), masked=True)
row(
    "OneHotIoU-sparse",
    metric("OneHotIoU", num_classes=4, target_class_ids=[1, 2], sparse_y_pred=True),
    "one_hot",
    "labels",
    (3, 4),
)
row("OneHotMeanIoU-weights", metric("OneHotMeanIoU", num_classes=4), "one_hot", "distribution", (3, 4), weights=(3,))
row("BinaryIoU-weights", metric("BinaryIoU", target_class_ids=[1]), "binary", "unit", (4,), weights=(4,))
row("BinaryIoU", metric("BinaryIoU", threshold=0.4), "binary", "unit", (4,))
row("IoU", metric("IoU", num_classes=4, target_class_ids=[0, 2]), "labels", "labels", (3, 4))
row("MeanIoU", metric("MeanIoU", num_classes=4), "labels", "labels", (3, 4))
row("MeanIoU-weights", metric("MeanIoU", num_classes=4), "labels", "labels", (3, 4), weights=(3,))
row("OneHotIoU", metric("OneHotIoU", num_classes=4, target_class_ids=[1]), "one_hot", "distribution", (3, 4))
row("OneHotMeanIoU", metric("OneHotMeanIoU", num_classes=4), "one_hot", "distribution", (3, 4))


# --- the functions, one batch, without reduction -----------------------------------------------------------
def called(name: str) -> Callable[[Any, Any, Any], Any]:
    return lambda keras, t, p: getattr(keras.metrics, name)(t, p)


def by_name(name: str) -> Callable[[Any, Any, Any], Any]:
    return lambda keras, t, p: keras.metrics.get(name)(t, p)


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
for _name, _true, _predicted in (
    ("binary_crossentropy", "binary", "unit"),
    ("binary_focal_crossentropy", "binary", "unit"),
    ("categorical_crossentropy", "one_hot", "distribution"),
    ("categorical_focal_crossentropy", "one_hot", "distribution"),
    ("sparse_categorical_crossentropy", "labels", "distribution"),
    ("hinge", "signs", "real"),
    ("squared_hinge", "signs", "real"),
    ("kl_divergence", "distribution", "distribution"),
    ("kullback_leibler_divergence", "distribution", "distribution"),
    ("kld", "distribution", "distribution"),
    ("log_cosh", "real", "real"),
    ("logcosh", "real", "real"),
    ("mean_absolute_error", "real", "real"),
    ("mean_absolute_percentage_error", "positive", "real"),
    ("mean_squared_logarithmic_error", "positive", "positive"),
    ("poisson", "positive", "positive"),
    ("MSE", "real", "real"),
    ("mae", "real", "real"),
    ("MAPE", "positive", "real"),
    ("msle", "positive", "positive"),
    ("KLD", "distribution", "distribution"),
):
    METRIC_FUNCTIONS[_name] = (called(_name), _true, _predicted, (6, 5))
    METRIC_FUNCTIONS[f"{_name}-rank3"] = (called(_name), _true, _predicted, (4, 3, 5))
for _name, _true, _predicted in (
    ("accuracy", "binary", "binary"),
    ("cosine_similarity", "real", "real"),
    ("cosine_proximity", "real", "real"),
    ("categorical_hinge", "one_hot", "real"),
    ("mape", "positive", "real"),
):
    METRIC_FUNCTIONS[f"{_name}-by-name"] = (by_name(_name), _true, _predicted, (6, 5))
