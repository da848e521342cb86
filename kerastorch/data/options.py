"""Options of data sets, which tf.data needs and this library takes note of."""

from __future__ import annotations

import enum
from types import SimpleNamespace
from typing import Any


class AutoShardPolicy(enum.IntEnum):
    """How tf.data splits a data set among machines; kept as it is set."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class Options:
    """Settings for `Dataset.with_options`; any of tf.data's may be set. None of them changes the elements here.

    >>> options = Options()
    >>> options.deterministic = True
    >>> Dataset.range(3).with_options(options).options().deterministic
    True
    """

    def __init__(self) -> None:
        self.deterministic: bool | None = None
        self.experimental_deterministic: bool | None = None
        self.autotune = SimpleNamespace()
        self.distribute = self.experimental_distribute = SimpleNamespace(auto_shard_policy=AutoShardPolicy.AUTO)
        self.experimental_optimization = SimpleNamespace()
        self.threading = self.experimental_threading = SimpleNamespace()

    def merge(self, other: Options) -> Options:
        """Both together; what `other` sets wins."""
        merged = Options()
        for options in (self, other):
            merged.__dict__.update({key: value for key, value in vars(options).items() if value is not None})
        return merged

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Options) and vars(self) == vars(other)

    __hash__ = None
