"""Models and weights in torch's formats: `.pt` files and safetensors."""

from __future__ import annotations

import json
import pickle
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kerastorch.saving import archive, memory, safetensors_file, state_file, weights_tree
from kerastorch.saving.archive import parse_json
from kerastorch.saving.errors import UnsafeFile, damaged, unsafe
from kerastorch.saving.kinds import kind_of_content

_OPTIMIZER = "optimizer/"
_DESCRIPTION = "kerastorch"


def write_model(path: Path, model: Any, description: Mapping[str, Any]) -> None:
    """Weights, the optimizer's variables and the description as JSON in one file; the suffix names the format."""
    tensors = {key: weight.detach().as_subclass(torch.Tensor) for key, weight in weights_tree.by_path(model).items()}
    if description["training"] is not None and hasattr(model.optimizer, "variables"):
        tensors |= {f"{_OPTIMIZER}{i}": variable.detach() for i, variable in enumerate(model.optimizer.variables)}
        state = state_file.of_model(model, f"save '{path}'")
        tensors |= {} if state is None else {state_file.NAME: torch.tensor(state)}
    write(path, tensors, json.dumps(description))


def weights_of(model: Any) -> dict[str, torch.Tensor]:
    """The state_dict, as plain tensors."""
    return {key: value.detach().as_subclass(torch.Tensor) for key, value in model.state_dict().items()}


def write(path: Path, tensors: Mapping[str, torch.Tensor], description: str | None = None) -> None:
    """Write tensors, and a text beside them."""
    if path.suffix.lower() == ".safetensors":
        with path.open("wb") as file:
            safetensors_file.write(file, tensors, {} if description is None else {_DESCRIPTION: description})
    else:
        torch.save({_DESCRIPTION: description, "state_dict": dict(tensors)} if description else dict(tensors), path)


def read(path: Path, label: str) -> tuple[str | None, dict[str, torch.Tensor]]:
    """The text and the tensors of a file; only tensors and plain values are unpickled."""
    if kind_of_content(path) == "safetensors":
        with path.open("rb") as file:
            texts, tensors = safetensors_file.read(file, path.stat().st_size, label)
        return texts.get(_DESCRIPTION), tensors
    content = _unpickled(path, label)
    text = None
    if isinstance(content, Mapping) and isinstance(content.get(_DESCRIPTION), str):
        text, content = content[_DESCRIPTION], content.get("state_dict")
    plain = isinstance(content, Mapping) and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in content.items()
    )
    if not plain:
        raise ValueError(f"{label}: expected tensors by name; received {type(content).__name__}.")
    size = sum(tensor.numel() * tensor.element_size() for tensor in content.values())
    if size > path.stat().st_size:
        raise unsafe(label, f"tensors of at most {path.stat().st_size} bytes, as the file has", f"{size} bytes")
    return text, dict(content)


# What torch writes for tensors and the dicts that hold them. torch.load itself knows more names, some of which make
# objects of any size.
_KNOWN = re.compile(
    r"collections OrderedDict|torch \w+Storage|torch Size|torch\._utils _rebuild_(tensor_v2|parameter)|"
    r"torch (float|bfloat|u?int)\d+|torch bool|torch.nn.parameter Parameter"
)
_UNREADABLE = (*archive.BROKEN, ValueError, TypeError, LookupError, AttributeError, MemoryError, pickle.PickleError)


def _unpickled(path: Path, label: str) -> Any:
    """What torch.load makes of a file, whose numbers stay in the file until they are copied."""
    try:
        with zipfile.ZipFile(path) as file:
            members = archive.checked_members(file, label)
            pickled = next(one for name, one in members.items() if name.endswith("/data.pkl"))
            _check_pickle(archive.read_member(file, pickled), label)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except UnsafeFile:
        raise
    except _UNREADABLE as error:
        raise damaged(label, "file of tensors", error) from error


def _check_pickle(data: bytes, label: str) -> None:
    for code, argument, _ in pickletools.genops(data):
        if code.name in ("GLOBAL", "INST", "STACK_GLOBAL") and not _KNOWN.fullmatch(str(argument)):
            raise unsafe(
                label,
                "a file of tensors",
                f"a pickle of other objects ({argument}), which could run any code; save model.state_dict() instead",
            )


def read_model(
    path: Path, label: str
) -> tuple[dict[str, Any], dict[str, torch.Tensor], list[np.ndarray], np.ndarray | None]:
    """Description, weights, the optimizer's arrays and the training state of a whole model."""
    text, tensors = read(path, label)
    if text is None:
        raise ValueError(
            f"{label}: expected a whole model; received a file of weights alone. Build the model in code and call "
            "model.load_weights(path)."
        )
    description = parse_json(text, label)
    if not isinstance(description, dict) or "config" not in description:
        raise ValueError(f"{label}: expected the description of a model; received {type(description).__name__}.")
    slots = {key.removeprefix(_OPTIMIZER): value for key, value in tensors.items() if key.startswith(_OPTIMIZER)}
    if set(slots) != set(map(str, range(len(slots)))):
        raise damaged(label, "file of tensors", f"the optimizer's variables {sorted(slots)[:8]}")
    arrays = [slots[str(number)].numpy() for number in range(len(slots))]
    state = tensors.get(state_file.NAME)
    return description, weights_alone(tensors), arrays, None if state is None else state.numpy()


def weights_alone(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights among the tensors of a whole model."""
    return {key: value for key, value in tensors.items() if not key.startswith(_OPTIMIZER) and key != state_file.NAME}


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
            memory.copy(weight.detach(), tensors[key])
