"""Recurrences over the steps of sequences: one step after the other, or by a kernel that knows them all.

Sequences are (steps, batch, ...) here. Masks are (steps, batch) and True where a step counts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from kerastorch.core import nest
from kerastorch.ops.recurrent_kernels import Kernel, lstm

Run = tuple[Any, Any]  # all outputs, or the last one alone, and the last states

CLOSED = 1e30  # what shuts a gate, whatever else the step adds to it: sigmoid(-CLOSED) is 0, sigmoid(CLOSED) is 1


def run_steps(
    step: Callable[[Any, Any], tuple[Any, Any]],
    inputs: Any,
    states: Any,
    mask: torch.Tensor | None = None,
    zero_output_for_mask: bool = False,
    every_output: bool = True,
) -> Run:
    """`step(input, states)`, which returns an output and new states, over all steps of a structure of tensors.

    A masked sample keeps its states, and its output is that of the step before (zeros before the first), or zeros
    with `zero_output_for_mask`. Without `every_output` only the last output is kept.
    """
    columns = [leaf.unbind(0) for leaf in nest.flatten(inputs)]
    marks = (None,) * len(columns[0]) if mask is None else mask.unbind(0)
    history: list[list[torch.Tensor]] = []
    output: Any = None
    for position, mark in enumerate(marks):
        before, old_states = nest.flatten(output), nest.flatten(states)
        output, new_states = step(nest.pack_like(inputs, [column[position] for column in columns]), states)
        found, new_states = nest.flatten(output), nest.flatten(new_states)
        if mark is not None:
            if position == 0 or zero_output_for_mask:
                before = [torch.zeros_like(leaf) for leaf in found]
            found = [_choose(mark, *pair) for pair in zip(found, before, strict=True)]
            new_states = [_choose(mark, *pair) for pair in zip(new_states, old_states, strict=True)]
            output = nest.pack_like(output, found)
        states = nest.pack_like(states, new_states)
        if every_output:
            history.append(found)
    if every_output:
        output = nest.pack_like(output, [torch.stack(leaves) for leaves in zip(*history, strict=True)])
    return output, states


def _choose(mark: torch.Tensor, new: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
    return torch.where(mark.reshape(-1, *(1,) * (new.dim() - 1)), new, old)


def run_fused(
    kernel: Kernel,
    inputs: torch.Tensor,
    states: list[torch.Tensor],
    weights: list[torch.Tensor],
    mask: torch.Tensor | None = None,
    zero_output_for_mask: bool = False,
    every_output: bool = True,
    keep_states: bool = True,
) -> Run:
    """What `run_steps` would do, by a kernel; without `keep_states` the states are left open.

    The valid steps of each sample are moved to its front. What the kernel makes of the rest is never looked at, but
    for an LSTM's c: a further feature marks the rest and shuts the gates that would change c.
    """
    weights = [weight.to(inputs.dtype) for weight in weights]
    if mask is None:
        outputs, states = kernel(inputs, states, weights)
        return outputs if every_output else outputs[-1], states
    aligned = Alignment(mask)
    if kernel is lstm and keep_states:
        outputs, new_states = lstm(aligned.to_front_marked(inputs), states, _shut_by_mark(weights))
    else:
        outputs, new_states = kernel(aligned.to_front(inputs), states, weights)
    last = aligned.last_valid(outputs) if keep_states or not every_output else None
    if keep_states:
        new_states[0] = torch.where(aligned.any_valid(), last, states[0])
    if every_output:
        return aligned.back(outputs, zero_output_for_mask), new_states
    shown = mask[-1].unsqueeze(1) if zero_output_for_mask else aligned.any_valid()
    return torch.where(shown, last, 0.0), new_states


def _shut_by_mark(weights: list[torch.Tensor]) -> list[torch.Tensor]:
    """An LSTM's weights for one more feature, which where it is 1 lets nothing in and keeps all of c."""
    wide = functional.pad(weights[0], (0, 1))
    i, f, _, _ = wide.detach()[:, -1].chunk(4)
    closed = min(CLOSED, torch.finfo(wide.dtype).max / 2)  # as infinity times a mark of 0 would be no number
    i.fill_(-closed), f.fill_(closed)
    return [wide, *weights[1:]]


class Alignment:
    """The valid steps of each sample moved to its front, their order kept; nothing waits for the device.

    Rows are the features of one step of one sample.
    """

    def __init__(self, mask: torch.Tensor) -> None:
        self.mask = mask.t()
        self.batch, self.steps = self.mask.shape
        self.order = self.mask.sort(dim=1, descending=True, stable=True).indices  # (batch, steps)
        self.count = self.mask.cumsum(1)  # valid steps up to each one
        self.length = self.count[:, -1]
        self.sample = torch.arange(self.batch, device=mask.device)

    def any_valid(self) -> torch.Tensor:
        """(batch, 1): whether a sample has any valid step."""
        return (self.length > 0).unsqueeze(1)

    def _rows(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows of `inputs`, and the numbers of those that go to each place of the result."""
        by_sample = inputs.transpose(0, 1)
        if by_sample.is_contiguous():
            return by_sample.flatten(0, 1), (self.order + self.steps * self.sample.unsqueeze(1)).t()
        return inputs.flatten(0, 1), (self.order * self.batch + self.sample.unsqueeze(1)).t()

    def to_front(self, inputs: torch.Tensor) -> torch.Tensor:
        """(steps, batch, features) with the valid steps first, the others behind."""
        rows, numbers = self._rows(inputs)
        return rows.index_select(0, numbers.reshape(-1)).view(inputs.shape)

    def to_front_marked(self, inputs: torch.Tensor) -> torch.Tensor:
        """(steps, batch, features + 1) with the valid steps first; behind come zeros with 1 as the last feature."""
        rows, numbers = self._rows(inputs)
        rows = functional.pad(rows, (0, 1, 0, 1))
        rows.detach()[-1, -1] = 1  # a constant: gradients pass by
        place = torch.arange(self.steps, device=numbers.device).unsqueeze(1)
        numbers = torch.where(place < self.length, numbers, len(rows) - 1)
        return rows.index_select(0, numbers.reshape(-1)).view(self.steps, self.batch, -1)

    def last_valid(self, outputs: torch.Tensor) -> torch.Tensor:
        """(batch, units) of the last valid step of each sample; some other step where none is valid."""
        return outputs[(self.length - 1).clamp(min=0), self.sample]

    def back(self, outputs: torch.Tensor, zero_where_masked: bool) -> torch.Tensor:
        """(steps, batch, units) with the steps back in their places; masked ones repeat the last valid or are zeros."""
        rows = torch.cat([outputs.flatten(0, 1), outputs.new_zeros(1, outputs.shape[2])])
        shown = self.mask if zero_where_masked else self.count > 0
        numbers = torch.where(shown, (self.count - 1) * self.batch + self.sample.unsqueeze(1), len(rows) - 1)
        return rows.index_select(0, numbers.reshape(-1)).view(self.batch, self.steps, -1).transpose(0, 1)
