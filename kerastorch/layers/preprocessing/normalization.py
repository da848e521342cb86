"""Normalisation by the statistics of a data set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import current_device, epsilon
from kerastorch.core.errors import describe
from kerastorch.engine.layer import Layer


class Normalization(Layer):
    """`(inputs - mean) / sqrt(variance)`, with statistics that are given, or taken from data by `adapt`.

    There is one mean and variance for each place along `axis` (None: one for all); `invert` undoes it.
    Input and output have the same shape; before `adapt` nothing changes.
    Raises ValueError for a mean without a variance, and for axes that the input does not have.

    >>> layer = Normalization()
    >>> layer.adapt([[1.0, 10.0], [3.0, 30.0]])
    >>> layer(torch.tensor([[1.0, 30.0]]))
    tensor([[-1.,  1.]])
    """

    supports_masking = True

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (variance is None):
            raise ValueError(
                f"Normalization '{self.name}': expected both mean and variance, or neither; received mean={mean!r} and "
                f"variance={variance!r}. Pass the other one too, or call adapt() on data."
            )
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.input_mean = mean
        self.input_variance = variance
        self.invert = invert
        self.is_adapted = False
        self.count = None

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        kept = sorted({axis % rank for axis in self.axis}) if rank else []
        unknown = [axis for axis in kept if input_shape[axis] is None]
        if any(not -rank <= axis < rank for axis in self.axis) or len(kept) < len(self.axis) or unknown:
            raise ValueError(
                f"Normalization '{self.name}': expected different axes of known size in the input's shape "
                f"{tuple(input_shape)}; received axis={self.axis}. Pass axis=None for one mean of all values, or data "
                "of shape (batch, features)."
            )
        sizes = [input_shape[axis] for axis in kept]
        self.__dict__["_kept_sizes"] = [input_shape[axis] if axis in kept else None for axis in range(rank)]
        self.__dict__["_broadcast_shape"] = [1 if size is None else size for size in self._kept_sizes]
        if self.input_mean is None:
            self.add_weight("mean", sizes, None, "zeros", trainable=False)
            self.add_weight("variance", sizes, None, "ones", trainable=False)
            self.count = self.add_weight("count", (), "int64", "zeros", trainable=False)
        else:
            for name, value in (("given_mean", self.input_mean), ("given_variance", self.input_variance)):
                value = torch.as_tensor(value, dtype=self._dtype, device=current_device()).expand(sizes)
                self.register_buffer(name, value.reshape(self._broadcast_shape), persistent=False)

    @property
    def adapt_mean(self) -> Any:
        """The weight that holds the mean."""
        return self._parameters.get("mean")

    @property
    def adapt_variance(self) -> Any:
        """The weight that holds the variance."""
        return self._parameters.get("variance")

    @property
    def mean(self) -> torch.Tensor | None:
        """The mean in a shape that broadcasts to the input; None before the layer is built."""
        return self._statistic("mean")

    @property
    def variance(self) -> torch.Tensor | None:
        """The variance in a shape that broadcasts to the input; None before the layer is built."""
        return self._statistic("variance")

    def _statistic(self, name: str) -> torch.Tensor | None:
        if name in self._parameters:
            return self._parameters[name].detach().view(self._broadcast_shape)
        return self._buffers.get(f"given_{name}")

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        inputs = inputs.to(self._dtype)
        deviation = self.variance.sqrt().clamp(min=epsilon())
        return self.mean + inputs * deviation if self.invert else (inputs - self.mean) / deviation

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Set mean and variance to those of `data`: an array, a tensor, or an iterable of batches.

        `steps` takes that many batches only, of `batch_size` samples (32) where `data` is an array.
        Raises ValueError for a layer with a given mean, for data of another shape, and for no data.
        """
        if self.input_mean is not None:
            raise ValueError(
                f"Normalization '{self.name}': expected a layer without given statistics; received one made with "
                f"mean={self.input_mean!r}. Leave out mean and variance to adapt it."
            )
        self.reset_state()
        for number, batch in enumerate(self._batches(data, None if steps is None else steps * (batch_size or 32))):
            if steps is not None and number >= steps:
                break
            self.update_state(batch)
        if not self.built or int(self.count) == 0:
            raise ValueError(f"Normalization '{self.name}': expected data; received none. Pass at least one sample.")
        if self._batch_input_shape is None:  # a Sequential that starts with this layer knows its input
            self.__dict__["_batch_input_shape"] = tuple(self._kept_sizes)
        self.is_adapted = True

    def _batches(self, data: Any, samples: int | None) -> Iterator[Any]:
        if isinstance(data, list | tuple) and not any(np.ndim(part) > 1 for part in data if hasattr(part, "shape")):
            data = np.asarray(data)  # rows, or numbers; arrays of a higher rank in a list are batches
        if hasattr(data, "shape") or hasattr(data, "__array__"):
            yield data if samples is None else data[:samples]
            return
        if isinstance(data, Mapping | str) or not (isinstance(data, Iterable) or hasattr(data, "__getitem__")):
            raise TypeError(
                f"Normalization '{self.name}': expected an array, a tensor or an iterable of batches; "
                f"received {describe(data)}. Adapt one layer for each input."
            )
        for batch in data:
            if isinstance(batch, list | tuple) and len(batch) != 1:
                raise ValueError(
                    f"Normalization '{self.name}': expected batches of inputs alone; received {len(batch)} parts. "
                    "Drop the labels: adapt(x for x, y in data)."
                )
            yield batch[0] if isinstance(batch, list | tuple) else batch

    def reset_state(self) -> None:
        """Forget what was adapted to."""
        if self.adapt_mean is not None:
            self.adapt_mean.assign(torch.zeros_like(self.adapt_mean))
            self.adapt_variance.assign(torch.ones_like(self.adapt_variance))
            self.count.assign(0)
        self.is_adapted = False

    @torch.no_grad()
    def update_state(self, data: Any) -> None:
        """Take one more batch into mean and variance."""
        batch = self._as_batch(data)
        if not self.built:
            self._build_once((None, *batch.shape[1:]))
        wanted = self._kept_sizes
        if batch.dim() != len(wanted) or any(a not in (None, b) for a, b in zip(wanted, batch.shape, strict=True)):
            raise ValueError(
                f"Normalization '{self.name}': expected data of shape {tuple(wanted)}; received "
                f"shape {tuple(batch.shape)}. Adapt to data like the layer's input, or make a new layer."
            )
        axes = [axis for axis, size in enumerate(wanted) if size is None]
        added = math.prod(batch.shape[axis] for axis in axes)
        if not added:
            return
        variance, mean = torch.var_mean(batch, axes, correction=0, keepdim=True)
        total = int(self.count) + added
        share = added / total
        mean, variance = mean.double(), variance.double()
        old_mean, old_variance = self.mean.double(), self.variance.double()
        new_mean = old_mean + (mean - old_mean) * share
        new_variance = (old_variance + (old_mean - new_mean).square()) * (1 - share)
        new_variance += (variance + (mean - new_mean).square()) * share
        self.adapt_mean.assign(new_mean.reshape(self.adapt_mean.shape))
        self.adapt_variance.assign(new_variance.reshape(self.adapt_mean.shape))
        self.count.assign(total)

    def _as_batch(self, data: Any) -> torch.Tensor:
        if not isinstance(data, torch.Tensor):
            data = np.asarray(data)
            if data.dtype.kind not in "fiub":
                raise TypeError(
                    f"Normalization '{self.name}': expected numbers; received {describe(data)}. "
                    "Convert the data to a numeric array."
                )
            data = torch.as_tensor(data)
        return data.to(device=current_device() if self.count is None else self.count.device, dtype=self._dtype)

    def get_config(self) -> dict[str, Any]:
        given = {"mean": self.input_mean, "variance": self.input_variance}
        given = {key: value.tolist() if hasattr(value, "tolist") else value for key, value in given.items()}
        return {**super().get_config(), **given}
