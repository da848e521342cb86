"""The optimizers as they were before Keras 2.11: `decay`, all clips at once, slot after slot in files."""

from __future__ import annotations

from kerastorch.optimizers.optimizer_v2.adadelta import Adadelta
from kerastorch.optimizers.optimizer_v2.adagrad import Adagrad
from kerastorch.optimizers.optimizer_v2.adam import Adam
from kerastorch.optimizers.optimizer_v2.adamax import Adamax
from kerastorch.optimizers.optimizer_v2.ftrl import Ftrl
from kerastorch.optimizers.optimizer_v2.gradient_descent import SGD
from kerastorch.optimizers.optimizer_v2.nadam import Nadam
from kerastorch.optimizers.optimizer_v2.optimizer_v2 import OptimizerV2 as Optimizer
from kerastorch.optimizers.optimizer_v2.rmsprop import RMSprop

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Ftrl", "Nadam", "Optimizer", "RMSprop"]
