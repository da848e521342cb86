"""A real architecture in small, and models that have it inside."""

from __future__ import annotations

from typing import Any

from kerastorch.applications import MobileNet

from cases_applications import formula_weights
from kerastorch.layers import Dense, GlobalAveragePooling2D
from kerastorch.models import Sequential


def with_formula_weights(model: Any) -> Any:
    model.set_weights(formula_weights(model))
    return model


def small_base(**options: Any) -> Any:
    """27 convolutions with BatchNormalization, of which weights are all known."""
    options = {"weights": None, "alpha": 0.25, "include_top": False, "input_shape": (32, 32, 3), **options}
    return with_formula_weights(MobileNet(**options))


def nested(base: Any) -> Any:
    return Sequential([base, GlobalAveragePooling2D(), Dense(4, activation="softmax")])
