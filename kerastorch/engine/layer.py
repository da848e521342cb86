"""Layer: an `nn.Module` with Keras' `build` and `call`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch import regularizers
from kerastorch.core import nest
from kerastorch.core.config import current_device
from kerastorch.core.errors import describe, did_you_mean
from kerastorch.core.naming import names, to_snake_case
from kerastorch.core.strings import as_strings, holds_strings
from kerastorch.engine.connections import ConnectionsMixin
from kerastorch.engine.context import call_context, structure_version
from kerastorch.engine.inference import infer_specs
from kerastorch.engine.input_spec import check_inputs
from kerastorch.engine.layer_config import LayerConfigMixin
from kerastorch.engine.loss_terms import LossTermsMixin
from kerastorch.engine.new_weights import NewWeightsMixin, building
from kerastorch.engine.old_words import in_todays_words
from kerastorch.engine.precision import PrecisionMixin, compute_in
from kerastorch.engine.promises import PromisesMixin, drop_promises
from kerastorch.engine.shapes import map_shapes, map_specs_to_shapes, map_tensors_to_shapes, placeholder
from kerastorch.engine.signatures import call_parameters, positional_parameters
from kerastorch.engine.symbolic import Node, TensorSpec, is_symbolic, symbolic_leaves
from kerastorch.engine.tracking import container_of, is_metric, track
from kerastorch.engine.weights import WeightsMixin, children_of

# What every layer's constructor accepts by keyword besides its own arguments.
BASE_ARGUMENTS = (
    *("trainable", "name", "dtype", "dynamic", "input_shape", "input_dim", "batch_input_shape", "batch_size"),
    *("weights", "activity_regularizer", "autocast", "input_length", "implementation"),
)
# Values that are nothing to torch, unless they stand in the place of a weight or a layer.
_PLAIN = frozenset({str, int, float, bool, type(None)})
_REGISTERED = ("_parameters", "_modules", "_buffers")


class LayerType(type):
    """The class of layer classes: constructors are called in today's words."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        args, kwargs = in_todays_words(cls, args, kwargs)
        return super().__call__(*args, **kwargs)


class Layer(
    ConnectionsMixin,
    PrecisionMixin,
    LossTermsMixin,
    LayerConfigMixin,
    NewWeightsMixin,
    PromisesMixin,
    WeightsMixin,
    metaclass=LayerType,
):
    """The base of all layers: store the arguments, make weights in `build`, compute in `call`.

    Weights are `nn.Parameter`s in Keras' shapes, made by `add_weight` when the first input shows its size.
    `call` works on torch tensors; it may take `training` and `mask`. Output shapes are found by running `call`
    on tensors without values, unless the layer has `compute_output_shape` or sets `preserves_shape`.
    Raises TypeError for unknown constructor arguments, ValueError for inputs that do not fit.

    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(name="factor", shape=input_shape[-1:], initializer="ones")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    """

    takes_strings = False  # True where strings in arrays and lists are inputs
    supports_masking = False  # True where a mask of the input is a mask of the output
    infers_when_frozen = False  # True where `trainable = False` has the layer infer in training too
    _accepts_training = False
    _accepts_mask = False
    _is_function = False  # True where `training` and `mask` are arguments like any other
    _call_names: tuple[str, ...] = ()  # what `call` takes by position, the first included
    _own_arguments: tuple[str, ...] = ()  # constructor arguments that its signature does not show
    _notes_build = True  # False where `build` itself decides whether the layer is built
    _computes_mask = False  # whether `compute_mask` is a class's own
    _call_number = 0  # of the last call from outside of any layer

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = super().__new__(cls)
        layer.__dict__["_arguments"] = (args, kwargs)
        return layer

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in cls.__dict__ and "call" not in cls.__dict__:
            cls.call = cls.forward  # torch's name for it
        if "compute_output_shape" in cls.__dict__:
            cls._knows_shape = True
        if "call" in cls.__dict__:
            drop_promises(cls, Layer)
            parameters = call_parameters(cls.call)
            cls._call_names = positional_parameters(cls.call)
            cls._accepts_training = "training" in parameters
            cls._accepts_mask = "mask" in parameters
        if "compute_mask" in cls.__dict__:
            cls._computes_mask = True
        if "build" in cls.__dict__ and cls._notes_build:
            cls.build = _noted(cls.build)

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__()
        state = self.__dict__
        state["training"] = False  # Keras' models start in inference
        state["_trainable"] = bool(trainable)
        state["_name"] = self._checked_name(name)
        self.set_policy(dtype)
        state["_inbound_nodes"] = []
        state["_losses"] = (0, [])
        state["_metrics"] = []
        state["_built_shape"] = None
        state["_unnamed_weights"] = set()  # keys of weights that no attribute has named yet
        self.built = False
        self.input_spec = None
        self._use_base_arguments(kwargs)

    def _use_base_arguments(self, kwargs: dict[str, Any]) -> None:
        for key in kwargs:
            if key not in BASE_ARGUMENTS:
                known = [*inspect.signature(type(self).__init__).parameters, *self._own_arguments, *BASE_ARGUMENTS]
                known = [name for name in known if name not in ("self", "args", "kwargs")]
                raise TypeError(
                    f"{type(self).__name__} '{self.name}': expected arguments that the layer knows; "
                    f"received {key}={kwargs[key]!r}. {did_you_mean(key, known)}"
                )
        shape = kwargs.get("batch_input_shape")
        if shape is None and kwargs.get("input_shape") is not None:
            shape = (kwargs.get("batch_size"), *_as_shape(kwargs["input_shape"]))
        elif shape is None and kwargs.get("input_dim") is not None:
            length = kwargs.get("input_length")
            middle = () if "input_length" not in kwargs else (length,)
            shape = (kwargs.get("batch_size"), *middle, kwargs["input_dim"])
        self.__dict__["_batch_input_shape"] = None if shape is None else tuple(shape)
        self.__dict__["_initial_weights"] = kwargs.get("weights")
        self.activity_regularizer = regularizers.get(kwargs.get("activity_regularizer"))

    def _default_name(self) -> str:
        return to_snake_case(type(self).__name__)

    def _checked_name(self, name: str | None) -> str:
        self.__dict__["_automatic_name"] = None if name else self._default_name()
        if name is None:
            return names.next(self._automatic_name)
        if not isinstance(name, str) or not name:
            raise TypeError(
                f"{type(self).__name__}: expected a non-empty string as name; received {name!r}. "
                "Pass the other arguments by keyword."
            )
        return name

    # --- what authors override -----------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of `input_shape` (batch axis first, None where unknown)."""
        self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every layer defines it."""
        raise NotImplementedError(
            f"{type(self).__name__} '{self.name}': expected a method `call(self, inputs)`; received a class without "
            "one. Define `call`."
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output: the input's where `supports_masking` is set, else none."""
        return mask if self.supports_masking else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for inputs of `input_shape`, found by running `call` without values."""
        inputs = map_shapes(lambda shape: placeholder(shape, self._dtype), input_shape)
        return map_specs_to_shapes(self.compute_output_spec(inputs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the output for symbolic inputs: a TensorSpec, or a structure of them."""
        inputs = args[0] if args else next(iter(kwargs.values()))
        ready = getattr(self._modules.get("activation"), "built", True)  # a layer as activation is built by `call`
        if self.preserves_shape and ready:
            first = symbolic_leaves(inputs)[0]
            return TensorSpec(first.shape, self._dtype if first.dtype.is_floating_point else first.dtype)
        if self._knows_shape and ready:
            shape = self.compute_output_shape(map_tensors_to_shapes(inputs))
            return map_shapes(lambda one: TensorSpec(tuple(one), self._dtype), shape)
        kwargs["training"] = False
        try:
            return infer_specs(self, args, kwargs, self.name)
        except (TypeError, AttributeError):
            if not self._accepts_mask or kwargs.get("mask") is not None:
                raise
            # the code may count on a mask, and whether there is one is known when the model is complete
            kwargs["mask"] = nest.map_structure(lambda one: placeholder(one.shape[:2], torch.bool), inputs)
            return infer_specs(self, args, kwargs, self.name)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """torch's name of `call`."""
        return self.call(*args, **kwargs)

    # --- layers inside -------------------------------------------------------------------------------------------

    @property
    def inner_layers(self) -> list[Layer]:
        """All layers inside this one, at every depth."""
        version, found = self.__dict__.get("_inner_layers", (-1, []))
        if version != structure_version.number:
            found = self._flatten_layers()[1:]
            self.__dict__["_inner_layers"] = (structure_version.number, found)
        return found

    @property
    def submodules(self) -> tuple[Layer, ...]:
        """All layers inside this one, at every depth, as a tuple."""
        return tuple(self.inner_layers)

    def _flatten_layers(self) -> list[Layer]:
        """This layer and all layers inside it, in tf.keras' order."""
        found: dict[int, Layer] = {id(self): self}
        for child in children_of(self):
            for module in child.modules() if not isinstance(child, Layer) else child._flatten_layers():
                if isinstance(module, Layer):
                    found.setdefault(id(module), module)
        return list(found.values())

    # --- calling -------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not args and not kwargs:
            raise ValueError(f"{type(self).__name__} '{self.name}': expected an input; received none. Pass a tensor.")
        if len(args) == 1 and type(args[0]) is torch.Tensor and self.built:
            # one tensor and at most `training`: nothing to search for symbolic tensors, nothing to convert
            if not kwargs or (len(kwargs) == 1 and "training" in kwargs):
                inputs = args[0]
                if inputs.dtype is not self._dtype and self.autocast:
                    inputs = self._convert(inputs)
                return self._run((inputs,), kwargs)
        if not args and (name := self._first_argument()) in kwargs:
            args = (kwargs.pop(name),)
        if len(args) > 1:
            args, kwargs = self._name_arguments(args, kwargs)
        if is_symbolic((args, kwargs)):
            return self._call_symbolically(args, kwargs)
        args = (nest.map_structure(self._convert, self._as_tensors(args[0])), *args[1:]) if args else args
        if not self.built:
            self._build_for(args[0])
        return self._run(args, kwargs)

    def _name_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """`training` and `mask` by name, and what follows them, where they were passed by position."""
        names = self._call_names
        places = [names.index(name) for name in ("training", "mask") if name in names[1 : len(args)]]
        if not places:
            return args, kwargs
        first = min(places)
        return args[:first], {**dict(zip(names[first:], args[first:], strict=False)), **kwargs}

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Check, set the context, and go through torch's `Module.__call__`, which sees to hooks."""
        inputs = args[0]
        if self.input_spec is not None:
            check_inputs(self.input_spec, inputs, self)
        context = call_context
        outer_training, outer_scope, was_said = context.training, context.scope, context.training_was_said
        training = kwargs.pop("training", None)
        if training is None:
            training = self.training if outer_training is None else outer_training
        else:
            context.training_was_said = True
        if self._accepts_training:
            kwargs["training"] = training
        mask = kwargs.get("mask")
        if mask is None and (self._accepts_mask or self.supports_masking or self._computes_mask):
            mask = mask_of(inputs)
            if self._accepts_mask:
                kwargs["mask"] = mask
        if not self._accepts_mask:
            kwargs.pop("mask", None)
        if not outer_scope:
            context.call_number += 1
            self.__dict__["_call_number"] = context.call_number
        context.training, context.scope = training, (*outer_scope, self._name)
        try:
            if self._mixed_dtype is context.mixed_dtype:
                outputs = super().__call__(*args, **kwargs)
            else:
                with compute_in(self._mixed_dtype):
                    outputs = super().__call__(*args, **kwargs)
        finally:
            context.training, context.scope, context.training_was_said = outer_training, outer_scope, was_said
        if self._mixed_dtype is not None:
            outputs = self._cast_outputs(outputs)
        if outputs is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected `call` to return a tensor; received None. "
                "Return the result at its end."
            )
        if self.activity_regularizer is not None:
            self._add_activity_loss(outputs)
        if mask is not None or self._computes_mask:
            self._mask_outputs(inputs, outputs, mask)
        return outputs

    def _call_symbolically(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        inputs = args[0] if args else next(iter(kwargs.values()))
        if kwargs.get("training", 0) is None:
            del kwargs["training"]
        if not self.built:
            self._build_for(inputs)
        if self.input_spec is not None:
            check_inputs(self.input_spec, inputs, self)
        if not self._accepts_training:
            kwargs.pop("training", None)
        return Node(self, args, kwargs, self.compute_output_spec(*args, **kwargs)).outputs

    def _build_for(self, inputs: Any) -> None:
        if self.input_spec is not None:
            check_inputs(self.input_spec, inputs, self)  # `build` counts on the right rank
        shapes = map_tensors_to_shapes(inputs)
        if call_context.probe is not None:
            shapes = map_shapes(call_context.probe.known_shape, shapes)
        self._build_once(shapes)

    def _build_once(self, input_shape: Any) -> None:
        with building():
            self.build(input_shape)
        self._note_build(input_shape)

    def _note_build(self, input_shape: Any) -> None:
        self.built = True
        self.__dict__["_built_shape"] = input_shape
        structure_version.bump()
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self.__dict__["_initial_weights"] = None

    def _as_tensors(self, inputs: Any) -> Any:
        """`inputs` with numpy arrays and plain lists of numbers turned into tensors on the current device."""
        if isinstance(inputs, list | tuple) and inputs and not isinstance(nest.flatten(inputs)[0], torch.Tensor):
            if all(isinstance(leaf, int | float | bool | str | bytes) for leaf in nest.flatten(inputs)):
                inputs = np.asarray(inputs)
        return nest.map_structure(self._as_tensor, inputs)

    def _as_tensor(self, value: Any) -> Any:
        if value is None or isinstance(value, torch.Tensor):
            return value
        if isinstance(value, nn.Module):
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected a tensor; received the layer "
                f"{type(value).__name__}. Call that layer on a tensor first."
            )
        if self.takes_strings and holds_strings(value):
            return as_strings(value)
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected numbers; received {describe(value)}. "
                "Convert the input to a numeric array or tensor."
            )
        return torch.as_tensor(array, device=current_device())

    def _mask_outputs(self, inputs: Any, outputs: Any, mask: Any) -> None:
        masks = self.compute_mask(inputs, mask)
        if masks is None:
            return
        flat_outputs, flat_masks = nest.flatten(outputs), nest.flatten(masks)
        for output, one in zip(flat_outputs, flat_masks, strict=len(flat_outputs) == len(flat_masks)):
            if one is not None and isinstance(output, torch.Tensor):
                output._keras_mask = one

    def _first_argument(self) -> str:
        return next(iter(call_parameters(type(self).call)), "inputs")

    def is_plain(self, with_children: bool = False) -> bool:
        """Whether `call` alone does the work: no hooks, no activity loss, and, unless allowed, no layers inside."""
        hooked = self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks
        return not (hooked or self.activity_regularizer is not None or (self._modules and not with_children))

    def masked_outputs(self, masked: tuple[bool, ...]) -> list[bool] | None:
        """Which outputs have a mask when these inputs have one, for layers that know it without a call."""
        return None

    # A generated forward calls plain layers directly, so it must learn of hooks that come later.

    def register_forward_hook(self, *args: Any, **kwargs: Any) -> Any:
        structure_version.bump()
        return super().register_forward_hook(*args, **kwargs)

    def register_forward_pre_hook(self, *args: Any, **kwargs: Any) -> Any:
        structure_version.bump()
        return super().register_forward_pre_hook(*args, **kwargs)

    def register_full_backward_hook(self, *args: Any, **kwargs: Any) -> Any:
        structure_version.bump()
        return super().register_full_backward_hook(*args, **kwargs)

    def register_full_backward_pre_hook(self, *args: Any, **kwargs: Any) -> Any:
        structure_version.bump()
        return super().register_full_backward_pre_hook(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        # nodes register themselves with their layer's copy; everything else here is made again on demand
        state = dict(self.__dict__)
        state.update(_inbound_nodes=[], _losses=(0, []))
        for key in ("_loss_contributors", "_metric_contributors", "_inner_layers", "_added_metrics"):
            state.pop(key, None)
        return state

    # --- attributes ----------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if type(value) in _PLAIN and not any(name in self.__dict__.get(kind, ()) for kind in _REGISTERED):
            object.__setattr__(self, name, value)  # most attributes: nothing to look for
            return
        if isinstance(value, list | dict | tuple):
            value = track(value)
            container = container_of(value)
            if container is not None:
                self._modules[name] = container
                structure_version.bump()
            object.__setattr__(self, name, value)
            return
        if isinstance(value, nn.Parameter):
            if not self._rename_parameter(name, value):
                self.__dict__[name] = value  # a second name of a weight; `state_dict` has it under the first
                return
        elif isinstance(value, nn.Module):
            structure_version.bump()
            if not isinstance(value, Layer) and "training" in self.__dict__:
                value.train(self.training)
        elif is_metric(value) and "_metrics" in self.__dict__:
            self._metrics.append(value)
        elif callable(value):
            structure_version.bump()  # another activation, for example: generated code may rely on the old one
        super().__setattr__(name, value)

    def _apply(self, function: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Layer:
        super()._apply(function, recurse)
        self._follow_weights(function)
        return self

    def extra_repr(self) -> str:
        """What torch prints of a layer besides the layers inside."""
        shapes = ", ".join(f"{key}={tuple(p.shape)}" for key, p in self._parameters.items() if p is not None)
        return f"'{self.name}'" + (f", {shapes}" if shapes else "")

    def __getattr__(self, name: str) -> Any:
        parameters = self.__dict__.get("_parameters")
        if parameters is not None and name in parameters:
            return parameters[name]
        attribute = getattr(type(self), name, None)
        if isinstance(attribute, property) and attribute.fget is not None:
            return attribute.fget(self)  # nn.Module would hide why the property failed
        return super().__getattr__(name)

    @property
    def name(self) -> str:
        return self._name


def _noted(build: Callable[..., Any]) -> Callable[..., Any]:
    """`build` that says afterwards that the layer is built, whoever has called it: no call must build it again."""

    @functools.wraps(build)
    def noted(self: Layer, *args: Any, **kwargs: Any) -> None:
        with building():
            build(self, *args, **kwargs)
        self._note_build(args[0] if args else next(iter(kwargs.values()), None))

    return noted


def mask_of(inputs: Any) -> Any:
    """The masks that tensors carry, in the structure of `inputs`; None when none carries one."""
    if isinstance(inputs, torch.Tensor):
        return getattr(inputs, "_keras_mask", None)
    masks = nest.map_structure(lambda tensor: getattr(tensor, "_keras_mask", None), inputs)
    return masks if any(mask is not None for mask in nest.flatten(masks)) else None


def _as_shape(shape: Any) -> tuple[Any, ...]:
    return (shape,) if isinstance(shape, int) or shape is None else tuple(shape)
