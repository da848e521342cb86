"""Several batches at once in inference, where that changes nothing but the time.

Small models spend most of an inference step on everything but arithmetic, and matrix products of few rows are slow.
Batches are merged while the largest tensor of the forward stays within a processor's cache: for larger ones merging
costs more than it saves. Then `evaluate` still computes loss and metrics for several batches at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch

from kerastorch.callbacks import CallbackList, ProgbarLogger
from kerastorch.core import nest
from kerastorch.training.batches import unpack_x_y_sample_weight
from kerastorch.training.data import ArraySource, DataSource

CACHE_BYTES = 1 << 20
SCORED_TOGETHER = 16  # batches; more save next to nothing


def batches_at_once(model: Any, source: DataSource, callbacks: CallbackList, mode: str) -> int:
    """How many batches of `source` one call of the model may take in 'predict' or 'test'; 0 where one could tell."""
    if not isinstance(source, ArraySource) or source.device.type != "cpu" or model.steps_per_execution != 1:
        return 0
    per_sample = model.bytes_per_sample()
    if per_sample is None or watched(callbacks, mode):
        return 0
    # a loss under a mask is an average over the places that count, of which batches have different numbers
    if mode == "test" and any(model.masked_outputs((False,) * len(model.input_names)) or ()):
        return 0
    return max(1, CACHE_BYTES // (per_sample * source.batch_size))


def scoring_together(model: Any, size: int) -> Callable[[Iterator[Any]], Any]:
    """A step of evaluation that calls the model batch by batch, and scores the outputs of `size` batches at once."""

    def step(iterator: Iterator[Any]) -> Any:
        batches = [unpack_x_y_sample_weight(batch) for batch in islice(iterator, size)]
        if not batches:
            raise StopIteration
        y_pred = _joined([model(x, training=False) for x, _, _ in batches])
        y, sample_weight = (_joined([batch[part] for batch in batches]) for part in (1, 2))
        model.compute_loss(None, y, y_pred, sample_weight)
        return model.compute_metrics(None, y, y_pred, sample_weight)

    return step


def worth_folding(source: DataSource, steps: int | None, callbacks: CallbackList, mode: str) -> bool:
    """Whether inference takes so many samples that weights may be multiplied for it, and nobody changes them in it."""
    if isinstance(source, ArraySource) and source.samples < 8:
        return False
    return (steps is None or steps > 1 or isinstance(source, ArraySource)) and not watched(callbacks, mode)


def _joined(parts: list[Any]) -> Any:
    return nest.map_structure(_concatenated, *parts)


def _concatenated(*parts: torch.Tensor | None) -> torch.Tensor | None:
    """The batches one after the other, with the masks and logits that they carry."""
    if parts[0] is None:
        return None
    whole = torch.cat(parts)
    for name in ("_keras_logits", "_keras_mask"):
        carried = [getattr(part, name, None) for part in parts]
        if carried[0] is not None:
            setattr(whole, name, torch.cat(carried))
    return whole


def watched(callbacks: CallbackList, mode: str) -> bool:
    """Whether anything but the progress bar looks at single batches."""
    hooks = [hook for edge in ("begin", "end") for hook in callbacks.hooks[f"on_{mode}_batch_{edge}"]]
    return any(not isinstance(getattr(hook, "__self__", None), ProgbarLogger) for hook in hooks)
