"""Model: a layer that can be made from a graph of layers, trained, summarised, saved and copied."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.config import current_device, parse_device
from kerastorch.core.errors import did_you_mean
from kerastorch.core.naming import NameCounter
from kerastorch.engine.context import structure_version
from kerastorch.engine.graph import Graph
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import KerasTensor, Node
from kerastorch.engine.weights import children_of, first_parameter, module_weights, unique
from kerastorch.layers import AddLoss, AddMetric, Input, InputLayer
from kerastorch.models import graph_config
from kerastorch.models.graph_layer import GraphLayer, fresh_caches
from kerastorch.models.summary import print_summary
from kerastorch.saving import state_file
from kerastorch.saving.dialects import archived, describe, exchanged
from kerastorch.saving.kinds import check_path
from kerastorch.saving.model_file import save_model
from kerastorch.saving.weights_file import load_weights, save_weights
from kerastorch.training.trainer import Trainer


class Model(Trainer, GraphLayer):
    """A model: `Model(inputs, outputs)` from symbolic tensors, or a subclass with its own `call`.

    Inputs and outputs may be single tensors, lists, tuples or dicts; a model can be called as a layer of another.
    `model.code` shows the forward that was generated from the graph.
    Raises ValueError when outputs do not follow from the inputs.

    >>> inputs = Input((784,))
    >>> model = Model(inputs, Dense(10, activation="softmax")(inputs))
    """

    takes_strings = True  # where an Input does; the graph refuses others
    autocast = False  # inputs take the dtype of the Input they feed; those of models that define `call` are cast
    _own_arguments = ("inputs", "outputs")
    _notes_build = False

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
        self.__dict__.update(graph=None, _keys=set(), **fresh_caches())
        self.supports_masking = True
        self.__dict__["autocast"] = type(self).call is not Model.call
        if tensors:
            if "outputs" not in tensors:
                raise ValueError(f"Model '{self.name}': expected inputs and outputs; received only one of them.")
            self._set_graph(tensors["inputs"], tensors["outputs"])

    # --- the graph -----------------------------------------------------------------------------------------------

    def _set_graph(self, inputs: Any, outputs: Any, added: Iterable[KerasTensor] = ()) -> None:
        inputs, outputs = _start_from_inputs(_without_list(inputs), _without_list(outputs), self.name)
        graph = Graph(inputs, outputs, self.name, added)
        self.__dict__["graph"] = graph
        self.__dict__.update(_programs={}, _sources={})
        self._register_layers(graph.layers)
        self.built = True
        structure_version.bump()
        self.outputs_changed()

    def compute_too(self, added: Iterable[KerasTensor]) -> None:
        """Let the graph compute further tensors in each call: those of `AddLoss` and `AddMetric` layers."""
        self._set_graph(self._graph_tensors("inputs"), self.graph.outputs, [*self.graph.added, *added])

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """As `Layer.add_loss`; symbolic tensors that follow from the inputs count in every call.

        >>> inputs = Input((4,))
        >>> model = Model(inputs, Dense(2)(inputs))
        >>> model.add_loss(0.1 * model.output.square().mean())
        """
        for loss in losses if isinstance(losses, list | tuple) else [losses]:
            if isinstance(loss, KerasTensor):
                self.compute_too([AddLoss()(loss)])
            else:
                super().add_loss(loss, **kwargs)

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> None:
        """As `Layer.add_metric`; a symbolic tensor that follows from the inputs counts in every call."""
        if isinstance(value, KerasTensor) and name is not None:
            self.compute_too([AddMetric(kwargs.get("aggregation"), metric_name=name)(value)])
        else:
            super().add_metric(value, name, **kwargs)

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
            while key in self._modules or key in self.__dict__:  # attributes keep their names
                key += "_"
            self._modules[key] = layer
            self._keys.add(key)

    def _make_room(self, name: str) -> None:
        """Give a layer of the graph another key where its own is the name of a new attribute."""
        if name not in self._keys:
            return
        key = name
        while key in self._modules:
            key += "_"
        modules = {key if old == name else old: module for old, module in self._modules.items()}
        self._modules.clear()
        self._modules.update(modules)
        self._keys.discard(name)
        self._keys.add(key)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__.get("_keys", ()) and self._modules[name] is not value:
            self._make_room(name)
        super().__setattr__(name, value)

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
                raise ValueError(f"Model '{self.name}': expected an index below {len(layers)}; received index={index}.")
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

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        include_optimizer: bool = True,
        save_format: str | None = None,
        **options: Any,
    ) -> None:
        """Write the whole model into a file, from which `load_model` makes it again; see `kerastorch.saving`."""
        save_model(self, filepath, overwrite, include_optimizer, save_format)

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: str | None = None) -> None:
        """Write the weights into a file whose suffix says the format; it appears whole or not at all."""
        save_weights(self, filepath, overwrite, save_format)

    def load_weights(self, filepath: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
        """Read weights that this library or any Keras has written; ValueError when layers or shapes differ."""
        load_weights(self, filepath, by_name, skip_mismatch)

    def check_save_path(self, filepath: Any, weights_only: bool = False) -> None:
        """Raise the ValueError that `save`, or `save_weights`, would raise for the suffix of a path."""
        check_path(filepath, f"{type(self).__name__} '{self.name}'", weights_only)

    def save_training_state(self, filepath: Any) -> None:
        """Write what `fit` needs to go on from the running hook of a callback: weights, optimizer and all else.

        The file appears whole or not at all. Nothing is written where there is nothing to go on from, as before the
        first step. Raises TypeError for a state of a callback that is no plain value.
        """
        state = self.get_training_state()
        if state is not None:
            state_file.write(filepath, state, f"backup '{filepath}'")

    def load_training_state(self, filepath: Any) -> None:
        """Let the running `fit`, whose callback calls this in `on_train_begin`, go on from a file.

        Raises ValueError for a broken file; `fit` does for one of another model, optimizer or other data.
        """
        label = f"backup '{filepath}'"
        self.set_training_state(state_file.read(filepath, label), label)

    def _apply(self, function: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Model:
        self.__dict__.update(fresh_caches())  # generated code casts to dtypes that may just have changed
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
        state.update(_trainable_when_compiled={}, _reader=None, _held=(-1, []), _trained=(-1, []), **fresh_caches())
        state.update(_fitting=None)
        return state

    # --- text ----------------------------------------------------------------------------------------------------

    @property
    def stateful(self) -> bool:
        """Whether a layer inside keeps its state from batch to batch."""
        return any(getattr(layer, "stateful", False) for layer in self.inner_layers)

    def reset_states(self) -> None:
        """Let recurrent layers with `stateful=True` start anew."""
        for layer in self.inner_layers:
            if getattr(layer, "stateful", False):
                layer.reset_states()

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
            inputs, outputs, name, added = graph_config.from_config(config, custom_objects)
            # a class with a constructor of its own cannot be made from tensors; its graph can
            kind = cls if cls.__init__ is Model.__init__ else Functional
            model = kind(inputs=inputs, outputs=outputs, name=name)
            if added:
                model.compute_too(added)
            if config.get("trainable") is False:
                model.trainable = False
            return model
        return super().from_config(config)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as a JSON text; `model_from_json` reads it back."""
        described = archived(exchanged(describe(self), for_keras_3=False))
        return json.dumps({**described, "keras_version": "2.15.0", "backend": "tensorflow"}, **kwargs)


class Functional(Model):
    """A model made from symbolic inputs and outputs; `Model(inputs, outputs)` returns one."""

    def _default_name(self) -> str:
        return "model"


def _without_list(structure: Any) -> Any:
    """A list of one tensor as that tensor, as tf.keras takes it; tuples and dicts stay what they are."""
    return structure[0] if isinstance(structure, list) and len(structure) == 1 else structure


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
