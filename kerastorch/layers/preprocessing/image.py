"""Layers that prepare images."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import torch_dtype
from kerastorch.engine.layer import Layer


class Rescaling(Layer):
    """`inputs * scale + offset`, in the layer's float type.

    Input and output have the same shape; `scale` and `offset` are numbers or one number a channel.

    >>> Rescaling(1 / 255)(torch.tensor([255.0]))
    tensor([1.])
    """

    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        scaled = inputs.to(self._dtype) * self._factor(self.scale, inputs)
        return (
            scaled
            if isinstance(self.offset, int | float) and self.offset == 0
            else (scaled + self._factor(self.offset, inputs))
        )

    def _factor(self, value: Any, inputs: torch.Tensor) -> Any:
        # TensorFlow makes single precision of numbers first, whatever the layer's dtype
        if isinstance(value, int | float) and math.isfinite(value):
            return float(np.float32(value))
        value = np.asarray(value, "float32") if isinstance(value, list | tuple) else value
        return torch.as_tensor(value, dtype=torch_dtype(self.dtype), device=inputs.device)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
