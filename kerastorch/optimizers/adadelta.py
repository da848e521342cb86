"""Adadelta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.schedules import LearningRateSchedule


class Adadelta(Optimizer):
    """Scales steps by the ratio of past steps to past gradients (https://arxiv.org/abs/1212.5701), as in Keras.

    `a = rho * a + (1 - rho) * g ** 2; d = g * sqrt((b + epsilon) / (a + epsilon)); b = rho * b + (1 - rho) * d ** 2;
    w -= learning_rate * d`.
    Raises ValueError for `rho` outside [0, 1].

    >>> weight = Variable([1.0])
    >>> _ = Adadelta(1.0, rho=0.75, epsilon=0.25).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy().round(4)
    array([0.2929], dtype=float32)
    """

    slot_names = ("accumulated_grad", "accumulated_delta_var")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.95,
        epsilon: float | None = 1e-7,
        name: str = "Adadelta",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self.rho = self._checked("rho", rho, 0.0, 1.0)
        self.epsilon = self._checked("epsilon", default_epsilon() if epsilon is None else epsilon, 0.0)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (self.slot_names,)

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        squares, past_steps = (slots[name] for name in self.slot_names)
        torch._foreach_mul_(squares, self.rho)
        torch._foreach_addcmul_(squares, gradients, gradients, 1.0 - self.rho)
        steps = torch._foreach_add(past_steps, self.epsilon)
        torch._foreach_div_(steps, torch._foreach_add(squares, self.epsilon))
        torch._foreach_sqrt_(steps)
        torch._foreach_mul_(steps, gradients)
        torch._foreach_mul_(past_steps, self.rho)
        torch._foreach_addcmul_(past_steps, steps, steps, 1.0 - self.rho)
        torch._foreach_add_(weights, steps, alpha=-rate)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rho": self.rho, "epsilon": self.epsilon}
