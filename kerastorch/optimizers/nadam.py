"""Adam with Nesterov momentum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.plan import Plan
from kerastorch.optimizers.rounding import power_in, rounded_to
from kerastorch.optimizers.schedules import LearningRateSchedule


class Coefficients(NamedTuple):
    """What the rule multiplies by in one step; the betas as the weights' dtype holds them."""

    beta_1: float
    beta_2: float
    momentum: float
    gradient: float
    correction: float


class Nadam(Optimizer):
    """Adam that looks ahead (http://cs229.stanford.edu/proj2015/054_report.pdf), as in Keras.

    With `m` and `v` of Adam, `u_t = beta_1 * (1 - 0.5 * 0.96 ** t)` and `U_t = u_1 * ... * u_t`, step t is
    `w -= learning_rate * (u_{t+1} * m / (1 - U_{t+1}) + (1 - u_t) * g / (1 - U_t)) / (sqrt(v / (1 - beta_2 ** t)) +
    epsilon)`.
    Raises ValueError for a beta outside [0, 1).

    >>> weight = Variable([1.0])
    >>> _ = Nadam(0.1).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy().round(4)
    array([0.8937], dtype=float32)
    """

    beta_1 = Hyperparameter("betas", 0)
    beta_2 = Hyperparameter("betas", 1)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        name: str = "Nadam",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self.beta_1 = self._checked("beta_1", beta_1, 0.0, below=1.0)
        self.beta_2 = self._checked("beta_2", beta_2, 0.0, below=1.0)
        self.epsilon = self._checked("epsilon", default_epsilon() if epsilon is None else epsilon, 0.0)
        # the last step and its U; in the group, so that it is saved with the rest of the state
        self.param_groups[0]["product"] = self.defaults["product"] = (0, 1.0)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("m", "v"),)

    def _momentum_at(self, step: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96**step)

    def _product_at(self, step: int) -> float:
        """U of `step`, from the one before where that is known."""
        known, product = self.param_groups[0]["product"]
        if known != step:
            if known != step - 1:
                product = math.prod(map(self._momentum_at, range(1, step)))
            product *= self._momentum_at(step)
            self.param_groups[0]["product"] = (step, product)
        return product

    def product_after(self, step: int) -> float:
        """U after a number of steps; some files hold it and others do not."""
        return math.prod(map(self._momentum_at, range(1, step + 1)))

    def _coefficients(self, step: int, dtype: torch.dtype) -> Coefficients:
        now, following = self._momentum_at(step), self._momentum_at(step + 1)
        product = self._product_at(step)
        return Coefficients(
            rounded_to(dtype, self.beta_1),
            rounded_to(dtype, self.beta_2),
            following / (1.0 - product * following),
            (1.0 - now) / (1.0 - product),
            1.0 - power_in(dtype, self.beta_2, step),
        )

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        beta_1, beta_2, momentum, gradient, correction = self._coefficients(step, weights[0].dtype)
        torch._foreach_lerp_(slots["m"], gradients, 1.0 - beta_1)
        torch._foreach_mul_(slots["v"], beta_2)
        torch._foreach_addcmul_(slots["v"], gradients, gradients, 1.0 - beta_2)
        denominators = torch._foreach_sqrt(slots["v"])
        torch._foreach_add_(denominators, self.epsilon * math.sqrt(correction))
        rate *= math.sqrt(correction)
        torch._foreach_addcdiv_(weights, slots["m"], denominators, -rate * momentum)
        torch._foreach_addcdiv_(weights, gradients, denominators, -rate * gradient)

    def fused_step(self, plan: Plan, gradients: Tensors, rate: float, step: int, weight_decay: float) -> None:
        beta_1, beta_2, momentum, gradient, correction = self._coefficients(step, plan.weights[0].dtype)
        # The sum of the two terms is again a mean of the old m and the gradient, with another beta, so that Adam's
        # kernel can take the step; a second look at the gradient then turns that mean into Keras' m.
        beta = beta_1 * momentum / (momentum + gradient)
        exact = 1.0 - beta_2**step
        scale = math.sqrt(correction / exact)
        torch._fused_adam_(
            plan.weights,
            gradients,
            plan.slots["m"],
            plan.slots["v"],
            [],
            plan.steps_at(step),
            lr=rate * scale * (momentum + gradient) * (1.0 - beta**step),
            beta1=beta,
            beta2=beta_2,
            weight_decay=0.0,
            eps=self.epsilon * scale,
            amsgrad=False,
            maximize=False,
        )
        if beta:
            torch._foreach_lerp_(plan.slots["m"], gradients, 1.0 - beta_1 / beta)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
