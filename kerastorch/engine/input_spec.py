"""InputSpec: what a layer accepts, and the errors that say what does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core import nest


class InputSpec:
    """Rank and sizes that a layer expects of one input.

    Attributes: `shape` (None for any size), `ndim`, `min_ndim`, `max_ndim`, `axes` ({axis: size}).

    >>> InputSpec(min_ndim=2, axes={-1: 784})
    InputSpec(min_ndim=2, axes={-1: 784})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: tuple[int | None, ...] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        sizes = dict(self.axes)
        if self.shape is not None:
            sizes.update(enumerate(self.shape))
        self.checks = [(axis, size) for axis, size in sizes.items() if size is not None]

    def problem(self, shape: tuple[int | None, ...]) -> str | None:
        """What is wrong with `shape`, as 'expected ...; received ...'; None when it fits."""
        rank = len(shape)
        if self.ndim is not None and rank != self.ndim:
            return f"expected a tensor of rank {self.ndim}{self._shape_hint()}; received shape {tuple(shape)}"
        if self.max_ndim is not None and rank > self.max_ndim:
            return f"expected a tensor of rank {self.max_ndim} at most; received shape {tuple(shape)}"
        if self.min_ndim is not None and rank < self.min_ndim:
            return f"expected a tensor of rank {self.min_ndim} at least; received shape {tuple(shape)}"
        for axis, size in self.checks:
            if shape[axis] is not None and shape[axis] != size:
                return f"expected size {size} in axis {axis}{self._shape_hint()}; received shape {tuple(shape)}"
        return None

    def _shape_hint(self) -> str:
        return "" if self.shape is None else f" (shape {self.shape})"

    def get_config(self) -> dict[str, Any]:
        keys = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return {key: getattr(self, key) for key in keys}

    def __repr__(self) -> str:
        keys = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = [f"{key}={getattr(self, key)}" for key in keys if getattr(self, key)]
        return f"InputSpec({', '.join(given)})"


def check_inputs(input_spec: Any, inputs: Any, layer: Any) -> None:
    """Raise ValueError when `inputs` (tensors, symbolic or not) do not fit the layer's `input_spec`."""
    if type(input_spec) is InputSpec and isinstance(inputs, torch.Tensor) and input_spec.problem(inputs.shape) is None:
        return  # the usual case without the search for structures, which takes longer than a small layer
    specs, values = nest.flatten(input_spec), nest.flatten(inputs)
    kind = f"{type(layer).__name__} '{layer.name}'"
    if len(specs) != len(values):
        raise ValueError(
            f"{kind}: expected {len(specs)} input(s); received {len(values)}. "
            "Pass one tensor per input, in a list or a dict."
        )
    for position, (spec, value) in enumerate(zip(specs, values, strict=True)):
        shape = getattr(value, "shape", None)
        if spec is None or shape is None:
            continue
        problem = spec.problem(tuple(shape))
        if problem is not None:
            which = f"input {position}: " if len(specs) > 1 else ""
            raise ValueError(f"{kind}: {which}{problem}. {_advice(spec, tuple(shape))}")


def _advice(spec: InputSpec, shape: tuple[int | None, ...]) -> str:
    wanted = spec.ndim or spec.min_ndim or spec.max_ndim or len(shape)
    if len(shape) == wanted - 1:
        return "Add the missing axis, for example x[..., None] for one channel or x[None] for a batch of one."
    if len(shape) == wanted and len(shape) > 2 and _channels_moved(spec, shape):
        return "The channels seem to be on the other side: transpose the data, or set data_format."
    return "Reshape the data, or change the input shape of the model."


def _channels_moved(spec: InputSpec, shape: tuple[int | None, ...]) -> bool:
    return any((shape[1] if axis in (-1, len(shape) - 1) else shape[-1]) == size for axis, size in spec.checks)
