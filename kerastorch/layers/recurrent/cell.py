"""What a cell is: its states and their sizes, and how one step of it is run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.config import current_device, torch_dtype
from kerastorch.engine.layer import Layer
from kerastorch.engine.signatures import call_parameters

Step = Callable[[Any, Any], tuple[Any, Any]]  # from inputs and states to the output and new states


class AbstractRNNCell(Layer):
    """The base of cells: `call(inputs, states)` returns the output and the new states of one step.

    A cell has a `state_size` and, where it differs from the first of these, an `output_size`: an int, a torch.Size, or
    lists of them.

    >>> class Sum(AbstractRNNCell):
    ...     state_size = 3
    ...     def call(self, inputs, states):
    ...         total = states[0] + inputs
    ...         return total, [total]
    """

    def get_initial_state(self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None) -> Any:
        """Zeros for the states of `batch_size` samples, or of as many as `inputs` has."""
        if inputs is not None:
            batch_size, dtype = inputs.shape[0], inputs.dtype
        return zero_states(self.state_size, batch_size, dtype)


def is_cell(value: Any) -> bool:
    return callable(getattr(value, "call", None)) and hasattr(value, "state_size")


def size_tuple(size: Any) -> tuple[int, ...]:
    return tuple(size) if isinstance(size, torch.Size) else (size,)


def has_several(sizes: Any) -> bool:
    """Whether a `state_size` or an `output_size` is a structure of sizes: a torch.Size is one size."""
    return nest.is_nested(sizes) and not isinstance(sizes, torch.Size)


def output_size_of(cell: Any) -> Any:
    """The `output_size` of a cell; without one, the size of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    return cell.state_size[0] if has_several(cell.state_size) else cell.state_size


def zero_states(state_size: Any, batch_size: int, dtype: Any, device: Any = None) -> Any:
    """Zeros of (batch_size, *size) for each size in the structure `state_size`."""
    options = {"dtype": torch_dtype(dtype), "device": current_device() if device is None else device}
    return nest.map_structure(lambda size: torch.zeros((batch_size, *size_tuple(size)), **options), state_size)


def initial_state_of(cell: Any, batch_size: int, dtype: torch.dtype, device: Any = None) -> Any:
    """What a cell starts from: by its own `get_initial_state`, or zeros."""
    function = getattr(type(cell), "get_initial_state", None)
    if function is None or function is AbstractRNNCell.get_initial_state:
        return zero_states(cell.state_size, batch_size, dtype, device)
    accepted = inspect.signature(function).parameters
    arguments = {"inputs": None, "batch_size": batch_size, "dtype": dtype}
    states = cell.get_initial_state(**{key: value for key, value in arguments.items() if key in accepted})
    return states if device is None else nest.map_structure(lambda state: state.to(device), states)


def takes_constants(cell: Any) -> bool:
    return "constants" in call_parameters(type(cell).call)


def step_of(cell: Any, training: Any, constants: Any = None) -> Step:
    """A function of inputs and states that runs one step of any cell."""
    if isinstance(cell, Layer):
        function = cell.call if cell.built and cell.is_plain() else cell
        options = {"training": training} if cell._accepts_training else {}
    else:
        function = cell.call
        options = {"training": training} if "training" in call_parameters(type(cell).call) else {}
    if constants is not None:
        options["constants"] = constants

    def step(inputs: Any, states: Any) -> tuple[Any, Any]:
        output, new_states = function(inputs, states, **options)
        return output, new_states if nest.is_nested(new_states) else [new_states]

    return step
