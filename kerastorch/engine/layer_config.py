"""Configs of layers, taken from the constructor's bound arguments."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch.core import policy as policies
from kerastorch.core import registry
from kerastorch.core.config import dtype_name
from kerastorch.engine.connections import ConnectionsMixin

_COMMON = ("name", "trainable", "dtype", "batch_input_shape")


class LayerConfigMixin:
    """`get_config` and `from_config` for every layer, without a line in the layer."""

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments as plain values, so that `from_config` makes the same layer without weights.

        An argument is read from the attribute of the same name, where there is one.
        """
        dtype = policies.serialize(self.dtype_policy)
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": dtype}
        if self._batch_input_shape is not None:
            config["batch_input_shape"] = self._batch_input_shape
        args, kwargs = self._arguments
        bound = inspect.signature(type(self).__init__).bind(self, *args, **kwargs)
        bound.apply_defaults()
        for key, parameter in list(bound.signature.parameters.items())[1:]:
            if parameter.kind is parameter.VAR_POSITIONAL and bound.arguments.get(key):
                raise NotImplementedError(
                    f"{type(self).__name__} '{self.name}': expected named constructor arguments to save a config; "
                    f"received *{key}. Define get_config in the class."
                )
            if parameter.kind is parameter.VAR_KEYWORD:
                config.update(
                    {
                        name: serialize_value(value)
                        for name, value in bound.arguments[key].items()
                        if name in ("activity_regularizer",) and value is not None
                    }
                )
            elif key not in config:
                config[key] = serialize_value(self._argument(key, bound.arguments[key]))
        return config

    def _argument(self, key: str, given: Any) -> Any:
        """The attribute called like an argument, unless the layer keeps something else under that name."""
        held = getattr(type(self), key, None)
        # `output_shape` as an argument is what the author gave, not where the layer stands
        own = isinstance(held, property) and held is not getattr(ConnectionsMixin, key, None)
        if key not in self.__dict__ and not own:
            return given
        value = getattr(self, key)
        foreign = isinstance(value, nn.Module | nn.Parameter) and not isinstance(given, nn.Module)
        return given if foreign else value

    def get_build_config(self) -> dict[str, Any]:
        """From what `build_from_config` makes the weights again: the input shape, or what an author adds."""
        return {"input_shape": self._built_shape}

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Make the weights anew, as `get_build_config` has described it."""
        if not self.built and config.get("input_shape") is not None:
            self.build(config["input_shape"])

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A new layer with the arguments of `config`; what all layers have need not be an argument of the class."""
        parameters = inspect.signature(cls.__init__).parameters
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            return cls(**config)
        common = {key: config[key] for key in _COMMON if key in config and key not in parameters}
        layer = cls(**{key: value for key, value in config.items() if key not in common})
        layer.take_common_config(common)
        return layer

    def take_common_config(self, common: Mapping[str, Any]) -> None:
        """Set what a constructor of the author's own did not take."""
        if "name" in common:
            self.__dict__.update(_name=common["name"], _automatic_name=None)
        if "dtype" in common:
            self.set_policy(common["dtype"])
        if common.get("trainable") is False:
            self.trainable = False
        if common.get("batch_input_shape") is not None:
            self.__dict__["_batch_input_shape"] = tuple(common["batch_input_shape"])


def serialize_value(value: Any) -> Any:
    """A constructor argument as values that JSON can hold."""
    if isinstance(value, torch.dtype):
        return dtype_name(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: serialize_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        parts = [serialize_value(item) for item in value]
        return tuple(parts) if isinstance(value, tuple) else parts
    if hasattr(value, "get_config") and not inspect.isclass(value):
        return {"class_name": registry.registered_name(type(value)), "config": value.get_config()}
    if callable(value) and getattr(value, "__name__", "<lambda>") != "<lambda>":
        return registry.registered_name(value)
    return value  # a lambda too: its name leads nowhere
