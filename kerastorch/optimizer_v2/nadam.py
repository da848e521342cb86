"""The module in which Keras 2.4 to 2.8 had Nadam."""

from kerastorch.optimizers.optimizer_v2.nadam import Nadam

__all__ = ["Nadam"]
