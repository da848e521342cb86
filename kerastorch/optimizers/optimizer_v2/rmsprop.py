"""RMSprop as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from kerastorch.optimizers import rmsprop
from kerastorch.optimizers.optimizer import Tensors
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class RMSprop(OptimizerV2, rmsprop.RMSprop):
    """`w -= learning_rate * g / (sqrt(v) + epsilon)` without momentum; with it, epsilon is under the root."""

    slot_names = ("rms", "momentum", "mg")

    def _denominators(self, gradients: Tensors, slots: Mapping[str, Tensors]) -> Tensors:
        if self.momentum > 0:
            return super()._denominators(gradients, slots)
        squares = self._moved_velocities(gradients, slots)
        if self.centered:
            squares = list(torch._foreach_add(squares, 0.0))
            self._centre(squares, gradients, slots)
        found = list(torch._foreach_sqrt(squares))
        torch._foreach_add_(found, self.epsilon)
        return found
