"""Process-wide settings: float type, fuzz factor, image layout, device and random seed."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch

# Tensors of strings need a torch dtype, and torch has none of strings: this one has no arithmetic, and nobody else uses
# it. See kerastorch.core.strings.
STRING = torch.bits8


class Settings:
    """The values that Keras keeps for a process; one instance, `settings`, is shared by the package."""

    def __init__(self) -> None:
        self.floatx = "float32"
        self.epsilon = 1e-7
        self.image_data_format = "channels_last"
        self.device: torch.device | None = None
        self.policy: str | None = None  # the name of the global dtype policy, None where that is `floatx`


settings = Settings()


def floatx() -> str:
    """The default float type of weights and inputs, as a string such as 'float32'."""
    return settings.floatx


def set_floatx(value: str) -> None:
    """Set the default float type: 'float16', 'bfloat16', 'float32' or 'float64'."""
    accepted = ("float16", "bfloat16", "float32", "float64")
    if value not in accepted:
        raise ValueError(f"set_floatx: expected one of {accepted}; received {value!r}.")
    settings.floatx = value


def epsilon() -> float:
    """The small number that keeps logarithms and divisions finite (1e-7)."""
    return settings.epsilon


def set_epsilon(value: float) -> None:
    """Set the fuzz factor that `epsilon()` returns."""
    settings.epsilon = float(value)


def image_data_format() -> str:
    """The default layout of images, 'channels_last' or 'channels_first'."""
    return settings.image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the default layout of images."""
    settings.image_data_format = normalize_data_format(data_format)


def normalize_data_format(value: str | None) -> str:
    """The layout that `value` names, the process default for None."""
    if value is None:
        return settings.image_data_format
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format: expected 'channels_last' or 'channels_first'; received {value!r}.")
    return lowered


def current_device() -> torch.device:
    """The device that new weights and converted data go to: CUDA, else MPS, else the CPU."""
    if settings.device is None:
        if torch.cuda.is_available():
            settings.device = torch.device("cuda")
        elif torch.backends.mps.is_available():
            settings.device = torch.device("mps")
        else:
            settings.device = torch.device("cpu")
    return settings.device


@contextlib.contextmanager
def device(name: str | torch.device) -> Iterator[torch.device]:
    """Create weights and place data on `name` inside the block.

    TensorFlow's spellings ('/GPU:0', '/CPU:0') are understood as well as torch's ('cuda:0').
    Raises ValueError for a device that torch does not know.

    >>> with device("cpu"):
    ...     model = Sequential([Dense(1, input_shape=(2,))])
    """
    previous = settings.device
    settings.device = parse_device(name)
    try:
        yield settings.device
    finally:
        settings.device = previous


def parse_device(name: str | torch.device) -> torch.device:
    """The torch device that a torch or TensorFlow spelling names."""
    if isinstance(name, torch.device):
        return name
    spelling = str(name).lower().rsplit("/", 1)[-1].removeprefix("device:").replace("gpu", "cuda")
    try:
        return torch.device("cpu" if spelling.startswith("cpu") else spelling)
    except RuntimeError as error:
        raise ValueError(f"device: expected a name such as 'cuda:0', 'mps' or 'cpu'; received {name!r}.") from error


def set_random_seed(seed: int) -> None:
    """Seed Python's, NumPy's and torch's generators, so that two runs draw the same numbers."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def torch_dtype(name: str | torch.dtype | np.dtype | type | None) -> torch.dtype:
    """The torch dtype that a Keras dtype (string, numpy or torch) names; None is `floatx()`."""
    if name is None:
        name = settings.floatx
    if isinstance(name, torch.dtype):
        return name
    text = name if isinstance(name, str) else np.dtype(name).name
    if text in ("string", "object", "str") or text.startswith(("str", "bytes")):
        return STRING
    found = getattr(torch, "float32" if text == "float" else text, None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"dtype: expected a name such as 'float32' or 'int64'; received {name!r}.")
    return found


def dtype_name(dtype: torch.dtype) -> str:
    """The Keras name of a torch dtype: 'float32' for torch.float32."""
    return "string" if dtype is STRING else str(dtype).removeprefix("torch.")
