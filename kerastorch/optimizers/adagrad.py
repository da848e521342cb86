"""Adagrad."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.core.variable import Variable
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.plan import Plan
from kerastorch.optimizers.schedules import LearningRateSchedule


class Adagrad(Optimizer):
    """Divides by the root of all squared gradients so far (https://jmlr.org/papers/v12/duchi11a.html), as in Keras.

    `a = a + g ** 2; w -= learning_rate * g / sqrt(a + epsilon)`, where `a` starts at `initial_accumulator_value`.
    Raises ValueError for a negative `initial_accumulator_value`.

    >>> weight = Variable([1.0])
    >>> _ = Adagrad(0.1, initial_accumulator_value=3.0).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy().round(4)
    array([0.95], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float | None = 1e-7,
        name: str = "Adagrad",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self.initial_accumulator_value = self._checked("initial_accumulator_value", initial_accumulator_value, 0.0)
        self.epsilon = self._checked("epsilon", default_epsilon() if epsilon is None else epsilon, 0.0)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("accumulator",),)

    def create_slot(self, name: str, variable: nn.Parameter) -> Variable:
        start = torch.tensor(self.initial_accumulator_value)
        return self.add_variable_from_reference(variable, name, initial_value=start)

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        torch._foreach_addcmul_(slots["accumulator"], gradients, gradients, 1.0)
        denominators = torch._foreach_add(slots["accumulator"], self.epsilon)
        torch._foreach_sqrt_(denominators)
        torch._foreach_addcdiv_(weights, gradients, denominators, -rate)

    def _kernel_epsilon(self) -> float | None:
        """What has to be added to sqrt(a) to get sqrt(a + epsilon) to the last digit of float32, if that is possible.

        Accumulators never fall below their start. If epsilon is a millionth of that or less, its first-order
        term there is good to 1.25e-7 of the root for every larger accumulator too.
        """
        start = self.initial_accumulator_value
        return self.epsilon / (2.0 * math.sqrt(start)) if self.epsilon <= 1.01e-6 * start else None

    def fused_step(self, plan: Plan, gradients: Tensors, rate: float, step: int, weight_decay: float) -> None:
        epsilon = self._kernel_epsilon()
        first = plan.weights[0]
        if epsilon is None or first.device.type != "cpu" or first.dtype == torch.float64:
            super().fused_step(plan, gradients, rate, step, weight_decay)
            return
        torch._fused_adagrad_(
            plan.weights,
            gradients,
            plan.slots["accumulator"],
            plan.steps_at(step),
            lr=rate,
            lr_decay=0.0,
            weight_decay=0.0,
            eps=epsilon,
            maximize=False,
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
