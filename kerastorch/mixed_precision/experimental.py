"""The names of TensorFlow 2.1 to 2.3."""

from __future__ import annotations

from typing import Any

from kerastorch.core.policy import Policy, global_policy, set_global_policy
from kerastorch.mixed_precision.loss_scale_optimizer import LossScaleOptimizer as _LossScaleOptimizer

set_policy = set_global_policy


def LossScaleOptimizer(optimizer: Any, loss_scale: float | str = "dynamic") -> _LossScaleOptimizer:
    """`mixed_precision.LossScaleOptimizer` with a fixed `loss_scale`, or the word 'dynamic'."""
    if loss_scale == "dynamic":
        return _LossScaleOptimizer(optimizer)
    return _LossScaleOptimizer(optimizer, dynamic=False, initial_scale=loss_scale)


__all__ = ["LossScaleOptimizer", "Policy", "global_policy", "set_policy"]
