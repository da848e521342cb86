"""Every test starts from the same state: one thread, fixed seeds, names that count from zero."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import kerastorch as keras

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fresh_state() -> Iterator[None]:
    keras.backend.clear_session()
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
