"""Runs of the progress bar: what it is told, and when."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cases_training

START = 1_000_000.0


@dataclass(frozen=True)
class ProgressCase:
    id: str
    arguments: dict[str, Any]
    # (seconds since the start, current, values, more arguments of update)
    updates: tuple[tuple[float, int, list[tuple[str, float]], dict[str, Any]], ...] = field(default=())


PROGRESS: list[ProgressCase] = []


def row(id: str, arguments: dict[str, Any], *updates: Any) -> None:
    full = tuple((*update, {}) if len(update) == 3 else update for update in updates)
    PROGRESS.append(ProgressCase(id, arguments, full))


def values(loss: float, accuracy: float | None = None) -> list[tuple[str, float]]:
    return [("loss", loss)] + ([] if accuracy is None else [("accuracy", accuracy)])


_stateful = {"stateful_metrics": ["loss", "accuracy"]}
row(
    "epoch",
    {"target": 1875, **_stateful},
    (1.0, 1, values(2.3, 0.1)),
    (2.0, 500, values(1.1, 0.55)),
    (5.0, 1200, values(0.7, 0.7)),
    (8.3, 1875, values(0.5157, 0.8130)),
)
row("averaged", {"target": 10}, (0.5, 2, values(1.0, 0.5)), (1.0, 5, values(3.0, 0.25)), (1.5, 10, values(0.5, 0.75)))
row("every-step", {"target": 7, **_stateful}, *[(0.2 * i, i, values(1 / i, i / 7)) for i in range(1, 8)])
row(
    "within-interval",
    {"target": 100, **_stateful},
    (0.001, 1, values(1.0)),
    (0.06, 2, values(0.9)),
    (0.07, 3, values(0.8)),
    (0.08, 4, values(0.7)),
    (0.2, 5, values(0.6)),
    (0.21, 100, values(0.1)),
)
row(
    "interval",
    {"target": 20, "interval": 1.0, **_stateful},
    (0.5, 1, values(1.0)),
    (0.9, 2, values(0.9)),
    (1.6, 3, values(0.8)),
    (3.0, 20, values(0.1)),
)
row(
    "small-numbers",
    {"target": 3, **_stateful},
    (0.5, 1, values(5e-4, -2e-5)),
    (1.0, 2, values(1e-3, -0.5)),
    (1.5, 3, values(0.0, 123456.789)),
)
row(
    "not-a-number", {"target": 2, **_stateful}, (0.5, 1, values(float("nan"), 0.5)), (1.0, 2, values(float("inf"), 0.5))
)
row(
    "eta-minutes", {"target": 1000, **_stateful}, (2.0, 1, values(1.0)), (4.0, 2, values(1.0)), (104.0, 52, values(1.0))
)
row(
    "eta-hours", {"target": 100000, **_stateful}, (1.0, 1, values(1.0)), (5.0, 2, values(1.0)), (6.0, 1000, values(1.0))
)
row(
    "microseconds",
    {"target": 10000, **_stateful},
    (0.2, 1, values(1.0)),
    (0.9, 5000, values(1.0)),
    (1.2, 10000, values(0.25)),
)
row("seconds-a-step", {"target": 3, **_stateful}, (3.0, 1, values(1.0)), (5.0, 2, values(1.0)), (8.0, 3, values(1.0)))
row("one-step", {"target": 1, **_stateful}, (0.4, 1, values(0.25, 1.0)))
row("no-time", {"target": 1, **_stateful}, (0.0, 1, values(0.25)))
row("no-values", {"target": 313}, (0.5, 100, []), (1.25, 313, []))
row(
    "unknown-target", {"target": None, **_stateful}, (0.3, 1, values(2.0)), (0.6, 2, values(1.5)), (0.9, 3, values(1.2))
)
row(
    "unknown-target-finalize",
    {"target": None, **_stateful},
    (0.3, 1, values(2.0)),
    (0.6, 2, values(1.5)),
    (0.9, 2, values(1.5), {"finalize": True}),
)
row(
    "finalize-early",
    {"target": 10, **_stateful},
    (0.3, 1, values(2.0)),
    (0.6, 2, values(1.5)),
    (0.9, 10, [*values(1.5), ("val_loss", 2.5)], {"finalize": True}),
)
row(
    "validation-values",
    {"target": 5, **_stateful},
    (0.3, 1, values(2.0, 0.2)),
    (0.6, 4, values(1.5, 0.3)),
    (0.9, 5, values(1.2, 0.4), {"finalize": False}),
    (1.2, 5, [*values(1.2, 0.4), ("val_loss", 1.9), ("val_accuracy", 0.35)], {"finalize": True}),
)
row(
    "shrinking-line",
    {"target": 4, **_stateful},
    (0.3, 1, values(123456.0)),
    (0.6, 2, values(1.0)),
    (0.9, 3, values(0.5)),
    (1.2, 4, values(0.25)),
)
row(
    "width",
    {"target": 8, "width": 10, **_stateful},
    (0.3, 1, values(2.0)),
    (0.6, 4, values(1.0)),
    (0.9, 8, values(0.5)),
)
row("unit-name", {"target": 4, "unit_name": "sample", **_stateful}, (0.3, 2, values(2.0)), (0.6, 4, values(1.0)))
row(
    "lines",
    {"target": 1875, "verbose": 2, **_stateful},
    (1.0, 1, values(2.3, 0.1)),
    (5.0, 1200, values(0.7, 0.7)),
    (8.3, 1875, values(0.5157, 0.8130)),
)
row(
    "lines-validation",
    {"target": 5, "verbose": 2, **_stateful},
    (0.3, 1, values(2.0, 0.2)),
    (0.9, 5, values(1.2, 0.4), {"finalize": False}),
    (1.7, 5, [*values(1.2, 0.4), ("val_loss", 1.9), ("val_accuracy", 0.35)], {"finalize": True}),
)
row("lines-small-numbers", {"target": 10, "verbose": 2, **_stateful}, (0.0021, 10, values(2e-4, -0.5)))
row("silent", {"target": 5, "verbose": 0, **_stateful}, (0.3, 1, values(2.0)), (0.6, 5, values(1.0)))


# --- what fit, evaluate and predict print ------------------------------------------------------------------
def compiled(keras: Any) -> tuple[Any, tuple[Any, ...]]:
    model = cases_training.mlp(keras)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.set_weights(cases_training.TRAINING[0].initial_weights(model.get_weights()))
    return model, cases_training.labelled()


def fit(**arguments: Any) -> Callable[..., Any]:
    return lambda model, x, y: model.fit(x, y, **{"shuffle": False, "batch_size": 16, **arguments})


Run = tuple[Callable[[Any], tuple[Any, tuple[Any, ...]]], Callable[..., Any]]
RUNS: dict[str, Run] = {
    "fit": (compiled, fit(epochs=2)),
    "fit-bar": (compiled, fit(epochs=2, verbose=1)),
    "fit-lines": (compiled, fit(epochs=2, verbose=2)),
    "fit-silent": (compiled, fit(epochs=2, verbose=0)),
    "fit-validation": (compiled, fit(epochs=2, validation_split=0.2)),
    "fit-validation-lines": (compiled, fit(epochs=2, validation_split=0.2, verbose=2)),
    "fit-initial-epoch": (compiled, fit(epochs=4, initial_epoch=2)),
    "fit-one-step": (compiled, fit(batch_size=80)),
    "evaluate": (compiled, lambda model, x, y: model.evaluate(x, y)),
    "evaluate-lines": (compiled, lambda model, x, y: model.evaluate(x, y, verbose=2)),
    "evaluate-silent": (compiled, lambda model, x, y: model.evaluate(x, y, verbose=0)),
    "predict": (compiled, lambda model, x, y: model.predict(x)),
    "predict-lines": (compiled, lambda model, x, y: model.predict(x, verbose=2)),
    "predict-silent": (compiled, lambda model, x, y: model.predict(x, verbose=0)),
}


def rendered(text: str) -> list[str]:
    """The lines that a terminal shows in the end, with every duration written as T."""
    lines = []
    for line in text.split("\n"):
        shown: list[str] = []
        cursor = 0
        for character in line:
            if character == "\r":
                cursor = 0
            elif character == "\b":
                cursor = max(cursor - 1, 0)
            else:
                shown[cursor : cursor + 1] = [character]
                cursor += 1
        line = re.sub(r"\b\d+(us|ms|s)\b", "T", "".join(shown))
        lines.append(line.rstrip())
    return lines
