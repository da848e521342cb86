"""The networks of `applications` that tests compare with tf_keras, and how a model is described in few bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from support import normal

NETWORKS = (
    *("VGG16", "VGG19", "ResNet50", "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2"),
    *("InceptionV3", "InceptionResNetV2", "Xception", "MobileNet", "MobileNetV2"),
    *("MobileNetV3Small", "MobileNetV3Large", "DenseNet121", "DenseNet169", "DenseNet201"),
    *("NASNetMobile", "NASNetLarge"),
    *(f"EfficientNetB{number}" for number in range(8)),
    *(f"EfficientNetV2{variant}" for variant in ("B0", "B1", "B2", "B3", "S", "M", "L")),
    *(f"ConvNeXt{variant}" for variant in ("Tiny", "Small", "Base", "Large", "XLarge")),
    *(
        f"RegNet{kind}{size}"
        for kind in "XY"
        for size in ("002", "004", "006", "008", "016", "032", "040", "064", "080", "120", "160", "320")
    ),
    *(f"ResNetRS{depth}" for depth in (50, 101, 152, 200, 270, 350, 420)),
)
SMALL = {"input_shape": (64, 64, 3)}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("VGG16", {"include_top": False, "pooling": "max", **SMALL}),
    ("ResNet50", {"include_top": False, "pooling": "avg"}),
    ("ResNet50V2", {"include_top": False, "pooling": "max"}),
    ("InceptionV3", {"include_top": False, "pooling": "avg", "input_shape": (84, 84, 3)}),
    ("MobileNet", {"alpha": 0.25, "classes": 10, "depth_multiplier": 2, "dropout": 0.3, **SMALL}),
    ("MobileNet", {"alpha": 0.5, "include_top": False, "pooling": "max", "input_shape": (128, 128, 1)}),
    ("MobileNetV2", {"alpha": 0.35, "input_shape": (96, 96, 3), "classes": 7}),
    ("MobileNetV2", {"alpha": 1.4, "include_top": False, "pooling": "avg"}),
    ("MobileNetV3Small", {"alpha": 0.75, "minimalistic": True}),
    (
        "MobileNetV3Large",
        {
            "minimalistic": True,
            "include_top": False,
            "pooling": "avg",
            "include_preprocessing": False,
            "input_shape": (96, 96, 3),
        },
    ),
    ("MobileNetV3Large", {"alpha": 1.25, "classes": 5, "dropout_rate": 0.0, "classifier_activation": None, **SMALL}),
    ("DenseNet121", {"include_top": False, "pooling": "max", **SMALL}),
    ("EfficientNetB0", {"include_top": False, "pooling": "avg", "input_shape": (65, 64, 3)}),
    ("EfficientNetB3", {"classes": 3, "drop_connect_rate": 0.1, **SMALL}),
    ("InceptionResNetV2", {"include_top": False, "pooling": "max", "input_shape": (75, 75, 3)}),
    ("Xception", {"include_top": False, "pooling": "avg", "input_shape": (71, 71, 3)}),
    ("NASNetMobile", {"include_top": False, "pooling": "max", "input_shape": (50, 51, 3)}),
    ("EfficientNetV2B0", {"include_top": False, "pooling": "max", "include_preprocessing": False}),
    ("EfficientNetV2B1", {"classes": 3, "input_shape": (64, 64, 1)}),
    ("ConvNeXtTiny", {"include_top": False, "pooling": "avg", "include_preprocessing": False}),
    ("ConvNeXtTiny", {"classes": 4, **SMALL}),
    ("RegNetX002", {"include_top": False, "pooling": "avg", "include_preprocessing": False}),
    ("RegNetY002", {"classes": 4, **SMALL}),
    ("ResNetRS50", {"include_top": False, "pooling": "max", "include_preprocessing": False}),
    ("ResNetRS50", {"classes": 4, "input_shape": (64, 64, 1)}),
]
# arguments, the gain of the weights that keeps the pictures apart, and whether it takes more than some seconds
NUMBERS: dict[str, tuple[dict[str, Any], float, bool]] = {
    "MobileNet": ({"alpha": 0.25, **SMALL}, 2.0, False),
    "ResNet50": (SMALL, 1.0, False),
    "InceptionV3": ({"input_shape": (75, 75, 3)}, 3.0, False),
    "EfficientNetB0": (SMALL, 3.0, False),
    "MobileNetV2": ({"alpha": 0.35, **SMALL}, 2.0, False),
    "MobileNetV3Small": (SMALL, 2.0, False),
    "RegNetY002": (SMALL, 1.0, False),
    "VGG16": ({"input_shape": (32, 32, 3)}, 2.0, True),
    "ResNet50V2": (SMALL, 1.0, True),
    "InceptionResNetV2": ({"input_shape": (75, 75, 3)}, 1.0, True),
    "Xception": ({"input_shape": (71, 71, 3)}, 1.0, True),
    "DenseNet121": (SMALL, 2.0, True),
    "MobileNetV3Large": (SMALL, 2.0, True),
    "NASNetMobile": (SMALL, 1.0, True),
    "EfficientNetV2B0": (SMALL, 1.6, True),
    "EfficientNetV2S": (SMALL, 1.4, True),
    "ConvNeXtTiny": (SMALL, 2.0, True),
    "RegNetX002": (SMALL, 1.0, True),
    "ResNetRS50": (SMALL, 1.5, True),
}
# what a layer's config says in both libraries in the same words
FACTS = (
    *("kernel_size", "strides", "padding", "groups", "depth_multiplier", "use_bias", "activation", "filters", "units"),
    *("epsilon", "momentum", "center", "rate", "noise_shape", "pool_size", "max_value", "offset", "keepdims"),
    *("cropping", "mean", "variance", "drop_path_rate", "init_values", "target_shape"),
)


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every network with and without its classifier, then the variants."""
    for name in NETWORKS:
        yield name, {"include_top": True}
        yield name, {"include_top": False}
    yield from VARIANTS


def case_key(name: str, options: dict[str, Any]) -> str:
    return f"{name} {json.dumps(options, sort_keys=True)}"


def callers(inbound: Any) -> list[str]:
    """The names of the layers in the inbound nodes of a config, constants left out."""
    if isinstance(inbound, dict):
        return [name for value in inbound.values() for name in callers(value)]
    if not isinstance(inbound, list | tuple):
        return []
    if len(inbound) >= 3 and isinstance(inbound[0], str) and isinstance(inbound[1], int):
        return [name for name in (inbound[0],) if name != "_CONSTANT_VALUE"] + callers(inbound[3:])
    return [name for value in inbound for name in callers(value)]


def layer_rows(model: Any) -> list[list[Any]]:
    """For each layer in order: name, inputs, options, and its weights with their shapes."""
    rows = []
    for layer, entry in zip(model.layers, model.get_config()["layers"], strict=True):
        facts = [[key, entry["config"].get(key)] for key in FACTS if not isinstance(entry["config"].get(key), dict)]
        weights = [[weight.name, list(weight.shape)] for weight in layer.weights]
        rows.append([layer.name, callers(entry["inbound_nodes"]), facts, weights])
    return rows


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def describe(model: Any) -> dict[str, Any]:
    """What must be equal, the long parts as hashes."""
    rows = layer_rows(model)
    return {
        "name": model.name,
        "layers": len(rows),
        "names": digest([row[0] for row in rows]),
        "graph": digest([row[1] for row in rows]),
        "options": digest([row[2] for row in rows]),
        "layer_weights": digest([row[3] for row in rows]),
        "weights": digest([list(weight.shape) for weight in model.weights]),
        "input_shape": list(model.input_shape),
        "output_shape": list(model.output_shape),
    }


def formula_weights(model: Any, gain: float = 2.0) -> list[np.ndarray]:
    """Weights by a formula from each one's place, name and shape; `gain` is the variance that a kernel multiplies."""
    values = []
    for place, weight in enumerate(model.weights):
        name, shape = weight.name.split("/")[-1].split(":")[0], tuple(weight.shape)
        if name == "count":
            values.append(np.zeros(shape, "int64"))
            continue
        noise = normal(f"{place} {name}", shape)
        if "kernel" in name:
            fan_in = np.prod(shape[:2]) if name == "depthwise_kernel" else np.prod(shape[:-1])
            noise = noise * np.float32((gain / fan_in) ** 0.5)
        elif name in ("gamma", "moving_variance", "variance"):
            noise = 1.0 + 0.2 * np.tanh(noise)
        else:
            noise = 0.1 * noise
        values.append(noise.astype("float32"))
    return values


def numbers(keras: Any, name: str) -> np.ndarray:
    """The mean features of two pictures of coarse noise."""
    options, gain, _ = NUMBERS[name]
    model = getattr(keras.applications, name)(weights=None, include_top=False, pooling="avg", **options)
    model.set_weights(formula_weights(model, gain))
    rows, columns, _ = options["input_shape"]
    pictures = normal("pictures", (2, 9, 9, 3)).repeat(9, axis=1).repeat(9, axis=2)[:, :rows, :columns]
    if any(layer.__class__.__name__ == "Rescaling" for layer in model.layers):
        pictures = pictures * 60.0 + 120.0
    return np.asarray(model.predict(pictures, verbose=0))


# --- against tf_keras in another process -----------------------------------------------------------------------------

# those whose training draws no random numbers, or with options by which it draws none
TRAINED: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("VGG16", "ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2", "Xception")},
    **{name: {} for name in ("MobileNet", "MobileNetV2", "MobileNetV3Small", "DenseNet121", "NASNetMobile")},
    "RegNetY002": {},
    "EfficientNetB0": {"drop_connect_rate": 0.0},
}
# where 64 is too small, or leaves one place whose statistics over four pictures magnify what rounding leaves
LARGER = {"InceptionV3": 139, "InceptionResNetV2": 139, "Xception": 96}


def parity_options(name: str) -> dict[str, Any]:
    """Small pictures, and no random numbers in training."""
    size = LARGER.get(name, 64)
    return {"input_shape": [size, size, 3], **TRAINED.get(name, {})}


def shaken(model: Any) -> list[np.ndarray]:
    """The model's weights, with noise in those that start from a constant."""
    values = []
    for place, (weight, value) in enumerate(zip(model.weights, model.get_weights(), strict=True)):
        name = weight.name.split("/")[-1].split(":")[0]
        constant = name != "count" and value.size > 1 and np.ptp(value) == 0 and value.dtype.kind == "f"
        noise = np.tanh(normal(f"{place} {name}", value.shape)) if constant else 0.0
        values.append((value + 0.1 * np.abs(value).max() * noise + 0.01 * noise).astype(value.dtype))
    return values


def training_data(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Four pictures of coarse noise and what the features should be."""
    rows, columns, _ = model.input_shape[1:]
    x = normal("pictures", (4, 18, 18, 3)).repeat(8, axis=1).repeat(8, axis=2)[:, :rows, :columns]
    if any(layer.__class__.__name__ in ("Rescaling", "Normalization") for layer in model.layers[:4]):
        x = x * 60.0 + 120.0
    return x, normal("targets", (4, model.output_shape[-1]))
