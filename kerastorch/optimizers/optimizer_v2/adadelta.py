"""Adadelta as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Sequence

from kerastorch.optimizers import adadelta
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class Adadelta(OptimizerV2, adadelta.Adadelta):
    """Today's rule; the squares of all gradients are saved before those of the steps."""

    slot_names = ("accum_grad", "accum_var")

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return tuple((name,) for name in self.slot_names)
