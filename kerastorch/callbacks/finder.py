"""Finding a learning rate before training."""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import numpy as np

from kerastorch.callbacks.callback import Callback
from kerastorch.callbacks.logs import Logs, as_logs


class LRFinder(Callback):
    """Learning rate range test: trains while the rate grows from `start` to `end`, then puts everything back.

    The rate of step i is start * (end / start) ** (i / (steps - 1)). The test ends before `steps` where the smoothed
    loss is more than `divergence` times its least, or no number. `fit` ends with the test, with weights, optimizer
    and learning rate as they were. `learning_rates` and `losses` hold the values of each step, `smoothed` the
    averages exp(-i / scale) in which `suggestion()` looks for the steepest fall.
    Paper: Smith 2015, https://arxiv.org/abs/1506.01186.
    Raises ValueError for rates that do not grow, a model that is not built, and a rate that a schedule decides.

    >>> finder = LRFinder(1e-5, 1.0, steps=100)
    >>> model.fit(x, y, epochs=10, callbacks=[finder])  # doctest: +SKIP
    >>> model.optimizer.learning_rate = finder.suggestion()  # doctest: +SKIP
    """

    def __init__(
        self, start: float = 1e-7, end: float = 10.0, steps: int = 100, smoothing: float = 0.9, divergence: float = 4.0
    ) -> None:
        super().__init__()
        checks = (
            ("0 < start < end", 0 < start < end, f"start={start}, end={end}"),
            ("at least 2 steps", isinstance(steps, int) and steps > 1, f"steps={steps}"),
            ("smoothing in [0, 1)", 0 <= smoothing < 1, f"smoothing={smoothing}"),
            ("divergence above 1", divergence > 1, f"divergence={divergence}"),
        )
        for expected, right, received in checks:
            if not right:
                raise ValueError(f"LRFinder: expected {expected}; received {received}. Leave it out for the default.")
        self.start = start
        self.end = end
        self.steps = steps
        self.smoothing = smoothing
        self.divergence = divergence
        self._forget()

    def _forget(self) -> None:
        self.learning_rates: list[float] = []
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self._before: tuple[Any, Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._forget()
        model = self.model
        if not model.weights:
            raise ValueError(
                f"LRFinder: expected a model that is built, so that its weights can be put back; received "
                f"{type(model).__name__} '{model.name}', which is not. Give it an input shape, or call it on data."
            )
        optimizer = model.optimizer
        if not optimizer.built:
            optimizer.build(model.trainable_weights)
        self._before = model.get_weights(), copy.deepcopy(optimizer.state_dict())

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        if len(self.losses) < self.steps:
            rate = self.start * (self.end / self.start) ** (len(self.losses) / (self.steps - 1))
            self.model.optimizer.learning_rate = rate
            self.learning_rates.append(rate)
            self.model.reset_metrics()  # the loss of this batch alone

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if len(self.losses) == self.steps:
            return
        loss = float(np.mean(as_logs(logs)["loss"]))
        self.losses.append(loss)
        self.smoothed.append(self._smooth(loss))
        diverged = not math.isfinite(loss) or self.smoothed[-1] > self.divergence * min(self.smoothed)
        if diverged or len(self.losses) == self.steps:
            self.model.stop_training = True

    def _smooth(self, loss: float) -> float:
        """The exponential mean of the losses, each weighted as if there had been infinitely many before."""
        steps = len(self.smoothed)
        if not steps:
            return loss
        before = self.smoothed[-1] * (1 - self.smoothing**steps)
        return (self.smoothing * before + (1 - self.smoothing) * loss) / (1 - self.smoothing ** (steps + 1))

    def on_train_end(self, logs: Logs | None = None) -> None:
        if not self.model.stop_training:
            warnings.warn(
                f"LRFinder: expected {self.steps} steps; received {len(self.losses)}. Train for more epochs, or test "
                "with fewer steps.",
                UserWarning,
                stacklevel=2,
            )
        self.release()

    def release(self) -> None:
        if self._before is not None:
            weights, state = self._before
            self.model.set_weights(weights)
            self.model.optimizer.load_state_dict(state)
            self._before = None

    def suggestion(self) -> float:
        """The rate at which the smoothed loss falls most steeply over the logarithm of the rate.

        Raises ValueError before a test, and after one of too few steps.
        """
        losses = np.array(self.smoothed)
        losses = losses[np.isfinite(losses)]
        if len(losses) < 3:
            raise ValueError(
                f"LRFinder: expected a test of at least 3 steps; received {len(losses)}. "
                "Call model.fit(..., callbacks=[finder]) first, with a lower start."
            )
        losses = losses[: int(losses.argmin()) + 1] if losses.argmin() > 1 else losses
        slopes = np.gradient(losses, np.log(self.learning_rates[: len(losses)]))
        return self.learning_rates[int(slopes.argmin())]

    def plot(self, axes: Any = None) -> Any:
        """Draw the smoothed loss over the rate with matplotlib; returns the axes."""
        if axes is None:
            from matplotlib import pyplot  # an optional package

            axes = pyplot.gca()
        axes.plot(self.learning_rates[: len(self.smoothed)], self.smoothed)
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss")
        return axes
