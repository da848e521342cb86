"""RMSprop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer, Tensors
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

    slot_names = ("velocity", "momentum", "average_gradient")

    def slot_groups(self) -> Sequence[Sequence[str]]:
        wanted = (True, self.momentum > 0, self.centered)
        return tuple((name,) for name, chosen in zip(self.slot_names, wanted, strict=True) if chosen)

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        denominators = self._denominators(gradients, slots)
        if self.momentum > 0:
            momenta = slots[self.slot_names[1]]
            torch._foreach_mul_(momenta, self.momentum)
            torch._foreach_addcdiv_(momenta, gradients, denominators, rate)
            torch._foreach_sub_(weights, momenta)
        else:
            torch._foreach_addcdiv_(weights, gradients, denominators, -rate)

    def _denominators(self, gradients: Tensors, slots: Mapping[str, Tensors]) -> Tensors:
        """sqrt(v + epsilon), with `v` moved on by the gradients."""
        velocities = self._moved_velocities(gradients, slots)
        found = torch._foreach_add(velocities, self.epsilon)
        self._centre(found, gradients, slots)
        torch._foreach_sqrt_(found)
        return found

    def _moved_velocities(self, gradients: Tensors, slots: Mapping[str, Tensors]) -> Tensors:
        velocities = slots[self.slot_names[0]]
        torch._foreach_mul_(velocities, self.rho)
        torch._foreach_addcmul_(velocities, gradients, gradients, 1.0 - self.rho)
        return velocities

    def _centre(self, squares: Tensors, gradients: Tensors, slots: Mapping[str, Tensors]) -> None:
        """Subtract the square of the running mean gradient, if that is asked for."""
        if self.centered:
            averages = slots[self.slot_names[2]]
            torch._foreach_lerp_(averages, gradients, 1.0 - self.rho)
            torch._foreach_addcmul_(squares, averages, averages, -1.0)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
