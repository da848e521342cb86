"""Functions without a name. Files hold their byte code, as Keras' do, and it is read only where the caller says so."""

from __future__ import annotations

import base64
import binascii
import inspect
import marshal
import sys
from collections.abc import Mapping
from types import CellType, CodeType, FunctionType
from typing import Any

from kerastorch.saving.errors import UnsafeFile

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_PLAIN = (bool, int, float, str, type(None))


def is_nameless(value: Any) -> bool:
    """Whether a function is known by its code alone."""
    return inspect.isfunction(value) and value.__name__ == "<lambda>"


def dump(function: FunctionType) -> dict[str, Any]:
    """The byte code of a lambda, in Keras 3's words; TypeError where it refers to what JSON cannot hold."""
    closure = None if function.__closure__ is None else [cell.cell_contents for cell in function.__closure__]
    for value in (*(closure or ()), *(function.__defaults__ or ())):
        if not _is_plain(value):
            raise TypeError(
                f"save: expected a lambda that refers to numbers and texts alone; received one that refers to "
                f"{value!r}. Give the function a name with def, and pass it to load_model in custom_objects."
            )
    text = base64.encodebytes(marshal.dumps(function.__code__)).decode()
    parts = {"code": text, "defaults": function.__defaults__, "closure": closure}
    words = {**parts, "value": list(parts.values()), "python": _PYTHON, "module": function.__module__}
    return {"class_name": "__lambda__", "config": words}


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, list | tuple) and all(map(_is_plain, value)))


def parts_of(value: Any) -> dict[str, Any] | None:
    """Code, defaults and closure of a dumped function in any of Keras' forms; None for anything else."""
    inner = value.get("config") if isinstance(value, Mapping) else None
    if isinstance(value, Mapping) and value.get("class_name") in ("__lambda__", "__marshal__"):
        inner = inner if isinstance(inner, Mapping) else {}
        return {**inner, **(parts_of(inner.get("value")) or {})}
    if isinstance(value, Mapping) and value.get("class_name") == "__tuple__":
        value = value.get("items", inner)
    if isinstance(value, list | tuple) and len(value) == 3 and isinstance(value[0], str):
        return dict(zip(("code", "defaults", "closure"), value, strict=True))
    return None


def load(parts: Mapping[str, Any], names: Mapping[str, Any], label: str) -> FunctionType:
    """The function; it finds global names where it was written, if that module is loaded, and in `names`."""
    if parts.get("python", _PYTHON) != _PYTHON:
        raise ValueError(
            f"{label}: expected byte code of Python {_PYTHON}; received that of Python {parts['python']}. Load the "
            "model with that version, or pass the function in custom_objects under the name of its layer."
        )
    try:
        code = marshal.loads(base64.decodebytes(str(parts.get("code")).encode()))
    except (ValueError, EOFError, TypeError, binascii.Error) as error:
        raise _unreadable(label) from error
    closure = tuple(CellType(value) for value in parts.get("closure") or ())
    if not isinstance(code, CodeType) or len(closure) != len(code.co_freevars):
        raise _unreadable(label)
    module = sys.modules.get(str(parts.get("module") or "__main__"))
    known = {**(vars(module) if module else {}), **names}
    defaults = tuple(parts.get("defaults") or ())
    return FunctionType(code, known, "<lambda>", defaults, closure)


def _unreadable(label: str) -> ValueError:
    return ValueError(
        f"{label}: expected byte code of Python {_PYTHON}; received what this version cannot read. Pass the function "
        "in custom_objects under the name of its layer."
    )


def refusal(label: str) -> UnsafeFile:
    return UnsafeFile(
        f"{label}: expected a model without code; received a function that is stored as byte code, which could do "
        "anything. Pass the function in custom_objects under the name of its Lambda layer, or build the model in code "
        "and call load_weights(); only for a file that you have written yourself, pass safe_mode=False."
    )
