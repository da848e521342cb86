"""Attention by several heads at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch import constraints, initializers, regularizers
from kerastorch.engine.context import call_context, inside
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import Shape, TensorSpec
from kerastorch.layers.arguments import fraction, positive_int
from kerastorch.layers.einsum_dense import EinsumDense
from kerastorch.ops.attention import can_fuse, causal_mask, fused_attention, mask_bias, merge_masks

_SHAPES = ("query_shape", "value_shape", "key_shape")
_HALF = -32752.0  # what Keras adds to masked scores in float16: half of the lowest number


class MultiHeadAttention(Layer):
    """Attention by several heads at once, https://arxiv.org/abs/1706.03762.

    Call it as layer(query, value, key=value). Query (batch, queries, ...), value and key (batch, keys, ...), output
    (batch, queries, features of the query); scores (batch, heads, queries, keys). `attention_mask` (batch, queries,
    keys) is true where a query may look, and joins the masks of the inputs; `attention_axes` are the axes to look
    along, all but batch and features if None.
    Raises ValueError for numbers of heads or sizes below 1, and for inputs that do not go together.

    >>> MultiHeadAttention(num_heads=2, key_dim=3)(torch.zeros(1, 5, 4), torch.zeros(1, 7, 4)).shape
    torch.Size([1, 5, 4])
    """

    supports_masking = True

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        softmax_robust_masking: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = f"MultiHeadAttention '{self.name}'"
        self.num_heads = positive_int(num_heads, owner, "num_heads")
        self.key_dim = positive_int(key_dim, owner, "key_dim")
        self.value_dim = positive_int(value_dim, owner, "value_dim") if value_dim else self.key_dim
        self.dropout = fraction(dropout, owner, "dropout")
        self.use_bias = use_bias
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.softmax_robust_masking = softmax_robust_masking
        self.query_shape = self.value_shape = self.key_shape = None
        self.__dict__["_output_sizes"] = (output_shape,) if isinstance(output_shape, int) else output_shape

    # --- weights -------------------------------------------------------------------------------------------------

    def __call__(self, query: Any, value: Any = None, *args: Any, **kwargs: Any) -> Any:
        if value is None:
            raise self._error("a query and a value", "a query alone", "Call layer(x, x) for self-attention")
        if not self.built:
            self._build_from_signature(query, value, args[0] if args else kwargs.get("key"))
        return super().__call__(query, value, *args, **kwargs)

    def _build_from_signature(self, query: Any, value: Any, key: Any = None) -> None:
        """Make the weights for tensors, or shapes, of these three; layers that hold this one may call it in `build`."""
        shapes = [tuple(getattr(one, "shape", one)) for one in (query, value, value if key is None else key)]
        probe = call_context.probe
        self.build(*(shapes if probe is None else map(probe.known_shape, shapes)))

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        self.query_shape = tuple(query_shape)
        self.value_shape = self.query_shape if value_shape is None else tuple(value_shape)
        self.key_shape = self.value_shape if key_shape is None else tuple(key_shape)
        self.attention_axes = self._checked_axes(len(self.query_shape))
        self._check_shapes(self.query_shape, self.value_shape, self.key_shape)
        depth = len(self.query_shape)  # of the projected tensors; the axis before it counts the heads
        batch = [axis for axis in range(depth) if axis not in self.attention_axes]
        self._heads_first_order = (*batch, *self.attention_axes, depth)
        self._heads_last_order = tuple(map(self._heads_first_order.index, range(depth + 1)))
        self.input_spec = InputSpec(ndim=depth, axes={-1: self.query_shape[-1]})
        outputs = self._output_sizes or self.query_shape[-1:]
        letters = "xyzuvw"[: len(outputs)]
        heads = (self.num_heads, self.value_dim)
        self._query_dense = self._projection("query", "...x,xhd->...hd", (self.num_heads, self.key_dim))
        self._key_dense = self._projection("key", "...x,xhd->...hd", (self.num_heads, self.key_dim))
        self._value_dense = self._projection("value", "...x,xhd->...hd", heads)
        self._output_dense = self._projection("attention_output", f"...hd,hd{letters}->...{letters}", outputs)
        with inside(self.name):
            self._query_dense.build(self.query_shape)
            self._key_dense.build(self.key_shape)
            self._value_dense.build(self.value_shape)
            self._output_dense.build((*self.query_shape[:-1], *heads))

    def _projection(self, name: str, equation: str, sizes: Any) -> EinsumDense:
        return EinsumDense(
            equation,
            sizes,
            bias_axes=equation.rpartition("...")[2] if self.use_bias else None,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            name=name,
            trainable=self.trainable,
            dtype=self.dtype_policy,
        )

    def _error(self, expected: str, received: str, advice: str) -> ValueError:
        return ValueError(f"MultiHeadAttention '{self.name}': expected {expected}; received {received}. {advice}.")

    def _checked_axes(self, rank: int) -> tuple[int, ...]:
        if rank < 3 and self.attention_axes is None:
            raise self._error("inputs of rank 3 at least", f"shape {self.query_shape}", "Give them an axis of steps")
        given = range(1, rank - 1) if self.attention_axes is None else self.attention_axes
        # as in Keras, a negative axis counts from the end of the projected tensors, which have one axis more
        axes = tuple(axis if axis >= 0 else axis + rank + 1 for axis in given)
        if not axes or len(set(axes)) < len(axes) or not all(0 <= axis < rank - 1 for axis in axes):
            raise self._error(
                f"attention_axes out of {tuple(range(rank - 1))}, the axes before the features, each once",
                f"attention_axes={self.attention_axes}",
                "Leave it out to look along all axes but the batch",
            )
        return axes

    def _check_shapes(self, query: Shape, value: Shape, key: Shape) -> None:
        """Raise ValueError unless each key has a value, and the axes that nobody looks along are the same."""
        if not len(query) == len(value) == len(key):
            shapes = f"shapes {query}, {value} and {key}"
            raise self._error("query, value and key of one rank", shapes, "Add the missing axes")
        for axis in range(len(query) - 1):
            if _differ(key[axis], value[axis]):
                raise self._error(
                    "key and value of equal sizes but the last",
                    f"key {key} and value {value}",
                    "Pass the same sequence as both, or leave the key out",
                )
            if axis not in self.attention_axes and _differ(query[axis], key[axis]):
                raise self._error(
                    f"query and key of equal sizes but in attention_axes={self.attention_axes} and the last axis",
                    f"query {query} and key {key}",
                    "Repeat or reshape one of them",
                )

    # --- the call ------------------------------------------------------------------------------------------------

    def call(
        self,
        query: torch.Tensor,
        value: torch.Tensor,
        key: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Any:
        key = value if key is None else key
        if key is not value or query.shape != value.shape:
            self._check_shapes(tuple(query.shape), tuple(value.shape), tuple(key.shape))
        mask = self._compute_attention_mask(query, value, key, attention_mask)
        queries = [query.shape[axis] for axis in self.attention_axes]
        keys = [key.shape[axis] for axis in self.attention_axes]
        dropout = self.dropout if training else 0.0
        robust = self.softmax_robust_masking and mask is not None
        explicit = return_attention_scores or robust or not can_fuse(mask, query.dtype, dropout, math.prod(keys))
        causal = bool(use_causal_mask)
        if causal and (explicit or mask is not None or len(self.attention_axes) > 1):
            mask, causal = merge_masks(mask, self._causal_mask(queries, keys, query.device)), False
        mask = None if mask is None else self._flat_mask(mask, queries, keys)
        projected = (self._query_dense(query), self._key_dense(key), self._value_dense(value))
        parts = [self._heads_first(part) for part in projected]
        scale = 1 / math.sqrt(self.key_dim)
        if explicit:
            scores = self._scores(parts[0] * scale, parts[1], mask)
            result = (F.dropout(scores, dropout) if dropout else scores) @ parts[2]
        else:
            result = fused_attention(*parts, mask, scale, dropout, causal)
        result = self._output_dense(self._heads_last(result, queries))
        if not return_attention_scores:
            return result
        return result, scores.unflatten(-1, keys).unflatten(-1 - len(keys), queries)

    def _compute_attention_mask(self, query: Any, value: Any, key: Any, attention_mask: Any) -> torch.Tensor | None:
        """`attention_mask` and the masks that the inputs carry as one, of the rank of the scores."""
        query_mask, value_mask, key_mask = (getattr(one, "_keras_mask", None) for one in (query, value, key))
        masks = [None if query_mask is None else query_mask.unsqueeze(-1)]
        masks += [None if one is None else one.unsqueeze(-2) for one in (value_mask, key_mask)]
        if attention_mask is not None:
            masks.append(torch.as_tensor(attention_mask, device=query.device))
        pairs = 2 * len(self.attention_axes)
        rank = query.dim() + len(self.attention_axes)
        # axes that a mask lacks, such as that of the heads, come before those of queries and keys
        return merge_masks(
            *(
                one if one is None else one.reshape(*one.shape[:-pairs], *[1] * (rank - one.dim()), *one.shape[-pairs:])
                for one in masks
            )
        )

    def _causal_mask(self, queries: list[int], keys: list[int], device: torch.device) -> torch.Tensor:
        if len(self.attention_axes) > 1:
            axes = f"attention_axes={self.attention_axes}"
            raise self._error("a single attention axis with use_causal_mask", axes, "Pass an attention_mask instead")
        return causal_mask(queries[0], keys[0], device)

    def _flat_mask(self, mask: torch.Tensor, queries: list[int], keys: list[int]) -> torch.Tensor:
        """`mask` with one axis for all queries and one for all keys."""
        count = len(queries)
        if count == 1:
            return mask
        return mask.expand(*mask.shape[: -2 * count], *queries, *keys).flatten(-count).flatten(-1 - count, -2)

    def _heads_first(self, projected: torch.Tensor) -> torch.Tensor:
        """(batch, ..., heads, depth) as (..., heads, steps, depth), the axes to look along in one."""
        ordered = projected.permute(self._heads_first_order)
        count = len(self.attention_axes)
        return ordered if count == 1 else ordered.flatten(-1 - count, -2)

    def _heads_last(self, result: torch.Tensor, sizes: list[int]) -> torch.Tensor:
        result = result if len(sizes) == 1 else result.unflatten(-2, sizes)
        return result.permute(self._heads_last_order)

    def _scores(self, query: torch.Tensor, key: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        products = query @ key.mT
        if mask is not None and self.softmax_robust_masking:
            kept = mask if mask.dtype is torch.bool else mask > 0.5
            products = products.masked_fill(~kept, _HALF if products.dtype is torch.float16 else -1e9)
        elif mask is not None:
            products = products + mask_bias(mask, products.dtype, _HALF)
        return torch.softmax(products, -1)

    # --- what others ask -----------------------------------------------------------------------------------------

    def masked_outputs(self, masked: tuple[bool, ...]) -> list[bool]:
        return [masked[0]]

    def compute_output_shape(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> Any:
        sizes = self._output_sizes or query_shape[-1:]
        return (*query_shape[:-1], *sizes)

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        **kwargs: Any,
    ) -> Any:
        shapes = [tuple(one.shape) for one in (query, value, value if key is None else key)]
        self._check_shapes(*shapes)
        result = TensorSpec(self.compute_output_shape(shapes[0]), self._dtype)
        if not return_attention_scores:
            return result
        batch = [size for axis, size in enumerate(shapes[0][:-1]) if axis not in self.attention_axes]
        looked = [shape[axis] for shape in (shapes[0], shapes[2]) for axis in self.attention_axes]
        return result, TensorSpec((*batch, self.num_heads, *looked), self._dtype)

    def get_config(self) -> dict[str, Any]:
        shapes = {key: getattr(self, key) for key in _SHAPES}
        return {**super().get_config(), **shapes}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """A layer with the arguments of `config`; it has weights when `config` has shapes."""
        shapes = [config.get(key) for key in _SHAPES]
        layer = cls(**{key: value for key, value in config.items() if key not in _SHAPES})
        if None not in shapes:
            layer.build(*(shape["items"] if isinstance(shape, Mapping) else shape for shape in shapes))
        return layer


def _differ(first: int | None, second: int | None) -> bool:
    return None not in (first, second) and first != second
