"""Checks that come before the first step, and better words for errors that come after."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.callbacks import CallbackList
from kerastorch.callbacks.monitor import Monitor
from kerastorch.core import nest
from kerastorch.training.arrays import check_finite, number_of_samples
from kerastorch.training.data import DataSource, whole_steps


def steps_of(source: DataSource, asked: Any) -> int | None:
    """The number of steps of an epoch: what was asked for, else what the source knows."""
    asked = whole_steps(asked)
    return source.steps if asked is None else asked


def no_batches(model: Any) -> ValueError:
    return ValueError(
        f"{type(model).__name__} '{model.name}': expected at least one batch; received an empty generator, loader or "
        "dataset. Check that it yields something, and that a generator was not used up before."
    )


def require_built(model: Any) -> None:
    """Raise ValueError for a model without any layer; others are built by the first batch."""
    if not model.built and type(model).__name__ == "Sequential" and not model.layers:
        raise ValueError(
            f"Sequential '{model.name}': expected at least one layer; received an empty model. Use model.add(...)."
        )


def require_arrays(x: Any) -> None:
    if not isinstance(x, np.ndarray | torch.Tensor | list | tuple | dict) and not hasattr(x, "to_numpy"):
        raise ValueError(
            f"fit: expected arrays or tensors with validation_split; received {type(x).__name__}. "
            "Split the data yourself and pass validation_data."
        )


def is_validation_epoch(frequency: int | Sequence[int], epoch: int) -> bool:
    """Whether to validate after `epoch`, counted from 0."""
    if isinstance(frequency, int):
        if frequency < 1:
            raise ValueError(f"fit: expected validation_freq of at least 1; received {frequency}.")
        return (epoch + 1) % frequency == 0
    return (epoch + 1) in frequency


def number_of_epochs(epochs: Any) -> int:
    """`epochs` as an int; ValueError for what is no whole number."""
    whole = isinstance(epochs, int | np.integer) or (isinstance(epochs, float) and epochs.is_integer())
    if isinstance(epochs, bool) or not whole or epochs < 0:
        raise ValueError(f"fit: expected epochs as a whole number; received {epochs!r}. Pass for example 10.")
    return int(epochs)


def verbosity(verbose: Any) -> int:
    """`verbose` as 0, 1 or 2; ValueError for anything else than these and 'auto'."""
    if verbose == "auto":
        return 1
    if not isinstance(verbose, int | np.integer):
        raise ValueError(f"fit: expected verbose to be 0, 1, 2 or 'auto'; received {verbose!r}. Pass for example 2.")
    return int(verbose)


def check_sample_weight(sample_weight: Any) -> None:
    """Raise ValueError for weights of `fit` that are all zero, and warn of negative ones."""
    weights = [leaf for leaf in nest.flatten(sample_weight) if leaf is not None]
    if not weights or any(leaf.numel() == 0 for leaf in weights):
        return
    if not any(bool(leaf.any()) for leaf in weights):
        raise ValueError(
            "fit: expected sample_weight with a weight above 0; received only zeros, by which nothing would be learnt. "
            "Leave sample_weight out, or check how it is computed."
        )
    lowest = min(float(leaf.min()) for leaf in weights)
    if lowest < 0:
        warnings.warn(
            f"fit: expected sample_weight without negative weights; received {lowest:g}. Training makes the errors of "
            "such samples larger, without an end.",
            stacklevel=4,
        )


def expect_logs(model: Any, callbacks: CallbackList, validates: bool) -> None:
    """Tell the callbacks that watch a value which names the logs will have, where that is known before training."""
    watching = [callback for callback in callbacks if isinstance(callback, Monitor)]
    names = _names_of_logs(model) if watching and not callbacks.may_add_to_logs() else None
    if names is not None:
        names = [*names, *(f"val_{name}" for name in names if validates), *callbacks.added_names()]
    for callback in watching:
        callback.expect_logs(names)


def _names_of_logs(model: Any) -> list[str] | None:
    """The names under which a model logs its training; None where code of the author's own decides that."""
    outputs = model.output_structure
    steps = ("train_step", "test_step", "compute_loss", "compute_metrics", "get_metrics_result", "make_train_function")
    ours = all(type(layer).__module__.startswith("kerastorch.") for layer in model.inner_layers)
    of_metrics = model.compiled_metrics.names_for(outputs) if outputs is not None and ours else None
    if of_metrics is None or model._overrides(steps):
        return None
    return [*model.compiled_loss.names_for(outputs), *of_metrics, *(metric.name for metric in model._held_metrics())]


def warn_of_nan(model: Any, logs: Mapping[str, Any], epoch: int) -> bool:
    """Whether the loss of an epoch is NaN, which is warned of."""
    loss = logs.get("loss")
    if not isinstance(loss, float) or not math.isnan(loss):
        return False
    warnings.warn(
        f"{type(model).__name__} '{model.name}': expected a loss that is a number; received NaN in epoch {epoch + 1}. "
        "Lower the learning rate, clip gradients, or look at the data; callbacks.TerminateOnNaN stops at the batch.",
        RuntimeWarning,
        stacklevel=4,
    )
    return True


class BatchCheck:
    """What a data source asks of x, y and sample_weight: once of whole arrays, else of each batch before it is used.

    With steps of the author's own (`own_step`), only what can be no data at all is refused.
    """

    def __init__(self, model: Any, part: str = "", own_step: bool = False) -> None:
        self.model, self.part, self.own_step = model, part, own_step

    def __call__(self, tensors: tuple[Any, Any, Any], batch: int | None) -> None:
        x, y, sample_weight = tensors
        if batch is not None:
            number_of_samples(*tensors, part=self.part, batch=batch)
        self._check_finite(x, "x", batch)
        self._check_finite(sample_weight, "sample_weight", batch)
        if self.own_step:
            return
        self.model.check_inputs(x)
        if not batch:
            self.model.look_at_inputs(x)
        loss = self.model.compiled_loss
        if loss.takes_only_numbers:
            self._check_finite(y, "y", batch)
        loss.check_labels(y, batch, self.model.output_structure, sample_weight)

    def _check_finite(self, structure: Any, role: str, batch: int | None) -> None:
        # the answer for one batch on an accelerator would make the loop wait
        if batch is None or all(leaf is None or leaf.device.type == "cpu" for leaf in nest.flatten(structure)):
            check_finite(structure, f"{self.part}{role}", batch)


def explain_index_error(model: Any, error: IndexError) -> None:
    """Turn torch's words about a label out of range, which a model without known outputs lets through, into ours."""
    if "out of bounds" in str(error):
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected labels below the number of units of the last layer; "
            f"received one that is not ({error}). Check y.min() and y.max()."
        ) from error
