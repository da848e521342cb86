"""Activations as layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch import activations
from kerastorch.engine.layer import Layer


class Activation(Layer):
    """Apply an activation function, given by name or as a callable, element by element.

    Input and output have the same shape.

    >>> Activation("relu")(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    preserves_shape = True
    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.activation(inputs)

    def without_relu(self) -> Callable[..., Any] | None:
        return activations.linear if self.activation is activations.relu else None


class ActivationLayer(Layer):
    """Input and output have the same shape; masks pass."""

    preserves_shape = True
    supports_masking = True

    def at_least_zero(self, value: Any, argument: str) -> float | None:
        if value is not None and (not isinstance(value, int | float) or value < 0):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected {argument} of at least 0; "
                f"received {argument}={value!r}."
            )
        return value


class ReLU(ActivationLayer):
    """`x` above `threshold` (at most `max_value`), `negative_slope * (x - threshold)` below.

    >>> ReLU(max_value=6.0)(torch.tensor([-1.0, 8.0]))
    tensor([0., 6.])
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = self.at_least_zero(max_value, "max_value")
        self.negative_slope = self.at_least_zero(negative_slope, "negative_slope")
        self.threshold = self.at_least_zero(threshold, "threshold")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.is_ordinary():
            return F.relu(inputs)
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def is_ordinary(self) -> bool:
        return self.max_value is None and not self.negative_slope and not self.threshold

    def without_relu(self) -> Callable[..., Any] | None:
        return activations.linear if self.is_ordinary() else None


class LeakyReLU(ActivationLayer):
    """`x` above zero, `alpha * x` below.

    >>> LeakyReLU(0.1)(torch.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, alpha: float = 0.3, **kwargs: Any) -> None:
        alpha = kwargs.pop("negative_slope", alpha)
        super().__init__(**kwargs)
        self.alpha = self.at_least_zero(alpha, "alpha")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(inputs, self.alpha)


class Softmax(ActivationLayer):
    """Probabilities along `axis`; places where `mask` is False get none.

    >>> Softmax()(torch.zeros(1, 2))
    tensor([[0.5000, 0.5000]])
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is not None:
            inputs = inputs + (~mask.to(torch.bool)).to(inputs.dtype) * -1e9
        if isinstance(self.axis, list | tuple):
            return torch.exp(inputs - torch.logsumexp(inputs, tuple(self.axis), keepdim=True))
        return activations.softmax(inputs, axis=self.axis)
