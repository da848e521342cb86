"""The table of losses: one row a case, for both keras-like modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from support import generator, integers, normal, uniform

Shape = tuple[int, ...]


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype(x.dtype)


def one_hot(labels: np.ndarray, depth: int) -> np.ndarray:
    return np.eye(depth, dtype="float32")[labels]


def drawn(kind: str, key: str, shape: Shape) -> np.ndarray:
    """Values of one kind; `shape` is that of the predictions."""
    if kind == "real":
        return normal(key, shape)
    if kind == "positive":
        return uniform(key, shape, 0.1, 2.0)
    if kind == "logits":
        return normal(key, shape, scale=3.0)
    if kind == "far":  # logits whose probabilities round to 0 and 1
        return normal(key, shape, scale=40.0)
    if kind == "distribution":
        return softmax(normal(key, shape))
    if kind == "unnormalised":
        return uniform(key, shape, 0.05, 1.5)
    if kind == "unit":
        return uniform(key, shape, 0.02, 0.98)
    if kind == "edges":  # exact zeros and ones among the probabilities
        values = uniform(key, shape, 0.02, 0.98)
        values.ravel()[::3] = 0.0
        values.ravel()[1::4] = 1.0
        return values
    if kind == "one_hot":
        return one_hot(integers(key, shape[:-1], shape[-1]), shape[-1])
    if kind == "integer_one_hot":
        return one_hot(integers(key, shape[:-1], shape[-1]), shape[-1]).astype("int32")
    if kind == "labels":
        return integers(key, shape[:-1], shape[-1])
    if kind == "labels_column":
        return integers(key, (*shape[:-1], 1), shape[-1])
    if kind == "labels_float":
        return integers(key, shape[:-1], shape[-1]).astype("float32")
    if kind == "labels_with_ignored":
        labels = integers(key, shape[:-1], shape[-1])
        labels.ravel()[::3] = -1
        return labels
    if kind == "binary":
        return integers(key, shape, 2).astype("float32")
    if kind == "binary_integers":
        return integers(key, shape, 2)
    if kind == "binary_flat":
        return integers(key, shape[:-1], 2).astype("float32")
    if kind == "signs":
        return (integers(key, shape, 2) * 2 - 1).astype("float32")
    if kind == "real_flat":
        return normal(key, shape[:-1])
    if kind == "embeddings":
        values = normal(key, shape)
        return (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype("float32")
    if kind == "groups":  # a class for each sample, some of them the same
        return integers(key, shape[:1], 2)
    if kind == "transcript":  # class numbers above 0, padded with 0 to two fewer than the predictions
        labels = 1 + integers(key, (shape[0], shape[1] - 2), shape[2] - 1)
        labels[np.arange(shape[1] - 2)[None, :] > np.arange(shape[0])[:, None]] = 0
        return labels
    raise ValueError(kind)


@dataclass(frozen=True)
class LossCase:
    id: str
    make: Callable[[Any], Any]
    true: str
    predicted: str
    shape: Shape
    weights: Shape | float | None = None  # the shape of the sample weights, or one number
    activation: str | None = None  # predictions are this activation of the drawn logits
    masked: bool = False  # the predictions carry a mask
    later: bool = False  # known to Keras 3, not to tf_keras
    gradient_tolerance: float = 1e-6

    def mask(self) -> np.ndarray | None:
        """A mask of the shape of the losses with both values in it."""
        if not self.masked:
            return None
        mask = integers(f"{self.id}/mask", self.shape[:-1], 2).astype(bool)
        mask.ravel()[:2] = True, False
        return mask

    def y_true(self) -> np.ndarray:
        return drawn(self.true, f"{self.id}/true", self.shape)

    def y_pred(self) -> np.ndarray:
        return drawn(self.predicted, f"{self.id}/predicted", self.shape)

    def sample_weight(self) -> Any:
        if self.weights is None or isinstance(self.weights, float):
            return self.weights
        weights = generator(f"{self.id}/weights").uniform(0.0, 2.0, size=self.weights)
        weights.ravel()[0] = 0.0
        return weights.astype("float32")


LOSSES: list[LossCase] = []


def row(id: str, make: Callable[[Any], Any], true: str, predicted: str, shape: Shape, **options: Any) -> None:
    LOSSES.append(LossCase(id, make, true, predicted, shape, **options))


def loss(class_name: str, /, **arguments: Any) -> Callable[[Any], Any]:
    return lambda keras: getattr(keras.losses, class_name)(**arguments)


def function(name: str, **arguments: Any) -> Callable[[Any], Any]:
    def make(keras: Any) -> Any:
        implementation = getattr(keras.losses, name)

        def call(y_true: Any, y_pred: Any) -> Any:
            return implementation(y_true, y_pred, **arguments)

        call.__name__ = name
        return call

    return make


def named(name: str) -> Callable[[Any], Any]:
    return lambda keras: keras.losses.get(name)


# --- every loss, as class, function and name, on matrices ------------------------------------------------
_KINDS = {
    "MeanSquaredError": ("mean_squared_error", "mse", "real", "real"),
    "MeanAbsoluteError": ("mean_absolute_error", "mae", "real", "real"),
    "MeanAbsolutePercentageError": ("mean_absolute_percentage_error", "mape", "positive", "real"),
    "MeanSquaredLogarithmicError": ("mean_squared_logarithmic_error", "msle", "positive", "positive"),
    "BinaryCrossentropy": ("binary_crossentropy", "binary_crossentropy", "binary", "unit"),
    "BinaryFocalCrossentropy": ("binary_focal_crossentropy", "binary_focal_crossentropy", "binary", "unit"),
    "CategoricalCrossentropy": ("categorical_crossentropy", "categorical_crossentropy", "one_hot", "distribution"),
    "SparseCategoricalCrossentropy": (
        "sparse_categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "labels",
        "distribution",
    ),
    "CategoricalHinge": ("categorical_hinge", "categorical_hinge", "one_hot", "real"),
    "Hinge": ("hinge", "hinge", "signs", "real"),
    "SquaredHinge": ("squared_hinge", "squared_hinge", "binary", "real"),
    "Huber": ("huber", "huber", "real", "real"),
    "LogCosh": ("log_cosh", "log_cosh", "real", "real"),
    "Poisson": ("poisson", "poisson", "positive", "positive"),
    "KLDivergence": ("kl_divergence", "kl_divergence", "distribution", "distribution"),
    "CosineSimilarity": ("cosine_similarity", "cosine_similarity", "real", "real"),
}
for _class, (_function, _name, _true, _predicted) in _KINDS.items():
    row(_class, loss(_class), _true, _predicted, (6, 5))
    row(f"{_class}-function", function(_function), _true, _predicted, (6, 5))
    row(f"{_class}-name", named(_name), _true, _predicted, (6, 5))
    row(f"{_class}-class-name", named(_class), _true, _predicted, (6, 5))
    row(f"{_class}-sum", loss(_class, reduction="sum"), _true, _predicted, (6, 5))
    row(f"{_class}-none", loss(_class, reduction="none"), _true, _predicted, (6, 5))
    row(f"{_class}-weights", loss(_class), _true, _predicted, (6, 5), weights=(6,))
    row(f"{_class}-weights-column", loss(_class), _true, _predicted, (6, 5), weights=(6, 1))
    row(f"{_class}-weights-none", loss(_class, reduction="none"), _true, _predicted, (6, 5), weights=(6,))
    row(f"{_class}-weights-sum", loss(_class, reduction="sum"), _true, _predicted, (6, 5), weights=(6,))
    row(f"{_class}-weight-number", loss(_class), _true, _predicted, (6, 5), weights=2.5)
    row(f"{_class}-rank3", loss(_class), _true, _predicted, (4, 3, 5))
    row(f"{_class}-rank3-weights", loss(_class), _true, _predicted, (4, 3, 5), weights=(4, 3))
    row(f"{_class}-mask", loss(_class), _true, _predicted, (6, 5), masked=True)
    row(f"{_class}-mask-sum", loss(_class, reduction="sum"), _true, _predicted, (6, 5), masked=True)
    row(f"{_class}-mask-weights", loss(_class), _true, _predicted, (4, 3, 5), masked=True, weights=(4, 3))
    row(f"{_class}-mask-weights-rank1", loss(_class), _true, _predicted, (4, 3, 5), masked=True, weights=(4,))
    row(f"{_class}-rank3-weights-rank1", loss(_class, reduction="none"), _true, _predicted, (3, 3, 5), weights=(3, 1))

# --- other names -----------------------------------------------------------------------------------------
for _short, _true, _predicted in (
    ("MSE", "real", "real"),
    ("MAE", "real", "real"),
    ("MAPE", "positive", "real"),
    ("MSLE", "positive", "positive"),
    ("kld", "distribution", "distribution"),
    ("KLD", "distribution", "distribution"),
    ("logcosh", "real", "real"),
    ("kullback_leibler_divergence", "distribution", "distribution"),
):
    row(f"{_short}-alias", named(_short), _true, _predicted, (6, 5))
row("sum_over_batch_size", loss("MeanSquaredError", reduction="sum_over_batch_size"), "real", "real", (6, 5))
row("auto", loss("MeanSquaredError", reduction="auto"), "real", "real", (6, 5))
row(
    "reduction-constant",
    lambda keras: keras.losses.MeanSquaredError(reduction=keras.losses.Reduction.NONE),
    "real",
    "real",
    (6, 5),
)

# --- options ---------------------------------------------------------------------------------------------
row("huber-delta", loss("Huber", delta=0.4), "real", "real", (6, 5))
row("cosine-axis0", loss("CosineSimilarity", axis=0), "real", "real", (6, 5))
row("mse-flat-truth", loss("MeanSquaredError"), "real_flat", "real", (6, 1))
row("mse-integer-truth", loss("MeanSquaredError"), "binary_integers", "real", (6, 5))
row("mae-flat-truth", loss("MeanAbsoluteError"), "real_flat", "real", (6, 1))
row("mse-image", loss("MeanSquaredError"), "real", "real", (2, 3, 4, 2), weights=(2, 1, 1))
row("mape-zero-truth", loss("MeanAbsolutePercentageError"), "binary", "real", (6, 5))
row("hinge-binary-labels", loss("Hinge"), "binary", "real", (6, 5))

row("binary-flat-truth", loss("BinaryCrossentropy"), "binary_flat", "unit", (6, 1))
row("binary-integer-truth", loss("BinaryCrossentropy"), "binary_integers", "unit", (6, 1))
row("binary-logits", loss("BinaryCrossentropy", from_logits=True), "binary", "logits", (6, 5))
row("binary-far-logits", loss("BinaryCrossentropy", from_logits=True), "binary", "far", (6, 5))
row("binary-edges", loss("BinaryCrossentropy"), "binary", "edges", (6, 5))
row("binary-smoothing", loss("BinaryCrossentropy", label_smoothing=0.2), "binary", "unit", (6, 5))
row(
    "binary-smoothing-logits",
    loss("BinaryCrossentropy", label_smoothing=0.1, from_logits=True),
    "binary",
    "logits",
    (6, 5),
    weights=(6,),
)
row("binary-soft-labels", loss("BinaryCrossentropy"), "unit", "unit", (6, 5))
row("binary-axis0", loss("BinaryCrossentropy", axis=0, reduction="none"), "binary", "unit", (6, 5))
row("binary-function-logits", function("binary_crossentropy", from_logits=True), "binary", "logits", (6, 5))
row("binary-function-smoothing", function("binary_crossentropy", label_smoothing=0.3), "binary", "unit", (6, 5))

row(
    "focal-options",
    loss("BinaryFocalCrossentropy", apply_class_balancing=True, alpha=0.3, gamma=1.5),
    "binary",
    "unit",
    (6, 5),
)
row("focal-logits", loss("BinaryFocalCrossentropy", from_logits=True, label_smoothing=0.1), "binary", "logits", (6, 5))

row("categorical-focal", loss("CategoricalFocalCrossentropy"), "one_hot", "distribution", (6, 5))
row(
    "categorical-focal-options",
    loss("CategoricalFocalCrossentropy", alpha=0.4, gamma=1.0, from_logits=True, label_smoothing=0.1),
    "one_hot",
    "logits",
    (6, 5),
    weights=(6,),
)
row("categorical-focal-function", function("categorical_focal_crossentropy"), "one_hot", "distribution", (6, 5))

row("categorical-unnormalised", loss("CategoricalCrossentropy"), "one_hot", "unnormalised", (6, 5))
row("categorical-edges", loss("CategoricalCrossentropy"), "one_hot", "edges", (6, 5))
row("categorical-logits", loss("CategoricalCrossentropy", from_logits=True), "one_hot", "logits", (6, 5))
row("categorical-far-logits", loss("CategoricalCrossentropy", from_logits=True), "one_hot", "far", (6, 5))
row("categorical-smoothing", loss("CategoricalCrossentropy", label_smoothing=0.2), "one_hot", "distribution", (6, 5))
row(
    "categorical-smoothing-logits",
    loss("CategoricalCrossentropy", label_smoothing=0.1, from_logits=True),
    "one_hot",
    "logits",
    (6, 5),
    weights=(6,),
)
row("categorical-integer-truth", loss("CategoricalCrossentropy"), "integer_one_hot", "distribution", (6, 5))
row("categorical-soft-labels", loss("CategoricalCrossentropy"), "distribution", "distribution", (6, 5))
row(
    "categorical-axis1",
    loss("CategoricalCrossentropy", axis=1, reduction="none"),
    "distribution",
    "unnormalised",
    (4, 3, 5),
)
row(
    "categorical-function-options",
    function("categorical_crossentropy", from_logits=True, label_smoothing=0.2),
    "one_hot",
    "logits",
    (6, 5),
)

row("sparse-column", loss("SparseCategoricalCrossentropy"), "labels_column", "distribution", (6, 5))
row(
    "sparse-column-weights",
    loss("SparseCategoricalCrossentropy"),
    "labels_column",
    "distribution",
    (6, 5),
    weights=(6,),
)
row("sparse-float-labels", loss("SparseCategoricalCrossentropy"), "labels_float", "distribution", (6, 5))
row("sparse-unnormalised", loss("SparseCategoricalCrossentropy"), "labels", "unnormalised", (6, 5))
row("sparse-edges", loss("SparseCategoricalCrossentropy"), "labels", "edges", (6, 5))
row("sparse-logits", loss("SparseCategoricalCrossentropy", from_logits=True), "labels", "logits", (6, 5))
row("sparse-far-logits", loss("SparseCategoricalCrossentropy", from_logits=True), "labels", "far", (6, 5))
row(
    "sparse-logits-sequence",
    loss("SparseCategoricalCrossentropy", from_logits=True),
    "labels",
    "logits",
    (4, 3, 5),
    weights=(4, 3),
)
row("sparse-logits-image", loss("SparseCategoricalCrossentropy", from_logits=True), "labels", "logits", (2, 3, 2, 4))
row(
    "sparse-ignore",
    loss("SparseCategoricalCrossentropy", ignore_class=-1, from_logits=True),
    "labels_with_ignored",
    "logits",
    (7, 4),
)
row(
    "sparse-ignore-weights",
    loss("SparseCategoricalCrossentropy", ignore_class=-1, reduction="none"),
    "labels_with_ignored",
    "distribution",
    (7, 4),
    weights=(7,),
)
row("sparse-function-logits", function("sparse_categorical_crossentropy", from_logits=True), "labels", "logits", (6, 5))

# --- predictions whose activation remembers the logits ----------------------------------------------------
for _scale in ("logits", "far"):
    row(
        f"remembered-sparse-{_scale}",
        loss("SparseCategoricalCrossentropy"),
        "labels",
        _scale,
        (6, 5),
        activation="softmax",
    )
    row(
        f"remembered-categorical-{_scale}",
        loss("CategoricalCrossentropy"),
        "one_hot",
        _scale,
        (6, 5),
        activation="softmax",
    )
    row(f"remembered-binary-{_scale}", loss("BinaryCrossentropy"), "binary", _scale, (6, 5), activation="sigmoid")
    row(
        f"remembered-sparse-function-{_scale}",
        function("sparse_categorical_crossentropy"),
        "labels",
        _scale,
        (6, 5),
        activation="softmax",
    )
    row(
        f"remembered-binary-function-{_scale}",
        function("binary_crossentropy"),
        "binary",
        _scale,
        (6, 1),
        activation="sigmoid",
    )
row(
    "remembered-sparse-weights",
    loss("SparseCategoricalCrossentropy"),
    "labels",
    "far",
    (6, 5),
    activation="softmax",
    weights=(6,),
)
row(
    "remembered-categorical-smoothing",
    loss("CategoricalCrossentropy", label_smoothing=0.1),
    "one_hot",
    "far",
    (6, 5),
    activation="softmax",
)
row(
    "remembered-sparse-sequence",
    loss("SparseCategoricalCrossentropy"),
    "labels",
    "far",
    (4, 3, 5),
    activation="softmax",
)
row("remembered-mse", loss("MeanSquaredError"), "one_hot", "logits", (6, 5), activation="softmax")

# --- losses and reductions of Keras 3 ----------------------------------------------------------------------
row("Dice", loss("Dice"), "binary", "unit", (4, 3, 5), later=True)
row("Dice-axis", loss("Dice", axis=(1, 2)), "binary", "unit", (4, 3, 5), later=True, weights=(4,))
row("Dice-axis-none", loss("Dice", axis=-1, reduction="none"), "binary", "unit", (4, 3, 5), later=True)
row("dice-function", function("dice"), "binary", "unit", (6, 5), later=True)
row("Tversky", loss("Tversky", alpha=0.3, beta=0.8), "binary", "unit", (4, 3, 5), later=True)
row("Tversky-axis", loss("Tversky", axis=(1, 2), reduction="sum"), "binary", "unit", (4, 3, 5), later=True)
row("tversky-function", function("tversky", alpha=0.9, axis=1), "binary", "unit", (6, 5), later=True)
row("CTC", loss("CTC"), "transcript", "logits", (3, 6, 4), later=True, gradient_tolerance=5e-6)
row(
    "CTC-none-weights",
    loss("CTC", reduction="none"),
    "transcript",
    "logits",
    (3, 6, 4),
    later=True,
    gradient_tolerance=5e-6,
    weights=(3,),
)
row("ctc-function", function("ctc"), "transcript", "logits", (3, 6, 4), later=True, gradient_tolerance=5e-6)
row("Circle", loss("Circle"), "groups", "embeddings", (8, 5), later=True)
row(
    "Circle-options",
    loss("Circle", gamma=16.0, margin=0.25, remove_diagonal=False),
    "groups",
    "embeddings",
    (8, 5),
    later=True,
)
row("circle-function", function("circle", gamma=8), "groups", "embeddings", (8, 5), later=True)
row(
    "CategoricalGeneralizedCrossEntropy",
    loss("CategoricalGeneralizedCrossEntropy", q=0.7),
    "labels",
    "distribution",
    (6, 5),
    later=True,
    weights=(6,),
)
row(
    "generalized-function",
    function("categorical_generalized_cross_entropy", q=0.4),
    "labels",
    "distribution",
    (6, 5),
    later=True,
)
for _reduction in (None, "mean", "mean_with_sample_weight"):
    for _options in ({}, {"weights": (4, 3)}, {"weights": (4, 3), "masked": True}):
        row(
            f"reduction-{_reduction}-{'-'.join(_options)}",
            loss("MeanSquaredError", reduction=_reduction),
            "real",
            "real",
            (4, 3, 5),
            later=True,
            **_options,
        )
