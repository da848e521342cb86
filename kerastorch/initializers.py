"""Initializers: the values that new weights start from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import current_device, dtype_name, torch_dtype
from kerastorch.core.registry import Registry
from kerastorch.core.variable import empty_in_order

# the standard deviation of a normal distribution that is cut off at two standard deviations
_STANDARD_DEVIATION_AFTER_TRUNCATION = 0.87962566103423978
# P(|N(0, 1)| < 2)
_SHARE_WITHIN_TWO = math.erf(math.sqrt(2.0))

Shape = Sequence[int]


class Initializer:
    """Base class: a subclass returns a tensor of `shape` from `__call__`.

    >>> class Sevens(Initializer):
    ...     def __call__(self, shape, dtype=None, device=None):
    ...         return torch.full(shape, 7.0)
    """

    def __call__(self, shape: Shape, dtype: Any = None, device: str | torch.device | None = None) -> torch.Tensor:
        raise NotImplementedError(
            f"{type(self).__name__}: expected a method __call__(shape, dtype=None); found none. Define it."
        )

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Initializer:
        return cls(**{key: value for key, value in config.items() if key != "dtype"})


class Constant(Initializer):
    """Every element is `value`; an array gives its elements, in the weight's shape.

    >>> Constant(3.0)((2,))
    tensor([3., 3.])
    """

    def __init__(self, value: Any = 0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None, device: str | torch.device | None = None) -> torch.Tensor:
        shape, dtype, device = tuple(shape), torch_dtype(dtype), device or current_device()
        if isinstance(self.value, int | float | bool):
            return torch.full(shape, self.value, dtype=dtype, device=device)
        value = torch.as_tensor(np.asarray(self.value)).to(device=device, dtype=dtype, copy=True)
        if value.numel() == 1:
            return value.reshape(()).expand(shape).clone()
        if value.numel() != math.prod(shape):
            raise ValueError(
                f"{type(self).__name__}: expected a number or {math.prod(shape)} values for shape {shape}; "
                f"received an array of shape {tuple(value.shape)}. Give one value for each element."
            )
        return value.reshape(shape)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Zeros(Initializer):
    """Every element is 0.

    >>> Zeros()((2,))
    tensor([0., 0.])
    """

    def __call__(self, shape: Shape, dtype: Any = None, device: str | torch.device | None = None) -> torch.Tensor:
        return torch.zeros(tuple(shape), dtype=torch_dtype(dtype), device=device or current_device())


class Ones(Initializer):
    """Every element is 1.

    >>> Ones()((2,))
    tensor([1., 1.])
    """

    def __call__(self, shape: Shape, dtype: Any = None, device: str | torch.device | None = None) -> torch.Tensor:
        return torch.ones(tuple(shape), dtype=torch_dtype(dtype), device=device or current_device())


def _memory_order(rank: int) -> tuple[int, ...]:
    """The axes of new values from the outermost in memory on."""
    return (rank - 1, *range(rank - 1)) if rank > 2 else tuple(range(rank))


class RandomInitializer(Initializer):
    """Base of the initializers that draw: with a `seed` every call draws the same numbers on every device.

    A subclass fills the tensor that `fill` receives, in place, drawing from `generator`
    (None stands for torch's global generator). Three axes and more lie in memory with the last axis
    first, as in kernels of convolutions, which then need no copy.
    """

    seed: int | None = None

    def __call__(self, shape: Shape, dtype: Any = None, device: str | torch.device | None = None) -> torch.Tensor:
        shape, dtype = tuple(int(size) for size in shape), torch_dtype(dtype)
        device = torch.device(device) if device is not None else current_device()
        self.check(shape, dtype)
        if device.type == "meta":
            return torch.empty(shape, dtype=dtype, device=device)
        # half precision is drawn in single precision, which has the samplers and their accuracy
        drawn_dtype = dtype if dtype in (torch.float32, torch.float64) else torch.float32
        generator = None
        if self.seed is not None:
            generator = torch.Generator().manual_seed(int(self.seed))
        values = empty_in_order(shape, drawn_dtype, _memory_order(len(shape)), "cpu" if generator else device)
        return self.fill(values, generator).to(dtype=dtype, device=device)

    def check(self, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        if not dtype.is_floating_point:
            raise ValueError(
                f"{type(self).__name__}: expected a floating point dtype; received {dtype_name(dtype)!r}. "
                "Use dtype='float32', or 'zeros', 'ones' or a constant for other types."
            )

    def fill(self, values: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        raise NotImplementedError


def _fill_normal(values: torch.Tensor, mean: float, stddev: float, generator: torch.Generator | None) -> torch.Tensor:
    # through the view that is contiguous: torch draws others one number at a time
    values.permute(_memory_order(values.dim())).normal_(mean, stddev, generator=generator)
    return values


class RandomNormal(RandomInitializer):
    """Normally distributed around `mean` with standard deviation `stddev`.

    >>> RandomNormal(mean=5.0, stddev=0.0)((2,))
    tensor([5., 5.])
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def fill(self, values: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        return _fill_normal(values, self.mean, self.stddev, generator)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


class RandomUniform(RandomInitializer):
    """Evenly distributed between `minval` and `maxval`; whole numbers below `maxval` for an integer dtype.

    >>> RandomUniform(0, 3, seed=1)((4,), dtype="int64").max() < 3
    tensor(True)
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval = minval
        self.maxval = maxval
        self.seed = seed

    def check(self, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        if dtype == torch.bool or dtype.is_complex:
            super().check(shape, dtype)

    def __call__(self, shape: Shape, dtype: Any = None, device: str | torch.device | None = None) -> torch.Tensor:
        if torch_dtype(dtype).is_floating_point:
            return super().__call__(shape, dtype, device)
        values = super().__call__(shape, "float64", device)  # a cast of float32 could round up to maxval
        return values.floor().to(torch_dtype(dtype))

    def fill(self, values: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        return values.uniform_(self.minval, self.maxval, generator=generator)

    def get_config(self) -> dict[str, Any]:
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed}


def _fill_truncated_normal(
    values: torch.Tensor, mean: float, stddev: float, generator: torch.Generator | None
) -> torch.Tensor:
    # the inverse distribution function of uniform numbers; six times faster than torch.nn.init.trunc_normal_
    values.uniform_(-_SHARE_WITHIN_TWO, _SHARE_WITHIN_TWO, generator=generator)
    values.erfinv_().mul_(stddev * math.sqrt(2.0))
    return values.add_(mean) if mean else values


class TruncatedNormal(RandomInitializer):
    """Normally distributed, without the values farther than two `stddev` from `mean`.

    >>> TruncatedNormal(stddev=0.5, seed=1)((1000,)).abs().max() <= 1.0
    tensor(True)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean = mean
        self.stddev = stddev
        self.seed = seed

    def fill(self, values: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        return _fill_truncated_normal(values, self.mean, self.stddev, generator)

    def get_config(self) -> dict[str, Any]:
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed}


def compute_fans(shape: Shape) -> tuple[int, int]:
    """The numbers of inputs and outputs that a weight of `shape` (..., inputs, outputs) joins.

    >>> compute_fans((3, 3, 16, 32))
    (144, 288)
    """
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    receptive_field = math.prod(shape[:-2])
    return int(shape[-2] * receptive_field), int(shape[-1] * receptive_field)


class VarianceScaling(RandomInitializer):
    """Drawn with variance `scale / n`, n being the number of inputs, outputs, or their mean.

    `mode` is 'fan_in', 'fan_out' or 'fan_avg'; `distribution` is 'truncated_normal',
    'untruncated_normal' or 'uniform' (in [-limit, limit], limit = sqrt(3 * scale / n)).
    Raises ValueError for other values and for a scale that is not positive.

    >>> limit = (3 / 100) ** 0.5
    >>> VarianceScaling(distribution="uniform")((100, 10)).abs().max() <= limit
    tensor(True)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        distribution = distribution.lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        self._expect("a positive scale", scale, scale > 0)
        modes = ("fan_in", "fan_out", "fan_avg")
        self._expect(f"a mode out of {modes}", mode, mode in modes)
        distributions = ("uniform", "truncated_normal", "untruncated_normal")
        self._expect(f"a distribution out of {distributions}", distribution, distribution in distributions)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed

    def _expect(self, wanted: str, received: Any, is_right: bool) -> None:
        if not is_right:
            raise ValueError(f"{type(self).__name__}: expected {wanted}; received {received!r}.")

    def fill(self, values: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        fan_in, fan_out = compute_fans(values.shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return values.uniform_(-limit, limit, generator=generator)
        if self.distribution == "untruncated_normal":
            return _fill_normal(values, 0.0, math.sqrt(variance), generator)
        stddev = math.sqrt(variance) / _STANDARD_DEVIATION_AFTER_TRUNCATION
        return _fill_truncated_normal(values, 0.0, stddev, generator)

    def get_config(self) -> dict[str, Any]:
        return {"scale": self.scale, "mode": self.mode, "distribution": self.distribution, "seed": self.seed}


class _NamedScaling(VarianceScaling):
    """A variance scaling with a name of its own, of which only the seed is free."""

    arguments: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self.arguments, seed=seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


class GlorotUniform(_NamedScaling):
    """Uniform in [-limit, limit], limit = sqrt(6 / (inputs + outputs)): Keras' default for kernels.

    Glorot and Bengio 2010, http://proceedings.mlr.press/v9/glorot10a.html

    >>> GlorotUniform()((3, 3)).abs().max() <= 1.0
    tensor(True)
    """

    arguments = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Truncated normal with variance 2 / (inputs + outputs).

    >>> GlorotNormal()((3, 4)).shape
    torch.Size([3, 4])
    """

    arguments = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Uniform in [-limit, limit], limit = sqrt(6 / inputs) (arXiv:1502.01852).

    >>> HeUniform()((6, 2)).abs().max() <= 1.0
    tensor(True)
    """

    arguments = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Truncated normal with variance 2 / inputs (arXiv:1502.01852).

    >>> HeNormal()((3, 4)).shape
    torch.Size([3, 4])
    """

    arguments = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Uniform in [-limit, limit], limit = sqrt(3 / inputs).

    >>> LecunUniform()((3, 2)).abs().max() <= 1.0
    tensor(True)
    """

    arguments = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Truncated normal with variance 1 / inputs (arXiv:1706.02515); meant for 'selu'.

    >>> LecunNormal()((3, 4)).shape
    torch.Size([3, 4])
    """

    arguments = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """A matrix with orthogonal rows or columns (whichever are fewer), times `gain` (arXiv:1312.6120).

    A weight with more axes is seen as the matrix (all axes but the last, last axis).
    Raises ValueError for a weight with fewer than two axes.

    >>> q = Orthogonal()((4, 2))
    >>> torch.allclose(q.t() @ q, torch.eye(2), atol=1e-5)
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain = gain
        self.seed = seed

    def check(self, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        super().check(shape, dtype)
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape with at least two axes; received {shape}.")

    def fill(self, values: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
        columns = values.shape[-1]
        rows = math.prod(values.shape[:-1])
        drawn = torch.empty((max(rows, columns), min(rows, columns)), dtype=values.dtype, device=values.device).normal_(
            generator=generator
        )
        q, r = torch.linalg.qr(drawn)
        q = q * torch.sign(torch.diagonal(r))  # makes the distribution even over all orthogonal matrices
        return self.gain * (q.t() if rows < columns else q).reshape(values.shape)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain, "seed": self.seed}


class Identity(Initializer):
    """The identity matrix times `gain`; rows or columns beyond the square are zero.

    Raises ValueError for a weight that is no matrix.

    >>> Identity(2.0)((2, 2))
    tensor([[2., 0.],
            [0., 2.]])
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None, device: str | torch.device | None = None) -> torch.Tensor:
        if len(shape) != 2:
            raise ValueError(f"Identity: expected the shape of a matrix; received {tuple(shape)}.")
        return self.gain * torch.eye(*shape, dtype=torch_dtype(dtype), device=device or current_device())

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


zeros = Zeros
ones = Ones
constant = Constant
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
orthogonal = Orthogonal
identity = Identity

_SPELLINGS: dict[str, type[Initializer]] = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "variance_scaling": VarianceScaling,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "orthogonal": Orthogonal,
    "identity": Identity,
}

registry = Registry(
    "initializer",
    {
        **_SPELLINGS,
        **{cls.__name__: cls for cls in _SPELLINGS.values()},
        **{f"{cls.__name__}V2": cls for cls in _SPELLINGS.values()},  # written by TensorFlow 2.0
        "zero": Zeros,
        "one": Ones,
        "normal": RandomNormal,
        "uniform": RandomUniform,
    },
)


def get(identifier: str | Mapping[str, Any] | Callable[..., Any] | None) -> Callable[..., Any] | None:
    """The initializer that a name, a config, a class or a function `f(shape, dtype=None)` stands for.

    >>> get("he_normal").get_config()
    {'seed': None}
    """
    return registry.get(identifier)


def serialize(initializer: Callable[..., Any] | None) -> Any:
    """The config of an initializer, or the name of a function."""
    return registry.serialize(initializer)


def deserialize(config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer that a name or a config describes."""
    return registry.get(config, custom_objects)
