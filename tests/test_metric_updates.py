"""Metrics gather without waiting for the device, without keeping graphs, and say what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from kerastorch import activations, metrics

GENERATOR = torch.Generator().manual_seed(7)
LOGITS = torch.randn(6, 4, generator=GENERATOR)
CLASSES = torch.tensor([0, 3, 1, 2, 2, 0])
ONE_HOT = torch.nn.functional.one_hot(CLASSES, 4).float()
WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 0.0, 1.0, 3.0])


class NoReading(TorchDispatchMode):
    """Fails where values of a tensor would be read by Python, which makes a GPU wait."""

    reading = frozenset("_local_scalar_dense nonzero equal is_nonzero masked_select bincount".split())

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.overloadpacket.__name__
        assert name not in self.reading, f"{name} reads values"
        return function(*args, **(kwargs or {}))


ONE_HOT_METRICS = [
    *(
        getattr(metrics, name)()
        for name in (
            "BinaryAccuracy CategoricalAccuracy TopKCategoricalAccuracy Accuracy BinaryCrossentropy "
            "CategoricalCrossentropy KLDivergence Poisson Hinge SquaredHinge CategoricalHinge "
            "MeanSquaredError MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredLogarithmicError "
            "RootMeanSquaredError LogCoshError CosineSimilarity TruePositives FalsePositives "
            "TrueNegatives FalseNegatives Precision Recall AUC".split()
        )
    ),
    metrics.AUC(curve="PR"),
    metrics.AUC(multi_label=True),
    metrics.Precision(thresholds=[0.2, 0.9]),
    metrics.Recall(top_k=2),
    metrics.OneHotMeanIoU(4),
]
SPARSE_METRICS = [
    metrics.SparseCategoricalAccuracy(),
    metrics.SparseTopKCategoricalAccuracy(k=2),
    metrics.SparseCategoricalCrossentropy(),
    metrics.SparseCategoricalCrossentropy(ignore_class=2),
    metrics.MeanIoU(4, sparse_y_pred=False, ignore_class=1),
]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weights"])
@pytest.mark.parametrize(
    ("metric", "labels"),
    [*((metric, ONE_HOT) for metric in ONE_HOT_METRICS), *((metric, CLASSES) for metric in SPARSE_METRICS)],
    ids=lambda value: value.name if isinstance(value, metrics.Metric) else "",
)
def test_no_update_reads_values_or_keeps_a_graph(metric: Any, labels: torch.Tensor, weights: Any) -> None:
    y_pred = activations.softmax(LOGITS.clone().requires_grad_())
    metric.reset_state()
    with NoReading():
        metric.update_state(labels, y_pred, weights)
        result = metric.result()
    assert not result.requires_grad
    assert not any(weight.requires_grad for weight in metric.weights)
    assert torch.isfinite(result).all()
    metric.reset_state()
    assert all(not weight.detach().any() for weight in metric.weights)


def test_counting_in_python_and_on_the_device_agree() -> None:
    mixed, weighted = metrics.Mean(), metrics.Mean()
    for mean, ones in ((mixed, None), (weighted, torch.ones(2))):
        mean.update_state(torch.tensor([1.0, 2.0]), ones)
        mean.update_state(torch.tensor([4.0, 5.0]), torch.tensor([1.0, 0.5]))
        mean.update_state(torch.tensor([3.0, 3.0]), ones)
    torch.testing.assert_close(mixed.result(), weighted.result())
    torch.testing.assert_close(mixed.result(), torch.tensor((1 + 2 + 4 + 2.5 + 3 + 3) / 5.5))
    assert float(mixed.count) == 5.5
    assert [weight.name for weight in mixed.weights] == ["total:0", "count:0"]


def test_mean_of_numbers_weighted_by_batch_size() -> None:
    mean = metrics.Mean(name="loss")
    mean.update_state(torch.tensor(2.0), 32)
    mean.update_state(4.0, 8)
    mean.update_state(1.0)
    assert float(mean.result()) == pytest.approx((64 + 32 + 1) / 41)
    mean.reset_states()
    assert float(mean.result()) == 0.0


def test_get_and_set_weights_of_a_mean() -> None:
    first, second = metrics.Mean(), metrics.Mean()
    first.update_state([1.0, 2.0, 6.0])
    second.set_weights(first.get_weights())
    assert float(second.result()) == 3.0
    second.merge_state([first])
    assert float(second.count) == 6.0
    assert float(second.result()) == 3.0


class CountingPositives(metrics.Metric):
    def __init__(self, name: str = "positives", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.number = self.add_weight(name="number", initializer="zeros")
        self.per_class = self.add_weight("per_class", shape=(4,), initializer="ones", dtype="int64")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.number.assign_add((y_pred > 0).sum())
        self.per_class.add_((y_pred > 0).sum(0))

    def result(self) -> torch.Tensor:
        return self.number / self.per_class.sum()


def test_metric_of_a_user() -> None:
    metric = CountingPositives()
    positives = int((LOGITS > 0).sum())
    assert float(metric(None, LOGITS)) == pytest.approx(positives / (positives + 4))
    assert [weight.shape for weight in metric.variables] == [(), (4,)]
    metric.reset_state()
    assert metric.number.numpy() == 0.0
    assert metric.per_class.numpy().tolist() == [0, 0, 0, 0]


def test_metric_of_metrics_resets_the_inner_ones() -> None:
    class Both(metrics.Metric):
        def __init__(self) -> None:
            super().__init__()
            self.precision = metrics.Precision()
            self.recall = metrics.Recall()

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.precision.update_state(y_true, y_pred)
            self.recall.update_state(y_true, y_pred)

        def result(self) -> torch.Tensor:
            return self.precision.result() + self.recall.result()

    metric = Both()
    assert float(metric([1.0, 0.0], [0.9, 0.8])) == 1.5
    assert len(metric.weights) == 4
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_a_metric_made_in_inference_mode_can_be_updated_outside() -> None:
    with torch.inference_mode():
        metric = metrics.MeanTensor()
        metric.update_state([1.0, 2.0])
    metric.update_state([3.0, 4.0])
    assert metric.result().tolist() == [2.0, 3.0]


def test_half_precision_predictions_are_summed_in_single_precision() -> None:
    metric = metrics.MeanSquaredError()
    y_pred = torch.full((1000, 1), 0.1, dtype=torch.bfloat16)
    for _ in range(3):
        metric.update_state(torch.zeros(1000, 1), y_pred)
    expected = float(y_pred[0].float() ** 2)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_indices_that_are_no_classes_make_the_intersection_nan() -> None:
    metric = metrics.MeanIoU(num_classes=3)
    metric.update_state([0, 1], [0, 2])
    assert float(metric.result()) == pytest.approx(1 / 3)
    metric.update_state([0], [3])
    assert np.isnan(float(metric.result()))


@pytest.mark.parametrize(
    ("update", "text"),
    [
        (
            lambda: metrics.SparseCategoricalAccuracy()(ONE_HOT, LOGITS),
            r"expected class indices of shape \(6,\).*One-hot labels go with 'categorical_accuracy'",
        ),
        (
            lambda: metrics.CategoricalAccuracy()(CLASSES, LOGITS),
            r"expected one-hot labels of the predictions' shape.*go with 'sparse_categorical_accuracy'",
        ),
        (
            lambda: metrics.Precision()(CLASSES, LOGITS),
            r"Precision 'precision.*': expected labels of the predictions' shape \(6, 4\); received \(6,\)",
        ),
        (
            lambda: metrics.BinaryAccuracy()(torch.zeros(6, 2), LOGITS),
            r"binary_accuracy: expected labels of the predictions' shape \(6, 4\); received \(6, 2\)",
        ),
        (
            lambda: metrics.Mean()([1.0, 2.0], [1.0, 2.0, 3.0]),
            r"sample_weight: expected a shape that fits values of shape \(2,\); received \(3,\)",
        ),
        (lambda: metrics.Recall(thresholds=1.5), r"expected thresholds between 0 and 1; received 1\.5"),
        (
            lambda: metrics.AUC(curve="ROCK"),
            r"AUC 'auc.*': expected a curve 'ROC', 'PR' or 'PR_GAIN'; received 'ROCK'",
        ),
        (lambda: metrics.MeanTensor().result(), r"expected at least one update before a result"),
        (lambda: metrics.IoU(2, [2]), r"expected target classes from 0 to 1; received \[2\]"),
        (lambda: metrics.get("accuracc"), r"metric 'accuracc': .*Did you mean 'accuracy'"),
    ],
)
def test_errors(update: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        update()


def test_unknown_arguments_are_refused() -> None:
    text = r"CountingPositives: expected the arguments 'name' and 'dtype'; received \['treshold'\]"
    with pytest.raises(TypeError, match=text):
        CountingPositives(treshold=0.3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_states_follow_the_data_to_the_gpu() -> None:
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(CLASSES, LOGITS)
    metric.update_state(CLASSES.cuda(), LOGITS.cuda())
    assert metric.result().is_cuda
    torch.testing.assert_close(metric.result().cpu(), (LOGITS.argmax(-1) == CLASSES).float().mean())
