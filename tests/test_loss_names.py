"""Every name of a loss, the words for reductions, configs, and what the special losses refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import losses, objectives

# The public names of tf.keras 2.21, of its first versions and of Keras 3.15.
CLASSES = """
BinaryCrossentropy BinaryFocalCrossentropy CategoricalCrossentropy CategoricalFocalCrossentropy CategoricalHinge
CosineSimilarity Hinge Huber KLDivergence LogCosh Loss MeanAbsoluteError MeanAbsolutePercentageError MeanSquaredError
MeanSquaredLogarithmicError Poisson Reduction SparseCategoricalCrossentropy SquaredHinge
CTC CategoricalGeneralizedCrossEntropy Circle Dice Tversky
""".split()
FUNCTIONS = """
KLD MAE MAPE MSE MSLE binary_crossentropy binary_focal_crossentropy categorical_crossentropy
categorical_focal_crossentropy categorical_hinge cosine_similarity hinge huber kl_divergence kld
kullback_leibler_divergence log_cosh logcosh mae mape mean_absolute_error mean_absolute_percentage_error
mean_squared_error mean_squared_logarithmic_error mse msle poisson sparse_categorical_crossentropy squared_hinge
cosine cosine_proximity bce BCE huber_loss categorical_generalized_cross_entropy circle ctc dice tversky
""".split()
Y_TRUE = torch.tensor([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
Y_PRED = torch.tensor([[0.25, 0.5], [0.75, 0.5], [0.125, 0.875]])


@pytest.mark.parametrize("name", [*CLASSES, *FUNCTIONS, "get", "serialize", "deserialize"])
def test_every_public_name_exists(name: str) -> None:
    assert callable(getattr(losses, name))
    assert getattr(objectives, name) is getattr(losses, name)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_found_by_its_name(name: str) -> None:
    assert losses.get(name) is getattr(losses, name)
    assert losses.deserialize(losses.serialize(losses.get(name))) is getattr(losses, name)


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in ("Loss", "Reduction")])
def test_every_class_is_found_by_its_name_and_config(name: str) -> None:
    loss = losses.get(name)
    assert type(loss) is getattr(losses, name)
    copy = losses.deserialize(losses.serialize(loss))
    assert type(copy) is type(loss) and copy.get_config() == loss.get_config()


def test_aliases_are_the_functions() -> None:
    assert losses.mse is losses.MSE is losses.mean_squared_error
    assert losses.mae is losses.MAE is losses.mean_absolute_error
    assert losses.bce is losses.BCE is losses.binary_crossentropy
    assert losses.kld is losses.KLD is losses.kullback_leibler_divergence is losses.kl_divergence
    assert losses.logcosh is losses.log_cosh
    assert losses.cosine_proximity is losses.cosine_similarity


def test_objectives_is_the_earlier_name_of_losses() -> None:
    from kerastorch.objectives import binary_crossentropy

    assert binary_crossentropy is losses.binary_crossentropy
    assert "categorical_crossentropy" in dir(objectives)
    with pytest.raises(AttributeError, match="kerastorch.objectives: expected the name of a loss; received 'mce'"):
        objectives.mce  # noqa: B018


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("auto", "sum_over_batch_size", "mean", losses.Reduction.AUTO, losses.Reduction.SUM_OVER_BATCH_SIZE), 0.375),
        (("sum", losses.Reduction.SUM), 1.125),
        (("none", None, losses.Reduction.NONE), [0.25, 0.5, 0.375]),
        (("mean_with_sample_weight", losses.Reduction.MEAN_WITH_SAMPLE_WEIGHT), 1.125 / 3.5),
    ],
)
def test_words_for_reductions(words: tuple[Any, ...], expected: Any) -> None:
    for word in words:
        loss = losses.MeanAbsoluteError(reduction=word)
        value = loss(torch.zeros(3, 1), torch.tensor([[0.25], [0.25], [0.75]]), torch.tensor([1.0, 2.0, 0.5]))
        torch.testing.assert_close(value, torch.tensor(expected))
        assert losses.get(losses.serialize(loss)).reduction == loss.reduction
    assert set(losses.Reduction.all()) == {"auto", "sum", "none", "sum_over_batch_size", "mean_with_sample_weight"}


def test_a_batch_without_a_valid_place_costs_nothing() -> None:
    y_pred = Y_PRED.clone().requires_grad_()
    masked = y_pred * 1.0
    masked._keras_mask = torch.zeros(3, dtype=torch.bool)  # type: ignore[attr-defined]
    value = losses.MeanSquaredError()(Y_TRUE, masked)
    value.backward()
    assert value.item() == 0.0
    assert y_pred.grad is not None and not y_pred.grad.any()


def test_a_loss_of_a_function_and_of_a_class_of_ones_own() -> None:
    def largest(y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
        return (y_true - y_pred).abs().amax(-1)

    class Scaled(losses.Loss):
        def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, y_true: torch.Tensor, y_pred: torch.Tensor) -> torch.Tensor:
            return self.factor * largest(y_true, y_pred)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    assert losses.as_loss(largest)(Y_TRUE, Y_PRED).item() == pytest.approx((0.5 + 0.5 + 0.875) / 3)
    copy = losses.deserialize(losses.serialize(Scaled(3.0, reduction="sum", name="mine")), {"Scaled": Scaled})
    assert (copy.factor, copy.reduction, copy.name) == (3.0, "sum", "mine")
    assert copy(Y_TRUE, Y_PRED, [1.0, 0.0, 2.0]).item() == pytest.approx(3 * (0.5 + 2 * 0.875))
    model = keras.Sequential([keras.layers.Dense(2, input_shape=(3,))])
    for loss in (largest, Scaled(), Scaled, "mse", losses.mse, losses.MeanSquaredError, losses.MeanSquaredError()):
        model.compile(keras.optimizers.SGD(0.0), loss)
        x, y = np.eye(3, dtype="float32"), Y_TRUE.numpy()
        y_pred = torch.from_numpy(model.predict(x, verbose=0))
        expected = losses.as_loss(loss)(Y_TRUE, y_pred).item()
        assert model.fit(x, y, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-6)


def test_ctc_trains_a_sequence_to_its_labels() -> None:
    labels = torch.tensor([[1, 2, 0], [2, 0, 0]])
    logits = torch.zeros(2, 5, 3, requires_grad=True)
    optimizer = keras.optimizers.Adam(0.5)
    for _ in range(60):
        value = losses.CTC()(labels, logits)
        value.backward()
        optimizer.apply_gradients([(logits.grad, logits)])
        logits.grad = None
    assert value.item() < 0.05
    read = [[int(k) for k, before in zip(row[1:], row[:-1], strict=True) if k and k != before] for row in
            torch.nn.functional.pad(logits.argmax(-1), (1, 0))]  # fmt: skip
    assert read == [[1, 2], [2]]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: losses.ctc(torch.zeros(3), torch.zeros(3, 4, 2)), r"ctc: expected labels of shape \(batch, length\)"),
        (
            lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.0),
            "CategoricalGeneralizedCrossEntropy '.*': expected q between 0 and 1; received 1.0",
        ),
        (lambda: losses.MeanSquaredError(reduction="average"), "Reduction: expected one of .*; received 'average'"),
        (lambda: losses.get("categorical_crossentrop"), "Did you mean 'categorical_crossentropy'"),
        (lambda: losses.get("Tverski"), "Did you mean 'tversky'"),
    ],
)
def test_errors(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
