"""What clipping does to the gradients."""

from __future__ import annotations

from itertools import groupby
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

    state_attributes = ("norms", "clipped", "epochs", "_running", "_counts")
    adds_to_logs = ("gradient_norm", "gradient_norm_max", "clipped_steps")

    def __init__(self, verbose: int = 0) -> None:
        super().__init__()
        self.verbose = verbose
        self._forget()

    def _forget(self) -> None:
        self.norms: list[float] = []
        self.clipped: list[bool] = []
        self.epochs: list[dict[str, float]] = []
        # of the steps of this epoch: the norms of all gradients, behind them those of the clipped ones
        self._running: list[torch.Tensor] = []
        self._counts: list[int] = []

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
        both = given if clipped is given else [*given, *clipped]
        self._running.append(torch.stack(torch._foreach_norm(both)))
        self._counts.append(len(given))

    def _of_steps(self) -> tuple[list[float], list[bool]]:
        """The norms of the steps of an epoch, and which of them were clipped."""
        values = torch.cat(self._running).double().square().cpu().numpy()
        norms: list[float] = []
        clipped: list[bool] = []
        place = 0
        sizes = zip(map(len, self._running), self._counts, strict=True)
        for (width, count), steps in groupby(sizes):  # as a rule, all steps have the same gradients
            end = place + width * len(list(steps))
            of_steps = np.sqrt(values[place:end].reshape(-1, width // count, count).sum(2))
            place = end
            norms += of_steps[:, 0].tolist()
            # what is not clipped is multiplied by a number that may be a rounding away from 1
            clipped += (of_steps[:, -1] < of_steps[:, 0] * (1 - 1e-5)).tolist()
        return norms, clipped

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if not self._running:
            return
        norms, clipped = self._of_steps()
        self._running, self._counts = [], []
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
