"""What the suite measures: optimizers in Keras' words beside torch's, and the weights that they step on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Rule:
    """`keras` and `torch` name a class and its arguments; torch's is the fastest form of its rule.

    Where torch lacks the rule, `beside` names the one that stands in for it: the nearest there is.
    """

    limit: float
    keras: tuple[str, dict[str, Any]]
    torch: tuple[str, dict[str, Any]]
    beside: str = field(default="")


FUSED, LISTS = {"fused": True}, {"foreach": True}

RULES: dict[str, Rule] = {
    "SGD": Rule(1.0, ("SGD", {}), ("SGD", FUSED)),
    "SGD, momentum": Rule(1.0, ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, **FUSED})),
    "SGD, Nesterov": Rule(
        1.0, ("SGD", {"momentum": 0.9, "nesterov": True}), ("SGD", {"momentum": 0.9, "nesterov": True, **FUSED})
    ),
    "Adam": Rule(1.0, ("Adam", {}), ("Adam", FUSED)),
    "Adam, amsgrad": Rule(1.0, ("Adam", {"amsgrad": True}), ("Adam", {"amsgrad": True, **FUSED})),
    "AdamW": Rule(1.0, ("AdamW", {"weight_decay": 0.01}), ("AdamW", {"weight_decay": 0.01, **FUSED})),
    "Adagrad": Rule(1.2, ("Adagrad", {}), ("Adagrad", {"initial_accumulator_value": 0.1, **FUSED})),
    "RMSprop": Rule(1.0, ("RMSprop", {}), ("RMSprop", LISTS)),
    "RMSprop, centered, momentum": Rule(
        1.0,
        ("RMSprop", {"centered": True, "momentum": 0.9}),
        ("RMSprop", {"centered": True, "momentum": 0.9, **LISTS}),
    ),
    "Nadam": Rule(1.0, ("Nadam", {}), ("NAdam", LISTS)),
    "Adamax": Rule(1.0, ("Adamax", {}), ("Adamax", LISTS)),
    "Adadelta": Rule(1.0, ("Adadelta", {}), ("Adadelta", LISTS)),
    "Adafactor": Rule(1.0, ("Adafactor", {}), ("Adafactor", LISTS)),
    "Ftrl": Rule(1.2, ("Ftrl", {}), ("Adagrad", LISTS), "Adagrad"),
    "Lion": Rule(1.2, ("Lion", {}), ("SGD", {"momentum": 0.9, **LISTS}), "SGD with momentum"),
}

MODELS = {"an MLP": 200, "ResNet50": 2}  # with the steps of one piece


def shapes(model: str) -> list[tuple[int, ...]]:
    """The shapes of the trainable weights, kernels as (out, in, height, width) and (out, in)."""
    return [(128, 784), (128,), (10, 128), (10,)] if model == "an MLP" else list(_resnet50())


def _resnet50() -> Iterator[tuple[int, ...]]:
    def convolution(filters: int, channels: int, size: int) -> list[tuple[int, ...]]:
        return [(filters, channels, size, size), (filters,), (filters,)]  # with scale and offset of its normalization

    yield from convolution(64, 3, 7)
    channels = 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 * 2**stage
        for block in range(blocks):
            yield from convolution(width, channels, 1)
            yield from convolution(width, width, 3)
            yield from convolution(4 * width, width, 1)
            if block == 0:
                yield from convolution(4 * width, channels, 1)
            channels = 4 * width
    yield from [(1000, channels), (1000,)]
