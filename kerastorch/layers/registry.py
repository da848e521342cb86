"""The table by which configs find layers; it stands below the layers, as some of them hold others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerastorch.core.registry import Registry
from kerastorch.engine.layer import Layer

layer_registry = Registry("layer", {})  # filled by kerastorch.layers, and by kerastorch.models with the models


def serialize(layer: Layer) -> dict[str, Any]:
    """{'class_name': ..., 'config': ...} of a layer; with 'build_config' where its author says how it is built."""
    described = layer_registry.serialize(layer)
    if type(layer).build_from_config is not Layer.build_from_config:
        described["build_config"] = layer.get_build_config()
    return described


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """The layer that such a config describes."""
    layer = layer_registry.from_config(config, custom_objects)
    build = config.get("build_config")
    if build is not None and isinstance(layer, Layer) and type(layer).build_from_config is not Layer.build_from_config:
        layer.build_from_config(build)
    return layer
