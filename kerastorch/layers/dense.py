"""Fully connected layers."""

from __future__ import annotations

from typing import Any

import torch

from kerastorch import activations, constraints, initializers, regularizers
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer
from kerastorch.layers.arguments import positive_int


class Dense(Layer):
    """A fully connected layer: `activation(inputs @ kernel + bias)` on the last axis.

    Input (batch, ..., features), output (batch, ..., units); kernel (features, units), bias (units,).
    Raises ValueError when `units` is not positive or the features change.

    >>> Dense(10, activation="softmax")(torch.zeros(32, 784)).shape
    torch.Size([32, 10])
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_int(units, f"Dense '{self.name}'", "units")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias = None
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Any) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f"Dense '{self.name}': expected a known size of the last axis; received input shape {input_shape}. "
                "Give the Input a fixed last size."
            )
        # in memory the kernel is torch's (units, features): products with few units are faster that way
        self.kernel = self.add_weight(
            "kernel",
            (features, self.units),
            None,
            self.kernel_initializer,
            self.kernel_regularizer,
            True,
            self.kernel_constraint,
            memory_order=(1, 0),
        )
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", (self.units,), None, self.bias_initializer, self.bias_regularizer, True, self.bias_constraint
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if inputs.dtype is not self._dtype and not inputs.is_floating_point():
            inputs = inputs.to(self._dtype)
        rows = inputs if inputs.dim() == 2 else inputs.reshape(-1, inputs.shape[-1])
        weights = self._parameters  # a module's own attribute lookup costs as much as a small layer
        kernel = weights["kernel"]
        outputs = torch.addmm(weights["bias"], rows, kernel) if self.use_bias else rows.mm(kernel)
        if inputs.dim() != 2:
            outputs = outputs.view(*inputs.shape[:-1], self.units)
        return activations.apply_in_place(self.activation, outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)
