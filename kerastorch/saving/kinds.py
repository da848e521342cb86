"""Which format a path asks for, and which one a file has."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

from kerastorch.saving.archive import BROKEN
from kerastorch.saving.hdf5_reader import SIGNATURE

_SUFFIXES = {
    ".keras": "archive",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".safetensors": "safetensors",
    ".pt": "torch",
    ".pth": "torch",
    "": "folder",
}


def kind_of_path(path: Path, label: str) -> str:
    """'archive', 'hdf5', 'weights' (`.weights.h5`), 'safetensors', 'torch' or 'folder'; ValueError for others."""
    if path.name.lower().endswith(".weights.h5"):
        return "weights"
    suffix = path.suffix.lower()
    if suffix in (".ckpt", ".tf"):
        raise ValueError(
            f"{label}: expected the suffix of a file that is written here; received {suffix!r}, which is TensorFlow's "
            "form. Use '.weights.h5' for weights, or '.keras' for the model."
        )
    if suffix not in _SUFFIXES:
        raise ValueError(
            f"{label}: expected a path that ends in .keras, .h5, .hdf5, .weights.h5, .safetensors, .pt or .pth, or a "
            f"folder without a dot; received the suffix {suffix!r}. Use for example 'model.keras'."
        )
    return _SUFFIXES[suffix]


def check_path(filepath: Any, label: str, weights_only: bool) -> None:
    """Raise ValueError for a path whose suffix is that of no file for a whole model, or for weights."""
    kind = kind_of_path(Path(os.fspath(filepath)), label)
    if kind == ("archive" if weights_only else "weights"):
        wanted = "weights, such as '.weights.h5'" if weights_only else "a whole model, such as '.keras'"
        raise ValueError(
            f"{label}: expected the suffix of a file for {wanted}; received {str(filepath)!r}. Change the suffix, or "
            f"pass save_weights_only={not weights_only}."
        )


def kind_of_content(path: Path) -> str:
    """'archive', 'hdf5', 'torch' or 'safetensors' by the first bytes; another word for what is none of them."""
    if path.is_dir():
        return "folder"
    if not path.is_file():
        return "device"
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(SIGNATURE):
        return "hdf5"
    if head.startswith(b"PK"):
        return "torch" if _is_torch(path) else "archive"
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "safetensors"
    if not head:
        return "empty"
    if head.lstrip()[:1] == b"<":
        return "markup"
    return "pickle" if head[:1] == b"\x80" else "other"


def _is_torch(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return any(name.endswith("/data.pkl") for name in file.namelist())
    except (*BROKEN, ValueError):
        return False


_CHECKPOINT = "Load it with TensorFlow's load_weights and save the weights as .h5 or .weights.h5"


def found_instead(path: Path) -> str:
    """What there is where no file is: nothing, or a checkpoint of TensorFlow, whose files have longer names."""
    if path.with_name(f"{path.name}.index").exists():
        return f"a checkpoint of TensorFlow. {_CHECKPOINT}."
    return "nothing there. Check the path and the working directory."


def describe_content(path: Path, kind: str) -> str:
    """What a file that holds no model is instead, and what to do."""
    if kind == "folder" and (path / "checkpoint").exists():
        return f"a folder of TensorFlow's checkpoints. {_CHECKPOINT}"
    if kind == "folder" and (path / "saved_model.pb").exists():
        return "a TensorFlow SavedModel. Load it with TensorFlow and save it as .keras or .h5"
    return {
        "folder": "a folder without model.keras. Pass the file itself",
        "device": "a pipe or a device. Write its content into a file",
        "empty": "an empty file. Save or download it again",
        "markup": "an HTML or XML page. The download has failed: download the file itself",
        "pickle": "a pickle, which could run any code. Use torch.save with state_dict() and load_weights()",
    }.get(kind, "a file of another kind. Check the path, and that the download or copy is complete")
