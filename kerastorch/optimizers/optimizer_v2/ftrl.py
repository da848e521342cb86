"""Ftrl as it was before Keras 2.11."""

from __future__ import annotations

from kerastorch.optimizers import ftrl
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class Ftrl(OptimizerV2, ftrl.Ftrl):
    """Today's rule."""
