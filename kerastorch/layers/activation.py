"""Activations as layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch import activations, constraints, initializers, regularizers
from kerastorch.engine.input_spec import InputSpec
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

    def in_place(self, place: int = 0) -> Callable[..., Any] | None:
        if self.activation is activations.relu:
            return torch.relu_
        return partial(F.silu, inplace=True) if self.activation is activations.swish else None

    def applies_swish(self) -> bool:
        return self.activation is activations.swish

    def without_relu(self) -> Callable[..., Any] | None:
        return activations.linear if self.activation is activations.relu else None


class ActivationLayer(Layer):
    """Input and output have the same shape; masks pass."""

    preserves_shape = True
    supports_masking = True

    def at_least_zero(self, value: Any, argument: str) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not value >= 0:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected {argument} of at least 0; "
                f"received {argument}={value!r}. Pass for example {argument}=0.1."
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
        self.max_value = None if max_value is None else self.at_least_zero(max_value, "max_value")
        self.negative_slope = self.at_least_zero(negative_slope, "negative_slope")
        self.threshold = self.at_least_zero(threshold, "threshold")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        if self.is_ordinary():
            return F.relu(inputs)
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def is_ordinary(self) -> bool:
        return self.max_value is None and not self.negative_slope and not self.threshold

    def in_place(self, place: int = 0) -> Callable[..., Any] | None:
        if self.negative_slope or self.threshold:
            return None
        return torch.relu_ if self.max_value is None else partial(torch.clamp_, min=0.0, max=self.max_value)

    def without_relu(self) -> Callable[..., Any] | None:
        return activations.linear if self.is_ordinary() else None


class LeakyReLU(ActivationLayer):
    """`x` above zero, `alpha * x` below; `negative_slope` is another name of `alpha`.

    >>> LeakyReLU(0.1)(torch.tensor([-1.0, 2.0]))
    tensor([-0.1000,  2.0000])
    """

    def __init__(self, alpha: float = 0.3, **kwargs: Any) -> None:
        alpha = kwargs.pop("negative_slope", alpha)
        super().__init__(**kwargs)
        self.alpha = self.at_least_zero(alpha, "alpha")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return F.leaky_relu(inputs, self.alpha)


class ELU(ActivationLayer):
    """`x` above zero, `alpha * (exp(x) - 1)` below (arXiv:1511.07289).

    >>> ELU()(torch.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(alpha, bool) or not isinstance(alpha, Real):
            raise ValueError(
                f"ELU '{self.name}': expected alpha as a number; received alpha={alpha!r}. Pass for example 1.0."
            )
        self.alpha = alpha

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return F.elu(inputs, self.alpha)


class ThresholdedReLU(ActivationLayer):
    """`x` above `theta`, 0 elsewhere.

    >>> ThresholdedReLU(1.0)(torch.tensor([0.5, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = self.at_least_zero(theta, "theta")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return F.threshold(inputs, self.theta, 0.0)


class PReLU(ActivationLayer):
    """`x` above zero, `alpha * x` below, with one learned `alpha` for each place of a sample (arXiv:1502.01852).

    Along `shared_axes` there is one for all: `shared_axes=[1, 2]` learns one for each channel of an image.
    Raises ValueError for axes that the input does not have, and for unknown sizes of axes that are not shared.

    >>> PReLU(alpha_initializer="ones")(torch.tensor([[-1.0, 2.0]])).tolist()
    [[-1.0, 2.0]]
    """

    def __init__(
        self,
        alpha_initializer: Any = "zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes and list(shared_axes)

    def build(self, input_shape: Any) -> None:
        shared = self.shared_axes or []
        if not all(isinstance(axis, int) and 1 <= axis < len(input_shape) for axis in shared):
            raise ValueError(
                f"PReLU '{self.name}': expected shared_axes from 1 to {len(input_shape) - 1} for an input of rank "
                f"{len(input_shape)}; received shared_axes={self.shared_axes}. Axis 0 is the batch."
            )
        shape = [1 if axis in shared else size for axis, size in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(
            "alpha", shape, None, self.alpha_initializer, self.alpha_regularizer, True, self.alpha_constraint
        )
        sizes = {axis: size for axis, size in enumerate(input_shape) if shared and axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=sizes)
        own = [axis for axis in range(1, len(input_shape)) if axis not in shared] or [len(input_shape) - 1]
        self.__dict__["_first_column"] = own[0]
        self.__dict__["_is_spread"] = any(axis > own[0] for axis in shared)

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        # torch's kernel wants one alpha for each column of a matrix: leading axes that share it are rows
        columns = inputs.shape[self._first_column :]
        alpha = self.alpha.to(inputs.dtype)
        if self._is_spread:
            alpha = alpha.reshape(alpha.shape[self._first_column - 1 :]).expand(columns)
        return F.prelu(inputs.reshape(-1, columns.numel()), alpha.reshape(-1)).view(inputs.shape)


class Softmax(ActivationLayer):
    """Probabilities along `axis`; places where `mask` is False get none.

    With `robust_masking` masked logits are replaced, not lowered; then a mask of numbers counts above 0.5.

    >>> Softmax()(torch.zeros(1, 2))
    tensor([[0.5000, 0.5000]])
    """

    def __init__(self, axis: Any = -1, robust_masking: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.robust_masking = robust_masking

    def call(self, inputs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        if mask is not None:
            inputs = self._without_masked(inputs, mask)
        axes = tuple(self.axis) if isinstance(self.axis, list | tuple) else (self.axis,)
        if len(axes) == 1:
            return activations.softmax(inputs, axis=axes[0])
        return torch.exp(inputs - torch.logsumexp(inputs, axes, keepdim=True))

    def _without_masked(self, inputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        lowest = torch.finfo(torch.float16).min / 2 if inputs.dtype == torch.float16 else -1e9
        if self.robust_masking:
            return torch.where(mask if mask.dtype == torch.bool else mask > 0.5, inputs, lowest)
        return inputs + (1.0 - mask.to(inputs.dtype)) * lowest

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if not self.robust_masking:
            del config["robust_masking"]  # tf.keras saves it only where it is set
        return config


# `activation="LeakyReLU"` and configs of layers as activations; error texts offer the functions first
activations.registry.entries = {
    **{layer.__name__: layer for layer in (ELU, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU)},
    **activations.registry.entries,
}
