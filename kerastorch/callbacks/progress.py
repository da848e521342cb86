"""The progress bar: redrawn on a terminal, updated in a notebook, one line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import LazyLogs, Logs, to_python
from kerastorch.callbacks.messages import print_message


class Progbar:
    """Shows `current/target [===>...] - ETA: 3s - loss: 0.5157` and, at the end, the times.

    `target` None means unknown. `verbose` is 0 (silent), 1 (a bar) or 2 (one line at the end); the bar is
    redrawn at most every `interval` seconds. Values named in `stateful_metrics` are shown as they are, others
    averaged over steps.

    >>> bar = Progbar(2, verbose=2)
    >>> bar.update(1, [("loss", 1.0)])
    >>> bar.update(2, [("loss", 3.0)])  # doctest: +SKIP
    2/2 - 0s - loss: 2.0000 - 1ms/epoch - 500us/step
    """

    def __init__(
        self,
        target: int | None,
        width: int = 30,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.unit_name = unit_name
        self._display = _Notebook() if "ipykernel" in sys.modules else _Stream()
        self._totals: dict[str, list[Any]] = {}  # name: sum of values, number of steps
        self._seen = 0
        self._start = self._epoch_start = time.time()
        self._last_drawn = 0.0
        self._after_first_step: float | None = None

    def is_due(self) -> bool:
        """Whether an update now would draw: a caller may leave out reading values when it would not."""
        return self.verbose == 1 and self._display.redraws and time.time() - self._last_drawn >= self.interval

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Note that `current` steps are done, with the values of the last of them."""
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        self._collect(current, values or ())
        now = time.time()
        seconds_per_step = self._seconds_per_step(current, now)
        if self.verbose == 1 and (finalize or (self._display.redraws and now - self._last_drawn >= self.interval)):
            self._display.show(self._bar(current, seconds_per_step, now, finalize), finalize)
            self._last_drawn = now
        elif self.verbose == 2 and finalize:
            print_message(self._summary(current, now), end="")
            self._epoch_start = now

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Note that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _collect(self, current: int, values: Iterable[tuple[str, Any]]) -> None:
        for name, value in values:
            if name in self.stateful_metrics:
                self._totals[name] = [value, 1]
                continue
            if isinstance(value, torch.Tensor):
                value = value.detach()  # summed on its device; nothing waits for it until the bar is drawn
            steps = max(current - self._seen, 1)
            entry = self._totals.setdefault(name, [0.0, 0])
            entry[0] = entry[0] + value * steps
            entry[1] += steps
        self._seen = current

    def _seconds_per_step(self, current: int, now: float) -> float:
        """The mean time of a step so far; the first one, which is rarely typical, is left out."""
        if not current:
            return 0.0
        if self._after_first_step is not None and current > 1:
            return (now - self._after_first_step) / (current - 1)
        if current == 1:
            self._after_first_step = now
        return (now - self._start) / current

    def _bar(self, current: int, seconds_per_step: float, now: float, finalize: bool) -> str:
        if self.target is None:
            line = f"{current:7d}/Unknown"
        else:
            filled = int(self.width * (current / self.target)) if self.target else self.width
            head = "" if not filled else "=" * (filled - 1) + (">" if current < self.target else "=")
            line = f"{current:{len(str(self.target))}d}/{self.target} [{head}{'.' * (self.width - filled)}]"
        if self.target is None or finalize:
            line += f" - {now - self._start:.0f}s {_duration(seconds_per_step)}/{self.unit_name}"
        else:
            line += f" - ETA: {_remaining(seconds_per_step * (self.target - current))}"
        return line + "".join(f" - {name}: {_number(value, abs(value))}" for name, value in self._means())

    def _summary(self, current: int, now: float) -> str:
        line = f"{current:{len(str(self.target))}d}/{self.target} - {now - self._start:.0f}s"
        line += "".join(f" - {name}: {_number(value, value)}" for name, value in self._means())
        if current == self.target:
            epoch = now - self._epoch_start
            line += f" - {_duration(epoch)}/epoch - {_duration(epoch / max(self.target, 1))}/{self.unit_name}\n"
        return line

    def _means(self) -> Iterable[tuple[str, float]]:
        for name, (total, steps) in self._totals.items():
            yield name, float(np.mean(to_python(total / max(1, steps))))


def _number(value: float, size: float) -> str:
    return f"{value:.4f}" if size > 1e-3 else f"{value:.4e}"


def _duration(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _remaining(seconds: float) -> str:
    if seconds > 3600:
        return f"{seconds // 3600:.0f}:{seconds % 3600 // 60:02.0f}:{int(seconds % 60):02d}"
    return f"{seconds // 60:.0f}:{int(seconds % 60):02d}" if seconds > 60 else f"{int(seconds)}s"


class _Stream:
    """Standard output: a line that is redrawn in place on a terminal, and only its last state elsewhere."""

    def __init__(self) -> None:
        self.redraws = bool(getattr(sys.stdout, "isatty", lambda: False)())
        self._drawn = 0

    def show(self, line: str, finalize: bool) -> None:
        text = line.ljust(self._drawn)  # covers what a longer line before it would leave
        if self.redraws:
            text = "\b" * self._drawn + "\r" + text
            self._drawn = len(line)
        print_message(text, end="\n" if finalize else "")


class _Notebook:
    """One display of a notebook cell, updated in place."""

    redraws = True

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, line: str, finalize: bool) -> None:
        bundle = {"text/plain": line}
        if self._handle is None:
            from IPython.display import display

            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


class ProgbarLogger(Callback):
    """Shows the progress of `fit`, `evaluate` and `predict`; `verbose=1` and `2` add it by themselves.

    `count_mode` is 'steps' or 'samples'. Names in `stateful_metrics`, and those of the model's metrics, are
    shown as they are; other values of batches are averaged. Raises ValueError for another `count_mode`.
    """

    def __init__(self, count_mode: str = "steps", stateful_metrics: Iterable[str] | None = None) -> None:
        super().__init__()
        if count_mode not in ("steps", "samples"):
            raise ValueError(
                f"ProgbarLogger 'progbar_logger': expected count_mode 'steps' or 'samples'; "
                f"received {count_mode!r}. Pass one of the two."
            )
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or ())
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self.seen = 0
        self.progbar: Progbar | None = None
        self._called_in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self.verbose = params.get("verbose", 1)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps" if self.use_steps else "samples")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._called_in_fit = True  # validation inside `fit` shows nothing of its own

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._start()
        if self.verbose and self.epochs > 1:
            print_message(f"Epoch {epoch + 1}/{self.epochs}")

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._start()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._start()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._advance(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(batch, None)  # the outputs are no numbers to show

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._finish(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._finish(None)

    def _start(self) -> None:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, unit_name="step" if self.use_steps else "sample")

    def _take_stateful_names(self) -> None:
        # metrics may come into being in the first step, so their names are asked for at every redraw
        metrics = getattr(self.model, "metrics", None) or ()
        self.progbar.stateful_metrics = self.stateful_metrics | {metric.name for metric in metrics}

    def _advance(self, batch: int, logs: Logs | None) -> None:
        if self.use_steps:
            self.seen = batch + 1
        else:
            logs = dict(logs or {})
            self.seen += logs.pop("size", 0) * logs.pop("num_steps", 1)
            logs.pop("batch", None)
        if self.verbose != 1:
            return
        bar = self.progbar
        if logs is None or (type(logs) is LazyLogs and logs.running):
            if not bar.is_due():
                if self.seen <= 1:
                    bar.update(self.seen, finalize=False)  # notes the time of the first step
                return
            values = logs or {}
        else:
            values = logs.raw or logs if type(logs) is LazyLogs else logs
        self._take_stateful_names()
        bar.update(self.seen, values.items(), finalize=False)

    def _finish(self, logs: Logs | None) -> None:
        if self.target is None:
            self.target = self.progbar.target = self.seen
        self._take_stateful_names()
        self.progbar.update(self.target, (logs or {}).items(), finalize=True)

    def _counts_batches(self) -> bool:
        return self.verbose == 1 or bool(self.verbose and self.target is None)

    _implements_train_batch_hooks = _counts_batches
    _implements_test_batch_hooks = _counts_batches
    _implements_predict_batch_hooks = _counts_batches
