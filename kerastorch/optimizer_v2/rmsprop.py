"""The module in which Keras 2.4 to 2.8 had RMSprop."""

from kerastorch.optimizers.optimizer_v2.rmsprop import RMSprop

__all__ = ["RMSprop"]
