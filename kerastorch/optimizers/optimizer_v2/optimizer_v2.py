"""The base of the optimizers as they were before Keras 2.11."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.config import torch_dtype
from kerastorch.core.variable import Variable
from kerastorch.optimizers.gradients import clip_by_global_norm, clip_by_norm, clip_by_value, name_of
from kerastorch.optimizers.optimizer import Optimizer, Tensors
from kerastorch.optimizers.schedules import LearningRateSchedule

# Arguments that optimizers have had since Keras 2.11.
_LATER = frozenset({"weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency", "jit_compile"}) | {
    "is_legacy_optimizer",
    "loss_scale_factor",
    "gradient_accumulation_steps",
}


class OptimizerV2(Optimizer):
    """Base of `optimizers.legacy`: `decay` without a warning, no weight decay and no moving averages.

    Differs from `Optimizer` in that all clips apply, first by value and last by the global norm, that a number
    may be assigned where a schedule decides, and in the order of the variables. A new rule defines
    `_create_slots(var_list)` by `add_slot` and `_resource_apply_dense(grad, var)`.
    Raises ValueError for negative numbers and TypeError for unknown arguments.

    >>> class Plain(OptimizerV2):
    ...     def _resource_apply_dense(self, grad, var, apply_state=None):
    ...         var.assign_sub(self._decayed_lr() * grad)
    >>> weight = Variable([1.0])
    >>> _ = Plain("Plain", learning_rate=0.5).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy()
    array([0.5], dtype=float32)
    """

    warns_of_decay = False
    replaces_schedules = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.name = options.get("name") or type(self).__name__  # for the error below
        refused = [name for name in options if name in _LATER]
        if refused:
            advice = f"optimizers.{type(self).__name__} takes it."
            raise self._error("an argument of a legacy optimizer", repr(refused[0]), advice, TypeError)
        super().__init__(*arguments, **options)
        self._initial_decay = self.decay

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "_resource_apply_dense" in vars(cls) and "update_step" not in vars(cls):
            cls.update_step = _old_rule
        super().__init_subclass__(**kwargs)

    def _clip_gradients(self, gradients: Tensors) -> Tensors:
        if self.clipvalue is not None:
            gradients = clip_by_value(gradients, self.clipvalue)
        if self.clipnorm is not None:
            gradients = clip_by_norm(gradients, self.clipnorm)
        return gradients if self.global_clipnorm is None else clip_by_global_norm(gradients, self.global_clipnorm)

    # ------------------------------------------------------------------ variables

    def _slot_title(self, name: str, variable: nn.Parameter) -> str:
        return f"{self.name}/{name_of(variable).removesuffix(':0')}/{name}:0"

    def _create_all_weights(self, var_list: Iterable[nn.Parameter]) -> None:
        """Another name of `build`."""
        self.build(var_list)

    def add_slot(
        self, var: nn.Parameter, slot_name: str, initializer: str | Callable[..., Any] | torch.Tensor = "zeros"
    ) -> Variable:
        """The slot `slot_name` of a weight, made if it is not there yet."""
        known = self._slots[id(var)]
        if slot_name in known:
            return known[slot_name]
        if isinstance(initializer, torch.Tensor):
            return self.add_variable_from_reference(var, slot_name, initial_value=initializer)
        return self.add_variable_from_reference(var, slot_name, initializer=initializer)

    def get_slot(self, var: nn.Parameter, slot_name: str) -> Variable:
        """The slot `slot_name` of a weight."""
        return self.slot(var, slot_name)

    def get_slot_names(self) -> list[str]:
        """The names of all slots."""
        return list(dict.fromkeys(name for slots in self._slots.values() for name in slots))

    def add_weight(
        self, name: str, shape: Sequence[int], dtype: Any = None, initializer: Any = "zeros", **options: Any
    ) -> Variable:
        """A variable of the optimizer's own; what Keras takes beside is accepted and has no effect."""
        return self.add_variable(shape, dtype, initializer, name)

    # ------------------------------------------------------------------ rules in the old way

    def _set_hyper(self, name: str, value: Any) -> None:
        """Set a number of the rule, or the learning rate, by its name."""
        if name == "learning_rate":
            self._rate.set(self._checked_rate(value), self._iterations)
        else:
            setattr(self, name, value)

    def _get_hyper(self, name: str, dtype: Any = None) -> Any:
        """What `_set_hyper` set; the learning rate as a variable or schedule."""
        value = self._learning_rate if name == "learning_rate" else getattr(self, name)
        return value() if callable(value) and not isinstance(value, LearningRateSchedule) else value

    def _serialize_hyperparameter(self, name: str) -> Any:
        """The value of a hyperparameter for `get_config`."""
        return self._rate_for_config() if name == "learning_rate" else self._get_hyper(name)

    def _decayed_lr(self, var_dtype: Any = None) -> torch.Tensor:
        """The learning rate of the running or the next update, decayed."""
        rate = self._rate.at(self._iterations) / (1.0 + self.decay * self._updates())
        return torch.tensor(rate, dtype=torch_dtype(var_dtype))

    def get_gradients(self, loss: torch.Tensor, params: Iterable[nn.Parameter]) -> list[torch.Tensor | None]:
        """The gradients of `loss`, clipped."""
        pairs = self.compute_gradients(loss, list(params))
        present = [gradient for gradient, _ in pairs if gradient is not None]
        clipped = iter(self._clip_gradients(present))
        return [None if gradient is None else next(clipped) for gradient, _ in pairs]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; subclasses add theirs."""
        config = {name: value for name, value in super().get_config().items() if name not in _LATER}
        for name in ("clipnorm", "clipvalue", "global_clipnorm"):
            if config[name] is None:
                del config[name]
        return config | {"decay": self.decay}


def _old_rule(self: OptimizerV2, gradient: torch.Tensor, variable: nn.Parameter, learning_rate: Any = None) -> None:
    self._resource_apply_dense(gradient, variable)
