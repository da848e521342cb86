"""The base of every optimizer: Keras' methods on a `torch.optim.Optimizer`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.config import torch_dtype
from kerastorch.core.variable import Variable
from kerastorch.optimizers import schedules
from kerastorch.optimizers.gradients import (
    as_gradient,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    name_of,
)
from kerastorch.optimizers.plan import Plan, memory_order_of
from kerastorch.optimizers.rate import Rate, scalar_variable
from kerastorch.optimizers.state import State

Gradients = Sequence[torch.Tensor | None]

_PLANS_KEPT = 8


class VariableList(list):
    """A list that may also be called, since Keras has spelt `optimizer.variables` both ways."""

    def __call__(self) -> VariableList:
        return self


class Optimizer(State, torch.optim.Optimizer):
    """Base of every optimizer: made without weights, which `build` or the first update hands over.

    A new rule defines `update_step(gradient, variable)`, and `build(var_list)` for the variables that it
    keeps; or, for speed, `slot_groups()` and `fused_step`. Gradients are clipped first, then weights decay by
    `variable -= learning_rate * weight_decay * variable`, then the rule is applied, then averages and
    constraints.
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
        self.ema_overwrite_frequency = self._checked("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.jit_compile = bool(jit_compile)
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
        if self._rate.schedule is not None and not callable(value):
            raise self._error(
                "a learning rate that its schedule decides",
                f"the number {value!r}",
                "Create the optimizer with a number to be able to set the learning rate.",
                TypeError,
            )
        self._rate.set(value, self._iterations)

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
        """The number of updates so far, a 0-dim int64 variable."""
        return self._iterations

    @iterations.setter
    def iterations(self, value: Any) -> None:
        self._clock[()] = int(value)

    # ------------------------------------------------------------------ variables

    @property
    def built(self) -> bool:
        """Whether the optimizer has seen its weights."""
        return bool(self._index_dict)

    @property
    def variables(self) -> VariableList:
        """`iterations` and then every slot, in the order in which tf.keras saves them."""
        return VariableList(self._variables)

    @property
    def weights(self) -> VariableList:
        """Another name of `variables`."""
        return self.variables

    def slot_groups(self) -> Sequence[Sequence[str]]:
        """The names of the slots of one weight; slots of one group are created weight by weight."""
        return ()

    def create_slot(self, name: str, variable: nn.Parameter) -> Variable:
        """One slot of one weight: zeros in its shape and layout."""
        return self.add_variable_from_reference(variable, name)

    def build(self, var_list: Iterable[nn.Parameter]) -> None:
        """Create the slots of the weights in `var_list` that are not known yet."""
        new = list({id(v): v for v in var_list if id(v) not in self._index_dict}.values())
        for variable in new:
            self._index_dict[id(variable)] = len(self._index_dict)
            self.param_groups[0]["params"].append(variable)
            self._slots[id(variable)] = self.state[variable] = {}
        self._plan = None
        self._plans.clear()
        if self.use_ema:
            for variable in new:
                self.add_variable_from_reference(variable, "average", initial_value=variable)
        for names in self.slot_groups():
            for variable in new:
                for name in names:
                    self.create_slot(name, variable)

    def _ensure_built(self, variables: Sequence[nn.Parameter]) -> None:
        unknown = [variable for variable in variables if id(variable) not in self._index_dict]
        if not unknown:
            return
        if self.built and type(self).build is not Optimizer.build:
            raise self._error(
                "the weights that it was built with",
                f"{name_of(unknown[0])!r}",
                "Call build() with all weights before the first update.",
            )
        self.build(variables)

    def _var_key(self, variable: nn.Parameter) -> int:
        return id(variable)

    def add_variable(
        self,
        shape: Sequence[int] = (),
        dtype: Any = None,
        initializer: str | Callable[..., Any] = "zeros",
        name: str | None = None,
    ) -> Variable:
        """A variable of the optimizer's own; `initializer` is 'zeros', 'ones' or a callable."""
        fill = {"zeros": torch.zeros, "ones": torch.ones}.get(initializer, initializer)
        values = fill(tuple(shape or ()), dtype=torch_dtype(dtype))
        variable = Variable(values, trainable=False, name=f"{name or 'variable'}:0")
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self,
        model_variable: nn.Parameter,
        variable_name: str,
        shape: Sequence[int] | None = None,
        initial_value: Any = None,
    ) -> Variable:
        """A variable like a weight, in memory too: zeros, or `initial_value`."""
        shape = model_variable.shape if shape is None else tuple(shape)
        values = torch.zeros(shape, dtype=model_variable.dtype, device=model_variable.device)
        if initial_value is not None:
            values.copy_(torch.as_tensor(initial_value).detach())
        order = memory_order_of(model_variable) if shape == model_variable.shape else None
        name = f"{self.name}/{variable_name}/{name_of(model_variable)}"
        slot = Variable(values, trainable=False, name=name, memory_order=order or None)
        self._variables.append(slot)
        if id(model_variable) in self._slots:
            self._slots[id(model_variable)][variable_name] = slot
        return slot

    def slot(self, variable: nn.Parameter, name: str) -> Variable:
        """The slot `name` of a weight, for `update_step`."""
        return self._slots[id(variable)][name]

    # ------------------------------------------------------------------ updates

    def update_step(self, gradient: torch.Tensor, variable: nn.Parameter) -> None:
        """The rule for one weight, in the shape of the weight; runs without autograd."""
        raise NotImplementedError(
            f"{type(self).__name__} '{self.name}': expected an optimizer that defines update_step; received "
            "one without it. Define update_step(self, gradient, variable)."
        )

    def fused_step(
        self, plan: Plan, gradients: list[torch.Tensor], rate: float, step: int, weight_decay: float
    ) -> None:
        """The rule for all weights of `plan` at once, in memory order; `step` counts from 1."""
        raise NotImplementedError

    fuses_weight_decay = False  # whether `fused_step` applies `weight_decay` itself
    _has_fused_rule = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # whoever redefines the rule for one weight has not redefined the fused one
        rules = next(kind for kind in cls.__mro__ if {"update_step", "fused_step"} & vars(kind).keys())
        cls._has_fused_rule = rules is not Optimizer and "fused_step" in vars(rules)

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
        done = self._clock.item()
        rate = self._rate.at(self._iterations)
        if self.decay:
            rate /= 1.0 + self.decay * done
        self._applied_rate = rate
        grad_enabled = torch.is_grad_enabled()
        torch._C._set_grad_enabled(False)  # `with torch.no_grad()` costs several times as much
        try:
            if self.clipnorm is not None or self.clipvalue is not None or self.global_clipnorm is not None:
                ready = self._clip_gradients(ready)
            weight_decay = self.weight_decay or 0.0
            if weight_decay and not (plan.fused and plan.decays_all and self.fuses_weight_decay):
                if plan.decayed:
                    torch._foreach_add_(plan.decayed, plan.decayed, alpha=-rate * weight_decay)
                weight_decay = 0.0
            if plan.fused:
                self.fused_step(plan, ready, rate, done + 1, weight_decay)
            else:
                for gradient, variable in zip(ready, plan.members, strict=True):
                    self.update_step(gradient, variable)
            if self.use_ema:
                self._average(plan, done + 1)
            self._clock[()] = done + 1
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
                "Check that the loss depends on the variables.",
            )
        if not self._missing_gradients_said:
            self._missing_gradients_said = True
            self._warn(
                f"Gradients do not exist for variables {missing} when minimizing the loss; they are left as they are."
            )
        self.update([g for g, _ in present], tuple(v for _, v in present))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, nn.Parameter]], name: str | None = None, **options: Any
    ) -> Variable:
        """Update each variable, any `nn.Parameter`, by its gradient and return `iterations`.

        Pairs whose gradient is None are skipped with a warning; ValueError when all are. `name` and the
        aggregation options of Keras are accepted and have no effect.

        >>> weight = torch.nn.Parameter(torch.ones(2))
        >>> int(SGD(0.5).apply_gradients([(torch.ones(2), weight)]))
        1
        """
        self._reject_unknown(
            {
                key: value
                for key, value in options.items()
                if key not in ("skip_gradients_aggregation", "experimental_aggregate_gradients")
            }
        )
        pairs = [(as_gradient(gradient, variable), variable) for gradient, variable in grads_and_vars]
        if pairs:
            self.update([gradient for gradient, _ in pairs], tuple(variable for _, variable in pairs))
        return self._iterations

    def compute_gradients(
        self,
        loss: Any,
        var_list: Sequence[nn.Parameter] | Callable[[], Sequence[nn.Parameter]],
        tape: Any = None,
    ) -> list[tuple[torch.Tensor | None, nn.Parameter]]:
        """Pairs of gradient and variable for a loss, which is a tensor or a callable without arguments."""
        if callable(loss) and not isinstance(loss, torch.Tensor):
            with torch.enable_grad():
                loss = loss()
        variables = list(var_list() if callable(var_list) else var_list)
        if tape is not None:
            return list(zip(tape.gradient(loss, variables), variables, strict=True))
        if loss.dim():
            loss = loss.sum()  # tf.GradientTape adds up the elements of what it differentiates
        return list(zip(torch.autograd.grad(loss, variables, allow_unused=True), variables, strict=True))

    def minimize(
        self,
        loss: Any,
        var_list: Sequence[nn.Parameter] | Callable[[], Sequence[nn.Parameter]],
        tape: Any = None,
    ) -> Variable:
        """One update of `var_list` down the gradient of `loss`, a tensor or a callable without arguments.

        >>> weight = Variable(2.0)
        >>> _ = SGD(0.25).minimize(lambda: weight**2, [weight])
        >>> weight.numpy()
        array(1., dtype=float32)
        """
        return self.apply_gradients(self.compute_gradients(loss, var_list, tape))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """torch's way: update every weight by its `.grad`; returns what `closure`, the loss anew, gives."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if not self.built:
            raise self._error("a built optimizer", "step() before build", "Call build(model.parameters()) first.")
        variables = self.param_groups[0]["params"]
        gradients = [variable.grad for variable in variables]
        if any(gradient is None or gradient.layout != torch.strided for gradient in gradients):
            variables = tuple(v for v, g in zip(variables, gradients, strict=True) if g is not None)
            gradients = [g.to_dense() if g.layout != torch.strided else g for g in gradients if g is not None]
        if variables:
            self.update(gradients, variables)
        return loss

    def _clip_gradients(self, gradients: list[torch.Tensor]) -> list[torch.Tensor]:
        if self.clipnorm:
            return clip_by_norm(gradients, self.clipnorm)
        if self.global_clipnorm:
            return clip_by_global_norm(gradients, self.global_clipnorm)
        return clip_by_value(gradients, self.clipvalue) if self.clipvalue else gradients

    def exclude_from_weight_decay(
        self, var_list: Iterable[nn.Parameter] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Keep weights, given themselves or by regular expressions on their names, from decaying."""
        if self.built:
            raise self._error(
                "exclude_from_weight_decay before build",
                "a built optimizer",
                "Call it before the first update.",
            )
        self._excluded_ids = set(map(id, var_list or ()))
        self._excluded_names = list(var_names or ())

    def _use_weight_decay(self, variable: nn.Parameter) -> bool:
        if id(variable) in self._excluded_ids:
            return False
        return not any(re.search(pattern, name_of(variable)) for pattern in self._excluded_names)

    # ------------------------------------------------------------------ moving averages

    def _average(self, plan: Plan, step: int) -> None:
        averages = plan.slots["average"]
        torch._foreach_mul_(averages, self.ema_momentum)
        torch._foreach_add_(averages, plan.weights, alpha=1.0 - self.ema_momentum)
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
