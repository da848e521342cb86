"""The module in which Keras 2.4 to 2.8 had SGD."""

from kerastorch.optimizers.optimizer_v2.gradient_descent import SGD

__all__ = ["SGD"]
