"""The module in which Keras 2.4 to 2.8 had Adamax."""

from kerastorch.optimizers.optimizer_v2.adamax import Adamax

__all__ = ["Adamax"]
