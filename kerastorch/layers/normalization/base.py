"""What the normalisations share: their axes, and a learned scale and offset."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import torch

from kerastorch import constraints, initializers, regularizers
from kerastorch.engine.layer import Layer


class AxisLayer(Layer):
    """A layer that works along one or several axes; input and output have the same shape, and masks pass."""

    supports_masking = True

    def checked_axis(self, axis: Any) -> Any:
        """`axis` as an int or a list of ints; TypeError otherwise."""
        axes = list(axis) if isinstance(axis, list | tuple) else [axis]
        if not axes or not all(isinstance(one, int) and not isinstance(one, bool) for one in axes):
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected axis as an integer or a list of integers; "
                f"received axis={axis!r}. Pass for example axis=-1."
            )
        return axes if isinstance(axis, list | tuple) else axis

    def positive_axes(self, input_shape: Any) -> list[int]:
        """The axes counted from the front; ValueError for those that the input does not have, or has twice."""
        rank = len(input_shape)
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        if any(not -rank <= axis < rank for axis in axes) or len({axis % rank for axis in axes}) < len(axes):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected different axes of an input of rank {rank}; "
                f"received axis={self.axis}. Pass values from {-rank} to {rank - 1}."
            )
        return [axis % rank for axis in axes]

    def known_sizes(self, input_shape: Any, axes: list[int]) -> list[int]:
        """The sizes of `axes`; ValueError where one is unknown."""
        sizes = [input_shape[axis] for axis in axes]
        if None in sizes:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a known size of axis {axes[sizes.index(None)]}; "
                f"received input shape {tuple(input_shape)}. Give the Input a fixed size there."
            )
        return sizes

    def as_floats(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs if inputs.is_floating_point() else inputs.to(self._dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


class AffineNormalization(AxisLayer):
    """A normalisation that `gamma` scales and `beta` shifts afterwards."""

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = self.checked_axis(axis)
        if not isinstance(epsilon, Real) or not 0 <= epsilon < math.inf:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected epsilon of at least 0; received epsilon={epsilon!r}. "
                "Pass a small positive number such as 1e-3."
            )
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma = self.beta = None

    def add_scale_and_offset(self, shape: Any, dtype: torch.dtype | None = None) -> None:
        if self.scale:
            self.gamma = self.add_weight(
                "gamma", shape, dtype, self.gamma_initializer, self.gamma_regularizer, True, self.gamma_constraint
            )
        if self.center:
            self.beta = self.add_weight(
                "beta", shape, dtype, self.beta_initializer, self.beta_regularizer, True, self.beta_constraint
            )

    def scale_and_offset(self, inputs: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """`gamma` and `beta` for torch's kernels, which take one without the other only in the inputs' dtype."""
        gamma, beta = self.gamma, self.beta
        if gamma is not None and beta is not None:
            return gamma, beta
        return gamma if gamma is None else gamma.to(inputs.dtype), beta if beta is None else beta.to(inputs.dtype)


def with_channels_second(x: torch.Tensor, axis: int) -> torch.Tensor:
    """A view of `x` in torch's layout, (batch, channels, ...)."""
    if axis == 1:
        return x
    return x.permute(0, 3, 1, 2) if x.dim() == 4 and axis == 3 else x.movedim(axis, 1)


def with_channels_at(y: torch.Tensor, axis: int) -> torch.Tensor:
    """The inverse of `with_channels_second`."""
    if axis == 1:
        return y
    return y.permute(0, 2, 3, 1) if y.dim() == 4 and axis == 3 else y.movedim(1, axis)
