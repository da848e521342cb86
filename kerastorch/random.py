"""Random tensors in Keras 3's words: `random.normal`, `random.uniform`, `random.shuffle` ...

`seed` is None for torch's global generator, a number for the same values in each call, or a `SeedGenerator` for other
values in each call, which repeat when the program is run again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import current_device, torch_dtype
from kerastorch.ops.operation import as_shape, floating, operation, tensor

Shape = int | Sequence[int]


class SeedGenerator:
    """A source of random numbers that starts from `seed`, and goes on with each use.

    Raises ValueError for a seed that is no whole number of at least 0.

    >>> source = SeedGenerator(1)
    >>> bool((normal((2,), seed=source) == normal((2,), seed=source)).any())
    False
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is None:
            seed = int(torch.randint(2**31, ()))
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"SeedGenerator: expected a whole number of at least 0; received seed={seed!r}.")
        self.seed = int(seed)
        self.name = name or "seed_generator"
        self.count = 0

    def next(self) -> int:
        """The seed of the next draw."""
        self.count += 1
        return int(np.random.SeedSequence((self.seed, self.count)).generate_state(1, np.uint64)[0] >> 1)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        return cls(**config)


def generator_of(seed: int | SeedGenerator | None, like: torch.Tensor) -> torch.Generator | None:
    """The generator that fills `like`; None for torch's global one, and where there is nothing to fill."""
    if seed is None or like.is_meta:
        return None
    value = seed.next() if isinstance(seed, SeedGenerator) else int(seed)
    return torch.Generator(like.device).manual_seed(value)


def _empty(shape: Shape, dtype: Any, function: str) -> torch.Tensor:
    dtype = torch_dtype(dtype)
    if not dtype.is_floating_point:
        raise ValueError(f"random.{function}: expected a floating point dtype; received {dtype}. Use random.randint.")
    return torch.empty(as_shape(shape, f"random.{function}"), dtype=dtype, device=current_device())


@operation
def normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """Normally distributed numbers around `mean`.

    >>> normal((2,), mean=3.0, stddev=0.0)
    tensor([3., 3.])
    """
    values = _empty(shape, dtype, "normal")
    return values.normal_(generator=generator_of(seed, values)).mul_(stddev).add_(mean)


@operation
def uniform(
    shape: Shape, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """Evenly distributed numbers from `minval` up to `maxval`, which is not among them; whole ones for such a dtype."""
    if dtype is not None and not torch_dtype(dtype).is_floating_point:
        return randint(shape, minval, maxval, dtype, seed)
    values = _empty(shape, dtype, "uniform")
    return values.uniform_(minval, maxval, generator=generator_of(seed, values))


@operation
def randint(
    shape: Shape, minval: int, maxval: int, dtype: Any = "int32", seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """Whole numbers from `minval` to `maxval - 1`."""
    values = torch.empty(as_shape(shape, "random.randint"), dtype=torch.int64, device=current_device())
    return values.random_(int(minval), int(maxval), generator=generator_of(seed, values)).to(torch_dtype(dtype))


@operation
def truncated_normal(
    shape: Shape, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """Normally distributed numbers, without those farther than two `stddev` from `mean`."""
    share = math.erf(math.sqrt(2.0))
    values = _empty(shape, dtype, "truncated_normal")
    values.uniform_(-share, share, generator=generator_of(seed, values))
    return values.erfinv_().mul_(stddev * math.sqrt(2.0)).add_(mean)


@operation
def categorical(
    logits: Any, num_samples: int, dtype: Any = "int32", seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """`num_samples` classes for each row of `logits` (batch, classes), with the probabilities `softmax(logits)`."""
    logits = floating(logits)
    if logits.is_meta:
        return torch.empty(logits.shape[0], num_samples, dtype=torch_dtype(dtype), device="meta")
    drawn = torch.multinomial(torch.softmax(logits, -1), num_samples, True, generator=generator_of(seed, logits))
    return drawn.to(torch_dtype(dtype))


@operation
def binomial(
    shape: Shape, counts: Any, probabilities: Any, dtype: Any = None, seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """How many of `counts` trials succeed, each with its probability."""
    values = _empty(shape, dtype, "binomial")
    counts, probabilities = (tensor(part).to(values).expand(values.shape) for part in (counts, probabilities))
    if values.is_meta:
        return values  # torch has no shape rule for this distribution
    return torch.binomial(counts, probabilities, generator=generator_of(seed, values))


@operation
def gamma(shape: Shape, alpha: Any, dtype: Any = None, seed: int | SeedGenerator | None = None) -> torch.Tensor:
    """Numbers of the gamma distribution with shape `alpha` and rate 1."""
    values = _empty(shape, dtype, "gamma")
    return torch._standard_gamma(tensor(alpha).to(values).expand(values.shape), generator=generator_of(seed, values))


@operation
def beta(
    shape: Shape, alpha: Any, beta: Any, dtype: Any = None, seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """Numbers of the beta distribution with the parameters `alpha` and `beta`."""
    seed = SeedGenerator(seed) if isinstance(seed, int) else seed
    first = gamma(shape, alpha, dtype, seed)
    return first / (first + gamma(shape, beta, dtype, seed))


@operation
def shuffle(x: Any, axis: int = 0, seed: int | SeedGenerator | None = None) -> torch.Tensor:
    """`x` with its slices along `axis` in random order."""
    x = tensor(x)
    order = torch.randperm(x.shape[axis], generator=generator_of(seed, x), device=x.device)
    return x.index_select(axis, order)


@operation
def dropout(
    inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | SeedGenerator | None = None
) -> torch.Tensor:
    """`inputs` with a share `rate` of 0, the others divided by `1 - rate`.

    Where `noise_shape` has 1, the decision is shared along that axis. Raises ValueError for a rate outside of [0, 1].

    >>> dropout([1.0, 2.0], 0.0)
    tensor([1., 2.])
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"random.dropout: expected a rate from 0 to 1; received rate={rate!r}.")
    inputs = floating(inputs)
    wanted = [None] * inputs.dim() if noise_shape is None else noise_shape
    shape = [size if one is None else one for one, size in zip(wanted, inputs.shape, strict=True)]
    kept = torch.empty(shape, dtype=inputs.dtype, device=inputs.device)
    kept.bernoulli_(1 - rate, generator=generator_of(seed, kept))
    return inputs * kept.div_(max(1 - rate, torch.finfo(inputs.dtype).tiny))


__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]
