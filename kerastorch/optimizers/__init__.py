"""Optimizers: Keras' rules and arguments on `torch.optim.Optimizer`, fused where torch has a kernel."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core.registry import Registry
from kerastorch.core.registry import custom_objects as registered_objects
from kerastorch.optimizers import experimental, legacy, optimizer_v2, schedules

# `optimizers.adam_v2` and the like are what these modules were called in Keras 2.5 to 2.8.
from kerastorch.optimizers.adadelta import Adadelta
from kerastorch.optimizers.adafactor import Adafactor
from kerastorch.optimizers.adagrad import Adagrad
from kerastorch.optimizers.adam import Adam
from kerastorch.optimizers.adamax import Adamax
from kerastorch.optimizers.adamw import AdamW
from kerastorch.optimizers.ftrl import Ftrl
from kerastorch.optimizers.lion import Lion
from kerastorch.optimizers.nadam import Nadam
from kerastorch.optimizers.optimizer import Optimizer
from kerastorch.optimizers.optimizer_v2 import adadelta as adadelta_v2
from kerastorch.optimizers.optimizer_v2 import adagrad as adagrad_v2
from kerastorch.optimizers.optimizer_v2 import adam as adam_v2
from kerastorch.optimizers.optimizer_v2 import adamax as adamax_v2
from kerastorch.optimizers.optimizer_v2 import gradient_descent, learning_rate_schedule
from kerastorch.optimizers.optimizer_v2 import gradient_descent as gradient_descent_v2
from kerastorch.optimizers.optimizer_v2 import nadam as nadam_v2
from kerastorch.optimizers.optimizer_v2 import rmsprop as rmsprop_v2
from kerastorch.optimizers.rmsprop import RMSprop
from kerastorch.optimizers.sgd import SGD
from kerastorch.optimizers.torch_optimizer import TorchOptimizer

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "TorchOptimizer",
    "adadelta_v2",
    "adagrad_v2",
    "adam_v2",
    "adamax_v2",
    "deserialize",
    "experimental",
    "get",
    "gradient_descent",
    "gradient_descent_v2",
    "learning_rate_schedule",
    "legacy",
    "nadam_v2",
    "optimizer_v2",
    "rmsprop_v2",
    "schedules",
    "serialize",
]

_KINDS = (SGD, Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, RMSprop, TorchOptimizer)
_LEGACY = {name.lower(): getattr(legacy, name) for name in legacy.__all__ if name != "Optimizer"}
registry = Registry(
    "optimizer",
    {kind.__name__: kind for kind in _KINDS} | {kind.__name__.lower(): kind for kind in _KINDS},
)
# Names that tf_keras reads too; an error does not suggest them.
_OTHER_NAMES = {f"experimental{kind.__name__.lower()}": kind for kind in (Adadelta, Adagrad, Adam, SGD)}


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer | None:
    """The optimizer that a name, a config, an optimizer of ours or of torch, or a factory of one stands for.

    Names may be in any case. A factory is a callable that takes a list of parameters, such as `torch.optim.Adam`
    itself. Raises ValueError for an unknown name, TypeError for anything else.

    >>> float(get("sgd").learning_rate)
    0.009999999776482582
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, torch.optim.Optimizer):
        return TorchOptimizer(identifier)
    if isinstance(identifier, str | Mapping):
        return deserialize(identifier, custom_objects)
    is_ours = inspect.isclass(identifier) and issubclass(identifier, Optimizer)
    if callable(identifier) and not is_ours:
        return TorchOptimizer(identifier)
    return registry.get(identifier, custom_objects)


def serialize(optimizer: Optimizer | None) -> dict[str, Any] | None:
    """The config, {'class_name': ..., 'config': ...}, of an optimizer."""
    return registry.serialize(optimizer)


def deserialize(
    config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None, **options: Any
) -> Optimizer:
    """The optimizer that a config, or a name, describes, without state.

    A config that has 'decay' but does not say 'is_legacy_optimizer' was written by an optimizer of before Keras
    2.11, and one of `legacy` comes back.

    >>> deserialize(serialize(SGD(0.5, momentum=0.9))).momentum
    0.9
    """
    config = {"class_name": config} if isinstance(config, str) else config
    name = str(config.get("class_name"))
    if {name, config.get("registered_name")} & {*(custom_objects or {}), *registered_objects}:
        return registry.get(config, custom_objects)
    arguments = dict(config.get("config") or {})
    is_legacy = arguments.pop("is_legacy_optimizer", options.get("use_legacy_optimizer", "decay" in arguments))
    lower = name.lower()
    for known in (_LEGACY if is_legacy else {}, registry.entries, _OTHER_NAMES):
        if lower in known:
            return known[lower].from_config(arguments, custom_objects) if arguments else known[lower]()
    return registry.get(config, custom_objects)
