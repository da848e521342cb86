"""Layers that act in training only, and a penalty on activities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from torch.nn import functional as F

from kerastorch import regularizers
from kerastorch.core.config import normalize_data_format
from kerastorch.engine.input_spec import InputSpec
from kerastorch.engine.layer import Layer


class RandomLayer(Layer):
    """A layer that draws random numbers in training; input and output have the same shape.

    Without a `seed` it draws from torch's global generator, with one from a generator of its own.
    """

    preserves_shape = True
    supports_masking = True

    seed: int | None = None

    def checked_rate(self, rate: Any) -> float:
        """`rate` where it is in [0, 1); ValueError otherwise."""
        if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= rate < 1:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a rate from 0 up to, but not including, 1; "
                f"received rate={rate!r}. Pass the fraction to drop, for example 0.5."
            )
        return rate

    def generator(self, device: torch.device) -> torch.Generator | None:
        if self.seed is None:
            return None
        generators = self.__dict__.setdefault("_generators", {})
        if device not in generators:
            generators[device] = torch.Generator(device).manual_seed(self.seed)
        return generators[device]

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_generators", None)  # generators cannot be copied; a copy starts from the seed
        return state


class Dropout(RandomLayer):
    """Set a fraction `rate` of the values to 0 in training and scale the others by 1 / (1 - rate).

    Input and output have the same shape; where `noise_shape` has 1, the decision is shared along that axis.
    Raises ValueError for a rate outside of [0, 1).

    >>> Dropout(0.5)(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = self.checked_rate(rate)
        self.noise_shape = noise_shape
        self.seed = seed

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        if not training or self.rate == 0:
            return inputs
        shape = self.decisions_shape(inputs.shape)
        if self.seed is None and shape == inputs.shape:
            return F.dropout(inputs, self.rate, True)
        return inputs * self.decisions(shape, inputs).div_(1 - self.rate)

    def decisions_shape(self, shape: Sequence[int]) -> Sequence[int]:
        """The shape of the decisions that are made for an input of `shape`."""
        wanted = self.noise_shape
        if not wanted:
            return shape
        if len(wanted) != len(shape) or any(a not in (None, 1, b) for a, b in zip(wanted, shape, strict=True)):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a noise_shape that broadcasts to the input's "
                f"{tuple(shape)}; received noise_shape={tuple(wanted)}. Pass None or 1 for each axis."
            )
        return [size if one is None else one for one, size in zip(wanted, shape, strict=True)]

    def decisions(self, shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
        """1 for what is kept, 0 for what is dropped."""
        kept = torch.empty(shape, dtype=like.dtype, device=like.device)
        return kept.bernoulli_(1 - self.rate, generator=self.generator(like.device))


class SpatialDropout1D(Dropout):
    """Drop whole channels of sequences (batch, steps, channels) in training (arXiv:1411.4280).

    >>> SpatialDropout1D(0.5)(torch.ones(1, 2, 1)).shape
    torch.Size([1, 2, 1])
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def decisions_shape(self, shape: Sequence[int]) -> Sequence[int]:
        return shape[0], 1, shape[2]


class SpatialDropout2D(Dropout):
    """Drop whole channels of images (batch, height, width, channels) in training (arXiv:1411.4280).

    With `data_format="channels_first"` the input is (batch, channels, height, width).

    >>> SpatialDropout2D(0.5)(torch.ones(1, 2, 2, 1)).shape
    torch.Size([1, 2, 2, 1])
    """

    rank = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        noise_shape: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)
        self.data_format = normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def decisions_shape(self, shape: Sequence[int]) -> Sequence[int]:
        ones = [1] * self.rank
        if self.data_format == "channels_first":
            return (*shape[:2], *ones)
        return (shape[0], *ones, shape[-1])

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.data_format == normalize_data_format(None):
            del config["data_format"]  # tf.keras never saves it; here a layer comes back as it was
        return config


class SpatialDropout3D(SpatialDropout2D):
    """Drop whole channels of volumes (batch, depth, height, width, channels) in training (arXiv:1411.4280).

    With `data_format="channels_first"` the input is (batch, channels, depth, height, width).

    >>> SpatialDropout3D(0.5)(torch.ones(1, 2, 2, 2, 1)).shape
    torch.Size([1, 2, 2, 2, 1])
    """

    rank = 3


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance, for networks with 'selu' (arXiv:1706.02515).

    Dropped values become the limit that selu has on the left; then all are scaled and shifted.
    Raises ValueError for a rate outside of [0, 1).

    >>> AlphaDropout(0.1)(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    preserves_shape = True
    limit = -1.6732632423543772 * 1.0507009873554805  # of selu

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        if not training or self.rate == 0:
            return inputs
        rate = self.rate
        scale = ((1 - rate) * (1 + rate * self.limit**2)) ** -0.5
        shift = -scale * self.limit * rate
        kept = self.decisions(self.decisions_shape(inputs.shape), inputs)
        # scale * (the input where kept, the limit elsewhere) + shift
        added = kept.mul(-scale * self.limit).add_(scale * self.limit + shift)
        return torch.addcmul(added, inputs, kept.mul_(scale))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.noise_shape is None:
            del config["noise_shape"]  # tf.keras never saves it; here a layer comes back as it was
        return config


class GaussianDropout(RandomLayer):
    """Multiply by noise of mean 1 and standard deviation `sqrt(rate / (1 - rate))` in training.

    Input and output have the same shape. Raises ValueError for a rate outside of [0, 1).

    >>> GaussianDropout(0.5)(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = self.checked_rate(rate)
        self.seed = seed

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        if not training or self.rate == 0:
            return inputs
        deviation = math.sqrt(self.rate / (1 - self.rate))
        return inputs * torch.empty_like(inputs).normal_(1.0, deviation, generator=self.generator(inputs.device))


class GaussianNoise(RandomLayer):
    """Add noise of mean 0 and standard deviation `stddev` in training.

    Input and output have the same shape. Raises ValueError for a negative deviation.

    >>> GaussianNoise(0.1)(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(stddev, bool) or not isinstance(stddev, Real) or not 0 <= stddev < math.inf:
            raise ValueError(
                f"GaussianNoise '{self.name}': expected a stddev of at least 0; received stddev={stddev!r}. "
                "Pass the noise's standard deviation, for example 0.1."
            )
        self.stddev = stddev
        self.seed = seed

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        if not training:
            return inputs
        return inputs + torch.empty_like(inputs).normal_(0.0, self.stddev, generator=self.generator(inputs.device))


class ActivityRegularization(Layer):
    """Return the input, and add `(l1 * sum(|x|) + l2 * sum(x ** 2)) / batch` to the loss.

    Input and output have the same shape.

    >>> layer = ActivityRegularization(l1=0.5)
    >>> layer(torch.tensor([[1.0, -2.0]])), layer.losses
    (tensor([[ 1., -2.]]), [tensor(1.5000)])
    """

    preserves_shape = True
    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs
