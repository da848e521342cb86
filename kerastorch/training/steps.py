"""One step of training, evaluation and prediction: the methods that users override."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from kerastorch.callbacks.logs import LazyLogs
from kerastorch.engine.context import structure_version
from kerastorch.metrics import Mean
from kerastorch.training.batches import unpack_x_y_sample_weight


class Steps:
    """The steps, the metrics that they update and the functions that take batches to them."""

    def train_step(self, data: Any) -> Mapping[str, Any]:
        """One step of training on a batch: forward, loss, gradients, update, metrics; returns the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=True)
        loss = self.compute_loss(x, y, y_pred, sample_weight)
        self.apply_gradients_of(loss)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> Mapping[str, Any]:
        """One step of evaluation on a batch; returns the logs."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        self.compute_loss(x, y, y_pred, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        """The scalar that training minimises: compiled losses, added losses and regularisers."""
        return self.compiled_loss(y, y_pred, sample_weight, regularization_losses=self.losses)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Mapping[str, Any]:
        """Update the compiled metrics and return the logs."""
        if y is not None:
            with torch.no_grad():
                self.compiled_metrics.update_state(y, y_pred, sample_weight)
        for name, value in self.added_metrics.items():
            if name not in self._added_means:
                self._added_means[name] = Mean(name=name)
            self._added_means[name].update_state(value)
        return self.get_metrics_result()

    def get_metrics_result(self) -> Mapping[str, Any]:
        """The logs: the value of each metric under its name, read from the device when somebody looks."""
        if self._reader is None:
            self.__dict__["_reader"] = MetricsReader(self)
        return LazyLogs(self._reader)

    @property
    def metrics(self) -> list[Any]:
        """Loss, compiled metrics and the metrics that layers hold, in the order of the logs."""
        return list(dict.fromkeys(self.each_metric()))

    def each_metric(self) -> Iterator[Any]:
        """The metrics one after the other; one that is held in several places comes several times."""
        for compiled in (self.compiled_loss, self.compiled_metrics):
            if compiled is not None:
                yield from compiled.metrics
        yield from self._held_metrics()
        yield from self._added_means.values()

    def _held_metrics(self) -> list[Any]:
        """The metrics that are attributes of layers; looked for again only when the structure changes."""
        version, held = self._held
        if version != structure_version.number:
            held = self.held_metrics
            self.__dict__["_held"] = (structure_version.number, held)
        return held

    @property
    def metrics_names(self) -> list[str]:
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Start all running means anew."""
        for metric in self.metrics:
            metric.reset_state()
        if self.compiled_metrics is not None:
            self.compiled_metrics.start_anew()

    def apply_gradients_of(self, loss: torch.Tensor) -> None:
        """Differentiate `loss` by the trainable weights and let the optimizer update them."""
        weights = self._weights_to_train()
        self.optimizer.scale_loss(loss).backward()
        self.optimizer.update([weight.grad for weight in weights], weights)
        for weight in weights:
            weight.grad = None

    def _weights_to_train(self) -> list[Any]:
        version, weights = self._trained
        if version != structure_version.number:
            weights = self.trainable_weights
            if not weights:
                received = "whose weights are all frozen" if self.weights else "without weights"
                advice = (
                    "Set trainable = True on a layer, and compile again."
                    if self.weights
                    else ("Make layers in the constructor, not in call(), and keep them as attributes.")
                )
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected at least one trainable weight; received a model "
                    f"{received}. {advice}"
                )
            self.__dict__["_trained"] = (structure_version.number, weights)
        return weights

    def make_train_function(self) -> Callable[[Iterator[Any]], Mapping[str, Any]]:
        """The function that takes the next batch from an iterator and trains on it; override to wrap the step."""
        return _repeated(self.train_step, self.steps_per_execution)

    def make_test_function(self) -> Callable[[Iterator[Any]], Mapping[str, Any]]:
        """The function that takes the next batch from an iterator and evaluates it."""
        return _repeated(self.test_step, self.steps_per_execution)

    def make_predict_function(self) -> Callable[[Iterator[Any]], Any]:
        """The function that takes the next batch from an iterator and returns the outputs."""
        return _repeated(self.predict_step, 1)


def _repeated(step: Callable[[Any], Any], times: int) -> Callable[[Iterator[Any]], Any]:
    if times == 1:
        return lambda iterator: step(next(iterator))

    def several(iterator: Iterator[Any]) -> Any:
        logs = step(next(iterator))
        for _ in range(times - 1):
            try:
                batch = next(iterator)
            except StopIteration:
                break
            logs = step(batch)
        return logs

    return several


class MetricsReader:
    """Reads the metrics of a model: all, or one. Logs outlive a step, so it does not keep the model alive."""

    def __init__(self, model: Any) -> None:
        self._model = weakref.ref(model)

    def __call__(self) -> dict[str, Any]:
        return _results(self._model().metrics)

    def value_of(self, name: str) -> Any:
        """The value of the metric that is logged as `name`; None where there is none."""
        model = self._model()
        loss = model.compiled_loss
        if name == "loss" and loss is not None and loss.losses is not None:
            found = loss.total  # the first of the metrics, and what most want
        else:
            found = next((metric for metric in model.each_metric() if metric.name == name), None)
        number = found.as_number() if isinstance(found, Mean) else None
        if number is not None or found is None:
            return number
        return _results([found]).get(name)


def _results(metrics: Sequence[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for metric in metrics:
        result = metric.result()
        found.update(result if isinstance(result, Mapping) else {metric.name: result})
    return found
