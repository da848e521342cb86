"""Numbers between files, where they lie in C order, and weights, which often lie transposed in memory.

Kernels have their last axis first in memory. Seen as two axes such a copy is a transposition, which torch does block by
block, in a third of the time that numpy takes. All copies go through one piece of memory, as large as the largest of
them: new memory for each would take a third of the time, and half of the size of the weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch


class Scratch:
    """Memory for one array at a time."""

    def __init__(self) -> None:
        self._memory = torch.empty(0, dtype=torch.uint8)

    def _empty(self, like: torch.Tensor) -> torch.Tensor:
        """A tensor in C order of the shape and type of another; it is good until the next one is asked for."""
        length = like.numel() * like.element_size()
        if self._memory.numel() < length:
            self._memory = torch.empty(length, dtype=torch.uint8)
        return self._memory[:length].view(like.dtype).view(like.shape)

    def in_c_order(self, tensor: torch.Tensor) -> torch.Tensor:
        """The tensor on the CPU and in C order: itself, where it is so already."""
        tensor = tensor.detach().cpu()
        if tensor.is_contiguous():
            return tensor
        values, turned = self._empty(tensor), _turned(tensor)
        if turned is None:
            return values.copy_(tensor)
        values.view(-1, turned.shape[0]).copy_(turned.t())
        return values

    def fill(self, target: torch.Tensor, read_into: Callable[[np.ndarray], None]) -> None:
        """Let `read_into` put numbers in C order into a tensor on the CPU."""
        if target.is_contiguous():
            read_into(target.numpy())
            return
        values = self._empty(target)
        read_into(values.numpy())
        copy(target, values)


def copy(target: torch.Tensor, source: torch.Tensor) -> None:
    """Copy a tensor in C order into one that need not be."""
    turned = _turned(target) if source.dtype is target.dtype else None
    if turned is None:
        target.copy_(source)
    else:
        turned.copy_(source.reshape(-1, turned.shape[0]).t())


def _turned(tensor: torch.Tensor) -> torch.Tensor | None:
    """The memory of a tensor whose last axis comes first, as a matrix; None for any other."""
    if tensor.dim() < 2 or not tensor.numel():
        return None
    turned = tensor.movedim(-1, 0)
    return turned.view(turned.shape[0], -1) if turned.is_contiguous() else None
