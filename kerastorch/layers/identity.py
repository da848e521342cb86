"""Layers that pass their input on."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import TensorSpec


class Identity(Layer):
    """The input itself, a tensor or a structure of tensors; as in Keras, masks end here.

    >>> Identity()(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    def call(self, inputs: Any) -> Any:
        # other tensor objects, as these may carry a mask
        return nest.map_structure(lambda tensor: tensor.view_as(tensor), inputs)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return nest.map_structure(
            lambda leaf: TensorSpec(leaf.shape, self._dtype if leaf.dtype.is_floating_point else leaf.dtype), inputs
        )


class Masking(Layer):
    """Mask the steps whose features all equal `mask_value`, and set them to 0.

    Input and output (batch, steps, ..., features); the mask (batch, steps, ...) is true for the other steps.

    >>> Masking()(torch.tensor([[[1.0, 2.0], [0.0, 0.0]]]))._keras_mask
    tensor([[ True, False]])
    """

    preserves_shape = True
    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs * self.compute_mask(inputs).unsqueeze(-1).to(inputs.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return (inputs != self.mask_value).any(-1)
