"""Lines of generated code: values freed after their last use, autocast, and parts that backward computes again."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kerastorch.core.config import dtype_name
from kerastorch.engine.precision import computing_in
from kerastorch.engine.recomputation import Recomputed

Constant = Callable[[Any, str], str]  # code for an object that no literal can spell, and a name for it
Fresh = Callable[[str], str]  # a name like this one that is not taken


@dataclass
class Statement:
    """A line `target = expression`; `mixed` is the dtype that autocast computes in, None without it, ... for either.

    `layer` is what runs, None where next to nothing does; `repeats` tells whether it may run once more, and `size` how
    large its result is.
    """

    target: str
    expression: str
    uses: list[str]
    mixed: Any = ...
    layer: Any = None
    repeats: bool = True
    size: int = field(default=0, kw_only=True)


def body(statements: Sequence[Statement], kept: set[str], constant: Constant) -> list[str]:
    """The lines; a value that is not `kept` is let go on the line of its last use: its memory serves the next layer."""
    seen: set[str] = set(kept)
    lines: list[tuple[str, Any]] = []
    for statement in reversed(statements):
        finished = [name for name in dict.fromkeys(statement.uses) if name not in seen]
        seen.update(statement.uses)
        release = f"; {' = '.join(finished)} = None" if finished else ""
        lines.append((f"    {statement.target} = {statement.expression}{release}", statement.mixed))
    return _in_precision(lines[::-1], constant)


def _in_precision(lines: Sequence[tuple[str, Any]], constant: Constant) -> list[str]:
    """The lines, under autocast where layers of a mixed policy run; it is on for as many of them as possible."""
    result: list[str] = []
    current = None
    for line, mixed in lines:
        if mixed is not ... and mixed is not current:
            current = mixed
            if mixed is not None:
                result.append(f"    with {constant(computing_in(mixed), f'mixed_{dtype_name(mixed)}')}():")
        result.append(line if current is None else f"    {line}")
    return result


def body_in_parts(statements: Sequence[Statement], kept: set[str], constant: Constant, fresh: Fresh) -> list[str]:
    """The lines, with long runs of layers as functions that keep their inputs alone and that backward calls again."""
    lines: list[str] = []
    parts = _parts(statements, kept)
    for position, part in enumerate(parts):
        later = kept.union(*(statement.uses for other in parts[position + 1 :] for statement in other))
        layers = [statement.layer for statement in part if statement.layer is not None]
        heavy = len(layers) > 1 or any(layer._modules for layer in layers)
        # what the last part would save is needed again at once
        if position == len(parts) - 1 or not heavy or not all(statement.repeats for statement in part):
            lines += body(part, later, constant)
        else:
            lines += _repeated(part, later, layers, constant, fresh)
    return lines


def _repeated(
    part: Sequence[Statement], later: set[str], layers: list[Any], constant: Constant, fresh: Fresh
) -> list[str]:
    made = [statement.target for statement in part if statement.target.isidentifier()]
    given = [name for name in dict.fromkeys(name for s in part for name in s.uses) if name not in made]
    results = [name for name in made if name in later]
    name = fresh("part")
    finished = [value for value in given if value not in later]
    release = f"; {' = '.join(finished)} = None" if finished else ""
    call = f"{constant(Recomputed(layers), 'recomputed')}({', '.join((name, *given))})"
    inner = [
        f"    def {name}({', '.join(given)}):",
        *(f"    {line}" for line in body(part, set(results), constant)),
        f"        return {', '.join(results)}",
    ]
    return [*inner, f"    {', '.join(results)} = {call}{release}"]


def _parts(statements: Sequence[Statement], kept: set[str]) -> list[Sequence[Statement]]:
    """The statements in about as many parts of equal size as their number's root, cut where few values are alive.

    So the values that parts keep and those that one part makes anew come to the least. What cannot be repeated is a
    part of its own.
    """
    limit = sum(statement.size for statement in statements) / max(1.0, math.sqrt(len(statements)))
    alive = _alive(statements, kept)
    parts: list[Sequence[Statement]] = []
    start = 0
    while start < len(statements):
        repeats, size, stop = statements[start].repeats, 0, start
        cuts = []
        while stop < len(statements) and statements[stop].repeats is repeats and size < 1.5 * limit:
            size += statements[stop].size
            stop += 1
            if size >= 0.5 * limit:
                cuts.append(stop)
        is_run = stop == len(statements) or statements[stop].repeats is not repeats
        stop = stop if is_run else min(cuts, key=lambda cut: (alive[cut], -cut))
        parts.append(statements[start:stop])
        start = stop
    return parts


def _alive(statements: Sequence[Statement], kept: set[str]) -> list[int]:
    """How large the values are that exist before each statement and are used from there on."""
    sizes = {statement.target: statement.size for statement in statements}
    needed = set(kept)
    found = [0] * (len(statements) + 1)
    for position in range(len(statements), -1, -1):
        made = {statement.target for statement in statements[:position]}
        found[position] = sum(sizes[name] for name in needed & made)
        if position:
            needed.update(statements[position - 1].uses)
    return found
