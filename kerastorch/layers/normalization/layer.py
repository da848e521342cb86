"""Layer normalisation."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.layers.normalization.base import AffineNormalization


class LayerNormalization(AffineNormalization):
    """Normalise each sample over `axis` (arXiv:1607.06450): `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.

    Input and output (batch, ..., features); `gamma` and `beta` have the sizes of the axes, in the order of `axis`.
    Raises ValueError for axes that the input does not have or whose size is unknown.

    >>> LayerNormalization(epsilon=0.0)(torch.tensor([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def build(self, input_shape: Any) -> None:
        axes = self.positive_axes(input_shape)
        self.add_scale_and_offset(self.known_sizes(input_shape, axes))
        self.__dict__["_axes"] = sorted(axes)
        self.__dict__["_as_torch"] = axes == list(range(axes[0], len(input_shape)))  # the last axes, in their order

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        inputs = self.as_floats(inputs)
        axes, (gamma, beta) = self._axes, self.scale_and_offset(inputs)
        if self._as_torch:
            return torch.layer_norm(inputs, inputs.shape[axes[0] :], gamma, beta, self.epsilon)
        last = list(range(-len(axes), 0))
        x = inputs.movedim(axes, last)
        # Keras' gamma of axes [2, 1] is shaped in that order, and read as if it were of [1, 2]
        sizes = x.shape[-len(axes) :]
        gamma, beta = (None if weight is None else weight.view(sizes) for weight in (gamma, beta))
        return torch.layer_norm(x, sizes, gamma, beta, self.epsilon).movedim(last, axes)
