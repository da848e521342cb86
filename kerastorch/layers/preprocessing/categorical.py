"""What layers that turn raw values into categories share: words for outputs, adapt, and encodings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import STRING, current_device, floatx, torch_dtype
from kerastorch.core.errors import describe, did_you_mean
from kerastorch.core.strings import as_strings, holds_strings
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import TensorSpec

ENCODINGS = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_OLD_NAMES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


class CategoryLayer(Layer):
    """Base of layers whose output is categories: numbers ('int'), or rows that say which ones are there.

    The dtype is that of the output: int64 for numbers, else `floatx`. Inputs are taken as they are, strings too.
    """

    takes_strings = True
    autocast = False
    _default_encoding = "int"
    _encodings = ENCODINGS

    def __init__(self, output_mode: Any = "int", sparse: bool = False, dtype: Any = None, **kwargs: Any) -> None:
        output_mode = _OLD_NAMES.get(output_mode, output_mode)
        whole = output_mode == "int"
        given = None if dtype is None or dtype == "string" else torch_dtype(getattr(dtype, "name", dtype))
        if given is None or given is STRING or (whole and given.is_floating_point):
            dtype = "int64" if whole else floatx()  # earlier versions wrote the dtype of the input
        super().__init__(dtype=dtype, **kwargs)
        if output_mode not in self._encodings:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected output_mode to be one of {self._encodings}; received "
                f"{output_mode!r}. {did_you_mean(str(output_mode), self._encodings)}"
            )
        if sparse and whole:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected another output_mode than 'int' with sparse=True; "
                f"received output_mode={output_mode!r}. Leave out sparse, or choose 'multi_hot'."
            )
        self.output_mode = output_mode
        self.sparse = bool(sparse)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        first = inputs[0] if isinstance(inputs, list | tuple) else inputs
        return TensorSpec(tuple(self.compute_output_shape(first.shape)), self._output_dtype())

    def _output_dtype(self) -> torch.dtype:
        return self._dtype

    def depth(self) -> int | None:
        """The number of categories, which is the size of the last axis of encoded outputs."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = tuple(input_shape)
        if self.output_mode == "int":
            return shape
        if not shape or (self.output_mode == "one_hot" and shape[-1] != 1):
            return (*shape, self.depth())
        return (*shape[:-1], self.depth())

    def encode(self, indices: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """Category numbers as the output that `output_mode` asks for; numbers of `depth` and more count nowhere."""
        if self.output_mode == "int":
            return indices.to(self._dtype)
        shape = tuple(indices.shape)
        if indices.dim() == 0 or (self.output_mode == "one_hot" and shape[-1] != 1):
            indices = indices.unsqueeze(-1)
        if indices.dim() > 2:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected outputs of rank 2 at most with "
                f"output_mode={self.output_mode!r}; received an input of shape {shape}. Flatten it first."
            )
        if weights is not None and weights.shape != indices.shape:
            weights = weights.reshape(indices.shape)
        counts = counted(indices, self.depth(), self._dtype, weights, self.output_mode in ("one_hot", "multi_hot"))
        return self._finish(counts)

    def _finish(self, counts: torch.Tensor) -> torch.Tensor:
        return counts.to_sparse() if self.sparse else counts


def counted(
    indices: torch.Tensor, depth: int, dtype: torch.dtype, weights: torch.Tensor | None, binary: bool
) -> torch.Tensor:
    """How often, or with `binary` whether, each of `depth` numbers occurs along the last axis."""
    kept = (indices >= 0) & (indices < depth)
    places = torch.where(kept, indices, depth).long()
    counts = torch.zeros((*indices.shape[:-1], depth + 1), dtype=dtype, device=indices.device)
    ones = torch.ones((), dtype=dtype, device=indices.device).expand(places.shape)
    if binary:
        counts.scatter_(-1, places, ones)
    else:
        counts.scatter_add_(-1, places, ones if weights is None else weights.to(dtype))
    return counts[..., :depth]


class AdaptingLayer(CategoryLayer):
    """A category layer that learns its categories by `adapt`."""

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the categories from `data`: an array, a list, a tensor, or a Dataset or other iterable of batches.

        `steps` takes that many batches only, of `batch_size` samples (32) where `data` is an array.
        """
        self.reset_state()
        seen = False
        for batch in islice(self._batches(data, batch_size), steps):
            self._build_for_adapt(batch)
            self.update_state(batch)
            seen = True
        if not seen:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected data; received none. Pass at least one sample."
            )
        self.finalize_state()
        self.is_adapted = True

    is_adapted = False

    def _build_for_adapt(self, batch: torch.Tensor) -> None:
        if not self.built:
            self._build_once((None, *batch.shape[1:]))

    def _batches(self, data: Any, batch_size: int | None) -> Iterator[torch.Tensor]:
        if isinstance(data, Mapping | str | bytes):
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected an array, a list or a Dataset; received "
                f"{describe(data)}. Put a single text into a list."
            )
        if hasattr(data, "to_numpy"):
            data = data.to_numpy()
        listed = isinstance(data, list | tuple) and not (len(data) and hasattr(data[0], "shape") and np.ndim(data[0]))
        if listed or hasattr(data, "shape"):
            whole = self._as_values(data)
            size = batch_size or 32
            if whole.dim() == 0:
                whole = whole.unsqueeze(0)
            yield from whole.split(size) if len(whole) else ()
            return
        if not isinstance(data, Iterable):
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected an array, a list or a Dataset; received "
                f"{describe(data)}. Pass the raw values."
            )
        for batch in data:
            if isinstance(batch, tuple) and len(batch) > 1:
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected batches of inputs alone; received "
                    f"{len(batch)} parts. Drop the labels: adapt(dataset.map(lambda x, y: x))."
                )
            values = self._as_values(batch[0] if isinstance(batch, tuple) else batch)
            yield values.unsqueeze(0) if values.dim() == 0 else values

    def _as_values(self, data: Any) -> torch.Tensor:
        """Raw values as a tensor of strings or numbers."""
        if isinstance(data, torch.Tensor):
            return data.detach()
        if holds_strings(data):
            return as_strings(data)
        array = np.asarray(data)
        if array.dtype == object and array.size and holds_strings(array):
            return as_strings(array)
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"{type(self).__name__} '{self.name}': expected strings or numbers; received {describe(data)}. "
                "Bring all values into one kind."
            )
        return torch.as_tensor(array, device=current_device())

    def reset_state(self) -> None:
        """Forget what was learnt."""

    def update_state(self, data: Any) -> None:
        """Take in one more batch."""
        raise NotImplementedError

    def finalize_state(self) -> None:
        """Make the categories of what was taken in."""
