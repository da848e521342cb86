"""Control flow: choices, and loops over the steps of sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from kerastorch import ops
from kerastorch.backend.session import learning_phase
from kerastorch.core import nest
from kerastorch.ops.operation import operation, tensor
from kerastorch.ops.recurrent import run_steps

__all__ = ["foldl", "foldr", "in_test_phase", "in_train_phase", "map_fn", "rnn", "switch"]


def _value(expression: Any) -> Any:
    return expression() if callable(expression) else expression


@operation
def switch(condition: Any, then_expression: Any, else_expression: Any) -> torch.Tensor:
    """`then_expression` where `condition` holds, `else_expression` elsewhere; both may be functions without arguments.

    A condition that is one value chooses one of them as a whole; one with fewer axes than they have counts for the
    first ones. Raises ValueError for a condition with more axes.

    >>> switch([[True], [False]], torch.ones(2, 1), torch.zeros(2, 1))
    tensor([[1.],
            [0.]])
    """
    condition = tensor(condition) != 0
    if condition.dim() == 0:
        return tensor(_value(then_expression if condition.is_meta or condition else else_expression))
    then, otherwise = tensor(_value(then_expression)), tensor(_value(else_expression))
    if condition.dim() > then.dim():
        raise ValueError(
            "K.switch: expected a condition with at most as many axes as the expressions; received a condition of "
            f"shape {tuple(condition.shape)} for an expression of shape {tuple(then.shape)}. Squeeze the condition."
        )
    if condition.dim() > 1:
        condition = condition.reshape(*condition.shape, *(1,) * (then.dim() - condition.dim()))
    return torch.where(condition, then, otherwise)


@operation
def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` in training, `alt` otherwise; both may be functions without arguments."""
    return _value(x if (learning_phase() if training is None else training) else alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` in training, `x` otherwise."""
    return in_train_phase(alt, x, training)


def map_fn(fn: Callable[[Any], Any], elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """`fn` of each slice of `elems` along the first axis, the results stacked."""
    results = ops.map(fn, elems)
    return results if dtype is None else nest.map_structure(lambda x: ops.cast(x, dtype), results)


def _fold(fn: Callable[[Any, Any], Any], slices: Sequence[Any], initializer: Any) -> Any:
    value, rest = (slices[0], slices[1:]) if initializer is None else (initializer, slices)
    for part in rest:
        value = fn(value, part)
    return value


@operation
def foldl(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """`value = fn(value, slice)` for each slice along the first axis, from `initializer` or the first slice.

    >>> foldl(lambda total, x: total + x, [1.0, 2.0, 3.0])
    tensor(6.)
    """
    return _fold(fn, tensor(elems).unbind(0), initializer)


@operation
def foldr(fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """As `foldl`, from the last slice to the first."""
    return _fold(fn, tensor(elems).unbind(0)[::-1], initializer)


@operation
def rnn(
    step_function: Callable[[Any, Any], tuple[Any, Any]],
    inputs: Any,
    initial_states: Any,
    go_backwards: bool = False,
    mask: Any = None,
    constants: Any = None,
    unroll: bool = False,
    input_length: Any = None,
    time_major: bool = False,
    zero_output_for_mask: bool = False,
    return_all_outputs: bool = True,
) -> tuple[Any, Any, Any]:
    """`output, states = step_function(input, states)` for each step of `inputs` (batch, steps, ...).

    Returns the last output, all outputs (batch, steps, ...) and the last states; with `return_all_outputs=False` the
    outputs have one step, the last. `constants` follow the states in what the step function gets. Where `mask` (batch,
    steps) is False a sample keeps its states and repeats its output, or gives zeros with `zero_output_for_mask`.
    With `time_major`, inputs, mask and outputs are (steps, batch, ...). `unroll` changes nothing here.

    >>> last, outputs, states = rnn(lambda x, s: (x + s[0], [x + s[0]]), torch.ones(1, 3, 1), [torch.zeros(1, 1)])
    >>> outputs[0, :, 0]
    tensor([1., 2., 3.])
    """
    inputs = nest.map_structure(lambda x: _steps_first(x, time_major, go_backwards), inputs)
    steps, batch = nest.flatten(inputs)[0].shape[:2]
    if mask is not None:
        mask = _steps_first(mask, time_major, go_backwards).bool().reshape(steps, batch)
    elif isinstance(input_length, torch.Tensor):
        time = torch.arange(steps, device=input_length.device).unsqueeze(1)
        mask = time > input_length.max() - 1 - input_length if go_backwards else time < input_length
    more = tuple(constants or ())

    def step(x: Any, states: Any) -> tuple[Any, Any]:
        output, new_states = step_function(x, states + more)
        return output, tuple(new_states)

    outputs, states = run_steps(step, inputs, tuple(initial_states), mask, zero_output_for_mask, return_all_outputs)
    if not return_all_outputs:
        outputs = nest.map_structure(lambda x: x.unsqueeze(0), outputs)
    last = nest.map_structure(lambda x: x[-1], outputs)
    if not time_major:
        outputs = nest.map_structure(lambda x: x.transpose(0, 1), outputs)
    return last, outputs, states


def _steps_first(x: Any, time_major: bool, backwards: bool) -> torch.Tensor:
    x = tensor(x) if time_major else tensor(x).transpose(0, 1)
    return x.flip(0) if backwards else x
