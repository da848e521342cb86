"""Functions and torch modules as layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kerastorch.core import nest
from kerastorch.core.config import current_device
from kerastorch.core.naming import names
from kerastorch.core.registry import Registry
from kerastorch.engine.inference import infer_specs
from kerastorch.engine.layer import Layer
from kerastorch.engine.shapes import map_shapes, map_tensors_to_shapes
from kerastorch.engine.symbolic import Node, TensorSpec, is_symbolic, recorder
from kerastorch.ops.operation import operations


class Lambda(Layer):
    """A function as a layer.

    `arguments` are passed on as keywords; `mask` and `training` are passed where the function takes them. It may return
    several tensors. Weights that it uses are not the layer's own: write a Layer for that.
    Raises TypeError for what is no function, ValueError for a config whose function is not among the custom objects.

    >>> Lambda(lambda x: x ** 2)(torch.tensor([3.0]))
    tensor([9.])
    """

    casts_outputs = False

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
            raise TypeError(
                f"Lambda '{self.name}': expected a function; received {function!r}. A model that holds a lambda is "
                "loaded only where its code is: build the model anew and load the weights, or use a named function."
            )
        self.function = function
        self.arguments = dict(arguments or {})
        self.__dict__["_output_shape"], self.__dict__["mask"] = output_shape, mask
        self.supports_masking = mask is not None
        accepted = _parameters_of(function)
        self.__dict__["_accepts_training"] = "training" in accepted
        self.__dict__["_accepts_mask"] = "mask" in accepted

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        kwargs = {
            key: torch.as_tensor(value, device=current_device()) if isinstance(value, np.ndarray) else value
            for key, value in self.arguments.items()
        }
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
            return map_shapes(lambda one: TensorSpec(one, self._dtype), shape(map_tensors_to_shapes(args[0])))
        batch = nest.flatten(args[0])[0].shape[0]
        sizes = (shape,) if isinstance(shape, int) else shape
        return map_shapes(lambda one: TensorSpec((batch, *one), self._dtype), sizes)

    def get_config(self) -> dict[str, Any]:
        """The arguments, with the functions themselves: code is no plain value. JSON gets their names."""
        given = {"function": self.function, "output_shape": self.__dict__["_output_shape"], "mask": self.mask}
        return {**super().get_config(), **given, "arguments": self.arguments}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        known = {key: value for key, value in config.items() if key not in _KINDS_OF_FUNCTION}
        for key in ("function", "output_shape", "mask"):
            if isinstance(known.get(key), str):
                known[key] = _functions.lookup(known[key])
        return cls(**known)


# Keras' notes on how a config holds a function, and the functions that configs may name: custom objects alone
_KINDS_OF_FUNCTION = ("module", "function_type", "output_shape_module", "output_shape_type", "mask_module", "mask_type")
_functions = Registry("Lambda function", {})


def _parameters_of(function: Callable[..., Any]) -> Any:
    try:
        return inspect.signature(function).parameters
    except ValueError:  # a function written in C, which takes neither mask nor training
        return {}


class TorchModule(Layer):
    """Any `torch.nn.Module` as a Keras layer; Sequential and functional models wrap modules by themselves.

    The module works in torch's layout and follows the `training` argument. Parameters are the layer's weights;
    floating buffers, such as running means, are weights that are not trained.

    >>> TorchModule(torch.nn.Linear(4, 2))(torch.zeros(3, 4)).shape
    torch.Size([3, 2])
    """

    autocast = casts_outputs = False

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

    autocast = casts_outputs = False
    _is_function = True

    def __init__(self, function: Any, **kwargs: Any) -> None:
        function = _find_function(function) if isinstance(function, str) else function
        kwargs["name"] = kwargs.get("name") or names.next(f"torch.{_plain_name(function).strip('_')}")
        super().__init__(**kwargs)
        self.function = function
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if is_symbolic((args, kwargs)):
            return Node(self, args, kwargs, self.compute_output_spec(*args, **kwargs)).outputs
        return nn.Module.__call__(self, *args, **kwargs)  # hooks, and nothing else that layers do

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        return infer_specs(self.call, args, kwargs, self.name)

    def mixed_dtype_for(self, inputs: Sequence[Any]) -> Any:
        """A function computes in the dtype of its inputs; of tensors in 16 bits autocast computes just so."""
        halves = (torch.float16, torch.bfloat16)
        return ... if all(one.dtype in halves or not one.dtype.is_floating_point for one in inputs) else None

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "trainable": self.trainable, "function": _full_name(self.function)}


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
    name = getattr(function, "operation_name", None)
    if operations.get(name) is function:
        return name
    for home, members in _HOMES.items():
        for name in (plain, plain.removeprefix(f"{home}_"), f"__{plain}__"):
            if getattr(members, name, None) == function:
                return f"{home}.{name}"
    raise NotImplementedError(
        f"TorchOp: expected a function of torch, to save the model's config; received {plain!r}. Use a custom layer."
    )


def _find_function(full_name: str) -> Callable[..., Any]:
    if full_name in operations:
        return operations[full_name]
    home, _, name = full_name.rpartition(".")
    found = getattr(_HOMES.get(home), name, None)
    # only what can be recorded: a config must not call functions that read files
    if not any(found in functions for functions in torch.overrides.get_overridable_functions().values()):
        raise ValueError(
            f"TorchOp: expected the name of a torch function on tensors, such as 'torch.exp'; received {full_name!r}."
        )
    return found


def _record(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return TorchOp(function)(*args, **kwargs)


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
