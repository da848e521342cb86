"""Numbers of categories as rows."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.layers.preprocessing.categorical import CategoryLayer


class CategoryEncoding(CategoryLayer):
    """Category numbers below `num_tokens` as rows: 'one_hot' a number, 'multi_hot' or 'count' a sample.

    (batch, ...) or (batch,) to (batch, num_tokens). In 'count', `count_weights` may say how much each number counts.
    Raises ValueError for numbers outside of [0, num_tokens).

    >>> CategoryEncoding(num_tokens=3, output_mode="one_hot")(torch.tensor([2, 0]))
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """

    _encodings = ("count", "multi_hot", "one_hot")

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        num_tokens = kwargs.pop("max_tokens", num_tokens)
        super().__init__(output_mode=output_mode, sparse=sparse, **kwargs)
        if isinstance(num_tokens, bool) or not isinstance(num_tokens, int) or num_tokens < 1:
            raise ValueError(
                f"CategoryEncoding '{self.name}': expected num_tokens of at least 1; received {num_tokens!r}. "
                "IntegerLookup finds the categories by itself."
            )
        self.num_tokens = num_tokens

    def depth(self) -> int:
        return self.num_tokens

    def call(self, inputs: Any, count_weights: Any = None) -> torch.Tensor:
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(
                f"CategoryEncoding '{self.name}': expected output_mode='count' with count_weights; received "
                f"{self.output_mode!r}."
            )
        if inputs.numel() and not 0 <= int(inputs.min()) <= int(inputs.max()) < self.num_tokens:
            raise ValueError(
                f"CategoryEncoding '{self.name}': expected numbers from 0 to {self.num_tokens - 1}; received "
                f"{int(inputs.min())} to {int(inputs.max())}. Raise num_tokens, or correct the data."
            )
        weights = None if count_weights is None else torch.as_tensor(count_weights, device=inputs.device)
        return self.encode(inputs.long(), weights)
