"""Adam and its forms with AMSGrad and decoupled weight decay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch.core.config import epsilon as default_epsilon
from kerastorch.optimizers.arguments import Hyperparameter
from kerastorch.optimizers.optimizer import Optimizer
from kerastorch.optimizers.plan import Plan
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

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter) -> None:
        step = int(self.iterations) + 1
        power_1, power_2 = (_power(beta, step, variable.dtype) for beta in (self.beta_1, self.beta_2))
        correction = math.sqrt(1.0 - power_2)
        epsilon = self.epsilon * correction if self.adaptive_epsilon else self.epsilon
        momentum, velocity = self.slot(variable, "m"), self.slot(variable, "v")
        momentum.lerp_(gradient, 1.0 - self.beta_1)
        velocity.mul_(self.beta_2).addcmul_(gradient, gradient, value=1.0 - self.beta_2)
        if self.amsgrad:
            largest = self.slot(variable, "vhat")
            velocity = torch.maximum(largest, velocity, out=largest)
        scale = self.current_rate() * correction / (1.0 - power_1)
        variable.addcdiv_(momentum, velocity.sqrt().add_(epsilon), value=-scale)

    def fused_step(
        self, plan: Plan, gradients: list[torch.Tensor], rate: float, step: int, weight_decay: float
    ) -> None:
        beta_1, beta_2 = self.param_groups[0]["betas"]
        dtype = plan.weights[0].dtype
        # The kernel divides by 1 - beta ** t in float64. Keras does so in the weights' dtype, which for
        # float32 differs by 3e-5 at the first steps: the learning rate takes up the difference.
        exact_1, exact_2 = 1.0 - beta_1**step, 1.0 - beta_2**step
        correction_1, correction_2 = 1.0 - _power(beta_1, step, dtype), 1.0 - _power(beta_2, step, dtype)
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


def _power(beta: float, step: int, dtype: torch.dtype) -> float:
    """`beta ** step` as Keras computes it: in the dtype of the weights."""
    if dtype == torch.float64:
        return beta**step
    return float(np.float32(float(np.float32(beta)) ** step))


class AdamW(Adam):
    """Adam whose weights also shrink by `learning_rate * weight_decay` a step (https://arxiv.org/abs/1711.05101).

    Raises ValueError when `weight_decay` is None.

    >>> weight = Variable([1.0])
    >>> _ = AdamW(0.1, weight_decay=0.5).apply_gradients([(torch.zeros(1), weight)])
    >>> weight.numpy()
    array([0.95], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float | None = 1e-7,
        amsgrad: bool = False,
        name: str = "AdamW",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, name, weight_decay=weight_decay, **options)
        if weight_decay is None:
            raise self._error("a number as weight_decay", "None", "Pass a number, or use Adam.")
