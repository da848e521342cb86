"""The module in which Keras 2.4 to 2.8 had OptimizerV2."""

from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2

__all__ = ["OptimizerV2"]
