"""Constraints: projections that are applied to a weight after each update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from kerastorch.core.config import epsilon
from kerastorch.core.registry import Registry

Axis = int | Sequence[int]


def _norm(weight: torch.Tensor, axis: Axis) -> torch.Tensor:
    return torch.linalg.vector_norm(weight, dim=axis if isinstance(axis, int) else tuple(axis), keepdim=True)


class Constraint:
    """Base class: a subclass maps a weight to its projection in `__call__`.

    >>> class Positive(Constraint):
    ...     def __call__(self, w):
    ...         return w.clamp(min=0.0)
    """

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        return w

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Constraint:
        return cls(**config)


class MaxNorm(Constraint):
    """Scale weights down where their norm over `axis` is above `max_value`.

    `axis` is 0 for a Dense kernel (inputs, units) and [0, 1, 2] for a Conv2D kernel.

    >>> MaxNorm(1.0)(torch.tensor([[3.0], [4.0]]))
    tensor([[0.6000],
            [0.8000]])
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        norm = _norm(w, self.axis)
        return w * (torch.clamp(norm, 0.0, self.max_value) / (epsilon() + norm))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Set negative weights to zero.

    >>> NonNeg()(torch.tensor([-1.0, 2.0]))
    tensor([-0., 2.])
    """

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        return w * (w >= 0)


class UnitNorm(Constraint):
    """Scale weights to norm 1 over `axis`.

    >>> UnitNorm()(torch.tensor([[3.0], [4.0]]))
    tensor([[0.6000],
            [0.8000]])
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        return w / (epsilon() + _norm(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Move the norm of weights over `axis` into [min_value, max_value], by the share `rate` of the way.

    >>> MinMaxNorm(min_value=10.0, max_value=20.0)(torch.tensor([[3.0], [4.0]]))
    tensor([[6.],
            [8.]])
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        norm = _norm(w, self.axis)
        wanted = self.rate * torch.clamp(norm, self.min_value, self.max_value) + (1 - self.rate) * norm
        return w * (wanted / (epsilon() + norm))

    def get_config(self) -> dict[str, Any]:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


class RadialConstraint(Constraint):
    """Make a convolution kernel (height, width, in, out) equal along each square ring around its centre.

    Each ring takes the value that Keras gives it, which lies on the kernel's diagonal.
    Raises ValueError for a weight that is not a square kernel with four axes.

    >>> RadialConstraint()(torch.arange(9.0).reshape(3, 3, 1, 1))[..., 0, 0]
    tensor([[4., 4., 4.],
            [4., 0., 4.],
            [4., 4., 4.]])
    """

    def __call__(self, w: torch.Tensor) -> torch.Tensor:
        if w.dim() != 4 or w.shape[0] != w.shape[1]:
            raise ValueError(
                "RadialConstraint: expected a weight of shape (size, size, in, out); "
                f"received {tuple(w.shape)}. Use it on the kernel of a 2D convolution with a square kernel."
            )
        size = w.shape[0]
        centre = size // 2
        steps = torch.arange(size, device=w.device)
        from_centre = torch.minimum((steps - centre).abs(), (steps - (size - 1 - centre)).abs())
        ring = torch.maximum(from_centre[:, None], from_centre[None, :])
        source = ring + centre if size % 2 == 0 else ring + centre - 1
        innermost = ring == 0
        source = torch.where(innermost, centre - 1, source)
        diagonal = w[steps, steps]
        return diagonal[source]


max_norm = maxnorm = MaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm
min_max_norm = MinMaxNorm
radial_constraint = RadialConstraint

registry = Registry(
    "constraint",
    {
        "Constraint": Constraint,
        "MaxNorm": MaxNorm,
        "max_norm": MaxNorm,
        "maxnorm": MaxNorm,
        "NonNeg": NonNeg,
        "non_neg": NonNeg,
        "nonneg": NonNeg,
        "UnitNorm": UnitNorm,
        "unit_norm": UnitNorm,
        "unitnorm": UnitNorm,
        "MinMaxNorm": MinMaxNorm,
        "min_max_norm": MinMaxNorm,
        "RadialConstraint": RadialConstraint,
        "radial_constraint": RadialConstraint,
    },
)


def get(identifier: str | Mapping[str, Any] | Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The constraint that a name, a config, a class or a function stands for; None stays None.

    >>> get("max_norm").max_value
    2
    """
    return registry.get(identifier)


def serialize(constraint: Callable[..., Any] | None) -> Any:
    """The config of a constraint."""
    return registry.serialize(constraint)


def deserialize(config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint that a name or a config describes."""
    return registry.get(config, custom_objects)
