"""How a model runs its graph: inputs brought into shape, masks found, the generated forward called."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.nn.modules import module as torch_module

from kerastorch.core import nest
from kerastorch.core.config import STRING
from kerastorch.core.errors import describe
from kerastorch.engine.context import call_context, structure_version
from kerastorch.engine.layer import Layer
from kerastorch.engine.precision import compute_in
from kerastorch.engine.program import Program
from kerastorch.engine.shapes import placeholder
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.layers import Lambda, TorchModule, TorchOp
from kerastorch.models.folded import folded_inference
from kerastorch.models.frozen_part import FrozenPart
from kerastorch.models.raw_pictures import warn_of_raw_pictures
from kerastorch.training.arrays import strings_refused
from kerastorch.training.frozen_features import FeatureBatch

UNKNOWN_CODE = (Lambda, TorchModule, TorchOp)  # layers that run code of other authors
NOT_PREPARED = (-1, None, None, None, None)  # of `Model._direct`


def fresh_caches() -> dict[str, Any]:
    """What a model derives from its structure and keeps until that changes; copies start without it."""
    return {"_programs": {}, "_sources": {}, "_direct": NOT_PREPARED, "_sample_bytes": (-1, None)}


class GraphLayer(Layer):
    """A layer that may have a graph; with one, its `call` runs the code generated from it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        version, function, bound, shape, dtype = self._direct
        if version == structure_version.number and function is not None and len(args) == 1:
            inputs = args[0]
            fits = type(inputs) is torch.Tensor and inputs.dtype is dtype and inputs.shape[1:] == shape
            usual = not kwargs or (len(kwargs) == 1 and "training" in kwargs)
            watched = torch_module._has_any_global_hook()
            free = not watched and call_context.mixed_dtype is None
            if fits and usual and free and getattr(inputs, "_keras_mask", None) is None:
                return self._call_directly(function, bound, inputs, kwargs.get("training"))
        elif version != structure_version.number and self.graph is not None:
            self._prepare_direct_calls()
        if args and type(args[0]) is FeatureBatch:
            function, bound = args[0].part.rest()
            return self._call_directly(_spread(function), bound, args[0].tensors, kwargs.get("training"))
        return super().__call__(*args, **kwargs)

    def _call_directly(self, function: Callable[..., Any], bound: Any, inputs: Any, training: Any) -> Any:
        """The generated forward on one tensor, or on features, where there are neither hooks nor masks to see to."""
        context = call_context
        outer, was_said = context.training, context.training_was_said
        if training is None:
            training = self.training if outer is None else outer
        else:
            context.training_was_said = True
        if not context.scope:
            context.call_number += 1
            self.__dict__["_call_number"] = context.call_number
        context.training = training
        try:
            return function(bound, inputs, training=training)
        finally:
            context.training, context.training_was_said = outer, was_said

    def _prepare_direct_calls(self) -> None:
        """See whether calls on a tensor of the usual kind can skip everything but the generated forward."""
        self.__dict__["_direct"] = (structure_version.number, *NOT_PREPARED[1:])
        tensors = self.graph.flat_inputs
        own = type(self).call is GraphLayer.call and Layer.is_plain(self, with_children=True)
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
        tensors = self.conform(inputs)
        masks = self._input_masks(inputs, mask, len(tensors))
        arguments = tensors if masks is None else _interleave(tensors, masks)
        signature = None if masks is None else tuple(one is not None for one in masks)
        function, bound = self._program(signature)
        with compute_in(None):  # the code switches autocast on for the layers that want it
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

    def _compiled_program(self, masked: tuple[bool, ...], optimize: bool, fold: bool = False) -> Program:
        key = (masked, optimize, fold)
        program = self._sources.get(key)
        if program is None or not program.is_current():
            recompute = self.gradient_checkpointing and not fold
            program = self._sources[key] = Program(self.graph, masked, optimize, recompute, fold)
        return program

    def inference_program(self) -> Program:
        """The code for inference alone, in which convolutions hold the normalisation that follows them."""
        return self._compiled_program((False,) * len(self.graph.flat_inputs), optimize=True, fold=True)

    def direct_call(self) -> tuple[Any, ...]:
        """What `__call__` needs to call the generated forward at once; its second value is None where it cannot."""
        if self._direct[0] != structure_version.number:
            self._prepare_direct_calls()
        return self._direct

    def folded_inference(self) -> folded_inference:
        """The context in which predict and evaluate run many samples through the code of `inference_program`."""
        return folded_inference(self)

    def look_at_inputs(self, inputs: Any) -> None:
        """Warn of the first batch of data where its values are plainly not what the model was trained on."""
        warn_of_raw_pictures(self, inputs)

    def frozen_part(self) -> FrozenPart:
        """The first layers, as far as training leaves what they compute as it is."""
        return FrozenPart(self)

    def runs_its_graph(self) -> bool:
        """Whether calls run the code that was generated from the graph, and nothing of an author's own."""
        return self.graph is not None and type(self).call is GraphLayer.call and self._compiled_call_impl is None

    @property
    def gradient_checkpointing(self) -> bool:
        """Whether backward computes most of the forward once more, which saves its memory (arXiv:1604.06174).

        About the square root of the layers are kept then, and a step takes about a third longer. Weights, gradients
        and moving averages are the same. Models inside follow. Raises ValueError for models that define `call`.

        >>> model = Sequential([Dense(8, input_shape=(4,)), Dense(8), Dense(8), Dense(1)])
        >>> model.gradient_checkpointing = True
        >>> "recomputed" in model.code
        True
        """
        return self.__dict__.get("_gradient_checkpointing", False)

    @gradient_checkpointing.setter
    def gradient_checkpointing(self, value: bool) -> None:
        if value and type(self).call is not GraphLayer.call:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a functional or Sequential model for "
                "gradient_checkpointing; received one that defines `call`. Set it on the models inside, or use "
                "torch.utils.checkpoint in `call`."
            )
        for layer in (self, *self.inner_layers):
            if isinstance(layer, GraphLayer) and type(layer).call is GraphLayer.call:
                layer.__dict__.update(_gradient_checkpointing=bool(value), **fresh_caches())
        structure_version.bump()

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
            if (tensor.dtype is STRING) is not (reference.dtype is STRING):
                raise self._wrong_kind(tensor, reference)
            given = _with_rank(tensor, reference.shape).shape
            if len(given) != len(reference.shape) or not _fits(given, reference.shape):
                raise self._misfit(tensor, reference)

    def conform(self, inputs: Any) -> list[torch.Tensor]:
        """The inputs as a flat list in the order of the graph's, with its dtypes and ranks."""
        references = self.graph.flat_inputs
        if type(inputs) is torch.Tensor and len(references) == 1:
            return [self._conform_one(inputs, references[0])]
        tensors = self._flatten_inputs(inputs)
        return [self._conform_one(tensor, reference) for tensor, reference in zip(tensors, references, strict=True)]

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
                f"Model '{self.name}': expected {len(names)} input{'s' * (len(names) > 1)} ({', '.join(names)}); "
                f"received {len(flat)}. Pass a list in that order, or a dict by these names."
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
        if tensor.dtype is not dtype and STRING in (tensor.dtype, dtype):
            raise self._wrong_kind(tensor, reference)
        for size, wanted in zip(given, shape):  # noqa: B905 - as long as each other, and this runs in every call
            if wanted is not None and wanted != size and not _fits(given, shape):
                raise self._misfit(tensor, reference)
        return tensor if tensor.dtype is dtype else _keeping_mask(tensor, tensor.to(dtype))

    def _wrong_kind(self, tensor: torch.Tensor, reference: KerasTensor) -> TypeError:
        if tensor.dtype is STRING:
            return strings_refused("x", tensor)
        return TypeError(
            f"Model '{self.name}': expected strings for input '{reference.name}'; received {describe(tensor)}. Pass an "
            "array or a list of strings."
        )

    def _misfit(self, tensor: torch.Tensor, reference: KerasTensor) -> ValueError:
        shape, wanted = tuple(tensor.shape), reference.shape
        advice = "Reshape the data, or change the input shape of the model."
        if len(shape) == len(wanted) - 1:
            advice = "Add the missing axis, for example x[None] for a batch of one or x[..., None] for one channel."
        elif len(shape) == len(wanted) > 2 and shape[1] == wanted[-1]:
            advice = "The channels seem to be on the other side: transpose the data, or build with data_format."
        return ValueError(
            f"Model '{self.name}': expected shape {wanted} for input '{reference.name}'; received {shape}. {advice}"
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
        if self.graph is None or type(self).call is not GraphLayer.call:
            return None
        return self._compiled_program(masked, optimize=True).masked_outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self.graph is None:
            return super().compute_output_spec(*args, **kwargs)
        given = self.conform(args[0])
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
            inner = layer.bytes_per_sample() if isinstance(layer, GraphLayer) else 1
            foreign = not type(layer).__module__.startswith("kerastorch.")
            if inner is None or foreign or layer.activity_regularizer is not None or isinstance(layer, UNKNOWN_CODE):
                return None
            if getattr(layer, "stateful", False):
                return None  # what a batch is matters to such a layer
            for spec in node.flat_specs:
                if None in spec.shape[1:]:
                    return None
                largest = max(largest, inner, math.prod(spec.shape[1:]) * spec.dtype.itemsize)
        return largest


def _spread(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda bound, tensors, training: function(bound, *tensors, training=training)


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
