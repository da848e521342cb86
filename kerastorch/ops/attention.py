"""Attention: values averaged by how well their keys match a query. Shapes are (..., steps, depth)."""

from __future__ import annotations

from functools import reduce
from typing import Any

import torch
from torch.nn import functional as F

_FEW = 32  # keys


def fused_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None = None,
    scale: float = 1.0,
    dropout: float = 0.0,
    causal: bool = False,
) -> torch.Tensor:
    """softmax(scale * query @ key.T) @ value over the keys that `mask` shows, in torch's fused kernel.

    `mask`, of booleans, broadcasts to (..., queries, keys) and goes without `dropout` and `causal`. A query that sees
    no key sees all of them alike, as in Keras, whose scores drown in the -1e9 of the mask, while their gradients do
    not. The kernel gives neither: it sees such a query as 0, and the gradient is completed.
    """
    if query.dim() == 3:  # the kernel wants an axis of heads
        mask = mask.unsqueeze(1) if mask is not None and mask.dim() == 3 else mask
        heads = (tensor.unsqueeze(1) for tensor in (query, key, value))
        return fused_attention(*heads, mask, scale, dropout, causal).squeeze(1)
    if mask is None:
        return F.scaled_dot_product_attention(query, key, value, None, dropout, causal, scale=scale)
    seeing = mask.any(-1, keepdim=True)
    blind = query.detach().masked_fill(seeing, 0)
    result = F.scaled_dot_product_attention(query - blind, key, value, mask | ~seeing, scale=scale)
    return _KeysOfBlindQueries.apply(result, key, blind, value, scale)


class _KeysOfBlindQueries(torch.autograd.Function):
    """The result as it is; backward, the keys also get the gradient that the queries in `blind` send them."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        result: torch.Tensor, key: torch.Tensor, blind: torch.Tensor, value: torch.Tensor, scale: float
    ) -> torch.Tensor:
        return result.view_as(result)

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        _, _, blind, value, context.scale = inputs
        context.save_for_backward(blind, value)

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> Any:
        blind, value = context.saved_tensors
        centered = value - value.mean(-2, keepdim=True)
        of_keys = centered @ (gradient.mT @ blind).mul(context.scale / value.shape[-2])
        return gradient, of_keys, None, None, None


def mask_bias(mask: torch.Tensor, dtype: torch.dtype, half: float) -> torch.Tensor:
    """What masked scores get added: 0 where `mask` is true (or 1), -1e9 where it is not; `half` in float16."""
    return mask.to(dtype).sub(1).mul_(-half if dtype is torch.float16 else 1e9)


def can_fuse(mask: torch.Tensor | None, dtype: torch.dtype, dropout: float, keys: int) -> bool:
    """Whether `fused_attention` gives Keras' numbers, and sooner than products and a softmax would.

    With a mask it does not where the mask may lie between 0 and 1, where scores are dropped, or where they survive
    the -1e9 in float64; and few keys are no gain.
    """
    return mask is None or (mask.dtype is torch.bool and dtype is not torch.float64 and not dropout and keys > _FEW)


def causal_mask(queries: int, keys: int, device: torch.device) -> torch.Tensor:
    """(queries, keys), true where the key is not later than the query."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril()


def merge_masks(*masks: torch.Tensor | None) -> torch.Tensor | None:
    """The logical and of the masks that there are; a single one as it is."""
    given = [mask for mask in masks if mask is not None]
    return reduce(lambda a, b: a.bool() & b.bool(), given) if given else None
