"""The state of a model in training as plain values: weights, optimizer, metrics, and what layers keep beside them."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.optimizers import TorchOptimizer

# --- weights and optimizer ---------------------------------------------------------------------------------------


def of_weights(model: Any) -> dict[str, Any]:
    """Weights, buffers and the optimizer's state, as views of what they are now."""
    optimizer = model.optimizer
    return {
        "model": _plain(list(model.state_dict().values())),
        "optimizer": _plain(optimizer.state_dict()),
        "iterations": int(optimizer.iterations),
    }


def copy_of_weights(model: Any) -> dict[str, Any] | None:
    """As `of_weights`, in memory of its own; None before there are weights and an optimizer for them."""
    return copy.deepcopy(of_weights(model)) if model.optimizer.built else None


def _plain(structure: Any) -> Any:
    """The same with plain tensors, in a dict of its own."""
    if isinstance(structure, Mapping):
        return {key: _plain(value) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        return type(structure)(_plain(value) for value in structure)
    return structure.detach().as_subclass(torch.Tensor) if isinstance(structure, torch.Tensor) else structure


def has_weights(model: Any, weights: Mapping[str, Any] | None) -> bool:
    """Whether the model has the weights that `of_weights` has found, values aside."""
    return weights is None or len(model.state_dict()) == len(weights["model"])


def restore_weights(model: Any, state: Mapping[str, Any]) -> None:
    """Put back what `of_weights` returned."""
    # in their order: a model that was loaded may know its layers by other names
    model.load_state_dict(dict(zip(model.state_dict(), state["model"], strict=True)))
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_weights)
    of_optimizer = state["optimizer"]
    if isinstance(optimizer, TorchOptimizer):
        of_optimizer = {**of_optimizer, "state": _laid_out(optimizer, of_optimizer["state"])}
    optimizer.load_state_dict(of_optimizer)
    if int(optimizer.iterations) != state["iterations"]:  # the state of torch's own optimizers does not have them
        optimizer.iterations = state["iterations"]


def _laid_out(optimizer: Any, state: Mapping[int, Any]) -> dict[int, Any]:
    """Slots in the memory layout of their weights, which torch's fused kernels count on."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]

    def like(value: Any, parameter: torch.Tensor) -> Any:
        if not isinstance(value, torch.Tensor) or value.shape != parameter.shape:
            return value
        return torch.empty_like(parameter, dtype=value.dtype).detach().copy_(value)

    return {
        index: {name: like(value, parameters[index]) for name, value in slots.items()} for index, slots in state.items()
    }


# --- metrics and layers ------------------------------------------------------------------------------------------


def of_metrics(model: Any) -> dict[str, Any]:
    """What the metrics have gathered in this epoch."""
    compiled = model.compiled_metrics
    return {
        "names": [metric.name for metric in model.metrics],
        "values": [metric.get_state() for metric in model.metrics],
        "grouping": [] if compiled is None else compiled.get_grouping(),
    }


def restore_metrics(model: Any, state: Mapping[str, Any]) -> None:
    """Put back what `of_metrics` returned."""
    metrics = model.metrics
    if [metric.name for metric in metrics] != state["names"]:
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected the metrics {state['names']}, as before the "
            f"interruption; received {[metric.name for metric in metrics]}. Compile the model as before."
        )
    for metric, values in zip(metrics, state["values"], strict=True):
        metric.set_state(values)
    if model.compiled_metrics is not None:
        model.compiled_metrics.set_grouping(state["grouping"])


def of_layers(model: Any) -> dict[str, Any]:
    """The states of stateful recurrent layers, by the number of the layer."""
    return {
        number: None if states is None else [_plain(state) for state in nest.flatten(states)]
        for number, states in _stateful(model)
    }


def restore_layers(model: Any, state: Mapping[str, Any]) -> None:
    """Put back what `of_layers` returned."""
    for number, states in _stateful(model):
        kept = state.get(number)
        if kept is None or states is None:
            continue
        for variable, value in zip(nest.flatten(states), kept, strict=True):
            variable.assign(value)


def _stateful(model: Any) -> list[tuple[str, Any]]:
    modules = enumerate(model.modules())
    return [(str(number), module._states) for number, module in modules if hasattr(module, "_states")]


# --- what must not change while training is interrupted -----------------------------------------------------------


def describe_compiled(model: Any) -> dict[str, Any]:
    """Optimizer and losses, to be compared."""
    return {
        "optimizer": [type(model.optimizer).__name__, _config(model.optimizer)],
        "loss": _text(nest.map_structure(_described, model.loss)),
    }


def describe(model: Any) -> dict[str, Any]:
    """The weights by key, shape and dtype, and the architecture where it has a config."""
    weights = [[key, list(value.shape), str(value.dtype)] for key, value in model.state_dict().items()]
    return {"weights": weights, "architecture": _architecture(model)}


def _architecture(model: Any) -> str | None:
    """The config as text, without the numbers of automatic names, which depend on what else a process has made."""
    text = _config(model)
    if text is None:
        return None
    names = sorted(set(re.findall(r'"name": ("[^"\\]+")', text)), key=len, reverse=True)
    if not names:
        return text
    return re.sub("|".join(map(re.escape, names)), lambda found: re.sub(r'_\d+(?=_|"$)', "", found[0]), text)


def _config(value: Any) -> str | None:
    """The config as text; None for a class of the author's own that has none."""
    try:
        return _text(value.get_config())
    except (NotImplementedError, TypeError, ValueError, AttributeError):
        return None


def _described(value: Any) -> Any:
    config = getattr(value, "get_config", None)
    if config is not None and not isinstance(value, type):
        return [type(value).__name__, config()]
    return getattr(value, "__name__", type(value).__name__ if callable(value) else value)


def _text(value: Any) -> str:
    """`value` as JSON; objects inside by their class, since their addresses differ from process to process."""
    return json.dumps(value, sort_keys=True, default=_object)


def _object(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return [type(value).__name__, getattr(value, "__name__", "")]


def check(before: Mapping[str, Any], now: Mapping[str, Any], label: str) -> None:
    """Raise ValueError where model, optimizer or loss are not those of before."""
    for weight, found in zip_longest(before["model"]["weights"], now["model"]["weights"], fillvalue=["none", None]):
        if weight[1:] != found[1:]:
            raise _changed(label, f"a weight {_short(weight)}", _short(found))
    for what in ("optimizer", "loss"):
        if before[what] != now[what]:
            raise _changed(label, f"the {what} {_short(before[what])}", _short(now[what]))
    if before["model"]["architecture"] != now["model"]["architecture"]:
        expected, received = _difference(before["model"]["architecture"], now["model"]["architecture"])
        raise _changed(label, f"a model with {expected} in its config", received)


def _short(description: str | Sequence[str]) -> str:
    return description if isinstance(description, str) else " ".join(map(str, description))


def _difference(before: str | None, now: str | None) -> tuple[str, str]:
    """The first place where two texts differ, with what surrounds it."""
    if before is None or now is None:
        return ("no config" if before is None else "a config"), ("none" if now is None else "one")
    at = next((i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now)))
    start = max(before.rfind(",", 0, at), before.rfind("{", 0, at)) + 1
    return tuple(re.split(r"[,}\]]", text[start:], maxsplit=1)[0].strip() for text in (before, now))


def _changed(label: str, expected: str, received: str) -> ValueError:
    return ValueError(
        f"{label}: expected what the training began with, {expected}; received {received}. Build and compile the "
        "model as before, or delete the file to start anew."
    )
