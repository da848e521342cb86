"""Input, Dense, Activation, Embedding, Lambda, and torch modules as layers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from kerastorch import activations, constraints, initializers, regularizers
from kerastorch.core import nest
from kerastorch.core.config import torch_dtype
from kerastorch.core.naming import names
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import KerasTensor, Node, TensorSpec, recorder
from kerastorch.layers.arguments import positive_int


class InputLayer(Layer):
    """The place where data enters a model; `Input` makes one and returns its symbolic tensor.

    Shapes: `input_shape` without the batch axis, `batch_input_shape` with it; None where unknown.
    """

    def __init__(
        self,
        input_shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_input_shape: Any = None,
        shape: Any = None,
        batch_shape: Any = None,
        optional: bool = False,
        **kwargs: Any,
    ) -> None:
        input_shape = shape if input_shape is None else input_shape
        full = batch_input_shape if batch_input_shape is not None else batch_shape
        if full is None:
            input_shape = () if input_shape is None else input_shape
            full = (batch_size, *((input_shape,) if isinstance(input_shape, int) else input_shape))
        if any(size is not None and (not isinstance(size, int) or size < 0) for size in full):
            raise ValueError(
                f"InputLayer '{name or 'input'}': expected a shape of integers or None; received {tuple(full)}. "
                "Give the shape of one sample, without the batch axis: Input(shape=(28, 28, 1))."
            )
        super().__init__(
            name=name or names.next("input", first_is_bare=False), dtype=dtype, batch_input_shape=full, **kwargs
        )
        self.sparse, self.ragged = bool(sparse), bool(ragged)
        self.built = True
        # the layer keeps its node alive here, and here only: every other layer's node holds the layer
        self.__dict__["_spec"] = TensorSpec(tuple(full), self._dtype)

    def call(self, inputs: Any) -> Any:
        return inputs

    def new_tensor(self) -> KerasTensor:
        """The symbolic tensor of this input."""
        return Node(self, (), {}, self._spec).outputs

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_input_shape": self._batch_input_shape,
            "dtype": self.dtype,
            "sparse": self.sparse,
            "ragged": self.ragged,
            "name": self.name,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    tensor: Any = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
) -> KerasTensor:
    """The symbolic tensor that a functional model starts from.

    `shape` is the shape of one sample, None for sizes that vary; the batch axis is added in front.
    Raises ValueError for a shape that is not made of integers and None.

    >>> Input(shape=(28, 28, 1)).shape
    (None, 28, 28, 1)
    """
    if tensor is not None:
        return tensor
    if shape is None and batch_shape is None:
        raise ValueError("Input: expected a shape; received none. Pass the shape of one sample: Input(shape=(784,)).")
    return InputLayer(
        input_shape=shape,
        batch_size=batch_size,
        name=name,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_input_shape=batch_shape,
    ).new_tensor()


class Dense(Layer):
    """A fully connected layer: `activation(inputs @ kernel + bias)` on the last axis.

    Input (batch, ..., features), output (batch, ..., units); kernel (features, units), bias (units,).
    Raises ValueError when `units` is not positive or the features change.

    >>> Dense(10, activation="softmax")(torch.zeros(32, 784)).shape
    torch.Size([32, 10])
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_int(units, f"Dense '{self.name}'", "units")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias = None
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f"Dense '{self.name}': expected a known size of the last axis; received input shape {input_shape}. "
                "Give the Input a fixed last size."
            )
        # in memory the kernel is torch's (units, features): products with few units are faster that way
        self.kernel = self.add_weight(
            "kernel",
            (features, self.units),
            None,
            self.kernel_initializer,
            self.kernel_regularizer,
            True,
            self.kernel_constraint,
            memory_order=(1, 0),
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.units,), None, self.bias_initializer, self.bias_regularizer, True, self.bias_constraint
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.dtype is not self._dtype and not inputs.is_floating_point():
            inputs = inputs.to(self._dtype)
        rows = inputs if inputs.dim() == 2 else inputs.reshape(-1, inputs.shape[-1])
        weights = self._parameters  # a module's own attribute lookup costs as much as a small layer
        kernel = weights["kernel"]
        outputs = torch.addmm(weights["bias"], rows, kernel) if self.use_bias else rows.mm(kernel)
        if inputs.dim() != 2:
            outputs = outputs.view(*inputs.shape[:-1], self.units)
        return activations.apply_in_place(self.activation, outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)


class Activation(Layer):
    """Apply an activation function, given by name or as a callable, element by element.

    Input and output have the same shape.

    >>> Activation("relu")(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    preserves_shape = True
    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.activation(inputs)

    def without_relu(self) -> Callable[..., Any] | None:
        return activations.linear if self.activation is activations.relu else None


class Embedding(Layer):
    """Look up a trained vector for each integer.

    Input (batch, steps) of integers in [0, input_dim), output (batch, steps, output_dim);
    with `mask_zero` the places that hold 0 are masked.
    Raises ValueError for integers outside of the table.

    >>> Embedding(1000, 16)(torch.tensor([[4, 0, 2]])).shape
    torch.Size([1, 3, 16])
    """

    autocast = False

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        **kwargs: Any,
    ) -> None:
        if input_length is not None and "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            length = (input_length,) if isinstance(input_length, int) else tuple(input_length)
            kwargs["input_shape"] = length
        elif "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            kwargs["input_shape"] = (None,)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = f"Embedding '{self.name}'"
        self.input_dim = positive_int(input_dim, owner, "input_dim")
        self.output_dim = positive_int(output_dim, owner, "output_dim")
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.input_length = input_length

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight(
            "embeddings",
            (self.input_dim, self.output_dim),
            None,
            self.embeddings_initializer,
            self.embeddings_regularizer,
            True,
            self.embeddings_constraint,
        )

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.dtype not in (torch.int64, torch.int32):
            inputs = inputs.long()
        try:
            return F.embedding(inputs, self.embeddings)
        except IndexError as error:
            raise ValueError(
                f"Embedding '{self.name}': expected integers from 0 to {self.input_dim - 1}; received values from "
                f"{int(inputs.min())} to {int(inputs.max())}. Raise input_dim, or limit the vocabulary."
            ) from error

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return torch.ne(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)


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


class Rescaling(Layer):
    """`inputs * scale + offset`, in the layer's float type.

    Input and output have the same shape; `scale` and `offset` are numbers or one number a channel.

    >>> Rescaling(1 / 255)(torch.tensor([255.0]))
    tensor([1.])
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        scaled = inputs.to(self._dtype) * self._factor(self.scale, inputs)
        return (
            scaled
            if isinstance(self.offset, int | float) and self.offset == 0
            else (scaled + self._factor(self.offset, inputs))
        )

    def _factor(self, value: Any, inputs: torch.Tensor) -> Any:
        if isinstance(value, int | float) and math.isfinite(value):
            return value
        return torch.as_tensor(value, dtype=torch_dtype(self.dtype), device=inputs.device)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
