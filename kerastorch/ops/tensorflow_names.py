"""TensorFlow's functions by their names and keywords, which functional models of tf.keras keep in their files.

The table is closed: a file can ask for these functions, and for no others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

from kerastorch.ops import core, linalg, nn, numpy
from kerastorch.ops.operation import operations, tensor

PREFIX = "tf."


def named(name: str, function: Callable[..., Any], words: str) -> None:
    """Let 'tf.<name>' be `function`, whose first arguments TensorFlow calls `words`."""
    mine = list(inspect.signature(function).parameters)
    theirs = dict(zip(words.split(), mine, strict=False))

    def call(*args: Any, **kwargs: Any) -> Any:
        given = {key: value for key, value in kwargs.items() if value is not None and key not in _SILENT}
        unknown = sorted(key for key, value in given.items() if key not in theirs and value not in (False, 0))
        if unknown:
            raise ValueError(
                f"{PREFIX}{name}: expected the arguments {words.split()}; received {unknown} too. Build the model in "
                "code and call load_weights()."
            )
        return function(*args, **{theirs[key]: value for key, value in given.items() if key in theirs})

    call.__name__ = name
    call.operation_name = f"{PREFIX}{name}"  # type: ignore[attr-defined]
    operations[call.operation_name] = call  # type: ignore[attr-defined]


_SILENT = ("name", "out_type", "validate_indices")


def _matmul(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> torch.Tensor:
    a, b = tensor(a), tensor(b)
    return linalg.matmul(a.mT if transpose_a else a, b.mT if transpose_b else b)


def _getitem(x: Any, spec: Any) -> torch.Tensor:
    """Slices are {'start', 'stop', 'step'} in files."""
    parts = spec if isinstance(spec, list | tuple) else [spec]
    return x[tuple(slice(*map(part.get, _SLICE)) if isinstance(part, dict) else part for part in parts)]


_SLICE = ("start", "stop", "step")


def _split(value: Any, sizes: Any, axis: int = 0) -> Any:
    return torch.split(value, value.shape[axis] // sizes if isinstance(sizes, int) else list(sizes), axis)


def _shape(x: Any) -> torch.Tensor:
    return torch.tensor(x.shape, device=x.device)


def _rsqrt(x: Any) -> torch.Tensor:
    return torch.rsqrt(x)


def _l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12) -> torch.Tensor:
    return x * torch.rsqrt(numpy.sum(x * x, axis, True).clamp(min=epsilon))


def _gather(params: Any, indices: Any, axis: int = 0) -> torch.Tensor:
    return numpy.take(params, indices, axis)


def _leaky_relu(features: Any, alpha: float = 0.2) -> torch.Tensor:
    return nn.leaky_relu(features, alpha)


def _gelu(features: Any, approximate: bool = False) -> torch.Tensor:
    return nn.gelu(features, approximate)


def _argmax(x: Any, axis: int = 0) -> torch.Tensor:
    return numpy.argmax(x, axis)


def _argmin(x: Any, axis: int = 0) -> torch.Tensor:
    return numpy.argmin(x, axis)


# By the names of their arguments: functions by theirs, under which a file asks for them.
_TABLE: dict[str, dict[str, Callable[..., Any]]] = {
    "x y": {
        **dict.fromkeys(("__operators__.add", "math.add"), numpy.add),
        **dict.fromkeys(("math.truediv", "math.divide"), numpy.true_divide),
        **dict.fromkeys(("math.floormod", "math.mod"), numpy.mod),
        **dict.fromkeys(("math.equal", "__operators__.eq"), numpy.equal),
        **dict.fromkeys(("math.not_equal", "__operators__.ne"), numpy.not_equal),
        "math.subtract": numpy.subtract,
        "math.multiply": numpy.multiply,
        "math.floordiv": numpy.floor_divide,
        "math.pow": numpy.power,
        "math.maximum": numpy.maximum,
        "math.minimum": numpy.minimum,
        "math.greater": numpy.greater,
        "math.greater_equal": numpy.greater_equal,
        "math.less": numpy.less,
        "math.less_equal": numpy.less_equal,
        "math.logical_and": numpy.logical_and,
        "math.logical_or": numpy.logical_or,
    },
    "x": {
        **dict.fromkeys(("math.tanh", "nn.tanh"), numpy.tanh),
        **dict.fromkeys(("math.sigmoid", "nn.sigmoid"), nn.sigmoid),
        "math.abs": numpy.abs,
        "math.ceil": numpy.ceil,
        "math.cos": numpy.cos,
        "math.exp": numpy.exp,
        "math.floor": numpy.floor,
        "math.log": numpy.log,
        "math.log1p": numpy.log1p,
        "math.logical_not": numpy.logical_not,
        "math.negative": numpy.negative,
        "math.reciprocal": numpy.reciprocal,
        "math.round": numpy.round,
        "math.rsqrt": _rsqrt,
        "math.sign": numpy.sign,
        "math.sin": numpy.sin,
        "math.sqrt": numpy.sqrt,
        "math.square": numpy.square,
    },
    "input": {
        **dict.fromkeys(("shape", "compat.v1.shape"), _shape),
        "identity": numpy.copy,
        "ones_like": numpy.ones_like,
        "stop_gradient": core.stop_gradient,
        "zeros_like": numpy.zeros_like,
    },
    "input_tensor axis keepdims": {
        "math.reduce_all": numpy.all,
        "math.reduce_any": numpy.any,
        "math.reduce_max": numpy.max,
        "math.reduce_mean": numpy.mean,
        "math.reduce_min": numpy.min,
        "math.reduce_prod": numpy.prod,
        "math.reduce_std": numpy.std,
        "math.reduce_sum": numpy.sum,
        "math.reduce_variance": numpy.var,
    },
    "features": {
        **dict.fromkeys(("math.softplus", "nn.softplus"), nn.softplus),
        "nn.elu": nn.elu,
        "nn.relu": nn.relu,
        "nn.relu6": nn.relu6,
        "nn.selu": nn.selu,
        "nn.silu": nn.silu,
    },
    "features alpha": {"nn.leaky_relu": _leaky_relu},
    "features approximate": {"nn.gelu": _gelu},
    "logits axis": {"nn.log_softmax": nn.log_softmax, "nn.softmax": nn.softmax},
    "input axis": {
        **dict.fromkeys(("squeeze", "compat.v1.squeeze"), numpy.squeeze),
        "expand_dims": numpy.expand_dims,
        "math.argmax": _argmax,
        "math.argmin": _argmin,
    },
    "x axis": {"math.cumsum": numpy.cumsum},
    "x axis epsilon": dict.fromkeys(("math.l2_normalize", "nn.l2_normalize"), _l2_normalize),
    "x dtype": {"cast": core.cast},
    "values axis": {"concat": numpy.concatenate, "stack": numpy.stack},
    "tensor shape": {"reshape": numpy.reshape},
    "tensor axis": {"reverse": numpy.flip},
    "input multiples": {"tile": numpy.tile},
    "a perm": dict.fromkeys(("transpose", "compat.v1.transpose"), numpy.transpose),
    "a b transpose_a transpose_b": {"linalg.matmul": _matmul},
    "t clip_value_min clip_value_max": {"clip_by_value": numpy.clip},
    "condition x y": {"where": numpy.where},
    "params indices axis": dict.fromkeys(("gather", "compat.v1.gather"), _gather),
    "value num_or_size_splits axis": {"split": _split},
    "x slice_spec": {"__operators__.getitem": _getitem},
}
for _words, _functions in _TABLE.items():
    for _name, _function in _functions.items():
        named(_name, _function, _words)
