"""Weights of the same architecture in torch's names and layouts, put into a network."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from kerastorch.layers import BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Flatten

Names = Callable[[str], str]


class TorchNames(NamedTuple):
    """What a network is called in torch: the name of the module for a layer, and the epsilon of its normalisation.

    `refusal` says, in place of names, why the weights of torchvision's network do not fit.
    """

    module_of: Names | None = None
    epsilon: float | None = None
    refusal: str = ""


def read_old_torch_file(path: Path, owner: str) -> Mapping[str, torch.Tensor]:
    """The state_dict in a file of torch before 1.6; only tensors and plain values are unpickled."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise ValueError(
            f"{owner}: expected tensors by name in '{path}'; received a file that holds more, or that is damaged: "
            f"{str(error).splitlines()[0]} Take a file that torch.save has written from a state_dict."
        ) from error
    if not isinstance(state, Mapping):
        raise ValueError(f"{owner}: expected tensors by name in '{path}'; received {type(state).__name__}.")
    return state


def load_state_dict(owner: str, model: Any, state: Mapping[str, torch.Tensor], names: TorchNames) -> None:
    """Copy a state_dict into `model`; nothing is changed when a layer does not fit.

    Raises ValueError for a network of another architecture, with the reason, and for weights that are missing, have
    another shape or are left over.
    """
    own = model.state_dict()
    if own.keys() <= state.keys():  # of this library, with a classifier that is not wanted perhaps
        model.load_state_dict({key: state[key] for key in own})
        return
    if names.module_of is None:
        reason = names.refusal or "no network of torch with this architecture is known here"
        raise ValueError(
            f"{owner}: expected a file of Keras' weights, or a state_dict of this very architecture; received a "
            f"state_dict of {len(state)} tensors, and {reason}. Use torch's network itself: models take any "
            "torch.nn.Module as a layer."
        )
    left = dict.fromkeys(key for key in state if not key.endswith("num_batches_tracked"))
    found = []
    for layer in model.layers:
        if layer.weights:
            module = names.module_of(layer.name)
            found += _pairs(owner, model, layer, module, state, names.epsilon)
            for key in [key for key in left if key.rpartition(".")[0] == module]:
                del left[key]
    with_top = any(layer.name == "predictions" for layer in model.layers)
    if left and with_top:
        raise ValueError(
            f"{owner}: expected the weights of this network alone; received {len(left)} tensors more, the first of "
            f"them {next(iter(left))!r}. Take the state_dict of the same architecture."
        )
    with torch.no_grad():
        for weight, value in found:
            weight.copy_(value)


def _pairs(
    owner: str, model: Any, layer: Any, module: str, state: Mapping[str, torch.Tensor], epsilon: float | None
) -> list[tuple[Any, torch.Tensor]]:
    """The weights of a layer with their values in Keras' layout."""
    pairs = []
    for key, weight, convert in _parts(model, layer, epsilon):
        name = f"{module}.{key}"
        value = state.get(name)
        shape = tuple(weight.shape)
        if not isinstance(value, torch.Tensor):
            raise ValueError(
                f"{owner}: expected {name!r} in the state_dict, for layer '{layer.name}' of shape {shape}; received "
                "none. Take the state_dict of the same architecture."
            )
        given = tuple(value.shape)
        converted = convert(value) if value.dim() == len(_torch_shape(layer, weight)) else value
        if tuple(converted.shape) != shape:
            raise ValueError(
                f"{owner}: expected {name!r} of shape {_torch_shape(layer, weight)} for layer '{layer.name}'; received "
                f"{given}. Take the state_dict of the same architecture and number of classes."
            )
        pairs.append((weight, converted))
    return pairs


def _parts(model: Any, layer: Any, epsilon: float | None) -> list[tuple[str, Any, Callable[..., Any]]]:
    """torch's name of each weight of a layer, the weight, and the way from torch's layout."""

    def same(value: torch.Tensor) -> torch.Tensor:
        return value

    if isinstance(layer, BatchNormalization):
        shift = 0.0 if epsilon is None else epsilon - layer.epsilon  # the sum of both is what inference divides by
        return [
            ("weight", layer.gamma, same),
            ("bias", layer.beta, same),
            ("running_mean", layer.moving_mean, same),
            ("running_var", layer.moving_variance, lambda value: value + shift),
        ]
    if isinstance(layer, DepthwiseConv2D):
        parts = [("weight", layer.depthwise_kernel, lambda value: value.permute(2, 3, 0, 1))]
    elif isinstance(layer, Conv2D):
        parts = [("weight", layer.kernel, lambda value: value.permute(2, 3, 1, 0))]
    elif isinstance(layer, Dense):
        parts = [("weight", layer.kernel, lambda value: _dense_kernel(model, layer, value))]
    else:
        raise TypeError(
            f"{type(layer).__name__} '{layer.name}': expected a layer that torch has too; received another."
        )
    return parts if layer.bias is None else [*parts, ("bias", layer.bias, same)]


def _dense_kernel(model: Any, layer: Any, value: torch.Tensor) -> torch.Tensor:
    """A transposed matrix; behind a Flatten its rows go from torch's order, channels first, into Keras'."""
    (node,) = (node for node in model.graph.nodes if node.layer is layer)
    before = node.parents()[0]
    if not isinstance(before.layer, Flatten):
        return value.T
    *sizes, channels = before.inputs[0].shape[1:]
    if value.shape[1] != channels * int(np.prod(sizes)):
        return value.T
    return value.reshape(-1, channels, *sizes).movedim(1, -1).flatten(1).T


def _torch_shape(layer: Any, weight: Any) -> Sequence[int]:
    shape = tuple(weight.shape)
    if isinstance(layer, DepthwiseConv2D):
        return (shape[2], shape[3], *shape[:2]) if len(shape) == 4 else shape
    if len(shape) == 4:
        return shape[3], shape[2], shape[0], shape[1]
    return shape[::-1]
