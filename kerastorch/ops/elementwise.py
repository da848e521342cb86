"""Functions of each element, of one tensor or of two that are broadcast, in NumPy's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch

from kerastorch.ops.operation import floating, operation, pair, tensor

__all__ = [
    "abs", "absolute", "add", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "cbrt", "ceil", "clip", "conj", "conjugate", "cos", "cosh", "deg2rad", "divide", "divide_no_nan",
    "equal", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "fabs", "floor", "floor_divide", "fmax", "fmin", "fmod",
    "gcd", "greater", "greater_equal", "heaviside", "hypot", "i0", "imag", "isfinite", "isinf", "isnan", "isneginf",
    "isposinf", "isreal", "lcm", "ldexp", "left_shift", "less", "less_equal", "log", "log10", "log1p", "log2",
    "logaddexp", "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod",
    "multiply", "nan_to_num", "negative", "nextafter", "not_equal", "power", "rad2deg", "real", "reciprocal",
    "right_shift", "round", "rsqrt", "sign", "signbit", "sin", "sinc", "sinh", "sqrt", "square", "subtract", "tan",
    "tanh", "true_divide", "trunc", "where", "isclose", "allclose",
]  # fmt: skip


class Unary(Protocol):
    def __call__(self, x: Any) -> torch.Tensor: ...


class Binary(Protocol):
    def __call__(self, x1: Any, x2: Any) -> torch.Tensor: ...


def _unary(name: str, function: Callable[..., torch.Tensor], convert: Callable[[Any], torch.Tensor] = tensor) -> Unary:
    def elementwise(x: Any) -> torch.Tensor:
        return function(convert(x))

    return _named(elementwise, name, f"`{name}(x)` of each element (`torch.{function.__name__}`).")


def _binary(name: str, function: Callable[..., torch.Tensor], floats: bool = False) -> Binary:
    def elementwise(x1: Any, x2: Any) -> torch.Tensor:
        x1, x2 = pair(x1, x2)
        return function(floating(x1), floating(x2)) if floats else function(x1, x2)

    return _named(elementwise, name, f"`{name}(x1, x2)`, element by element (`torch.{function.__name__}`).")


def _named(function: Callable[..., torch.Tensor], name: str, text: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = text
    return operation(function)


abs = absolute = _unary("abs", torch.abs)
fabs = _unary("fabs", torch.abs, floating)
negative = _unary("negative", torch.neg)
sign = _unary("sign", torch.sign)
signbit = _unary("signbit", torch.signbit)
square = _unary("square", torch.square)
sqrt = _unary("sqrt", torch.sqrt, floating)
rsqrt = _unary("rsqrt", torch.rsqrt, floating)
reciprocal = _unary("reciprocal", torch.reciprocal, floating)
exp = _unary("exp", torch.exp, floating)
exp2 = _unary("exp2", torch.exp2, floating)
expm1 = _unary("expm1", torch.expm1, floating)
log = _unary("log", torch.log, floating)
log10 = _unary("log10", torch.log10, floating)
log1p = _unary("log1p", torch.log1p, floating)
log2 = _unary("log2", torch.log2, floating)
sin = _unary("sin", torch.sin, floating)
cos = _unary("cos", torch.cos, floating)
tan = _unary("tan", torch.tan, floating)
sinh = _unary("sinh", torch.sinh, floating)
cosh = _unary("cosh", torch.cosh, floating)
tanh = _unary("tanh", torch.tanh, floating)
arcsin = _unary("arcsin", torch.asin, floating)
arccos = _unary("arccos", torch.acos, floating)
arctan = _unary("arctan", torch.atan, floating)
arcsinh = _unary("arcsinh", torch.asinh, floating)
arccosh = _unary("arccosh", torch.acosh, floating)
arctanh = _unary("arctanh", torch.atanh, floating)
sinc = _unary("sinc", torch.sinc, floating)
i0 = _unary("i0", torch.i0, floating)
erf = _unary("erf", torch.erf, floating)
erfc = _unary("erfc", torch.erfc, floating)
erfinv = _unary("erfinv", torch.erfinv, floating)
deg2rad = _unary("deg2rad", torch.deg2rad, floating)
rad2deg = _unary("rad2deg", torch.rad2deg, floating)
floor = _unary("floor", torch.floor, floating)
ceil = _unary("ceil", torch.ceil, floating)
trunc = _unary("trunc", torch.trunc)
isnan = _unary("isnan", torch.isnan)
isinf = _unary("isinf", torch.isinf)
isfinite = _unary("isfinite", torch.isfinite)
isposinf = _unary("isposinf", torch.isposinf)
isneginf = _unary("isneginf", torch.isneginf)
isreal = _unary("isreal", torch.isreal)
logical_not = _unary("logical_not", torch.logical_not)
bitwise_not = bitwise_invert = _unary("bitwise_not", torch.bitwise_not)
real = _unary("real", torch.real)
conj = conjugate = _unary("conj", torch.conj)
angle = _unary("angle", torch.angle)

add = _binary("add", torch.add)
subtract = _binary("subtract", torch.sub)
multiply = _binary("multiply", torch.mul)
divide = true_divide = _binary("divide", torch.true_divide)
floor_divide = _binary("floor_divide", torch.floor_divide)
mod = _binary("mod", torch.remainder)
fmod = _binary("fmod", torch.fmod)
power = _binary("power", torch.pow)
maximum = _binary("maximum", torch.maximum)
minimum = _binary("minimum", torch.minimum)
fmax = _binary("fmax", torch.fmax)
fmin = _binary("fmin", torch.fmin)
hypot = _binary("hypot", torch.hypot, floats=True)
arctan2 = _binary("arctan2", torch.atan2, floats=True)
logaddexp = _binary("logaddexp", torch.logaddexp, floats=True)
logaddexp2 = _binary("logaddexp2", torch.logaddexp2, floats=True)
heaviside = _binary("heaviside", torch.heaviside, floats=True)
nextafter = _binary("nextafter", torch.nextafter, floats=True)
ldexp = _binary("ldexp", torch.ldexp)
gcd = _binary("gcd", torch.gcd)
lcm = _binary("lcm", torch.lcm)
equal = _binary("equal", torch.eq)
not_equal = _binary("not_equal", torch.ne)
greater = _binary("greater", torch.gt)
greater_equal = _binary("greater_equal", torch.ge)
less = _binary("less", torch.lt)
less_equal = _binary("less_equal", torch.le)
logical_and = _binary("logical_and", torch.logical_and)
logical_or = _binary("logical_or", torch.logical_or)
logical_xor = _binary("logical_xor", torch.logical_xor)
bitwise_and = _binary("bitwise_and", torch.bitwise_and)
bitwise_or = _binary("bitwise_or", torch.bitwise_or)
bitwise_xor = _binary("bitwise_xor", torch.bitwise_xor)
left_shift = bitwise_left_shift = _binary("left_shift", torch.bitwise_left_shift)
right_shift = bitwise_right_shift = _binary("right_shift", torch.bitwise_right_shift)


@operation
def cbrt(x: Any) -> torch.Tensor:
    """The real cube root of each element."""
    x = floating(x)
    return torch.sign(x) * torch.abs(x).pow(1.0 / 3.0)


@operation
def imag(x: Any) -> torch.Tensor:
    """The imaginary part of each element, zeros for real numbers."""
    x = tensor(x)
    return torch.imag(x) if x.is_complex() else torch.zeros_like(x)


@operation
def round(x: Any, decimals: int = 0) -> torch.Tensor:
    """Each element rounded, halves to the even neighbour.

    >>> round([0.5, 1.5, -1.2])
    tensor([ 0.,  2., -1.])
    """
    x = tensor(x)
    if decimals == 0 or not x.is_floating_point():
        return x if not x.is_floating_point() else torch.round(x)
    return torch.round(x, decimals=decimals)


@operation
def clip(x: Any, x_min: Any, x_max: Any) -> torch.Tensor:
    """Each element kept between `x_min` and `x_max`; None stands for no bound.

    >>> clip([-1.0, 0.5, 9.0], 0, 1)
    tensor([0.0000, 0.5000, 1.0000])
    """
    x = tensor(x)
    if not isinstance(x_min, int | float | None) or not isinstance(x_max, int | float | None):
        bounds = (bound if bound is None else tensor(bound) for bound in (x_min, x_max))
        return torch.clamp(x, *bounds)
    return x if x_min is None and x_max is None else torch.clamp(x, x_min, x_max)


@operation
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> torch.Tensor:
    """NaN and infinities replaced by numbers; without one, infinities become the largest finite numbers."""
    return torch.nan_to_num(tensor(x), nan, posinf, neginf)


@operation
def divide_no_nan(x1: Any, x2: Any) -> torch.Tensor:
    """`x1 / x2`, and 0 where `x2` is 0; the gradient there is 0 too.

    >>> divide_no_nan([1.0, 2.0], [0.0, 4.0])
    tensor([0.0000, 0.5000])
    """
    x1, x2 = pair(x1, x2)
    zero = x2 == 0
    return torch.where(zero, 0.0, x1 / torch.where(zero, torch.ones_like(x2), x2))


@operation
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where `condition` holds, `x2` elsewhere; without them the indices of true elements, one tensor an axis.

    >>> where([True, False], [1.0, 1.0], 0.0)
    tensor([1., 0.])
    """
    condition = tensor(condition)
    condition = condition if condition.dtype is torch.bool else condition != 0
    if x1 is None and x2 is None:
        return torch.nonzero(condition, as_tuple=True)
    return torch.where(condition, *pair(x1, x2))


@operation
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> torch.Tensor:
    """Whether `|x1 - x2| <= atol + rtol * |x2|`, element by element."""
    x1, x2 = pair(x1, x2)
    dtype = torch.promote_types(x1.dtype, x2.dtype)
    return torch.isclose(x1.to(dtype), x2.to(dtype), rtol, atol, equal_nan)


@operation
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> torch.Tensor:
    """Whether all elements are close, in the sense of `isclose`."""
    return isclose(x1, x2, rtol, atol, equal_nan).all()
