"""The module in which Keras 2.4 to 2.8 had Adagrad."""

from kerastorch.optimizers.optimizer_v2.adagrad import Adagrad

__all__ = ["Adagrad"]
