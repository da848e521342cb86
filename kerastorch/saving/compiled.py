"""What a model was compiled with, as plain values, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerastorch import losses, metrics, optimizers
from kerastorch.core import nest
from kerastorch.core.registry import Registry
from kerastorch.engine.layer_config import serialize_value
from kerastorch.mixed_precision import LossScaleOptimizer

ARGUMENTS = ("loss", "metrics", "loss_weights", "weighted_metrics")


def to_config(model: Any) -> dict[str, Any] | None:
    """Optimizer, loss and metrics of a compiled model; None for one that is not."""
    given = getattr(model, "compile_arguments", None)
    if given is None:
        return None
    optimizer = given["optimizer"]
    config = {name: nest.map_structure(serialize_value, given[name]) for name in ARGUMENTS}
    named = hasattr(optimizer, "get_config")  # torch's own optimizers have none, and are not saved
    return {"optimizer": optimizers.serialize(optimizer) if named else None, **config}


def compile_from(model: Any, config: Mapping[str, Any], objects: Mapping[str, Any]) -> None:
    """Compile `model` as the config says."""
    optimizer = config.get("optimizer")
    arguments = {
        "optimizer": "rmsprop" if optimizer is None else optimizers.deserialize(optimizer, objects),
        "loss": _objects(config.get("loss"), losses.registry, objects),
        "metrics": _objects(config.get("metrics"), metrics.registry, objects),
        "weighted_metrics": _objects(config.get("weighted_metrics"), metrics.registry, objects),
        "loss_weights": config.get("loss_weights"),
    }
    steps = config.get("steps_per_execution")
    model.compile(**arguments, steps_per_execution=steps if isinstance(steps, int) else None)


def _objects(value: Any, registry: Registry, objects: Mapping[str, Any]) -> Any:
    """Names stay names; the configs of objects become objects, in lists and dicts too."""
    if isinstance(value, Mapping):
        if "class_name" in value:
            return registry.from_config(value, objects)
        return {key: _objects(item, registry, objects) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_objects(item, registry, objects) for item in value]
    if isinstance(value, str) and value in objects:
        return objects[value]
    return value


def restore_optimizer(model: Any, arrays: Sequence[np.ndarray], names: Sequence[str] = ()) -> bool:
    """Set the state of the optimizer; False when the arrays are those of another kind of optimizer.

    Keras 3 puts the learning rate second. Optimizers before TensorFlow 2.11 wrote all first moments, then all second
    ones; today's write both moments of a weight together.
    """
    optimizer = model.optimizer
    if not arrays or not hasattr(optimizer, "set_weights"):
        return False
    optimizer.build(model.trainable_weights)
    found = list(arrays)
    if isinstance(optimizer, LossScaleOptimizer):
        found = _take_loss_scale(optimizer, found)
        optimizer = optimizer.inner_optimizer
    mine = [tuple(variable.shape) for variable in optimizer.variables]
    if len(found) == len(mine) + 1 and found[1].shape == ():
        rate = found.pop(1)
        if not isinstance(optimizer.get_config()["learning_rate"], Mapping):  # a schedule follows the iterations
            optimizer.learning_rate = float(rate)
    as_found = isinstance(optimizer, optimizers.legacy.Optimizer) or not _by_slot(names)
    for order in (found, _by_weight(found)):
        if [array.shape for array in order] == mine and (order is not found or as_found):
            optimizer.set_weights(order)
            return True
    return False


def _take_loss_scale(optimizer: LossScaleOptimizer, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Set the loss scale where the arrays hold it, and return those of the inner optimizer.

    We put it last, with the number of steps; Keras 3 begins with iterations, learning rate, steps and scale; tf_keras
    leaves it out.
    """
    known = len(optimizer.inner_optimizer.variables)
    if all(array.shape == () for array in arrays[:6]) and len(arrays) == known + 5:
        steps, scale, arrays = arrays[2], arrays[3], arrays[4:]
    elif len(arrays) == known + 2 and arrays[-1].shape == arrays[-2].shape == ():
        scale, steps, arrays = arrays[-2], arrays[-1], arrays[:-2]
    else:
        return arrays
    if optimizer.dynamic:
        optimizer.set_loss_scale(scale, steps)
    return arrays


def _by_slot(names: Sequence[str]) -> bool:
    """Whether the names end with the slot: 'Adam/dense/kernel/m:0' is of an optimizer before TensorFlow 2.11."""
    return any(name.rpartition("/")[2] in ("m:0", "v:0", "momentum:0", "rms:0", "accumulator:0") for name in names)


def _by_weight(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """(iterations, m of all weights, v of all weights) as (iterations, m and v of the first weight, ...)."""
    first, rest = arrays[:1], arrays[1:]
    half = len(rest) // 2
    if len(rest) % 2:
        return arrays
    return first + [array for pair in zip(rest[:half], rest[half:], strict=True) for array in pair]
