"""Nadam as it was before Keras 2.11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from kerastorch.core.config import dtype_name
from kerastorch.core.variable import Variable
from kerastorch.optimizers import nadam
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2


class Nadam(OptimizerV2, nadam.Nadam):
    """Today's rule with `u_t = beta_1 * (1 - 0.5 * 0.96 ** (schedule_decay * t))`; U is saved as 'momentum_cache'.

    Raises ValueError for a schedule as the learning rate.
    """

    def __init__(self, *arguments: Any, schedule_decay: float = 0.004, **options: Any) -> None:
        ignored = options.pop("decay", None)
        super().__init__(*arguments, **options)
        self.schedule_decay = self._checked("schedule_decay", schedule_decay, 0.0)
        if self._rate.schedule is not None:
            raise self._error("a number as the learning rate", "a schedule", "Use optimizers.Nadam, which takes one.")
        if ignored:
            self._warn("`decay` has no effect on this optimizer; `schedule_decay` sets how its momentum grows.")
        self._momentum_cache: Variable | None = None

    def slot_groups(self) -> Sequence[Sequence[str]]:
        return (("m",), ("v",))

    def _create_slots(self, var_list: Sequence[nn.Parameter]) -> None:
        if self._momentum_cache is None:
            dtype = dtype_name(var_list[0].dtype)
            self._momentum_cache = self.add_weight("momentum_cache", (), dtype, "ones")
        super()._create_slots(var_list)

    def _momentum_at(self, step: int) -> float:
        return self.beta_1 * (1.0 - 0.5 * 0.96 ** (self.schedule_decay * step))

    def _product_at(self, step: int) -> float:
        known, product = self.param_groups[0]["product"]
        if known != step:
            product = self._momentum_cache.item() * self._momentum_at(step)
            self._momentum_cache.fill_(product)
            self.param_groups[0]["product"] = (step, product)
        return product

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"decay": self.schedule_decay}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The optimizer that `get_config` described; its 'decay' is `schedule_decay`."""
        arguments = {key: value for key, value in config.items() if key != "decay"}
        return super().from_config(arguments | {"schedule_decay": config.get("decay", 0.004)}, custom_objects)
