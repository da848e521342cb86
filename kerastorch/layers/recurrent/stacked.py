"""Several cells on top of each other as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.engine.context import inside
from kerastorch.engine.layer import Layer
from kerastorch.layers.recurrent.cell import (
    AbstractRNNCell,
    initial_state_of,
    is_cell,
    output_size_of,
    size_tuple,
    step_of,
    takes_constants,
)
from kerastorch.layers.recurrent.cells import RecurrentCell
from kerastorch.layers.registry import deserialize
from kerastorch.ops import recurrent


class StackedRNNCells(AbstractRNNCell):
    """Cells of which each works on the output of the one before.

    The states are a tuple with those of each cell. Raises ValueError for anything that is no cell.

    >>> RNN(StackedRNNCells([LSTMCell(8), GRUCell(4)]))(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        self.__dict__["reverse_state_order"] = kwargs.pop("reverse_state_order", False)
        super().__init__(**kwargs)
        for cell in cells:
            if not is_cell(cell):
                raise ValueError(
                    f"StackedRNNCells '{self.name}': expected cells with `call` and `state_size`; received {cell!r}. "
                    "Pass for example [LSTMCell(32), LSTMCell(32)]."
                )
        self.cells = list(cells)

    def _ordered(self, parts: Sequence[Any]) -> list[Any]:
        """From the order of the cells to that of the states, or back."""
        return list(parts)[::-1] if self.reverse_state_order else list(parts)

    @property
    def state_size(self) -> Any:
        return tuple(self._ordered([cell.state_size for cell in self.cells]))

    @property
    def output_size(self) -> Any:
        return output_size_of(self.cells[-1])

    def get_initial_state(self, inputs: Any = None, batch_size: int | None = None, dtype: Any = None) -> Any:
        if inputs is not None:
            batch_size, dtype = inputs.shape[0], inputs.dtype
        states = [initial_state_of(cell, batch_size, dtype) for cell in self.cells]
        return tuple(self._ordered(states))

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                with inside(self.name):
                    cell.build(input_shape)
            batch = nest.flatten(input_shape)[0]
            input_shape = nest.map_structure(lambda size, batch=batch: (batch, *size_tuple(size)), output_size_of(cell))

    def call(
        self, inputs: Any, states: Any, constants: Any = None, training: bool | None = None
    ) -> tuple[Any, tuple[Any, ...]]:
        states = self._ordered(nest.pack_like(self.state_size, nest.flatten(states)))
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            state = state if nest.is_nested(state) else [state]
            inputs, state = step_of(cell, training, constants if takes_constants(cell) else None)(inputs, state)
            new_states.append(state)
        return inputs, nest.pack_like(self.state_size, nest.flatten(self._ordered(new_states)))

    def runs_sequences(self) -> bool:
        """Whether one cell after the other may see the whole sequence, which gives the same result."""
        own = type(self).call is StackedRNNCells.call and self.is_plain(with_children=True)
        return own and all(isinstance(cell, RecurrentCell) and cell.runs_sequences() for cell in self.cells)

    def run(
        self,
        inputs: torch.Tensor,
        states: Any,
        mask: torch.Tensor | None,
        training: bool | None,
        each_step: bool,
        every_output: bool,
        **options: Any,
    ) -> recurrent.Run:
        """The cells over (steps, batch, features), each over the whole sequence before the next."""
        new_states = []
        for position, (cell, state) in enumerate(zip(self.cells, self._ordered(states), strict=True), 1):
            state = state if nest.is_nested(state) else [state]
            every = every_output or position < len(self.cells)
            inputs, state = cell.run(inputs, state, mask, training, each_step, every_output=every, **options)
            new_states.append(state)
        return inputs, nest.pack_like(self.state_size, nest.flatten(self._ordered(new_states)))

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        return cls(**{**config, "cells": [deserialize(cell) for cell in config["cells"]]})
