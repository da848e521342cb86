"""Adamax as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Sequence

from kerastorch.optimizers import adamax
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class Adamax(OptimizerV2, adamax.Adamax):
    """Today's rule; the means of all weights are saved before the norms."""

    slot_names = ("m", "v")

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return tuple((name,) for name in self.slot_names)
