"""Sequential: layers one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kerastorch.core import nest
from kerastorch.core.config import STRING
from kerastorch.engine.context import structure_version
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import KerasTensor
from kerastorch.layers import Input, InputLayer, deserialize, serialize
from kerastorch.layers.functions import as_layer
from kerastorch.models.model import Model


class Sequential(Model):
    """A plain stack of layers, each with one input and one output; torch modules may stand among them.

    The input shape comes from the first layer (`input_shape=`, `Input`), from `build`, or from the first data.
    Raises ValueError for a layer with several outputs or a name that is taken.

    >>> model = Sequential([Dense(8, activation="relu", input_shape=(4,)), Dense(1)])
    """

    def __init__(self, layers: Sequence[Any] | None = None, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.__dict__["_stack"] = []
        if layers is not None and not isinstance(layers, list | tuple):
            layers = [layers]
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer on top of the stack."""
        if isinstance(layer, KerasTensor):
            layer = layer.node.layer
        layer = as_layer(layer)
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"Sequential '{self.name}': expected layers with different names; received two layers called "
                f"'{layer.name}'. Pass name='...' to one of them."
            )
        if not self._stack and not isinstance(layer, InputLayer):
            shape = _declared_shape(layer)
            if shape is not None:
                source = Input(batch_shape=shape, dtype=layer.dtype, name=f"{layer.name}_input")
                self._stack.append(source.node.layer)
        self._stack.append(layer)
        self._register_layers(self._stack)
        structure_version.bump()
        self._extend_graph(layer)

    def _extend_graph(self, layer: Layer) -> None:
        if self.graph is not None:
            self._set_single_output(self.graph.inputs, layer(self.graph.outputs), layer)
        elif isinstance(self._stack[0], InputLayer):
            self._make_graph(self._stack[0].new_tensor())

    def _make_graph(self, tensor: KerasTensor) -> None:
        source, outputs = tensor, tensor
        for layer in self._stack:
            if not isinstance(layer, InputLayer):
                outputs = layer(outputs)
                self._check_single(outputs, layer)
        self._set_graph(source, outputs)

    def _set_single_output(self, inputs: Any, outputs: Any, layer: Layer) -> None:
        self._check_single(outputs, layer)
        self._set_graph(inputs, outputs)

    def _check_single(self, outputs: Any, layer: Layer) -> None:
        if not isinstance(outputs, KerasTensor):
            raise ValueError(
                f"Sequential '{self.name}': expected layers with one output; received {type(layer).__name__} "
                f"'{layer.name}' with {len(nest.flatten(outputs))}. Use a functional Model."
            )

    def pop(self) -> None:
        """Take the last layer off."""
        layers = self.layers
        if not layers:
            raise TypeError(f"Sequential '{self.name}': expected at least one layer to pop; received an empty model.")
        self._stack.pop()
        self._register_layers(self._stack)
        tensor = None if self.graph is None else self.graph.inputs
        self.__dict__["graph"] = None
        self.__dict__.update(_programs={}, _sources={})
        self.built = False
        structure_version.bump()
        if tensor is not None and self.layers:
            self._make_graph(tensor)

    @property
    def layers(self) -> list[Any]:
        """The stack without its input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for an input shape, batch axis first."""
        if self.graph is None and input_shape is not None and self._stack:
            self._make_graph(self._inferred_input(tuple(input_shape)))

    def _inferred_input(self, shape: tuple[int | None, ...], dtype: str | None = None) -> KerasTensor:
        return Input(batch_shape=shape, name=f"{self.layers[0].name}_input", dtype=dtype or self.layers[0].dtype)

    def _build_for(self, inputs: Any) -> None:
        if not self._stack:
            raise ValueError(
                f"Sequential '{self.name}': expected at least one layer; received an empty model. Use model.add(...)."
            )
        shape = (None, *inputs.shape[1:])
        if self.graph is None:
            # strings are strings, whatever the dtype of the layer that takes them
            self._make_graph(self._inferred_input(shape, "string" if inputs.dtype is STRING else None))

    def get_config(self) -> dict[str, Any]:
        layers = list(self._stack)
        if self.graph is not None and not isinstance(layers[0], InputLayer):
            layers.insert(0, self.graph.flat_inputs[0].node.layer)
        return {
            "name": self.name,
            "layers": [serialize(layer) for layer in layers],
        }

    @classmethod
    def from_config(cls, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """A new model, without weights; configs of all Keras 2 versions are understood."""
        layers = config if isinstance(config, list) else config["layers"]
        model = cls(name=None if isinstance(config, list) else config.get("name"))
        for layer in layers:
            model.add(deserialize(layer, custom_objects))
        shape = None if isinstance(config, list) else config.get("build_input_shape")
        if shape is not None and model.graph is None:
            model.build(shape)
        return model


def _declared_shape(layer: Layer) -> Any:
    """The batch input shape that a first layer was given, directly or through the model that it is."""
    if isinstance(layer, Model) and layer.graph is not None:
        return layer.input_shape
    if isinstance(layer, Sequential) and layer.layers:
        return _declared_shape(layer.layers[0])
    return layer._batch_input_shape
