"""What clipping does to the gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs
from kerastorch.callbacks.messages import print_message
from kerastorch.optimizers import Optimizer, TorchOptimizer


class GradientReport(Callback):
    """Reports the norms of the gradients before clipping, and how many steps were clipped.

    The norm of a step is that of all gradients as one vector. A step counts as clipped where the optimizer's
    `global_clipnorm`, `clipnorm` or `clipvalue` makes it smaller. After an epoch its values are in `epochs`, a
    list of dicts, and in the logs as 'gradient_norm' (the mean), 'gradient_norm_max' and 'clipped_steps'; `norms` and
    `clipped` hold those of every step. Nothing is read from the device before the end of an epoch.
    Raises ValueError for an optimizer of torch, which clips nothing itself.

    >>> callback = GradientReport(verbose=1)
    """

    state_attributes = ("norms", "clipped", "epochs", "_running")
    adds_to_logs = ("gradient_norm", "gradient_norm_max", "clipped_steps")

    def __init__(self, verbose: int = 0) -> None:
        super().__init__()
        self.verbose = verbose
        self._forget()

    def _forget(self) -> None:
        self.norms: list[float] = []
        self.clipped: list[bool] = []
        self.epochs: list[dict[str, float]] = []
        self._running: list[torch.Tensor] = []  # of the steps of this epoch, norm and whether it was clipped

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._forget()
        optimizer = self._optimizer()
        if not isinstance(optimizer, Optimizer) or isinstance(optimizer, TorchOptimizer):
            raise ValueError(
                f"GradientReport: expected an optimizer of this library; received {optimizer!r}. "
                "Use for example optimizers.Adam(clipnorm=1.0)."
            )
        optimizer.gradient_watcher = self._watch

    def _optimizer(self) -> Any:
        optimizer = getattr(self.model, "optimizer", None)
        return getattr(optimizer, "inner_optimizer", optimizer)

    def _watch(self, given: list[torch.Tensor], clipped: list[torch.Tensor]) -> None:
        before = _norm(given)
        after = before if clipped is given else _norm(clipped)
        # what is not clipped is multiplied by a number that may be a rounding away from 1
        self._running.append(torch.stack((before, (after < before * (1 - 1e-5)).to(before.dtype))))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self._running:
            return
        values = torch.stack(self._running).cpu().numpy()
        self._running = []
        norms = values[:, 0].tolist()
        clipped = (values[:, 1] > 0).tolist()
        self.norms += norms
        self.clipped += clipped
        of_epoch = {
            "gradient_norm": float(np.mean(norms)),
            "gradient_norm_max": max(norms),
            "clipped_steps": sum(clipped),
        }
        self.epochs.append({"steps": len(norms), **of_epoch})
        if logs is not None:
            logs.update(of_epoch)
        if self.verbose:
            print_message(
                f"\nEpoch {epoch + 1}: gradients clipped in {sum(clipped)} of {len(norms)} steps; norm "
                f"{of_epoch['gradient_norm']:.4g} on average, {of_epoch['gradient_norm_max']:.4g} at most."
            )

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.release()

    def release(self) -> None:
        if hasattr(self._optimizer(), "gradient_watcher"):
            self._optimizer().gradient_watcher = None


def _norm(gradients: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(torch._foreach_norm(gradients)).float().norm()
