"""Adagrad as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from kerastorch.optimizers import adagrad
from kerastorch.optimizers.optimizer import Tensors
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class Adagrad(OptimizerV2, adagrad.Adagrad):
    """`w -= learning_rate * g / (sqrt(a) + epsilon)`."""

    def _kernel_epsilon(self) -> float:
        return self.epsilon

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        torch._foreach_addcmul_(slots["accumulator"], gradients, gradients, 1.0)
        denominators = torch._foreach_sqrt(slots["accumulator"])
        torch._foreach_add_(denominators, self.epsilon)
        torch._foreach_addcdiv_(weights, gradients, denominators, -rate)
