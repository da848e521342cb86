"""Adam, and its form with AMSGrad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.plan import Plan
from kerastorch.optimizers.rounding import power_in
from kerastorch.optimizers.schedules import LearningRateSchedule


class Adam(Optimizer):
    """Adam (https://arxiv.org/abs/1412.6980) in the form before its section 2.1, as in Keras.

    `m = beta_1 * m + (1 - beta_1) * g`, `v = beta_2 * v + (1 - beta_2) * g ** 2`, and at step t `w -=
    learning_rate * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t) * m / (sqrt(v) + epsilon)`. `amsgrad` takes the
    largest `v` so far (https://openreview.net/pdf?id=ryQu7f-RZ), `adaptive_epsilon` scales epsilon as
    Algorithm 1 does.
    Raises ValueError for a beta outside [0, 1).

    >>> weight = Variable([1.0])
    >>> _ = Adam(0.1).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy().round(4)
    array([0.9], dtype=float32)
    """

    beta_1 = Hyperparameter("betas", 0)
    beta_2 = Hyperparameter("betas", 1)
    fuses_weight_decay = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        name: str = "Adam",
        adaptive_epsilon: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self.beta_1 = self._checked("beta_1", beta_1, 0.0, below=1.0)
        self.beta_2 = self._checked("beta_2", beta_2, 0.0, below=1.0)
        self.epsilon = self._checked("epsilon", default_epsilon() if epsilon is None else epsilon, 0.0)
        self.amsgrad = bool(amsgrad)
        self.adaptive_epsilon = bool(adaptive_epsilon)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("m", "v"), ("vhat",)) if self.amsgrad else (("m", "v"),)

    def _betas(self, dtype: torch.dtype) -> tuple[float, float]:
        """The two betas as the rule for weights of this dtype multiplies by them."""
        return self.param_groups[0]["betas"]

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter, learning_rate: Any = None) -> None:
        rate = self.current_rate() if learning_rate is None else float(learning_rate)
        step = int(self.iterations) + 1
        beta_1, beta_2 = self._betas(variable.dtype)
        power_1, power_2 = (power_in(variable.dtype, beta, step) for beta in (beta_1, beta_2))
        correction = math.sqrt(1.0 - power_2)
        epsilon = self.epsilon * correction if self.adaptive_epsilon else self.epsilon
        momentum, velocity = self.slot(variable, "m"), self.slot(variable, "v")
        momentum.lerp_(gradient, 1.0 - beta_1)
        velocity.mul_(beta_2).addcmul_(gradient, gradient, value=1.0 - beta_2)
        if self.amsgrad:
            largest = self.slot(variable, "vhat")
            velocity = torch.maximum(largest, velocity, out=largest)
        scale = rate * correction / (1.0 - power_1)
        variable.addcdiv_(momentum, velocity.sqrt().add_(epsilon), value=-scale)

    def fused_step(self, plan: Plan, gradients: Tensors, rate: float, step: int, weight_decay: float) -> None:
        dtype = plan.weights[0].dtype
        beta_1, beta_2 = self._betas(dtype)
        # The kernel divides by 1 - beta ** t in float64. Keras does so in the weights' dtype, which for
        # float32 differs by 3e-5 at the first steps: the learning rate takes up the difference.
        exact_1, exact_2 = 1.0 - beta_1**step, 1.0 - beta_2**step
        correction_1, correction_2 = 1.0 - power_in(dtype, beta_1, step), 1.0 - power_in(dtype, beta_2, step)
        kernel_rate = rate * math.sqrt(correction_2 / exact_2) * exact_1 / correction_1
        # The kernel adds epsilon after it has divided sqrt(v) by sqrt(1 - beta_2 ** t), Keras adds it before.
        epsilon = self.epsilon if self.adaptive_epsilon else self.epsilon / math.sqrt(exact_2)
        slots = plan.slots
        kernel = torch._fused_adamw_ if weight_decay else torch._fused_adam_
        kernel(
            plan.weights,
            gradients,
            slots["m"],
            slots["v"],
            slots["vhat"] if self.amsgrad else [],
            plan.steps_at(step),
            lr=kernel_rate,
            beta1=beta_1,
            beta2=beta_2,
            weight_decay=weight_decay * rate / kernel_rate if weight_decay and kernel_rate else 0.0,
            eps=epsilon,
            amsgrad=self.amsgrad,
            maximize=False,
            found_inf=self.found_inf,
        )

    def get_config(self) -> dict[str, Any]:
        return (
            super().get_config()
            | {
                "beta_1": self.beta_1,
                "beta_2": self.beta_2,
                "epsilon": self.epsilon,
                "amsgrad": self.amsgrad,
            }
            | ({"adaptive_epsilon": True} if self.adaptive_epsilon else {})
        )
