"""The variables of an optimizer: those that belong to a weight, its slots, and those of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from kerastorch.core.config import torch_dtype
from kerastorch.core.variable import Variable
from kerastorch.optimizers.gradients import name_of
from kerastorch.optimizers.plan import Plan, memory_order_of
from kerastorch.optimizers.state import State


class VariableList(list):
    """A list that may also be called, since Keras has spelt `optimizer.variables` both ways."""

    def __call__(self) -> VariableList:
        return self


class Slots(State):
    """Makes the variables that a rule keeps, in the memory layout of the weights that they belong to."""

    use_ema: bool
    gradient_accumulation_steps: int | None
    param_groups: list[dict[str, Any]]
    _slots: dict[int, dict[str, Variable]]
    _index_dict: dict[int, int]
    _variables: list[Variable]
    _plan: Plan | None
    _plans: dict[tuple[int, ...], Plan]

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

    def create_slot(self, name: str, variable: nn.Parameter) -> Variable | None:
        """One slot of one weight, zeros in its shape and layout; None for a weight that needs none."""
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
        if self.gradient_accumulation_steps is not None:
            for variable in new:
                self.add_variable_from_reference(variable, "gradient_accumulator")
        if new:
            self._create_slots(new)

    def _create_slots(self, var_list: Sequence[nn.Parameter]) -> None:
        for names in self.slot_groups():
            for variable in var_list:
                for name in names:
                    self.create_slot(name, variable)

    def _ensure_built(self, variables: Sequence[nn.Parameter]) -> None:
        unknown = [variable for variable in variables if id(variable) not in self._index_dict]
        if not unknown:
            return
        if self.built and type(self).build is not Slots.build:
            raise self._error(
                "the weights that it was built with",
                f"{name_of(unknown[0])!r}",
                "Call build() with all weights before the first update.",
            )
        self.build(variables)

    def _var_key(self, variable: nn.Parameter) -> int:
        return id(variable)

    def _get_variable_index(self, variable: nn.Parameter) -> int:
        """The position of a weight among those of `build`; optimizers written for Keras 3 ask for it."""
        return self._index_dict[id(variable)]

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
        model_variable: nn.Parameter | None = None,
        variable_name: str | None = None,
        shape: Sequence[int] | None = None,
        initial_value: Any = None,
        *,
        reference_variable: nn.Parameter | None = None,
        name: str = "variable",
        initializer: str | Callable[..., Any] = "zeros",
    ) -> Variable:
        """A variable like a weight, in memory too: zeros, or `initial_value`.

        Keras 3 calls the weight `reference_variable`, the name `name`, and takes an `initializer`.
        """
        weight = model_variable if reference_variable is None else reference_variable
        variable_name = variable_name or name
        shape = weight.shape if shape is None else tuple(shape)
        options = {"dtype": weight.dtype, "device": weight.device}
        if initial_value is not None:
            values = torch.zeros(shape, **options).copy_(torch.as_tensor(initial_value).detach())
        elif initializer in ("zeros", "ones"):
            values = torch.full(shape, float(initializer == "ones"), **options)
        else:
            values = torch.as_tensor(initializer(tuple(shape), dtype=weight.dtype)).to(**options)
        order = memory_order_of(weight) if shape == weight.shape else None
        title = self._slot_title(variable_name, weight)
        slot = Variable(values, trainable=False, name=title, memory_order=order or None)
        self._variables.append(slot)
        if id(weight) in self._slots:
            self._slots[id(weight)][variable_name] = slot
        return slot

    def add_optimizer_variables(
        self, trainable_variables: Iterable[nn.Parameter], name: str, initializer: str | Callable[..., Any] = "zeros"
    ) -> list[Variable]:
        """One variable like each weight; Keras 3's way."""
        return [
            self.add_variable_from_reference(variable, name, initializer=initializer)
            for variable in trainable_variables
        ]

    def _slot_title(self, name: str, variable: nn.Parameter) -> str:
        return f"{self.name}/{name}/{name_of(variable)}"

    def slot(self, variable: nn.Parameter, name: str) -> Variable:
        """The slot `name` of a weight, for `update_step`."""
        return self._slots[id(variable)][name]

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
