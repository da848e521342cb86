"""Every name of a metric, what names mean for which labels, and metrics of one's own in compile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import losses, metrics

# The public names of tf.keras 2.21, of its first versions and of Keras 3.15.
CLASSES = """
AUC Accuracy BinaryAccuracy BinaryCrossentropy BinaryIoU CategoricalAccuracy CategoricalCrossentropy CategoricalHinge
CosineSimilarity F1Score FBetaScore FalseNegatives FalsePositives Hinge IoU KLDivergence LogCoshError Mean
MeanAbsoluteError MeanAbsolutePercentageError MeanIoU MeanMetricWrapper MeanRelativeError MeanSquaredError
MeanSquaredLogarithmicError MeanTensor Metric OneHotIoU OneHotMeanIoU Poisson Precision PrecisionAtRecall R2Score Recall
RecallAtPrecision RootMeanSquaredError SensitivityAtSpecificity SparseCategoricalAccuracy SparseCategoricalCrossentropy
SparseTopKCategoricalAccuracy SpecificityAtSensitivity SquaredHinge Sum TopKCategoricalAccuracy TrueNegatives
TruePositives SumOverBatchSize SumOverBatchSizeMetricWrapper ConcordanceCorrelation PearsonCorrelation
""".split()
FUNCTIONS = """
KLD MAE MAPE MSE MSLE binary_accuracy binary_crossentropy binary_focal_crossentropy categorical_accuracy
categorical_crossentropy categorical_focal_crossentropy hinge kl_divergence kld kullback_leibler_divergence log_cosh
logcosh mae mape mean_absolute_error mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error
mse msle poisson sparse_categorical_accuracy sparse_categorical_crossentropy sparse_top_k_categorical_accuracy
squared_hinge top_k_categorical_accuracy cosine cosine_proximity cosine_similarity categorical_hinge
acc ACC accuracy bce BCE concordance_correlation pearson_correlation
""".split()
X = np.random.RandomState(0).standard_normal((20, 4)).astype("float32")
CLASS = np.arange(20) % 3


@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS, "get", "serialize", "deserialize"])
def test_every_public_name_exists(name: str) -> None:
    assert callable(getattr(metrics, name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_found_by_its_name(name: str) -> None:
    assert metrics.get(name) is getattr(metrics, name)


NEEDS = {"BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU", "MeanMetricWrapper", "MeanRelativeError",
         "PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity",
         "SumOverBatchSizeMetricWrapper"}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in NEEDS])
def test_every_class_is_found_by_its_name_and_config(name: str) -> None:
    metric = metrics.get(name)
    assert type(metric) is getattr(metrics, name)
    copy = metrics.deserialize(metrics.serialize(metric))
    assert type(copy) is type(metric) and copy.get_config() == metric.get_config()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("auc", "AUC"),
        ("precision", "Precision"),
        ("recall", "Recall"),
        ("root_mean_squared_error", "RootMeanSquaredError"),
        ("f1_score", "F1Score"),
        ("fbeta_score", "FBetaScore"),
        ("r2_score", "R2Score"),
        ("true_positives", "TruePositives"),
    ],
)
def test_classes_in_small_letters(name: str, kind: str) -> None:
    assert type(metrics.get(name)) is getattr(metrics, kind)


def classifier(units: int = 3, activation: str | None = "softmax", **options: Any) -> Any:
    model = keras.Sequential([keras.layers.Dense(units, activation=activation, input_shape=(4,))])
    model.compile(keras.optimizers.SGD(0.0), **options)
    return model


@pytest.mark.parametrize("word", ["accuracy", "acc", "Accuracy", "ACC"])
@pytest.mark.parametrize(
    ("units", "labels", "function"),
    [
        (1, (CLASS > 0).astype("float32"), metrics.binary_accuracy),
        (1, (CLASS > 0).astype("float32")[:, None], metrics.binary_accuracy),
        (3, CLASS, metrics.sparse_categorical_accuracy),
        (3, CLASS[:, None], metrics.sparse_categorical_accuracy),
        (3, np.eye(3)[CLASS], metrics.categorical_accuracy),
    ],
)
def test_accuracy_is_chosen_by_the_shapes(word: str, units: int, labels: np.ndarray, function: Any) -> None:
    check_choice(word, units, labels, function)


@pytest.mark.parametrize("word", ["crossentropy", "ce", "CE"])
@pytest.mark.parametrize(
    ("units", "labels", "function"),
    [
        (1, (CLASS > 0).astype("float32"), metrics.binary_crossentropy),
        (3, CLASS, metrics.sparse_categorical_crossentropy),
        (3, np.eye(3)[CLASS], metrics.categorical_crossentropy),
    ],
)
def test_crossentropy_is_chosen_by_the_shapes(word: str, units: int, labels: np.ndarray, function: Any) -> None:
    check_choice(word, units, labels, function)


def check_choice(word: str, units: int, labels: np.ndarray, function: Any) -> None:
    loss = {1: "binary_crossentropy", 3: "categorical_crossentropy"}[units]
    loss = "sparse_categorical_crossentropy" if units == 3 and labels.shape[-1] != 3 else loss
    model = classifier(units, "sigmoid" if units == 1 else "softmax", loss=loss, metrics=[word])
    history = model.fit(X, labels, verbose=0).history
    predicted = torch.from_numpy(model.predict(X, verbose=0))
    expected = function(torch.from_numpy(labels).reshape(20, -1), predicted).mean().item()
    assert list(history) == ["loss", word]
    assert history[word][0] == pytest.approx(expected, rel=1e-5)


def test_every_way_to_write_a_metric_in_compile() -> None:
    def half(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return (y_true - y_pred).abs().mean(-1) / 2

    class Half(metrics.MeanMetricWrapper):
        def __init__(self, name: str = "class") -> None:
            super().__init__(half, name=name)

    class Counted(metrics.Metric):
        def __init__(self) -> None:
            super().__init__(name="counted")
            self.total = self.add_weight("total")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            assert not y_pred.requires_grad
            self.total.assign_add(len(y_pred))

        def result(self) -> dict[str, Any]:
            return {"samples": self.total.value(), "twice": 2 * self.total.value()}

    model = classifier(
        1,
        None,
        loss="mse",
        metrics=[
            "mae",
            metrics.mape,
            half,
            Half,
            Half(name="object"),
            losses.log_cosh,
            losses.Huber(name="h"),
            Counted,
        ],
    )
    history = model.fit(X, X[:, :1], batch_size=8, verbose=0).history
    names = ["loss", "mae", "mean_absolute_percentage_error", "half", "class", "object", "log_cosh", "h"]
    assert list(history) == [*names, "samples", "twice"]
    assert history["half"][0] == pytest.approx(history["mae"][0] / 2, rel=1e-6)
    assert history["half"] == history["class"] == history["object"]
    assert (history["samples"], history["twice"]) == ([20.0], [40.0])
    errors = torch.from_numpy(model.predict(X, verbose=0) - X[:, :1])
    by_batch = [losses.Huber()(torch.zeros_like(part), part).item() for part in errors.split(8)]
    assert model.evaluate(X, X[:, :1], batch_size=8, verbose=0, return_dict=True)["h"] == pytest.approx(
        np.mean(by_batch), rel=1e-6
    )


def test_python_metrics() -> None:
    class Largest(metrics.experimental.PyMetric):
        def reset_state(self) -> None:
            self.largest = 0.0

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.largest = max(self.largest, float(np.abs(np.asarray(y_true) - np.asarray(y_pred)).max()))

        def result(self) -> float:
            return self.largest

    model = classifier(1, None, loss="mse", metrics=[Largest()])
    found = model.fit(X, X[:, :1], batch_size=8, verbose=0).history["largest"][0]
    assert found == pytest.approx(float(np.abs(model.predict(X, verbose=0) - X[:, :1]).max()), rel=1e-6)


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (["acuracy"], ValueError, "metric 'acuracy': .*Did you mean 'accuracy'"),
        ([["mae"], ["mean_square_error"]], ValueError, "Did you mean 'mean_squared_error'"),
        ({"a": "F1score"}, ValueError, "Did you mean 'F1Score'"),
        ([3], TypeError, "metric: expected a name, a config, a function or an object; received 3"),
    ],
)
@pytest.mark.parametrize("argument", ["metrics", "weighted_metrics"])
def test_wrong_metrics_are_refused_by_compile(argument: str, given: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        classifier(loss="mse", **{argument: given})


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: metrics.F1Score(average="mean"), "F1Score 'f1_score': expected average as one of .*received 'mean'"),
        (lambda: metrics.FBetaScore(beta=-1.0), "FBetaScore 'fbeta_score': expected beta as a positive number"),
        (lambda: metrics.F1Score(threshold=2.0), "expected threshold as None or a number above 0 and up to 1"),
        (lambda: metrics.F1Score()([1, 0], [0.5, 0.5]), r"expected labels and predictions of shape \(batch, classes\)"),
        (lambda: metrics.R2Score(class_aggregation="mean"), "R2Score 'r2_score': expected class_aggregation as one of"),
        (lambda: metrics.R2Score(num_regressors=-1), "expected num_regressors of at least 0; received -1"),
        (lambda: metrics.R2Score()([1.0], [2.0]), r"expected labels and predictions of shape \(batch, outputs\)"),
        (
            lambda: metrics.PrecisionAtRecall(1.5),
            "PrecisionAtRecall '.*': expected a recall between 0 and 1; received 1.5",
        ),
        (lambda: metrics.SensitivityAtSpecificity(0.5, num_thresholds=0), "expected num_thresholds of at least 1"),
        (lambda: metrics.AUC(num_thresholds=1), "AUC 'auc.*': expected num_thresholds above 1; received 1"),
        (lambda: metrics.AUC(num_labels=3), "expected num_labels only with multi_label=True; received 3"),
    ],
)
def test_arguments_that_cannot_be(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


# --- 'acc' and 'accuracy' -----------------------------------------------------------------------------------


def trained(word: str, **options: Any) -> Any:
    model = classifier(loss="sparse_categorical_crossentropy", metrics=[word])
    return model.fit(X, CLASS, validation_data=(X, CLASS), epochs=2, verbose=0, **options)


@pytest.mark.parametrize(("word", "other"), [("accuracy", "acc"), ("acc", "accuracy")])
def test_history_answers_to_both_names_with_one_warning(word: str, other: str) -> None:
    history = trained(word).history
    assert set(history) == {"loss", word, "val_loss", f"val_{word}"}
    with pytest.warns(UserWarning, match=f"History: 'val_{other}' was logged as 'val_{word}'") as said:
        assert history[f"val_{other}"] == history[f"val_{word}"]
        assert history[other] == history[word]
        assert history.get(other) == history[word]
    assert len(said) == 1
    assert history.get("auc") is None and history.get("auc", 3) == 3
    with pytest.raises(KeyError, match="auc"):
        history["auc"]


@pytest.mark.parametrize(("word", "other"), [("accuracy", "acc"), ("acc", "accuracy")])
def test_monitors_answer_to_both_names_with_one_warning(word: str, other: str, tmp_path: Any) -> None:
    stop = keras.callbacks.EarlyStopping(f"val_{other}", patience=0)
    with pytest.warns(UserWarning, match=f"EarlyStopping: 'val_{other}' is logged as 'val_{word}'") as said:
        assert len(trained(word, callbacks=[stop]).epoch) == 2  # the second epoch is no better than the first
    assert len(said) == 1 and stop.stopped_epoch == 1
    save = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.weights.h5", f"val_{other}", save_best_only=True, save_weights_only=True
    )
    with pytest.warns(UserWarning, match=f"ModelCheckpoint: 'val_{other}' is logged as 'val_{word}'") as said:
        history = trained(word, callbacks=[save]).history
    assert len(said) == 1
    assert save.best == history[f"val_{word}"][0]
    assert (tmp_path / "best.weights.h5").exists()
