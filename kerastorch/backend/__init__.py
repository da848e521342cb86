"""Keras' backend functions, `K.mean`, `K.batch_dot`, `K.function` ..., with tf.keras' names, arguments and defaults.

They take tensors, arrays, numbers and symbolic tensors; most of them are `kerastorch.ops` under another name.
"""

from __future__ import annotations

from kerastorch.backend import experimental, graphs, neural, session, steps, tensors, variables
from kerastorch.backend.graphs import *  # noqa: F403
from kerastorch.backend.neural import *  # noqa: F403
from kerastorch.backend.session import *  # noqa: F403
from kerastorch.backend.steps import *  # noqa: F403
from kerastorch.backend.tensors import *  # noqa: F403
from kerastorch.backend.variables import *  # noqa: F403

__all__ = [
    "experimental",
    *graphs.__all__,
    *neural.__all__,
    *session.__all__,
    *steps.__all__,
    *tensors.__all__,
    *variables.__all__,
]
