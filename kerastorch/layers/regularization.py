"""Layers that act in training only."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.engine.layer import Layer


class Dropout(Layer):
    """Set a fraction `rate` of the values to 0 in training and scale the others by 1 / (1 - rate).

    Input and output have the same shape; where `noise_shape` has 1, the decision is shared along that axis.
    Raises ValueError for a rate outside of [0, 1).

    >>> Dropout(0.5)(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    preserves_shape = True
    supports_masking = True

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(
                f"Dropout '{self.name}': expected a rate from 0 to 1; received rate={rate!r}. "
                "Pass the fraction to drop, for example 0.5."
            )
        self.rate = rate
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        if not training or self.rate == 0:
            return inputs
        if self.noise_shape is None and self.seed is None:
            return F.dropout(inputs, self.rate, True)
        wanted = self.noise_shape or inputs.shape
        shape = [size if one is None else one for one, size in zip(wanted, inputs.shape, strict=True)]
        kept = torch.empty(shape, dtype=inputs.dtype, device=inputs.device)
        kept.bernoulli_(1 - self.rate, generator=self._generator(inputs.device))
        return inputs * kept.div_(1 - self.rate if self.rate < 1 else 1)

    def _generator(self, device: torch.device) -> torch.Generator | None:
        if self.seed is None:
            return None
        generators = self.__dict__.setdefault("_generators", {})
        if device not in generators:
            generators[device] = torch.Generator(device).manual_seed(self.seed)
        return generators[device]

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_generators", None)  # generators cannot be copied; a copy starts from the seed
        return state
