"""Model: a layer that can be made from a graph of layers, trained, summarised, saved and copied."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.modules import module as torch_module

from kerastorch.core import nest
from kerastorch.core.config import current_device, parse_device
from kerastorch.core.errors import did_you_mean
from kerastorch.core.naming import NameCounter
from kerastorch.engine.context import call_context, structure_version
from kerastorch.engine.graph import Graph
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer, placeholder
from kerastorch.engine.program import Program
from kerastorch.engine.symbolic import KerasTensor, Node
from kerastorch.engine.weights import children_of, first_parameter, module_weights, unique
from kerastorch.layers import Input, InputLayer, Lambda, TorchModule, TorchOp
from kerastorch.models import graph_config
from kerastorch.models.summary import print_summary
from kerastorch.saving import hdf5_weights
from kerastorch.training.trainer import Trainer

UNKNOWN_CODE = (Lambda, TorchModule, TorchOp)  # layers that run code of other authors
NOT_PREPARED = (-1, None, None, None, None)  # of `Model._direct`


class Model(Trainer, Layer):
    """A model: `Model(inputs, outputs)` from symbolic tensors, or a subclass with its own `call`.

    Inputs and outputs may be single tensors, lists, tuples or dicts; a model can be called as a layer of another.
    `model.code` shows the forward that was generated from the graph.
    Raises ValueError when outputs do not follow from the inputs.

    >>> inputs = Input((784,))
    >>> model = Model(inputs, Dense(10, activation="softmax")(inputs))
    """

    autocast = False  # inputs take the dtype of the Input they feed

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and (args or "inputs" in kwargs):
            cls = Functional
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        tensors = dict(zip(("inputs", "outputs", "name", "trainable"), args, strict=False))
        tensors.update({key: kwargs.pop(key) for key in ("inputs", "outputs") if key in kwargs})
        options = {key: tensors.pop(key) for key in ("name", "trainable") if key in tensors}
        super().__init__(**options, **kwargs)
        self.init_training_state()
        self.__dict__.update(graph=None, _keys=set(), **_fresh_caches())
        self.supports_masking = True
        if tensors:
            if "outputs" not in tensors:
                raise ValueError(f"Model '{self.name}': expected inputs and outputs; received only one of them.")
            self._set_graph(tensors["inputs"], tensors["outputs"])

    # --- the graph -----------------------------------------------------------------------------------------------

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        inputs, outputs = _start_from_inputs(_without_list(inputs), _without_list(outputs), self.name)
        graph = Graph(inputs, outputs, self.name)
        self.__dict__["graph"] = graph
        self.__dict__.update(_programs={}, _sources={})
        self._register_layers(graph.layers)
        self.built = True
        structure_version.bump()
        self.outputs_changed()

    def _register_layers(self, layers: list[Any]) -> None:
        """Make the layers torch's children, under keys that do not depend on what else the process has made.

        Automatic names are counted anew here, so that a second model from the same code has the same `state_dict`
        keys.
        """
        ours = {id(layer) for layer in layers}
        others = {key: module for key, module in self._modules.items() if id(module) not in ours}
        kept = {key: module for key, module in others.items() if key not in self._keys}
        counter = NameCounter()
        taken = {layer.name for layer in layers if layer._automatic_name is None}
        self._modules.clear()
        self._modules.update(kept)
        self._keys.clear()
        for layer in layers:
            key = layer.name
            if layer._automatic_name is not None:
                key = counter.next(layer._automatic_name)
                while key in taken:
                    key = counter.next(layer._automatic_name)
            key = key.replace(".", "_")
            self._modules[key] = layer
            self._keys.add(key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        version, function, bound, shape, dtype = self._direct
        if version == structure_version.number and function is not None and len(args) == 1:
            inputs = args[0]
            fits = type(inputs) is torch.Tensor and inputs.dtype is dtype and inputs.shape[1:] == shape
            usual = not kwargs or (len(kwargs) == 1 and "training" in kwargs)
            watched = torch_module._has_any_global_hook()
            if fits and usual and not watched and getattr(inputs, "_keras_mask", None) is None:
                return self._call_directly(function, bound, inputs, kwargs.get("training"))
        elif version != structure_version.number and self.graph is not None:
            self._prepare_direct_calls()
        return super().__call__(*args, **kwargs)

    def _call_directly(self, function: Callable[..., Any], bound: Any, inputs: torch.Tensor, training: Any) -> Any:
        """The generated forward on one tensor that fits, where there are neither hooks nor masks to see to."""
        context = call_context
        outer = context.training
        if training is None:
            training = self.training if outer is None else outer
        if not context.scope:
            context.call_number += 1
            self.__dict__["_call_number"] = context.call_number
        context.training = training
        try:
            return function(bound, inputs, training=training)
        finally:
            context.training = outer

    def _prepare_direct_calls(self) -> None:
        """See whether calls on a tensor of the usual kind can skip everything but the generated forward."""
        self.__dict__["_direct"] = (structure_version.number, *NOT_PREPARED[1:])
        tensors = self.graph.flat_inputs
        own = type(self).call is Model.call and Layer.is_plain(self, with_children=True)
        if not own or len(tensors) != 1 or None in tensors[0].shape[1:] or self._compiled_call_impl is not None:
            return
        if self._compiled_program((False,), optimize=True).is_plain() and not torch_module._has_any_global_hook():
            function, bound = self._program(None)
            shape = torch.Size(tensors[0].shape[1:])
            self.__dict__["_direct"] = (structure_version.number, function, bound, shape, tensors[0].node.layer._dtype)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Run the graph on real tensors; subclasses write their own."""
        if self.graph is None:
            raise NotImplementedError(
                f"{type(self).__name__} '{self.name}': expected a method `call(self, inputs)` or symbolic inputs and "
                "outputs; received neither. Define `call`, or pass inputs and outputs to the constructor."
            )
        tensors = self._conform(inputs)
        masks = self._input_masks(inputs, mask, len(tensors))
        arguments = tensors if masks is None else _interleave(tensors, masks)
        signature = None if masks is None else tuple(one is not None for one in masks)
        function, bound = self._program(signature)
        return function(bound, *arguments, training=training)

    def _program(self, signature: tuple[bool, ...] | None) -> tuple[Callable[..., Any], Any]:
        """The generated function for inputs of which `signature` tells who carries a mask, and what it calls.

        Both are kept until the structure changes: hooks, children, activations.
        """
        hooks = torch_module._has_any_global_hook()
        version, hooked, function, bound = self._programs.get(signature, (-1, False, None, None))
        if version != structure_version.number or hooked != hooks:
            masked = signature or (False,) * len(self.graph.flat_inputs)
            program = self._compiled_program(masked, optimize=not hooks)
            function, bound = program.function, program.bind(plain=not hooks)
            self._programs[signature] = (structure_version.number, hooks, function, bound)
        return function, bound

    def _compiled_program(self, masked: tuple[bool, ...], optimize: bool) -> Program:
        key = (masked, optimize)
        program = self._sources.get(key)
        if program is None or not program.is_current():
            program = self._sources[key] = Program(self.graph, masked, optimize)
        return program

    @property
    def code(self) -> str:
        """The generated forward as Python source; `self.<layer>` are the model's layers."""
        if self.graph is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a functional or Sequential model that is built; "
                "received one without a graph. Its code is its `call` method."
            )
        return self._compiled_program((False,) * len(self.graph.flat_inputs), optimize=True).code

    def check_inputs(self, inputs: Any) -> None:
        """Raise ValueError for arrays that do not fit the inputs, whatever the number of their samples."""
        if self.graph is None:
            return
        for tensor, reference in zip(self._flatten_inputs(inputs), self.graph.flat_inputs, strict=True):
            given = _with_rank(tensor, reference.shape).shape
            if len(given) != len(reference.shape) or not _fits(given, reference.shape):
                raise self._misfit(tensor, reference)

    def _conform(self, inputs: Any) -> list[torch.Tensor]:
        """The inputs as a flat list in the order of the graph's, with its dtypes and ranks."""
        references = self.graph.flat_inputs
        if type(inputs) is torch.Tensor and len(references) == 1:
            return [self._conform_one(inputs, references[0])]
        tensors = self._flatten_inputs(inputs)
        return [
            self._conform_one(tensor, reference) for tensor, reference in zip(tensors, references, strict=True)
        ]

    def _flatten_inputs(self, inputs: Any) -> list[Any]:
        names = self.input_names
        if len(names) == 1:
            while isinstance(inputs, list | tuple | Mapping) and len(inputs) == 1:
                inputs = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs[0]
        if isinstance(inputs, Mapping):
            keys = names if not isinstance(self.graph.inputs, Mapping) else sorted(self.graph.inputs)
            if all(key in inputs for key in keys):
                return nest.flatten([inputs[key] for key in keys])
            keys = [key for key in keys if key not in inputs]
            raise ValueError(
                f"Model '{self.name}': expected a dict with the inputs {names}; received {list(inputs)}. "
                f"Missing: {', '.join(map(repr, keys))}."
            )
        flat = nest.flatten(inputs)
        if len(flat) != len(names):
            raise ValueError(
                f"Model '{self.name}': expected {len(names)} inputs ({', '.join(names)}); received {len(flat)}. "
                "Pass a list in that order, or a dict by these names."
            )
        return flat

    def _conform_one(self, tensor: Any, reference: KerasTensor) -> Any:
        shape, rank = reference.shape, len(reference.shape)
        if isinstance(tensor, KerasTensor):
            return tensor
        if tensor.dim() != rank:
            tensor = _with_rank(tensor, shape)
        dtype = reference.node.layer._dtype  # which follows .double() and the like
        given = tensor.shape
        if len(given) != rank:
            raise self._misfit(tensor, reference)
        for size, wanted in zip(given, shape):  # noqa: B905 - as long as each other, and this runs in every call
            if wanted is not None and wanted != size and not _fits(given, shape):
                raise self._misfit(tensor, reference)
        return tensor if tensor.dtype is dtype else _keeping_mask(tensor, tensor.to(dtype))

    def _misfit(self, tensor: torch.Tensor, reference: KerasTensor) -> ValueError:
        shape, wanted = tuple(tensor.shape), reference.shape
        advice = "Reshape the data, or change the input shape of the model."
        if len(shape) == len(wanted) - 1:
            advice = "Add the missing axis, for example x[None] for a batch of one or x[..., None] for one channel."
        elif len(shape) == len(wanted) > 2 and shape[1] == wanted[-1]:
            advice = "The channels seem to be on the other side: transpose the data, or build with data_format."
        return ValueError(
            f"Model '{self.name}': expected shape {wanted} for input '{reference.name}'; "
            f"received {shape}. {advice}"
        )

    def _input_masks(self, inputs: Any, mask: Any, count: int) -> list[Any] | None:
        if mask is None:
            if type(inputs) is torch.Tensor:
                mask = getattr(inputs, "_keras_mask", None)
                return None if mask is None else [mask]
            masks = [getattr(tensor, "_keras_mask", None) for tensor in nest.flatten(inputs)]
        else:
            masks = nest.flatten(mask)
        return masks if len(masks) == count and any(one is not None for one in masks) else None

    def _mask_outputs(self, inputs: Any, outputs: Any, mask: Any) -> None:
        if self.graph is None:  # a generated forward has put masks on its outputs already
            super()._mask_outputs(inputs, outputs, mask)

    def masked_outputs(self, masked: tuple[bool, ...]) -> list[bool] | None:
        """Which outputs have a mask when these inputs have one; None for models that define `call`."""
        if self.graph is None or type(self).call is not Model.call:
            return None
        return self._compiled_program(masked, optimize=True).masked_outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self.graph is None:
            return super().compute_output_spec(*args, **kwargs)
        given = self._conform(args[0])
        references = self.graph.flat_inputs
        same = all(one.shape == reference.shape for one, reference in zip(given, references, strict=True))
        if same:
            return nest.map_structure(lambda tensor: tensor.spec, self.graph.outputs)
        stand_ins = [
            placeholder(self._merged_shape(one, reference), reference.dtype)
            for one, reference in zip(given, references, strict=True)
        ]
        return self.graph.infer(stand_ins)

    def _merged_shape(self, given: KerasTensor, reference: KerasTensor) -> tuple[int | None, ...]:
        shape = given.shape
        if len(shape) == len(reference.shape) - 1 and reference.shape[-1] == 1:
            shape = (*shape, 1)
        fits = len(shape) == len(reference.shape) and all(
            a is None or b is None or a == b for a, b in zip(shape, reference.shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"Model '{self.name}': expected shape {reference.shape} for input '{reference.name}'; "
                f"received {given.shape}. Reshape the tensor, or change the input shape of the model."
            )
        return tuple(b if a is None else a for a, b in zip(shape, reference.shape, strict=True))

    def bytes_per_sample(self) -> int | None:
        """The size of the largest tensor of the forward for one sample.

        None where it is not known, or where a layer may mix samples or add losses: layers of other authors may.
        """
        version, size = self._sample_bytes
        if version != structure_version.number:
            size = None if self.graph is None else self._measure_sample()
            self.__dict__["_sample_bytes"] = (structure_version.number, size)
        return size

    def _measure_sample(self) -> int | None:
        largest = 1
        for node in self.graph.nodes:
            layer = node.layer
            inner = layer.bytes_per_sample() if isinstance(layer, Model) else 1
            foreign = not type(layer).__module__.startswith("kerastorch.")
            if inner is None or foreign or layer.activity_regularizer is not None or isinstance(layer, UNKNOWN_CODE):
                return None
            for spec in node.flat_specs:
                if None in spec.shape[1:]:
                    return None
                largest = max(largest, inner, math.prod(spec.shape[1:]) * spec.dtype.itemsize)
        return largest

    # --- structure -----------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The layers directly inside, in tf.keras' order."""
        if self.graph is not None:
            return list(self.graph.layers)
        return [child for child in children_of(self) if isinstance(child, Layer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """A layer by name or by position; ValueError with the nearest name when there is none."""
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Model '{self.name}': expected an index below {len(layers)}; received index={index}."
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"Model '{self.name}': expected the name of a layer; received {name!r}. "
            f"{did_you_mean(str(name), [layer.name for layer in layers])}"
        )

    def _graph_tensors(self, wanted: str) -> Any:
        if self.graph is None:
            raise AttributeError(
                f"{type(self).__name__} '{self.name}': expected a model with symbolic {wanted}; received one that is "
                "not built. Give it an input shape, or call it on data first."
            )
        return getattr(self.graph, wanted)

    @property
    def inputs(self) -> list[KerasTensor]:
        return nest.flatten(self._graph_tensors("inputs"))

    @property
    def outputs(self) -> list[KerasTensor]:
        return nest.flatten(self._graph_tensors("outputs"))

    @property
    def input(self) -> Any:
        """The symbolic input, in the structure that the model was made with."""
        return self._graph_tensors("inputs")

    @property
    def output(self) -> Any:
        """The symbolic output, in the structure that the model was made with."""
        return self._graph_tensors("outputs")

    @property
    def input_shape(self) -> Any:
        if self.graph is None and self._built_shape is not None:
            return self._built_shape
        return nest.map_structure(lambda tensor: tensor.shape, self.input)

    @property
    def output_shape(self) -> Any:
        return nest.map_structure(lambda tensor: tensor.shape, self.output)

    @property
    def input_names(self) -> list[str]:
        return [] if self.graph is None else [tensor.node.layer.name for tensor in self.graph.flat_inputs]

    @property
    def output_names(self) -> list[str]:
        """One name an output: of its layer, numbered where a layer has several."""
        if self.graph is None:
            return []
        found: list[str] = []
        for tensor in self.graph.flat_outputs:
            base = tensor.node.layer.name
            name, number = base, 1
            while name in found:
                name, number = f"{base}_{number}", number + 1
            found.append(name)
        return found

    @property
    def output_structure(self) -> Any:
        """The outputs as the model returns them; None where that is known only from a call."""
        return None if self.graph is None else self.graph.outputs

    def build(self, input_shape: Any) -> None:
        """Make the weights for an input shape (batch axis first); needed only for models that define `call`."""
        if self.graph is None and type(self).call is not Model.call and not self.built:
            self._build_by_call(input_shape)

    def _build_by_call(self, input_shape: Any) -> None:
        self.built = True
        try:
            self.compute_output_shape(input_shape)
        except ValueError:
            self.built = False
            raise
        self.__dict__["_built_shape"] = input_shape if isinstance(input_shape, dict | list) else tuple(input_shape)

    def _build_for(self, inputs: Any) -> None:
        # the first call makes the weights of the layers inside; a `build` of the author's own is heard
        if type(self).build is not Model.build:
            super()._build_for(inputs)
        elif self._built_shape is None:
            self.__dict__["_built_shape"] = nest.map_structure(lambda tensor: (None, *tensor.shape[1:]), inputs)
            self.built = True

    @property
    def weights(self) -> list[Any]:
        """All weights, layer by layer, then those of the model itself."""
        return unique(self._gather("weights") + self._own(True) + self._own(False))

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that `fit` changes, layer by layer."""
        if not self.trainable:
            return []
        return unique(self._gather("trainable_weights") + [one for one in self._own(True) if one.requires_grad])

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The weights that `fit` leaves alone, or that layers update themselves."""
        others = self._gather("non_trainable_weights") + self._own(False)
        if self.trainable:
            return unique(others)
        trainable = [weight for child in children_of(self) for weight in module_weights(child, "trainable_weights")]
        return unique(trainable + self._own(True) + others)

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: str | None = None) -> None:
        """Write the weights into an HDF5 file of Keras 2's layout; the file appears whole or not at all."""
        hdf5_weights.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
        """Read weights of a file that `save_weights` or tf.keras wrote; ValueError when layers or shapes differ."""
        hdf5_weights.load_weights(self, filepath, by_name, skip_mismatch)

    def _apply(self, function: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Model:
        self.__dict__.update(_fresh_caches())  # generated code casts to dtypes that may just have changed
        return super()._apply(function, recurse)

    def to(self, *args: Any, **kwargs: Any) -> Any:
        """Move the weights, as torch does; TensorFlow's device names are understood too."""
        if args and isinstance(args[0], str):
            args = (parse_device(args[0]), *args[1:])
        return super().to(*args, **kwargs)

    @property
    def device(self) -> torch.device:
        """Where the weights are; the current device for a model without weights."""
        first = first_parameter(self)
        return current_device() if first is None else first.device

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.update(_trainable_when_compiled={}, _reader=None, _held=(-1, []), _trained=(-1, []), **_fresh_caches())
        return state

    # --- text ----------------------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list[str] | tuple[str, str] | None = None,
    ) -> None:
        """Print layers, output shapes and parameter counts as tf.keras does; ValueError before the model is built."""
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    def get_config(self) -> dict[str, Any]:
        """The graph as plain values; subclasses that define `call` return their constructor's arguments."""
        if self.graph is not None and type(self).call is Model.call:
            return graph_config.to_config(self)
        if type(self).get_config is Model.get_config and type(self).__init__ is Model.__init__:
            return {"name": self.name, "trainable": self.trainable}
        return super().get_config()

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
        """A new model, without weights, from `get_config`'s result."""
        if "layers" in config and "output_layers" in config:
            inputs, outputs, name = graph_config.from_config(config, custom_objects)
            # a class with a constructor of its own cannot be made from tensors; its graph can
            kind = cls if cls.__init__ is Model.__init__ else Functional
            model = kind(inputs=inputs, outputs=outputs, name=name)
            if config.get("trainable") is False:
                model.trainable = False
            return model
        return super().from_config(config)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as a JSON text; `model_from_json` reads it back."""
        description = {
            "class_name": type(self).__name__,
            "config": self.get_config(),
            "keras_version": "2.15.0",
            "backend": "torch",
        }
        return json.dumps(description, default=graph_config.to_plain, **kwargs)


def _fresh_caches() -> dict[str, Any]:
    """What a model derives from its structure and keeps until that changes; copies start without it."""
    return {"_programs": {}, "_sources": {}, "_direct": NOT_PREPARED, "_sample_bytes": (-1, None)}


class Functional(Model):
    """A model made from symbolic inputs and outputs; `Model(inputs, outputs)` returns one."""

    def _default_name(self) -> str:
        return "model"


def _without_list(structure: Any) -> Any:
    """A list of one tensor as that tensor, as tf.keras takes it; tuples and dicts stay what they are."""
    return structure[0] if isinstance(structure, list) and len(structure) == 1 else structure


def _interleave(tensors: list[Any], masks: list[Any]) -> list[Any]:
    pairs = zip(tensors, masks, strict=True)
    return [item for tensor, mask in pairs for item in ((tensor,) if mask is None else (tensor, mask))]


def _fits(given: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    """Whether sizes agree, but for the batch, which may be smaller at the end of data even where it is fixed."""
    return all(size in (None, actual) for actual, size in zip(given[1:], shape[1:], strict=True))


def _with_rank(tensor: torch.Tensor, shape: tuple[int | None, ...]) -> torch.Tensor:
    """`tensor` with a last axis of 1 added or taken away, where that gives it the rank of `shape`, as Keras does."""
    if tensor.dim() == len(shape) - 1 and shape[-1] == 1:
        return _keeping_mask(tensor, tensor.unsqueeze(-1))
    if tensor.dim() == len(shape) + 1 and tensor.shape[-1] == 1:
        return _keeping_mask(tensor, tensor.squeeze(-1))
    return tensor


def _keeping_mask(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    mask = getattr(old, "_keras_mask", None)
    if mask is not None:
        new._keras_mask = mask
    return new


def _start_from_inputs(inputs: Any, outputs: Any, owner: str) -> tuple[Any, Any]:
    """Where a model is cut out of the middle of a graph, call its layers again from a new Input there."""
    flat = nest.flatten(inputs)
    if all(not isinstance(tensor, KerasTensor) or isinstance(tensor.node.layer, InputLayer) for tensor in flat):
        return inputs, outputs
    graph = Graph(inputs, outputs, owner)
    fresh = {
        tensor.key: tensor
        if isinstance(tensor.node.layer, InputLayer)
        else Input(batch_shape=tensor.shape, dtype=tensor.dtype)
        for tensor in graph.flat_inputs
    }

    def stand_in(leaf: Any) -> Any:
        return fresh.get(leaf.key, leaf) if isinstance(leaf, KerasTensor) else leaf

    for node in graph.nodes:
        if all((id(node), index) in fresh for index in range(len(node.flat_specs))):
            continue
        args, kwargs = nest.map_structure(stand_in, (node.args, node.kwargs))
        again = Node(node.layer, args, kwargs, node.output_specs)
        fresh.update({(id(node), tensor.index): tensor for tensor in nest.flatten(again.outputs)})
    return nest.map_structure(stand_in, inputs), nest.map_structure(stand_in, outputs)


__all__ = ["Functional", "InputSpec", "Model"]
