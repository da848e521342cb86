"""Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from kerastorch.optimizers.adam import Adam
from kerastorch.optimizers.schedules import LearningRateSchedule


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
