"""Functions and torch modules as layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from kerastorch.core import nest
from kerastorch.core.naming import names
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import Node, TensorSpec, recorder


class Lambda(Layer):
    """A function as a layer.

    `arguments` are passed on as keywords; `mask` and `training` are passed where the function takes them.
    The function must not make weights: write a Layer for that.

    >>> Lambda(lambda x: x ** 2)(torch.tensor([3.0]))
    tensor([9.])
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda '{self.name}': expected a function; received {function!r}.")
        self.function = function
        self.arguments = dict(arguments or {})
        self.__dict__["_output_shape"], self.__dict__["mask"] = output_shape, mask
        self.supports_masking = mask is not None
        accepted = inspect.signature(function).parameters if not inspect.isbuiltin(function) else {}
        self.__dict__["_accepts_training"] = "training" in accepted
        self.__dict__["_accepts_mask"] = "mask" in accepted

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        kwargs = dict(self.arguments)
        if self._accepts_mask:
            kwargs["mask"] = mask
        if self._accepts_training:
            kwargs["training"] = training
        return self.function(inputs, **kwargs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        shape = self.__dict__["_output_shape"]
        if shape is None:
            return super().compute_output_spec(*args, **kwargs)
        if callable(shape):
            return TensorSpec(tuple(shape(nest.map_structure(lambda x: x.shape, args[0]))), self._dtype)
        return TensorSpec((args[0].shape[0], *shape), self._dtype)


class TorchModule(Layer):
    """Any `torch.nn.Module` as a Keras layer; Sequential and functional models wrap modules by themselves.

    The module works in torch's layout and follows the `training` argument. Parameters are the layer's weights;
    floating buffers, such as running means, are weights that are not trained.

    >>> TorchModule(torch.nn.Linear(4, 2))(torch.zeros(3, 4)).shape
    torch.Size([3, 2])
    """

    autocast = False

    def __init__(self, module: nn.Module, name: str | None = None, **kwargs: Any) -> None:
        if not isinstance(module, nn.Module):
            raise TypeError(f"TorchModule '{name}': expected a torch.nn.Module; received {module!r}.")
        super().__init__(name=name, **kwargs)
        self.module = module.train(False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if self.module.training is not bool(training):
            self.module.train(bool(training))
        return self.module(*inputs) if isinstance(inputs, list | tuple) else self.module(inputs)


class TorchOp(Layer):
    """A torch function or tensor method that was applied to symbolic tensors while a model was put together."""

    autocast = False

    def __init__(self, function: Any, **kwargs: Any) -> None:
        function = _find_function(function) if isinstance(function, str) else function
        kwargs["name"] = kwargs.get("name") or names.next(f"torch.{_plain_name(function).strip('_')}")
        super().__init__(**kwargs)
        self.function = function
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "trainable": self.trainable, "function": _full_name(self.function)}

    def _as_tensors(self, inputs: Any) -> Any:
        return inputs  # the first argument may be anything, such as the equation of an einsum


# a recorded function takes its own keywords, not `training` and `mask`
TorchOp._accepts_training = TorchOp._accepts_mask = False

_HOMES = {
    "torch": torch,
    "Tensor": torch.Tensor,
    "functional": F,
    "linalg": torch.linalg,
    "special": torch.special,
    "fft": torch.fft,
}


def _plain_name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _full_name(function: Callable[..., Any]) -> str:
    """Home and name, such as 'linalg.norm': `Tensor.where` and `torch.where` take their arguments in another order."""
    plain = _plain_name(function)
    for home, members in _HOMES.items():
        for name in (plain, plain.removeprefix(f"{home}_"), f"__{plain}__"):
            if getattr(members, name, None) == function:
                return f"{home}.{name}"
    raise NotImplementedError(
        f"TorchOp: expected a function of torch, to save the model's config; received {plain!r}. Use a custom layer."
    )


def _find_function(full_name: str) -> Callable[..., Any]:
    home, _, name = full_name.rpartition(".")
    found = getattr(_HOMES.get(home), name, None)
    # only what can be recorded: a config must not call functions that read files
    if not any(found in functions for functions in torch.overrides.get_overridable_functions().values()):
        raise ValueError(
            f"TorchOp: expected the name of a torch function on tensors, such as 'torch.exp'; received {full_name!r}."
        )
    return found


def _record(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    layer = TorchOp(function)
    return Node(layer, args, kwargs, layer.compute_output_spec(*args, **kwargs)).outputs


recorder.record = _record


def as_layer(value: Any) -> Layer:
    """A layer as it is, and any other torch module wrapped; TypeError for anything else."""
    if isinstance(value, Layer):
        return value
    if isinstance(value, nn.Module):
        return TorchModule(value)
    raise TypeError(
        f"Model: expected a layer or a torch module; received {value!r} of type {type(value).__name__}. "
        "Pass an instance, for example Dense(10)."
    )
