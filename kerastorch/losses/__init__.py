"""Losses: classes, functions of (y_true, y_pred), and Keras' names for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from kerastorch.core.naming import to_snake_case
from kerastorch.core.registry import Registry, registered_name
from kerastorch.losses.base import Loss, LossFunctionWrapper, TorchLoss
from kerastorch.losses.base import Reduction as Reduction
from kerastorch.losses.crossentropy import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    sparse_categorical_crossentropy,
)
from kerastorch.losses.labels import describe_wrong_labels
from kerastorch.losses.margin import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from kerastorch.losses.overlap import Dice, Tversky, dice, tversky
from kerastorch.losses.regression import (
    CosineSimilarity,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    cosine_similarity,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
)
from kerastorch.losses.special import (
    CTC,
    CategoricalGeneralizedCrossEntropy,
    Circle,
    categorical_generalized_cross_entropy,
    circle,
    ctc,
)

bce = BCE = binary_crossentropy
mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh
huber_loss = huber
cosine = cosine_proximity = cosine_similarity

_CLASSES = (
    Loss,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CTC,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)
_FUNCTIONS = (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
)
_ALIASES = {
    "bce": binary_crossentropy,
    "BCE": binary_crossentropy,
    "mse": mean_squared_error,
    "MSE": mean_squared_error,
    "mae": mean_absolute_error,
    "MAE": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "MAPE": mean_absolute_percentage_error,
    "msle": mean_squared_logarithmic_error,
    "MSLE": mean_squared_logarithmic_error,
    "kld": kl_divergence,
    "KLD": kl_divergence,
    "kullback_leibler_divergence": kl_divergence,
    "logcosh": log_cosh,
    "huber_loss": huber,
    "cosine": cosine_similarity,
    "cosine_proximity": cosine_similarity,
}

registry = Registry("loss", {**{named.__name__: named for named in (*_CLASSES, *_FUNCTIONS)}, **_ALIASES})

LossLike = str | Mapping[str, Any] | Loss | nn.Module | Callable[..., torch.Tensor]


def get(identifier: LossLike | None) -> Any:
    """The loss function or object that a name, a config, a class, a function or a torch loss stands for.

    >>> get("mse") is mean_squared_error
    True
    >>> get(nn.MSELoss()).name
    'mse_loss'
    """
    if isinstance(identifier, nn.Module) or getattr(identifier, "__module__", "") == "torch.nn.functional":
        return TorchLoss(identifier)
    return registry.get(identifier)


def as_loss(identifier: LossLike) -> Loss:
    """The loss object that `compile` uses for an identifier; a function is averaged over the samples.

    >>> as_loss("mse").name
    'mean_squared_error'
    """
    loss = get(identifier)
    return loss if isinstance(loss, Loss) else LossFunctionWrapper(loss, name=_name_of(loss))


def _name_of(function: Callable[..., Any]) -> str:
    named = hasattr(function, "__name__")
    return registered_name(function) if named else to_snake_case(type(function).__name__)


def serialize(loss: LossLike | None) -> Any:
    """The name of a loss function, or the config of a loss object."""
    return registry.serialize(loss)


def deserialize(name: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The loss function or object that a name or a config describes."""
    return registry.get(name, custom_objects)


def is_sparse(loss: Any) -> bool:
    """Whether a loss, its function or its name takes class indices."""
    return sparse_categorical_crossentropy in (loss, getattr(loss, "fn", None)) or loss in (
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
    )


def check_labels(
    loss: Any,
    labels: torch.Tensor,
    number_of_classes: int,
    *,
    batch: int | None = None,
    output: str | None = None,
) -> None:
    """Raise ValueError, naming row and value, for labels (rows, ...) of a sparse loss that are no classes.

    Meant for all labels of an output, or those of one `batch`, before any training; other losses pass.

    >>> check_labels("sparse_categorical_crossentropy", torch.tensor([0, 1, 1]), 2)
    """
    if not is_sparse(loss):
        return
    ignore_class = getattr(loss, "_arguments", {}).get("ignore_class")
    text = describe_wrong_labels(torch.as_tensor(labels), number_of_classes, ignore_class, batch)
    if text is not None:
        name = getattr(loss, "name", None) or "sparse_categorical_crossentropy"
        where = "" if output is None else f" of output '{output}'"
        raise ValueError(f"SparseCategoricalCrossentropy '{name}'{where}: {text}")
