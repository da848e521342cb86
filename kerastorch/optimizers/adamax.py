"""Adam with the infinity norm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.rounding import power_in
from kerastorch.optimizers.schedules import LearningRateSchedule


class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of its root mean square (https://arxiv.org/abs/1412.6980, 7.1).

    `m = beta_1 * m + (1 - beta_1) * g`, `u = max(beta_2 * u, |g|)`, and at step t `w -= learning_rate * m /
    ((1 - beta_1 ** t) * (u + epsilon))`.
    Raises ValueError for a beta outside [0, 1).

    >>> weight = Variable([1.0])
    >>> _ = Adamax(0.1).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy().round(4)
    array([0.9], dtype=float32)
    """

    beta_1 = Hyperparameter("betas", 0)
    beta_2 = Hyperparameter("betas", 1)
    slot_names = ("m", "u")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        name: str = "Adamax",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self.beta_1 = self._checked("beta_1", beta_1, 0.0, below=1.0)
        self.beta_2 = self._checked("beta_2", beta_2, 0.0, below=1.0)
        self.epsilon = self._checked("epsilon", default_epsilon() if epsilon is None else epsilon, 0.0)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (self.slot_names,)

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        means, norms = (slots[name] for name in self.slot_names)
        torch._foreach_lerp_(means, gradients, 1.0 - self.beta_1)
        torch._foreach_mul_(norms, self.beta_2)
        torch._foreach_maximum_(norms, torch._foreach_abs(gradients))
        denominators = torch._foreach_add(norms, self.epsilon)
        correction = 1.0 - power_in(weights[0].dtype, self.beta_1, step)
        torch._foreach_addcdiv_(weights, means, denominators, -rate / correction)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
