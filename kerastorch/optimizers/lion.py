"""Lion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.rounding import rounded_to
from kerastorch.optimizers.schedules import LearningRateSchedule


class Lion(Optimizer):
    """Steps of one size in the direction of a momentum's sign (https://arxiv.org/abs/2302.06675), as in Keras.

    `w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g`.
    Raises ValueError for `beta_1` outside (0, 1] or `beta_2` outside [0, 1].

    >>> weight = Variable([1.0, 1.0])
    >>> _ = Lion(0.25).apply_gradients([(torch.tensor([3.0, -0.1]), weight)])
    >>> weight.numpy()
    array([0.75, 1.25], dtype=float32)
    """

    beta_1 = Hyperparameter("betas", 0)
    beta_2 = Hyperparameter("betas", 1)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.0001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        name: str = "Lion",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self.beta_1 = self._checked_positive("beta_1", self._checked("beta_1", beta_1, 0.0, 1.0))
        self.beta_2 = self._checked("beta_2", beta_2, 0.0, 1.0)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("m",),)

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        beta_1, beta_2 = (rounded_to(weights[0].dtype, beta) for beta in (self.beta_1, self.beta_2))
        directions = torch._foreach_lerp(slots["m"], gradients, 1.0 - beta_1)
        torch._foreach_sign_(directions)
        torch._foreach_add_(weights, directions, alpha=-rate)
        torch._foreach_lerp_(slots["m"], gradients, 1.0 - beta_2)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta_1": self.beta_1, "beta_2": self.beta_2}
