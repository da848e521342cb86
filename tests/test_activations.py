"""Activations against tf_keras: values and gradients, by name and with arguments."""

from __future__ import annotations

import pytest
import torch

import kerastorch as keras
from cases_functions import ACTIVATIONS, COTANGENT, activation_input
from support import Golden, assert_close

GOLDEN = Golden("functions")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_gradient(name: str) -> None:
    x = torch.from_numpy(activation_input()).requires_grad_()
    output = ACTIVATIONS[name](keras, x) * torch.from_numpy(COTANGENT)
    assert_close(output, GOLDEN[f"activations/{name}"], 1e-5, "value")
    output.sum().backward()
    assert_close(x.grad, GOLDEN[f"activations/{name}/gradient"], 1e-4, "gradient")


# tf.keras knows these by name alone, or under another name.
UNLISTED = {"none", "silu", "leaky_relu", "relu6", "log_softmax"}


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if "-" not in name and name not in UNLISTED])
def test_names(name: str) -> None:
    function = keras.activations.get(name)
    assert function is getattr(keras.activations, name)
    assert keras.activations.serialize(function) == name
    assert keras.activations.deserialize(name) is function


def test_get_passes_functions_through() -> None:
    def double(x: torch.Tensor) -> torch.Tensor:
        return x * 2

    assert keras.activations.get(double) is double
    with pytest.raises(ValueError, match="relu"):
        keras.activations.get("rellu")
