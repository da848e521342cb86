"""What a layer adds to the loss and to the logs: its own terms, regularisers, metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from kerastorch.core import nest
from kerastorch.engine.context import call_context, structure_version
from kerastorch.engine.precision import in_full_precision
from kerastorch.engine.tracking import TrackedDict, TrackedList, is_metric
from kerastorch.engine.weights import parameters_of


class LossTermsMixin(nn.Module):
    """`add_loss`, `add_metric`, `losses` and `metrics`."""

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """Add a scalar tensor (or a list, or functions without arguments) to the loss that `fit` minimises.

        Called inside `call`, it counts for that call; called outside with a function, for every step.
        """
        if call_context.probe is not None or call_context.recomputing:
            return  # shapes are being found, there are no values; or the values have been added
        for loss in losses if isinstance(losses, list | tuple) else [losses]:
            if callable(loss) and not isinstance(loss, torch.Tensor):
                self.__dict__.setdefault("_loss_functions", []).append(loss)
                structure_version.bump()
                continue
            number, collected = self._losses
            if number != call_context.call_number:
                collected = []
                if number == 0:
                    structure_version.bump()
            collected.append(loss if isinstance(loss, torch.Tensor) else torch.as_tensor(loss))
            self.__dict__["_losses"] = (call_context.call_number, collected)

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> None:
        """Report the mean of `value` under `name` in the logs of `fit` and `evaluate`."""
        if name is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a name for the metric; received None. "
                "Call add_metric(value, name='...')."
            )
        if call_context.probe is not None or call_context.recomputing:
            return
        if "_added_metrics" not in self.__dict__:
            self.__dict__["_added_metrics"] = {}
            structure_version.bump()
        number, values = self._added_metrics.get(name, (0, ()))
        values = values if number == call_context.call_number else ()
        self._added_metrics[name] = (call_context.call_number, (*values, value.detach()))

    @property
    def added_metrics(self) -> dict[str, Any]:
        """The values of `add_metric` in the last call, of this layer and the layers inside."""
        contributors = self._contributors("_metric_contributors", lambda layer: "_added_metrics" in layer.__dict__)
        if not contributors:
            return {}
        added = [item for layer in contributors for item in layer._added_metrics.items()]
        latest = max(self._call_number, *(number for _, (number, _) in added))
        return {
            name: values[0] if len(values) == 1 else torch.stack(values).mean()
            for name, (number, values) in added
            if number == latest
        }

    @property
    def losses(self) -> list[Any]:
        """Loss terms of the last call (`add_loss`, activity regularizers) and of the weights' regularizers."""
        contributors = self._contributors("_loss_contributors", lambda layer: layer._may_add_losses())
        if not contributors:
            return []
        latest = max(self._call_number, *(layer._losses[0] for layer in contributors))
        collected: list[Any] = []
        for layer in contributors:
            number, terms = layer._losses
            if number == latest:
                collected += terms
            collected += [function() for function in layer.__dict__.get("_loss_functions", ())]
            collected += [
                parameter.regularizer(parameter)
                for parameter in parameters_of(layer)
                if getattr(parameter, "regularizer", None) is not None
            ]
        return collected

    def _contributors(self, key: str, contributes: Callable[[Any], bool]) -> list[Any]:
        """The layers, from this one down, for which `contributes` holds; kept until the structure changes."""
        version, own, inner = self.__dict__.get(key, (-1, False, []))
        if version != structure_version.number:
            found = [layer for layer in self._flatten_layers() if contributes(layer)]
            # without this layer itself, which would keep itself alive
            own, inner = self in found, [layer for layer in found if layer is not self]
            self.__dict__[key] = (structure_version.number, own, inner)
        return [self, *inner] if own else inner

    def _may_add_losses(self) -> bool:
        regularized = any(getattr(p, "regularizer", None) is not None for p in parameters_of(self))
        return regularized or self._losses[0] > 0 or "_loss_functions" in self.__dict__

    @property
    def held_metrics(self) -> list[Any]:
        """The metric objects that this layer and the layers inside hold as attributes."""
        own = [metric for layer in self._flatten_layers() for metric in (*layer._metrics, *_listed_metrics(layer))]
        return list({id(metric): metric for metric in own}.values())

    @property
    def metrics(self) -> list[Any]:
        """The metric objects that belong to the layer."""
        return self.held_metrics

    def _add_activity_loss(self, outputs: Any) -> None:
        for output in nest.flatten(outputs):
            # sums of many squares leave the range of float16
            self.add_loss(self.activity_regularizer(in_full_precision(output)) / output.shape[0])


def _listed_metrics(layer: Any) -> list[Any]:
    held = [value for value in vars(layer).values() if isinstance(value, TrackedList | TrackedDict)]
    return [leaf for leaf in nest.flatten(held) if is_metric(leaf)]
