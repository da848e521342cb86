"""What a row of the table of layer cases is: the layer, its inputs, masks, states and weights.

A row is `row(id, layer, shapes, config, **options)`: the name of a layer class (or a function of the
keras-like module that makes a layer), the shape of the input or the list of shapes of several inputs,
and the layer's arguments. An argument that is an object of the library is written `made("path", ...)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from support import integers, normal, uniform

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Made:
    """An argument that is made from the keras-like module: `module.path(*args, **kwargs)`."""

    path: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A fixed random float tensor among the arguments of a call, such as an initial state."""

    shape: Shape


def made(path: str, *args: Any, **kwargs: Any) -> Made:
    return Made(path, args, kwargs)


def drawn(*shape: int) -> Drawn:
    return Drawn(shape)


def mask_array(kind: str, batch: int, steps: int) -> np.ndarray:
    """A (batch, steps) mask; the samples differ, and the first is whole except in 'empty'."""
    place = np.arange(steps)[None, :]
    length = np.maximum(steps - np.arange(batch)[:, None], 1)
    if kind == "right":  # padded on the right
        return place < length
    if kind == "left":
        return place >= steps - length
    if kind == "holes":
        return (place + np.arange(batch)[:, None]) % 3 != 1
    if kind == "empty":  # one sample has no valid step at all
        return (place < length) & (np.arange(batch)[:, None] != 0)
    raise ValueError(f"mask_array: expected 'right', 'left', 'holes' or 'empty'; received {kind!r}.")


@dataclass(frozen=True)
class Case:
    id: str
    family: str  # the golden file it lives in
    layer: str | Callable[[Any], Any]
    shapes: tuple[Shape, ...]
    config: dict[str, Any] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ("float32",)
    high: int = 10  # integer inputs are drawn from [0, high)
    training: bool = False
    trainable: bool = True
    positive: bool = False  # weights in [0.5, 1.5], for layers that hold a variance
    transposed: bool = False  # the oracle computes channels_last on transposed data
    unknown: tuple[tuple[int | None, ...], ...] | None = None  # input shapes with unknown sizes
    listed: bool = False  # several inputs, given as one list
    spread: bool = False  # several inputs, given one by one; their masks are on the tensors
    whole: bool = False  # float inputs that hold whole numbers in [0, high)
    vanishing: int | None = None  # the trained weight whose gradient is zero but for rounding
    check_config: bool = True
    check_masks: bool = True  # False where tf_keras leaves masks on outputs by accident
    masks: tuple[str | None, ...] = ()  # a kind of mask, see `mask_array`, for each input
    arguments: dict[str, Any] = field(default_factory=dict)  # further keywords of the call
    weight_scale: float = 0.5
    tolerance: float = 1e-5  # of the forward values in float32; gradients have ten times as much
    computes_shape: bool = True  # False where tf_keras' compute_output_shape does not work

    def make(self, keras: Any, **overrides: Any) -> Any:
        if callable(self.layer):
            return self.layer(keras)
        config = {key: resolved(value, keras) for key, value in {**self.config, **overrides}.items()}
        return getattr(keras.layers, self.layer)(**config)

    def inputs(self) -> list[np.ndarray]:
        arrays = []
        for i, (shape, dtype) in enumerate(zip(self.shapes, self.dtypes, strict=True)):
            key = f"{self.id}/input{i}"
            if np.dtype(dtype).kind == "f" and not self.whole:
                arrays.append(normal(key, shape, dtype))
            else:
                arrays.append(integers(key, shape, self.high, dtype))
        return arrays

    def positional(self, inputs: list[Any]) -> tuple[Any, ...]:
        """The positional arguments of the call, with `inputs` (tensors, arrays or shapes) in their form."""
        return tuple(inputs) if self.spread else (list(inputs) if self.listed else inputs[0],)

    def mask_inputs(self, inputs: list[Any], to_tensor: Callable[[np.ndarray], Any]) -> None:
        """Put masks on inputs that are given one by one."""
        masked = self.spread and bool(self.masks)
        for tensor, mask in zip(inputs, self.mask_arrays(), strict=True) if masked else ():
            if mask is not None:
                tensor._keras_mask = to_tensor(mask)

    def mask_arrays(self) -> list[np.ndarray | None]:
        return [
            None if kind is None else mask_array(kind, *shape[:2])
            for kind, shape in zip(self.masks, self.shapes, strict=True)
        ]

    def drawn_arrays(self) -> list[np.ndarray]:
        """The arrays of the `Drawn` arguments, in their order."""
        found = [value for value in leaves(self.arguments) if isinstance(value, Drawn)]
        return [normal(f"{self.id}/argument{i}", value.shape, self.dtypes[0]) for i, value in enumerate(found)]

    def call_arguments(self, drawn_tensors: list[Any], to_tensor: Callable[[np.ndarray], Any]) -> dict[str, Any]:
        """The keywords of the call, with tensors in the places of `Drawn`."""
        tensors = iter(drawn_tensors)

        def fill(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(fill(item) for item in value)
            if isinstance(value, np.ndarray):
                return to_tensor(value)
            return next(tensors) if isinstance(value, Drawn) else value

        arguments = {key: fill(value) for key, value in self.arguments.items()}
        if self.masks and not self.spread:
            masks = [None if mask is None else to_tensor(mask) for mask in self.mask_arrays()]
            arguments["mask"] = masks if self.listed else masks[0]
        if self.training:
            arguments["training"] = True
        return arguments

    def symbolic_arguments(self) -> dict[str, Any]:
        """The keywords of a call on symbolic tensors: none that fixes the size of the batch."""
        constants = {key: value for key, value in self.arguments.items() if not isinstance(value, np.ndarray)}
        return {} if self.drawn_arrays() else constants

    def weights(self, shapes: list[Shape]) -> list[np.ndarray]:
        dtype = self.config.get("dtype", "float32")
        if self.positive:
            return [uniform(f"{self.id}/weight{i}", s, 0.5, 1.5, dtype) for i, s in enumerate(shapes)]
        return [normal(f"{self.id}/weight{i}", s, dtype, self.weight_scale) for i, s in enumerate(shapes)]

    def cotangent(self, shape: Shape, dtype: str, output: int = 0) -> np.ndarray:
        """The fixed gradient of an output that is pulled back to the inputs and weights."""
        return normal(f"{self.id}/cotangent{output or ''}", shape, dtype)

    def unknown_shapes(self) -> list[tuple[int | None, ...]]:
        """Input shapes with every size unknown that the layer does not need: all but the channels."""
        if self.unknown is not None:
            return list(self.unknown)
        channels = 1 if self.config.get("data_format") == "channels_first" else -1
        shapes = []
        for shape in self.shapes:
            keep = channels % len(shape)
            shapes.append(tuple(n if i == keep and i > 0 else None for i, n in enumerate(shape)))
        return shapes


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def resolved(value: Any, keras: Any) -> Any:
    if isinstance(value, Made):
        target = keras
        for name in value.path.split("."):
            target = getattr(target, name)
        args = [resolved(item, keras) for item in value.args]
        return target(*args, **{key: resolved(item, keras) for key, item in value.kwargs.items()})
    return [resolved(item, keras) for item in value] if isinstance(value, list) else value


def merged(function: str, *shapes: Shape, **arguments: Any) -> Callable[[Any], Any]:
    """A model that merges its inputs by a lower-case function of keras.layers."""

    def make(keras: Any) -> Any:
        inputs = [keras.Input(shape) for shape in shapes]
        return keras.Model(inputs, getattr(keras.layers, function)(inputs, **arguments))

    return make


CASES: list[Case] = []
_family = ""


def family(name: str) -> None:
    """The rows that follow belong to this golden file."""
    global _family
    _family = name


def row(
    id: str, layer: Any, shapes: Any, config: dict[str, Any] | None = None, *, dtype: Any = "float32", **options: Any
) -> None:
    listed = isinstance(shapes, list)
    shapes = tuple(shapes) if listed else (shapes,)
    dtypes = tuple(dtype) if isinstance(dtype, list) else (dtype,) * len(shapes)
    config = config or {}
    transposed = options.pop("transposed", None)
    if transposed is None:
        # TensorFlow's CPU kernels for these know channels_last only.
        transposed = (
            config.get("data_format") == "channels_first"
            and isinstance(layer, str)
            and ("Conv" in layer or (("Max" in layer or "Average" in layer) and "Global" not in layer))
        )
    masks = options.pop("masks", ())
    masks = (masks,) if isinstance(masks, str) else tuple(masks)
    CASES.append(
        Case(id, _family, layer, shapes, config, dtypes, transposed=transposed, listed=listed, masks=masks, **options)
    )
