"""Metric: a value that is gathered over batches and never makes the device wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch import initializers
from kerastorch.core.config import dtype_name, torch_dtype
from kerastorch.core.naming import names, to_snake_case
from kerastorch.core.variable import Variable

# labels, predictions and sample weights
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]


class State:
    """A weight of a metric as an attribute: whoever reads it finds the batches that wait added up."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, metric: Metric | None, owner: type | None = None) -> Any:
        if metric is None:
            return self
        if metric._waiting:
            metric.catch_up()
        return metric.__dict__[self.name]

    def __set__(self, metric: Metric, weight: Variable | None) -> None:
        metric.__dict__[self.name] = weight


class Metric:
    """Base class: a subclass adds to its weights in `update_state` and makes a tensor of them in `result`.

    Weights live on the device of the data; nothing is read back before somebody asks for the number.
    Calling a metric updates it and returns its result so far.

    >>> class Positives(Metric):
    ...     def __init__(self, name="positives", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.number = self.add_weight(name="number", initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.number.assign_add((y_pred > 0.5).sum())
    ...     def result(self):
    ...         return self.number.value()
    >>> float(Positives()(None, torch.tensor([0.2, 0.7])))
    1.0
    """

    def __init__(self, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        if kwargs:
            raise TypeError(
                f"{type(self).__name__}: expected the arguments 'name' and 'dtype'; received "
                f"{sorted(kwargs)}. Take the arguments of a subclass out before super().__init__()."
            )
        self.name = name or names.next(to_snake_case(type(self).__name__))
        found = torch_dtype(dtype)
        # sums over samples soon leave the range or the precision of 16 bits
        self._dtype = torch.float32 if dtype is None and found.itemsize == 2 else found
        self._weights: list[Variable] = []
        self._waiting: list[Batch] = []

    @property
    def dtype(self) -> str:
        return dtype_name(self._dtype)

    def add_weight(
        self,
        name: str | None = None,
        shape: Sequence[int] = (),
        initializer: str | Callable[..., Any] | None = "zeros",
        dtype: Any = None,
        **_: Any,
    ) -> Variable:
        """A weight that gathers values; `reset_state` sets it to zero."""
        if isinstance(name, tuple | list):  # Keras 3 puts the shape first
            name, shape = (shape if isinstance(shape, str) else None), name
        dtype = self._dtype if dtype is None else torch_dtype(dtype)
        # a weight made inside inference_mode could never be updated outside
        with torch.inference_mode(False):
            value = initializers.get(initializer or "zeros")(tuple(shape), dtype=dtype)
            weight = Variable(value, trainable=False, name=f"{name or 'weight'}:0", dtype=dtype)
        self._weights.append(weight)
        return weight

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch: labels and predictions of shape (batch, ...), weights of shape (batch,) or theirs."""
        raise NotImplementedError(
            f"{type(self).__name__} '{self.name}': expected a method update_state; found none. Define it."
        )

    def result(self) -> Any:
        """The value so far: a tensor, or a dict of tensors."""
        raise NotImplementedError(
            f"{type(self).__name__} '{self.name}': expected a method result; found none. Define it."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def update_later(self, y_true: torch.Tensor, y_pred: torch.Tensor, sample_weight: torch.Tensor | None) -> None:
        """Keep a batch until somebody looks, so that several are added at once, which is cheaper.

        Only for metrics whose weights are `State`s and add up over samples. Nobody may change the tensors later.
        """
        self._waiting.append((y_true, y_pred, sample_weight))

    def catch_up(self) -> None:
        """Add the batches that wait."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            with torch.no_grad():
                self.update_state(*(_joined(parts) for parts in zip(*waiting, strict=True)))

    def reset_state(self) -> None:
        """Forget everything: set all weights to zero."""
        self._waiting = []
        if type(self).reset_states is not Metric.reset_states:  # a subclass that uses the name of before
            self.reset_states()
            return
        with torch.no_grad():
            for weight in self._weights:
                weight.zero_()
        for metric in self._inner_metrics():
            metric.reset_state()

    def reset_states(self) -> None:
        """The old name of `reset_state`."""
        self.reset_state()

    def merge_state(self, metrics: Sequence[Metric]) -> None:
        """Add what other metrics of this kind have gathered."""
        for metric in metrics:
            if len(metric.weights) != len(self.weights):
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected metrics with {len(self.weights)} "
                    f"weights; received {metric!r}. Merge metrics of one class only."
                )
            for weight, other in zip(self.weights, metric.weights, strict=True):
                weight.assign_add(other.detach().to(weight.device))

    def _expect(self, wanted: str, received: Any, is_right: bool) -> None:
        if not is_right:
            raise ValueError(f"{type(self).__name__} '{self.name}': expected {wanted}; received {received!r}.")

    def _inner_metrics(self) -> list[Metric]:
        return [value for value in vars(self).values() if isinstance(value, Metric)]

    def _follow(self, device: torch.device) -> None:
        """Move the weights to where the data are."""
        for weight in self._weights:
            weight.data = weight.data.to(device)

    @property
    def weights(self) -> list[Variable]:
        self.catch_up()
        return self._weights + [weight for metric in self._inner_metrics() for weight in metric.weights]

    variables = weights
    non_trainable_weights = weights
    non_trainable_variables = weights

    @property
    def trainable_weights(self) -> list[Variable]:
        return []

    trainable_variables = trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        for weight, value in zip(self.weights, weights, strict=True):
            weight.assign(value)

    def get_state(self) -> dict[str, Any]:
        """All that was gathered, the batches that wait included: what a backup in the middle of an epoch keeps.

        That is weights, the attributes that are numbers, arrays or tensors, and those of metrics inside.
        """
        own = {name: value for name, value in vars(self).items() if name not in ("_weights", "_waiting")}
        waiting = [(y, prediction, _logits_of(prediction), weight) for y, prediction, weight in self._waiting]
        return {
            "weights": [weight.detach() for weight in self._weights],
            "waiting": waiting,
            "attributes": {name: value for name, value in own.items() if _is_plain(value)},
            "metrics": [metric.get_state() for metric in self._inner_metrics()],
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `get_state` returned."""
        vars(self).update(state["attributes"])
        for weight, value in zip(self._weights, state["weights"], strict=True):
            weight.assign(value)
        self._waiting = []
        for y_true, y_pred, logits, weight in state["waiting"]:
            if logits is not None:
                y_pred._keras_logits = logits
            self._waiting.append((y_true, y_pred, weight))
        for metric, inner in zip(self._inner_metrics(), state["metrics"], strict=True):
            metric.set_state(inner)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v}' for k, v in self.get_config().items())})"


def _joined(parts: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
    """Batches one after the other, with the logits that predictions remember."""
    if parts[0] is None or len(parts) == 1:
        return parts[0]
    whole = torch.cat(parts)
    logits = [getattr(part, "_keras_logits", None) for part in parts]
    if logits[0] is not None:
        whole._keras_logits = torch.cat(logits)  # type: ignore[attr-defined]
    return whole


def _logits_of(prediction: torch.Tensor | None) -> torch.Tensor | None:
    return getattr(prediction, "_keras_logits", None)


def _is_plain(value: Any) -> bool:
    """Whether a value is a number, an array, a plain tensor, or lists and dicts of these."""
    if isinstance(value, list | tuple):
        return all(_is_plain(part) for part in value)
    if isinstance(value, Mapping):
        return all(_is_plain(part) for part in value.values())
    is_array = isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
    return isinstance(value, bool | int | float) or is_array or type(value) is torch.Tensor
