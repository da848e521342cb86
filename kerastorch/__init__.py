"""Keras 2 (the tf.keras user model) on PyTorch."""

from kerastorch import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    data,
    datasets,
    explain,
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
    preprocessing,
    random,
    regularizers,
    saving,
    utils,
)
from kerastorch._mount import import_on_demand, mount_applications
from kerastorch.core.config import device
from kerastorch.core.variable import Variable
from kerastorch.layers import Input, Layer
from kerastorch.models import Model, Sequential

mount_applications()
__getattr__ = import_on_demand

__version__ = "0.1.0"
__all__ = [
    "Input",
    "Layer",
    "Model",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "datasets",
    "device",
    "explain",
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
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "utils",
]
