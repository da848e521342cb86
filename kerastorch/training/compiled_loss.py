"""The losses of all outputs as one number, with the running means that the logs show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch import losses as losses_module
from kerastorch.core import nest
from kerastorch.core.errors import describe
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
        self.unchecked: list[tuple[Any, int | None]] = []  # labels that wait for the first predictions
        self.takes_only_numbers = all(
            labels_module.takes_only_numbers(one) for one in nest.flatten(self.given) if one is not None
        )

    def _build(self, y_pred: Any) -> None:
        self.outputs = Outputs(y_pred, self.output_names)
        self.losses = self.outputs.match(self.given, "losses")
        self.weights = self.outputs.match(self.loss_weights, "loss_weights")
        for weight in self.weights:
            if weight is not None and not isinstance(weight, int | float):
                raise TypeError(f"compile: expected loss_weights as numbers; received {describe(weight)}.")
        self.shapes = [tuple(prediction.shape) for prediction in nest.flatten(y_pred)]
        unchecked, self.unchecked = self.unchecked, []
        for labels, batch in unchecked:
            labels_module.check_labels(self.outputs, self.losses, self.shapes, labels, batch)
        several = len(self.losses) > 1
        self.means = [
            Mean(name=f"{name}_loss") if several and loss is not None else None
            for name, loss in zip(self.outputs.names, self.losses, strict=True)
        ]

    def forget_outputs(self, output_names: list[str]) -> None:
        """Match losses and outputs anew at the next call."""
        self.output_names, self.losses = output_names, None

    @property
    def metrics(self) -> list[Any]:
        """The running means; none before the outputs are known, as a `train_step` may never use them."""
        if self.losses is None:
            return []
        return [self.total, *(mean for mean in self.means if mean is not None)]

    def check_labels(self, y: Any, batch: int | None, outputs: Any) -> None:
        """Raise ValueError for labels that a loss cannot take, now or when the first predictions come.

        `outputs` are the symbolic outputs, None for a model that shows them only when it is called.
        """
        if self.losses is None and outputs is not None:
            self._build(outputs)
        if self.losses is None:
            self.unchecked = [*self.unchecked[-2:], (y, batch)]
        else:
            labels_module.check_labels(self.outputs, self.losses, self.shapes, y, batch)

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
            loss = self.losses[0]
            y_true, sample_weight = like_predictions(y_true, sample_weight, y_pred)
            total = None if loss is None else loss(y_true, y_pred, sample_weight)
            if total is not None and self.weights[0] is not None:
                total = total * self.weights[0]
            count = y_true.shape[0]
        else:
            total, count = self._sum_over_outputs(y_true, y_pred, sample_weight)
        if regularization_losses:
            extra = sum(regularization_losses[1:], regularization_losses[0])
            total = extra if total is None else total + extra
        if total is None:
            raise ValueError(
                "compile: expected a loss for at least one output, or losses added with add_loss; received none. "
                "Pass loss='...' to compile()."
            )
        total = total.sum() if total.dim() else total
        self.total.update_state(total.detach(), sample_weight=count)
        return total

    def _sum_over_outputs(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[torch.Tensor | None, int]:
        predictions = nest.flatten(y_pred)
        labels, weights = self.outputs.labels(y_true), self.outputs.labels(sample_weight)
        total, count = None, predictions[0].shape[0]
        for position, prediction in enumerate(predictions):
            loss, label = self.losses[position], labels[position]
            if loss is None or label is None:
                continue
            label, weight = like_predictions(label, weights[position], prediction)
            value = loss(label, prediction, weight)
            if self.means[position] is not None:
                self.means[position].update_state(value.detach(), sample_weight=count)
            if self.weights[position] is not None:
                value = value * self.weights[position]
            total = value if total is None else total + value
        return total, count
