"""What a model was compiled with, as plain values, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

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


def variables_for_keras_3(optimizer: Any) -> list[torch.Tensor]:
    """The variables of an optimizer in Keras 3's order: the learning rate second, Nadam's product last."""
    found = list(optimizer.variables)
    if isinstance(optimizer, LossScaleOptimizer):
        *_, scale, steps = found
        inner = variables_for_keras_3(optimizer.inner_optimizer)
        return [inner[0], torch.zeros(()), steps, scale, *inner]
    if isinstance(optimizer, optimizers.legacy.Optimizer):
        return found  # which Keras 3 does not have
    if isinstance(optimizer, optimizers.SGD) and not optimizer.momentum:
        found = found[:1]  # tf_keras keeps a slot that it does not use
    if not isinstance(optimizer.get_config()["learning_rate"], Mapping):
        found.insert(1, torch.tensor(float(optimizer.learning_rate)))
    if isinstance(optimizer, optimizers.Nadam):
        found.append(torch.tensor(optimizer.product_after(int(optimizer.iterations))))
    return found


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
    rate, found = _split_rate(found, names)
    now = optimizer.get_config()["learning_rate"]
    # a schedule follows the iterations, and a number of the config is the exact one
    if rate is not None and not isinstance(now, Mapping) and np.float32(now) != np.float32(rate):
        optimizer.learning_rate = rate
    as_found = isinstance(optimizer, optimizers.legacy.Optimizer) or not _by_slot(names)
    mine = optimizer.get_weights()
    if isinstance(optimizer, optimizers.legacy.Nadam) and found[0].shape == ():
        mine[1] = np.float32(optimizer.product_after(int(found[0])))  # before TensorFlow 2 it was not stored
    order = _ordered(found, mine, as_found)
    if order is None:
        return False
    optimizer.set_weights(order)
    return True


def _split_rate(arrays: list[np.ndarray], names: Sequence[str]) -> tuple[float | None, list[np.ndarray]]:
    """The learning rate, which Keras 3 puts behind the iterations, and the other arrays."""
    named = names[1].endswith("learning_rate") if len(names) > 1 else len(arrays) > 1 and arrays[1].dtype.kind == "f"
    if named and arrays[1].shape == ():
        return float(arrays[1]), [arrays[0], *arrays[2:]]
    return None, arrays


def _ordered(found: list[np.ndarray], mine: Sequence[np.ndarray], as_found: bool) -> list[np.ndarray] | None:
    """The arrays in the order of an optimizer that has `mine` now; None where they are those of another one."""
    wanted = [array.shape for array in mine]
    slots = [array for array in found[1:] if array.shape != ()]
    scalars = [array for array in mine[1:] if array.shape == ()]
    candidates = [
        *([found] if as_found else []),
        _by_weight(found),
        *([[mine[0], *found]] if found[0].shape != () else []),  # the first Keras 2 did not store some iterations
        [found[0], *slots],  # Keras 3 keeps Nadam's product, which follows from the iterations
        [found[0], *scalars, *slots],
        found[: len(mine)],  # Keras 2.2 stored slots that it did not use
    ]
    for candidate in candidates:
        if [array.shape for array in candidate] == wanted:
            return candidate
    # without momentum SGD has slots or not, and uses none
    return [found[0], *mine[1:]] if len(found) == 1 and found[0].shape == () else None


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
