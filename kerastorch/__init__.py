"""Keras 2 (the tf.keras user model) on PyTorch."""

from kerastorch import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    objectives,
    ops,
    optimizer_v2,
    optimizers,
    random,
    regularizers,
    saving,
    utils,
)
from kerastorch._mount import mount_applications
from kerastorch.core.config import device
from kerastorch.core.variable import Variable
from kerastorch.layers import Input, Layer
from kerastorch.models import Model, Sequential

mount_applications()

__version__ = "0.1.0"
__all__ = [
    "Input",
    "Layer",
    "Model",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "device",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "objectives",
    "ops",
    "optimizer_v2",
    "optimizers",
    "random",
    "regularizers",
    "saving",
    "utils",
]
