"""An optimizer's state: as arrays in Keras' order, as torch's dict, as a config, in copies and pickles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.variable import Variable
from kerastorch.optimizers import schedules
from kerastorch.optimizers.arguments import Arguments


class State(Arguments):
    """Reading and writing the variables of an optimizer."""

    def get_weights(self) -> list[np.ndarray]:
        """The values of `variables` as numpy arrays."""
        return [variable.numpy() for variable in self._variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Assign what `get_weights` returned; ValueError before `build` or when a shape differs."""
        if not self.built:
            raise self._error("a built optimizer", "set_weights before build", "Call build(variables) first.")
        if len(weights) != len(self._variables):
            raise self._error(
                f"{len(self._variables)} arrays",
                f"{len(weights)}",
                "Pass what get_weights() of this optimizer gives.",
            )
        for variable, value in zip(self._variables, weights, strict=True):
            if tuple(np.shape(value)) != tuple(variable.shape):
                raise self._error(
                    f"an array of shape {tuple(variable.shape)} for {variable.name!r}",
                    f"{tuple(np.shape(value))}",
                    "Pass what get_weights() of this optimizer gives.",
                )
            variable.assign(value)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; subclasses add theirs."""
        config = {
            "name": self.name,
            "learning_rate": self._rate_for_config(),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "jit_compile": self.jit_compile,
            "is_legacy_optimizer": False,
        }
        # Keras 2 does not know these, so they appear only where they say something
        later = {name: getattr(self, name) for name in ("decay", "loss_scale_factor", "gradient_accumulation_steps")}
        return config | {name: value for name, value in later.items() if value}

    def _rate_for_config(self) -> Any:
        """The learning rate as a number, or its schedule's config."""
        schedule = self._rate.schedule
        if isinstance(schedule, schedules.LearningRateSchedule):
            return schedules.serialize(schedule)
        return self._rate.current()

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The optimizer that `get_config` described, without state.

        >>> Adam.from_config(Adam(0.1).get_config()).get_config()["learning_rate"]
        0.1
        """
        arguments = dict(config)
        decay = arguments.pop("decay", 0.0)
        if "lr" in arguments:
            arguments["learning_rate"] = arguments.pop("lr")
        if isinstance(arguments.get("learning_rate"), Mapping):
            arguments["learning_rate"] = schedules.deserialize(arguments["learning_rate"], custom_objects)
        optimizer = cls(**arguments)
        optimizer.decay = decay
        return optimizer

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """torch's way to hand over weights; all of them share one learning rate."""
        if not self.param_groups:
            super().add_param_group(param_group)
            return
        if set(param_group) - {"params"}:
            raise self._error(
                "one group of weights with one set of numbers",
                f"a group with its own {sorted(set(param_group) - {'params'})}",
                "Pass a torch.optim optimizer to compile() to give groups their own.",
            )
        parameters = param_group["params"]
        self.build([parameters] if isinstance(parameters, torch.Tensor) else list(parameters))

    def state_dict(self) -> dict[str, Any]:
        """torch's form of the state: slots by the index of their weight, and the group's numbers."""
        self._rate.current()
        variables = self.param_groups[0]["params"]
        group = {key: value for key, value in self.param_groups[0].items() if key != "params"}
        group |= {"iterations": self._clock.item(), "params": list(range(len(variables)))}
        slots = [{name: slot.detach() for name, slot in self._slots[id(v)].items()} for v in variables]
        own = self._own_variables()
        if own:
            group["own_variables"] = [variable.detach() for variable in own]
        return {"state": dict(enumerate(slots)), "param_groups": [group]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what `state_dict` of an optimizer of the same kind and weights returned."""
        group = dict(state_dict["param_groups"][0])
        mine = self.param_groups[0]
        if len(group["params"]) != len(mine["params"]):
            raise self._error(
                f"the state of {len(mine['params'])} weights",
                f"that of {len(group['params'])}",
                "Build the optimizer with the weights that the state belongs to.",
            )
        for index, variable in enumerate(mine["params"]):
            for name, slot in self._slots[id(variable)].items():
                if name not in state_dict["state"].get(index, {}):
                    raise self._error(
                        f"a state with {name!r}",
                        f"{sorted(state_dict['state'].get(index, {}))}",
                        "Load the state of an optimizer of the same class and arguments.",
                    )
                slot.assign(state_dict["state"][index][name])
        self._clock[()] = group.pop("iterations", 0)
        own, values = self._own_variables(), group.pop("own_variables", [])
        if len(own) != len(values):
            raise self._error(
                f"a state with {len(own)} variables that belong to no weight",
                f"{len(values)}",
                "Load the state of an optimizer of the same class and arguments.",
            )
        for variable, value in zip(own, values, strict=True):
            variable.assign(value)
        mine.update({key: value for key, value in group.items() if key != "params"})

    def _own_variables(self) -> list[Variable]:
        """The variables that belong to no weight, without `iterations`."""
        slots = {id(slot) for slots in self._slots.values() for slot in slots.values()}
        return [variable for variable in self._variables[1:] if id(variable) not in slots]

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_plan", "_plans", "_clock", "_index_dict", "_slots", "_excluded_ids", "step", "gradient_watcher")
        state = {key: value for key, value in self.__dict__.items() if key not in left_out}
        variables = self.param_groups[0]["params"]
        state["_excluded_positions"] = [i for i, v in enumerate(variables) if id(v) in self._excluded_ids]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        excluded = state.pop("_excluded_positions")
        self.__dict__.update(state)
        variables = self.param_groups[0]["params"]
        self._plan, self._plans = None, {}
        self._clock = self._iterations.detach().numpy()
        self._index_dict = {id(variable): index for index, variable in enumerate(variables)}
        self._slots = {id(variable): self.state[variable] for variable in variables}
        self._excluded_ids = {id(variables[position]) for position in excluded}
