"""RNN: a cell, run over the steps of sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from kerastorch.core import nest
from kerastorch.core.errors import describe
from kerastorch.core.variable import Variable
from kerastorch.engine.context import inside
from kerastorch.engine.input_spec import InputSpec, check_inputs
from kerastorch.engine.layer import Layer
from kerastorch.engine.shapes import is_shape, map_shapes, placeholder
from kerastorch.engine.symbolic import TensorSpec, flatten_specs, is_symbolic
from kerastorch.layers.recurrent.cell import (
    Step,
    has_several,
    initial_state_of,
    is_cell,
    output_size_of,
    size_tuple,
    step_of,
    takes_constants,
)
from kerastorch.layers.recurrent.cells import RecurrentCell
from kerastorch.layers.recurrent.stacked import StackedRNNCells
from kerastorch.layers.registry import deserialize
from kerastorch.ops import recurrent

RUN_OPTIONS = (
    *("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major", "zero_output_for_mask"),
)


class RNN(Layer):
    """Run a cell (or a list of cells, on top of each other) over the steps of sequences.

    Input (batch, steps, ...), or with `time_major` (steps, batch, ...); output (batch, *output_size), with
    `return_sequences` (batch, steps, *output_size); `return_state` adds the last states. `initial_state` and
    `constants` are given by keyword, or as the rest of a list of inputs. Masked steps leave output and states as they
    are. With `stateful` a batch starts from the last states of the batch before it, until `reset_states`.
    Raises ValueError for anything that is no cell, for states that do not fit, and for `stateful` without a batch size.

    >>> RNN(LSTMCell(8), return_sequences=True)(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 5, 8])
    """

    supports_masking = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        time_major: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        self.__dict__["_num_constants"] = kwargs.pop("num_constants", 0)
        if "input_dim" in kwargs:
            kwargs.setdefault("input_length", None)
        super().__init__(**kwargs)
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        if not is_cell(cell):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a cell with `call` and `state_size`; received "
                f"{describe(cell)}. Pass for example LSTMCell(32), or a list of cells."
            )
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.time_major = time_major
        self.zero_output_for_mask = zero_output_for_mask
        self.__dict__["_sequence_spec"] = InputSpec(min_ndim=3)
        self.__dict__["_states"] = None
        self.__dict__["_step_shape"] = None  # of one tensor of inputs, where all is known
        self.__dict__["_batch_size"] = None  # that of the data which the layer was built for

    # --- states --------------------------------------------------------------------------------------------------

    @property
    def state_sizes(self) -> Any:
        """The cell's `state_size`, in a list where it is one size."""
        sizes = self.cell.state_size
        return sizes if has_several(sizes) else [sizes]

    @property
    def states(self) -> list[Any]:
        """The states that a stateful layer keeps, as variables; None for each before they exist."""
        return [None for _ in self.state_sizes] if self._states is None else self._states

    @states.setter
    def states(self, values: Any) -> None:
        self.__dict__["_states"] = None if values is None else list(values)

    def reset_states(self, states: Any = None) -> None:
        """Let the next batch start from `states`, arrays of the states' shapes, or anew.

        Raises ValueError for states that do not fit, AttributeError for a layer that is not stateful.
        """
        if not self.stateful:
            raise AttributeError(
                f"{type(self).__name__} '{self.name}': expected a stateful layer; received stateful=False. "
                "Construct it with stateful=True."
            )
        batch = self._batch_size
        if batch is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a known batch size, as stateful=True; received None. "
                "Give the first layer batch_input_shape=(batch, steps, features), or Input a batch_size."
            )
        start = initial_state_of(self.cell, batch, self._dtype) if states is None else self._as_tensors(states)
        start = self._pack_states(start, batch)
        if self._states is None:
            made = nest.map_structure(lambda value: Variable(value.clone(), trainable=False, name="state"), start)
            self.__dict__["_states"] = list(made)
            return
        for variable, value in zip(nest.flatten(self._states), nest.flatten(start), strict=True):
            variable.assign(value)

    def _apply(self, function: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> RNN:
        super()._apply(function, recurse)
        if self._states is not None:  # they are no weights, but move with them
            self.states = nest.map_structure(lambda state: state.with_values(function(state.detach())), self._states)
        return self

    def state_shapes(self, batch: int | None) -> list[tuple[int | None, ...]]:
        """The shapes of all states, in one list; None for sizes that are not known."""
        return [(batch, *size_tuple(size)) for size in nest.flatten(self.state_sizes)]

    def _pack_states(self, states: Any, batch: int | None) -> Any:
        """`states`, flat or not, in the structure of the cell's; ValueError when number or shapes do not fit."""
        found, sizes = nest.flatten(states), nest.flatten(self.state_sizes)
        owner = f"{type(self).__name__} '{self.name}'"
        shapes = self.state_shapes(batch)
        if len(found) != len(sizes):
            raise ValueError(
                f"{owner}: expected {len(sizes)} initial state{'s' * (len(sizes) > 1)} of shape "
                f"{', '.join(map(str, shapes))}; received {len(found)}. Pass one tensor per state, in a list."
            )
        for position, (state, shape) in enumerate(zip(found, shapes, strict=True)):
            given = tuple(state.shape)
            if len(given) != len(shape) or any(
                None not in pair and pair[0] != pair[1] for pair in zip(given, shape, strict=True)
            ):
                raise ValueError(
                    f"{owner}: expected shape {shape} for initial state {position}; received {given}. "
                    "Make the state as large as the layer's units and as long as the batch."
                )
        return nest.pack_like(self.state_sizes, found)

    def get_initial_state(self, inputs: Any) -> list[Any]:
        """The states that samples start from, for a batch like `inputs`."""
        first = nest.flatten(inputs)[0]
        dtype = first.dtype if first.is_floating_point() else self._dtype
        states = initial_state_of(self.cell, first.shape[1 if self.time_major else 0], dtype, first.device)
        return list(states) if nest.is_nested(states) else [states]

    def _starting_states(self, inputs: torch.Tensor, given: Any) -> Any:
        batch = inputs.shape[1 if self.time_major else 0]
        given = None if given is None else self._pack_states(given, batch)
        if not self.stateful:
            return self.get_initial_state(inputs) if given is None else given
        kept = nest.map_structure(lambda state: state.detach().clone(), self._states)
        if batch != self._batch_size:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected batches of {self._batch_size} samples, as "
                f"stateful=True; received {batch}. Choose batch_size so that it divides the number of samples."
            )
        if given is None:
            return kept
        # states that are kept win over given ones, unless they are all zero
        used = torch.stack([state.any() for state in nest.flatten(kept)]).any()
        return nest.map_structure(lambda old, new: torch.where(used, old, new), kept, given)

    # --- calling -------------------------------------------------------------------------------------------------

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        if initial_state is None and constants is None:
            return super().__call__(inputs, **kwargs)
        if isinstance(inputs, list):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected states in the list of inputs or as initial_state; "
                f"received both, {len(inputs)} inputs and initial_state. Pass them once."
            )
        extra = {"initial_state": _listed(initial_state), "constants": _listed(constants)}
        if constants is not None:
            self.__dict__["_num_constants"] = len(extra["constants"])
        if is_symbolic(extra):
            listed = [value for values in extra.values() if values is not None for value in values]
            return super().__call__([inputs, *listed], **kwargs)
        for key, values in extra.items():
            if values is not None:
                kwargs[key] = nest.map_structure(self._convert, self._as_tensors(values))
        return super().__call__(inputs, **kwargs)

    def _separate(self, inputs: Any, initial_state: Any = None, constants: Any = None) -> tuple[Any, Any, Any]:
        """The sequence, the initial states and the constants, from a list that may hold all of them."""
        if not isinstance(inputs, list):
            return inputs, initial_state, constants
        end = len(inputs) - self._num_constants
        return inputs[0], inputs[1:end] or None, inputs[end:] or None

    def call(
        self, inputs: Any, mask: Any = None, training: bool | None = None, initial_state: Any = None,
        constants: Any = None,
    ) -> Any:  # fmt: skip
        inputs, initial_state, constants = self._separate(inputs, initial_state, constants)
        first = inputs if type(inputs) is torch.Tensor else nest.flatten(inputs)[0]
        if first is not inputs or first.shape[2:] != self._step_shape:
            check_inputs(self._sequence_spec, inputs, self)
        if not first.shape[0 if self.time_major else 1]:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected at least one step; received shape "
                f"{tuple(first.shape)}. Leave empty sequences out."
            )
        states = self._starting_states(first, initial_state)
        mask = nest.flatten(mask)[0]
        mask = mask.bool() if mask is not None and mask.dtype is not torch.bool else mask
        if not self.time_major:
            inputs = nest.map_structure(_swap, inputs)
            mask = None if mask is None else _swap(mask)
        if self.go_backwards:
            inputs = nest.map_structure(lambda leaf: leaf.flip(0), inputs)
            mask = None if mask is None else mask.flip(0)
        output, states = self._run_cell(inputs, states, mask, training, constants)
        if self.stateful:
            for variable, value in zip(nest.flatten(self._states), nest.flatten(states), strict=True):
                variable.assign(value)
        if self.return_sequences and not self.time_major:
            output = nest.map_structure(_swap, output)
        return [*_as_list(output), *states] if self.return_state else output

    def _run_cell(self, inputs: Any, states: Any, mask: Any, training: Any, constants: Any) -> recurrent.Run:
        """The cell on time-major inputs."""
        cell = self.cell
        if training:
            _forget_masks(cell)
        options = {"zero_output_for_mask": self.zero_output_for_mask, "every_output": self.return_sequences}
        if nest.flatten(inputs)[0].device.type == "meta":
            return _probe(step_of(cell, training, constants), inputs, states, self.return_sequences)
        if isinstance(cell, RecurrentCell | StackedRNNCells) and constants is None and cell.runs_sequences():
            options.update(keep_states=self.return_state or self.stateful)
            each_step = bool(training) and self._drops_each_step()
            return cell.run(inputs, states, mask, training, each_step, **options)
        if constants is not None and not takes_constants(cell):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a cell whose `call` takes `constants`; received "
                f"{type(cell).__name__} and {len(constants)} constants. Add the argument to the cell's `call`."
            )
        return recurrent.run_steps(step_of(cell, training, constants), inputs, states, mask, **options)

    def _drops_each_step(self) -> bool:
        """Whether dropout chooses anew for each step; with RNN one choice holds for all steps of a call."""
        return False

    # --- shapes --------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        shape = _sequence_part(input_shape)
        map_shapes(lambda one: check_inputs(self._sequence_spec, placeholder(one, self._dtype), self), shape)
        self.__dict__["_batch_size"] = _first(shape)[1 if self.time_major else 0]
        if isinstance(self.cell, Layer) and not self.cell.built:
            with inside(self.name):
                self.cell.build(map_shapes(lambda one: one[1:] if self.time_major else (one[0], *one[2:]), shape))
        self.__dict__["_sequence_spec"] = map_shapes(lambda one: InputSpec(shape=(None, None, *one[2:])), shape)
        self.__dict__["_step_shape"] = tuple(shape[2:]) if is_shape(shape) else None
        if self.stateful:
            self.reset_states()

    def compute_output_shape(self, input_shape: Any) -> Any:
        specs = flatten_specs(self._output_specs(_first(_sequence_part(input_shape))))
        return [spec.shape for spec in specs] if len(specs) > 1 else specs[0].shape

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        sequence, states, _ = self._separate(args[0], kwargs.get("initial_state"))
        shape = nest.flatten(sequence)[0].shape
        batch, steps = (shape[1], shape[0]) if self.time_major else shape[:2]
        if states is not None:
            self._pack_states(states, batch)
        if self.unroll and steps is None:
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected a known number of steps, as unroll=True; received "
                f"input shape {shape}. Give the Input a fixed length, or leave unroll out."
            )
        return self._output_specs(shape)

    def _output_specs(self, shape: tuple[int | None, ...]) -> Any:
        batch = shape[1 if self.time_major else 0]
        axes = tuple(shape[:2]) if self.return_sequences else (batch,)
        output = nest.map_structure(
            lambda size: TensorSpec((*axes, *size_tuple(size)), self._dtype), output_size_of(self.cell)
        )
        if not self.return_state:
            return output
        states = nest.map_structure(lambda size: TensorSpec((batch, *size_tuple(size)), self._dtype), self.state_sizes)
        return [*_as_list(output), *states]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        output_mask = nest.flatten(mask)[0] if self.return_sequences else None
        return [output_mask, *(None for _ in self.states)] if self.return_state else output_mask

    # --- configs -------------------------------------------------------------------------------------------------

    def _argument(self, key: str, given: Any) -> Any:
        return self.cell if key == "cell" else super()._argument(key, given)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **{key: getattr(self, key) for key in RUN_OPTIONS}}
        if not config["zero_output_for_mask"]:
            del config["zero_output_for_mask"]  # tf.keras writes it where it is set
        if self._num_constants:
            config["num_constants"] = self._num_constants
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        given = dict(config)
        if isinstance(given.get("cell"), Mapping):
            given["cell"] = deserialize(given["cell"])
        return super().from_config(given)


def _forget_masks(cell: Any) -> None:
    """Let cells draw new dropout masks in the next step."""
    for one in cell.modules() if isinstance(cell, Layer) else ():
        if isinstance(one, RecurrentCell):
            one.reset_dropout_mask()


def _probe(step: Step, inputs: Any, states: Any, every_output: bool) -> recurrent.Run:
    """Tensors without values, of the shapes that a run gives: one step tells them, where fused kernels are slow."""
    leaves = nest.flatten(inputs)
    one_step = nest.pack_like(inputs, [leaf[:1] for leaf in leaves])
    output, states = recurrent.run_steps(step, one_step, states, every_output=False)
    if every_output:
        output = nest.map_structure(lambda leaf: leaf.expand(len(leaves[0]), *leaf.shape), output)
    return output, states


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _listed(value: Any) -> list[Any] | None:
    return None if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _swap(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.transpose(0, 1)


def _sequence_part(shapes: Any) -> Any:
    """The shape of the sequence, from a list that may hold those of states too."""
    return shapes[0] if isinstance(shapes, list) and not is_shape(shapes) else shapes


def _first(shapes: Any) -> tuple[int | None, ...]:
    found: list[tuple[int | None, ...]] = []
    map_shapes(found.append, shapes)
    return found[0]
