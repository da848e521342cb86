"""Layers that a model gets by `model.add_loss(tensor)` and `model.add_metric(tensor)` with symbolic tensors."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.engine.layer import Layer


class AddLoss(Layer):
    """Adds its input to the loss that `fit` minimises, and passes it on.

    >>> layer = AddLoss()
    >>> layer(torch.tensor(2.0)), layer.losses
    (tensor(2.), [tensor(2.)])
    """

    preserves_shape = True

    def __init__(self, unconditional: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unconditional = unconditional

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        self.add_loss(inputs)
        return inputs


class AddMetric(Layer):
    """Reports the mean of its input as `metric_name` in the logs, and passes it on.

    >>> layer = AddMetric(metric_name="size")
    >>> layer(torch.tensor(2.0)), layer.added_metrics
    (tensor(2.), {'size': tensor(2.)})
    """

    preserves_shape = True

    def __init__(self, aggregation: str | None = None, metric_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.aggregation = aggregation
        self.metric_name = metric_name

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        self.add_metric(inputs, name=self.metric_name or self.name)
        return inputs
