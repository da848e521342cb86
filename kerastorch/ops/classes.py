"""Class indices as vectors, and the losses of predicted classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.core.config import epsilon, torch_dtype
from kerastorch.ops.operation import floating, operation, pair, tensor

__all__ = [
    "binary_crossentropy", "categorical_crossentropy", "ctc_decode", "ctc_loss", "multi_hot", "one_hot",
    "sparse_categorical_crossentropy",
]  # fmt: skip


@operation
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> torch.Tensor:
    """1 at the place along a new `axis` that each whole number names, 0 elsewhere; all 0 for numbers outside.

    >>> one_hot([1, 0], 2)
    tensor([[0., 1.],
            [1., 0.]])
    """
    x = tensor(x).long()
    hot = x.unsqueeze(-1) == torch.arange(num_classes, device=x.device)
    return hot.to(torch_dtype(dtype)).movedim(-1, axis)


@operation
def multi_hot(inputs: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> torch.Tensor:
    """1 at the places that any of the numbers of a sample (batch, numbers) names, 0 elsewhere."""
    inputs = tensor(inputs)
    return one_hot(inputs, num_classes, axis, dtype).amax(1 if inputs.dim() > 1 else 0)


def _check_shapes(function: str, target: torch.Tensor, expected: Sequence[int], output: torch.Tensor) -> None:
    if tuple(target.shape) != tuple(expected):
        raise ValueError(
            f"{function}: expected a target of shape {tuple(expected)} for an output of shape {tuple(output.shape)}; "
            f"received a target of shape {tuple(target.shape)}. Reshape one of them."
        )


def _kept_off_zero(output: torch.Tensor) -> torch.Tensor:
    return torch.clamp(output, epsilon(), 1.0 - epsilon())


@operation
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> torch.Tensor:
    """`-sum(target * log(output))` over `axis`, for probabilities or, with `from_logits`, for logits.

    >>> categorical_crossentropy([0.0, 1.0], [0.25, 0.75])
    tensor(0.2877)
    """
    target, output = pair(floating(target), floating(output))
    _check_shapes("ops.categorical_crossentropy", target, output.shape, output)
    if from_logits:
        logarithm = torch.log_softmax(output, axis)
    else:
        logarithm = torch.log(_kept_off_zero(output / output.sum(axis, keepdim=True)))
    return -(target * logarithm).sum(axis)


@operation
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> torch.Tensor:
    """`-log(output[target])`, for class indices and probabilities or, with `from_logits`, logits along `axis`."""
    target, output = tensor(target).long(), floating(output)
    if target.dim() == output.dim() and target.shape[axis] == 1:
        target = target.squeeze(axis)
    output = output.movedim(axis, -1)
    _check_shapes("ops.sparse_categorical_crossentropy", target, output.shape[:-1], output)
    if from_logits:
        logarithm = torch.log_softmax(output, -1)
    else:
        logarithm = torch.log(_kept_off_zero(output / output.sum(-1, keepdim=True)))
    return -logarithm.gather(-1, target.unsqueeze(-1)).squeeze(-1)


@operation
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> torch.Tensor:
    """`-(target * log(output) + (1 - target) * log(1 - output))`, element by element.

    >>> binary_crossentropy([1.0], [0.75])
    tensor([0.2877])
    """
    target, output = pair(floating(target), floating(output))
    _check_shapes("ops.binary_crossentropy", target, output.shape, output)
    if from_logits:
        return F.binary_cross_entropy_with_logits(output, target.to(output.dtype), reduction="none")
    return F.binary_cross_entropy(_kept_off_zero(output), target.to(output.dtype), reduction="none")


@operation
def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> torch.Tensor:
    """The connectionist temporal classification loss of each sample (Graves et al., 2006).

    `target` is (batch, labels), `output` logits (batch, steps, classes); `mask_index` is the class of the blank.
    """
    target, output, target_length, output_length = map(tensor, (target, output, target_length, output_length))
    if output.is_meta:
        return output[:, 0, 0]  # torch has no shape rule for this loss
    logarithm = torch.log_softmax(floating(output), -1).transpose(0, 1)
    lengths = output_length.long(), target_length.long()
    return F.ctc_loss(logarithm, target.long(), *lengths, blank=mask_index, reduction="none")


@operation
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The labels of the best class of each step, without repetitions and blanks, filled up with -1.

    `inputs` are logits (batch, steps, classes); the result is (1, batch, steps), and the negative sum of the logits
    (batch, 1). Raises ValueError for a strategy other than 'greedy'.
    """
    if strategy != "greedy":
        raise ValueError(f"ops.ctc_decode: expected strategy='greedy'; received strategy={strategy!r}.")
    inputs, lengths = tensor(inputs), tensor(sequence_lengths).long()
    scores, labels = inputs.max(-1)
    inside = torch.arange(inputs.shape[1], device=inputs.device) < lengths.unsqueeze(1)
    kept = inside & (labels != mask_index)
    if merge_repeated:
        kept[:, 1:] &= labels[:, 1:] != labels[:, :-1]
    order = torch.argsort(~kept, dim=1, stable=True)
    decoded = torch.where(kept, labels, -1).gather(1, order)
    return decoded.unsqueeze(0), -torch.where(inside, scores, 0.0).sum(1, keepdim=True)
