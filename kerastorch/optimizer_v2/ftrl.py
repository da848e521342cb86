"""The module in which Keras 2.4 to 2.8 had Ftrl."""

from kerastorch.optimizers.optimizer_v2.ftrl import Ftrl

__all__ = ["Ftrl"]
