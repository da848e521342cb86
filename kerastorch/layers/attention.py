"""Attention between two sequences: dot-product and additive."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.engine.layer import Layer
from kerastorch.engine.shapes import map_tensors_to_shapes
from kerastorch.engine.symbolic import TensorSpec
from kerastorch.layers.arguments import fraction, one_of
from kerastorch.ops.attention import can_fuse, causal_mask, fused_attention, mask_bias, merge_masks


class SequenceAttention(Layer):
    """What attention over [query, value] or [query, value, key] shares: masks, dropout, scores.

    Shapes: query (batch, queries, depth), value (batch, keys, size), key (batch, keys, depth).
    """

    supports_masking = True
    _own_arguments = ("causal",)

    def __init__(self, dropout: float = 0.0, **kwargs: Any) -> None:
        causal = kwargs.pop("causal", False)  # today's word is use_causal_mask, of the call
        super().__init__(**kwargs)
        self.dropout = fraction(dropout, f"{type(self).__name__} '{self.name}'", "dropout")
        self.causal = bool(causal)

    def build(self, input_shape: Any) -> None:
        query, value, key = self._three(input_shape)
        if None not in (query[-1], key[-1]) and query[-1] != key[-1]:
            raise self._error("query and key of one depth", f"shapes {query} and {key}", "Bring both through a Dense")
        if None not in (value[-2], key[-2]) and value[-2] != key[-2]:
            raise self._error("as many keys as values", f"shapes {key} and {value}", "Pass [query, value, key]")

    def _three(self, inputs: Any) -> Any:
        """Query, value and key out of a list of two or three."""
        listed = isinstance(inputs, list | tuple) and bool(inputs) and not isinstance(inputs[0], int | None)
        if not listed or len(inputs) not in (2, 3):
            received = f"{len(inputs)} in a list" if listed else "a single input"
            raise self._error("[query, value] or [query, value, key]", received, "Pass a list of two or three tensors")
        return (*inputs, inputs[1])[:3]

    def _error(self, expected: str, received: str, advice: str) -> ValueError:
        return ValueError(f"{type(self).__name__} '{self.name}': expected {expected}; received {received}. {advice}.")

    def _masks(self, inputs: Any, mask: Any) -> tuple[Any, Any]:
        if mask is None:
            return None, None
        if not isinstance(mask, list | tuple) or not 2 <= len(mask) <= len(inputs):
            received = f"{len(mask)} masks" if isinstance(mask, list | tuple) else "a single mask"
            raise self._error("mask=[query_mask, value_mask]", received, "Use None for an input without a mask")
        return mask[0], mask[1]

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        """(batch, queries, keys): how well each key matches each query; every kind of attention defines it."""
        raise NotImplementedError

    def fused_query(self, query: torch.Tensor) -> torch.Tensor | None:
        """The query whose products with the keys are the scores; None where the scores are no such products."""
        return None

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value, key = self._three(inputs)
        query_mask, value_mask = self._masks(inputs, mask)
        causal = self.causal or use_causal_mask
        dropout = self.dropout if training else 0.0
        seen = None if value_mask is None else value_mask.bool().unsqueeze(-2)
        explicit = return_attention_scores or not can_fuse(seen, query.dtype, dropout, key.shape[-2])
        product = None if explicit else self.fused_query(query)
        if causal and (product is None or seen is not None):
            seen, causal = merge_masks(seen, causal_mask(query.shape[-2], key.shape[-2], query.device)), False
        if product is not None:
            result = fused_attention(product, key, value, seen, 1.0, dropout, causal)
        else:
            scores = self.scores(query, key)
            scores = scores if seen is None else scores + mask_bias(seen, scores.dtype, -65504.0)
            weights = torch.softmax(scores, -1)
            weights = F.dropout(weights, dropout) if dropout else weights
            result = weights @ value
        if query_mask is not None:
            result = result * query_mask.unsqueeze(-1).to(result.dtype)
        return (result, weights) if return_attention_scores else result

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self._masks(inputs, mask)[0]

    def compute_output_shape(self, input_shape: Any) -> Any:
        query, value, _ = self._three(input_shape)
        return (*query[:-1], value[-1])

    def compute_output_spec(
        self, inputs: Any, mask: Any = None, training: Any = None, return_attention_scores: bool = False, **kwargs: Any
    ) -> Any:
        query, value, _ = self._three(map_tensors_to_shapes(inputs))
        result = TensorSpec((*query[:-1], value[-1]), self._dtype)
        return (result, TensorSpec((*query[:-1], value[-2]), self._dtype)) if return_attention_scores else result

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "causal": True} if self.causal else config


class Attention(SequenceAttention):
    """Dot-product attention (Luong): softmax(query @ key.T) @ value.

    Inputs [query (batch, queries, depth), value (batch, keys, size)] and, where it is not the value, a key (batch,
    keys, depth); output (batch, queries, size). With score_mode 'concat' the scores are sums of tanh(query + key).
    Raises ValueError for another number of inputs or masks.

    >>> Attention()([torch.zeros(1, 2, 4), torch.ones(1, 3, 4)]).shape
    torch.Size([1, 2, 4])
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(dropout, **kwargs)
        self.use_scale = use_scale
        self.score_mode = one_of(score_mode, ("dot", "concat"), f"Attention '{self.name}'", "score_mode")
        self.scale = self.concat_score_weight = None

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.use_scale:
            self.scale = self.add_weight("scale", (), None, "ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight("concat_score_weight", (), None, "ones")

    def fused_query(self, query: torch.Tensor) -> torch.Tensor | None:
        if self.score_mode != "dot":
            return None
        return query if self.scale is None else query * self.scale

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        product = self.fused_query(query)
        if product is not None:
            return product @ key.mT
        pairs = query.unsqueeze(-2) + key.unsqueeze(-3)
        pairs = pairs if self.scale is None else self.scale * pairs
        return self.concat_score_weight * torch.tanh(pairs).sum(-1)


class AdditiveAttention(SequenceAttention):
    """Additive attention (Bahdanau): softmax(sum(scale * tanh(query + key))) @ value.

    Inputs and output as those of `Attention`; the weight `scale` has the shape (depth,).
    Raises ValueError for another number of inputs or masks.

    >>> AdditiveAttention()([torch.zeros(1, 2, 4), torch.ones(1, 3, 4)]).shape
    torch.Size([1, 2, 4])
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(dropout, **kwargs)
        self.use_scale = use_scale
        self.scale = None

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.use_scale:
            self.scale = self.add_weight("scale", input_shape[1][-1:], None, "glorot_uniform")

    def scores(self, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        pairs = torch.tanh(query.unsqueeze(-2) + key.unsqueeze(-3))
        return pairs.sum(-1) if self.scale is None else pairs @ self.scale
