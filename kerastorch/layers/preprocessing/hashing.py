"""Values of any kind in a fixed number of bins, by their hash."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kerastorch.core.config import current_device
from kerastorch.core.errors import describe
from kerastorch.core.strings import StringTensor, as_strings
from kerastorch.layers.preprocessing.categorical import CategoryLayer
from kerastorch.ops.hashing import fingerprint64, fingerprint_cat64, to_buckets

_KEY = 0xDECAFCAFFE  # TensorFlow's for crossed features


def texts_of(values: torch.Tensor) -> list[bytes]:
    """Strings, or numbers as TensorFlow writes them."""
    if isinstance(values, StringTensor):
        return list(values.values.flat)
    return [str(number).encode() for number in values.flatten().tolist()]


class Hashing(CategoryLayer):
    """A bin below `num_bins` for each string or integer: its FarmHash fingerprint, or with `salt` its SipHash.

    `mask_value` goes to bin 0, which nothing else goes to then. The bins are TensorFlow's.
    Input and output have the same shape; 'one_hot', 'multi_hot' and 'count' give rows.

    >>> Hashing(num_bins=3)([["A"], ["B"], ["C"]]).tolist()
    [[1], [0], [1]]
    """

    _encodings = ("int", "one_hot", "multi_hot", "count")

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(output_mode=output_mode, sparse=sparse, **kwargs)
        if num_bins is None or num_bins <= 0:
            raise ValueError(f"Hashing '{self.name}': expected num_bins of at least 1; received {num_bins!r}.")
        if salt is not None and not isinstance(salt, int) and not (isinstance(salt, list | tuple) and len(salt) == 2):
            raise ValueError(f"Hashing '{self.name}': expected salt as one integer or two; received {salt!r}.")
        self.num_bins = num_bins
        self.mask_value = mask_value
        self.salt = [salt, salt] if isinstance(salt, int) else salt

    def depth(self) -> int:
        return self.num_bins

    def call(self, inputs: Any) -> torch.Tensor:
        if not isinstance(inputs, StringTensor) and inputs.is_floating_point():
            raise TypeError(
                f"Hashing '{self.name}': expected strings or integers; received {describe(inputs)}. Use Discretization "
                "for numbers with a fraction."
            )
        masked = self.mask_value is not None and self.num_bins > 1
        bins = to_buckets(texts_of(inputs), self.num_bins - masked, self.salt).reshape(tuple(inputs.shape))
        if masked:
            values = np.asarray(inputs.values if isinstance(inputs, StringTensor) else inputs.cpu())
            mask = as_strings(self.mask_value).values.item() if isinstance(self.mask_value, str) else self.mask_value
            bins = np.where(values == mask, 0, bins + 1)
        return self.encode(torch.as_tensor(bins, device=current_device()))


class HashedCrossing(CategoryLayer):
    """A bin below `num_bins` for each combination of two or more features, of strings or integers.

    Inputs: a list of tensors, all (batch,) or all (batch, 1). The bins are TensorFlow's.

    >>> HashedCrossing(num_bins=5)([["A", "B"], [101, 101]]).tolist()
    [1, 4]
    """

    _encodings = ("int", "one_hot")

    def __init__(self, num_bins: int, output_mode: str = "int", sparse: bool = False, **kwargs: Any) -> None:
        super().__init__(output_mode=output_mode, sparse=sparse, **kwargs)
        self.num_bins = num_bins

    def depth(self) -> int:
        return self.num_bins

    def _as_tensors(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple) or len(inputs) < 2:
            raise ValueError(
                f"HashedCrossing '{self.name}': expected a list of at least two features; received {describe(inputs)}."
            )
        return [self._as_tensor(np.asarray(one) if isinstance(one, list) else one) for one in inputs]

    def call(self, inputs: Any) -> torch.Tensor:
        shape = inputs[0].shape
        if len(shape) > 2 or (len(shape) == 2 and shape[-1] != 1) or any(one.shape != shape for one in inputs):
            raise ValueError(
                f"HashedCrossing '{self.name}': expected features of one shape, (batch,) or (batch, 1); received "
                f"{[tuple(one.shape) for one in inputs]}."
            )
        if any(one.is_floating_point() for one in inputs):
            raise ValueError(
                f"HashedCrossing '{self.name}': expected strings or integers; received numbers with a fraction. "
                "Put them into bins with Discretization first."
            )
        hashes = np.full(shape.numel(), np.uint64(_KEY))
        for one in inputs:
            hashes = fingerprint_cat64(hashes, self._hashes(one))
        bins = (hashes % np.uint64(self.num_bins)).astype(np.int64).reshape(tuple(shape))
        return self.encode(torch.as_tensor(bins, device=current_device()))

    def _hashes(self, values: torch.Tensor) -> np.ndarray:
        if isinstance(values, StringTensor):
            return fingerprint64(list(values.values.flat))
        return values.flatten().cpu().long().numpy().view(np.uint64)
