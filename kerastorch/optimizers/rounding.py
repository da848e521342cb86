"""Numbers as Keras computes them: in the dtype of the weights, not in Python's."""

from __future__ import annotations

import numpy as np
import torch


def rounded_to(dtype: torch.dtype, number: float) -> float:
    """`number` as a weight of this dtype would hold it; float64 keeps it, anything else counts as float32."""
    return number if dtype == torch.float64 else float(np.float32(number))


def power_in(dtype: torch.dtype, base: float, exponent: float) -> float:
    """`base ** exponent` with base and result rounded: 1 - 0.999 is off by 1e-5 that way, which early steps show."""
    return rounded_to(dtype, rounded_to(dtype, base) ** exponent)
