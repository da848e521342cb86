"""Several batches at once in inference, where that changes nothing but the time.

Small models spend most of an inference step on everything but arithmetic, and matrix products of few rows are slow.
Batches are merged while the largest tensor of the forward stays within a processor's cache: for larger ones merging
costs more than it saves.
"""

from __future__ import annotations

from typing import Any

from kerastorch.callbacks import CallbackList, ProgbarLogger
from kerastorch.training.data import ArraySource, DataSource

CACHE_BYTES = 1 << 20


def batches_at_once(model: Any, source: DataSource, callbacks: CallbackList, mode: str) -> int:
    """How many batches of `source` one step of 'predict' or 'test' may take; 1 wherever somebody could tell."""
    if not isinstance(source, ArraySource) or source.device.type != "cpu" or model.steps_per_execution != 1:
        return 1
    per_sample = model.bytes_per_sample()
    if per_sample is None or _watched(callbacks, mode):
        return 1
    return max(1, CACHE_BYTES // (per_sample * source.batch_size))


def _watched(callbacks: CallbackList, mode: str) -> bool:
    """Whether anything but the progress bar looks at single batches."""
    hooks = [hook for edge in ("begin", "end") for hook in callbacks.hooks[f"on_{mode}_batch_{edge}"]]
    return any(not isinstance(getattr(hook, "__self__", None), ProgbarLogger) for hook in hooks)
