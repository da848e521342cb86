"""The table of `ops`: each row is one call, made with our ops and with Keras 3's, and NumPy's value of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from support import integers, normal, uniform


class OpsCase(NamedTuple):
    """`call(ops, *inputs)` is `expected(*inputs)`; the first `symbolic` inputs may be symbolic tensors.

    `keras` says whether Keras 3 on TensorFlow gives the same: some functions fail there, and its sparsemax is another.
    """

    id: str
    call: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    expected: Callable[..., Any]
    symbolic: int = 99
    tolerance: float = 1e-5
    keras: bool = True


OPS: list[OpsCase] = []


def row(name: str, call: Callable[..., Any], expected: Callable[..., Any], *inputs: np.ndarray, **options: Any) -> None:
    OPS.append(OpsCase(name, call, inputs, expected, **options))


X, Y = normal("ops/x", (2, 3, 4)), normal("ops/y", (2, 3, 4))
POSITIVE = uniform("ops/positive", (2, 3, 4), 0.1, 3.0)
SHARES = uniform("ops/shares", (2, 3, 4), -0.95, 0.95)
WHOLE, WHOLE2 = integers("ops/whole", (2, 3, 4), 9, "int64"), integers("ops/whole2", (2, 3, 4), 9, "int64")
SQUARE = normal("ops/square", (2, 4, 4))
DEFINITE = (SQUARE @ SQUARE.transpose(0, 2, 1) + np.eye(4)).astype("float32")
VECTOR = normal("ops/vector", (5,))
HOLES = np.where(X > 1, np.nan, X)
ODD = np.float32([[0.5, np.nan, np.inf, -np.inf, 1.5], [2.5, -0.5, 0.0, -1.5, 3.0]])

# --- element by element

for _name in (
    "abs absolute fabs negative sign signbit square exp exp2 expm1 sin cos tan sinh cosh tanh arctan arcsinh sinc i0 "
    "deg2rad rad2deg floor ceil trunc round cbrt reciprocal real imag conj conjugate angle isreal"
).split():
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), X)
for _name in ("sqrt", "log", "log2", "log10", "log1p"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), POSITIVE)
for _name in ("arcsin", "arccos", "arctanh"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), SHARES)
row("arccosh", lambda ops, x: ops.arccosh(x), lambda x: np.arccosh(x), POSITIVE + 1)
for _name in ("exp", "sqrt", "log1p", "sin", "floor"):
    row(f"{_name}-whole", lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), WHOLE)
for _name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "logical_not"):
    row(f"{_name}-odd", lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), ODD)
_VECTORIZED = {"erf": np.vectorize(math.erf), "erfc": np.vectorize(math.erfc)}
for _name in ("erf", "erfc"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), _VECTORIZED[_name], X)
row("erfinv", lambda ops, x: ops.erf(ops.erfinv(x)), lambda x: x, SHARES)
row("rsqrt", lambda ops, x: ops.rsqrt(x), lambda x: 1 / np.sqrt(x), POSITIVE)
row("bitwise_not", lambda ops, x: ops.bitwise_not(x), lambda x: ~x, WHOLE)
row("bitwise_invert", lambda ops, x: ops.bitwise_invert(x), lambda x: ~x, WHOLE)
row("round-decimals", lambda ops, x: ops.round(x, decimals=2), lambda x: np.round(x, 2), X)
row("clip", lambda ops, x: ops.clip(x, -0.5, 0.5), lambda x: np.clip(x, -0.5, 0.5), X)
row("clip-tensors", lambda ops, x, y: ops.clip(x, y, y + 1), lambda x, y: np.clip(x, y, y + 1), X, Y)
row(
    "nan_to_num",
    lambda ops, x: ops.nan_to_num(x, posinf=9.0, neginf=-9.0),
    lambda x: np.nan_to_num(x, posinf=9, neginf=-9),
    ODD,
)
for _name in (
    "add subtract multiply divide true_divide maximum minimum fmax fmin hypot arctan2 logaddexp logaddexp2 "
    "floor_divide mod fmod equal not_equal greater greater_equal less less_equal heaviside nextafter"
).split():
    row(_name, lambda ops, x, y, f=_name: getattr(ops, f)(x, y), lambda x, y, f=_name: getattr(np, f)(x, y), X, Y)
for _name in "add subtract multiply divide maximum greater mod".split():
    row(
        f"{_name}-number",
        lambda ops, x, f=_name: getattr(ops, f)(x, 0.3),
        lambda x, f=_name: getattr(np, f)(x, np.float32(0.3)),
        X,
    )
    row(
        f"number-{_name}",
        lambda ops, x, f=_name: getattr(ops, f)(0.3, x),
        lambda x, f=_name: getattr(np, f)(np.float32(0.3), x),
        X,
    )
    row(
        f"{_name}-broadcast",
        lambda ops, x, y, f=_name: getattr(ops, f)(x, y),
        lambda x, y, f=_name: getattr(np, f)(x, y),
        X,
        Y[:1, :, :1],
        symbolic=1,
    )
for _name in "add multiply divide floor_divide mod equal gcd lcm bitwise_and bitwise_or bitwise_xor".split():
    row(
        f"{_name}-whole",
        lambda ops, x, y, f=_name: getattr(ops, f)(x, y),
        lambda x, y, f=_name: getattr(np, f)(x, y),
        WHOLE,
        WHOLE2 + 1,
    )
for _name in ("logical_and", "logical_or", "logical_xor"):
    row(
        _name,
        lambda ops, x, y, f=_name: getattr(ops, f)(x, y),
        lambda x, y, f=_name: getattr(np, f)(x, y),
        X > 0,
        Y > 0,
    )
for _name in ("left_shift", "right_shift"):
    row(
        _name,
        lambda ops, x, y, f=_name: getattr(ops, f)(x, y),
        lambda x, y, f=_name: getattr(np, f)(x, y),
        WHOLE,
        WHOLE2 % 3,
    )
    row(
        f"bitwise_{_name}",
        lambda ops, x, f=_name: getattr(ops, f"bitwise_{f}")(x, 1),
        lambda x, f=_name: getattr(np, f)(x, 1),
        WHOLE,
    )
row("power", lambda ops, x, y: ops.power(x, y), lambda x, y: np.power(x, y), POSITIVE, Y)
row("power-number", lambda ops, x: ops.power(2.0, x), lambda x: np.power(np.float32(2), x), X)
row("ldexp", lambda ops, x, y: ops.ldexp(x, y), lambda x, y: np.ldexp(x, y), X, WHOLE)
row(
    "divide_no_nan",
    lambda ops, x, y: ops.divide_no_nan(x, y),
    lambda x, y: np.where(y == 0, 0, x / np.where(y == 0, 1, y)),
    X,
    WHOLE.astype("float32") % 3,
)
row("where", lambda ops, c, x, y: ops.where(c, x, y), lambda c, x, y: np.where(c, x, y), X > 0, X, Y)
row("where-numbers", lambda ops, c: ops.where(c, 1.0, 0.0), lambda c: np.where(c, 1.0, 0.0), X > 0)
row("where-indices", lambda ops, c: ops.where(c), lambda c: np.where(c), X > 0, symbolic=0)
row(
    "isclose",
    lambda ops, x, y: ops.isclose(x, y, rtol=1e-3),
    lambda x, y: np.isclose(x, y, rtol=1e-3),
    X,
    X + np.float32(1e-3) * (Y > 0),
)
row("allclose", lambda ops, x: ops.allclose(x, x), lambda x: np.allclose(x, x), X)

# --- reductions

for _name in "sum prod mean var std max min amax amin ptp".split():
    for _axis in (None, 1, (0, 2)):
        row(
            f"{_name}-{_axis}",
            lambda ops, x, f=_name, a=_axis: getattr(ops, f)(x, axis=a),
            lambda x, f=_name, a=_axis: getattr(np, f)(x, axis=a),
            X,
        )
    row(
        f"{_name}-keepdims",
        lambda ops, x, f=_name: getattr(ops, f)(x, axis=-1, keepdims=True),
        lambda x, f=_name: getattr(np, f)(x, axis=-1, keepdims=True),
        X,
    )
for _name in "nansum nanmean nanmax nanmin nanprod nanstd nanvar".split():
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x, axis=1), lambda x, f=_name: getattr(np, f)(x, axis=1), HOLES)
row("mean-whole", lambda ops, x: ops.mean(x, axis=0), lambda x: x.mean(0), WHOLE)
row("sum-whole", lambda ops, x: ops.sum(x, axis=0), lambda x: x.sum(0), WHOLE)
row("max-initial", lambda ops, x: ops.max(x, axis=0, initial=0.5), lambda x: x.max(0, initial=0.5), X)
row("min-initial", lambda ops, x: ops.min(x, axis=0, initial=-0.5), lambda x: x.min(0, initial=-0.5), X)
for _name in ("any", "all"):
    row(
        _name,
        lambda ops, x, f=_name: getattr(ops, f)(x, axis=(0, 2)),
        lambda x, f=_name: getattr(np, f)(x, axis=(0, 2)),
        X > 0,
    )
    row(
        f"{_name}-keepdims",
        lambda ops, x, f=_name: getattr(ops, f)(x, axis=1, keepdims=True),
        lambda x, f=_name: getattr(np, f)(x, axis=1, keepdims=True),
        X > 0,
    )
for _name in ("argmax", "argmin"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), X)
    row(
        f"{_name}-axis",
        lambda ops, x, f=_name: getattr(ops, f)(x, axis=1, keepdims=True),
        lambda x, f=_name: getattr(np, f)(x, axis=1, keepdims=True),
        X,
    )
row("logsumexp", lambda ops, x: ops.logsumexp(x, axis=(1, 2)), lambda x: np.log(np.exp(x).sum((1, 2))), X)
row("count_nonzero", lambda ops, x: ops.count_nonzero(x, axis=1), lambda x: np.count_nonzero(x, axis=1), WHOLE)
row("average", lambda ops, x: ops.average(x, axis=1), lambda x: np.average(x, axis=1), X)
row(
    "average-weights",
    lambda ops, x, w: ops.average(x, axis=1, weights=w),
    lambda x, w: np.average(x, axis=1, weights=w),
    X,
    POSITIVE,
)
row(
    "average-vector",
    lambda ops, x, w: ops.average(x, axis=-1, weights=w),
    lambda x, w: np.average(x, axis=-1, weights=w),
    X,
    np.float32([1, 2, 3, 4]),
    symbolic=1,
)
for _method in ("linear", "lower", "higher", "midpoint", "nearest"):
    row(
        f"quantile-{_method}",
        lambda ops, x, m=_method: ops.quantile(x, 0.3, axis=1, method=m),
        lambda x, m=_method: np.quantile(x, 0.3, axis=1, method=m),
        normal("ops/quantile", (3, 8)),
    )
row(
    "quantile-several",
    lambda ops, x: ops.quantile(x, [0.1, 0.8], axis=(0, 2), keepdims=True),
    lambda x: np.quantile(x, [0.1, 0.8], axis=(0, 2), keepdims=True),
    X,
)
row("percentile", lambda ops, x: ops.percentile(x, 30, axis=1), lambda x: np.percentile(x, 30, axis=1), X)
row("median", lambda ops, x: ops.median(x, axis=-1), lambda x: np.median(x, axis=-1), X)
for _name in ("cumsum", "cumprod"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), X)
    row(
        f"{_name}-axis",
        lambda ops, x, f=_name: getattr(ops, f)(x, axis=1),
        lambda x, f=_name: getattr(np, f)(x, axis=1),
        X,
    )
row("diff", lambda ops, x: ops.diff(x, n=2, axis=1), lambda x: np.diff(x, 2, axis=1), X)
row("trapezoid", lambda ops, x: ops.trapezoid(x, dx=0.5, axis=1), lambda x: np.trapezoid(x, dx=0.5, axis=1), X)
row("trapezoid-places", lambda ops, y, x: ops.trapezoid(y, x), lambda y, x: np.trapezoid(y, x), X, np.sort(Y))
row("sort", lambda ops, x: ops.sort(x, axis=1), lambda x: np.sort(x, axis=1), X)
row("argsort", lambda ops, x: ops.argsort(x), lambda x: np.argsort(x, kind="stable"), X)
row("top_k", lambda ops, x: ops.top_k(x, 2), lambda x: (-np.sort(-x)[..., :2], np.argsort(-x)[..., :2]), X)
row(
    "in_top_k",
    lambda ops, t, p: ops.in_top_k(t, p, 2),
    lambda t, p: (p > np.take_along_axis(p, t[:, None], 1)).sum(1) < 2,
    integers("ops/top", (6,), 4),
    normal("ops/top_k", (6, 4)),
)
row(
    "bincount",
    lambda ops, x: ops.bincount(x, minlength=11),
    lambda x: np.bincount(x, minlength=11),
    WHOLE.ravel(),
    symbolic=0,
)
row(
    "bincount-weights",
    lambda ops, x, w: ops.bincount(x, weights=w),
    lambda x, w: np.bincount(x, weights=w),
    WHOLE.ravel(),
    POSITIVE.ravel(),
    symbolic=0,
)
row(
    "bincount-rows",
    lambda ops, x: ops.bincount(x, minlength=9),
    lambda x: np.stack([np.bincount(r, minlength=9) for r in x]),
    WHOLE[:, 0],
    symbolic=0,
)
row(
    "histogram",
    lambda ops, x: ops.histogram(x, bins=5, range=(-2.0, 2.0)),
    lambda x: np.histogram(x, bins=5, range=(-2, 2)),
    X,
    symbolic=0,
    keras=False,
)
row("digitize", lambda ops, x: ops.digitize(x, np.float32([-1, 0, 1])), lambda x: np.digitize(x, [-1, 0, 1]), X)
row(
    "searchsorted",
    lambda ops, s, v: ops.searchsorted(s, v, side="right"),
    lambda s, v: np.searchsorted(s, v, side="right"),
    np.sort(VECTOR),
    np.float32([-0.5, 0.3]),
    symbolic=0,
)
row("isin", lambda ops, x: ops.isin(x, np.array([2, 3])), lambda x: np.isin(x, [2, 3]), WHOLE)
row("corrcoef", lambda ops, x: ops.corrcoef(x), lambda x: np.corrcoef(x), X[0], symbolic=0)
IDS = np.array([0, 2, 0, 1, 2])
row(
    "segment_sum",
    lambda ops, x, i: ops.segment_sum(x, i, 3),
    lambda x, i: np.stack([x[i == n].sum(0) for n in range(3)]),
    normal("ops/segments", (5, 2)),
    IDS,
    symbolic=0,
)
for _name in ("max", "min", "prod"):
    row(
        f"segment_{_name}",
        lambda ops, x, i, f=_name: getattr(ops, f"segment_{f}")(x, i, 3),
        lambda x, i, f=_name: np.stack([getattr(x[i == n], f)(0) for n in range(3)]),
        normal("ops/segments", (5, 2)),
        IDS,
        symbolic=0,
    )

# --- new tensors

row("arange", lambda ops: ops.arange(2, 9, 3), lambda: np.arange(2, 9, 3))
row("arange-floats", lambda ops: ops.arange(0.0, 1.0, 0.25), lambda: np.arange(0, 1, 0.25))
row("linspace", lambda ops: ops.linspace(0.0, 1.0, 7), lambda: np.linspace(0, 1, 7))
row(
    "linspace-open",
    lambda ops: ops.linspace(0.0, 1.0, 4, endpoint=False, retstep=True),
    lambda: np.linspace(0, 1, 4, endpoint=False, retstep=True),
)
row("linspace-tensors", lambda ops, x: ops.linspace(x, x + 2, 3, axis=1), lambda x: np.linspace(x, x + 2, 3, axis=1), X)
row("logspace", lambda ops: ops.logspace(0, 2, 5), lambda: np.logspace(0, 2, 5))
row("geomspace", lambda ops: ops.geomspace(1.0, 8.0, 4), lambda: np.geomspace(1, 8, 4))
row("zeros", lambda ops: ops.zeros((2, 3)), lambda: np.zeros((2, 3)))
row("ones", lambda ops: ops.ones((2,), dtype="int32"), lambda: np.ones(2))
row("full", lambda ops: ops.full((2, 2), 3.5), lambda: np.full((2, 2), 3.5))
row("eye", lambda ops: ops.eye(3, 4, k=1), lambda: np.eye(3, 4, 1))
row("identity", lambda ops: ops.identity(3), lambda: np.identity(3))
row("tri", lambda ops: ops.tri(3, 4, k=-1), lambda: np.tri(3, 4, -1))
for _name in ("zeros_like", "ones_like"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), X)
row("full_like", lambda ops, x: ops.full_like(x, 2.5), lambda x: np.full_like(x, 2.5), X)
row("meshgrid", lambda ops, x: ops.meshgrid(x, x[:3]), lambda x: np.meshgrid(x, x[:3]), VECTOR, symbolic=0)
row(
    "meshgrid-ij",
    lambda ops, x: ops.meshgrid(x, x[:3], indexing="ij"),
    lambda x: np.meshgrid(x, x[:3], indexing="ij"),
    VECTOR,
    symbolic=0,
)
for _name in ("bartlett", "blackman", "hamming", "hanning"):
    row(_name, lambda ops, f=_name: getattr(ops, f)(7), lambda f=_name: getattr(np, f)(7))
row("kaiser", lambda ops: ops.kaiser(7, 3.0), lambda: np.kaiser(7, 3.0))

# --- shapes, joining, indexing

row("reshape", lambda ops, x: ops.reshape(x, (-1, 6)), lambda x: x.reshape(-1, 6), X)
row("ravel", lambda ops, x: ops.ravel(x), lambda x: x.ravel(), X)
row("transpose", lambda ops, x: ops.transpose(x), lambda x: x.T, X)
row("transpose-axes", lambda ops, x: ops.transpose(x, (0, 2, 1)), lambda x: x.transpose(0, 2, 1), X)
row("swapaxes", lambda ops, x: ops.swapaxes(x, 1, -1), lambda x: x.swapaxes(1, -1), X)
row("moveaxis", lambda ops, x: ops.moveaxis(x, -1, 1), lambda x: np.moveaxis(x, -1, 1), X)
row("moveaxis-several", lambda ops, x: ops.moveaxis(x, (0, 1), (2, 0)), lambda x: np.moveaxis(x, (0, 1), (2, 0)), X)
row("expand_dims", lambda ops, x: ops.expand_dims(x, 1), lambda x: np.expand_dims(x, 1), X)
row("expand_dims-several", lambda ops, x: ops.expand_dims(x, (-1, 1)), lambda x: np.expand_dims(x, (-1, 1)), X)
row("squeeze", lambda ops, x: ops.squeeze(x, 1), lambda x: x.squeeze(1), X[:, :1])
row("squeeze-several", lambda ops, x: ops.squeeze(x, (1, -1)), lambda x: x.squeeze((1, -1)), X[:, :1, :, None])
row("squeeze-all", lambda ops, x: ops.squeeze(x), lambda x: x.squeeze(), X[:, :1])
row(
    "broadcast_to",
    lambda ops, x: ops.broadcast_to(x, (3, 2, 3, 4)),
    lambda x: np.broadcast_to(x, (3, 2, 3, 4)),
    X,
    symbolic=0,
)
row("tile", lambda ops, x: ops.tile(x, (1, 2, 3)), lambda x: np.tile(x, (1, 2, 3)), X)
row("repeat", lambda ops, x: ops.repeat(x, 2, axis=1), lambda x: np.repeat(x, 2, axis=1), X)
row("repeat-flat", lambda ops, x: ops.repeat(x, 2), lambda x: np.repeat(x, 2), X)
row("repeat-counts", lambda ops, x: ops.repeat(x, [1, 0, 2], axis=1), lambda x: np.repeat(x, [1, 0, 2], axis=1), X)
row("roll", lambda ops, x: ops.roll(x, 2, axis=1), lambda x: np.roll(x, 2, axis=1), X)
row("roll-flat", lambda ops, x: ops.roll(x, 5), lambda x: np.roll(x, 5), X)
row("flip", lambda ops, x: ops.flip(x, axis=(1, 2)), lambda x: np.flip(x, (1, 2)), X)
row("flip-all", lambda ops, x: ops.flip(x), lambda x: np.flip(x), X)
for _name in ("fliplr", "flipud"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), lambda x, f=_name: getattr(np, f)(x), X)
row("rot90", lambda ops, x: ops.rot90(x, k=3, axes=(1, 2)), lambda x: np.rot90(x, 3, (1, 2)), X)
row(
    "pad",
    lambda ops, x: ops.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=7),
    lambda x: np.pad(x, ((0, 0), (1, 2), (0, 1)), constant_values=7),
    X,
)
row("pad-number", lambda ops, x: ops.pad(x, 1), lambda x: np.pad(x, 1), X, keras=False)
for _mode in ("reflect", "symmetric"):
    row(
        f"pad-{_mode}",
        lambda ops, x, m=_mode: ops.pad(x, ((0, 0), (2, 1), (0, 3)), mode=m),
        lambda x, m=_mode: np.pad(x, ((0, 0), (2, 1), (0, 3)), mode=m),
        X,
    )
row("concatenate", lambda ops, x, y: ops.concatenate([x, y], axis=-1), lambda x, y: np.concatenate([x, y], -1), X, Y)
row("concatenate-first", lambda ops, x, y: ops.concatenate((x, y)), lambda x, y: np.concatenate([x, y]), X, Y)
row("append", lambda ops, x, y: ops.append(x, y, axis=1), lambda x, y: np.append(x, y, 1), X, Y)
row("append-flat", lambda ops, x, y: ops.append(x, y), lambda x, y: np.append(x, y), X, Y)
row("stack", lambda ops, x, y: ops.stack([x, y], axis=1), lambda x, y: np.stack([x, y], 1), X, Y)
for _name in ("hstack", "vstack", "dstack"):
    row(_name, lambda ops, x, y, f=_name: getattr(ops, f)([x, y]), lambda x, y, f=_name: getattr(np, f)([x, y]), X, Y)
row("split", lambda ops, x: ops.split(x, 2, axis=-1), lambda x: np.split(x, 2, -1), X)
row("split-indices", lambda ops, x: ops.split(x, (1, 3), axis=-1), lambda x: np.split(x, (1, 3), -1), X)
row("array_split", lambda ops, x: ops.array_split(x, 2, axis=1), lambda x: np.array_split(x, 2, 1), X)
for _name, _parts in (("hsplit", 3), ("vsplit", 2), ("dsplit", 2)):
    row(
        _name,
        lambda ops, x, f=_name, p=_parts: getattr(ops, f)(x, p),
        lambda x, f=_name, p=_parts: getattr(np, f)(x, p),
        X,
        symbolic=0 if _name == "vsplit" else 1,
    )
row("unstack", lambda ops, x: ops.unstack(x, axis=1), lambda x: list(np.moveaxis(x, 1, 0)), X)
row("get_item", lambda ops, x: ops.get_item(x, (slice(None), 1)), lambda x: x[:, 1], X)
row("take", lambda ops, x: ops.take(x, [[0, -1], [2, 1]], axis=1), lambda x: np.take(x, [[0, -1], [2, 1]], axis=1), X)
row("take-flat", lambda ops, x: ops.take(x, 5), lambda x: np.take(x, 5), X)
row(
    "take_along_axis",
    lambda ops, x, i: ops.take_along_axis(x, i, axis=1),
    lambda x, i: np.take_along_axis(x, i, 1),
    X,
    WHOLE % 3,
)
row("nonzero", lambda ops, x: ops.nonzero(x), lambda x: np.nonzero(x), WHOLE, symbolic=0)
row(
    "select",
    lambda ops, x: ops.select([x > 1, x > 0], [x * 2, x], -1.0),
    lambda x: np.select([x > 1, x > 0], [x * 2, x], -1.0),
    X,
    symbolic=0,
)
row("diag", lambda ops, x: ops.diag(x, k=1), lambda x: np.diag(x, 1), VECTOR, symbolic=0)
row("diag-of", lambda ops, x: ops.diag(x), lambda x: np.diag(x), X[0], symbolic=0)
row("diagflat", lambda ops, x: ops.diagflat(x), lambda x: np.diagflat(x), X[0], symbolic=0)
row("diagonal", lambda ops, x: ops.diagonal(x, 1, 1, 2), lambda x: np.diagonal(x, 1, 1, 2), X)
row("trace", lambda ops, x: ops.trace(x, axis1=1, axis2=2), lambda x: np.trace(x, axis1=1, axis2=2), X)
for _name in ("tril", "triu"):
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x, k=1), lambda x, f=_name: getattr(np, f)(x, 1), X)
row("vander", lambda ops, x: ops.vander(x, 3), lambda x: np.vander(x, 3), VECTOR, symbolic=0)
row(
    "unravel_index",
    lambda ops, i: ops.unravel_index(i, (3, 4)),
    lambda i: np.unravel_index(i, (3, 4)),
    np.array([0, 5, 11]),
    symbolic=0,
)
row(
    "depth_to_space",
    lambda ops, x: ops.depth_to_space(x, 2),
    lambda x: _depth_to_space(x),
    normal("ops/depth", (2, 3, 2, 8)),
)
row(
    "space_to_depth",
    lambda ops, x: ops.space_to_depth(ops.depth_to_space(x, 2), 2),
    lambda x: x,
    normal("ops/depth", (2, 3, 2, 8)),
)
row("copy", lambda ops, x: ops.copy(x), lambda x: x, X)
row("array", lambda ops: ops.array([[1, 2], [3, 4]], dtype="float32"), lambda: np.array([[1, 2], [3, 4]]))


def _depth_to_space(x: np.ndarray) -> np.ndarray:
    result = np.zeros((x.shape[0], x.shape[1] * 2, x.shape[2] * 2, x.shape[3] // 4), x.dtype)
    for i in range(2):
        for j in range(2):
            part = 2 * i + j
            result[:, i::2, j::2] = x[..., part * result.shape[-1] : (part + 1) * result.shape[-1]]
    return result


# --- products and decompositions

row("matmul", lambda ops, x, y: ops.matmul(x, y), lambda x, y: x @ y, X, normal("ops/right", (2, 4, 5)))
row("matmul-vector", lambda ops, x, y: ops.matmul(x, y), lambda x, y: x @ y, X, np.float32([1, 2, 3, 4]), symbolic=1)
row(
    "matmul-mixed",
    lambda ops, x, y: ops.matmul(x, y),
    lambda x, y: x @ y.astype("float32"),
    X,
    WHOLE.transpose(0, 2, 1),
)
row("dot", lambda ops, x, y: ops.dot(x, y), lambda x, y: np.dot(x, y), X, normal("ops/dot", (5, 4, 2)), symbolic=1)
row(
    "dot-matrix",
    lambda ops, x, y: ops.dot(x, y),
    lambda x, y: np.dot(x, y),
    X,
    normal("ops/matrix", (4, 2)),
    symbolic=1,
)
row("dot-vectors", lambda ops, x: ops.dot(x, x), lambda x: np.dot(x, x), VECTOR, symbolic=0)
row("dot-number", lambda ops, x: ops.dot(x, 2.0), lambda x: x * 2, X)
row(
    "tensordot",
    lambda ops, x, y: ops.tensordot(x, y, axes=[[1, 2], [1, 2]]),
    lambda x, y: np.tensordot(x, y, [[1, 2], [1, 2]]),
    X,
    Y,
)
row(
    "tensordot-number",
    lambda ops, x, y: ops.tensordot(x, y, axes=1),
    lambda x, y: np.tensordot(x, y, 1),
    X,
    normal("ops/dot4", (4, 3)),
    symbolic=1,
)
row("einsum", lambda ops, x, y: ops.einsum("bij,bkj->bik", x, y), lambda x, y: np.einsum("bij,bkj->bik", x, y), X, Y)
row("inner", lambda ops, x, y: ops.inner(x, y), lambda x, y: np.inner(x, y), X, Y)
row("outer", lambda ops, x, y: ops.outer(x, y), lambda x, y: np.outer(x, y), X[0], Y[0], symbolic=0)
row("vdot", lambda ops, x, y: ops.vdot(x, y), lambda x, y: np.vdot(x, y), X, Y)
row("cross", lambda ops, x, y: ops.cross(x, y, axis=1), lambda x, y: np.cross(x, y, axis=1), X, Y)
row("kron", lambda ops, x, y: ops.kron(x, y), lambda x, y: np.kron(x, y), X[0], Y[0], symbolic=0)
row("cdist", lambda ops, x, y: ops.cdist(x, y), lambda x, y: np.sqrt(((x[:, :, None] - y[:, None]) ** 2).sum(-1)), X, Y)
row("norm", lambda ops, x: ops.norm(x), lambda x: np.sqrt((x * x).sum()), X, keras=False)
row(
    "norm-keepdims",
    lambda ops, x: ops.norm(x, keepdims=True),
    lambda x: np.sqrt((x * x).sum(keepdims=True)),
    X,
    keras=False,
)
row(
    "norm-axis",
    lambda ops, x: ops.norm(x, axis=1, keepdims=True),
    lambda x: np.linalg.norm(x, axis=1, keepdims=True),
    X,
)
row("norm-ord", lambda ops, x: ops.norm(x, ord=1, axis=-1), lambda x: np.linalg.norm(x, 1, axis=-1), X)
row(
    "norm-matrix",
    lambda ops, x: ops.norm(x, ord="fro", axis=(1, 2)),
    lambda x: np.linalg.norm(x, "fro", axis=(1, 2)),
    X,
)
row("det", lambda ops, x: ops.det(x), lambda x: np.linalg.det(x), SQUARE)
row("slogdet", lambda ops, x: ops.slogdet(x), lambda x: tuple(np.linalg.slogdet(x)), SQUARE)
row("logdet", lambda ops, x: ops.logdet(x), lambda x: np.linalg.slogdet(x)[1], DEFINITE)
row("inv", lambda ops, x: ops.inv(x), lambda x: np.linalg.inv(x), DEFINITE, tolerance=1e-4)
row("pinv", lambda ops, x: ops.pinv(x), lambda x: np.linalg.pinv(x), X, tolerance=1e-4)
row("matrix_rank", lambda ops, x: ops.matrix_rank(x), lambda x: np.linalg.matrix_rank(x), X)
row("cholesky", lambda ops, x: ops.cholesky(x), lambda x: np.linalg.cholesky(x), DEFINITE)
row(
    "cholesky_inverse",
    lambda ops, x: ops.cholesky_inverse(ops.cholesky(x)),
    lambda x: np.linalg.inv(x),
    DEFINITE,
    tolerance=1e-4,
)
row("eigh", lambda ops, x: ops.eigh(x)[0], lambda x: np.linalg.eigh(x)[0], DEFINITE)
row("eig", lambda ops, x: ops.sort(ops.real(ops.eig(x)[0])), lambda x: np.linalg.eigh(x)[0], DEFINITE)
row("qr", lambda ops, x: ops.matmul(*ops.qr(x)), lambda x: x, SQUARE)
row("svd", lambda ops, x: ops.svd(x)[1], lambda x: np.linalg.svd(x)[1], X)
row("svd-values", lambda ops, x: ops.svd(x, compute_uv=False), lambda x: np.linalg.svd(x, compute_uv=False), X)
row(
    "solve",
    lambda ops, a, b: ops.solve(a, b),
    lambda a, b: np.linalg.solve(a, b),
    DEFINITE,
    X.transpose(0, 2, 1),
    tolerance=1e-4,
)
row(
    "solve_triangular",
    lambda ops, a, b: ops.solve_triangular(ops.cholesky(a), b, lower=True),
    lambda a, b: np.linalg.solve(np.linalg.cholesky(a), b),
    DEFINITE,
    X.transpose(0, 2, 1),
    tolerance=1e-4,
)
row(
    "lstsq",
    lambda ops, a, b: ops.lstsq(a, b),
    lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0],
    normal("ops/tall", (6, 3)),
    normal("ops/right_side", (6,)),
    symbolic=0,
    tolerance=1e-4,
)
row(
    "lu_factor",
    lambda ops, x: ops.abs(ops.prod(ops.diagonal(ops.lu_factor(x)[0], 0, 1, 2), axis=1)),
    lambda x: np.abs(np.linalg.det(x)),
    SQUARE,
    tolerance=1e-4,
    keras=False,
)

# --- neural networks


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _softmax(x: np.ndarray, axis: Any = -1) -> np.ndarray:
    return np.exp(x) / np.exp(x).sum(axis, keepdims=True)


_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda x: np.log(_sigmoid(x)),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "silu": lambda x: x * _sigmoid(x),
    "swish": lambda x: x * _sigmoid(x),
    "hard_silu": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hard_swish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "celu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "gelu": lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    "glu": lambda x: x[..., :2] * _sigmoid(x[..., 2:]),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "squareplus": lambda x: (x + np.sqrt(x * x + 4)) / 2,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "softmax": _softmax,
    "log_softmax": lambda x: np.log(_softmax(x)),
}
for _name, _function in _ACTIVATIONS.items():
    row(_name, lambda ops, x, f=_name: getattr(ops, f)(x), _function, X * 3)
row(
    "gelu-exact",
    lambda ops, x: ops.gelu(x, approximate=False),
    lambda x: x * (1 + _VECTORIZED["erf"](x / np.sqrt(2))) / 2,
    X,
)
row("threshold", lambda ops, x: ops.threshold(x, 0.3, -1.0), lambda x: np.where(x > 0.3, x, -1), X)
row("softmax-axis", lambda ops, x: ops.softmax(x, axis=1), lambda x: _softmax(x, 1), X)
row("softmax-axes", lambda ops, x: ops.softmax(x, axis=(1, 2)), lambda x: _softmax(x, (1, 2)), X)
row("softmax-all", lambda ops, x: ops.softmax(x, axis=None), lambda x: _softmax(x, None), X)
row("sparsemax", lambda ops, x: ops.sparsemax(x), lambda x: _sparsemax(x), X, keras=False)
row("one_hot", lambda ops, i: ops.one_hot(i, 5), lambda i: (i[..., None] == np.arange(5)) * 1.0, WHOLE - 1)
row(
    "one_hot-axis",
    lambda ops, i: ops.one_hot(i, 5, axis=1, dtype="int32"),
    lambda i: np.moveaxis((i[..., None] == np.arange(5)) * 1, -1, 1),
    WHOLE % 5,
)
row(
    "multi_hot",
    lambda ops, i: ops.multi_hot(i, 5),
    lambda i: (i[..., None] == np.arange(5)).any(1) * 1.0,
    WHOLE[:, 0] % 5,
)
row("moments", lambda ops, x: ops.moments(x, axes=[0, 1]), lambda x: (x.mean((0, 1)), x.var((0, 1))), X)
row("normalize", lambda ops, x: ops.normalize(x, axis=1), lambda x: x / np.linalg.norm(x, axis=1, keepdims=True), X)
row(
    "normalize-order",
    lambda ops, x: ops.normalize(x, order=3),
    lambda x: x / (np.abs(x) ** 3).sum(-1, keepdims=True) ** (1 / 3),
    X,
)
row(
    "batch_normalization",
    lambda ops, x, m, v: ops.batch_normalization(x, m, v, axis=1, offset=m, scale=v),
    lambda x, m, v: (x - m[:, None]) / np.sqrt(v[:, None] + 1e-3) * v[:, None] + m[:, None],
    X,
    np.float32([1, 2, 3]),
    np.float32([1, 0.5, 2]),
    symbolic=1,
)
row(
    "layer_normalization",
    lambda ops, x, g: ops.layer_normalization(x, g, g, axis=-1, epsilon=1e-3),
    lambda x, g: (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * g + g,
    X,
    np.float32([1, 2, 3, 4]),
    symbolic=1,
)
row(
    "layer_normalization-axes",
    lambda ops, x: ops.layer_normalization(x, axis=[1, 2], epsilon=1e-3),
    lambda x: (x - x.mean((1, 2), keepdims=True)) / np.sqrt(x.var((1, 2), keepdims=True) + 1e-3),
    X,
)
row(
    "rms_normalization",
    lambda ops, x, g: ops.rms_normalization(x, g, epsilon=1e-3),
    lambda x, g: x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-3) * g,
    X,
    np.float32([1, 2, 3, 4]),
    symbolic=1,
)
row(
    "psnr",
    lambda ops, x, y: ops.psnr(x, y, 2.0),
    lambda x, y: 20 * np.log10(2.0) - 10 * np.log10(((x - y) ** 2).mean()),
    X,
    Y,
)
HEADS = normal("ops/heads", (2, 3, 2, 4)), normal("ops/heads_k", (2, 5, 2, 4)), normal("ops/heads_v", (2, 5, 2, 4))


def _attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, bias: Any = 0.0, scale: float = 0.5) -> np.ndarray:
    return np.einsum("bhqk,bkhd->bqhd", _softmax(np.einsum("bqhd,bkhd->bhqk", q, k) * scale + bias), v)


row("attention", lambda ops, q, k, v: ops.dot_product_attention(q, k, v), lambda q, k, v: _attention(q, k, v), *HEADS)
row(
    "attention-scale",
    lambda ops, q, k, v: ops.dot_product_attention(q, k, v, scale=0.1),
    lambda q, k, v: _attention(q, k, v, scale=0.1),
    *HEADS,
)
row(
    "attention-bias",
    lambda ops, q, k, v, b: ops.dot_product_attention(q, k, v, bias=b),
    lambda q, k, v, b: _attention(q, k, v, b),
    *HEADS,
    normal("ops/bias", (2, 2, 3, 5)),
)
row(
    "attention-mask",
    lambda ops, q, k, v, m: ops.dot_product_attention(q, k, v, mask=m),
    lambda q, k, v, m: _attention(q, k, v, np.where(m, 0, -1e9)),
    *HEADS,
    normal("ops/mask", (2, 1, 3, 5)) > -0.5,
)
row(
    "attention-causal",
    lambda ops, q, k, v: ops.dot_product_attention(q, k, v, is_causal=True),
    lambda q, k, v: _attention(q, k, v, np.where(np.tri(3, 5), 0, -1e9)),
    *HEADS,
)
row(
    "attention-causal-mask",
    lambda ops, q, k, v, m: ops.dot_product_attention(q, k, v, mask=m, is_causal=True),
    lambda q, k, v, m: _attention(q, k, v, np.where(np.tri(3, 5) * m, 0, -1e9)),
    *HEADS,
    (np.arange(5) != 1) * np.ones((2, 1, 3, 1), bool),
)
row(
    "attention-shared-heads",
    lambda ops, q, k, v: ops.dot_product_attention(q, k, v),
    lambda q, k, v: _attention(q, k.repeat(2, 2), v.repeat(2, 2)),
    normal("ops/four", (2, 3, 4, 4)),
    *HEADS[1:],
)

HOT = np.eye(4, dtype="float32")[WHOLE[:, :, 0] % 4]
PROBABLE = _softmax(X)
row(
    "categorical_crossentropy",
    lambda ops, t, p: ops.categorical_crossentropy(t, p),
    lambda t, p: -np.log((t * p).sum(-1)),
    HOT,
    PROBABLE,
)
row(
    "categorical_crossentropy-logits",
    lambda ops, t, x: ops.categorical_crossentropy(t, x, from_logits=True, axis=-1),
    lambda t, x: -np.log((t * _softmax(x)).sum(-1)),
    HOT,
    X,
)
row(
    "sparse_categorical_crossentropy",
    lambda ops, t, p: ops.sparse_categorical_crossentropy(t, p),
    lambda t, p: -np.log(np.take_along_axis(p, t[..., None], -1))[..., 0],
    WHOLE[:, :, 0] % 4,
    PROBABLE,
)
row(
    "sparse_categorical_crossentropy-logits",
    lambda ops, t, x: ops.sparse_categorical_crossentropy(t[..., None], x, from_logits=True),
    lambda t, x: -np.log(np.take_along_axis(_softmax(x), t[..., None], -1))[..., 0],
    WHOLE[:, :, 0] % 4,
    X,
)
row(
    "binary_crossentropy",
    lambda ops, t, p: ops.binary_crossentropy(t, p),
    lambda t, p: -np.log(np.where(t > 0, p, 1 - p)),
    (Y > 0).astype("float32"),
    (SHARES + 1) / 2,
)
row(
    "binary_crossentropy-logits",
    lambda ops, t, x: ops.binary_crossentropy(t, x, from_logits=True),
    lambda t, x: -np.log(_sigmoid(np.where(t > 0, x, -x))),
    (Y > 0).astype("float32"),
    X,
)

IMAGES = normal("ops/images", (2, 5, 6, 3))
KERNEL = normal("ops/kernel", (3, 2, 3, 4))


def _windows(x: np.ndarray, size: tuple[int, ...], strides: int) -> np.ndarray:
    """(batch, rows, columns, channels, *size)"""
    found = np.lib.stride_tricks.sliding_window_view(x, size, (1, 2))
    return found[:, ::strides, ::strides]


row(
    "conv",
    lambda ops, x, k: ops.conv(x, k),
    lambda x, k: np.einsum("bhwcij,ijcf->bhwf", _windows(x, (3, 2), 1), k),
    IMAGES,
    KERNEL,
    symbolic=1,
)
row(
    "conv-strides",
    lambda ops, x, k: ops.conv(x, k, strides=2, padding="valid"),
    lambda x, k: np.einsum("bhwcij,ijcf->bhwf", _windows(x, (3, 2), 2), k),
    IMAGES,
    KERNEL,
    symbolic=1,
)
row(
    "conv-same",
    lambda ops, x, k: ops.conv(x, k, padding="same"),
    lambda x, k: np.einsum("bhwcij,ijcf->bhwf", _windows(np.pad(x, ((0, 0), (1, 1), (0, 1), (0, 0))), (3, 2), 1), k),
    IMAGES,
    KERNEL,
    symbolic=1,
)
row(
    "conv-first",
    lambda ops, x, k: ops.conv(x, k, data_format="channels_first"),
    lambda x, k: np.einsum("bhwcij,ijcf->bfhw", _windows(x.transpose(0, 2, 3, 1), (3, 2), 1), k),
    IMAGES.transpose(0, 3, 1, 2).copy(),
    KERNEL,
    symbolic=1,
    keras=False,
)
row(
    "conv-groups",
    lambda ops, x, k: ops.conv(x, k),
    lambda x, k: np.concatenate(
        [
            np.einsum("bhwij,ijf->bhwf", _windows(x, (3, 2), 1)[..., c, :, :], k[:, :, 0, 2 * c : 2 * c + 2])
            for c in range(3)
        ],
        -1,
    ),
    IMAGES,
    normal("ops/groups", (3, 2, 1, 6)),
    symbolic=1,
)
row(
    "depthwise_conv",
    lambda ops, x, k: ops.depthwise_conv(x, k),
    lambda x, k: np.einsum("bhwcij,ijcm->bhwcm", _windows(x, (3, 2), 1), k).reshape(2, 3, 5, 6),
    IMAGES,
    normal("ops/depthwise", (3, 2, 3, 2)),
    symbolic=1,
)
row(
    "separable_conv",
    lambda ops, x, k, p: ops.separable_conv(x, k, p),
    lambda x, k, p: np.einsum("bhwcij,ijcm->bhwcm", _windows(x, (3, 2), 1), k).reshape(2, 3, 5, 6) @ p[0, 0],
    IMAGES,
    normal("ops/depthwise", (3, 2, 3, 2)),
    normal("ops/pointwise", (1, 1, 6, 4)),
    symbolic=1,
)
row(
    "conv_transpose",
    lambda ops, x, k: ops.conv_transpose(x, k, strides=2),
    lambda x, k: _conv_transpose(x, k, 2),
    IMAGES,
    normal("ops/transposed", (3, 2, 4, 3)),
    symbolic=1,
)
row(
    "conv-1d",
    lambda ops, x, k: ops.conv(x, k, strides=2),
    lambda x, k: np.einsum("bwci,icf->bwf", np.lib.stride_tricks.sliding_window_view(x, 3, 1)[:, ::2], k),
    IMAGES[:, 0],
    normal("ops/kernel1", (3, 3, 4)),
    symbolic=1,
)
row("max_pool", lambda ops, x: ops.max_pool(x, 2), lambda x: _windows(x, (2, 2), 2).max((-1, -2)), IMAGES)
row(
    "max_pool-strides",
    lambda ops, x: ops.max_pool(x, (3, 2), strides=1),
    lambda x: _windows(x, (3, 2), 1).max((-1, -2)),
    IMAGES,
)
row("average_pool", lambda ops, x: ops.average_pool(x, 2), lambda x: _windows(x, (2, 2), 2).mean((-1, -2)), IMAGES)


def _conv_transpose(x: np.ndarray, kernel: np.ndarray, strides: int) -> np.ndarray:
    rows, columns = (
        (size - 1) * strides + max(window, strides) for size, window in zip(x.shape[1:3], kernel.shape[:2], strict=True)
    )
    result = np.zeros((len(x), rows, columns, kernel.shape[2]), "float32")
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            part = np.einsum("bc,ijfc->bijf", x[:, i, j], kernel)
            result[:, i * strides : i * strides + kernel.shape[0], j * strides : j * strides + kernel.shape[1]] += part
    return result


def _sparsemax(x: np.ndarray) -> np.ndarray:
    """By bisection for the number that the others are reduced by."""
    low, high = x.max(-1, keepdims=True) - 1, x.max(-1, keepdims=True)
    for _ in range(60):
        middle = (low + high) / 2
        above = np.maximum(x - middle, 0).sum(-1, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.maximum(x - low, 0)


# --- parts and control flow

row("cast", lambda ops, x: ops.cast(x, "int32"), lambda x: x.astype("int32"), X * 5)
row(
    "saturate_cast", lambda ops, x: ops.saturate_cast(x, "uint8"), lambda x: np.clip(x, 0, 255).astype("uint8"), X * 200
)
row("stop_gradient", lambda ops, x: ops.stop_gradient(x), lambda x: x, X)
row("convert_to_tensor", lambda ops, x: ops.convert_to_tensor(x, dtype="float64"), lambda x: x, X)
row(
    "scatter",
    lambda ops, v: ops.scatter(np.array([[0, 1], [2, 0], [0, 1]]), v, (3, 2)),
    lambda v: np.array([[0, v[0] + v[2]], [0, 0], [v[1], 0]]),
    VECTOR[:3],
    symbolic=0,
)
row(
    "scatter_update",
    lambda ops, x, v: ops.scatter_update(x, np.array([[1], [3]]), v),
    lambda x, v: np.array([x[0], v[0], x[2], v[1], x[4]]),
    VECTOR,
    np.float32([7, 8]),
    symbolic=0,
)
row("slice", lambda ops, x: ops.slice(x, [0, 1, 0], [2, 2, 3]), lambda x: x[:2, 1:3, :3], X, symbolic=0)
row(
    "slice_update",
    lambda ops, x, u: ops.slice_update(x, [1, 1, 0], u),
    lambda x, u: np.concatenate([x[:1], np.concatenate([x[1:, :1], np.concatenate([u, x[1:, 1:, 2:]], 2)], 1)]),
    X,
    Y[:1, :2, :2],
    symbolic=0,
)
row("map", lambda ops, x: ops.map(lambda part: part[0] * 2, x), lambda x: x[:, 0] * 2, X)
row(
    "vectorized_map",
    lambda ops, x: ops.vectorized_map(lambda part: part.sum(), x),
    lambda x: x.sum((1, 2)),
    X,
    keras=False,
)
row(
    "scan",
    lambda ops, x: ops.scan(lambda carry, part: (carry + part, carry * part), x[0] * 0, x),
    lambda x: (x.sum(0), np.cumsum(np.concatenate([x[:1] * 0, x[:-1]]), 0) * x),
    VECTOR,
    symbolic=0,
)
row(
    "scan-reverse",
    lambda ops, x: ops.scan(lambda carry, part: (carry + part, carry), x[0] * 0, x, reverse=True)[1],
    lambda x: np.cumsum(x[::-1])[::-1] - x,
    VECTOR,
    symbolic=0,
)
row(
    "fori_loop",
    lambda ops, x: ops.fori_loop(0, 3, lambda i, value: value * 2 + i, ops.abs(x)),
    lambda x: np.abs(x) * 8 + 4,
    X,
)
row(
    "while_loop",
    lambda ops, x: ops.while_loop(lambda i, value: i < 3, lambda i, value: (i + 1, value * 2), (0, ops.abs(x)))[1],
    lambda x: np.abs(x) * 8,
    X,
)
row("cond", lambda ops, x: ops.cond(True, lambda: ops.abs(x), lambda: -x), lambda x: np.abs(x), X, symbolic=0)
row("switch", lambda ops, x: ops.switch(1, [lambda v: v, lambda v: ops.abs(v)], x), lambda x: np.abs(x), X)
