"""What every metric keeps to: batches or all at once, weights of one, weights of zero, merging; and known numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kerastorch as keras
from cases_metrics import METRICS, MetricCase
from kerastorch import metrics
from support import Golden, assert_close

GOLDEN = Golden("metrics")
# labels (batch,) turn predictions (batch, 1) into a vector, of which tf_keras averages the batch
JOINABLE = [case for case in METRICS if not case.same_shape and case.id != "MeanSquaredError-flat-truth"]


def whole(case: MetricCase) -> tuple[list[torch.Tensor], torch.Tensor | None]:
    """All batches of a case as one, and their weights."""
    parts = zip(*case.batches(), strict=True)
    joined = [torch.from_numpy(np.concatenate(part)) for part in parts]
    weights = case.sample_weights()
    return joined, None if weights[0] is None else torch.from_numpy(np.concatenate(weights))


def rows(tensors: list[torch.Tensor], chosen: Any) -> list[torch.Tensor]:
    return [tensor[chosen] for tensor in tensors]


@pytest.mark.parametrize("case", JOINABLE, ids=[case.id for case in JOINABLE])
def test_all_at_once_is_what_tf_keras_gives_by_batches(case: MetricCase) -> None:
    batch, weights = whole(case)
    metric = case.make(keras)
    metric.update_state(*batch, sample_weight=weights)
    assert_close(metric.result(), GOLDEN[case.id][-1], 1e-6)


PLAIN = [case for case in JOINABLE if case.weights is None]


@pytest.mark.parametrize("case", PLAIN, ids=[case.id for case in PLAIN])
def test_weights_of_one_change_nothing(case: MetricCase) -> None:
    batch, _ = whole(case)
    metric = case.make(keras)
    metric.update_state(*batch, sample_weight=torch.ones(len(batch[0])))
    assert_close(metric.result(), GOLDEN[case.id][-1], 1e-6)


# R2Score counts samples of weight zero where it adjusts for regressors, SumOverBatchSize everywhere.
FIRST = {case.id.split("-")[0]: case for case in reversed(PLAIN) if "scalars" not in case.id}


@pytest.mark.parametrize("case", FIRST.values(), ids=list(FIRST))
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_split_and_samples_of_weight_zero(case: MetricCase, data: st.DataObject) -> None:
    batch, _ = whole(case)
    count = len(batch[0])
    kept = data.draw(st.lists(st.booleans(), min_size=count, max_size=count).filter(lambda flags: sum(flags) > 2))
    cuts = sorted(data.draw(st.sets(st.integers(1, count - 1), max_size=4)))
    weights = torch.tensor(kept, dtype=torch.float32)
    by_weight, left_out = case.make(keras), case.make(keras)
    for start, stop in zip([0, *cuts], [*cuts, count], strict=True):
        by_weight.update_state(*rows(batch, slice(start, stop)), sample_weight=weights[start:stop])
    left_out.update_state(*rows(batch, torch.tensor(kept)))
    torch.testing.assert_close(by_weight.result(), left_out.result(), rtol=2e-5, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("case", FIRST.values(), ids=list(FIRST))
def test_merged_metrics_have_seen_what_each_has(case: MetricCase) -> None:
    batch, _ = whole(case)
    one, two, both = case.make(keras), case.make(keras), case.make(keras)
    one.update_state(*rows(batch, slice(0, 6)))
    two.update_state(*rows(batch, slice(6, None)))
    both.update_state(*batch)
    one.merge_state([two])
    torch.testing.assert_close(one.result(), both.result(), rtol=1e-5, atol=1e-6)


def test_metrics_of_different_kinds_are_not_merged() -> None:
    with pytest.raises(ValueError, match="Precision 'precision': expected metrics with 2 weights; received AUC"):
        metrics.Precision().merge_state([metrics.AUC()])


def test_sum_over_batch_size_divides_by_the_number() -> None:
    metric = metrics.SumOverBatchSize()
    metric.update_state([1.0, 2.0, 3.0], sample_weight=[1.0, 0.0, 2.0])
    metric.update_state([5.0])
    assert metric.result().item() == pytest.approx((1 + 6 + 5) / 4)
    wrapped = metrics.SumOverBatchSizeMetricWrapper(keras.losses.mean_absolute_error, name="mine")
    wrapped.update_state([[1.0], [3.0]], [[0.0], [0.0]], sample_weight=[0.5, 0.0])
    assert (wrapped.name, wrapped.result().item()) == ("mine", 0.25)


# --- numbers computed once with scikit-learn 1.x from the same data ----------------------------------------------
_RANDOM = np.random.RandomState(11)
LABELS = _RANDOM.randint(0, 2, 60)
SCORES = (_RANDOM.randint(0, 10, 60) + 0.5) / 10
SCORES = np.where(LABELS == 1, np.minimum(SCORES + 0.2, 0.95), SCORES).round(2)
WEIGHTS = _RANDOM.randint(0, 4, 60)
MANY_LABELS, MANY_SCORES = _RANDOM.randint(0, 2, (40, 3)), (_RANDOM.randint(0, 10, (40, 3)) + 0.5) / 10
MANY_WEIGHTS = _RANDOM.randint(0, 4, 40)
TARGETS = _RANDOM.standard_normal((50, 2))
ESTIMATES = TARGETS + 0.5 * _RANDOM.standard_normal((50, 2))
TARGET_WEIGHTS = _RANDOM.randint(1, 4, 50)
CLASSES = _RANDOM.randint(0, 4, 80)
GUESSES = np.where(_RANDOM.rand(80) < 0.6, CLASSES, _RANDOM.randint(0, 4, 80))
RANKED, RANKS_OF = _RANDOM.rand(30, 6), _RANDOM.randint(0, 6, 30)

KNOWN: dict[str, tuple[Any, Any, Any, Any, Any]] = {
    "roc": (metrics.AUC(), LABELS, SCORES, None, 0.7362514029180697),
    "roc weights": (metrics.AUC(), LABELS, SCORES, WEIGHTS, 0.7645727221279004),
    "roc macro": (metrics.AUC(multi_label=True), MANY_LABELS, MANY_SCORES, None, 0.54393671679198),
    "roc micro": (metrics.AUC(), MANY_LABELS, MANY_SCORES, None, 0.5420875420875421),
    "precision": (metrics.Precision(), LABELS, SCORES, None, 0.6764705882352942),
    "recall": (metrics.Recall(), LABELS, SCORES, None, 0.696969696969697),
    "precision weights": (metrics.Precision(), LABELS, SCORES, WEIGHTS, 0.7894736842105263),
    "recall weights": (metrics.Recall(), LABELS, SCORES, WEIGHTS, 0.7894736842105263),
    "f1 micro": (metrics.F1Score("micro", 0.5), MANY_LABELS, MANY_SCORES, None, 0.5619834710743802),
    "f1 macro": (metrics.F1Score("macro", 0.5), MANY_LABELS, MANY_SCORES, None, 0.5562485562485563),
    "f1 weighted": (metrics.F1Score("weighted", 0.5), MANY_LABELS, MANY_SCORES, None, 0.5507465507465508),
    "f1": (metrics.F1Score(None, 0.5), MANY_LABELS, MANY_SCORES, None, [0.54054054, 0.66666667, 0.46153846]),
    "f2 micro": (metrics.FBetaScore("micro", 2.0, 0.5), MANY_LABELS, MANY_SCORES, MANY_WEIGHTS, 0.5328798185941043),
    "f2 macro": (metrics.FBetaScore("macro", 2.0, 0.5), MANY_LABELS, MANY_SCORES, MANY_WEIGHTS, 0.5319936825677185),
    "f2 weighted": (
        metrics.FBetaScore("weighted", 2.0, 0.5), MANY_LABELS, MANY_SCORES, MANY_WEIGHTS, 0.5256446456665138,
    ),
    "r2": (metrics.R2Score(), TARGETS, ESTIMATES, None, 0.6633771395409691),
    "r2 each": (metrics.R2Score(None), TARGETS, ESTIMATES, None, [0.63074755, 0.69600673]),
    "r2 variance": (metrics.R2Score("variance_weighted_average"), TARGETS, ESTIMATES, None, 0.6660660907409522),
    "r2 weights": (metrics.R2Score(), TARGETS, ESTIMATES, TARGET_WEIGHTS, 0.6480158399490019),
    "jaccard": (metrics.MeanIoU(4), CLASSES, GUESSES, None, 0.5517210144927536),
    "jaccard of one": (metrics.IoU(4, [2]), CLASSES, GUESSES, None, 0.56521739),
    "top 2": (metrics.SparseTopKCategoricalAccuracy(2), RANKS_OF, RANKED, None, 0.3),
    "top 3": (metrics.SparseTopKCategoricalAccuracy(3), RANKS_OF, RANKED, None, 0.43333333333333335),
    "log loss": (
        metrics.SparseCategoricalCrossentropy(), CLASSES, np.eye(4)[GUESSES] * 0.6 + 0.1, None, 0.9161241117921349,
    ),
    "hinge": (metrics.Hinge(), LABELS[:, None], 4 * SCORES[:, None] - 2, None, 0.7333333333333333),
    "percentage": (
        metrics.MeanAbsolutePercentageError(), TARGETS[:, :1] + 3, ESTIMATES[:, :1] + 3, None, 18.200857479096924,
    ),
    "logarithmic": (
        metrics.MeanSquaredLogarithmicError(), np.abs(TARGETS), np.abs(ESTIMATES), None, 0.06600247402739035,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known_numbers(name: str) -> None:
    metric, y_true, y_pred, weights, expected = KNOWN[name]
    metric.reset_state()
    metric.update_state(y_true, torch.from_numpy(y_pred), weights)
    assert_close(metric.result(), np.asarray(expected), 2e-6)
