"""Models and weights in torch's formats: `.pt` files and safetensors."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kerastorch.saving import weights_tree
from kerastorch.saving.archive import parse_json
from kerastorch.saving.kinds import kind_of_content

_OPTIMIZER = "optimizer/"
_DESCRIPTION = "kerastorch"


def write_model(path: Path, model: Any, description: Mapping[str, Any]) -> None:
    """Weights, the optimizer's variables and the description as JSON in one file; the suffix names the format."""
    tensors = {key: weight.detach().as_subclass(torch.Tensor) for key, weight in weights_tree.by_path(model).items()}
    if description["training"] is not None and hasattr(model.optimizer, "variables"):
        tensors |= {f"{_OPTIMIZER}{i}": variable.detach() for i, variable in enumerate(model.optimizer.variables)}
    write(path, tensors, json.dumps(description))


def weights_of(model: Any) -> dict[str, torch.Tensor]:
    """The state_dict, as plain tensors."""
    return {key: value.detach().as_subclass(torch.Tensor) for key, value in model.state_dict().items()}


def write(path: Path, tensors: Mapping[str, torch.Tensor], description: str | None = None) -> None:
    """Write tensors, and a text beside them."""
    if path.suffix.lower() == ".safetensors":
        from safetensors.torch import save_file  # an optional moment, as everything here

        whole = {key: value.contiguous() for key, value in tensors.items()}
        save_file(whole, path, metadata=None if description is None else {_DESCRIPTION: description})
    else:
        torch.save({_DESCRIPTION: description, "state_dict": dict(tensors)} if description else dict(tensors), path)


def read(path: Path, label: str) -> tuple[str | None, dict[str, torch.Tensor]]:
    """The text and the tensors of a file; only tensors and plain values are unpickled."""
    if kind_of_content(path) == "safetensors":
        return _read_safetensors(path, label)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{label}: expected a file of tensors; received one with other objects, which could run any code. Save "
            "model.state_dict(), not the model itself."
        ) from error
    except _UNREADABLE as error:
        raise _broken(label, error) from error
    text = None
    if isinstance(content, Mapping) and isinstance(content.get(_DESCRIPTION), str):
        text, content = content[_DESCRIPTION], content.get("state_dict")
    if not isinstance(content, Mapping) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise ValueError(f"{label}: expected tensors by name; received {type(content).__name__}.")
    return text, dict(content)


_UNREADABLE = (RuntimeError, OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, MemoryError)


def _read_safetensors(path: Path, label: str) -> tuple[str | None, dict[str, torch.Tensor]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            keys = list(file.keys())
            return (file.metadata() or {}).get(_DESCRIPTION), {key: file.get_tensor(key) for key in keys}
    except (SafetensorError, *_UNREADABLE) as error:
        raise _broken(label, error) from error


def _broken(label: str, error: BaseException) -> ValueError:
    return ValueError(
        f"{label}: expected a complete file of tensors; received one that cannot be read "
        f"({str(error).splitlines()[0] if str(error) else type(error).__name__}). Check that the copy is complete."
    )


def read_model(path: Path, label: str) -> tuple[dict[str, Any], dict[str, torch.Tensor], list[np.ndarray]]:
    """Description, weights and the optimizer's arrays of a whole model."""
    text, tensors = read(path, label)
    if text is None:
        raise ValueError(
            f"{label}: expected a whole model; received a file of weights alone. Build the model in code and call "
            "model.load_weights(path)."
        )
    description = parse_json(text, label)
    if not isinstance(description, dict) or "config" not in description:
        raise ValueError(f"{label}: expected the description of a model; received {type(description).__name__}.")
    count = sum(key.startswith(_OPTIMIZER) for key in tensors)
    arrays = [tensors.pop(f"{_OPTIMIZER}{number}").numpy() for number in range(count)]
    return description, tensors, arrays


def without_optimizer(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value for key, value in tensors.items() if not key.startswith(_OPTIMIZER)}


def read_into(model: Any, tensors: Mapping[str, torch.Tensor], label: str, by_path: bool = False) -> None:
    """Copy tensors into the weights of the same keys; nothing is changed where one does not fit.

    The keys are those of `state_dict`, or, `by_path`, those of a whole model's file.
    """
    mine = weights_tree.by_path(model) if by_path else model.state_dict()
    missing, surplus = sorted(set(mine) - set(tensors)), sorted(set(tensors) - set(mine))
    wrong = [key for key in mine if key in tensors and tuple(mine[key].shape) != tuple(tensors[key].shape)]
    if missing or surplus:
        raise ValueError(
            f"{label}: expected the {len(mine)} weights of {type(model).__name__} '{model.name}'; received a file "
            f"that lacks {missing[:3]} and has {surplus[:3]} too. Build the model that the file was saved from."
        )
    if wrong:
        key = wrong[0]
        raise ValueError(
            f"{label}: expected shape {tuple(mine[key].shape)} for {key!r}; received {tuple(tensors[key].shape)}. "
            "Build the model that the file was saved from."
        )
    with torch.no_grad():
        for key, weight in mine.items():
            weight.copy_(tensors[key])
