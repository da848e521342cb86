"""What `call` methods take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def call_parameters(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments that a `call` method takes, without self; '**kwargs' brings training and mask."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        named += ["training", "mask"]
    return named


def positional_parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of what a `call` method takes by position, without self."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD))
