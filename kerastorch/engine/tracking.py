"""Lists, tuples and dicts that are set as attributes of a layer and hold layers or weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from kerastorch.engine.context import structure_version


class Container(nn.Module):
    """The torch side of a tracked list or dict: it registers the modules and parameters found there."""

    def refill(self, entries: list[tuple[str, Any]]) -> None:
        self._modules.clear()
        self._parameters.clear()
        for key, value in entries:
            self.hold(key, value)
        structure_version.bump()

    def hold(self, key: str, value: Any) -> None:
        """Register `value` when it is, or holds, modules or parameters; nothing else costs anything."""
        if isinstance(value, nn.Module):
            self._modules[key] = value
        elif isinstance(value, nn.Parameter):
            self._parameters[key] = value
        elif isinstance(value, TrackedList | TrackedDict):
            self._modules[key] = value.container
        elif not is_metric(value):
            return
        structure_version.bump()


class TrackedList(list[Any]):
    """A list whose layers and weights belong to the layer that it is an attribute of."""

    def __init__(self, values: Any = ()) -> None:
        super().__init__(track(value) for value in values)
        self.container = Container()
        self._refill()

    def _refill(self) -> None:
        self.container.refill([(str(position), value) for position, value in enumerate(self)])

    def append(self, value: Any) -> None:
        value = track(value)
        super().append(value)
        self.container.hold(str(len(self) - 1), value)

    def extend(self, values: Any) -> None:
        for value in list(values):
            self.append(value)

    def __iadd__(self, values: Any) -> TrackedList:
        self.extend(values)
        return self

    def insert(self, position: Any, value: Any) -> None:
        super().insert(position, track(value))
        self._refill()

    def pop(self, position: Any = -1) -> Any:
        value = super().pop(position)
        self._refill()
        return value

    def remove(self, value: Any) -> None:
        super().remove(value)
        self._refill()

    def reverse(self) -> None:
        super().reverse()
        self._refill()

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        super().sort(key=key, reverse=reverse)
        self._refill()

    def clear(self) -> None:
        super().clear()
        self._refill()

    def __setitem__(self, position: Any, value: Any) -> None:
        super().__setitem__(position, track(value) if not isinstance(position, slice) else map(track, value))
        self._refill()

    def __delitem__(self, position: Any) -> None:
        super().__delitem__(position)
        self._refill()

    def __reduce__(self) -> tuple[Any, ...]:
        # the container travels along: the layer's copy must register what is appended to this list's copy
        return type(self), (), {"container": self.container}, iter(self)


class TrackedDict(dict[Any, Any]):
    """A dict whose layers and weights belong to the layer that it is an attribute of."""

    def __init__(self, values: Mapping[Any, Any]) -> None:
        super().__init__({key: track(value) for key, value in values.items()})
        self.container = Container()
        self._refill()

    def _refill(self) -> None:
        # in the order of the keys, as Keras orders the layers of a dict
        entries = [(str(key).replace(".", "_"), value) for key, value in self.items()]
        self.container.refill(sorted(entries, key=lambda entry: entry[0]))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, track(value))
        self._refill()

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._refill()

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            super().__setitem__(key, track(value))
        self._refill()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        value = super().pop(key, *default)
        self._refill()
        return value

    def clear(self) -> None:
        super().clear()
        self._refill()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ({},), {"container": self.container}, None, iter(self.items())


def track(value: Any) -> Any:
    """`value` itself, or its tracked twin when it is a plain list or dict that holds, or may come to hold, modules."""
    if type(value) is list and (not value or _holds_modules(value)):
        return TrackedList(value)
    if type(value) is dict and (not value or _holds_modules(list(value.values()))):
        return TrackedDict(value)
    return value


def container_of(value: Any) -> nn.Module | None:
    """The module that registers what `value` holds; None when it holds nothing to register."""
    if isinstance(value, TrackedList | TrackedDict):
        return value.container
    if type(value) is tuple and _holds_modules(value):
        return TrackedList(value).container
    return None


def is_metric(value: Any) -> bool:
    return hasattr(value, "update_state") and not isinstance(value, nn.Module | type)


def _holds_modules(values: Any) -> bool:
    return any(
        isinstance(value, nn.Module | nn.Parameter)
        or is_metric(value)
        or (isinstance(value, list | tuple) and _holds_modules(value))
        or (isinstance(value, dict) and _holds_modules(list(value.values())))
        for value in values
    )
