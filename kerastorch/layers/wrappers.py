"""Layers that run another layer: over the steps of a sequence, or in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from kerastorch.core import nest
from kerastorch.core.errors import describe
from kerastorch.core.registry import custom_object_scope
from kerastorch.engine.context import inside
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.engine.shapes import map_shapes, map_tensors_to_shapes, placeholder
from kerastorch.engine.symbolic import TensorSpec, is_symbolic, map_specs
from kerastorch.layers.functions import as_layer
from kerastorch.layers.registry import deserialize, serialize


class Wrapper(Layer):
    """The base of layers that run another `layer`, which may be a model or any torch module.

    Raises ValueError for anything else.

    >>> class Twice(Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    """

    def __init__(self, layer: nn.Module, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = self.checked_layer(layer, "layer")

    def checked_layer(self, layer: Any, argument: str) -> Layer:
        """`layer` as a layer; ValueError when it is none."""
        if not isinstance(layer, nn.Module):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected {argument} to be a layer; "
                f"received {describe(layer)}. Pass an instance, for example Dense(10)."
            )
        return as_layer(layer)

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            with inside(self.name):
                self.layer.build(input_shape)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        layer = config["layer"]
        return cls(**{**config, "layer": layer if isinstance(layer, nn.Module) else deserialize(layer)})


class TimeDistributed(Wrapper):
    """Apply a layer to every step of a sequence, with the same weights.

    Input (batch, steps, ...) of any rank above 2, output (batch, steps, *what the layer makes of one step); all steps
    of all samples pass through the layer as one batch.
    Raises ValueError for inputs without an axis of steps.

    >>> TimeDistributed(Dense(4))(torch.zeros(2, 10, 3)).shape
    torch.Size([2, 10, 4])
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        self.input_spec = nest.flatten(map_shapes(self._checked_spec, input_shape))
        super().build(map_shapes(_without_steps, input_shape))

    def _checked_spec(self, shape: tuple[int | None, ...]) -> InputSpec:
        if len(shape) < 3:
            raise ValueError(
                f"TimeDistributed '{self.name}': expected inputs (batch, steps, ...) of rank 3 at least; received "
                f"shape {shape}. Give the input an axis of steps, or use {type(self.layer).__name__} by itself."
            )
        return InputSpec(shape=(None, None, *shape[2:]))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        batch_and_steps = nest.flatten(inputs)[0].shape[:2]
        merged = nest.map_structure(lambda tensor: tensor.flatten(0, 1), inputs)
        masks = [] if mask is None else nest.flatten(mask)
        for tensor, one in zip(nest.flatten(merged), masks, strict=False):
            if one is not None:
                tensor._keras_mask = one.flatten(0, 1)
        outer = next((one for one in masks if one is not None), None)

        def split(output: torch.Tensor) -> torch.Tensor:
            result = output.unflatten(0, batch_and_steps)
            inner = getattr(output, "_keras_mask", None)
            if inner is not None:
                result._keras_mask = inner.unflatten(0, batch_and_steps)
            elif outer is not None:
                result._keras_mask = outer.flatten(2).any(2) if outer.dim() > 2 else outer
            return result

        return nest.map_structure(split, self.layer(merged, training=training))

    def _mask_outputs(self, inputs: Any, outputs: Any, mask: Any) -> None:
        """`call` has put masks on the outputs already."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        steps = _first_shape(input_shape)[1]
        inner = self.layer.compute_output_shape(map_shapes(_without_steps, input_shape))
        return map_shapes(lambda shape: (shape[0], steps, *shape[1:]), inner)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        batch, steps = nest.flatten(args[0])[0].shape[:2]
        inner = nest.map_structure(lambda one: placeholder(_without_steps(one.shape), one.dtype), args[0])
        specs = self.layer.compute_output_spec(inner)
        return map_specs(lambda spec: TensorSpec((batch, steps, *spec.shape[1:]), spec.dtype), specs)


_MERGES: dict[str | None, Callable[[torch.Tensor, torch.Tensor], Any]] = {
    "concat": lambda forward, backward: torch.cat((forward, backward), -1),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    None: lambda forward, backward: [forward, backward],
}


class Bidirectional(Wrapper):
    """Run a recurrent layer over the sequence and a second one backwards, and merge their outputs.

    `merge_mode` is 'concat', 'sum', 'mul', 'ave', or None for a list of both. The layers that run are
    `forward_layer` and `backward_layer`, made from the config of `layer`, or given as `backward_layer`. States, passed
    and returned, are those of the forward layer followed by those of the backward layer.
    Raises ValueError for layers that do not fit each other and for other merge modes.

    >>> Bidirectional(LSTM(8))(torch.zeros(2, 10, 3)).shape
    torch.Size([2, 16])
    """

    supports_masking = True

    def __init__(
        self,
        layer: nn.Module,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(layer, weights=weights, **kwargs)
        if merge_mode not in _MERGES:
            raise ValueError(
                f"Bidirectional '{self.name}': expected merge_mode to be one of {tuple(_MERGES)}; "
                f"received merge_mode={merge_mode!r}."
            )
        self.merge_mode = merge_mode
        self.__dict__["layer"] = template = self._modules.pop("layer")  # its copies run, not the layer itself
        self._check_recurrent(template, "layer")
        for name in _COMMON:
            setattr(self, name, getattr(template, name))
        self.__dict__.update(_backward_config=None, _num_constants=0)
        self.forward_layer = _recreated(template, "forward", template.go_backwards)
        if backward_layer is None:
            self.backward_layer = _recreated(template, "backward", not template.go_backwards)
        else:
            self._take_backward_layer(self.checked_layer(backward_layer, "backward_layer"))
        for direction in (self.forward_layer, self.backward_layer):
            if hasattr(direction, "zero_output_for_mask"):
                direction.zero_output_for_mask = direction.return_sequences
        if "trainable" not in kwargs:
            self.__dict__["_trainable"] = template.trainable

    def _check_recurrent(self, layer: Layer, argument: str) -> None:
        missing = [name for name in ("go_backwards", *_COMMON) if not hasattr(layer, name)]
        if missing:
            raise ValueError(
                f"Bidirectional '{self.name}': expected {argument} to be a recurrent layer such as LSTM; received "
                f"{type(layer).__name__} '{layer.name}', which has no {missing[0]}. Use TimeDistributed for a layer "
                "that treats each step by itself."
            )

    def _take_backward_layer(self, layer: Layer) -> None:
        self._check_recurrent(layer, "backward_layer")
        if layer.go_backwards == self.layer.go_backwards:
            raise ValueError(
                f"Bidirectional '{self.name}': expected layer and backward_layer with different go_backwards; received "
                f"go_backwards={layer.go_backwards} for both. Pass go_backwards=True to the backward layer."
            )
        for name in _COMMON:
            if getattr(layer, name) != getattr(self, name):
                raise ValueError(
                    f"Bidirectional '{self.name}': expected layer and backward_layer with the same {name}; received "
                    f"{name}={getattr(self, name)} and {name}={getattr(layer, name)}. Give both the same value."
                )
        self.__dict__["_backward_config"] = serialize(layer)
        layer.__dict__.update(_name=f"backward_{layer.name}", _automatic_name=None)
        self.backward_layer = layer

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        if isinstance(inputs, list):  # what RNN layers take as keywords may follow in the list
            end = len(inputs) - self._num_constants
            inputs, initial_state, constants = inputs[0], inputs[1:end] or initial_state, inputs[end:] or constants
        states, constants = _listed(initial_state), _listed(constants)
        if len(states) % 2:
            raise ValueError(
                f"Bidirectional '{self.name}': expected initial_state to list the states of the forward layer, then as "
                f"many of the backward layer; received {len(states)}. Pass for example "
                "[forward_h, forward_c, backward_h, backward_c] to an LSTM."
            )
        if constants:
            self.__dict__["_num_constants"] = len(constants)
        if is_symbolic((states, constants)):
            return super().__call__([inputs, *states, *constants], **kwargs)
        given = {"initial_state": states, "constants": constants}
        return super().__call__(inputs, **{name: values for name, values in given.items() if values}, **kwargs)

    def build(self, input_shape: Any) -> None:
        with inside(self.name):
            self.forward_layer.build(input_shape)
            self.backward_layer.build(input_shape)

    def call(
        self, inputs: Any, training: Any = None, mask: Any = None, initial_state: Any = (), constants: Any = ()
    ) -> Any:
        half = len(initial_state) // 2
        outputs = []
        for layer, states in ((self.forward_layer, initial_state[:half]), (self.backward_layer, initial_state[half:])):
            options = {"initial_state": states, "constants": constants}
            given = {name: values for name, values in options.items() if values}
            outputs.append(layer(inputs, training=training, mask=mask, **given))
        states = []
        if self.return_state:
            states = [state for _, *last in outputs for state in last]
            outputs = [output for output, *_ in outputs]
        forward, backward = outputs
        if self.return_sequences:
            backward = backward.flip(0 if getattr(self.forward_layer, "time_major", False) else 1)
        merged = _MERGES[self.merge_mode](forward, backward)
        if not self.return_state:
            return merged
        return [*_listed(merged), *states]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        masks = [mask if self.return_sequences else None] * (2 if self.merge_mode is None else 1)
        if self.return_state:
            masks += [None for layer in (self.forward_layer, self.backward_layer) for _ in layer.states]
        return masks if len(masks) > 1 else masks[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        found = [layer.compute_output_shape(input_shape) for layer in (self.forward_layer, self.backward_layer)]
        (forward, *first), (backward, *second) = found if self.return_state else [[shape] for shape in found]
        merged = [forward, backward]
        if self.merge_mode is not None:
            merged = [(*forward[:-1], forward[-1] + backward[-1]) if self.merge_mode == "concat" else forward]
        shapes = [*merged, *first, *second]
        return shapes if len(shapes) > 1 else shapes[0]

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        dtype = self.forward_layer._dtype
        shapes = self.compute_output_shape(map_tensors_to_shapes(args[0]))
        return map_shapes(lambda shape: TensorSpec(shape, dtype), shapes)

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a stateful layer: the forward layer's, then the backward layer's; zeros when not given."""
        half = 0 if states is None else len(states) // 2
        self.forward_layer.reset_states(None if states is None else states[:half])
        self.backward_layer.reset_states(None if states is None else states[half:])

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(backward_layer=self._backward_config, num_constants=self._num_constants, weights=None)
        return {key: value for key, value in config.items() if value or key not in _OPTIONAL}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        config = dict(config)
        count = config.pop("num_constants", 0)
        if "backward_layer" in config:
            config["backward_layer"] = deserialize(config["backward_layer"])
        wrapper = super().from_config(config)
        wrapper.__dict__["_num_constants"] = count
        return wrapper


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


_COMMON = ("stateful", "return_sequences", "return_state")  # what both directions have in common
_OPTIONAL = ("backward_layer", "num_constants", "weights")  # not in configs where they say nothing


def _recreated(layer: Layer, direction: str, go_backwards: bool) -> Layer:
    """A new layer with the config of `layer`; the cells inside need not be registered."""
    config = {**layer.get_config(), "name": f"{direction}_{layer.name}", "go_backwards": go_backwards}
    with custom_object_scope({type(module).__name__: type(module) for module in layer.modules()}):
        return type(layer).from_config(config)


def _without_steps(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    return (shape[0], *shape[2:])


def _first_shape(shapes: Any) -> tuple[int | None, ...]:
    found: list[tuple[int | None, ...]] = []
    map_shapes(found.append, shapes)
    return found[0]
