"""Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.variable import Variable
from kerastorch.optimizers.optimizer import Optimizer
from kerastorch.optimizers.schedules import LearningRateSchedule


class Adafactor(Optimizer):
    """Adam's second moment from the means of rows and columns (https://arxiv.org/abs/1804.04235), as in Keras.

    For a weight with two axes or more, `r` and `c` are running means of `g ** 2 + epsilon_1` over its last and its
    last but one axis, and `v = r / mean(r) * c`; otherwise `v` is the running mean itself. At step t the means keep
    `1 - t ** beta_2_decay`, and with `u = g / sqrt(v)`, `w -= max(epsilon_2, rms(w)) * min(learning_rate, t ** -0.5) *
    u / max(1, rms(u) / clip_threshold)`. Keras' `relative_step` changes nothing in this.
    Raises ValueError for negative epsilons, or unless `clip_threshold` is above 0.

    >>> weight = Variable([1.0, 1.0])
    >>> _ = Adafactor(0.1).apply_gradients([(torch.tensor([2.0, -2.0]), weight)])
    >>> weight.numpy().round(4)
    array([0.9, 1.1], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        name: str = "Adafactor",
        **options: Any,
    ) -> None:
        super().__init__(name=name, learning_rate=learning_rate, **options)
        self._as_number("beta_2_decay", beta_2_decay, "a number")
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = self._checked("epsilon_1", epsilon_1, 0.0)
        self.epsilon_2 = self._checked("epsilon_2", epsilon_2, 0.0)
        self.clip_threshold = self._checked_positive("clip_threshold", clip_threshold)
        self.relative_step = bool(relative_step)

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("r", "c", "v"),)

    def create_slot(self, name: str, variable: nn.Parameter) -> Variable | None:
        shape = tuple(variable.shape)
        if name != "v" and len(shape) < 2:
            return None
        shapes = {"r": shape[:-1], "c": (*shape[:-2], *shape[-1:]), "v": shape}
        return self.add_variable_from_reference(variable, name, shapes[name])

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter, learning_rate: Any = None) -> None:
        rate = self.current_rate() if learning_rate is None else float(learning_rate)
        step = int(self.iterations) + 1
        fresh = float(step) ** self.beta_2_decay
        moment = self.slot(variable, "v")
        if variable.dim() >= 2:
            rows, columns = self.slot(variable, "r"), self.slot(variable, "c")
            rows.lerp_(self._mean_square(gradient, -1), fresh)
            columns.lerp_(self._mean_square(gradient, -2), fresh)
            shares = rows / rows.mean(-1, keepdim=True)
            torch.mul(shares.unsqueeze(-1), columns.unsqueeze(-2), out=moment)
        else:
            moment.lerp_(gradient.square().add_(self.epsilon_1), fresh)
        update = moment.rsqrt().mul_(gradient)
        size = _root_mean_square(variable).clamp_(min=self.epsilon_2).mul_(min(rate, step**-0.5))
        size.div_(_root_mean_square(update).div_(self.clip_threshold).clamp_(min=1.0))
        variable.addcmul_(update, size, value=-1.0)

    def _mean_square(self, gradient: torch.Tensor, axis: int) -> torch.Tensor:
        """The mean of g ** 2 + epsilon_1 over an axis, without a square of the gradient's size in between."""
        norms = torch.linalg.vector_norm(gradient, dim=axis)
        return norms.square_().div_(gradient.shape[axis]).add_(self.epsilon_1)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _root_mean_square(tensor: torch.Tensor) -> torch.Tensor:
    return torch.linalg.vector_norm(tensor).div_(max(1, tensor.numel()) ** 0.5)
