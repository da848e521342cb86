"""Adam as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from kerastorch.optimizers import adam
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2
from kerastorch.optimizers.rounding import rounded_to


class Adam(OptimizerV2, adam.Adam):
    """Today's rule, with betas in the weights' dtype; all first moments are saved before the second ones."""

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("m",), ("v",), ("vhat",)) if self.amsgrad else (("m",), ("v",))

    def _betas(self, dtype: torch.dtype) -> tuple[float, float]:
        return rounded_to(dtype, self.beta_1), rounded_to(dtype, self.beta_2)
