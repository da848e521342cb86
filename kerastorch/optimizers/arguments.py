"""The numbers that an optimizer is made with: checks, old names, and where torch looks for them."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.core.errors import describe, did_you_mean
from kerastorch.optimizers import schedules


class Hyperparameter:
    """A number that lives in the parameter group, where torch schedulers look for it."""

    def __init__(self, key: str, index: int | None = None) -> None:
        self.key, self.index = key, index

    def __get__(self, optimizer: Any, owner: type) -> Any:
        if optimizer is None:
            return self
        value = optimizer.param_groups[0][self.key]
        return value if self.index is None else value[self.index]

    def __set__(self, optimizer: Any, value: Any) -> None:
        group = optimizer.param_groups[0]
        if self.index is not None:
            pair = list(group.get(self.key, (None, None)))
            pair[self.index] = value
            value = tuple(pair)
        group[self.key] = optimizer.defaults[self.key] = value


class Arguments:
    """Checks of an optimizer's arguments, with errors that name the optimizer."""

    name: str
    decay: float
    warns_of_decay = True

    def _error(self, expected: str, received: str, advice: str, kind: type[Exception] = ValueError) -> Exception:
        return kind(f"{type(self).__name__} '{self.name}': expected {expected}; received {received}. {advice}")

    def _checked(
        self, argument: str, value: Any, low: float, high: float | None = None, below: float | None = None
    ) -> Any:
        """`value` if it is None or a number of at least `low`, at most `high` and less than `below`."""
        if value is None:
            return None
        limits = f"of at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        if below is not None:
            limits += f" and below {below:g}"
        number = self._as_number(argument, value, f"a number {limits}")
        if not number >= low or (high is not None and number > high) or (below is not None and number >= below):
            raise self._error(f"{argument} {limits}", repr(value), f"Pass a number {limits}.")
        return value if isinstance(value, int | float) else number

    def _as_number(self, argument: str, value: Any, wanted: str) -> float:
        """`value` as a float; TypeError for schedules, texts and whatever else is no number."""
        advice = "Pass a number."
        if isinstance(value, schedules.LearningRateSchedule) and argument != "learning_rate":
            advice = "Pass a number; only learning_rate may be a schedule."
        try:
            if not isinstance(value, str):
                return float(value)
        except (TypeError, ValueError) as error:
            raise self._error(f"{argument} to be {wanted}", describe(value), advice, TypeError) from error
        raise self._error(f"{argument} to be {wanted}", describe(value), advice, TypeError)

    def _checked_rate(self, rate: Any) -> Any:
        """`rate` if it is a schedule, a callable without arguments or a finite number of at least 0."""
        if isinstance(rate, Mapping):
            return schedules.deserialize(rate)
        if inspect.isclass(rate):
            raise self._error(
                "learning_rate as a number or a schedule", f"the class {rate.__name__}", "Make one of it."
            )
        if callable(rate) and not isinstance(rate, torch.Tensor):
            return rate
        if self._checked("learning_rate", rate, 0.0) == math.inf:
            raise self._error("a finite learning_rate", repr(rate), "Pass a number such as 0.001.")
        return rate

    def _checked_positive(self, argument: str, value: Any) -> Any:
        """`value` if it is None or a number above 0."""
        if self._checked(argument, value, 0.0) == 0:
            raise self._error(f"{argument} above 0", repr(value), "Pass a number above 0.")
        return value

    def _checked_count(self, argument: str, value: Any, low: int) -> int | None:
        """`value` if it is None or a whole number of at least `low`."""
        if self._checked(argument, value, low) is None:
            return None
        if int(value) != value:
            raise self._error(f"{argument} to be a whole number", repr(value), f"Pass {round(value)}.")
        return int(value)

    def _take_old_options(self, options: dict[str, Any]) -> None:
        """Honour `lr` and `decay`, which Keras dropped, with one warning each."""
        options.pop("is_legacy_optimizer", None)
        if "lr" in options:
            self._warn("`lr` is the old name of `learning_rate`; it is used as the learning rate.")
        decay = options.pop("decay", None)
        if decay:
            self.decay = float(self._checked("decay", decay, 0.0))
        if decay and self.warns_of_decay:
            self._warn(
                "`decay` is an old argument; the learning rate is divided by 1 + decay * iterations. "
                "A schedule such as InverseTimeDecay says the same."
            )

    def _warn(self, text: str) -> None:
        frame, level = inspect.currentframe(), 1
        while frame is not None and frame.f_globals.get("__name__", "").startswith("kerastorch."):
            frame, level = frame.f_back, level + 1
        warnings.warn(f"{type(self).__name__} '{self.name}': {text}", UserWarning, stacklevel=level)

    def _reject_unknown(self, options: Mapping[str, Any]) -> None:
        if not options:
            return
        known = [
            parameter.name
            for kind in type(self).__mro__
            if issubclass(kind, Arguments) and "__init__" in vars(kind)
            for parameter in inspect.signature(kind.__init__).parameters.values()
            if parameter.kind is not parameter.VAR_KEYWORD and parameter.name != "self"
        ]
        unknown = next(iter(options))
        raise self._error("known arguments", repr(unknown), did_you_mean(unknown, known), TypeError)
