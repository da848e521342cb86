"""Logs: the dicts of metric values that callbacks receive."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch


def to_python(value: Any) -> Any:
    """A scalar tensor or numpy scalar as a Python number, a larger tensor as an array, anything else as it is."""
    if not isinstance(value, torch.Tensor):
        return value.item() if isinstance(value, np.generic) else value
    return value.item() if value.dim() == 0 else value.detach().cpu().numpy()


def other_accuracy_name(name: Any) -> str | None:
    """'accuracy' for 'acc' and the reverse, behind any prefix such as 'val_'; None for other names."""
    if not isinstance(name, str):
        return None
    prefix, _, last = name.rpartition("_")
    other = {"acc": "accuracy", "accuracy": "acc"}.get(last)
    if other is None:
        return None
    return f"{prefix}_{other}" if prefix else other


class Logs(dict):
    """A dict of metric values in which 'acc' also finds 'accuracy', and the reverse.

    >>> Logs(accuracy=0.5)["acc"]
    0.5
    """

    def __missing__(self, name: Any) -> Any:
        other = other_accuracy_name(name)
        if other is not None and other in self:
            return self[other]
        raise KeyError(name)

    def get(self, name: Any, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def copy(self) -> Logs:
        return Logs(self)


class LazyLogs(Logs):
    """Logs whose values are read from the device when somebody first looks at one of them.

    `reader` returns the values as a dict of tensors or numbers. With `running` they are aggregates so far, so
    that a reader may skip batches; else each batch's own values, which `raw` holds as they came.

    >>> logs = LazyLogs(lambda: {"loss": torch.tensor(0.5)})
    >>> logs.pending, logs["loss"], logs.pending
    (True, 0.5, False)
    """

    __slots__ = ("_reader", "raw")

    def __init__(self, reader: Callable[[], Mapping[str, Any]], raw: Mapping[str, Any] | None = None) -> None:
        self._reader: Callable[[], Mapping[str, Any]] | None = reader
        self.raw = raw
        dict.__setitem__(self, None, None)  # json and others take a dict that looks empty to C for empty

    @property
    def pending(self) -> bool:
        """Whether nobody has looked yet."""
        return self._reader is not None

    @property
    def running(self) -> bool:
        """Whether the values are aggregates so far rather than those of one batch."""
        return self.raw is None

    def __getitem__(self, name: Any) -> Any:
        """The value under `name`; without fetching the others, where the reader can do that."""
        if self._reader is not None and not (name is not None and dict.__contains__(self, name)):
            read_one = getattr(self._reader, "value_of", None)
            value = None if read_one is None else read_one(name)
            if value is None:
                self.read()
            else:
                dict.__setitem__(self, name, to_python(value))
        return dict.__getitem__(self, name)

    def read(self) -> LazyLogs:
        """Fetch the values now."""
        reader, self._reader = self._reader, None
        if reader is not None:
            there = dict(dict.items(self))  # what was written or looked at before stays
            dict.clear(self)
            dict.update(self, {name: there.pop(name, value) for name, value in reader().items()})
            dict.update(self, {name: value for name, value in there.items() if name is not None})
            for name, value in dict.items(self):
                dict.__setitem__(self, name, to_python(value))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Logs, (dict(self),)


def _reading(name: str) -> Callable[..., Any]:
    plain = getattr(dict, name)

    def method(self: LazyLogs, *arguments: Any) -> Any:
        if self._reader is not None:
            self.read()
        return plain(self, *arguments)

    method.__name__ = name
    return method


for _name in (
    *(
        "__iter__",
        "__len__",
        "__contains__",
        "__repr__",
        "__eq__",
        "__ne__",
        "__or__",
        "__ror__",
    ),
    *("__reversed__", "__delitem__", "keys", "values", "items", "pop", "popitem", "setdefault", "clear"),
):
    setattr(LazyLogs, _name, _reading(_name))


def as_logs(logs: Mapping[str, Any] | None) -> Logs:
    """`logs` as callbacks receive them: with Python numbers, read late where they are tensors."""
    if isinstance(logs, Logs):
        return logs
    if not logs:
        return Logs()
    if any(isinstance(value, torch.Tensor) for value in logs.values()):
        return LazyLogs(lambda: logs, raw=logs)
    return Logs(logs)
