"""Adam as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Sequence

from kerastorch.optimizers import adam
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class Adam(OptimizerV2, adam.Adam):
    """Today's rule; the first moments of all weights are saved before the second ones."""

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("m",), ("v",), ("vhat",)) if self.amsgrad else (("m",), ("v",))
