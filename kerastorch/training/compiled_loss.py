"""The losses of all outputs as one number, with the running means that the logs show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kerastorch import losses as losses_module
from kerastorch.core import nest
from kerastorch.core.errors import describe
from kerastorch.engine.precision import in_full_precision
from kerastorch.metrics import Mean
from kerastorch.training import labels as labels_module
from kerastorch.training.outputs import Outputs, is_ours, like_predictions


class CompiledLoss:
    """What `compile(loss=..., loss_weights=...)` means for a model: callable as `(y_true, y_pred, sample_weight)`.

    Calling it returns the scalar to minimise, regularisation included, and updates the running means: 'loss', and
    '<output>_loss' where there are several outputs.
    """

    def __init__(self, loss: Any, loss_weights: Any, output_names: list[str]) -> None:
        self.given = nest.map_structure(lambda one: None if one is None else losses_module.as_loss(one), loss)
        self.loss_weights = loss_weights
        self.output_names = output_names
        self.total = Mean(name="loss")
        self.outputs: Outputs | None = None
        self.losses: list[Any] | None = None  # one an output, known when the outputs are
        self.weights: list[float | None] = []
        self.means: list[Mean | None] = []
        self.shapes: list[Any] = []  # of the predictions
        # labels, numbers of batches and weights that wait for the first predictions
        self.unchecked: list[tuple[Any, int | None, Any]] = []
        self.takes_only_numbers = all(
            labels_module.takes_only_numbers(one) for one in nest.flatten(self.given) if one is not None
        )

    def _build(self, y_pred: Any) -> None:
        self.outputs = Outputs(y_pred, self.output_names)
        self.losses = self.outputs.match(self.given, "losses")
        self.weights = self.outputs.match(self.loss_weights, "loss_weights")
        _check_numbers(self.weights)
        self.shapes = [tuple(prediction.shape) for prediction in nest.flatten(y_pred)]
        unchecked, self.unchecked = self.unchecked, []
        for labels, batch, sample_weight in unchecked:
            self._check(labels, batch, sample_weight)
        several = len(self.losses) > 1
        self.means = [
            Mean(name=f"{name}_loss") if several and loss is not None else None
            for name, loss in zip(self.outputs.names, self.losses, strict=True)
        ]

    def check_names(self, outputs: Any) -> None:
        """Raise ValueError for losses or weights that do not belong to the symbolic `outputs`."""
        found = Outputs(outputs, self.output_names)
        found.match(self.given, "losses")
        _check_numbers(found.match(self.loss_weights, "loss_weights"))

    def names_for(self, outputs: Any) -> list[str]:
        """The names of the running means for the symbolic `outputs`."""
        found = Outputs(outputs, self.output_names)
        losses = found.match(self.given, "losses")
        several = len(losses) > 1
        named = zip(found.names, losses, strict=True)
        return ["loss", *(f"{name}_loss" for name, loss in named if several and loss is not None)]

    def forget_outputs(self, output_names: list[str]) -> None:
        """Match losses and outputs anew at the next call."""
        self.output_names, self.losses = output_names, None

    @property
    def metrics(self) -> list[Any]:
        """The running means; none before the outputs are known, as a `train_step` may never use them."""
        if self.losses is None:
            return []
        return [self.total, *(mean for mean in self.means if mean is not None)]

    def check_labels(self, y: Any, batch: int | None, outputs: Any, sample_weight: Any = None) -> None:
        """Raise ValueError for labels and weights that a loss cannot take, now or when the first predictions come.

        `outputs` are the symbolic outputs, None for a model that shows them only when it is called.
        """
        if self.losses is None and outputs is not None:
            self._build(outputs)
        if self.losses is None:
            self.unchecked = [*self.unchecked[-2:], (y, batch, sample_weight)]
        else:
            self._check(y, batch, sample_weight)

    def _check(self, y: Any, batch: int | None, sample_weight: Any) -> None:
        labels_module.check_labels(self.outputs, self.losses, self.shapes, y, batch)
        if sample_weight is not None:
            labels_module.check_weights(self.outputs, self.losses, self.shapes, sample_weight)

    def is_sample_wise(self) -> bool:
        """Whether the loss of several batches is the mean of theirs: so it is for ours that average samples."""
        averaging = (losses_module.Reduction.AUTO, losses_module.Reduction.SUM_OVER_BATCH_SIZE)
        given = [one for one in nest.flatten(self.given) if one is not None]
        return all(is_ours(loss) and loss.reduction in averaging for loss in given)

    def __call__(
        self,
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        regularization_losses: Sequence[torch.Tensor] | None = None,
    ) -> torch.Tensor:
        if self.losses is None:
            self._build(y_pred)
        if len(self.losses) == 1 and isinstance(y_true, torch.Tensor) and isinstance(y_pred, torch.Tensor):
            labels, predictions, weights = (y_true,), (y_pred,), (sample_weight,)
        else:
            labels, predictions = self.outputs.labels(y_true), nest.flatten(y_pred)
            weights = self.outputs.labels(sample_weight, "sample_weight")
        values = self._values(labels, predictions, weights)
        extra = list(regularization_losses or ())
        if not values and not extra:
            raise ValueError(
                "compile: expected a loss for at least one output, or losses added with add_loss; received none. "
                "Pass loss='...' to compile()."
            )
        # a loss without reduction trains on the sum of its values, and the logs show their mean
        values += extra
        parts = [value.sum() if value.dim() else value for value in values]
        total = sum(parts[1:], parts[0])
        shown = total if all(value.dim() == 0 for value in values) else _together(values)
        self.total.update_state(shown.detach(), sample_weight=predictions[0].shape[0])
        return total

    def _values(self, labels: Sequence[Any], predictions: Sequence[Any], weights: Sequence[Any]) -> list[torch.Tensor]:
        """The weighted loss of each output that has one and labels for it; updates the outputs' running means."""
        values = []
        outputs = zip(self.losses, self.weights, self.means, labels, predictions, weights, strict=True)
        for loss, factor, mean, label, prediction, weight in outputs:
            if loss is None or label is None:
                continue
            prediction = in_full_precision(prediction)
            label, weight = like_predictions(label, weight, prediction)
            value = loss(label, prediction, weight)
            if mean is not None:
                mean.update_state(value.detach(), sample_weight=prediction.shape[0])
            values.append(value if factor is None else value * factor)
        return values


def _together(values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Unreduced losses as one tensor for the running mean; the means of those whose shapes differ."""
    same_shape = len({value.shape for value in values if value.dim()}) == 1
    return sum([value if same_shape else value.mean() for value in values])


def _check_numbers(weights: Sequence[Any]) -> None:
    for weight in weights:
        if weight is not None and not isinstance(weight, int | float | np.number | torch.Tensor):
            raise TypeError(f"compile: expected loss_weights as numbers; received {describe(weight)}.")
