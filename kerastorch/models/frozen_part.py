"""The part of a graph that training cannot change: cut off, so that its outputs can be computed once and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.modules import module as torch_module

from kerastorch.engine.context import structure_version
from kerastorch.engine.graph import Graph
from kerastorch.engine.layer import Layer
from kerastorch.engine.program import Program
from kerastorch.engine.symbolic import KerasTensor, Node
from kerastorch.engine.weights import parameters_of
from kerastorch.layers import InputLayer, Lambda, TorchModule, TorchOp
from kerastorch.models.inlining import inlined

# what a recorded torch function must not be called, as its values would be others in each epoch
RANDOM = (
    *("bernoulli", "multinomial", "normal", "poisson", "rand_like", "randn_like", "randint_like", "rrelu", "dropout"),
    *("dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "gumbel_softmax"),
)


class FrozenPart:
    """The first layers of a model, as far as their outputs are the same in each epoch, and the layers behind them.

    `features` computes what lies between, `rest` goes on from there. `why_not` says, where nothing is worth keeping,
    for which reason.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.layers: list[Layer] = []
        self.why_not = _objection(model)
        if self.why_not:
            return
        graph = inlined(model.graph, model.name, _has_frozen_layers)
        settled, between = _cut(graph)
        self.layers = [node.layer for node in settled if not isinstance(node.layer, InputLayer)]
        if not self.count_layers(with_weights=True):
            self.why_not = "a model that does not begin with frozen layers"
            return
        if not between:
            self.why_not = "a model whose layers are all frozen"
            return
        before = Graph(graph.flat_inputs, between, model.name, unique_names=False)
        self._before = Program(before, (False,) * len(graph.flat_inputs), fold=True)
        if any(self._before.masked_outputs):
            self.why_not = "a model whose first layers make masks"
            return
        after = Graph(between, graph.outputs, model.name, unique_names=False)
        self._after = Program(after, (False,) * len(between), recompute=model.gradient_checkpointing)
        self.shapes = [(tensor.shape, tensor.dtype) for tensor in between]
        self._bound: tuple[int, Any] = (-1, None)
        self._weights: tuple[int, list[torch.Tensor]] = (-1, [])

    def count_layers(self, with_weights: bool = False) -> int:
        """How many layers there are, those of models inside one by one."""
        inner = [one for layer in self.layers for one in layer._flatten_layers() if not isinstance(one, InputLayer)]
        ours = [one for one in inner if getattr(one, "graph", None) is None]
        return sum(bool(one._parameters) or not with_weights for one in ours)

    def folds(self) -> bool:
        """Whether there are frozen layers that are computed faster apart from the others."""
        return not self.why_not and bool(self._before.folding)

    def state(self) -> tuple[Any, ...]:
        """Another value for other weights or another structure of the frozen layers."""
        if self._weights[0] != structure_version.number:
            weights = [weight for layer in self.layers for weight in layer.parameters()]
            self._weights = (structure_version.number, weights)
        return tuple((id(weight), weight._version) for weight in self._weights[1])

    def beginning(self) -> Callable[[Any], list[torch.Tensor]]:
        """The function from inputs of the model to the features, with the weights of this moment."""
        function, bound = self._before.function, self._before.bind()

        def features(inputs: Any) -> list[torch.Tensor]:
            with torch.no_grad():
                return function(bound, *self.model.conform(inputs), training=False)

        return features

    def rest(self) -> tuple[Callable[..., Any], Any]:
        """The generated function behind the frozen layers, and what it calls."""
        if self._bound[0] != structure_version.number:
            self._bound = (structure_version.number, self._after.bind())
        return self._after.function, self._bound[1]


def _objection(model: Any) -> str:
    if model.graph is None or not model.runs_its_graph():
        return "a model that defines `call`, or that is compiled by torch"
    if model.graph.added:
        return "a model with losses or metrics that were added to its graph"
    plain = model.is_plain(with_children=True) and not torch_module._has_any_global_hook()
    return "" if plain else "a model with hooks or an activity regularizer"


def _cut(graph: Graph) -> tuple[list[Node], list[KerasTensor]]:
    """The nodes whose values stay, and their tensors that the other nodes take; none where there is no other node."""
    stays: dict[Node, None] = {}
    for node in graph.nodes:
        if isinstance(node.layer, InputLayer) or (
            isinstance(node.outputs, KerasTensor)
            and all(parent in stays for parent in node.parents())
            and _stays(node, False)
        ):
            stays[node] = None
    others = [node for node in graph.nodes if node not in stays]
    taken = [tensor for node in others for tensor in node.inputs] if others else []
    if others:
        taken += graph.flat_outputs
    between = {tensor.key: tensor for tensor in taken if tensor.node in stays}
    return list(stays), list(between.values())


def _has_frozen_layers(model: Any) -> bool:
    """Whether a model inside may be cut in two: its first layers may stay, and its convolutions fold."""
    if not model.runs_its_graph() or not model.is_plain(with_children=True) or model.graph.added:
        return False
    if model.gradient_checkpointing:  # which another model than the one around it has been told
        return False
    return any(one._parameters and layer_stays(one) for one in model._flatten_layers())


def _stays(node: Node, infers: bool) -> bool:
    layer, infers = node.layer, infers or node.kwargs.get("training") is False
    if isinstance(layer, TorchOp):
        name = getattr(layer.function, "__name__", "")
        return name.strip("_") not in RANDOM and layer.is_plain()
    return layer_stays(layer, infers)


def layer_stays(layer: Any, infers: bool = False) -> bool:
    """Whether a layer computes the same from the same inputs all through training."""
    if isinstance(layer, InputLayer):
        return True
    if getattr(layer, "graph", None) is not None and layer.runs_its_graph():
        return layer.is_plain(with_children=True) and all(_stays(node, infers) for node in layer.graph.nodes)
    foreign = not type(layer).__module__.startswith("kerastorch.") or isinstance(layer, Lambda | TorchModule)
    if foreign or not layer.is_plain() or getattr(layer, "stateful", False):
        return False
    if any(weight.requires_grad for weight in parameters_of(layer)):
        return False
    return infers or not layer._accepts_training or (layer.infers_when_frozen and not layer.trainable)
