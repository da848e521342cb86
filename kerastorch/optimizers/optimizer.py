"""The base of every optimizer: Keras' methods on a `torch.optim.Optimizer`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.variable import Variable
from kerastorch.optimizers import schedules
from kerastorch.optimizers.gradients import clip_by_global_norm, clip_by_norm, clip_by_value, name_of
from kerastorch.optimizers.interface import Gradients, Interface
from kerastorch.optimizers.plan import Plan, memory_order_of
from kerastorch.optimizers.rate import Rate, scalar_variable

_PLANS_KEPT = 8

Tensors = list[torch.Tensor]


class Optimizer(Interface, torch.optim.Optimizer):
    """Base of every optimizer: made without weights, which `build` or the first update hands over.

    A new rule defines `update_step(gradient, variable)`, or Keras 3's `update_step(gradient, variable,
    learning_rate)`, and `build(var_list)` for the variables that it keeps; or, for speed, `slot_groups()` and
    `block_step`. Gradients are clipped first, then weights decay by `variable -= learning_rate * weight_decay *
    variable`, then the rule is applied, then averages and constraints.
    Raises ValueError for a number out of range and TypeError for an unknown argument.

    >>> class Plain(Optimizer):
    ...     def update_step(self, gradient, variable):
    ...         variable.assign_sub(gradient * self.learning_rate)
    >>> weight = Variable([1.0])
    >>> _ = Plain(learning_rate=0.5).apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy()
    array([0.5], dtype=float32)
    """

    def __init__(
        self,
        name: str | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        jit_compile: bool = True,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        learning_rate: float | schedules.LearningRateSchedule | None = None,
        **options: Any,
    ) -> None:
        if name is not None and not isinstance(name, str):  # Keras 3 passes the learning rate first
            name, learning_rate = None, name
        self.name = name or type(self).__name__
        self._slots: dict[int, dict[str, Variable]] = {}
        self._index_dict: dict[int, int] = {}
        self._plan: Plan | None = None
        self._plans: dict[tuple[int, ...], Plan] = {}
        super().__init__([{"params": []}], {"lr": 0.0})
        self.weight_decay = self._checked("weight_decay", weight_decay, 0.0)
        self.clipnorm = self._checked("clipnorm", clipnorm, 0.0)
        self.clipvalue = self._checked("clipvalue", clipvalue, 0.0)
        self.global_clipnorm = self._checked("global_clipnorm", global_clipnorm, 0.0)
        if clipnorm is not None and global_clipnorm is not None:
            raise self._error(
                "at most one of clipnorm and global_clipnorm",
                f"clipnorm={clipnorm} and global_clipnorm={global_clipnorm}",
                "Drop one of them.",
            )
        self.use_ema = use_ema
        self.ema_momentum = self._checked("ema_momentum", ema_momentum, 0.0, 1.0)
        self.ema_overwrite_frequency = self._checked_count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.jit_compile = bool(jit_compile)
        self.loss_scale_factor = self._checked_positive("loss_scale_factor", loss_scale_factor)
        steps = self._checked_count("gradient_accumulation_steps", gradient_accumulation_steps, 1)
        self.gradient_accumulation_steps = None if steps == 1 else steps
        self._excluded_ids: set[int] = set()
        self._excluded_names: list[str] = []
        self._missing_gradients_said = False
        self._applied_rate = 0.0
        self._iterations = scalar_variable(0, "iteration:0", torch.int64)
        self._clock = self._iterations.detach().numpy()  # the same memory, read and written without a kernel
        self._variables: list[Variable] = [self._iterations]
        self.decay = 0.0
        self._take_old_options(options)
        rate = options.pop("lr", learning_rate)
        self._reject_unknown(options)
        rate = self._checked_rate(0.001 if rate is None else rate)
        self._rate = Rate(self.param_groups[0], rate, self._iterations)

    # ------------------------------------------------------- learning rate and clock

    @property
    def learning_rate(self) -> Variable:
        """The learning rate as a 0-dim variable; assigning this property or the variable sets it."""
        self._rate.current()
        return self._rate.variable

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, Variable) and value is self._rate.variable:
            return
        value = self._checked_rate(value)
        if self._rate.schedule is not None and not callable(value) and not self.replaces_schedules:
            raise self._error(
                "a learning rate that its schedule decides",
                f"the number {value!r}",
                "Create the optimizer with a number to be able to set the learning rate.",
                TypeError,
            )
        self._rate.set(value, self._iterations)

    gradient_watcher: Callable[[Tensors, Tensors], None] | None = None  # sees gradients before and after clipping
    found_inf: torch.Tensor | None = None  # 1 where fused kernels are to change nothing; torch's name for it
    replaces_schedules = False  # whether a number may be assigned where a schedule decides

    def current_rate(self) -> float:
        """The number by which the running update multiplies; for `update_step`."""
        return self._applied_rate

    @property
    def lr(self) -> Variable:
        """Another name of `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    @property
    def _learning_rate(self) -> Any:
        return self._rate.schedule or self.learning_rate

    @_learning_rate.setter
    def _learning_rate(self, value: Any) -> None:
        self.learning_rate = value

    def _build_learning_rate(self, learning_rate: Any) -> Any:
        """Take `learning_rate`, a number or a schedule; optimizers written for Keras call this themselves."""
        self._rate.set(self._checked_rate(learning_rate), self._iterations)
        return self._learning_rate

    @property
    def iterations(self) -> Variable:
        """The number of updates so far, a 0-dim int64 variable.

        With `gradient_accumulation_steps` the optimizer counts gradients, and this is a copy of what they come to.
        """
        if self.gradient_accumulation_steps is None:
            return self._iterations
        return scalar_variable(self._updates(), "iteration:0", torch.int64)

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self._clock[()] = int(value) * (self.gradient_accumulation_steps or 1)

    def _updates(self) -> int:
        return self._clock.item() // (self.gradient_accumulation_steps or 1)

    # ------------------------------------------------------------------ updates

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter, learning_rate: Any = None) -> None:
        """The rule for one weight, in the shape of the weight; runs without autograd."""
        rate = self._applied_rate if learning_rate is None else float(learning_rate)
        slots = {name: [slot] for name, slot in self._slots[id(variable)].items()}
        self.block_step([variable], [gradient], slots, rate, self._updates() + 1)

    def block_step(
        self, weights: Tensors, gradients: Tensors, slots: Mapping[str, Tensors], rate: float, step: int
    ) -> None:
        """The rule for lists of tensors, element by element; `step` counts from 1."""
        raise NotImplementedError(
            f"{type(self).__name__} '{self.name}': expected an optimizer that defines update_step; received "
            "one without it. Define update_step(self, gradient, variable)."
        )

    def fused_step(self, plan: Plan, gradients: Tensors, rate: float, step: int, weight_decay: float) -> None:
        """The rule for all weights of `plan` at once, in memory order; `step` counts from 1."""
        for weights, part, slots in plan.blocks(gradients):
            self.block_step(weights, part, slots, rate, step)

    fuses_weight_decay = False  # whether `fused_step` applies `weight_decay` itself
    _has_fused_rule = False
    _takes_rate = False  # whether `update_step` is written for Keras 3, which hands over the learning rate

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # whoever redefines the rule for one weight has not redefined the fused one
        names = {"update_step", "block_step", "fused_step"}
        rules = next(kind for kind in cls.__mro__ if names & vars(kind).keys())
        cls._has_fused_rule = rules is not Optimizer and bool(names - {"update_step"} & vars(rules).keys())
        rate = inspect.signature(cls.update_step).parameters.get("learning_rate")
        cls._takes_rate = rate is not None and rate.default is rate.empty

    def _plan_for(self, variables: Sequence[nn.Parameter]) -> Plan:
        key = tuple(map(id, variables))
        plan = self._plans.get(key)
        if plan is None or not plan.is_current():
            self._ensure_built(variables)
            self._follow(variables)
            slots = [self._slots[identity] for identity in key]
            decays = [self._use_weight_decay(variable) for variable in variables]
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            plan = self._plans[key] = Plan(variables, slots, decays, self._has_fused_rule)
        plan.variables = variables
        self._plan = plan
        return plan

    def _follow(self, variables: Sequence[nn.Parameter]) -> None:
        """Move slots to where their weights have been moved."""
        for variable in variables:
            for slot in self._slots[id(variable)].values():
                if slot.shape == variable.shape and slot.stride() != variable.stride():
                    slot.data = torch.empty_like(variable).detach().copy_(slot.detach())
                    slot.memory_order = memory_order_of(variable) or None
                elif slot.device != variable.device or slot.dtype != variable.dtype:
                    slot.data = slot.detach().to(device=variable.device, dtype=variable.dtype)

    def update(self, gradients: Gradients, variables: Sequence[nn.Parameter]) -> None:
        """Apply one gradient, or None, for each variable; the leanest entry, for training loops.

        Pass the same list object for `variables` at every step: what does not change between steps is then
        prepared once. Raises ValueError when every gradient is None.
        """
        plan = self._plan
        if plan is None or plan.variables is not variables or not plan.is_current():
            plan = self._plan_for(variables)
        ready = list(gradients)
        for gradient in ready:
            if gradient is None:
                return self._update_present(gradients, variables)
        if plan.fused:
            for index, order in plan.permuted:
                ready[index] = ready[index].permute(order)
            ready = [gradient if gradient.is_contiguous() else gradient.contiguous() for gradient in ready]
        count = done = self._clock.item()
        if self.loss_scale_factor is not None:
            ready = torch._foreach_div(ready, self.loss_scale_factor)
        if self.gradient_accumulation_steps is not None:
            done = count // self.gradient_accumulation_steps
            ready = self._mean_of_several(plan, ready, count + 1)
            if not ready:
                self._clock[()] = count + 1
                return
        rate = self._rate.at(self._iterations)  # a schedule counts the gradients that are accumulated, as in Keras 3
        if self.decay:
            rate /= 1.0 + self.decay * done
        self._applied_rate = rate
        grad_enabled = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)  # `with torch.no_grad()` costs several times as much
        try:
            given = ready
            if self.clipnorm is not None or self.clipvalue is not None or self.global_clipnorm is not None:
                ready = self._clip_gradients(ready)
            if self.gradient_watcher is not None:
                self.gradient_watcher(given, ready)
            weight_decay = self.weight_decay or 0.0
            if weight_decay and not (plan.fused and plan.decays_all and self.fuses_weight_decay):
                if plan.decayed:
                    torch._foreach_add_(plan.decayed, plan.decayed, alpha=-rate * weight_decay)
                weight_decay = 0.0
            if plan.fused:
                self.fused_step(plan, ready, rate, done + 1, weight_decay)
            else:
                arguments = (torch.tensor(rate, dtype=self._rate.variable.dtype),) if self._takes_rate else ()
                for gradient, variable in zip(ready, plan.members, strict=True):
                    self.update_step(gradient, variable, *arguments)
            if self.use_ema:
                self._average(plan, done + 1)
            self._clock[()] = count + 1
            for variable in plan.constrained:
                variable.copy_(variable.constraint(variable))
        finally:
            torch._C._set_grad_enabled(grad_enabled)
        self._opt_called = True  # torch schedulers ask whether the optimizer has stepped

    def _update_present(self, gradients: Gradients, variables: Sequence[nn.Parameter]) -> None:
        """Update the variables that have a gradient; warn once about the others."""
        present = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        missing = [name_of(v) for g, v in zip(gradients, variables, strict=True) if g is None]
        if not present:
            raise self._error(
                "a gradient for at least one variable",
                f"None for every one of {missing}",
                "No gradients provided for any variable: check that the loss depends on them.",
            )
        if not self._missing_gradients_said:
            self._missing_gradients_said = True
            self._warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss; they are left as they are."
            )
        self.update([g for g, _ in present], tuple(v for _, v in present))

    def _mean_of_several(self, plan: Plan, gradients: Tensors, count: int) -> Tensors:
        """The mean of the gradients since the last update; nothing while more of them are to come."""
        sums = plan.slots["gradient_accumulator"]
        torch._foreach_add_(sums, gradients)
        if count % self.gradient_accumulation_steps:
            return []
        means = torch._foreach_div(sums, float(self.gradient_accumulation_steps))
        torch._foreach_zero_(sums)
        return means

    def _clip_gradients(self, gradients: Tensors) -> Tensors:
        if self.clipnorm:
            return clip_by_norm(gradients, self.clipnorm)
        if self.global_clipnorm:
            return clip_by_global_norm(gradients, self.global_clipnorm)
        return clip_by_value(gradients, self.clipvalue) if self.clipvalue else gradients

    # ------------------------------------------------------------------ moving averages

    def _average(self, plan: Plan, step: int) -> None:
        averages = plan.slots["average"]
        torch._foreach_lerp_(averages, plan.weights, 1.0 - self.ema_momentum)
        if self.ema_overwrite_frequency and step % self.ema_overwrite_frequency == 0:
            self.finalize_variable_values(plan.members)

    def finalize_variable_values(self, var_list: Iterable[nn.Parameter]) -> None:
        """Put the moving averages into the weights, if `use_ema` is on; Keras does so after `fit`."""
        if not self.use_ema:
            return
        with torch.no_grad():
            for variable in var_list:
                if id(variable) in self._slots:
                    variable.copy_(self.slot(variable, "average"))
