"""Normalisation."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional as F

from kerastorch import constraints, initializers, regularizers
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer


class BatchNormalization(Layer):
    """Normalise each channel by the batch in training, by moving averages in inference (arXiv:1502.03167).

    `gamma * (x - mean) / sqrt(variance + epsilon) + beta`; moving averages keep `momentum` of their value a step.
    Input and output (batch, ..., channels), the channels in `axis`. With `trainable = False` it stays in inference.

    >>> BatchNormalization()(torch.zeros(2, 4)).shape
    torch.Size([2, 4])
    """

    preserves_shape = True
    supports_masking = True

    def __init__(
        self,
        axis: Any = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        for obsolete in ("fused", "renorm", "virtual_batch_size", "adjustment"):
            kwargs.pop(obsolete, None)
        super().__init__(**kwargs)
        if isinstance(axis, list | tuple):
            if len(axis) != 1:
                raise ValueError(
                    f"BatchNormalization '{self.name}': expected one axis; received axis={axis}. "
                    "Normalise over one axis of channels."
                )
            axis = axis[0]
        self.axis = axis
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.synchronized = synchronized
        self.gamma = self.beta = None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"BatchNormalization '{self.name}': expected an axis of an input of rank {rank}; "
                f"received axis={self.axis}."
            )
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(
                f"BatchNormalization '{self.name}': expected a known size of axis {self.axis}; "
                f"received input shape {input_shape}. Give the Input a fixed channel size."
            )
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", (channels,), None, self.gamma_initializer, self.gamma_regularizer, True, self.gamma_constraint
            )
        if self.center:
            self.beta = self.add_weight(
                "beta", (channels,), None, self.beta_initializer, self.beta_regularizer, True, self.beta_constraint
            )
        self.moving_mean = self.add_weight(
            "moving_mean", (channels,), None, self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            "moving_variance", (channels,), None, self.moving_variance_initializer, trainable=False
        )
        self.input_spec = InputSpec(ndim=rank, axes={self.axis: channels})

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        training = bool(training) and self.trainable
        rank = inputs.dim()
        axis = self.axis % rank
        x = inputs if axis == 1 else inputs.permute(0, 3, 1, 2) if rank == 4 and axis == 3 else inputs.movedim(axis, 1)
        if not training or rank >= 4:
            y = F.batch_norm(
                x,
                self.moving_mean,
                self.moving_variance,
                self.gamma,
                self.beta,
                training,
                1.0 - self.momentum,
                self.epsilon,
            )
        else:
            y = self._normalize_by_batch(x)
        return y if axis == 1 else y.permute(0, 2, 3, 1) if rank == 4 and axis == 3 else y.movedim(1, axis)

    def _normalize_by_batch(self, x: torch.Tensor) -> torch.Tensor:
        """For ranks that tf.keras has no fused kernel for; there the moving variance follows the biased one."""
        y, mean, inverse_deviation = torch.native_batch_norm(
            x, self.gamma, self.beta, None, None, True, 0.0, self.epsilon
        )
        with torch.no_grad():
            variance = inverse_deviation.square().reciprocal_().sub_(self.epsilon)
            self.moving_mean.lerp_(mean.detach(), 1.0 - self.momentum)
            self.moving_variance.lerp_(variance, 1.0 - self.momentum)
        return y

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.synchronized:
            del config["synchronized"]  # tf.keras saves it only where it is set
        return config
