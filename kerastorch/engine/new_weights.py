"""How a layer makes its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from kerastorch import constraints, initializers, regularizers
from kerastorch.core.config import current_device, torch_dtype
from kerastorch.core.variable import Variable, empty_in_order
from kerastorch.engine.context import call_context, structure_version
from kerastorch.engine.precision import compute_in


class building:
    """Weights are real even while shapes are probed: the probe lets everything inside pass."""

    def __enter__(self) -> None:
        self.probe = call_context.probe
        self.before = self.probe is not None and self.probe.paused
        if self.probe is not None:
            self.probe.paused = True
        self.precision = compute_in(None)  # weights are made in full precision
        self.precision.__enter__()

    def __exit__(self, *_: Any) -> None:
        self.precision.__exit__()
        if self.probe is not None:
            self.probe.paused = self.before


class NewWeightsMixin(nn.Module):
    """`add_weight`, and the names under which weights become parameters of the module."""

    name: str
    _trainable: bool
    _variable_dtype: torch.dtype
    _unnamed_weights: set[str]

    def add_weight(
        self,
        name: Any = None,
        shape: Any = None,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Any = None,
        trainable: bool | None = None,
        constraint: Any = None,
        memory_order: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> Variable:
        """Make a weight of this layer and return it.

        `shape` may come first, as in Keras 3. `memory_order` is explained at `Variable`.
        Raises ValueError for a shape with unknown or negative sizes.
        """
        if isinstance(name, Sequence) and not isinstance(name, str):
            # Keras 3 starts with (shape, initializer)
            name, shape, initializer = None, name, shape if initializer is None else initializer
        shape = () if shape is None else (int(shape),) if isinstance(shape, int | np.integer) else tuple(shape)
        name = name or f"variable{len(self._parameters) or ''}"
        if any(size is None or size < 0 for size in shape):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected known sizes for the weight '{name}'; received shape "
                f"{shape}. Give the input a fixed size in that axis: Input(shape=...)."
            )
        torch_type = self._variable_dtype if dtype is None else torch_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if torch_type.is_floating_point else "zeros"
        value = self._initial_value(initializers.get(initializer), shape, torch_type, name, memory_order)
        scope = "/".join((*call_context.scope, self.name, name))
        variable = Variable(
            value,
            trainable=trainable is not False,
            name=f"{scope}:0",
            dtype=torch_type,
            constraint=constraints.get(constraint),
            regularizer=regularizers.get(regularizer),
            memory_order=memory_order,
        )
        if not self._trainable:
            variable.requires_grad_(False)
        key = name.replace(".", "_")
        while key in self._parameters:
            key += "_"
        self._parameters[key] = variable
        self._unnamed_weights.add(key)
        if regularizer is not None:
            structure_version.bump()
        return variable

    def _initial_value(
        self,
        initializer: Callable[..., Any],
        shape: tuple[int, ...],
        dtype: Any,
        name: str,
        memory_order: Sequence[int] | None,
    ) -> Any:
        with building():
            if call_context.weights_left is not None:
                self._take_from_file(shape, name)
                return empty_in_order(shape, dtype, memory_order, current_device())
            value = initializer(shape, dtype=dtype)
            if not isinstance(value, torch.Tensor):
                value = torch.as_tensor(np.asarray(value))
            return value.to(device=current_device(), dtype=dtype).reshape(shape)

    def _take_from_file(self, shape: tuple[int, ...], name: str) -> None:
        """Refuse a weight that the file cannot fill before memory is asked for."""
        call_context.weights_left -= math.prod(shape)
        if call_context.weights_left < 0:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected weights that the file holds; received a config that "
                f"asks for '{name}' of shape {shape}, more than all numbers in it. The file is wrong or incomplete."
            )

    def _rename_parameter(self, name: str, parameter: nn.Parameter) -> bool:
        """Let a weight that `add_weight` registered under its own name go by the attribute's name, in its place.

        False for one that is an attribute of another name already.
        """
        parameters = self.__dict__.get("_parameters", {})
        held = next((key for key, value in parameters.items() if value is parameter), name)
        if held == name:
            return True
        parameters.pop(name, None)
        self.__dict__.pop(name, None)
        if held not in self._unnamed_weights:
            return False
        self._unnamed_weights.discard(held)
        renamed = {name if key == held else key: value for key, value in parameters.items()}
        parameters.clear()
        parameters.update(renamed)
        return True
