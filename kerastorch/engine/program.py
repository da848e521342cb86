"""From a graph to straight-line Python: a line a layer, masks passed explicitly, values freed after their last use."""

from __future__ import annotations

import functools
import math
import zlib
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.config import dtype_name
from kerastorch.core.naming import to_identifier
from kerastorch.engine.folding import Folding, Group, only_users, results_of, users_of
from kerastorch.engine.graph import Graph
from kerastorch.engine.inference import infer_specs
from kerastorch.engine.layer import Layer, placeholder
from kerastorch.engine.precision import casting_to
from kerastorch.engine.recomputation import can_repeat
from kerastorch.engine.statements import Statement, body, body_in_parts
from kerastorch.engine.symbolic import KerasTensor, Node, Shape, TensorSpec, flatten_specs, symbolic_leaves

_RESERVED = ("self", "training", "forward", "torch", "None", "True", "False")
_LITERALS = (int, float, bool, str, bytes, type(None), type(Ellipsis))


class Program:
    """The generated forward of a graph for inputs of which `masked` carry a mask.

    `code` is the source, and it is what runs: `self.<layer>` is the layer's `call` itself where the layer is plain,
    else the layer, so that hooks, nested models and activity losses are seen to. With `optimize`, a relu before a max
    pooling moves behind it: the values and gradients are the same, and the pooled tensor is smaller. With `recompute`,
    parts of it keep their inputs alone, and backward computes them once more. With `fold`, the code is for inference
    alone: convolutions hold the scaling that follows them, with the weights of the moment at which `bind` is called.
    """

    def __init__(
        self,
        graph: Graph,
        masked: tuple[bool, ...],
        optimize: bool = True,
        recompute: bool = False,
        fold: bool = False,
    ) -> None:
        self.graph = graph
        self.recompute = recompute
        self.folding = Folding(graph) if fold else None
        self.folded: dict[str, Group] = {}  # by name of a convolution, what is computed with it
        self.moved = _relus_to_move(graph) if optimize else {}
        self.callees: dict[str, tuple[Any, str]] = {}
        self.constants: dict[str, Any] = {}
        self.masked_outputs: list[bool] = []
        self.repeated: list[Any] = []  # the layers that may run twice
        self.code = _Writer(self, graph, masked).write()
        self.dtypes = [layer._dtype for layer, _ in self.callees.values()]
        namespace: dict[str, Any] = {
            "__loader__": _SourceLoader(self.code),
            "__name__": "kerastorch.generated",
            "torch": torch,
        }
        # tracebacks look sources up by file name, so different code needs different names
        name = f"kerastorch/generated/forward_{zlib.crc32(self.code.encode()):08x}.py"
        exec(compile(self.code, name, "exec"), namespace)
        self.function: Callable[..., Any] = namespace["forward"]

    def bind(self, plain: bool = True) -> SimpleNamespace:
        """What `self` is in the code: every name bound to the thing to call."""
        bound: dict[str, Any] = dict(self.constants)
        for name, (layer, method) in self.callees.items():
            if method == "compute_mask":
                bound[name] = layer.compute_mask
            elif method == "without_relu":
                bound[name] = layer.without_relu()
            elif method == "folded":
                group = self.folded[name]
                scaling = None if group.scaling is None else group.scaling.scale_and_shift()
                bound[name] = layer.for_inference(scaling, group.swish)
            else:
                bound[name] = layer.call if plain and layer.is_plain() else layer
        return SimpleNamespace(**bound)

    def is_plain(self) -> bool:
        """Whether every layer is called directly."""
        return all(layer.is_plain() for layer, _ in self.callees.values())

    def is_current(self) -> bool:
        """Whether layers still are what the code counts on: their dtypes, hooks, and activations that were moved."""
        if any(layer._dtype is not dtype for (layer, _), dtype in zip(self.callees.values(), self.dtypes, strict=True)):
            return False
        if self.folding is not None and not self.folding.is_current():
            return False
        return all(map(can_repeat, self.repeated)) and all(
            first.is_plain() and second.is_plain() and first.without_relu() is not None
            for first, second in self.moved.values()
        )


def _relus_to_move(graph: Graph) -> dict[int, tuple[Layer, Layer]]:
    """By node: a layer that ends with relu, and the max pooling that alone uses its output."""
    following, moved = only_users(users_of(graph), results_of(graph)), {}
    for node in graph.nodes:
        after = following.get(id(node))
        if after is None or not after.layer.commutes_with_relu:
            continue
        if node.layer.is_plain() and after.layer.is_plain() and node.layer.without_relu() is not None:
            moved[id(node)] = (node.layer, after.layer)
    return moved


class _SourceLoader:
    """Lets tracebacks show lines of generated code; it goes away with the code."""

    def __init__(self, source: str) -> None:
        self.source = source

    def get_source(self, name: str) -> str:
        return self.source


class _Writer:
    """Writes one program; its tables are thrown away afterwards."""

    def __init__(self, program: Program, graph: Graph, masked: tuple[bool, ...]) -> None:
        self.program, self.graph, self.masked = program, graph, masked
        self.names: Counter[str] = Counter()
        self.layer_names: dict[tuple[int, str], str] = {}
        self.values: dict[tuple[int, int], str] = {}
        self.masks: dict[tuple[int, int], str | _PendingMask] = {}
        self.mask_shapes: dict[tuple[int, int], Shape] = {}  # of masks that are not (batch, steps)
        self.statements: list[Statement] = []

    def write(self) -> str:
        arguments = []
        for tensor, masked in zip(self.graph.flat_inputs, self.masked, strict=True):
            self.values[tensor.key] = name = self.fresh(tensor.node.layer.name)
            arguments.append(name)
            if masked:
                self.masks[tensor.key] = mask = self.fresh(f"{tensor.node.layer.name}_mask")
                arguments.append(mask)
        for node in self.graph.nodes:
            if any((id(node), index) not in self.values for index in range(len(node.flat_specs))):
                self.emit_node(node)
        results = [self.values[tensor.key] for tensor in self.graph.flat_outputs]
        result_masks = [self.mask_name(tensor) or "None" for tensor in self.graph.flat_outputs]
        self.program.masked_outputs = [mask != "None" for mask in result_masks]
        outputs = nest.pack_like(self.graph.outputs, [_Name(name) for name in results])
        kept = set(results) | set(result_masks)
        lines = [f"def forward(self, {', '.join(arguments)}, training=False):"]
        if self.program.recompute:
            lines += body_in_parts(self.statements, kept, self.constant, self.fresh)
        else:
            lines += body(self.statements, kept, self.constant)
        lines += [
            f"    {value}._keras_mask = {mask}"
            for value, mask in zip(results, result_masks, strict=True)
            if mask != "None"
        ]
        return "\n".join([*lines, f"    return {self.render(outputs)}", ""])

    def emit_node(self, node: Node) -> None:
        layer = node.layer
        folding = self.program.folding
        if folding and id(node) in folding.members:
            self.emit_member(node, folding)
            return
        method = self.callee(layer, "without_relu" if id(node) in self.program.moved else "call")
        kwargs = dict(node.kwargs)
        if layer._accepts_training and "training" not in kwargs:
            kwargs["training"] = _Name("training")
        if layer._accepts_mask and kwargs.get("mask") is None and node.args:
            masks = nest.map_structure(self.mask_reference, node.args[0])
            if any(mask is not None for mask in nest.flatten(masks)):
                kwargs["mask"] = masks
        if not layer._accepts_mask and not layer._is_function:
            kwargs.pop("mask", None)
        if node.args and _has_layers(layer):
            self.attach_masks((node.args, node.kwargs))
        inputs = [self.cast(node.args[0], layer), *node.args[1:]] if node.args else []
        rendered = [self.render(value) for value in inputs]
        rendered += [f"{key}={self.render(value)}" for key, value in kwargs.items()]
        uses = self.used((node.args, kwargs))
        target = self.fresh(layer.name)
        expression = f"self.{method}({', '.join(rendered)})"
        if folding and id(node) in folding.in_place and id(node) not in self.program.moved:
            expression = f"{self.constant(folding.in_place[id(node)], 'in_place')}({rendered[0]})"
        if any(id(parent) in self.program.moved for parent in node.parents()):
            expression = f"torch.relu_({expression})"
        mixed = layer.mixed_dtype_for(node.inputs)
        if mixed not in (None, ...) and layer.casts_outputs and not layer._modules:
            expression = f"{self.constant(casting_to(mixed), f'to_{dtype_name(mixed)}')}({expression})"
        repeats = self.program.recompute and can_repeat(layer)
        if repeats:
            self.program.repeated.append(layer)
        size = sum(spec.dtype.itemsize * math.prod(n or 1 for n in spec.shape[1:]) for spec in node.flat_specs)
        self.statements.append(Statement(target, expression, uses, mixed, layer, repeats, size=size))
        if isinstance(node.outputs, KerasTensor):
            self.values[id(node), 0] = target
        else:
            self.unpack(node, target)
        self.plan_mask(node)

    def emit_member(self, node: Node, folding: Folding) -> None:
        """A line for the node in whose place a folded convolution is computed; others after it have its value."""
        place = folding.members[id(node)]
        if place is not node:
            if (id(place), 0) in self.values:
                self.values[id(node), 0] = self.values[id(place), 0]
            return
        group = folding.groups[id(node)]
        layer = group.convolution.layer
        name = self.new_callee(layer, "folded")  # a layer that is called twice may be followed by different layers
        self.program.folded[name] = group
        given = [group.convolution.args[0]]
        if group.into is not None:
            given.append(group.into)
        arguments = [self.render(self.cast(one, layer)) for one in given]
        self.values[id(node), 0] = target = self.fresh(node.layer.name)
        expression = f"self.{name}({', '.join(arguments)})"
        self.statements.append(Statement(target, expression, self.used(given), None, layer))

    def unpack(self, node: Node, target: str) -> None:
        for index, path in enumerate(_paths(node.outputs)):
            self.values[id(node), index] = name = self.fresh(f"{node.layer.name}_{index}")
            self.statements.append(Statement(name, f"{target}{path}", [target]))

    def cast(self, inputs: Any, layer: Layer) -> Any:
        """Floating inputs in the layer's dtype, as an eager call would cast them."""

        def convert(leaf: Any) -> Any:
            if isinstance(leaf, KerasTensor) and leaf.dtype.is_floating_point and leaf.dtype is not layer._dtype:
                dtype = self.constant(layer._dtype, dtype_name(layer._dtype))
                return _Name(f"{self.values[leaf.key]}.to({dtype})")
            return leaf

        return nest.map_structure(convert, inputs) if layer.autocast else inputs

    # --- masks: known to be there or not when the code is written; computed only where something uses them

    def attach_masks(self, inputs: Any) -> None:
        """Put masks on tensors for the layers inside of a layer, which look for them there."""
        for leaf in {leaf.key: leaf for leaf in symbolic_leaves(inputs)}.values():
            mask = self.mask_name(leaf)
            if mask is not None:
                value = self.values[leaf.key]
                self.statements.append(Statement(f"{value}._keras_mask", mask, [value, mask]))

    def plan_mask(self, node: Node) -> None:
        layer = node.layer
        own = layer._computes_mask
        if not node.args or layer._is_function:
            return
        inputs = node.args[0]
        masks = nest.map_structure(self.mask_reference_lazily, inputs)
        if node.kwargs.get("mask") is not None:
            masks = nest.map_structure(self.given_mask, node.kwargs["mask"])
        given = any(mask is not None for mask in nest.flatten(masks))
        if not own and _has_layers(layer):
            for index, spec in enumerate(_carried_masks(node, masks, given)):
                if spec:
                    self.masks[id(node), index] = _CarriedMask(self, self.values[id(node), index])
                    if isinstance(spec, TensorSpec):
                        self.mask_shapes[id(node), index] = spec.shape
            return
        if not own:
            if given and layer.supports_masking:
                first = next(mask for mask in nest.flatten(masks) if mask is not None)
                self.masks[id(node), 0] = first.pending
                self.mask_shapes[id(node), 0] = first.shape
            return
        specs = nest.map_structure(lambda leaf: leaf if isinstance(leaf, KerasTensor) else None, inputs)
        probe_masks = _mask_placeholders(masks)
        produced = flatten_specs(infer_specs(layer.compute_mask, (specs, probe_masks), {}, layer.name))
        for index, spec in enumerate(produced):
            if spec is None:
                continue
            method = self.callee(layer, "compute_mask")
            selector = f"[{index}]" if len(produced) > 1 else ""
            self.masks[id(node), index] = _PendingMask(self, node, method, masks if given else None, selector)
            self.mask_shapes[id(node), index] = spec.shape

    def given_mask(self, leaf: Any) -> Any:
        return _Lazy(self.values[leaf.key], leaf.shape) if isinstance(leaf, KerasTensor) else None

    def mask_reference(self, leaf: Any) -> Any:
        name = self.mask_name(leaf) if isinstance(leaf, KerasTensor) else None
        return None if name is None else _Name(name)

    def mask_reference_lazily(self, leaf: Any) -> Any:
        pending = self.masks.get(leaf.key) if isinstance(leaf, KerasTensor) else None
        return None if pending is None else _Lazy(pending, self.mask_shapes.get(leaf.key, leaf.shape[:2]))

    def mask_name(self, tensor: KerasTensor) -> str | None:
        pending = self.masks.get(tensor.key)
        if isinstance(pending, _PendingMask | _CarriedMask):
            self.masks[tensor.key] = pending = pending.emit()
        return pending

    # --- rendering

    def render(self, value: Any) -> str:
        if isinstance(value, KerasTensor):
            return self.values[value.key]
        if isinstance(value, _Name):
            return value.text
        if isinstance(value, slice):
            parts = (self.render(part) for part in (value.start, value.stop, value.step))
            return f"slice({', '.join(parts)})"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {self.render(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return f"[{', '.join(map(self.render, value))}]"
        if type(value) is tuple:
            return f"({', '.join(map(self.render, value))}{',' if len(value) == 1 else ''})"
        if type(value) in _LITERALS and value not in (math.inf, -math.inf) and value == value:
            return "..." if value is Ellipsis else repr(value)
        return self.constant(value, "constant")

    def constant(self, value: Any, name: str) -> str:
        for known, held in self.program.constants.items():
            if held is value:
                return f"self.{known}"
        name = self.fresh(name if isinstance(value, torch.dtype | functools.partial) else f"{name}_")
        while name in self.program.callees or name in self.program.constants:
            name += "_"
        self.program.constants[name] = value
        return f"self.{name}"

    def used(self, structure: Any) -> list[str]:
        leaves = nest.flatten(structure)
        names = [self.values[leaf.key] for leaf in leaves if isinstance(leaf, KerasTensor)]
        return names + [leaf.text for leaf in leaves if isinstance(leaf, _Name) and leaf.text != "training"]

    def callee(self, layer: Layer, method: str) -> str:
        key = (id(layer), method)
        if key not in self.layer_names:
            self.layer_names[key] = self.new_callee(layer, method)
        return self.layer_names[key]

    def new_callee(self, layer: Layer, method: str) -> str:
        name = to_identifier(layer.name) + ("" if method == "call" else f"_{method}")
        while name in self.program.callees or name in self.program.constants:
            name += "_"  # 'a/b' and 'a_b' are different layers
        self.program.callees[name] = (layer, method)
        return name

    def fresh(self, base: str) -> str:
        name = to_identifier(base)
        if name in _RESERVED:
            name += "_"
        while True:
            self.names[name] += 1
            if self.names[name] == 1:
                return name
            name = f"{name}_{self.names[name]}"


class _Name:
    """A piece of code that stands for a value already computed."""

    def __init__(self, text: str) -> None:
        self.text = text


class _PendingMask:
    """A mask that is computed on the line after its layer, if anything asks for it."""

    def __init__(self, writer: _Writer, node: Node, method: str, masks: Any, selector: str) -> None:
        self.writer, self.node, self.method, self.masks, self.selector = writer, node, method, masks, selector
        self.name: str | None = None

    def emit(self) -> str:
        if self.name is None:
            writer = self.writer
            masks = nest.map_structure(lambda lazy: None if lazy is None else _Name(lazy.name()), self.masks)
            inputs = self.node.args[0]
            self.name = writer.fresh(f"{self.node.layer.name}_mask")
            expression = f"self.{self.method}({writer.render(inputs)}, {writer.render(masks)}){self.selector}"
            writer.statements.append(Statement(self.name, expression, writer.used((inputs, masks))))
        return self.name


class _CarriedMask:
    """A mask that the layers inside of a layer leave on its output."""

    def __init__(self, writer: _Writer, value: str) -> None:
        self.writer, self.value = writer, value
        self.name: str | None = None

    def emit(self) -> str:
        if self.name is None:
            self.name = self.writer.fresh(f"{self.value}_mask")
            statement = Statement(self.name, f"{self.value}._keras_mask", [self.value])
            self.writer.statements.append(statement)
        return self.name


class _Lazy:
    """A mask by name, or one still to be computed."""

    def __init__(self, pending: str | _PendingMask | _CarriedMask, shape: Shape) -> None:
        self.pending, self.shape = pending, shape

    def name(self) -> str:
        return self.pending if isinstance(self.pending, str) else self.pending.emit()


def _has_layers(layer: Layer) -> bool:
    return bool(layer._modules) and len(layer._flatten_layers()) > 1


def _carried_masks(node: Node, masks: Any, given: bool) -> list[Any]:
    """For each output of a layer with layers inside, the spec of the mask that it comes with, or whether it has one."""
    layer = node.layer
    if not given and not any(one._computes_mask for one in layer._flatten_layers()):
        return []
    known = layer.masked_outputs(tuple(mask is not None for mask in nest.flatten(masks)))
    if known is not None:
        return known
    first, *others = node.args

    def call(inputs: Any, masks: Any) -> list[Any]:
        for tensor, mask in zip(nest.flatten(inputs), nest.flatten(masks), strict=False):
            if mask is not None:
                tensor._keras_mask = mask
        return [getattr(tensor, "_keras_mask", None) for tensor in nest.flatten(layer(inputs, *others, **node.kwargs))]

    found = infer_specs(call, (first, _mask_placeholders(masks) if given else None), {}, layer.name)
    return flatten_specs(found)


def _mask_placeholders(masks: Any) -> Any:
    """Symbolic masks where `masks` has one, None where it has none; None when it has none at all."""
    if all(mask is None for mask in nest.flatten(masks)):
        return None
    return nest.map_structure(lambda mask: None if mask is None else placeholder(mask.shape, torch.bool), masks)


def _paths(structure: Any) -> list[str]:
    """Subscripts that lead to each tensor of a nested output, in flattening order."""
    if isinstance(structure, dict):
        return [f"[{key!r}]{rest}" for key in sorted(structure) for rest in _paths(structure[key])]
    if isinstance(structure, list | tuple):
        return [f"[{index}]{rest}" for index, part in enumerate(structure) for rest in _paths(part)]
    return [""] if isinstance(structure, KerasTensor) else []
