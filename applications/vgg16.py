"""VGG16 (arXiv:1409.1556)."""

from __future__ import annotations

from typing import Any

from kerastorch.applications.builder import STORAGE, Network, Request, constructor, keras_files
from kerastorch.applications.imagenet_utils import decode_predictions, preprocessing
from kerastorch.applications.torch_weights import TorchNames

from kerastorch import layers

FILTERS = (64, 128, 256, 512, 512)


def vgg(name: str, convolutions: tuple[int, ...], hashes: tuple[str, str]) -> Network:
    """Blocks of 3x3 convolutions with a max pooling after each, then three fully connected layers."""

    def body(x: Any) -> Any:
        for block, (filters, count) in enumerate(zip(FILTERS, convolutions, strict=True), 1):
            for place in range(1, count + 1):
                x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"block{block}_conv{place}")(x)
            x = layers.MaxPooling2D(2, 2, name=f"block{block}_pool")(x)
        return x

    files = keras_files(f"{STORAGE}{name}/", name, hashes)
    names = TorchNames(_modules(convolutions).__getitem__)
    return Network(name, body, files=files, classifier=fully_connected_classifier, torch_names=names)


def _modules(convolutions: tuple[int, ...]) -> dict[str, str]:
    """torchvision's names: its convolutions, activations and poolings are numbered together."""
    found, number = {"fc1": "classifier.0", "fc2": "classifier.3", "predictions": "classifier.6"}, 0
    for block, count in enumerate(convolutions, 1):
        for place in range(1, count + 1):
            found[f"block{block}_conv{place}"] = f"features.{number}"
            number += 2
        number += 1
    return found


def fully_connected_classifier(x: Any, request: Request) -> Any:
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return layers.Dense(request.classes, request.classifier_activation, name="predictions")(x)


VGG16 = constructor(
    "VGG16",
    "VGG16: 13 convolutions and 3 fully connected layers.",
    vgg("vgg16", (2, 2, 3, 3, 3), ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc")),
)
preprocess_input = preprocessing("caffe")

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]
