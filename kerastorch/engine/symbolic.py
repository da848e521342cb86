"""Symbolic tensors and the nodes that connect them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from kerastorch.core import nest
from kerastorch.core.config import dtype_name

Shape = tuple[int | None, ...]


class TensorSpec(NamedTuple):
    """Shape (None for sizes that are not known) and dtype of a tensor that does not exist yet."""

    shape: Shape
    dtype: torch.dtype


class TorchFunctionRecorder:
    """Turns a torch function that meets a symbolic tensor into a node; `layers` installs the recorder.

    The recorder makes layers, which stand above symbolic tensors, so it is handed down instead of imported.
    """

    def __init__(self) -> None:
        self.record: Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any] | None = None

    def __call__(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.record is None:
            raise TypeError("KerasTensor: expected kerastorch.layers to be imported before torch functions are used.")
        return self.record(function, args, kwargs)


recorder = TorchFunctionRecorder()


class KerasTensor:
    """The symbolic tensor that `Input` makes and layers pass on while a functional model is put together.

    Python operators, indexing, tensor methods and torch functions on it become nodes of the model.
    Raises TypeError where a value would be needed (`float(x)`, `if x:`, `x.numpy()`) and for in-place operations.

    >>> x = Input((4,))
    >>> (x * 2).shape
    (None, 4)
    """

    __slots__ = ("shape", "dtype", "node", "index", "__weakref__")

    def __init__(self, spec: TensorSpec, node: Node, index: int) -> None:
        self.shape: Shape = tuple(spec.shape)
        self.dtype = spec.dtype
        self.node = node
        self.index = index

    @property
    def key(self) -> tuple[int, int]:
        """Identifies the value: symbolic tensors are made anew on demand, nodes are not."""
        return id(self.node), self.index

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(self.shape, self.dtype)

    @property
    def name(self) -> str:
        return self.node.layer.name

    @property
    def _keras_history(self) -> tuple[Any, int, int]:
        return self.node.layer, self.node.position, self.index

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def dim(self) -> int:
        return len(self.shape)

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def get_shape(self) -> Shape:
        return self.shape

    @property
    def device(self) -> torch.device:
        return torch.device("meta")

    @classmethod
    def __torch_function__(
        cls, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        if name == "__set__" or (name.endswith("_") and not name.endswith("__")):
            raise TypeError(
                f"KerasTensor: expected an operation that returns a new tensor; received the in-place {name!r}. "
                f"Use {name.rstrip('_')!r} instead."
            )
        return recorder(function, args, kwargs or {})

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = None if name.startswith("__") else getattr(torch.Tensor, name, None)
        if not callable(method):
            raise AttributeError(
                f"KerasTensor: expected the name of a tensor method; received {name!r}. A symbolic tensor has a "
                "shape and a dtype but no values; wrap the code in a Lambda layer or a custom layer."
            )
        return lambda *args, **kwargs: type(self).__torch_function__(method, (type(self),), (self, *args), kwargs)

    def __getitem__(self, index: Any) -> Any:
        return recorder(torch.Tensor.__getitem__, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        raise TypeError(
            "KerasTensor: expected an operation that returns a new tensor; received an assignment to x[...]. "
            "Use torch.where or torch.cat."
        )

    def __iter__(self) -> Any:
        if not self.shape or self.shape[0] is None:
            raise TypeError("KerasTensor: expected a known first axis to iterate over; received an unknown size.")
        return (self[position] for position in range(self.shape[0]))

    def _no_value(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"KerasTensor of layer {self.name!r}: expected a symbolic use; its value was asked for "
            "(bool, float, int, len or numpy). Values exist only when the model is called; use torch.where "
            "for conditions, or a custom layer."
        )

    __bool__ = __float__ = __int__ = __index__ = __len__ = __array__ = _no_value

    def __repr__(self) -> str:
        return f"<KerasTensor: shape={self.shape} dtype={dtype_name(self.dtype)} (created by layer '{self.name}')>"


def _operator(name: str) -> Callable[..., Any]:
    method = getattr(torch.Tensor, name)

    def operate(self: KerasTensor, *others: Any) -> Any:
        return recorder(method, (self, *others), {})

    return operate


for _name in (
    *("add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul".split()),
    *("neg abs invert and or xor lt le gt ge".split()),
):
    setattr(KerasTensor, f"__{_name}__", _operator(f"__{_name}__"))


def _no_node() -> None:
    """What a weak reference to a node that is gone returns."""


class Node:
    """One call of a layer on symbolic tensors.

    A node keeps its layer and its inputs alive; layers know their nodes only weakly, so that a model is freed
    the moment nobody holds it.
    """

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output_specs: Any) -> None:
        self.layer = layer
        self.args = args
        self.kwargs = kwargs
        self.output_specs = output_specs
        self.inputs: list[KerasTensor] = symbolic_leaves((args, kwargs))
        self.position: int = len(layer._inbound_nodes)
        self._register()

    def _register(self) -> None:
        known = self.layer._inbound_nodes
        known.extend([_no_node] * (self.position + 1 - len(known)))
        known[self.position] = weakref.ref(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._register()

    @property
    def outputs(self) -> Any:
        """The symbolic outputs in the structure that the layer returns."""
        counter = iter(range(len(self.flat_specs)))
        return map_specs(lambda spec: KerasTensor(spec, self, next(counter)), self.output_specs)

    @property
    def flat_specs(self) -> list[TensorSpec]:
        return [spec for spec in flatten_specs(self.output_specs) if isinstance(spec, TensorSpec)]

    @property
    def input_tensors(self) -> Any:
        """What the layer was called on, in the structure of its first argument."""
        return self.args[0] if self.args else next(iter(self.kwargs.values()), ())

    def parents(self) -> list[Node]:
        return [tensor.node for tensor in self.inputs]


def map_specs(function: Callable[[TensorSpec], Any], structure: Any) -> Any:
    """`function` of each TensorSpec; a TensorSpec is a tuple, so that `nest` would take it apart."""
    if isinstance(structure, TensorSpec):
        return function(structure)
    if isinstance(structure, dict):
        mapped = {key: map_specs(function, structure[key]) for key in sorted(structure)}  # in flattening order
        return {key: mapped[key] for key in structure}
    if isinstance(structure, list | tuple):
        parts = [map_specs(function, part) for part in structure]
        if hasattr(structure, "_fields"):
            return type(structure)(*parts)
        if hasattr(structure, "n_sequence_fields"):
            return type(structure)(parts)
        return tuple(parts) if isinstance(structure, tuple) else parts
    return structure


def flatten_specs(structure: Any) -> list[Any]:
    """The leaves of a structure of TensorSpecs, which are tuples themselves and no part of the structure."""
    if isinstance(structure, dict):
        return [leaf for key in sorted(structure) for leaf in flatten_specs(structure[key])]
    if isinstance(structure, list | tuple) and not isinstance(structure, TensorSpec):
        return [leaf for part in structure for leaf in flatten_specs(part)]
    return [structure]


def is_symbolic(structure: Any) -> bool:
    """Whether a symbolic tensor is anywhere in `structure`."""
    return bool(symbolic_leaves(structure))


def symbolic_leaves(structure: Any) -> list[KerasTensor]:
    return [leaf for leaf in nest.flatten(structure) if isinstance(leaf, KerasTensor)]


def is_keras_tensor(value: Any) -> bool:
    """Whether `value` is a symbolic tensor that a layer made."""
    return isinstance(value, KerasTensor)
