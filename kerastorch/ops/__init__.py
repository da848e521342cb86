"""Functions from tensors to tensors in Keras 3's words: `ops.mean`, `ops.matmul`, `ops.relu`, `ops.where` ...

They take tensors, arrays, numbers and symbolic tensors, and are thin over torch. Whole numbers stay torch's int64.
The modules `windows`, `convolution`, `pooling`, `recurrent`, `attention` and `images` hold what layers are made of.
"""

from __future__ import annotations

from kerastorch.ops import core, image, linalg, nn, numpy
from kerastorch.ops.core import *  # noqa: F403
from kerastorch.ops.nn import *  # noqa: F403
from kerastorch.ops.numpy import *  # noqa: F403

__all__ = ["image", "linalg", "nn", "numpy", *core.__all__, *nn.__all__, *numpy.__all__]
