"""Optimizers: Keras' rules and arguments on `torch.optim.Optimizer`, fused where torch has a kernel."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core.registry import Registry
from kerastorch.optimizers import schedules
from kerastorch.optimizers.adam import Adam, AdamW
from kerastorch.optimizers.optimizer import Optimizer
from kerastorch.optimizers.rmsprop import RMSprop
from kerastorch.optimizers.sgd import SGD
from kerastorch.optimizers.torch_optimizer import TorchOptimizer

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "TorchOptimizer",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_KINDS = (Adam, AdamW, RMSprop, SGD, TorchOptimizer)
_registry = Registry(
    "optimizer",
    {kind.__name__: kind for kind in _KINDS} | {kind.__name__.lower(): kind for kind in _KINDS},
)


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer | None:
    """The optimizer that a name, a config, an optimizer of ours or of torch, or a factory of one stands for.

    A factory is a callable that takes a list of parameters, such as `torch.optim.Adam` itself.
    Raises ValueError for an unknown name, TypeError for anything else.

    >>> float(get("sgd").learning_rate)
    0.009999999776482582
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, torch.optim.Optimizer):
        return TorchOptimizer(identifier)
    if isinstance(identifier, str) and identifier.lower() in _registry.entries:
        identifier = identifier.lower()  # Keras takes any case, 'ADAM' too
    is_ours = inspect.isclass(identifier) and issubclass(identifier, Optimizer)
    if callable(identifier) and not is_ours:
        return TorchOptimizer(identifier)
    return _registry.get(identifier, custom_objects)


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """The config, {'class_name': ..., 'config': ...}, of an optimizer."""
    return _registry.serialize(optimizer)


def deserialize(config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that a config describes, without state.

    >>> deserialize(serialize(SGD(0.5, momentum=0.9))).momentum
    0.9
    """
    if isinstance(config, Mapping) and str(config.get("class_name")).lower() in _registry.entries:
        config = {**config, "class_name": config["class_name"].lower()}
    return _registry.get(config, custom_objects)
