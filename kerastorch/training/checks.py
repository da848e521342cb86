"""Checks that come before the first step, and better words for errors that come after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from kerastorch import losses as losses_module
from kerastorch.core import nest
from kerastorch.training.data import DataSource, whole_steps
from kerastorch.training.outputs import labels_per_output


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


def batch_check(model: Any) -> Callable[[tuple[Any, Any, Any], int | None], None]:
    """The check of inputs and labels that a data source makes, of all of an array at once or batch by batch."""
    compiled_loss, structure = model.compiled_loss, model.output_structure
    shapes = model_input_shapes(model)

    def check(tensors: tuple[Any, Any, Any], number: int | None) -> None:
        x, y, _ = tensors
        for tensor, shape in zip(nest.flatten(x), shapes, strict=False) if not isinstance(x, dict) else ():
            check_input(model.name, tensor, shape)
        if y is None:
            if structure is not None and any(loss is not None for _, loss in compiled_loss.for_labels(structure)):
                raise ValueError(
                    "fit: expected labels for the loss; received only x. Pass y, or let the data yield (x, y)."
                )
            return
        if structure is not None:
            check_labels(compiled_loss, y, structure, number)

    return check


def model_input_shapes(model: Any) -> list[Any]:
    """The shapes that the inputs of a graph have, in order; none for models that define `call`."""
    return [tensor.shape for tensor in model.inputs] if model.output_structure is not None else []


def check_input(name: str, tensor: Any, shape: tuple[int | None, ...]) -> None:
    """Raise ValueError when an array does not fit an input, whatever its number of samples."""
    if tensor is None:
        return
    given = tuple(tensor.shape)
    candidates = [given]
    if len(given) == len(shape) - 1 and shape[-1] == 1:
        candidates.append((*given, 1))
    if len(given) == len(shape) + 1 and given[-1] == 1:
        candidates.append(given[:-1])
    for candidate in candidates:
        if len(candidate) == len(shape) and all(
            wanted is None or size == wanted for size, wanted in zip(candidate[1:], shape[1:], strict=True)
        ):
            return
    moved = len(given) == len(shape) > 2 and given[1] == shape[-1] and given[-1] != shape[-1]
    advice = (
        "The channels seem to be on the other side: transpose the data, or build the model with data_format."
        if moved
        else "Reshape the data, or change the input shape of the model."
    )
    raise ValueError(
        f"Model '{name}': expected x of shape {('batch', *shape[1:])!r}; received {given}. {advice}".replace("'batch'", "batch")
    )


def check_labels(compiled_loss: Any, y: Any, structure: Any, number: int | None) -> None:
    """Raise ValueError for labels that a loss cannot take: out of range, fractional, one-hot for the wrong loss."""
    named = compiled_loss.for_labels(structure)
    outputs = nest.flatten(structure)
    labels = labels_per_output(y, [name for name, _ in named])
    for (name, loss), label, output in zip(named, labels, outputs, strict=True):
        if loss is None or not isinstance(label, torch.Tensor):
            continue
        classes = output.shape[-1] if output.shape else None
        shown = name if len(named) > 1 else None
        _check_kind(loss, label, output.shape, shown)
        if classes is not None:
            losses_module.check_labels(loss, label, classes, batch=number, output=shown)


def _check_kind(loss: Any, labels: torch.Tensor, shape: tuple[int | None, ...], output: str | None) -> None:
    """One-hot rows belong to 'categorical_crossentropy', class numbers to the sparse one."""
    where = "" if output is None else f" of output '{output}'"
    classes = shape[-1] if shape else None
    if losses_module.is_sparse(loss):
        if labels.dim() == len(shape) and classes not in (None, 1) and labels.shape[-1] == classes:
            raise ValueError(
                f"SparseCategoricalCrossentropy '{loss.name}'{where}: expected class numbers; received labels of shape "
                f"{tuple(labels.shape)}, one-hot rows of {classes} classes. Use loss='categorical_crossentropy', or "
                "y.argmax(-1)."
            )
        return
    takes_one_hot = getattr(loss, "fn", None) is losses_module.categorical_crossentropy
    if takes_one_hot and classes not in (None, 1):
        is_index = labels.dim() < len(shape) or (labels.dim() == len(shape) and labels.shape[-1] == 1)
        if is_index:
            raise ValueError(
                f"CategoricalCrossentropy '{loss.name}'{where}: expected one-hot rows of {classes} classes; received "
                f"labels of shape {tuple(labels.shape)}, class numbers. Use loss='sparse_categorical_crossentropy', or "
                f"utils.to_categorical(y, {classes})."
            )
        if labels.dim() == len(shape) and labels.shape[-1] != classes:
            raise ValueError(
                f"CategoricalCrossentropy '{loss.name}'{where}: expected one-hot rows of {classes} classes, as the last "
                f"layer has units; received labels of shape {tuple(labels.shape)}. Change the units or the labels."
            )


def explain_index_error(model: Any, error: IndexError) -> None:
    """Turn torch's words about a label out of range, which a model without known outputs lets through, into ours."""
    if "out of bounds" in str(error):
        raise ValueError(
            f"{type(model).__name__} '{model.name}': expected labels below the number of units of the last layer; "
            f"received one that is not ({error}). Check y.min() and y.max()."
        ) from error
