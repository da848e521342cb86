"""Configs that carry code are refused."""

from __future__ import annotations

from typing import Any

from kerastorch.saving.hdf5_file import UnsafeFile

_CODE = ("__lambda__", "__marshal__")


def refuse_code(config: Any, label: str) -> None:
    """Raise for a Lambda layer whose function is stored as byte code.

    A function under a name that the caller knows is no code.
    """
    if isinstance(config, list | tuple):
        for item in config:
            refuse_code(item, label)
    if not isinstance(config, dict):
        return
    inner = config.get("config")
    if config.get("class_name") in _CODE or "function_type" in config and config["function_type"] == "lambda":
        raise _refusal(label)
    if config.get("class_name") == "Lambda" and isinstance(inner, dict) and not isinstance(inner.get("function"), str):
        function = inner.get("function")
        if not (isinstance(function, dict) and function.get("class_name") == "function"):
            raise _refusal(label)
    for item in config.values():
        refuse_code(item, label)


def _refusal(label: str) -> UnsafeFile:
    return UnsafeFile(
        f"{label}: expected a model without code; received a Lambda layer whose function is stored as byte code, which "
        "could do anything. Build the model in code and call load_weights(); only for a file that you have written "
        "yourself, pass safe_mode=False."
    )
