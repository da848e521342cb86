"""New tensors, in NumPy's names."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import current_device, torch_dtype
from kerastorch.ops.operation import Shape, as_shape, floating, operation, pair, tensor

__all__ = [
    "arange", "array", "bartlett", "blackman", "copy", "empty", "empty_like", "eye", "full", "full_like",
    "geomspace", "hamming", "hanning", "identity", "kaiser", "linspace", "logspace", "meshgrid", "ones",
    "ones_like", "tri", "zeros", "zeros_like",
]  # fmt: skip


@operation
def array(x: Any, dtype: Any = None) -> torch.Tensor:
    """`x` as a new tensor."""
    return tensor(x, dtype).clone()


@operation
def copy(x: Any) -> torch.Tensor:
    """A new tensor with the values of `x`."""
    return tensor(x).clone()


@operation
def full(shape: Shape, fill_value: Any, dtype: Any = None) -> torch.Tensor:
    """A tensor of `shape`, each element `fill_value`."""
    value = tensor(fill_value, dtype)
    return value.expand(as_shape(shape, "ops.full")).clone()


@operation
def zeros(shape: Shape, dtype: Any = None) -> torch.Tensor:
    """A tensor of zeros, of `floatx()` unless `dtype` says otherwise.

    >>> zeros((2,))
    tensor([0., 0.])
    """
    return torch.zeros(as_shape(shape, "ops.zeros"), dtype=torch_dtype(dtype), device=current_device())


@operation
def ones(shape: Shape, dtype: Any = None) -> torch.Tensor:
    """A tensor of ones, of `floatx()` unless `dtype` says otherwise."""
    return torch.ones(as_shape(shape, "ops.ones"), dtype=torch_dtype(dtype), device=current_device())


@operation
def empty(shape: Shape, dtype: Any = None) -> torch.Tensor:
    """A tensor whose values are not set."""
    return torch.empty(as_shape(shape, "ops.empty"), dtype=torch_dtype(dtype), device=current_device())


def _like(x: Any, dtype: Any) -> torch.Tensor:
    x = tensor(x)
    return torch.empty_like(x, dtype=x.dtype if dtype is None else torch_dtype(dtype))


@operation
def zeros_like(x: Any, dtype: Any = None) -> torch.Tensor:
    """Zeros in the shape of `x`."""
    return torch.zeros_like(_like(x, dtype))


@operation
def ones_like(x: Any, dtype: Any = None) -> torch.Tensor:
    """Ones in the shape of `x`."""
    return torch.ones_like(_like(x, dtype))


@operation
def empty_like(x: Any, dtype: Any = None) -> torch.Tensor:
    """A tensor in the shape of `x` whose values are not set."""
    return _like(x, dtype)


@operation
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> torch.Tensor:
    """A tensor in the shape of `x`, each element `fill_value`."""
    like = _like(x, dtype)
    return tensor(fill_value).to(like).expand(like.shape).clone()


def arange(start: float, stop: float | None = None, step: float | None = None, dtype: Any = None) -> torch.Tensor:
    """`start`, `start + step`, ... below `stop`; from 0 up to `start` where that is all there is.

    >>> arange(3)
    tensor([0, 1, 2])
    """
    start, stop = (0, start) if stop is None else (start, stop)
    step = 1 if step is None else step
    if dtype is None and any_float(start, stop, step):
        dtype = torch_dtype(None)
    return torch.arange(start, stop, step, dtype=None if dtype is None else torch_dtype(dtype), device=current_device())


def any_float(*numbers: Any) -> bool:
    """Whether one of the numbers is no whole number by its type."""
    return any(isinstance(number, float | np.floating) for number in numbers)


@operation
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers at equal distances from `start` to `stop`; with `retstep`, the distance too.

    >>> linspace(0.0, 1.0, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    start, stop = torch.broadcast_tensors(*pair(floating(start), floating(stop)))
    step = (stop - start) / builtins.max(num - 1 if endpoint else num, 1)
    places = torch.arange(num, dtype=start.dtype, device=start.device).reshape(num, *(1,) * start.dim())
    result = start + places * step
    if endpoint and num > 1:
        result[-1] = stop  # free of rounding
    result = tensor(result.movedim(0, axis), dtype)
    return (result, step) if retstep else result


@operation
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: float = 10, dtype: Any = None, axis: int = 0
) -> torch.Tensor:
    """`base` to the powers `linspace(start, stop, num)`."""
    return tensor(torch.pow(base, linspace(start, stop, num, endpoint, axis=axis)), dtype)


@operation
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> torch.Tensor:
    """`num` positive numbers from `start` to `stop`, each the same multiple of the one before."""
    logarithms = (torch.log(floating(limit)) for limit in (start, stop))
    return tensor(torch.exp(linspace(*logarithms, num, endpoint, axis=axis)), dtype)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> torch.Tensor:
    """Zeros (N, M) with ones on the `k`-th diagonal."""
    rows, columns = (torch.arange(size, device=current_device()) for size in (N, N if M is None else M))
    return (columns == rows.unsqueeze(1) + k).to(torch_dtype(dtype))


def identity(n: int, dtype: Any = None) -> torch.Tensor:
    """The identity matrix (n, n)."""
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> torch.Tensor:
    """Ones (N, M) on and below the `k`-th diagonal, zeros above."""
    rows, columns = (torch.arange(size, device=current_device()) for size in (N, N if M is None else M))
    return (columns <= rows.unsqueeze(1) + k).to(torch_dtype(dtype))


@operation
def meshgrid(*x: Any, indexing: str = "xy") -> list[torch.Tensor]:
    """Coordinate matrices from coordinate vectors, in NumPy's order ('xy') or matrix order ('ij')."""
    return list(torch.meshgrid(*(tensor(one) for one in x), indexing=indexing))


def _window(make: Any, size: int, **options: Any) -> torch.Tensor:
    return make(size, periodic=False, dtype=torch_dtype(None), device=current_device(), **options)


def bartlett(x: int) -> torch.Tensor:
    """The triangular window of `x` points."""
    return _window(torch.bartlett_window, int(x))


def blackman(x: int) -> torch.Tensor:
    """The Blackman window of `x` points."""
    return _window(torch.blackman_window, int(x))


def hamming(x: int) -> torch.Tensor:
    """The Hamming window of `x` points."""
    return _window(torch.hamming_window, int(x))


def hanning(x: int) -> torch.Tensor:
    """The Hann window of `x` points."""
    return _window(torch.hann_window, int(x))


def kaiser(x: int, beta: float) -> torch.Tensor:
    """The Kaiser window of `x` points."""
    return _window(torch.kaiser_window, int(x), beta=float(beta))
