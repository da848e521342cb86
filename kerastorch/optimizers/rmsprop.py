"""RMSprop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer
from kerastorch.optimizers.plan import Plan
from kerastorch.optimizers.schedules import LearningRateSchedule


class RMSprop(Optimizer):
    """Divides the gradient by a running root mean square of itself, as in Keras.

    `v = rho * v + (1 - rho) * g ** 2; w -= learning_rate * g / sqrt(v + epsilon)`. `centered` subtracts the
    square of the running mean gradient from `v`; `momentum` accumulates the steps.
    Raises ValueError for `rho` or `momentum` outside [0, 1].

    >>> weight = Variable([1.0])
    >>> _ = RMSprop(0.1, rho=0.75).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy().round(4)
    array([0.8], dtype=float32)
    """

    momentum = Hyperparameter("momentum")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float | None = 1e-7,
        centered: bool = False,
        name: str = "RMSprop",
        ema_overwrite_frequency: int | None = 100,
        **options: Any,
    ) -> None:
        super().__init__(
            name=name, learning_rate=learning_rate, ema_overwrite_frequency=ema_overwrite_frequency, **options
        )
        self.rho = self._checked("rho", rho, 0.0, 1.0)
        self.momentum = self._checked("momentum", momentum, 0.0, 1.0)
        self.epsilon = self._checked("epsilon", default_epsilon() if epsilon is None else epsilon, 0.0)
        self.centered = bool(centered)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        chosen = (("velocity", True), ("momentum", self.momentum > 0), ("average_gradient", self.centered))
        return tuple((name,) for name, wanted in chosen if wanted)

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter) -> None:
        velocity = self.slot(variable, "velocity")
        velocity.mul_(self.rho).addcmul_(gradient, gradient, value=1.0 - self.rho)
        denominator = velocity + self.epsilon
        if self.centered:
            average = self.slot(variable, "average_gradient").lerp_(gradient, 1.0 - self.rho)
            denominator.addcmul_(average, average, value=-1.0)
        increment = gradient * denominator.rsqrt_()
        if self.momentum > 0:
            momentum = self.slot(variable, "momentum")
            variable.sub_(momentum.mul_(self.momentum).add_(increment, alpha=self.current_rate()))
        else:
            variable.sub_(increment, alpha=self.current_rate())

    def fused_step(
        self, plan: Plan, gradients: list[torch.Tensor], rate: float, step: int, weight_decay: float
    ) -> None:
        # torch has no fused kernel that adds epsilon under the root; this is the rule on lists
        velocities, rho = plan.slots["velocity"], self.rho
        torch._foreach_mul_(velocities, rho)
        torch._foreach_addcmul_(velocities, gradients, gradients, 1.0 - rho)
        denominators = torch._foreach_add(velocities, self.epsilon)
        if self.centered:
            averages = plan.slots["average_gradient"]
            torch._foreach_lerp_(averages, gradients, 1.0 - rho)
            torch._foreach_addcmul_(denominators, averages, averages, -1.0)
        torch._foreach_sqrt_(denominators)
        momentum = self.momentum
        if momentum > 0:
            momenta = plan.slots["momentum"]
            torch._foreach_mul_(momenta, momentum)
            torch._foreach_addcdiv_(momenta, gradients, denominators, rate)
            torch._foreach_sub_(plan.weights, momenta)
        else:
            torch._foreach_addcdiv_(plan.weights, gradients, denominators, -rate)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
