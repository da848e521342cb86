"""Functions along axes in NumPy's names: sums, statistics, cumulated values, sorting and search."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch.ops.operation import floating, operation, pair, tensor

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "argsort", "average", "bincount", "corrcoef", "count_nonzero",
    "cumprod", "cumsum", "diff", "digitize", "histogram", "in_top_k", "isin", "logsumexp", "max", "mean", "median",
    "min", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "percentile", "prod", "ptp",
    "quantile", "searchsorted", "segment_max", "segment_min", "segment_prod", "segment_sum", "sort", "std", "sum",
    "top_k", "trapezoid", "var",
]  # fmt: skip

Axis = int | Sequence[int] | None


def _axes(x: torch.Tensor, axis: Axis) -> tuple[int, ...]:
    """The axes to reduce, each from -rank to rank - 1; all of them for None."""
    if axis is None:
        return tuple(range(x.dim()))
    axes = (axis,) if isinstance(axis, int) else tuple(int(one) for one in axis)
    for one in axes:
        if not -x.dim() <= one < x.dim():
            raise IndexError(f"axis {one} of a tensor with {x.dim()} axes.")
    return axes


def _merged(x: torch.Tensor, axis: Axis) -> torch.Tensor:
    """`x` with the reduced axes as one axis at the end, for functions that take one axis only."""
    if isinstance(axis, int):
        return x.movedim(axis, -1)
    axes = _axes(x, axis)
    if not axes:
        return x.unsqueeze(-1)
    return x.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes))


def _reduce_one(
    function: Callable[[torch.Tensor], torch.Tensor], x: torch.Tensor, axis: Axis, keepdims: bool
) -> torch.Tensor:
    """`function`, which takes the last axis away, over any axes."""
    result = function(_merged(x, axis))
    if keepdims:
        for one in sorted(one % x.dim() for one in _axes(x, axis)):
            result = result.unsqueeze(one)
    return result


@operation
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """The sum over `axis`, over all axes for None.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    tensor([4., 6.])
    """
    x = tensor(x)
    return torch.sum(x, _axes(x, axis), keepdims)


@operation
def prod(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> torch.Tensor:
    """The product over `axis`."""
    return _reduce_one(lambda merged: merged.prod(-1), tensor(x, dtype), axis, keepdims)


@operation
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """The mean over `axis`; of whole numbers and booleans as `floatx()`.

    >>> mean([[1, 2], [3, 4]], axis=1)
    tensor([1.5000, 3.5000])
    """
    x = floating(x)
    return torch.mean(x, _axes(x, axis), keepdims)


@operation
def var(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """The mean squared distance from the mean over `axis` (divided by the count, not by the count less 1).

    >>> var([1.0, 3.0])
    tensor(1.)
    """
    x = floating(x)
    return torch.var(x, _axes(x, axis), correction=0, keepdim=keepdims)


@operation
def std(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """The square root of `var` over `axis`.

    >>> std([1.0, 3.0])
    tensor(1.)
    """
    x = floating(x)
    return torch.std(x, _axes(x, axis), correction=0, keepdim=keepdims)


@operation
def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> torch.Tensor:
    """The largest element over `axis`, at least `initial`; equal ones share the gradient.

    >>> max([[1.0, 5.0], [3.0, 4.0]], axis=1)
    tensor([5., 4.])
    """
    x = tensor(x)
    result = torch.amax(x, _axes(x, axis), keepdims)
    return result if initial is None else torch.clamp(result, min=initial)


@operation
def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: float | None = None) -> torch.Tensor:
    """The smallest element over `axis`, at most `initial`; equal ones share the gradient."""
    x = tensor(x)
    result = torch.amin(x, _axes(x, axis), keepdims)
    return result if initial is None else torch.clamp(result, max=initial)


amax, amin = max, min


@operation
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """The largest less the smallest element over `axis`."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


@operation
def all(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """Whether all elements over `axis` are true."""
    return _reduce_one(lambda merged: merged.all(-1), tensor(x) != 0, axis, keepdims)


@operation
def any(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """Whether any element over `axis` is true."""
    return _reduce_one(lambda merged: merged.any(-1), tensor(x) != 0, axis, keepdims)


@operation
def count_nonzero(x: Any, axis: Axis = None) -> torch.Tensor:
    """The number of elements over `axis` that are not 0."""
    x = tensor(x)
    return (x != 0).sum(_axes(x, axis))


@operation
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> torch.Tensor:
    """The index (int64) of the largest element along `axis`, in the flattened tensor for None.

    >>> argmax([[1.0, 5.0], [3.0, 2.0]], axis=1)
    tensor([1, 0])
    """
    return _reduce_one(lambda merged: merged.argmax(-1), tensor(x), axis, keepdims)


@operation
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> torch.Tensor:
    """The index (int64) of the smallest element along `axis`, in the flattened tensor for None."""
    return _reduce_one(lambda merged: merged.argmin(-1), tensor(x), axis, keepdims)


@operation
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`log(sum(exp(x)))` over `axis`, without overflow."""
    x = floating(x)
    return torch.logsumexp(x, _axes(x, axis), keepdims)


@operation
def average(x: Any, axis: Axis = None, weights: Any = None) -> torch.Tensor:
    """The mean over `axis`, or the weighted mean `sum(x * weights) / sum(weights)`.

    `weights` has the shape of `x`, or is one weight for each place along a single `axis`.
    """
    x = floating(x)
    if weights is None:
        return mean(x, axis)
    weights = tensor(weights, x.dtype)
    if weights.dim() == 1 and isinstance(axis, int) and x.dim() > 1:
        weights = weights.reshape([-1 if one == axis % x.dim() else 1 for one in range(x.dim())])
    weights = weights.expand(x.shape)
    return sum(x * weights, axis) / sum(weights, axis)


@operation
def quantile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> torch.Tensor:
    """The value below which the share `q` of the elements over `axis` lies; several `q` give a first axis.

    `method` is 'linear', 'lower', 'higher', 'midpoint' or 'nearest'.
    """
    x = floating(x)
    q = tensor(q).to(x)
    several = q.dim() == 1
    result = torch.quantile(_merged(x, axis), q, -1, interpolation=method)
    if keepdims:
        for one in sorted(one % x.dim() for one in _axes(x, axis)):
            result = result.unsqueeze(one + several)
    return result


@operation
def percentile(x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> torch.Tensor:
    """`quantile` of `q` / 100."""
    return quantile(x, floating(q) / 100.0, axis, method, keepdims)


@operation
def median(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """The middle element over `axis`, the mean of the two middle ones for an even count."""
    return quantile(x, 0.5, axis, "linear", keepdims)


def _without_nan(x: Any, value: float) -> torch.Tensor:
    x = floating(x)
    return torch.where(torch.isnan(x), value, x)


@operation
def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`sum` of the elements that are not NaN."""
    return sum(_without_nan(x, 0.0), axis, keepdims)


@operation
def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`prod` of the elements that are not NaN."""
    return prod(_without_nan(x, 1.0), axis, keepdims)


@operation
def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`max` of the elements that are not NaN."""
    return max(_without_nan(x, float("-inf")), axis, keepdims)


@operation
def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`min` of the elements that are not NaN."""
    return min(_without_nan(x, float("inf")), axis, keepdims)


@operation
def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`mean` of the elements that are not NaN."""
    x = floating(x)
    return torch.nanmean(x, _axes(x, axis), keepdims)


@operation
def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`var` of the elements that are not NaN."""
    x = floating(x)
    return nanmean(torch.square(x - nanmean(x, axis, keepdims=True)), axis, keepdims)


@operation
def nanstd(x: Any, axis: Axis = None, keepdims: bool = False) -> torch.Tensor:
    """`std` of the elements that are not NaN."""
    return torch.sqrt(nanvar(x, axis, keepdims))


# --- along one axis, which stays


def _along(x: Any, axis: int | None) -> tuple[torch.Tensor, int]:
    x = tensor(x)
    return (x.flatten(), 0) if axis is None else (x, axis)


@operation
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> torch.Tensor:
    """The sums of the elements up to each place along `axis`, of the flattened tensor for None.

    >>> cumsum([1.0, 2.0, 3.0])
    tensor([1., 3., 6.])
    """
    return torch.cumsum(*_along(tensor(x, dtype), axis))


@operation
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> torch.Tensor:
    """The products of the elements up to each place along `axis`, of the flattened tensor for None."""
    return torch.cumprod(*_along(tensor(x, dtype), axis))


@operation
def diff(a: Any, n: int = 1, axis: int = -1) -> torch.Tensor:
    """The differences of neighbours along `axis`, `n` times."""
    return torch.diff(tensor(a), n, axis)


@operation
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> torch.Tensor:
    """The integral of `y` along `axis` by the trapezoid rule, at the places `x` or at distances `dx`."""
    if x is not None:
        return torch.trapezoid(tensor(y), tensor(x), dim=axis)
    return torch.trapezoid(tensor(y), dx=dx, dim=axis)


@operation
def sort(x: Any, axis: int | None = -1) -> torch.Tensor:
    """The elements in ascending order along `axis`, of the flattened tensor for None."""
    return torch.sort(*_along(x, axis)).values


@operation
def argsort(x: Any, axis: int | None = -1) -> torch.Tensor:
    """The indices (int64) that sort `x` along `axis`; equal elements keep their order."""
    x, axis = _along(x, axis)
    return torch.argsort(x, dim=axis, stable=True)


@operation
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """The `k` largest elements along the last axis, and their indices (int64)."""
    values, indices = torch.topk(tensor(x), k, -1, True, sorted)
    return values, indices


@operation
def in_top_k(targets: Any, predictions: Any, k: int) -> torch.Tensor:
    """Whether the class `targets` (batch,) is among the `k` largest `predictions` (batch, classes).

    Classes that tie with the k-th count as well; nothing is among predictions that are not all finite.

    >>> in_top_k([0, 1], [[0.1, 0.9], [0.2, 0.8]], k=1)
    tensor([False,  True])
    """
    targets, predictions = tensor(targets).long(), tensor(predictions)
    classes = predictions.shape[-1]
    known = (targets >= 0) & (targets < classes)
    chosen = predictions.gather(-1, targets.clamp(0, classes - 1).unsqueeze(-1))
    better = (predictions > chosen).sum(-1)
    return (better < k) & known & torch.isfinite(predictions).all(-1)


# --- counting and searching


@operation
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> torch.Tensor:
    """How often each of the numbers 0, 1, ... occurs in `x` (..., values), or the sum of their weights."""
    x = tensor(x)
    if x.dim() < 2:
        return torch.bincount(x, None if weights is None else tensor(weights), minlength)
    length = builtins.max(int(x.max()) + 1, minlength)
    ones = F.one_hot(x.long(), length)
    return ones.sum(-2) if weights is None else (ones * tensor(weights).unsqueeze(-1)).sum(-2)


@operation
def histogram(x: Any, bins: int = 10, range: tuple[float, float] | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """The counts of the elements in `bins` intervals of equal width, and the edges of the intervals."""
    x = floating(x).flatten()
    low, high = (x.min().item(), x.max().item()) if range is None else range
    return torch.histc(x, bins, low, high), torch.linspace(low, high, bins + 1, dtype=x.dtype, device=x.device)


@operation
def digitize(x: Any, bins: Any) -> torch.Tensor:
    """The number (int64) of the interval of ascending `bins` that each element falls into."""
    return torch.bucketize(tensor(x), tensor(bins), right=True)


@operation
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> torch.Tensor:
    """The places (int64) in `sorted_sequence` before which `values` would keep its order."""
    sorted_sequence, values = pair(sorted_sequence, values)
    return torch.searchsorted(sorted_sequence, values, side=side)


@operation
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> torch.Tensor:
    """Whether each element of `x1` is anywhere in `x2`."""
    return torch.isin(*pair(x1, x2), assume_unique=assume_unique, invert=invert)


@operation
def corrcoef(x: Any) -> torch.Tensor:
    """The correlations of the rows of `x` (variables, observations)."""
    return torch.corrcoef(floating(x))


def _segments(data: Any, segment_ids: Any, num_segments: int | None, reduction: str, empty: float) -> torch.Tensor:
    data, segment_ids = tensor(data), tensor(segment_ids).long()
    count = int(segment_ids.max()) + 1 if num_segments is None else num_segments
    if math.isinf(empty) and not data.is_floating_point():
        limits = torch.iinfo(data.dtype)
        empty = limits.min if empty < 0 else limits.max
    result = torch.full((count, *data.shape[1:]), empty, dtype=data.dtype, device=data.device)
    places = segment_ids.reshape(-1, *(1,) * (data.dim() - 1)).expand(data.shape)
    return result.scatter_reduce(0, places, data, reduction)


@operation
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> torch.Tensor:
    """The sums of the rows of `data` that have the same number in `segment_ids`.

    >>> segment_sum([1.0, 2.0, 3.0], [0, 0, 1])
    tensor([3., 3.])
    """
    return _segments(data, segment_ids, num_segments, "sum", 0.0)


@operation
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> torch.Tensor:
    """The largest of the rows of `data` that have the same number in `segment_ids`; -inf where there is none."""
    return _segments(data, segment_ids, num_segments, "amax", float("-inf"))


@operation
def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> torch.Tensor:
    """The smallest of the rows of `data` that have the same number in `segment_ids`; inf where there is none."""
    return _segments(data, segment_ids, num_segments, "amin", float("inf"))


@operation
def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> torch.Tensor:
    """The products of the rows of `data` that have the same number in `segment_ids`."""
    return _segments(data, segment_ids, num_segments, "prod", 1.0)
