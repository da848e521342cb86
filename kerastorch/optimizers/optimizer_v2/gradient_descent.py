"""SGD as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Sequence

from kerastorch.optimizers import sgd
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class SGD(OptimizerV2, sgd.SGD):
    """Today's rule; without momentum there are no slots."""

    slot_name = "momentum"

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return super().slot_groups() if self.momentum else ()
