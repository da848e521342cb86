"""Regularizers: penalties on weights or activations, added to the loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from kerastorch.core.registry import Registry


def _factor(owner: object, name: str, value: float | None, default: float) -> float:
    value = default if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(
            f"{type(owner).__name__}: expected a finite number for '{name}'; received {value!r}. "
            "Give the strength of the penalty, such as 0.01."
        )
    return float(value)


class Regularizer:
    """Base class: a subclass maps a tensor to a scalar penalty in `__call__`.

    >>> class Cube(Regularizer):
    ...     def __call__(self, x):
    ...         return x.abs().pow(3).sum()
    """

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros((), dtype=x.dtype, device=x.device)

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError(
            f"{type(self).__name__}: expected a get_config method to save this regularizer; found none. "
            "Return the constructor's arguments as a dict."
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Regularizer:
        return cls(**config)


class L1L2(Regularizer):
    """The penalty `l1 * sum(|x|) + l2 * sum(x ** 2)`.

    >>> L1L2(l1=0.1, l2=0.01)(torch.tensor([1.0, -2.0]))
    tensor(0.3500)
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(self, "l1", l1, 0.0)
        self.l2 = _factor(self, "l2", l2, 0.0)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self.l1 and self.l2:
            return self.l1 * x.abs().sum() + self.l2 * x.square().sum()
        if self.l1:
            return self.l1 * x.abs().sum()
        if self.l2:
            return self.l2 * x.square().sum()
        return torch.zeros((), dtype=x.dtype, device=x.device)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """The penalty `l1 * sum(|x|)`; `l` is an old name of `l1`.

    >>> L1(0.1)(torch.tensor([1.0, -2.0]))
    tensor(0.3000)
    """

    def __init__(self, l1: float | None = 0.01, *, l: float | None = None) -> None:  # noqa: E741
        self.l1 = _factor(self, "l1", l1 if l is None else l, 0.01)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.l1 * x.abs().sum()

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """The penalty `l2 * sum(x ** 2)`; `l` is an old name of `l2`.

    >>> L2(0.1)(torch.tensor([1.0, -2.0]))
    tensor(0.5000)
    """

    def __init__(self, l2: float | None = 0.01, *, l: float | None = None) -> None:  # noqa: E741
        self.l2 = _factor(self, "l2", l2 if l is None else l, 0.01)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.l2 * x.square().sum()

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between different rows (or columns) of a matrix.

    Raises ValueError for a `mode` other than 'rows' and 'columns', and for a tensor that is no matrix.

    >>> OrthogonalRegularizer(1.0)(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    tensor(0.7071)
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: expected mode 'rows' or 'columns'; received {mode!r}.")
        self.factor = _factor(self, "factor", factor, 0.01)
        self.mode = mode

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() != 2:
            raise ValueError(
                f"OrthogonalRegularizer: expected a matrix (inputs, units); received shape {tuple(x.shape)}. "
                "Use it on the kernel of a Dense layer."
            )
        rows = x if self.mode == "rows" else x.t()
        rows = rows * torch.rsqrt(rows.square().sum(dim=1, keepdim=True).clamp(min=1e-12))
        cosines = rows @ rows.t()
        between = cosines - torch.diag(torch.diagonal(cosines))
        pairs = rows.shape[0] * (rows.shape[0] - 1.0) / 2.0
        return self.factor * 0.5 * between.abs().sum() / pairs

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """A regularizer with both penalties; unlike those of `L1L2`, its defaults are not zero.

    >>> l1_l2().get_config()
    {'l1': 0.01, 'l2': 0.01}
    """
    return L1L2(l1=l1, l2=l2)


l1 = activity_l1 = L1
l2 = activity_l2 = L2
l1l2 = activity_l1l2 = l1_l2  # Keras 1's names, here and above
orthogonal_regularizer = OrthogonalRegularizer

registry = Registry(
    "regularizer",
    {
        "L1": L1,
        "l1": L1,
        "L2": L2,
        "l2": L2,
        "L1L2": L1L2,
        "l1_l2": l1_l2,
        "l1l2": l1_l2,
        "OrthogonalRegularizer": OrthogonalRegularizer,
        "orthogonal_regularizer": OrthogonalRegularizer,
    },
)


def get(identifier: str | Mapping[str, Any] | Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The regularizer that a name, a config, a class or a function stands for; None stays None.

    >>> get("l2").l2
    0.01
    """
    return deserialize(identifier)


def serialize(regularizer: Callable[..., Any] | None) -> Any:
    """The config of a regularizer."""
    return registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer that a name or a config describes."""
    found = registry.get(config, custom_objects)
    return found() if found is l1_l2 else found
