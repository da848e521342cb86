"""Spectral normalisation."""

from __future__ import annotations

from typing import Any

import torch
from torch.func import functional_call
from torch.nn import functional as F

from kerastorch.core.variable import Variable
from kerastorch.engine.input_spec import InputSpec
from kerastorch.initializers import TruncatedNormal
from kerastorch.layers.arguments import positive_int
from kerastorch.layers.wrappers import Wrapper


class SpectralNormalization(Wrapper):
    """Divide the `kernel` or `embeddings` of a layer by its largest singular value (arXiv:1802.05957).

    Each call in training replaces the weight, seen as the matrix (all axes but the last, last axis), by its quotient;
    the singular value comes from `power_iterations` steps that start from the vector of the last call.
    Raises ValueError for a layer with neither weight, and for a number of steps that is not positive.

    >>> SpectralNormalization(Dense(4))(torch.zeros(2, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive_int(
            power_iterations, f"SpectralNormalization '{self.name}'", "power_iterations"
        )

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))
        self.vector_u = self.add_weight(
            "vector_u", (1, self.kernel.shape[-1]), self.kernel.dtype, TruncatedNormal(stddev=0.02), trainable=False
        )

    @property
    def kernel(self) -> Variable:
        """The weight of the layer inside that is normalised."""
        return self.layer._parameters[self._kernel_name()]

    def _kernel_name(self) -> str:
        for name in ("kernel", "embeddings"):
            if name in self.layer._parameters:
                return name
        raise ValueError(
            f"SpectralNormalization '{self.name}': expected a layer with a weight `kernel` or `embeddings`; "
            f"received {type(self.layer).__name__} '{self.layer.name}'. Wrap for example a Dense or Conv2D layer."
        )

    def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
        if not training:
            return self.layer(inputs, training=False)
        self.normalize_weights()
        # a copy of the weight: another call may replace it before the gradients of this one are computed
        weights = {self._kernel_name(): self.kernel.clone()}
        return functional_call(self.layer, weights, (inputs,), {"training": True})

    @torch.no_grad()
    def normalize_weights(self) -> None:
        """Replace the weight by its quotient, and the vector; a weight of zeros is left alone."""
        kernel = self.kernel.reshape(-1, self.kernel.shape[-1])
        v = u = self.vector_u
        for _ in range(self.power_iterations):
            v = F.normalize(u @ kernel.t(), eps=1e-6)
            u = F.normalize(v @ kernel, eps=1e-6)
        sigma = (v @ kernel @ u.t()).reshape(())
        holds_values = kernel.any()
        self.kernel.div_(torch.where(holds_values, sigma, 1.0))
        self.vector_u.copy_(torch.where(holds_values, u, self.vector_u))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)
