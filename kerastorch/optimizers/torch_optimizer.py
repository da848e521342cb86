"""A `torch.optim` optimizer behind the methods of a Keras one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from kerastorch.core.errors import describe, did_you_mean
from kerastorch.optimizers.optimizer import Gradients, Optimizer


class TorchOptimizer(Optimizer):
    """A torch optimizer, or a callable that makes one from a list of parameters, used as a Keras optimizer.

    `learning_rate` reads the first parameter group and sets all of them. Clipping, weight decay and averages
    are the wrapped optimizer's own.
    Raises ValueError when the wrapped optimizer holds none of the weights that it is to train.

    >>> weight = Variable([1.0])
    >>> optimizer = TorchOptimizer(lambda parameters: torch.optim.SGD(parameters, lr=0.5))
    >>> _ = optimizer.apply_gradients([(torch.ones(1), weight)])
    >>> weight.numpy()
    array([0.5], dtype=float32)
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer | Callable[[list[nn.Parameter]], torch.optim.Optimizer],
        name: str | None = None,
    ) -> None:
        self._factory: Callable[..., Any] | None = None
        made = optimizer
        if not isinstance(optimizer, torch.optim.Optimizer):
            self._factory = optimizer
            # one made for nothing shows the learning rate, and bad arguments, at once
            made = optimizer([nn.Parameter(torch.zeros(1))])
        if not isinstance(made, torch.optim.Optimizer):
            raise TypeError(
                f"TorchOptimizer '{name or 'TorchOptimizer'}': expected a torch.optim optimizer or a "
                f"callable that returns one; received {describe(made)}. "
                "Pass for example lambda parameters: torch.optim.Adam(parameters, lr=1e-3)."
            )
        super().__init__(name=name or type(made).__name__, learning_rate=float(made.param_groups[0]["lr"]))
        self._adopt(made)

    def _adopt(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self.param_groups = optimizer.param_groups
        self.defaults, self.state = optimizer.defaults, optimizer.state
        self._rate.group = optimizer.param_groups[0]

    def build(self, var_list: Iterable[nn.Parameter]) -> None:
        """Hand the weights to the factory, or check that the wrapped optimizer holds some of them."""
        variables = list({id(variable): variable for variable in var_list}.values())
        if self._factory is not None and not self.built:
            rate = self._rate.current()
            self._adopt(self._factory(variables))
            self._spread(rate)
        elif self._factory is not None:
            new = [variable for variable in variables if id(variable) not in self._index_dict]
            if new:
                self.optimizer.add_param_group({"params": new})
        held = {id(parameter) for group in self.param_groups for parameter in group["params"]}
        if not held & {id(variable) for variable in variables}:
            raise self._error(
                "an optimizer over the weights of the model",
                "one that holds none of them",
                "Pass model.parameters() to it after the model is built, or a callable such as "
                "lambda parameters: torch.optim.Adam(parameters).",
            )
        for variable in variables:
            self._index_dict.setdefault(id(variable), len(self._index_dict))

    def _spread(self, rate: float) -> None:
        for group in self.param_groups:
            group["lr"] = rate

    def _agree(self) -> None:
        """Pass on to every group a learning rate that was assigned since the last update."""
        before = self.param_groups[0]["lr"]
        rate = self._rate.at(self._iterations)
        if rate != before:
            self._spread(rate)

    def update(self, gradients: Gradients, variables: Sequence[nn.Parameter]) -> None:
        """One step of the wrapped optimizer; variables without a gradient are left as they are."""
        if any(id(variable) not in self._index_dict for variable in variables):
            self.build(variables)
        if all(gradient is None for gradient in gradients):
            raise self._error(
                "a gradient for at least one variable",
                "None for all",
                "Check that the loss depends on the variables.",
            )
        for variable, gradient in zip(variables, gradients, strict=True):
            if gradient is not None and gradient.stride() != variable.stride():
                # torch's fused kernels take a gradient to lie in memory as its weight does
                gradient = torch.empty_like(variable).detach().copy_(gradient)
            variable.grad = gradient
        self.step()
        with torch.no_grad():
            for variable in variables:
                variable.grad = None
                if getattr(variable, "constraint", None) is not None:
                    variable.copy_(variable.constraint(variable))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """The wrapped optimizer's step, from the weights' `.grad`."""
        self._agree()
        loss = self.optimizer.step(closure)
        self._clock[()] = self._clock.item() + 1
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The wrapped optimizer's state."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load the wrapped optimizer's state."""
        self.optimizer.load_state_dict(state_dict)
        self._adopt(self.optimizer)

    def get_config(self) -> dict[str, Any]:
        """The class in `torch.optim` and its numbers."""
        numbers = {key: value for key, value in self.defaults.items() if not isinstance(value, torch.Tensor)}
        return {"name": self.name, "torch_class": type(self.optimizer).__name__, "defaults": numbers}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
        """The wrapper around a new optimizer of the same class of `torch.optim`."""
        name = config["torch_class"]
        found = (custom_objects or {}).get(name) or getattr(torch.optim, name, None)
        if not (isinstance(found, type) and issubclass(found, torch.optim.Optimizer)):
            raise ValueError(
                f"TorchOptimizer '{config.get('name')}': expected the name of a class in torch.optim; "
                f"received {name!r}. {did_you_mean(name, torch.optim.__all__)}"
            )
        return cls(partial(found, **config["defaults"]), name=config.get("name"))
