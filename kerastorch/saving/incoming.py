"""Configs that all Keras versions have written, in the one form that the layers here understand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kerastorch.layers import layer_registry
from kerastorch.ops import tensorflow_names
from kerastorch.ops.operation import operations
from kerastorch.saving import code
from kerastorch.saving.errors import unsafe

# Deeper nesting than this is no model; Python's own limit would be met in the middle of building.
DEEPEST = 60
# Numbers that constructors of metrics make room for at once; layers ask the file for their weights.
MOST_NUMBERS = 20_000_000
LARGEST_BATCH = 65_536  # of fixed size: stateful layers keep a state for each sample
_BYTES_OF_THRESHOLD = 16  # against the number of a confusion matrix: thresholds are kept in lists, and for several sums

# Words of Keras 3, and of the first Keras 2, for arguments that Keras 2 calls otherwise, by class.
_RENAMED: Mapping[str, Mapping[str, str]] = {
    "Nadam": {"schedule_decay": "decay"},
    "LeakyReLU": {"negative_slope": "alpha"},
    "InputLayer": {"batch_shape": "batch_input_shape"},
}
# What Keras 3.0 called classes.
_CLASSES = {"OrthogonalInitializer": "Orthogonal", "IdentityInitializer": "Identity"}
# What the first Keras 2 did not say, as there was nothing else yet.
_ONCE_FIXED: Mapping[str, Mapping[str, Any]] = {"GRU": {"reset_after": False}, "GRUCell": {"reset_after": False}}
# Arguments of Keras 3 that say nothing here: how weights are quantised, and renormalisation, which is refused below.
_IGNORED = frozenset({"quantization_config", "renorm_clipping", "renorm_momentum", "optional", "lora_rank"})
# Arguments of Keras 3 that say nothing while they are None.
_NONE = frozenset({"input_axes", "output_axes", "loss_scale_factor", "gradient_accumulation_steps"})
_SIZES = ("num_thresholds", "num_labels", "num_classes")
_KEPT = ("class_name", "config", "name", "inbound_nodes", "registered_name")
_KINDS_OF_NUMBERS = "biuf"


class ConfigReader:
    """Turns what was read from JSON into objects of the form {'class_name': ..., 'config': ...}.

    `objects` are the caller's own, by name: the configs of own classes stay as they are, and own functions take the
    place of the code of the Lambda layer that is called like them. Code is refused unless `safe` is False.
    Raises ValueError for what no model needs: too deep, too large, or reading other files.
    """

    def __init__(self, objects: Mapping[str, Any], label: str, safe: bool = True) -> None:
        self.objects, self.label, self.safe = objects, label, safe
        self._numbers = 0

    def read(self, value: Any, depth: int = 0) -> Any:
        """`value` in our form."""
        if depth > DEEPEST:
            raise unsafe(self.label, f"a config of at most {DEEPEST} levels", "a deeper one")
        if isinstance(value, list):
            return [self.read(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        self._count(value)
        name = value.get("class_name")
        if not isinstance(name, str):
            return {key: self.read(item, depth + 1) for key, item in value.items()}
        if name.startswith("Custom>") and name not in self.objects:
            name = name.removeprefix("Custom>")  # tf_keras calls its own optimizers so
        if name not in self.objects:
            name = _CLASSES.get(name, name)
        value = {**value, "class_name": name}
        if name in ("__lambda__", "__marshal__"):
            return self._function(value)
        if name == "function" and isinstance(value.get("config"), str):
            registered = value.get("registered_name")
            return registered if registered in self.objects else value["config"]
        if name in _SPECIAL:
            return _SPECIAL[name](value, lambda item: self.read(item, depth + 1))
        if name in ("TFOpLambda", "SlicingOpLambda") and name not in self.objects:
            return self._operation(value)
        if name == "Lambda" and isinstance(value.get("config"), dict):
            value = {**value, "config": self._with_functions(value["config"])}
        self._check_activations(value)
        result = {key: self.read(item, depth + 1) for key, item in value.items() if key in _KEPT}
        if name in ("Sequential", "Functional") or (name == "Model" and "layers" in (value.get("config") or ())):
            self._check_model(value)
        if self._is_own(value, name):
            result |= {key: self.read(value[key], depth + 1) for key in ("build_config",) if key in value}
        elif isinstance(result.get("config"), dict):
            result["config"] = self._known(name, result["config"])
        return result

    def _check_activations(self, value: Mapping[str, Any]) -> None:
        """Refuse the one function that has the same name in Keras 3, and other values."""
        config = value.get("config")
        if not isinstance(config, dict) or not isinstance(config.get("dtype"), dict):
            return  # Keras 3 alone describes its policies in full
        for key in ("activation", "recurrent_activation"):
            if config.get(key) == "hard_sigmoid" and "hard_sigmoid" not in self.objects:
                raise ValueError(
                    f"{value['class_name']} '{config.get('name')}': expected a function that Keras 2 and 3 both have; "
                    f"received {key}='hard_sigmoid' of Keras 3, whose slope is 1/6 and not 0.2. Pass custom_objects="
                    "{'hard_sigmoid': kerastorch.ops.hard_sigmoid}."
                )

    def _operation(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """A function of TensorFlow that was called on tensors of the model, as ours of the same name."""
        config = value.get("config")
        function = config.get("function") if isinstance(config, dict) else None
        if not isinstance(function, str) or tensorflow_names.PREFIX + function not in operations:
            raise ValueError(
                f"{value['class_name']} '{value.get('name')}': expected a function of tensors that is known here; "
                f"received tf.{str(function)[:80]}. Build the model in code, with a function of torch in its place, "
                "and call load_weights()."
            )
        described = {"name": config.get("name"), "function": tensorflow_names.PREFIX + function}
        kept = {key: item for key, item in value.items() if key in ("name", "inbound_nodes")}
        return {**kept, "class_name": "TorchOp", "config": described}

    def _check_model(self, value: Mapping[str, Any]) -> None:
        config = value.get("config")
        layers = config.get("layers") if isinstance(config, dict) else config
        entries = layers if isinstance(layers, list) else [None]
        if not all(isinstance(entry, dict) and "class_name" in entry for entry in entries):
            raise ValueError(
                f"{value['class_name']}: expected a config with a list of layers; received {str(config)[:80]}."
            )

    def _is_own(self, value: Mapping[str, Any], name: str) -> bool:
        return name in self.objects or value.get("registered_name") in self.objects

    def _known(self, name: str, config: dict[str, Any]) -> dict[str, Any]:
        """The arguments under the names that the class here gives them, without those that say nothing."""
        config = {**_ONCE_FIXED.get(name, {}), **config}
        renamed = {_RENAMED.get(name, {}).get(key, key): value for key, value in config.items() if key not in _IGNORED}
        found = layer_registry.entries.get(name)
        if found is None or not inspect.isclass(found):
            return {key: value for key, value in renamed.items() if key not in _NONE or value is not None}
        if config.get("renorm"):
            raise ValueError(f"BatchNormalization '{config.get('name')}': expected renorm=False; received renorm=True.")
        if isinstance(config.get("vocabulary"), str):
            raise unsafe(self.label, f"the words of {name} in the file", f"the path {config['vocabulary']!r}")
        for key in ("batch_input_shape", "batch_shape", "build_input_shape"):
            shape = config.get(key)
            if isinstance(shape, list | tuple) and shape and _as_count(shape[0]) > LARGEST_BATCH:
                raise unsafe(self.label, f"batches of at most {LARGEST_BATCH} samples", f"{key}={shape}")
        arguments = _arguments(found)
        return {key: value for key, value in renamed.items() if key in arguments or value not in (None, False)}

    def _with_functions(self, config: dict[str, Any]) -> dict[str, Any]:
        """The config of a Lambda layer with functions, or their names, where it has code, or a note on a name."""
        config = dict(config)
        for key in ("function", "output_shape", "mask"):
            module = config.get("module" if key == "function" else f"{key}_module")
            value = config.get(key)
            parts = code.parts_of(value)
            if parts is not None:
                own = self.objects.get(str(config.get("name"))) if key == "function" else None
                config[key] = own if inspect.isroutine(own) else self._function(value, module)
            elif isinstance(value, dict) and value.get("class_name") == "function":
                registered = value.get("registered_name")
                config[key] = registered if registered in self.objects else value.get("config")
        return config

    def _function(self, value: Any, module: Any = None) -> Callable[..., Any]:
        if self.safe:
            raise code.refusal(self.label)
        parts = code.parts_of(value) or {}
        return code.load({"module": module, **parts}, self.objects, self.label)

    def _count(self, value: Mapping[str, Any]) -> None:
        """Add up what metrics make room for: confusion matrices and sums for each threshold."""
        thresholds, labels, classes = (
            _as_count(value.get(f"num_{key}")) for key in ("thresholds", "labels", "classes")
        )
        self._numbers += _BYTES_OF_THRESHOLD * thresholds * max(labels, 1) + classes**2
        if self._numbers > MOST_NUMBERS:
            received = f"{thresholds} thresholds of {labels} labels, {classes} classes"
            raise unsafe(self.label, "metrics of a usual size", received)


def _as_count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _numpy(value: Mapping[str, Any], _: Callable[[Any], Any]) -> Any:
    inner = value["config"]
    dtype = np.dtype(str(inner["dtype"]))
    if dtype.kind not in _KINDS_OF_NUMBERS:
        raise ValueError(f"an array in a config: expected numbers; received dtype {str(inner['dtype'])[:40]!r}.")
    return np.asarray(inner["value"], dtype)


_SPECIAL: Mapping[str, Callable[[Mapping[str, Any], Callable[[Any], Any]], Any]] = {
    "DTypePolicy": lambda value, _: value["config"]["name"],
    "Policy": lambda value, _: value["config"]["name"],
    "__numpy__": _numpy,
    "__tensor__": _numpy,
    "__tuple__": lambda value, again: tuple(again(item) for item in value.get("items", value.get("config"))),
    "__keras_tensor__": lambda value, _: dict(value),
}


def _arguments(owner: type) -> set[str]:
    """The keywords that the constructor of a layer, or of a base that it passes them on to, takes."""
    names = {"name", "trainable", "dtype", "batch_input_shape", "layers", "build_input_shape", "input_layers"}
    names |= {"output_layers"}
    for base in owner.__mro__:
        constructor = base.__dict__.get("__init__")
        if constructor is not None:
            names.update(inspect.signature(constructor).parameters)
    return names
