"""Activation functions: plain functions of a tensor, found by name with `get`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from kerastorch.core.registry import Registry

Activation = Callable[..., torch.Tensor]


def _accepts_arrays(function: Activation) -> Activation:
    """Let numbers, lists and numpy arrays stand for a tensor."""

    @functools.wraps(function)
    def activation(x: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        if type(x) is not torch.Tensor and isinstance(x, np.ndarray | list | tuple | float | int):
            x = torch.as_tensor(x)
        return function(x, *args, **kwargs)

    return activation


def _remember_logits(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    # the losses compute from the logits, which is more exact and fuses with the activation;
    # a symbolic tensor stands for a value that does not exist yet and carries nothing
    if type(y) is torch.Tensor:
        y._keras_logits = x  # type: ignore[attr-defined]
    return y


@_accepts_arrays
def linear(x: torch.Tensor) -> torch.Tensor:
    """`x` itself.

    >>> linear([1.0, -2.0])
    tensor([ 1., -2.])
    """
    return x


@_accepts_arrays
def relu(
    x: torch.Tensor,
    alpha: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    *,
    negative_slope: float | None = None,
) -> torch.Tensor:
    """Rectified linear unit: `x` above `threshold` (at most `max_value`), `alpha * (x - threshold)` below.

    `negative_slope` is another name of `alpha`.

    >>> relu([-2.0, 0.5, 9.0], alpha=0.1, max_value=6)
    tensor([-0.2000,  0.5000,  6.0000])
    """
    slope = alpha if negative_slope is None else negative_slope
    if not slope and not threshold and max_value is None:
        return torch.relu(x)
    if not threshold and max_value is None:
        return F.leaky_relu(x, slope)
    if not slope and not threshold:
        return F.hardtanh(x, 0.0, max_value)
    positive = x * (x > threshold) if threshold else torch.relu(x)
    if max_value is not None:
        positive = torch.clamp(positive, 0.0, max_value)
    return positive - slope * torch.relu(threshold - x) if slope else positive


@_accepts_arrays
def relu6(x: torch.Tensor) -> torch.Tensor:
    """`min(max(x, 0), 6)`.

    >>> relu6([-1.0, 3.0, 8.0])
    tensor([0., 3., 6.])
    """
    return F.relu6(x)


@_accepts_arrays
def leaky_relu(x: torch.Tensor, alpha: float = 0.2, *, negative_slope: float | None = None) -> torch.Tensor:
    """`x` where positive, `alpha * x` elsewhere; `negative_slope` is another name of `alpha`.

    >>> leaky_relu([-1.0, 3.0])
    tensor([-0.2000,  3.0000])
    """
    return F.leaky_relu(x, alpha if negative_slope is None else negative_slope)


@_accepts_arrays
def elu(x: torch.Tensor, alpha: float = 1.0) -> torch.Tensor:
    """Exponential linear unit: `x` where positive, `alpha * (exp(x) - 1)` elsewhere (arXiv:1511.07289).

    >>> elu([1.0, -1.0])
    tensor([ 1.0000, -0.6321])
    """
    return F.elu(x, alpha)


@_accepts_arrays
def selu(x: torch.Tensor) -> torch.Tensor:
    """Scaled exponential linear unit: `1.0507 * elu(x, 1.6733)` (arXiv:1706.02515).

    >>> selu([1.0])
    tensor([1.0507])
    """
    return torch.selu(x)


@_accepts_arrays
def softplus(x: torch.Tensor) -> torch.Tensor:
    """`log(1 + exp(x))`.

    >>> softplus([0.0])
    tensor([0.6931])
    """
    return F.softplus(x)


@_accepts_arrays
def softsign(x: torch.Tensor) -> torch.Tensor:
    """`x / (1 + |x|)`.

    >>> softsign([1.0, -3.0])
    tensor([ 0.5000, -0.7500])
    """
    return F.softsign(x)


@_accepts_arrays
def swish(x: torch.Tensor) -> torch.Tensor:
    """`x * sigmoid(x)`, also called silu (arXiv:1710.05941).

    >>> swish([1.0])
    tensor([0.7311])
    """
    return F.silu(x)


@_accepts_arrays
def gelu(x: torch.Tensor, approximate: bool = False) -> torch.Tensor:
    """Gaussian error linear unit: `x * P(N(0, 1) <= x)`, or its tanh approximation (arXiv:1606.08415).

    >>> gelu([1.0])
    tensor([0.8413])
    """
    return F.gelu(x, approximate="tanh" if approximate else "none")


@_accepts_arrays
def mish(x: torch.Tensor) -> torch.Tensor:
    """`x * tanh(softplus(x))` (arXiv:1908.08681).

    >>> mish([1.0])
    tensor([0.8651])
    """
    return F.mish(x)


@_accepts_arrays
def tanh(x: torch.Tensor) -> torch.Tensor:
    """Hyperbolic tangent.

    >>> tanh([1.0])
    tensor([0.7616])
    """
    return torch.tanh(x)


@_accepts_arrays
def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """`1 / (1 + exp(-x))`; the result remembers `x`, from which binary losses are computed.

    >>> sigmoid([0.0, 2.0])
    tensor([0.5000, 0.8808])
    """
    return _remember_logits(torch.sigmoid(x), x)


@_accepts_arrays
def hard_sigmoid(x: torch.Tensor) -> torch.Tensor:
    """A piecewise linear sigmoid: `0.2 * x + 0.5`, clipped to [0, 1].

    >>> hard_sigmoid([-3.0, 0.0, 1.0])
    tensor([0.0000, 0.5000, 0.7000])
    """
    return F.hardtanh(torch.rsub(x, 0.5, alpha=-0.2), 0.0, 1.0)  # 0.5 - (-0.2) * x in one step


@_accepts_arrays
def exponential(x: torch.Tensor) -> torch.Tensor:
    """`exp(x)`.

    >>> exponential([1.0])
    tensor([2.7183])
    """
    return torch.exp(x)


@_accepts_arrays
def softmax(x: torch.Tensor, axis: int = -1) -> torch.Tensor:
    """`exp(x)` divided by its sum over `axis`; the result remembers `x`, from which losses are computed.

    Raises ValueError for a tensor with fewer than two axes.

    >>> softmax([[0.0, 1.0]])
    tensor([[0.2689, 0.7311]])
    """
    if len(x.shape) < 2:
        raise ValueError(
            "softmax: expected a tensor with at least 2 axes (batch, classes); "
            f"received shape {tuple(x.shape)}. Add a batch axis, for example with x[None]."
        )
    return _remember_logits(torch.softmax(x, axis), x)


@_accepts_arrays
def log_softmax(x: torch.Tensor, axis: int = -1) -> torch.Tensor:
    """The logarithm of `softmax(x, axis)`.

    >>> log_softmax([[0.0, 0.0]])
    tensor([[-0.6931, -0.6931]])
    """
    return torch.log_softmax(x, axis)


silu = swish


def apply_in_place(activation: Activation, fresh: torch.Tensor) -> torch.Tensor:
    """`activation(fresh)` for a tensor that nothing else refers to and whose maker does not need it for gradients."""
    if activation is relu:
        return torch.relu_(fresh)
    return fresh if activation is linear else activation(fresh)


registry = Registry(
    "activation",
    {
        "linear": linear,
        "relu": relu,
        "relu6": relu6,
        "leaky_relu": leaky_relu,
        "elu": elu,
        "selu": selu,
        "softplus": softplus,
        "softsign": softsign,
        "swish": swish,
        "silu": swish,
        "gelu": gelu,
        "mish": mish,
        "tanh": tanh,
        "sigmoid": sigmoid,
        "hard_sigmoid": hard_sigmoid,
        "exponential": exponential,
        "softmax": softmax,
        "log_softmax": log_softmax,
    },
)


def get(identifier: str | Mapping[str, Any] | Activation | None) -> Activation:
    """The activation that a name, a config or a function stands for; None is `linear`.

    >>> get("softmax") is softmax
    True
    """
    return linear if identifier is None else registry.get(identifier)


def serialize(activation: Activation) -> str | dict[str, Any]:
    """The name of an activation function, or the config of an activation object."""
    return registry.serialize(activation)


def deserialize(name: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Activation:
    """The activation that a name or a config describes."""
    return registry.get(name, custom_objects)
