"""Single objects, such as layers and losses, as plain values and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kerastorch import activations, constraints, initializers, losses, metrics, optimizers, regularizers
from kerastorch.core import registry
from kerastorch.core.registry import Registry, custom_object_scope
from kerastorch.engine.layer_config import serialize_value
from kerastorch.layers import deserialize, layer_registry
from kerastorch.saving import dialects
from kerastorch.saving.incoming import ConfigReader

# Where a name is looked for when a config says nothing of its module; some metrics are called like losses.
_REGISTRIES: Mapping[str, Registry] = {
    "layers": layer_registry,
    "losses": losses.registry,
    "metrics": metrics.registry,
    "optimizers": optimizers.registry,
    "schedules": optimizers.schedules.registry,
    "initializers": initializers.registry,
    "regularizers": regularizers.registry,
    "constraints": constraints.registry,
    "activations": activations.registry,
}


def serialize_keras_object(obj: Any) -> Any:
    """Plain values, which JSON can hold, from which `deserialize_keras_object` makes an equal object.

    Lists and dicts may hold objects. Raises TypeError for what has no config.

    >>> serialize_keras_object(losses.MeanSquaredError())["class_name"]
    'MeanSquaredError'
    """
    return dialects.archived(dialects.plain(serialize_value(obj)))


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """The object that `serialize_keras_object`, or any version of Keras, has described; other values as they are.

    Classes are those of the library, registered ones and `custom_objects`; nothing is imported.
    Raises ValueError for an unknown class, and for code unless `safe_mode` is False.

    >>> deserialize_keras_object({"class_name": "Dense", "config": {"units": 4}}).units
    4
    """
    with custom_object_scope(custom_objects):
        label = "deserialize_keras_object"
        modules = [config.get("module")] if isinstance(config, Mapping) else []
        described = ConfigReader(registry.custom_objects, label, safe_mode is not False).read(config)
        return _object(described, str(modules[0]) if modules else "")


def _object(config: Any, module: str) -> Any:
    if isinstance(config, list | tuple):
        return type(config)(_object(item, module) for item in config)
    if not isinstance(config, Mapping):
        return config
    if "class_name" not in config:
        return {key: _object(item, module) for key, item in config.items()}
    name = config["class_name"]
    found = [kind for kind, known in _REGISTRIES.items() if name in known.entries]
    kind = next((kind for kind in found if f".{kind}" in module), found[0] if found else "layers")
    return deserialize(config) if kind == "layers" else _REGISTRIES[kind].from_config(config)
