"""Means and variances of which masked places are no part, over the batches of one or of all processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import distributed


class _SumOverProcesses(torch.autograd.Function):
    """The sum of every process's tensor, in each of them; so is its gradient."""

    @staticmethod
    def forward(context: Any, tensor: torch.Tensor) -> torch.Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        return _SumOverProcesses.apply(gradient)


def several_processes() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def moments(
    x: torch.Tensor, axes: list[int], weights: torch.Tensor | None = None, synchronized: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of `x` over `axes`, which keep size 1, each place counted `weights` times.

    With `synchronized` the batches of all processes count as one; without anything to count both are 0.
    """
    if weights is None and not synchronized:
        variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
        return mean, variance
    weights = x.new_ones(()) if weights is None else weights.to(x.dtype)
    weights = weights.expand_as(x)

    def total(values: torch.Tensor) -> torch.Tensor:
        sums = values.sum(axes, keepdim=True)
        return _SumOverProcesses.apply(sums) if synchronized else sums

    count = total(weights).clamp(min=torch.finfo(x.dtype).tiny)
    mean = total(x * weights) / count
    return mean, total((x - mean).square() * weights) / count
