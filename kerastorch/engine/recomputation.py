"""Gradient checkpointing: parts of a forward keep their inputs alone, and backward computes them again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from kerastorch.core.variable import Variable
from kerastorch.engine.context import call_context
from kerastorch.random import SeedGenerator

Snapshot = list[tuple[dict[Any, Any], list[tuple[Any, Any, Any]]]]


class Recomputed:
    """Runs a part of a forward so that backward runs it again (arXiv:1604.06174), with the same random numbers."""

    def __init__(self, layers: Sequence[Any]) -> None:
        inner = {id(one): one for layer in layers for one in layer._flatten_layers()}.values()
        self.random = [layer for layer in inner if getattr(layer, "seed", None) is not None or _sources(layer)]

    def __call__(self, part: Callable[..., Any], *values: Any) -> Any:
        if not torch.is_grad_enabled():
            return part(*values)
        return checkpoint(part, *values, use_reentrant=False, context_fn=self._contexts)

    def _contexts(self) -> tuple[Any, Any]:
        return contextlib.nullcontext(), _again(self.random)


class _again:
    """The context of the second run: as in the first, but that nothing is counted, added or moved twice."""

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = layers
        self.training, self.scope = call_context.training, call_context.scope
        self.states = _snapshot(layers)

    def __enter__(self) -> None:
        context = call_context  # that of the thread which runs backward
        self.before = context.training, context.scope, context.recomputing
        self.later = _snapshot(self.layers)
        context.training, context.scope, context.recomputing = self.training, self.scope, True
        _restore(self.states)

    def __exit__(self, *_: Any) -> None:
        call_context.training, call_context.scope, call_context.recomputing = self.before
        _restore(self.later)


def _sources(layer: Any) -> list[Any]:
    return [value for value in vars(layer).values() if isinstance(value, torch.Generator | SeedGenerator)]


def _snapshot(layers: Sequence[Any]) -> Snapshot:
    """The generators that layers hold, and where they are."""
    found: Snapshot = []
    for layer in layers:
        held = layer.__dict__.setdefault("_generators", {})
        states = [(key, one, one.get_state()) for key, one in held.items()]
        for one in _sources(layer):
            states.append((None, one, one.count if isinstance(one, SeedGenerator) else one.get_state()))
        found.append((held, states))
    return found


def _restore(states: Snapshot) -> None:
    for held, sources in states:
        held.clear()  # a generator that is missing then is made anew from its seed
        for key, one, state in sources:
            if isinstance(one, SeedGenerator):
                one.count = state
            else:
                one.set_state(state)
            if key is not None:
                held[key] = one


def can_repeat(layer: Any) -> bool:
    """Whether `call` may run twice on the same inputs: no hooks, and no state that it moves, here or inside."""
    return all(_can_repeat_alone(module) for module in layer.modules())


def _can_repeat_alone(module: Any) -> bool:
    if module._forward_hooks or module._forward_pre_hooks or module._buffers:
        return False
    if getattr(module, "stateful", False) or getattr(module, "gradient_checkpointing", False):
        return False
    if getattr(module, "repeats_with_state", False):
        return True
    moved = any(isinstance(one, Variable) and not one.trainable for one in module._parameters.values())
    return not (moved or vars(module).get("_metrics"))
