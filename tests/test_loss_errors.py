"""What losses say about wrong labels, and the short way that simple cases take."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from kerastorch import activations, losses

LOGITS = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0], [2.0, 2.0, -1.0], [-1.0, 0.0, 4.0]])
CLASSES = torch.tensor([0, 2, 1, 2])
ONE_HOT = F.one_hot(CLASSES, 3).float()


def probabilities() -> torch.Tensor:
    return activations.softmax(LOGITS)


def refused(*text: str) -> Any:
    return pytest.raises(ValueError, match=" ".join(text))


# --- labels of the wrong kind ------------------------------------------------------------------------------


def test_one_hot_labels_name_the_categorical_loss() -> None:
    with refused(
        r"expected integer labels of shape \(4,\) for predictions of shape \(4, 3\);",
        r"received labels of shape \(4, 3\)\. One-hot labels go with 'categorical_crossentropy'",
    ):
        losses.SparseCategoricalCrossentropy()(ONE_HOT, probabilities())


def test_integer_labels_name_the_sparse_loss() -> None:
    for labels in (CLASSES, CLASSES[:, None]):
        with refused(
            r"expected one-hot labels of the predictions' shape \(4, 3\); received labels of shape",
            r".*go with 'sparse_categorical_crossentropy', or .* utils\.to_categorical",
        ):
            losses.CategoricalCrossentropy()(labels, probabilities())


def test_binary_labels_of_another_shape() -> None:
    with refused(
        r"binary_crossentropy: expected labels of the predictions' shape \(4, 3\);",
        r"received labels of shape \(4, 1\)",
    ):
        losses.BinaryCrossentropy()(CLASSES[:, None], activations.sigmoid(LOGITS))


def test_wrong_number_of_labels() -> None:
    with refused(r"expected integer labels of shape \(4,\).*Give one class index per prediction"):
        losses.sparse_categorical_crossentropy(torch.zeros(5, 2), probabilities())
    with refused(
        "MeanSquaredError 'mean_squared_error': expected labels that fit",
        r"predictions of shape \(4, 3\); received labels of shape \(4, 2\)",
    ):
        losses.MeanSquaredError()(torch.zeros(4, 2), LOGITS)


@pytest.mark.parametrize(
    "predictions",
    [LOGITS, LOGITS.softmax(-1), activations.softmax(LOGITS)],
    ids=["logits", "bare", "remembered"],
)
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("weights", [None, torch.ones(4)], ids=["", "weights"])
def test_label_out_of_range_is_named(predictions: Any, shape: Any, weights: Any) -> None:
    loss = losses.SparseCategoricalCrossentropy(from_logits=predictions is LOGITS)
    labels = torch.tensor([0, 1, 3, 2]).reshape(shape)
    with refused("expected integer labels from 0 to 2, for 3 classes; received 3 in row 2"):
        loss(labels, predictions, weights)


def test_minus_one_hundred_is_not_left_out_silently() -> None:
    # torch's own default would ignore this label
    with refused(r"received -100 in row 1\. .*ignore_class=-100"):
        losses.SparseCategoricalCrossentropy()(torch.tensor([0, -100, 1, 2]), probabilities())


# --- labels checked before training ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([0, 1, 12, 2], r"received 12 in row 2\. Correct the labels, or give the last layer one unit for"),
        ([1, 2, 3, 1], r"received 3 in row 2\. The labels seem to start at 1: subtract 1"),
        ([0, 0, 3, 1], r"received 3 in row 2\. Correct the labels"),
        ([0, -1, 2], r"received -1 in row 1\. Correct the labels, or leave such .* with ignore_class=-1"),
        ([0.0, 1.5, 2.0], r"received 1\.5 in row 1\. Give whole numbers, or use a loss for .* such as 'mse'"),
        ([0.0, math.nan], r"received nan in row 1\. Remove the samples without a label"),
        ([[0], [7]], r"received 7 in row 1, position 0"),
        ([[0, 1], [2, 5]], r"received 5 in row 1, position 1"),
        ([[[0], [1]], [[4], [0]]], r"received 4 in row 1, position \(0, 0\)"),
    ],
)
def test_check_labels_names_row_value_and_classes(labels: Any, text: str) -> None:
    name = "SparseCategoricalCrossentropy 'sparse_categorical_crossentropy'"
    with refused(f"{name}: expected integer labels from 0 to 2, for 3 classes;", text):
        losses.check_labels(losses.SparseCategoricalCrossentropy(), torch.tensor(labels), 3)


def test_check_labels_names_batch_and_output() -> None:
    loss = losses.SparseCategoricalCrossentropy(name="digits")
    with refused("SparseCategoricalCrossentropy 'digits' of output 'a': .*received 9 in batch 4, row 1"):
        losses.check_labels(loss, torch.tensor([0, 9]), 3, batch=4, output="a")


@pytest.mark.parametrize(
    "loss",
    [
        "SparseCategoricalCrossentropy",
        losses.sparse_categorical_crossentropy,
        losses.as_loss("sparse_categorical_crossentropy"),
    ],
)
def test_check_labels_knows_the_spellings_of_the_loss(loss: Any) -> None:
    with refused("received 3 in row 0"):
        losses.check_labels(loss, torch.tensor([3]), 3)


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        (losses.SparseCategoricalCrossentropy(), torch.tensor([0, 1, 2])),
        (losses.SparseCategoricalCrossentropy(), torch.tensor([0.0, 1.0, 2.0])),
        (losses.SparseCategoricalCrossentropy(), torch.tensor([[0], [2]], dtype=torch.uint8)),
        (losses.SparseCategoricalCrossentropy(), torch.tensor([True, False])),
        (losses.SparseCategoricalCrossentropy(), torch.zeros(0)),
        (losses.SparseCategoricalCrossentropy(ignore_class=255), torch.tensor([0, 255, 2])),
        (losses.SparseCategoricalCrossentropy(ignore_class=-1), torch.tensor([[0.0, -1.0], [2.0, 2.0]])),
        (losses.MeanSquaredError(), torch.tensor([-5.5, 100.0])),
        ("categorical_crossentropy", torch.tensor([7])),
        (losses.TorchLoss(nn.MSELoss()), torch.tensor([7])),
    ],
)
def test_check_labels_passes(loss: Any, labels: torch.Tensor) -> None:
    assert losses.check_labels(loss, labels, 3) is None


def test_ignored_class_does_not_excuse_others() -> None:
    with refused("received -2 in row 2"):
        loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
        losses.check_labels(loss, torch.tensor([0, -1, -2]), 3)


# --- names, reductions, weights ----------------------------------------------------------------------------


def test_misspelt_names_get_the_nearest() -> None:
    with refused("loss 'binary_crossentopy': .* Did you mean 'binary_crossentropy'"):
        losses.get("binary_crossentopy")
    with refused("Reduction: expected one of .*received 'summ'. Did you mean 'sum'"):
        losses.MeanSquaredError(reduction="summ")
    with pytest.raises(TypeError, match="loss: expected a name, .* received 3 of type int"):
        losses.get(3)


def test_sample_weights_that_do_not_fit() -> None:
    with refused(
        "SparseCategoricalCrossentropy 'sparse_categorical_crossentropy': expected sample_weight",
        r"of a shape that fits losses of shape \(4,\); received \(3,\)",
    ):
        losses.SparseCategoricalCrossentropy()(CLASSES, probabilities(), torch.ones(3))
    with refused(r"losses of shape \(\); received \(4,\)"):
        losses.MeanSquaredError()(torch.zeros(4), torch.ones(4, 1), torch.ones(4))


def test_one_class_warns() -> None:
    with pytest.warns(SyntaxWarning, match="Use 'binary_crossentropy' for one unit with a sigmoid"):
        losses.CategoricalCrossentropy()(torch.ones(4, 1), activations.softmax(torch.zeros(4, 1)))


def test_from_logits_of_probabilities_warns_and_uses_the_logits() -> None:
    with pytest.warns(UserWarning, match="received from_logits=True for the output of a softmax"):
        value = losses.SparseCategoricalCrossentropy(from_logits=True)(CLASSES, probabilities())
    torch.testing.assert_close(value, F.cross_entropy(LOGITS, CLASSES))


def test_softmax_of_a_vector() -> None:
    with refused(r"softmax: expected a tensor with at least 2 axes .*received shape \(3,\)"):
        activations.softmax(torch.zeros(3))


# --- the short way -----------------------------------------------------------------------------------------


class Calls(TorchFunctionMode):
    """Names of the torch functions that compute something."""

    looks = frozenset(("__get__", "dim", "size", "numel"))

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(function, "__name__", str(function))
        if name not in self.looks:
            self.names.append(name)
        return function(*args, **(kwargs or {}))


FUSED = [
    (losses.SparseCategoricalCrossentropy(), CLASSES, activations.softmax, "cross_entropy"),
    (losses.as_loss("sparse_categorical_crossentropy"), CLASSES, activations.softmax, "cross_entropy"),
    (losses.SparseCategoricalCrossentropy(from_logits=True), CLASSES, activations.linear, "cross_entropy"),
    (losses.SparseCategoricalCrossentropy(ignore_class=1), CLASSES, activations.softmax, "cross_entropy"),
    (losses.CategoricalCrossentropy(), ONE_HOT, activations.softmax, "cross_entropy"),
    (losses.CategoricalCrossentropy(label_smoothing=0.2), ONE_HOT, activations.softmax, "cross_entropy"),
    (losses.BinaryCrossentropy(), ONE_HOT, activations.sigmoid, "binary_cross_entropy_with_logits"),
    (losses.MeanSquaredError(), ONE_HOT, activations.linear, "mse_loss"),
    (losses.MeanAbsoluteError(), ONE_HOT, activations.linear, "l1_loss"),
]


@pytest.mark.parametrize(("loss", "labels", "activation", "function"), FUSED)
def test_simple_cases_are_one_torch_call_with_the_values_of_the_general_way(
    loss: losses.Loss, labels: torch.Tensor, activation: Any, function: str
) -> None:
    y_pred = activation(LOGITS)
    with Calls() as calls:
        value = loss(labels, y_pred)
    assert calls.names == [function]
    by_weights = loss(labels, y_pred, torch.ones(len(labels)))
    torch.testing.assert_close(value, by_weights, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.uint8])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_sparse_labels_of_every_type(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    value = losses.SparseCategoricalCrossentropy()(CLASSES.to(dtype).reshape(shape), probabilities())
    torch.testing.assert_close(value, F.cross_entropy(LOGITS, CLASSES))


def test_a_subclass_has_its_own_call_used() -> None:
    class Doubled(losses.MeanSquaredError):
        def call(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
            return 2.0 * super().call(y_true, y_pred)

    torch.testing.assert_close(Doubled()(ONE_HOT, LOGITS), 2.0 * losses.MeanSquaredError()(ONE_HOT, LOGITS))


def test_mask_of_the_predictions_is_not_passed_over_by_the_short_way() -> None:
    y_pred = probabilities()
    y_pred._keras_mask = torch.tensor([True, False, True, False])  # type: ignore[attr-defined]
    value = losses.SparseCategoricalCrossentropy()(CLASSES, y_pred)
    torch.testing.assert_close(value, F.cross_entropy(LOGITS[::2], CLASSES[::2]))


def test_extreme_logits_keep_their_gradient() -> None:
    logits = torch.tensor([[200.0, -200.0]], requires_grad=True)
    value = losses.SparseCategoricalCrossentropy()(torch.tensor([1]), activations.softmax(logits))
    value.backward()
    assert value.item() == 400.0
    assert logits.grad.tolist() == [[1.0, -1.0]]


# --- torch losses ------------------------------------------------------------------------------------------


def test_torch_cross_entropy_takes_keras_labels() -> None:
    loss = losses.get(nn.CrossEntropyLoss(label_smoothing=0.1))
    expected = F.cross_entropy(LOGITS, CLASSES, label_smoothing=0.1)
    for labels in (CLASSES, CLASSES[:, None], CLASSES.float(), CLASSES.numpy().astype("uint8")):
        torch.testing.assert_close(loss(labels, LOGITS), expected)
    assert loss.name == "cross_entropy_loss"


def test_torch_loss_with_classes_last() -> None:
    logits = torch.arange(24.0).reshape(2, 4, 3).cos()
    labels = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    expected = F.cross_entropy(logits.reshape(-1, 3), labels.reshape(-1))
    torch.testing.assert_close(losses.get(nn.CrossEntropyLoss())(labels, logits), expected)


def test_torch_functions_and_weights() -> None:
    y_true = np.array([0.0, 1.0, 2.0, 4.0])
    y_pred = torch.tensor([[1.0], [1.0], [1.0], [1.0]])
    weight = torch.tensor([1.0, 2.0, 0.0, 0.5])
    assert losses.get(F.mse_loss)(y_true, y_pred).item() == pytest.approx(11 / 4)
    assert losses.get(nn.MSELoss())(y_true, y_pred, weight).item() == pytest.approx((1 + 0.5 * 9) / 4)
    with pytest.raises(TypeError, match="expected a torch loss with an argument 'reduction'"):
        losses.get(F.mse_loss)(y_true, y_pred, weight)
