"""Moving averages of weights in evaluation."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs


class SwapEMAWeights(Callback):
    """Lets `evaluate`, validation and `predict` use the moving averages of the weights.

    The optimizer needs `use_ema=True`. With `swap_on_epoch` the averages are in the model from the end of an epoch to
    the beginning of the next as well, where callbacks that follow, such as ModelCheckpoint, find them.
    Raises ValueError for an optimizer that keeps no averages.

    >>> callback = SwapEMAWeights(swap_on_epoch=True)
    """

    state_attributes = ("_swapped",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False  # whether the averages are in the model, and the weights in the optimizer

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._put_averages(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self.swap_on_epoch:
            return
        self._put_averages(True)
        if epoch == (self.params or {}).get("epochs", 0) - 1:
            # `fit` ends by copying the averages into the model: from here on they are what is there
            for weight, average in self._pairs():
                average.copy_(weight)
            self._swapped = False

    def release(self) -> None:
        self._put_averages(False)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._put_averages(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._put_averages(False)

    on_predict_begin = on_test_begin
    on_predict_end = on_test_end

    def _put_averages(self, wanted: bool) -> None:
        if self._swapped == wanted:
            return
        for weight, average in self._pairs():
            before = weight.clone()
            weight.copy_(average)
            average.copy_(before)
        self._swapped = wanted

    def _pairs(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each trained weight with its average, without autograd."""
        optimizer: Any = getattr(self.model, "optimizer", None)
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                f"SwapEMAWeights: expected an optimizer that keeps moving averages; received {optimizer!r}. "
                "Pass use_ema=True to the optimizer."
            )
        weights = optimizer.param_groups[0]["params"] if optimizer.built else ()
        return [(weight.detach(), optimizer.slot(weight, "average").detach()) for weight in weights]
