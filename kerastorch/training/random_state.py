"""The state of every random generator that training draws from, as plain values."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from kerastorch.layers.regularization import RandomLayer
from kerastorch.random import SeedGenerator


def of_process() -> dict[str, Any]:
    """Python's, NumPy's and torch's global generators."""
    return {
        "python": random.getstate(),
        "numpy": np.random.get_state(legacy=False),
        "torch": torch.get_rng_state(),
    }


def restore_process(state: Mapping[str, Any]) -> None:
    """Put back what `of_process` returned, or a part of it."""
    if "python" in state:
        version, numbers, gauss = state["python"]
        random.setstate((version, tuple(numbers), gauss))
    if "numpy" in state:
        np.random.set_state(state["numpy"])
    if "torch" in state:
        torch.set_rng_state(state["torch"])


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of `before` that are others in `after`."""
    same = {
        "python": before["python"] == after["python"],
        "numpy": all(
            np.array_equal(before["numpy"]["state"][key], after["numpy"]["state"][key])
            for key in before["numpy"]["state"]
        ),
        "torch": torch.equal(before["torch"], after["torch"]),
    }
    return {name: state for name, state in before.items() if not same[name]}


def of_model(model: Any) -> dict[str, Any]:
    """The global generators, those of the model's device, and those that layers hold."""
    state = of_process()
    if model.device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state_all()
    state["layers"] = {}
    for key, module, name, source in _sources(model):
        if isinstance(source, torch.Generator):
            state["layers"][key] = source.get_state()
        elif isinstance(source, SeedGenerator):
            state["layers"][key] = source.count
        elif name == "_generators" and isinstance(module, RandomLayer):
            state["layers"][key] = {str(device): generator.get_state() for device, generator in source.items()}
    return state


def restore_model(model: Any, state: Mapping[str, Any]) -> None:
    """Put back what `of_model` returned."""
    for module in model.modules():
        if isinstance(module, RandomLayer):
            module.__dict__.pop("_generators", None)  # those that the state lacks have not drawn yet
    held = dict(state["layers"])
    for number, module in enumerate(model.modules()):
        of_devices = held.pop(f"{number}:_generators", {}) if isinstance(module, RandomLayer) else {}
        for device, values in of_devices.items():
            module.generator(torch.device(device)).set_state(values)
    for key, _, _, source in _sources(model):
        if key not in held:
            continue
        if isinstance(source, torch.Generator):
            source.set_state(held[key])
        elif isinstance(source, SeedGenerator):
            source.count = held[key]
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    restore_process(state)


def _sources(model: Any) -> Iterator[tuple[str, Any, str, Any]]:
    """Key, module, attribute and value of everything in the model that may draw numbers.

    Modules go by their number, since a model that was loaded may know its layers by other names.
    """
    for number, module in enumerate(model.modules()):
        for name, value in vars(module).items():
            if isinstance(value, torch.Generator | SeedGenerator | dict):
                yield f"{number}:{name}", module, name, value
