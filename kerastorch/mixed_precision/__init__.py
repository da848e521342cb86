"""Mixed precision: layers that compute in 16 bits on weights of float32, and scaled losses for float16.

>>> set_global_policy("mixed_bfloat16")
>>> Dense(4)(torch.zeros(2, 3)).dtype
torch.bfloat16
>>> set_global_policy("float32")
"""

from kerastorch.core.policy import Policy, global_policy, set_global_policy
from kerastorch.mixed_precision import experimental
from kerastorch.mixed_precision.loss_scale_optimizer import LossScaleOptimizer

# Keras 3's names
DTypePolicy = Policy
dtype_policy = global_policy
set_dtype_policy = set_global_policy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "experimental",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
