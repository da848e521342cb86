"""Follow the regularized leader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.variable import Variable
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.schedules import LearningRateSchedule


class Ftrl(Optimizer):
    """FTRL-proximal (https://research.google.com/pubs/archive/41159.pdf), as in Keras.

    With `p = -learning_rate_power`, `l2 = l2_regularization_strength + beta / (2 * learning_rate)` and the gradient
    `g' = g + 2 * l2_shrinkage_regularization_strength * w`: `b = a + g ** 2; z += g' - (b ** p - a ** p) /
    learning_rate * w; w = (clip(z, -l1, l1) - z) / (b ** p / learning_rate + 2 * l2); a = b`.
    Raises ValueError for negative strengths or accumulators, or a positive `learning_rate_power`.

    >>> weight = Variable([1.0])
    >>> _ = Ftrl(1.0, initial_accumulator_value=3.0).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy().round(4)
    array([-0.366], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        name: str = "Ftrl",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        if self._as_number("learning_rate_power", learning_rate_power, "a number of at most 0") > 0.0:
            raise self._error(
                "learning_rate_power of at most 0", repr(learning_rate_power), "Pass a number of at most 0."
            )
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = self._checked("initial_accumulator_value", initial_accumulator_value, 0.0)
        self.l1_regularization_strength = self._checked("l1_regularization_strength", l1_regularization_strength, 0.0)
        self.l2_regularization_strength = self._checked("l2_regularization_strength", l2_regularization_strength, 0.0)
        self.l2_shrinkage_regularization_strength = self._checked(
            "l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 0.0
        )
        self.beta = self._checked("beta", beta, 0.0)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("accumulator", "linear"),)

    def create_slot(self, name: str, variable: nn.Parameter) -> Variable:
        start = torch.tensor(self.initial_accumulator_value) if name == "accumulator" else None
        return self.add_variable_from_reference(variable, name, initial_value=start)

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        accumulators, linears = slots["accumulator"], slots["linear"]
        differences = self._powers(accumulators)
        torch._foreach_addcmul_(accumulators, gradients, gradients, 1.0)
        if not rate:
            return  # the limit of ever smaller rates, which the quotients below do not have
        powers = self._powers(accumulators)
        torch._foreach_sub_(differences, powers)
        torch._foreach_add_(linears, gradients)
        if self.l2_shrinkage_regularization_strength:
            torch._foreach_add_(linears, weights, alpha=2.0 * self.l2_shrinkage_regularization_strength)
        torch._foreach_addcmul_(linears, differences, weights, 1.0 / rate)
        # both parts of the last quotient times the learning rate
        constant = 2.0 * self.l2_regularization_strength * rate + self.beta
        if constant:
            torch._foreach_add_(powers, constant)
        if self.l1_regularization_strength:
            limit = self.l1_regularization_strength
            clipped = torch._foreach_clamp_max(torch._foreach_clamp_min(linears, -limit), limit)
            torch._foreach_sub_(clipped, linears)
            torch._foreach_zero_(weights)
            torch._foreach_addcdiv_(weights, clipped, powers, rate)
        else:
            torch._foreach_zero_(weights)
            torch._foreach_addcdiv_(weights, linears, powers, -rate)

    def _powers(self, accumulators: Tensors) -> Tensors:
        if self.learning_rate_power == -0.5:
            return list(torch._foreach_sqrt(accumulators))
        return list(torch._foreach_pow(accumulators, -self.learning_rate_power))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
