"""The course of training as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kerastorch.utils.drawing import Drawing

WIDTH, HEIGHT = 380.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 16.0, 34.0, 40.0
COLORS = {"": "#1f5fa8", "val_": "#d9731a"}
LABELS = {"": "training", "val_": "validation"}


def plot_history(history: Any, metrics: Sequence[str] | None = None, to_file: Any = None, dpi: int = 96) -> Drawing:
    """Curves of loss and metrics by epoch, each with its validation, from what `fit` returns or from its dict.

    `metrics` chooses names; `to_file` writes a `.png`, `.svg` or `.pdf`. A notebook shows what is returned.
    Raises ValueError for a history without epochs and for names that are not in it.

    >>> picture = plot_history({"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]})
    >>> "validation" in picture.svg()
    True
    """
    logs: Mapping[str, Sequence[float]] = getattr(history, "history", history)
    names = [name for name in logs if not name.startswith("val_")] if metrics is None else list(metrics)
    for name in names:
        if name not in logs and f"val_{name}" not in logs:
            raise ValueError(f"plot_history: expected names among {list(logs)}; received {name!r}.")
    if not names or not any(len(values) for values in logs.values()):
        raise ValueError("plot_history: expected the history of at least one epoch; received an empty one. Call fit().")
    columns = min(len(names), 3)
    picture = Drawing(columns * WIDTH, math.ceil(len(names) / columns) * HEIGHT)
    for place, name in enumerate(names):
        curves = {kind: list(logs[kind + name]) for kind in COLORS if kind + name in logs}
        _panel(picture, place % columns * WIDTH, place // columns * HEIGHT, name, curves)
    if to_file is not None:
        picture.save(to_file, dpi)
    return picture


def _panel(picture: Drawing, left: float, top: float, name: str, curves: Mapping[str, Sequence[float]]) -> None:
    values = [value for curve in curves.values() for value in curve if math.isfinite(value)] or [0.0]
    ticks = _ticks(min(values), max(values))
    low, high = ticks[0], ticks[-1]
    epochs = max(len(curve) for curve in curves.values())
    x0, x1, y0, y1 = left + LEFT, left + WIDTH - RIGHT, top + HEIGHT - BOTTOM, top + TOP

    def at(epoch: float, value: float) -> tuple[float, float]:
        across = 0.5 if epochs == 1 else epoch / (epochs - 1)
        return x0 + (x1 - x0) * across, y0 - (y0 - y1) * (value - low) / (high - low)

    picture.text(((x0 + x1) / 2, top + 14), name, 13)
    for tick in ticks:
        y = at(0, tick)[1]
        picture.line([(x0, y), (x1, y)], "#e3e6ea")
        picture.text((x0 - 6, y), f"{tick:.4g}", 10, "end", "#444444")
    step = max(1, math.ceil(epochs / 8))
    for epoch in range(0, epochs, step):
        picture.text((at(epoch, low)[0], y0 + 13), str(epoch + 1), 10, "middle", "#444444")
    picture.text(((x0 + x1) / 2, y0 + 29), "epoch", 10, "middle", "#444444")
    picture.line([(x0, y1), (x0, y0), (x1, y0)], "#333333")
    for number, (kind, curve) in enumerate(curves.items()):
        points = [at(epoch, value) for epoch, value in enumerate(curve) if math.isfinite(value)]
        if len(points) > 1:
            picture.line(points, COLORS[kind], 2.0)
        for x, y in points if len(points) <= 30 else ():
            picture.rectangle((x - 2, y - 2), (x + 2, y + 2), COLORS[kind], COLORS[kind], radius=2)
        if len(curves) == 1:
            continue
        y = y1 + 10 + 15 * number
        picture.line([(x1 - 84, y), (x1 - 66, y)], COLORS[kind], 2.0)
        picture.text((x1 - 62, y), LABELS[kind], 10, "start")


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers around a range."""
    if high - low < 1e-12 * max(1.0, abs(high)):
        low, high = low - 0.5 * max(abs(low), 1e-3), high + 0.5 * max(abs(high), 1e-3)
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]
