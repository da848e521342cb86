"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer, Tensors
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

    slot_name = "m"

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return ((self.slot_name,),)  # there even without momentum, as in tf.keras' files

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter, learning_rate: Any = None) -> None:
        rate = self.current_rate() if learning_rate is None else float(learning_rate)
        if not self.momentum:
            variable.sub_(gradient, alpha=rate)
            return
        velocity = self.slot(variable, self.slot_name)
        velocity.mul_(self.momentum).sub_(gradient, alpha=rate)
        if self.nesterov:
            variable.add_(velocity, alpha=self.momentum).sub_(gradient, alpha=rate)
        else:
            variable.add_(velocity)

    def fused_step(self, plan: Plan, gradients: Tensors, rate: float, step: int, weight_decay: float) -> None:
        momentum = self.momentum
        if momentum and self.nesterov:
            for weights, part, slots in plan.blocks(gradients):
                velocities = slots[self.slot_name]
                _step(weights, part, velocities, momentum, rate, rate, nesterov=True)
                # the kernel has added -rate * (gradient + momentum * velocity); this leaves what Keras adds
                torch._foreach_add_(weights, velocities, alpha=momentum * (1.0 + rate))
        elif momentum:
            _step(plan.weights, gradients, plan.slots[self.slot_name], momentum, rate, -1.0, found_inf=self.found_inf)
        else:
            _step(plan.weights, gradients, [], 0.0, 0.0, rate, found_inf=self.found_inf)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"momentum": self.momentum, "nesterov": self.nesterov}


def _step(
    weights: Tensors,
    gradients: Tensors,
    velocities: Tensors,
    momentum: float,
    rate: float,
    kernel_rate: float,
    nesterov: bool = False,
    found_inf: torch.Tensor | None = None,
) -> None:
    """torch's kernel with Keras' velocity.

    torch's leaves the learning rate out. With dampening 1 + rate the kernel adds -rate * gradient to it, which is
    Keras' velocity, and a kernel rate of -1 then adds that to the weight.
    """
    torch._fused_sgd_(
        weights,
        gradients,
        velocities,
        weight_decay=0.0,
        momentum=momentum,
        lr=kernel_rate,
        dampening=1.0 + rate if momentum else 0.0,
        nesterov=nesterov,
        maximize=False,
        is_first_step=False,
        found_inf=found_inf,
    )
