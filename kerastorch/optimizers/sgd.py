"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer
from kerastorch.optimizers.plan import Plan
from kerastorch.optimizers.schedules import LearningRateSchedule


class SGD(Optimizer):
    """Stochastic gradient descent: `m = momentum * m - learning_rate * g; w += m`.

    With `nesterov`, `w += momentum * m - learning_rate * g` instead.

    Takes `weight_decay`, `clipnorm`, `clipvalue`, `global_clipnorm`, `use_ema` and the rest of `Optimizer`.
    Raises ValueError for a momentum outside [0, 1].

    >>> weight = Variable([1.0])
    >>> _ = SGD(0.1).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy()
    array([0.9], dtype=float32)
    """

    momentum = Hyperparameter("momentum")
    nesterov = Hyperparameter("nesterov")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        name: str = "SGD",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self.momentum = self._checked("momentum", momentum, 0.0, 1.0)
        self.nesterov = bool(nesterov)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("m",),)  # there even without momentum, as in tf.keras' files

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter) -> None:
        rate = self.current_rate()
        velocity = self.slot(variable, "m")
        velocity.mul_(self.momentum).sub_(gradient, alpha=rate)
        if self.nesterov:
            variable.add_(velocity, alpha=self.momentum).sub_(gradient, alpha=rate)
        else:
            variable.add_(velocity)

    def fused_step(
        self, plan: Plan, gradients: list[torch.Tensor], rate: float, step: int, weight_decay: float
    ) -> None:
        momentum = self.momentum
        nesterov = bool(momentum) and self.nesterov
        # torch's velocity leaves the learning rate out. With dampening 1 + rate the kernel adds -rate *
        # gradient to it, which is Keras' velocity, and a rate of -1 then adds that to the weight.
        torch._fused_sgd_(
            plan.weights,
            gradients,
            plan.slots["m"] if momentum else [],
            weight_decay=0.0,
            momentum=momentum,
            lr=rate if nesterov or not momentum else -1.0,
            dampening=1.0 + rate if momentum else 0.0,
            nesterov=nesterov,
            maximize=False,
            is_first_step=False,
        )
        if nesterov:
            # the kernel has added -rate * (gradient + momentum * velocity); this leaves what Keras adds
            torch._foreach_add_(plan.weights, plan.slots["m"], alpha=momentum * (1.0 + rate))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}
