"""Numbers by the bin that they fall into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.layers.preprocessing.categorical import AdaptingLayer


class Discretization(AdaptingLayer):
    """The number of the bin of each value; bins lie between `bin_boundaries`, a boundary belongs to the bin above.

    Without boundaries, `adapt` finds `num_bins` with about as many values each; `epsilon` is how exactly.
    'one_hot', 'multi_hot' and 'count' give rows instead of numbers. Input and output have the same shape otherwise.
    Raises ValueError where both or no bins are given.

    >>> Discretization(bin_boundaries=[0.0, 1.0])(torch.tensor([-1.5, 0.0, 3.2]))
    tensor([0, 1, 2])
    """

    takes_strings = False
    _encodings = ("int", "one_hot", "multi_hot", "count")

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        bins = kwargs.pop("bins", None)
        if isinstance(bins, int) and num_bins is None:
            num_bins = bins
        elif bins is not None and bin_boundaries is None:
            bin_boundaries = bins
        super().__init__(output_mode=output_mode, sparse=sparse, **kwargs)
        if num_bins is not None and (bin_boundaries is not None or num_bins < 0):
            raise ValueError(
                f"Discretization '{self.name}': expected either bin_boundaries, or num_bins of at least 0; received "
                f"num_bins={num_bins!r} and bin_boundaries={bin_boundaries!r}."
            )
        if bin_boundaries is not None:
            bin_boundaries = np.asarray(bin_boundaries).tolist()
            if sorted(bin_boundaries) != bin_boundaries:
                raise ValueError(
                    f"Discretization '{self.name}': expected bin_boundaries in rising order; received "
                    f"{bin_boundaries}. Sort them."
                )
        self.input_bin_boundaries = bin_boundaries
        self.bin_boundaries = bin_boundaries if bin_boundaries is not None else []
        self.num_bins = num_bins
        self.epsilon = epsilon
        self.__dict__["summary"] = np.zeros((2, 0), dtype=np.float32)

    def depth(self) -> int:
        return len(self.bin_boundaries) + 1

    def reset_state(self) -> None:
        self.__dict__["summary"] = np.zeros((2, 0), dtype=np.float32)

    def update_state(self, data: Any) -> None:
        """Take one more batch into the summary of all values."""
        if self.input_bin_boundaries is not None or self.num_bins is None:
            raise ValueError(
                f"Discretization '{self.name}': expected num_bins, and no bin_boundaries, to adapt; received "
                f"num_bins={self.num_bins!r} and bin_boundaries={self.input_bin_boundaries!r}."
            )
        values = np.sort(self._as_values(data).float().flatten().cpu().numpy())
        increment = int(np.float32(len(values)) / np.float32(1.0 / self.epsilon))
        step = max(increment, 1)
        kept = values[increment::step]
        added = np.stack([kept, np.full_like(kept, step)])
        merged = np.concatenate([added, self.summary], axis=1)
        merged = merged[:, np.argsort(merged[0], kind="stable")]
        self.__dict__["summary"] = _compressed(merged, self.epsilon)

    def finalize_state(self) -> None:
        if self.input_bin_boundaries is None and self.summary.size and self.num_bins:
            self.bin_boundaries = _compressed(self.summary, 1.0 / self.num_bins)[0, :-1].tolist()

    def call(self, inputs: Any) -> torch.Tensor:
        if not inputs.is_floating_point():
            inputs = inputs.to(torch.float64)
        boundaries = torch.tensor(self.bin_boundaries, dtype=torch.float32, device=inputs.device)
        return self.encode(torch.bucketize(inputs, boundaries.to(inputs.dtype), right=True))

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take over the summary that tf_keras stores, and the bins that follow from it."""
        if "0" in store:
            self.__dict__["summary"] = np.asarray(store["0"], dtype=np.float32)
            self.finalize_state()

    def get_config(self) -> dict[str, Any]:
        # what was learnt is written as if it had been given: that is all there is to keep
        learnt = self.input_bin_boundaries is None and self.bin_boundaries
        config = {
            **super().get_config(),
            "bin_boundaries": self.bin_boundaries if learnt else self.input_bin_boundaries,
        }
        return {**config, "num_bins": None} if learnt else config


def _compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """Values and weights on fewer places, between which the share of the weight below is interpolated."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    below = summary[1].cumsum()
    share_below = below / below[-1]
    values = np.interp(shares, share_below, summary[0])
    weights = np.diff(np.interp(shares, share_below, below), prepend=0)
    return np.stack((values, weights)).astype(np.float32)
