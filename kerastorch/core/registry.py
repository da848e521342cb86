"""Registries: find an object by name, config or callable, and write it back as a config."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kerastorch.core.errors import did_you_mean

custom_objects: dict[str, Any] = {}


@contextlib.contextmanager
def custom_object_scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Let names and configs inside the block refer to `objects`.

    >>> with custom_object_scope({"swish2": lambda x: x * x.sigmoid()}):
    ...     layer = Dense(4, activation="swish2")
    """
    before = dict(custom_objects)
    custom_objects.update(objects or {})
    try:
        yield
    finally:
        custom_objects.clear()
        custom_objects.update(before)


CustomObjectScope = custom_object_scope


def get_custom_objects() -> dict[str, Any]:
    """The table of your own objects, by name; entries may be added and removed."""
    return custom_objects


def get_registered_object(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The object registered under `name`; None when there is none."""
    return {**get_custom_objects(), **(custom_objects or {})}.get(name)


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """Decorator: make a class or function findable under 'package>name' in every config."""

    def decorate(target: Any) -> Any:
        custom_objects[f"{package}>{name or target.__name__}"] = target
        return target

    return decorate


def registered_name(target: Any) -> str:
    """The name under which `target` was registered, its own name otherwise."""
    for name, registered in custom_objects.items():
        if registered is target and ">" in name:
            return name
    return target.__name__


get_registered_name = registered_name


class Registry:
    """The names of one kind of object, such as losses: classes and functions, with Keras' aliases."""

    def __init__(self, kind: str, entries: Mapping[str, Any]) -> None:
        self.kind = kind
        self.entries = dict(entries)

    def lookup(self, name: str, objects: Mapping[str, Any] | None = None) -> Any:
        """The class or function called `name`; ValueError with the nearest name when there is none."""
        for table in (objects or {}, custom_objects, self.entries):
            if name in table:
                return table[name]
        raise ValueError(
            f"{self.kind} {name!r}: expected the name of a known {self.kind}; received {name!r}. "
            f"{did_you_mean(name, [*self.entries, *custom_objects])}"
        )

    def get(self, identifier: Any, objects: Mapping[str, Any] | None = None) -> Any:
        """The object that a name, a config, a class or a callable stands for; None stays None."""
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = self.lookup(identifier, objects)
            return found() if inspect.isclass(found) else found
        if isinstance(identifier, Mapping):
            return self.from_config(identifier, objects)
        if inspect.isclass(identifier):
            return identifier()
        if callable(identifier):
            return identifier
        raise TypeError(
            f"{self.kind}: expected a name, a config, a function or an object; "
            f"received {identifier!r} of type {type(identifier).__name__}."
        )

    def from_config(self, config: Mapping[str, Any], objects: Mapping[str, Any] | None = None) -> Any:
        """The object that {'class_name': ..., 'config': ...} describes."""
        if "class_name" not in config:
            raise ValueError(f"{self.kind}: expected a config with the key 'class_name'; received {dict(config)!r}.")
        inner = config.get("config")
        if config["class_name"] == "function" and isinstance(inner, str):  # Keras 3's spelling of a function
            return self.lookup(inner, objects)
        name = config.get("registered_name") or config["class_name"]
        known = name in (objects or {}) or name in custom_objects
        found = self.lookup(name if known else config["class_name"], objects)
        if not inspect.isclass(found):
            return found
        with custom_object_scope(objects):
            if hasattr(found, "from_config"):
                # Keras 2.0 wrote a Sequential as the list of its layers
                return found.from_config(inner if isinstance(inner, list) else dict(inner or {}))
            return found(**(inner or {}))

    def serialize(self, target: Any) -> Any:
        """A function's name, or {'class_name': ..., 'config': ...} of an object; None stays None."""
        if target is None or isinstance(target, str | Mapping):
            return target
        if hasattr(target, "get_config"):
            return {"class_name": registered_name(type(target)), "config": target.get_config()}
        if hasattr(target, "__name__"):
            return registered_name(target)
        raise ValueError(
            f"{self.kind}: expected an object with get_config or a named function; received {target!r}. "
            "Give its class a get_config method to save it."
        )
