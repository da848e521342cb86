"""What does not change between the steps of an optimizer: lists of tensors in memory order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch

# The rules that are written as lists of operations work through the weights in blocks of so many elements for each
# thread: what one operation has written is still in the cache for the next, and temporaries stay small. On the weights
# of a ResNet50 that can halve the time of a step.
BLOCK = 2**17

Lists = tuple[list[torch.Tensor], list[torch.Tensor], dict[str, list[torch.Tensor]]]


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
            name: [_in_order(own[name], order) for own, order in zip(slots, self.orders, strict=True)]
            for name in slots[0]
            if all(name in own for own in slots)
        }
        self.decayed = [weight for weight, decay in zip(self.weights, decays, strict=True) if decay]
        self.decays_all = all(decays)
        self.constrained = [v for v in self.members if getattr(v, "constraint", None) is not None]
        self._blocks = self._cut() if self.fused and self.members[0].device.type == "cpu" else []
        self._step = torch.zeros((), device=self.members[0].device)
        self._step_memory = self._step.numpy() if self._step.device.type == "cpu" else None
        self._steps = [self._step] * len(self.members)

    def _cut(self) -> list[tuple[int, int, list[torch.Tensor], dict[str, list[torch.Tensor]]]]:
        """Weights and slots in blocks, each with the positions of its first and last piece; nothing if one would do."""
        size = BLOCK * max(2, torch.get_num_threads())
        self._block_size, pieces = size, _pieces(self.weights, size)
        if sum(piece.numel() for piece in pieces) <= size:
            return []
        bounds, filled = [0], 0
        for position, piece in enumerate(pieces):
            if filled and filled + piece.numel() > size:
                bounds.append(position)
                filled = 0
            filled += piece.numel()
        bounds.append(len(pieces))
        slots = {name: _pieces(tensors, size) for name, tensors in self.slots.items()}
        return [
            (first, last, pieces[first:last], {name: found[first:last] for name, found in slots.items()})
            for first, last in zip(bounds, bounds[1:], strict=False)
        ]

    def blocks(self, gradients: list[torch.Tensor]) -> Iterator[Lists]:
        """Weights, gradients and slots, in memory order, a block at a time."""
        if not self._blocks:
            yield self.weights, gradients, self.slots
            return
        pieces = _pieces(gradients, self._block_size)
        for first, last, weights, slots in self._blocks:
            yield weights, pieces[first:last], slots

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


def _pieces(tensors: Sequence[torch.Tensor], size: int) -> list[torch.Tensor]:
    """The tensors, those with more than `size` elements as flat pieces."""
    found: list[torch.Tensor] = []
    for tensor in tensors:
        if tensor.numel() > size:
            found.extend(tensor.view(-1).split(size))
        else:
            found.append(tensor)
    return found
