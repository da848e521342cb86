"""Symbolic tensors: placeholders, functions made of graphs, and gradients inside of graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.variable import numpy_of
from kerastorch.engine.layer import Layer
from kerastorch.engine.symbolic import KerasTensor, TensorSpec, is_keras_tensor
from kerastorch.layers import Input, InputLayer
from kerastorch.models import Model
from kerastorch.ops.operation import floating

__all__ = ["function", "gradients", "is_keras_tensor", "placeholder"]


def placeholder(
    shape: Sequence[int | None] | None = None,
    ndim: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    name: str | None = None,
    ragged: bool = False,
) -> KerasTensor:
    """A symbolic tensor of `shape`, the batch axis included, or with `ndim` axes of unknown size.

    >>> placeholder((None, 3)).shape
    (None, 3)
    """
    sizes = (None,) * (ndim or 0) if shape is None else tuple(shape)
    return Input(batch_shape=sizes, dtype=dtype, name=name, sparse=sparse, ragged=ragged)


def function(inputs: Any, outputs: Any, updates: Any = None, name: str | None = None) -> Callable[[Any], Any]:
    """A function of arrays that computes `outputs`, symbolic tensors of a functional model, from `inputs`.

    `K.learning_phase()` among the inputs makes its place the training flag. Returns arrays in the structure of
    `outputs`. Raises ValueError for `updates`, which only graphs of TensorFlow 1 have.

    >>> x = Input((2,))
    >>> function([x], [x * 2])([np.ones((1, 2))])
    [array([[2., 2.]], dtype=float32)]
    """
    if updates:
        raise ValueError(
            f"K.function: expected no updates; received {updates!r}. Assign variables after the call: x.assign(value)."
        )
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    symbolic = [isinstance(one, KerasTensor) for one in listed]
    model = Model([one for one, use in zip(listed, symbolic, strict=True) if use], outputs, name=name)
    alone = isinstance(outputs, list) and len(outputs) == 1

    def compute(values: Any) -> Any:
        given = list(values) if isinstance(values, list | tuple) else [values]
        if len(given) != len(listed):
            raise ValueError(f"K.function: expected a list of {len(listed)} arrays; received {len(given)}.")
        data = [floating(value) for value, use in zip(given, symbolic, strict=True) if use]
        phase = [bool(value) for value, use in zip(given, symbolic, strict=True) if not use]
        with torch.no_grad():
            results = model(data[0] if len(data) == 1 else data, **({"training": phase[0]} if phase else {}))
        results = nest.map_structure(numpy_of, results)
        return [results] if alone else results

    return compute


class Gradients(Layer):
    """The gradients of the sum of `loss` with respect to `sources`, for the symbolic inputs that both follow from.

    The graph is computed anew, so random layers draw other numbers than in the loss itself.
    """

    autocast = False

    def __init__(self, loss: KerasTensor, sources: Sequence[Any], inputs: Sequence[KerasTensor]) -> None:
        super().__init__()
        self.__dict__["specs"] = [TensorSpec(tuple(source.shape), source.dtype) for source in sources]
        self.__dict__["weights_asked"] = [None if isinstance(one, KerasTensor) else one for one in sources]
        self.model = Model(list(inputs), [loss, *(one for one in sources if isinstance(one, KerasTensor))])
        self.built = True

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        return list(self.specs)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        with torch.inference_mode(False), torch.enable_grad():
            fresh = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in nest.flatten(inputs)]
            outputs = nest.flatten(self.model(fresh[0] if len(fresh) == 1 else fresh, training=training))
            computed = iter(outputs[1:])
            sources = [next(computed) if weight is None else weight for weight in self.weights_asked]
            return list(torch.autograd.grad(outputs[0].sum(), sources, materialize_grads=True))

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("K.gradients: expected a model that is not saved; gradients have no config.")


def gradients(loss: Any, variables: Any) -> list[Any]:
    """The gradients of the sum of `loss` with respect to a tensor or variable, or each of a list; zeros where none is.

    Of symbolic tensors the gradients are symbolic too, for use in `K.function` or a model; of real tensors they are
    those of `torch.autograd.grad`. Raises ValueError for a loss that no gradients were recorded for.

    >>> x = Input((2,))
    >>> function([x], gradients(torch.sum(x ** 2), x))([np.ones((1, 2))])
    [array([[2., 2.]], dtype=float32)]
    """
    sources = list(variables) if isinstance(variables, list | tuple) else [variables]
    if isinstance(loss, KerasTensor):
        inputs = _inputs_of(loss)
        return Gradients(loss, sources, inputs)(inputs)
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        raise ValueError(
            "K.gradients: expected a symbolic loss, or one that was computed from tensors with requires_grad; "
            f"received {loss!r}. Compute it again after x.requires_grad_(), and outside of torch.no_grad()."
        )
    return list(torch.autograd.grad(loss.sum(), sources, retain_graph=True, materialize_grads=True))


def _inputs_of(tensor: KerasTensor) -> list[KerasTensor]:
    """The symbolic inputs that a tensor follows from."""
    found: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    waiting = [tensor]
    while waiting:
        one = waiting.pop()
        if id(one.node) in seen:
            continue
        seen.add(id(one.node))
        if isinstance(one.node.layer, InputLayer):
            found[id(one.node)] = one
        waiting.extend(one.node.inputs)
    return list(found.values())
