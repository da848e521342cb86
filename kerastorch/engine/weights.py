"""How a layer counts, orders, reads and writes its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch.core.variable import Variable, numpy_of
from kerastorch.engine.tracking import Container


def children_of(module: nn.Module) -> Iterator[nn.Module]:
    """The modules that belong to `module` directly, in the order in which they were set; containers are opened."""
    for child in module._modules.values():
        if isinstance(child, Container):
            yield from children_of(child)
        elif child is not None:
            yield child


def parameters_of(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that `module` holds itself, as attributes or in lists and dicts that are attributes."""
    own = [parameter for parameter in module._parameters.values() if parameter is not None]
    held = [p for child in module._modules.values() if isinstance(child, Container) for p in parameters_of(child)]
    return own + held


def first_parameter(module: nn.Module) -> nn.Parameter | None:
    """Any parameter of `module`, found without listing them all; None when there is none."""
    own = next((parameter for parameter in module._parameters.values() if parameter is not None), None)
    if own is not None:
        return own
    found = (first_parameter(child) for child in module._modules.values() if child is not None)
    return next((parameter for parameter in found if parameter is not None), None)


def unique(weights: Iterable[nn.Parameter]) -> list[Any]:
    """`weights` without repetitions, the first of each kept."""
    return list({id(weight): weight for weight in weights}.values())


def is_trainable_by_nature(parameter: torch.Tensor) -> bool:
    """Whether a weight is meant to be trained when nothing is frozen: moving averages and counters are not."""
    return getattr(parameter, "trainable", parameter.is_floating_point())


class WeightsMixin(nn.Module):
    """Keras' view of a module's parameters: trainable first, then the others, own ones before the children's."""

    _trainable: bool

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Any:
        before = dict(self._parameters)
        super()._apply(fn, recurse)
        self._keep_variables(before)
        return self

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        before = dict(self._parameters)
        super()._load_from_state_dict(*args, **kwargs)
        self._keep_variables(before)

    def _keep_variables(self, before: dict[str, Any]) -> None:
        """Make variables again of parameters that torch has put in their place."""
        for key, parameter in self._parameters.items():
            if isinstance(before.get(key), Variable) and not isinstance(parameter, Variable):
                self._parameters[key] = before[key].with_values(parameter)

    def _own(self, trainable: bool) -> list[Any]:
        return [p for p in self._parameters.values() if p is not None and is_trainable_by_nature(p) is trainable]

    def _gather(self, attribute: str) -> list[Any]:
        children = (child for child in self._modules.values() if child is not None)
        return [weight for child in children for weight in module_weights(child, attribute)]

    @property
    def trainable(self) -> bool:
        """Whether the weights change in training; setting it sets every layer inside, and `requires_grad`."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for module in self.modules():
            if isinstance(module, WeightsMixin):
                module.set_own_trainable(bool(value))

    def set_own_trainable(self, value: bool) -> None:
        """Freeze or thaw this layer and what it holds itself, leaving the layers inside as they are."""
        self.__dict__["_trainable"] = value
        foreign = [child for child in children_of(self) if not isinstance(child, WeightsMixin)]
        held = [parameter for module in foreign for parameter in module.parameters()]
        for parameter in (*parameters_of(self), *held):
            if is_trainable_by_nature(parameter):
                parameter.requires_grad_(value)

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that `fit` changes, in tf.keras' order."""
        if not self.trainable:
            return []
        own = [weight for weight in self._own(True) if weight.requires_grad]
        return unique(own + self._gather("trainable_weights"))

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The weights that `fit` leaves alone, or that layers update themselves."""
        if self.trainable:
            frozen = [weight for weight in self._own(True) if not weight.requires_grad]
            return unique(frozen + self._own(False) + self._gather("non_trainable_weights"))
        return unique(self._own(True) + self._own(False) + self._gather("weights"))

    @property
    def weights(self) -> list[Any]:
        """All weights, in tf.keras' order."""
        return unique(self.trainable_weights + self.non_trainable_weights)

    @property
    def variables(self) -> list[Any]:
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights as numpy arrays, in the order of `weights`."""
        return [np.array(numpy_of(weight), order="C") for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Overwrite all weights; nothing is changed when a shape does not fit (ValueError)."""
        mine = self.weights
        label = f"{type(self).__name__} '{self.name}'"
        if len(mine) != len(weights):
            shapes = ", ".join(str(tuple(weight.shape)) for weight in mine[:8])
            raise ValueError(
                f"{label}: expected {len(mine)} weight arrays ({shapes}{', ...' if len(mine) > 8 else ''}); "
                f"received {len(weights)}. Call the layer once, or build it, before its weights are set."
            )
        for position, (weight, value) in enumerate(zip(mine, weights, strict=True)):
            if tuple(np.shape(value)) != tuple(weight.shape):
                raise ValueError(
                    f"{label}: expected shape {tuple(weight.shape)} for weight {position} "
                    f"({getattr(weight, 'name', 'parameter')}); received {tuple(np.shape(value))}. "
                    "Pass the arrays in the order of `weights`."
                )
        with torch.no_grad():
            for weight, value in zip(mine, weights, strict=True):
                weight.copy_(value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value)))

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put what this layer itself holds into `store`, by name; an author may store more, or otherwise."""
        store.update({str(number): weight for number, weight in enumerate(self._own(True) + self._own(False))})

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take over what `save_own_variables` has stored; ValueError when it is of another number or shape."""
        own = self._own(True) + self._own(False)
        if len(own) != len(store):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected {len(own)} stored arrays; received {len(store)}. "
                "Build the layer that they were saved from."
            )
        with torch.no_grad():
            for number, weight in enumerate(own):
                weight.copy_(torch.as_tensor(store[str(number)]).reshape(weight.shape))

    def count_params(self) -> int:
        """The number of scalars in all weights; ValueError for a layer whose weights do not exist yet."""
        weights = self.weights
        if not weights and not self.built:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a layer that is built; received one without weights. "
                "Call it on data, or call build() with an input shape."
            )
        return sum(weight.numel() for weight in weights)


def module_weights(module: nn.Module, attribute: str) -> list[Any]:
    """`attribute` of a layer; for any other torch module, its parameters and floating buffers seen the same way."""
    if isinstance(module, WeightsMixin):
        return getattr(module, attribute)
    if isinstance(module, Container):
        return _container_weights(module, attribute)
    parameters = list(module.parameters())
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    frozen = [parameter for parameter in parameters if not parameter.requires_grad]
    if attribute == "trainable_weights":
        return trainable
    others = frozen + [buffer for buffer in module.buffers() if buffer.is_floating_point()]
    return others if attribute == "non_trainable_weights" else trainable + others


def _container_weights(container: Container, attribute: str) -> list[Any]:
    """A tracked list or dict counts like a layer of its own: trainable weights first, then the others."""
    if attribute == "weights":
        kinds = ("trainable_weights", "non_trainable_weights")
        return [weight for kind in kinds for weight in _container_weights(container, kind)]
    wants_trainable = attribute == "trainable_weights"
    own = [parameter for parameter in container._parameters.values() if parameter.requires_grad is wants_trainable]
    children = container._modules.values()
    return own + [weight for child in children for weight in module_weights(child, attribute)]
