"""The metrics of one output, which add several batches at once where nobody could tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.losses.weighting import apply_mask
from kerastorch.training.outputs import is_ours

BATCHES_AT_ONCE = 32
BYTES_AT_ONCE = 1 << 20  # of predictions that wait; for larger ones the calls are no longer what costs


class OutputMetrics:
    """Plain and weighted metrics of one output; both leave out what the mask of the predictions leaves out.

    Metrics of the package keep batches of one kind until they are read, or until there are many. The first batch of a
    kind is added at once, so that what does not fit is said when it comes.
    """

    def __init__(self, plain: Sequence[Any], weighted: Sequence[Any]) -> None:
        self.plain, self.weighted = list(plain), list(weighted)
        self._patient = [metric for metric in (*plain, *weighted) if is_ours(metric)]
        self._others = [metric for metric in (*plain, *weighted) if not is_ours(metric)]
        self.start_anew()

    def start_anew(self) -> None:
        """Forget which kind of batches came before."""
        self._kind: Any = None  # of the batches that the metrics are known to take
        self._waiting_batches = self._waiting_bytes = 0

    def get_grouping(self) -> dict[str, Any]:
        """What decides which of the batches to come are added together."""
        return {"kind": self._kind, "batches": self._waiting_batches, "bytes": self._waiting_bytes}

    def set_grouping(self, state: dict[str, Any]) -> None:
        self._kind, self._waiting_batches, self._waiting_bytes = state["kind"], state["batches"], state["bytes"]

    def update_state(self, y_true: torch.Tensor, y_pred: torch.Tensor, sample_weight: Any = None) -> None:
        """Add a batch: labels, predictions and weights of one output."""
        mask = getattr(y_pred, "_keras_mask", None)
        if mask is not None:
            sample_weight = apply_mask(y_pred, sample_weight, mask)
        kind = _kind_of_batch(y_true, y_pred, sample_weight, mask) if self._patient else None
        waits = kind is not None and kind == self._kind
        if waits:
            y_true, y_pred, sample_weight, mask = (_kept(part) for part in (y_true, y_pred, sample_weight, mask))
        elif self._others:
            y_pred = _detached(y_pred)  # metrics of the user's own may ask for numpy values
        for metrics, weight in ((self.plain, mask), (self.weighted, sample_weight)):
            for metric in metrics:
                if waits and metric not in self._others:
                    metric.update_later(y_true, y_pred, weight)
                else:
                    metric.update_state(y_true, y_pred, sample_weight=weight)
        self._kind = kind
        if waits:
            self._count(y_pred)

    def _count(self, y_pred: torch.Tensor) -> None:
        self._waiting_batches += 1
        self._waiting_bytes += y_pred.nbytes
        if self._waiting_batches >= BATCHES_AT_ONCE or self._waiting_bytes > BYTES_AT_ONCE:
            self._waiting_batches = self._waiting_bytes = 0
            for metric in self._patient:
                metric.catch_up()


def _kind_of_batch(y_true: Any, y_pred: torch.Tensor, sample_weight: Any, mask: Any) -> tuple[Any, ...] | None:
    """What batches that can be put one after the other have in common; None for a batch that cannot."""
    # predictions (batch,) are averaged into one value, which counts as much for few samples as for many
    if type(y_pred) is not torch.Tensor or y_pred.dim() < 2 or y_pred.nbytes > BYTES_AT_ONCE // 4:
        return None
    samples = y_pred.shape[0]
    kind: list[Any] = [y_pred.device, y_pred.dtype, hasattr(y_pred, "_keras_logits")]
    for part in (y_pred, y_true, sample_weight, mask):
        if part is None:
            kind.append(None)
            continue
        if type(part) is not torch.Tensor or part.dim() == 0 or part.shape[0] != samples or part.device != kind[0]:
            return None
        kind += (part.dtype, part.shape[1:])
    return tuple(kind)


def _kept(tensor: torch.Tensor | None) -> torch.Tensor | None:
    """A copy that nobody changes: a generator may fill one buffer again and again."""
    if tensor is None:
        return None
    copy = tensor.detach().clone()
    logits = getattr(tensor, "_keras_logits", None)
    if logits is not None:
        copy._keras_logits = logits.detach()  # type: ignore[attr-defined]
    return copy


def _detached(y_pred: torch.Tensor) -> torch.Tensor:
    plain = y_pred.detach()
    for name in ("_keras_mask", "_keras_logits"):
        if hasattr(y_pred, name):
            setattr(plain, name, getattr(y_pred, name).detach())
    return plain
