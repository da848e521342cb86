"""The module in which Keras 2.4 to 2.8 had Adadelta."""

from kerastorch.optimizers.optimizer_v2.adadelta import Adadelta

__all__ = ["Adadelta"]
