"""What does not change between the steps of an optimizer: lists of tensors in memory order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch


def memory_order_of(tensor: torch.Tensor) -> tuple[int, ...] | None:
    """The permutation of axes in which `tensor` is contiguous: () if it is already, None if there is none."""
    if tensor.is_contiguous():
        return ()
    strides = tensor.stride()
    declared = getattr(tensor, "memory_order", None)
    order = declared or tuple(sorted(range(tensor.dim()), key=lambda axis: (-strides[axis], -tensor.shape[axis])))
    return tuple(order) if tensor.detach().permute(order).is_contiguous() else None


class Plan:
    """The weights of one list of variables and their slots, as aliases of the same memory.

    Fused kernels read memory from end to end and ignore strides, so a `fused` plan gives every list in memory
    order, and each gradient has to be brought into that order too. Weights that are contiguous in no order of
    their axes, that mix dtypes or devices, or whose slots have other shapes are left in their own shape, to
    be updated one by one.
    """

    def __init__(
        self,
        variables: Sequence[torch.nn.Parameter],
        slots: Sequence[Mapping[str, torch.Tensor]],
        decays: Sequence[bool],
        fused: bool,
    ) -> None:
        self.variables = variables
        self.members = list(variables)
        self._pointers = [variable.data_ptr for variable in self.members]
        self._addresses = [pointer() for pointer in self._pointers]
        self.orders = [memory_order_of(variable) for variable in self.members]
        self.fused = fused and self._can_fuse(slots)
        if not self.fused:
            self.orders = [()] * len(self.members)
        self.permuted = [(index, order) for index, order in enumerate(self.orders) if order]
        self.weights = list(map(_in_order, self.members, self.orders))
        self.slots = {
            name: [_in_order(s[name], order) for s, order in zip(slots, self.orders, strict=True)] for name in slots[0]
        }
        self.decayed = [weight for weight, decay in zip(self.weights, decays, strict=True) if decay]
        self.decays_all = all(decays)
        self.constrained = [v for v in self.members if getattr(v, "constraint", None) is not None]
        self._step = torch.zeros((), device=self.members[0].device)
        self._step_memory = self._step.numpy() if self._step.device.type == "cpu" else None
        self._steps = [self._step] * len(self.members)

    def steps_at(self, step: int) -> list[torch.Tensor]:
        """`step` as the list of tensors that fused kernels take: one tensor, shared by all weights."""
        if self._step_memory is None:
            self._step.fill_(step)
        else:
            self._step_memory[()] = step  # the same memory, written without a kernel
        return self._steps

    def _can_fuse(self, slots: Sequence[Mapping[str, torch.Tensor]]) -> bool:
        first = self.members[0]
        kinds = {(v.dtype, v.device) for v in self.members}
        if None in self.orders or len(kinds) > 1 or not first.is_floating_point():
            return False
        return all(
            slot.shape == variable.shape and slot.dtype == variable.dtype and _in_order(slot, order).is_contiguous()
            for variable, order, own in zip(self.members, self.orders, slots, strict=True)
            for slot in own.values()
        )

    def is_current(self) -> bool:
        """Whether the weights still lie where the aliases point; `Module.to` moves them."""
        return [pointer() for pointer in self._pointers] == self._addresses


def _in_order(tensor: torch.Tensor, order: tuple[int, ...]) -> torch.Tensor:
    return tensor.detach().permute(order) if order else tensor.detach()
