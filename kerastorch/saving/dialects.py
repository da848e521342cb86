"""Configs of ours in words that tf_keras and Keras 3 understand."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from kerastorch import constraints, initializers, losses, metrics, optimizers, regularizers
from kerastorch.core.config import dtype_name
from kerastorch.core.registry import Registry, custom_objects, registered_name
from kerastorch.engine.layer import Layer
from kerastorch.layers import layer_registry
from kerastorch.saving import code


def describe(model: Any) -> dict[str, Any]:
    """The architecture of a model as plain values."""
    described = {"class_name": registered_name(type(model)), "config": model.get_config()}
    if model.graph is None:  # a model that is no graph does not ask for its weights itself
        own = type(model).build_from_config is not Layer.build_from_config
        described["build_config"] = model.get_build_config() if own else {"input_shape": model._built_shape}
    return plain(described)


def plain(value: Any) -> Any:
    """`value` as JSON gives it back."""
    return json.loads(json.dumps(value, default=_to_plain))


def archived(value: Any, functions: bool = True) -> Any:
    """A config as it stands in a .keras archive: objects name the module in which Keras finds their class.

    Registered `functions` become objects too, but not in HDF5 files, for whose reader their names are enough.
    """
    if isinstance(value, list | tuple):
        return [archived(item, functions) for item in value]
    if (
        functions
        and isinstance(value, str)
        and inspect.isroutine(found := custom_objects.get(value) if ">" in value else None)
    ):
        return {"module": None, "class_name": "function", "config": found.__name__, "registered_name": value}
    if not isinstance(value, dict):
        return value
    result = {key: archived(item, functions) for key, item in value.items()}
    name = value.get("class_name")
    if isinstance(name, str) and isinstance(value.get("config"), dict) and not name.startswith("__"):
        own = ">" in name
        name = "Model" if name == "Functional" else name  # the one public name of it that all Keras versions have
        result["module"] = None if own else _module_of(name, value["config"])
        result["class_name"] = name.rpartition(">")[2]
        result["registered_name"] = value["class_name"] if own else None
    return result


def _module_of(name: str, config: Mapping[str, Any]) -> str:
    if name in ("Sequential", "Model"):
        return "keras"
    if name in optimizers.registry.entries and "decay" in config and "weight_decay" not in config:
        return "keras.optimizers.legacy"
    if name in losses.registry.entries and name in metrics.registry.entries:
        return "keras.losses" if "reduction" in config else "keras.metrics"
    return next((module for module, known in _HOMES.items() if name in known.entries), "keras")


_HOMES: Mapping[str, Registry] = {
    "keras.layers": layer_registry,
    "keras.initializers": initializers.registry,
    "keras.regularizers": regularizers.registry,
    "keras.constraints": constraints.registry,
    "keras.losses": losses.registry,
    "keras.metrics": metrics.registry,
    "keras.optimizers": optimizers.registry,
    "keras.optimizers.schedules": optimizers.schedules.registry,
}


def exchanged(value: Any, for_keras_3: bool) -> Any:
    """A config of ours in words that tf_keras and Keras 3 both understand.

    They count the calls of a nested Sequential differently where it has an Input, so it is written without; and
    each refuses some arguments of the other, which are left out where they say nothing. Nested functional models they
    count differently in any case: a file is `for_keras_3` or for tf_keras.
    """
    if isinstance(value, list | tuple):
        return [exchanged(item, for_keras_3) for item in value]
    if not isinstance(value, dict):
        return value
    result = {key: exchanged(item, for_keras_3) for key, item in value.items()}
    name, config = result.get("class_name"), result.get("config")
    if name == "Policy":
        return config["name"]  # which both read; Keras 3 does not know tf_keras' class
    if isinstance(name, str) and isinstance(config, dict):
        if name == "LossScaleOptimizer" and not for_keras_3:
            result["class_name"] = "LossScaleOptimizerV3"  # tf_keras has one of the first name for older optimizers
        silent = _SILENT_IN_OPTIMIZERS if name.lower() in optimizers.registry.entries else {}
        silent = {**silent, **_SILENT.get(name, {})}
        if for_keras_3:
            silent = {**silent, **dict.fromkeys(_OF_TF_KERAS, ...)}
        if name in optimizers.schedules.registry.entries:
            silent = {"name": None}
        result["config"] = {k: v for k, v in config.items() if k not in silent or silent[k] not in (v, ...)}
        if name != "InputLayer":
            result["config"].pop("batch_input_shape", None)
        if "output_layers" in config:
            _count_calls(result["config"], for_keras_3)
    return result


_RECURRENT: Mapping[str, Any] = {"time_major": False, "implementation": 2}
_SEPARABLE: Mapping[str, Any] = {
    "groups": 1,
    "kernel_initializer": ...,
    "kernel_regularizer": None,
    "kernel_constraint": None,
}
# What only one of the two knows, with the value that it has anyway, or ... where no value says anything.
_SILENT: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("RNN", "SimpleRNN", "LSTM", "GRU", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _RECURRENT),
    **dict.fromkeys(("LSTMCell", "GRUCell"), {"implementation": 2}),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D"), _SEPARABLE),
    "InputLayer": {"ragged": False, "sparse": False},
    "Embedding": {"input_length": None},
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), {"groups": 1}),
    "MultiHeadAttention": {"softmax_robust_masking": False},
    "LossScaleOptimizer": {"dynamic": True},
}
# tf_keras cannot do without these, and Keras 3 refuses them.
_OF_TF_KERAS = ("is_legacy_optimizer", "query_shape", "value_shape", "key_shape", "rng_type")
_SILENT_IN_OPTIMIZERS: Mapping[str, Any] = {
    "jit_compile": ...,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


def _count_calls(config: dict[str, Any], for_keras_3: bool) -> None:
    without_input, functional = set(), set()
    for entry in config["layers"]:
        inner = entry["config"].get("layers") if entry["class_name"] == "Sequential" else None
        if inner and inner[0]["class_name"] == "InputLayer":
            entry["config"]["layers"] = inner[1:]
            without_input.add(entry["config"]["name"])
        if for_keras_3 and "output_layers" in entry["config"]:
            functional.add(entry["config"]["name"])
    layers = {entry["config"]["name"] for entry in config["layers"]}
    calls = [call for entry in config["layers"] for call in entry["inbound_nodes"]]
    own_form = for_keras_3 and (functional or any(_has_tensor_keywords(call, layers) for call in calls))
    for entry in config["layers"]:
        entry["inbound_nodes"] = _shift(entry["inbound_nodes"], without_input | functional)
        if own_form:
            entry["inbound_nodes"] = [_call_of_keras_3(call, layers) for call in entry["inbound_nodes"]]
    config["output_layers"] = _shift(config["output_layers"], without_input)


def _is_reference(value: Any, layers: set[str]) -> bool:
    listed = isinstance(value, list) and len(value) in (3, 4) and isinstance(value[1], int)
    return listed and isinstance(value[0], str) and value[0] in layers


def _keywords(call: Any, layers: set[str]) -> dict[str, Any]:
    """The keywords of a call, which stand at its first tensor."""
    if _is_reference(call, layers):
        return call[3] if len(call) == 4 else {}
    parts = call.values() if isinstance(call, dict) else call if isinstance(call, list) else ()
    return next((found for part in parts if (found := _keywords(part, layers))), {})


def _has_tensor_keywords(call: Any, layers: set[str]) -> bool:
    return any(_refers(value, layers) for value in _keywords(call, layers).values())


def _refers(value: Any, layers: set[str]) -> bool:
    if _is_reference(value, layers):
        return True
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_refers(part, layers) for part in parts)


def _call_of_keras_3(call: Any, layers: set[str]) -> Any:
    """A call in Keras 3's own form, which can have tensors among the keywords."""

    def revived(value: Any) -> Any:
        if _is_reference(value, layers):
            history = {"shape": [None], "dtype": "float32", "keras_history": value[:3]}
            return {"class_name": "__keras_tensor__", "config": history}
        if isinstance(value, dict):
            return {key: revived(item) for key, item in value.items()}
        return [revived(item) for item in value] if isinstance(value, list) else value

    single = isinstance(call, list) and len(call) == 1 and _is_reference(call[0], layers)
    arguments = revived(call[0] if single else call)
    return {"args": [arguments], "kwargs": revived(_keywords(call, layers))}


def _shift(value: Any, layers: set[str]) -> Any:
    """References [layer, call, tensor, ...] to these layers with the number of the call lowered by one."""
    if isinstance(value, dict):
        return {key: _shift(item, layers) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    shifted = [_shift(item, layers) for item in value]
    if len(value) in (3, 4) and isinstance(value[0], str) and value[0] in layers and isinstance(value[1], int):
        shifted[1] -= 1
    return shifted


def _to_plain(value: Any) -> Any:
    """What JSON cannot hold, as what it can."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | torch.Tensor):
        return value.tolist()
    if isinstance(value, torch.dtype):
        return dtype_name(value)
    if code.is_nameless(value):
        return code.dump(value)
    if callable(value) and hasattr(value, "__name__"):
        return registered_name(value)
    raise TypeError(f"save: expected values that JSON can hold; received {value!r} of type {type(value).__name__}.")
