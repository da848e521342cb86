"""The module in which Keras 2.4 to 2.8 had Adam."""

from kerastorch.optimizers.optimizer_v2.adam import Adam

__all__ = ["Adam"]
