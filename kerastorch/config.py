"""Keras 3's `keras.config`: the settings of a process."""

from __future__ import annotations

import torch

from kerastorch.backend import backend
from kerastorch.core.config import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from kerastorch.core.policy import global_policy as dtype_policy
from kerastorch.core.policy import set_global_policy as set_dtype_policy


def enable_op_determinism() -> None:
    """Let the same program compute the same bits in each run, on the same machine, by torch's deterministic kernels.

    Operations that have none raise RuntimeError; on NVIDIA's GPUs torch asks for CUBLAS_WORKSPACE_CONFIG=:4096:8 in
    the environment. Random numbers repeat after `utils.set_random_seed`.

    >>> enable_op_determinism()
    >>> torch.are_deterministic_algorithms_enabled()
    True
    >>> torch.use_deterministic_algorithms(False)
    """
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


__all__ = [
    "backend",
    "dtype_policy",
    "enable_op_determinism",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]
