"""Vectors for integers."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from kerastorch import constraints, initializers, regularizers
from kerastorch.engine.layer import Layer
from kerastorch.layers.arguments import positive_int


class Embedding(Layer):
    """Look up a trained vector for each integer.

    Input (batch, steps) of integers in [0, input_dim), output (batch, steps, output_dim);
    with `mask_zero` the places that hold 0 are masked.
    Raises ValueError for integers outside of the table.

    >>> Embedding(1000, 16)(torch.tensor([[4, 0, 2]])).shape
    torch.Size([1, 3, 16])
    """

    autocast = False

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        activity_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        input_length: Any = None,
        **kwargs: Any,
    ) -> None:
        if input_length is not None and "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            length = (input_length,) if isinstance(input_length, int) else tuple(input_length)
            kwargs["input_shape"] = length
        elif "input_shape" not in kwargs and "batch_input_shape" not in kwargs:
            kwargs["input_shape"] = (None,)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = f"Embedding '{self.name}'"
        self.input_dim = positive_int(input_dim, owner, "input_dim")
        self.output_dim = positive_int(output_dim, owner, "output_dim")
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self.input_length = input_length

    def build(self, input_shape: Any) -> None:
        self.embeddings = self.add_weight(
            "embeddings",
            (self.input_dim, self.output_dim),
            None,
            self.embeddings_initializer,
            self.embeddings_regularizer,
            True,
            self.embeddings_constraint,
        )

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.dtype not in (torch.int64, torch.int32):
            inputs = inputs.long()
        try:
            return F.embedding(inputs, self.embeddings)
        except IndexError as error:
            raise ValueError(
                f"Embedding '{self.name}': expected integers from 0 to {self.input_dim - 1}; received values from "
                f"{int(inputs.min())} to {int(inputs.max())}. Raise input_dim, or limit the vocabulary."
            ) from error

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return torch.ne(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)
