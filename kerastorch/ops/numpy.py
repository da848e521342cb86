"""All functions that go by NumPy's names, as `keras.ops.numpy` has them."""

from __future__ import annotations

from kerastorch.ops import arrays, creation, elementwise, linalg, reductions
from kerastorch.ops.arrays import *  # noqa: F403
from kerastorch.ops.creation import *  # noqa: F403
from kerastorch.ops.elementwise import *  # noqa: F403
from kerastorch.ops.linalg import *  # noqa: F403
from kerastorch.ops.reductions import *  # noqa: F403

__all__ = [*arrays.__all__, *creation.__all__, *elementwise.__all__, *linalg.__all__, *reductions.__all__]
