"""A word about pictures of 0 to 255 for a pretrained network that was trained on others."""

from __future__ import annotations

import warnings
from typing import Any

import torch

from kerastorch.core import nest

LOOKED_AT = 32  # samples
LARGEST = 160.0  # above what any preprocessing leaves; it also leaves negative values


def expect_preprocessed(layer: Any, network: str) -> None:
    """Note at an InputLayer that pictures for the pretrained `network` go through its preprocess_input."""
    layer.__dict__["_pictures_for"] = network


def warn_of_raw_pictures(model: Any, x: Any) -> None:
    """Warn once where the first samples of `x` are plainly unprocessed, and the model begins with such a network."""
    layer = None if model.graph is None or len(model.graph.flat_inputs) != 1 else _noted(model)
    leaves = nest.flatten(x)
    if layer is None or len(leaves) != 1 or not isinstance(leaves[0], torch.Tensor) or not leaves[0].numel():
        return
    low, high = leaves[0][:LOOKED_AT].aminmax()
    if low >= 0 and high > LARGEST:
        network = layer.__dict__["_pictures_for"]
        warnings.warn(
            f"{type(model).__name__} '{model.name}': expected pictures as {network} was trained on them; received "
            f"values from {low:.4g} to {high:.4g}, as files have them. Call the module's preprocess_input first.",
            UserWarning,
            stacklevel=5,
        )
        layer.__dict__["_pictures_for"] = None


def _noted(model: Any) -> Any:
    """The noted InputLayer that pictures get to as they are: the model's own, or that of a model right behind it."""
    (tensor,) = model.graph.flat_inputs
    if tensor.node.layer.__dict__.get("_pictures_for"):
        return tensor.node.layer
    for node in model.graph.nodes:
        inner = getattr(node.layer, "graph", None)
        if inner is not None and [one.key for one in node.inputs] == [tensor.key] and len(inner.flat_inputs) == 1:
            return _noted(node.layer)
    return None
