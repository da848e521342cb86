"""Recurrent layers: the fused kernels against the loop over the steps, masks, states and dropout by their values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kerastorch as keras
from kerastorch.layers import GRU, LSTM, RNN, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell, StackedRNNCells
from kerastorch.ops import recurrent
from kerastorch.ops.gated_recurrence import gru
from kerastorch.ops.recurrent_kernels import in_one_block, lstm, torch_gru
from layer_case import mask_array

LAYERS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": SimpleRNN}
CELLS = {"LSTM": LSTMCell, "GRU": GRUCell, "SimpleRNN": SimpleRNNCell}
MASKS = ("right", "left", "holes", "empty")
each_layer = pytest.mark.parametrize("kind", LAYERS)


def filled(layer: Any, inputs: torch.Tensor, **arguments: Any) -> Any:
    """The layer, built for `inputs`, with random weights of some size."""
    layer(inputs, **arguments)
    layer.set_weights([np.random.normal(size=weight.shape) for weight in layer.weights])
    return layer


def as_list(outputs: Any) -> list[torch.Tensor]:
    return outputs if isinstance(outputs, list) else [outputs]


def results(layer: Any, inputs: torch.Tensor, states: list[torch.Tensor] | None, **arguments: Any) -> list[Any]:
    """Outputs, and the gradients of a fixed sum of them with respect to inputs, states and weights."""
    inputs = inputs.clone().requires_grad_()
    states = None if states is None else [state.clone().requires_grad_() for state in states]
    outputs = as_list(layer(inputs, initial_state=states, **arguments))
    sources = [inputs, *(states or ()), *layer.weights]
    total = sum((output * torch.arange(1.0, 1.0 + output.numel()).view_as(output).cos()).sum() for output in outputs)
    gradients = torch.autograd.grad(total, sources, allow_unused=True)
    return [*outputs, *(torch.zeros(()) if one is None else one for one in gradients)]


def check_equal(found: list[torch.Tensor], wanted: list[torch.Tensor], tolerance: float = 1e-10) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance)


# --- fused kernels --------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(list(LAYERS)),
    masked=st.sampled_from((None, *MASKS)),
    steps=st.integers(1, 5),
    batch=st.integers(1, 4),
    initial=st.booleans(),
    activation=st.sampled_from(("tanh", "relu")),
    options=st.fixed_dictionaries(
        {
            name: st.booleans()
            for name in (
                *("return_sequences", "return_state", "go_backwards"),
                *("time_major", "use_bias", "zero_output_for_mask"),
            )
        }
    ),
)
def test_kernels_do_what_the_steps_do(
    kind: str, masked: str | None, steps: int, batch: int, initial: bool, activation: str, options: dict[str, bool]
) -> None:
    inputs = torch.randn(batch, steps, 3, dtype=torch.float64)
    mask = None if masked is None else torch.from_numpy(mask_array(masked, batch, steps))
    if options["time_major"]:
        inputs, mask = inputs.transpose(0, 1), None if mask is None else mask.t()
    layer = filled(LAYERS[kind](4, activation=activation, dtype="float64", **options), inputs)
    states = [torch.randn(batch, 4, dtype=torch.float64) for _ in layer.states] if initial else None
    fused = activation == "tanh" or kind == "SimpleRNN"
    assert (layer.cell.fused() is not None) is fused
    found = results(layer, inputs, states, mask=mask)
    with mock.patch.object(type(layer.cell), "fused", lambda self: None):
        wanted = results(layer, inputs, states, mask=mask)
    check_equal(found, wanted)


@each_layer
def test_kernels_are_used_where_the_options_allow(kind: str) -> None:
    inputs = torch.randn(2, 3, 4)
    usual = [{}, {"use_bias": False}, {"go_backwards": True}, {"unroll": True}, {"dropout": 0.5}]
    usual += [{"recurrent_dropout": 0.5}, {"activation": torch.tanh}]  # outside of training
    unusual: list[dict[str, Any]] = [{"activation": "sigmoid"}]
    if kind != "SimpleRNN":
        unusual += [{"recurrent_activation": "hard_sigmoid"}]
    if kind == "GRU":
        unusual += [{"reset_after": False}]
    for options, used in [*((one, True) for one in usual), *((one, False) for one in unusual)]:
        with mock.patch.object(recurrent, "run_fused", wraps=recurrent.run_fused) as kernel:
            LAYERS[kind](4, **options)(inputs)
        assert kernel.called is used, options
    for options, used in (({"dropout": 0.5}, True), ({"recurrent_dropout": 0.5}, False)):
        with mock.patch.object(recurrent, "run_fused", wraps=recurrent.run_fused) as kernel:
            LAYERS[kind](4, **options)(inputs, training=True)
        assert kernel.called is used, options


def gru_arguments(steps: int, biases: bool, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, ...]:
    """Inputs, state and weights of three samples, four features and two units."""
    shapes = [(steps, 3, 4), (3, 2), (6, 4), (6, 2), *([(6,), (6,)] if biases else [])]
    return tuple(torch.randn(shape, dtype=dtype, requires_grad=True) for shape in shapes)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("biases", [False, True])
def test_written_out_backward_pass(steps: int, biases: bool) -> None:
    """The gradients of the GRU, and theirs, are those of small differences."""

    def run(inputs: torch.Tensor, state: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return gru(inputs, [state], list(weights))[0]

    arguments = gru_arguments(steps, biases)
    assert torch.autograd.gradcheck(run, arguments)
    assert torch.autograd.gradgradcheck(run, arguments)
    outputs, [last] = gru(arguments[0], [arguments[1]], list(arguments[2:]))
    wanted, [wanted_last] = torch_gru(arguments[0], [arguments[1]], list(arguments[2:]))
    check_equal([outputs, last], [wanted, wanted_last])


@pytest.mark.parametrize("fixed", range(6))
def test_gradients_of_some_arguments(fixed: int) -> None:
    arguments = gru_arguments(4, True, torch.float32)
    arguments[fixed].requires_grad_(False)
    sources = [argument for argument in arguments if argument.requires_grad]
    found = torch.autograd.grad(gru(arguments[0], [arguments[1]], list(arguments[2:]))[0].square().sum(), sources)
    wanted = torch.autograd.grad(
        torch_gru(arguments[0], [arguments[1]], list(arguments[2:]))[0].square().sum(), sources
    )
    check_equal(list(found), list(wanted), 1e-5)


def test_prediction_runs_torch_kernel() -> None:
    layer, inputs = GRU(4), torch.randn(2, 5, 3)
    with_gradients = layer(inputs)
    with torch.no_grad(), mock.patch("kerastorch.ops.gated_recurrence.GatedRecurrence", None):
        torch.testing.assert_close(layer(inputs), with_gradients)


@pytest.mark.parametrize("kind", ["GRU", "SimpleRNN"])
@pytest.mark.parametrize("options", [{}, {"recurrent_dropout": 0.3}, {"activation": "sigmoid"}])
def test_under_autocast(kind: str, options: dict[str, Any]) -> None:
    layer, inputs = LAYERS[kind](4, **options), torch.randn(2, 5, 3)
    wanted = layer(inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(inputs)
        layer(inputs, training=True).sum().backward()
    torch.testing.assert_close(found.float(), wanted, atol=0.05, rtol=0.05)
    assert all(weight.grad.isfinite().all() for weight in layer.weights)


@each_layer
@pytest.mark.parametrize("options", [{}, {"activation": "sigmoid"}])
def test_whole_numbers_are_taken_as_floats(kind: str, options: dict[str, str]) -> None:
    numbers = torch.randint(0, 5, (2, 3, 4))
    layer = LAYERS[kind](4, **options)
    torch.testing.assert_close(layer(numbers), layer(numbers.float()))
    states = [torch.zeros(2, 4) for _ in layer.states]
    torch.testing.assert_close(layer.cell(numbers[:, 0], states)[0], layer(numbers[:, :1]))


def test_weights_are_those_of_torch_transposed() -> None:
    inputs = torch.randn(2, 6, 3)
    ours, theirs = filled(LSTM(4, return_sequences=True), inputs), torch.nn.LSTM(3, 4, batch_first=True)
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.cell.kernel.t())
        theirs.weight_hh_l0.copy_(ours.cell.recurrent_kernel.t())
        theirs.bias_ih_l0.copy_(ours.cell.bias)
        theirs.bias_hh_l0.zero_()
    torch.testing.assert_close(ours(inputs), theirs(inputs)[0])
    assert ours.cell.kernel.t().is_contiguous() and ours.cell.recurrent_kernel.t().is_contiguous()


def test_weights_in_one_block_are_the_same() -> None:
    weights = [torch.randn(8, 3).t().requires_grad_(), torch.randn(4, 2, requires_grad=True)]
    block = in_one_block(weights)
    assert [torch.equal(one, other) for one, other in zip(block, weights, strict=True)] == [True, True]
    assert block[1].data_ptr() - block[0].data_ptr() == weights[0].numel() * 4
    sum((one * one).sum() for one in block).backward()
    assert all(torch.equal(weight.grad, 2 * weight) for weight in weights)


@pytest.mark.parametrize("every_output", [False, True])
@pytest.mark.parametrize("keep_states", [False, True])
def test_masked_run_asks_for_no_values(every_output: bool, keep_states: bool) -> None:
    """On 'meta' there are none: whatever waits for the device fails there."""
    with torch.device("meta"):
        inputs, mask, states = torch.ones(3, 2, 4), torch.ones(3, 2, dtype=torch.bool), [torch.ones(2, 5)] * 2
        weights = [torch.ones(20, 4), torch.ones(20, 5), torch.ones(20), torch.ones(20)]
        output, last = recurrent.run_fused(
            lstm, inputs, states, weights, mask, every_output=every_output, keep_states=keep_states
        )
    assert output.shape == ((3, 2, 5) if every_output else (2, 5)) and output.is_meta
    assert [state.shape for state in last] == [(2, 5), (2, 5)]


# --- masks ----------------------------------------------------------------------------------------------


@each_layer
@pytest.mark.parametrize("masked", MASKS)
@pytest.mark.parametrize("stacked", [False, True])
def test_masked_steps_do_not_count(kind: str, masked: str, stacked: bool) -> None:
    """Each sample's result is that of its valid steps alone."""
    inputs, mask = torch.randn(4, 5, 3), torch.from_numpy(mask_array(masked, 4, 5))
    cells = [CELLS[kind](4, name="a"), CELLS[kind](3, name="b")] if stacked else [CELLS[kind](3, name="a")]
    layer = filled(RNN(cells, return_sequences=True, return_state=True), inputs)
    outputs, *states = keras.core.nest.flatten(layer(inputs, mask=mask))
    for sample in range(4):
        valid = mask[sample]
        if not valid.any():
            assert all(not state[sample].any() for state in states) and not outputs[sample].any()
            continue
        wanted, *wanted_states = keras.core.nest.flatten(layer(inputs[sample : sample + 1, valid]))
        torch.testing.assert_close(outputs[sample, valid], wanted[0])
        for state, one in zip(states, wanted_states, strict=True):
            torch.testing.assert_close(state[sample], one[0])


@each_layer
@pytest.mark.parametrize("masked", MASKS)
@pytest.mark.parametrize("sequences", [False, True])
def test_padding_may_hold_anything(kind: str, masked: str, sequences: bool) -> None:
    inputs, mask = torch.randn(4, 5, 3), torch.from_numpy(mask_array(masked, 4, 5))
    layer = filled(LAYERS[kind](4, return_sequences=sequences, return_state=True), inputs)
    wanted = layer(inputs, mask=mask)
    for filling in (1e6, float("inf"), float("nan")):
        found = layer(torch.where(mask[..., None], inputs, filling), mask=mask)
        check_equal(found, wanted, 1e-6)
        assert all(output.isfinite().all() for output in found)


@each_layer
def test_whole_mask_is_no_mask(kind: str) -> None:
    inputs = torch.randn(2, 5, 3)
    layer = filled(LAYERS[kind](4, return_sequences=True, return_state=True), inputs)
    check_equal(layer(inputs, mask=torch.ones(2, 5, dtype=torch.bool)), layer(inputs), 1e-6)
    check_equal(layer(inputs, mask=torch.ones(2, 5)), layer(inputs), 1e-6)


# --- states ---------------------------------------------------------------------------------------------


@each_layer
@pytest.mark.parametrize("masked", [None, "holes"])
@pytest.mark.parametrize("options", [{}, {"activation": "sigmoid"}, {"time_major": True}])
def test_stateful_layer_goes_on(kind: str, masked: str | None, options: dict[str, Any]) -> None:
    """Two batches of a stateful layer are one batch of twice the steps."""
    inputs = torch.randn(3, 8, 2)
    mask = None if masked is None else torch.from_numpy(mask_array(masked, 3, 8))
    axis = 0 if options.get("time_major") else 1
    if axis == 0:
        inputs, mask = inputs.transpose(0, 1), None if mask is None else mask.t()
    whole = filled(LAYERS[kind](4, return_sequences=True, **options), inputs)
    halves = LAYERS[kind](4, return_sequences=True, stateful=True, **options)
    halves.build(inputs.shape)
    halves.set_weights(whole.get_weights())
    masks = (None, None) if mask is None else mask.chunk(2, axis)
    for _ in range(2):
        found = [halves(part, mask=one) for part, one in zip(inputs.chunk(2, axis), masks, strict=True)]
        found, wanted = torch.cat(found, axis), whole(inputs, mask=mask)
        valid = torch.ones_like(wanted[..., 0], dtype=torch.bool) if mask is None else mask
        torch.testing.assert_close(found[valid], wanted[valid])
        assert not any(state.requires_grad for state in halves.states)
        halves.reset_states()


@each_layer
def test_states_can_be_set_and_read(kind: str) -> None:
    inputs = torch.randn(2, 3, 4)
    layer = filled(LAYERS[kind](5, stateful=True, return_state=True), inputs)
    states = [np.random.normal(size=(2, 5)).astype("float32") for _ in layer.states]
    layer.reset_states(states)
    for state, value in zip(layer.states, states, strict=True):
        np.testing.assert_array_equal(state.numpy(), value)
    held = layer.states
    output, *last = layer(inputs)
    plain = LAYERS[kind](5)
    plain.build(inputs.shape)
    plain.set_weights(layer.get_weights())
    torch.testing.assert_close(output, plain(inputs, initial_state=list(map(torch.from_numpy, states))))
    assert all(one is other for one, other in zip(layer.states, held, strict=True))
    check_equal(list(held), last, 0)
    layer.states[0].assign(np.ones((2, 5)))
    assert layer.states[0].sum() == 10
    layer.reset_states()
    assert not any(state.any() for state in layer.states)
    assert len(layer.weights) == 3 and len(layer.state_dict()) == 3


@each_layer
def test_given_states_yield_to_kept_ones(kind: str) -> None:
    """As in tf.keras: `initial_state` starts a stateful layer only while its own states are all zero."""
    inputs = torch.randn(2, 3, 4)
    layer = filled(LAYERS[kind](5, stateful=True), inputs)
    given = [torch.randn(2, 5) for _ in layer.states]
    plain = LAYERS[kind](5, return_state=True)
    plain.build(inputs.shape)
    plain.set_weights(layer.get_weights())
    layer.reset_states()
    output, *last = plain(inputs, initial_state=given)
    torch.testing.assert_close(layer(inputs, initial_state=given), output)
    torch.testing.assert_close(layer(inputs, initial_state=given), plain(inputs, initial_state=last)[0])


def test_states_follow_the_layer() -> None:
    layer = LSTM(3, stateful=True)
    layer(torch.randn(2, 4, 3))
    before = [state.numpy() for state in layer.states]
    layer.double()
    assert [state.dtype for state in layer.states] == [torch.float64] * 2
    assert layer(torch.randn(2, 4, 3, dtype=torch.float64)).dtype is torch.float64
    assert all((state.numpy() != one).all() for state, one in zip(layer.states, before, strict=True))


@each_layer
def test_states_stay_in_place_where_they_are_in_use(kind: str) -> None:
    """The states are overwritten after each batch; what the backward pass needs of them is kept."""
    inputs = torch.randn(2, 3, 4)
    layer = filled(LAYERS[kind](4, stateful=True), inputs)
    output = layer(inputs)
    layer(inputs)
    assert torch.autograd.grad(output.sum(), layer.cell.recurrent_kernel)[0].isfinite().all()


# --- dropout --------------------------------------------------------------------------------------------


def gate_values(layer: Any, gates: int, steps: int = 8, batch: int = 400) -> torch.Tensor:
    """What a layer of one unit, on ones, lets through: its output depends on the input of the same step alone."""
    inputs = torch.ones(batch, steps, 1)
    layer(inputs)
    kernel, recurrent_kernel, bias = (np.zeros(weight.shape, "float32") for weight in layer.weights)
    kernel[:, -2 if gates == 4 else -1] = 1
    if gates == 4:
        bias[:] = [50, -50, 0, 50]
    elif gates == 3:
        bias.flat[0] = -50
    layer.set_weights([kernel, recurrent_kernel, bias])
    return layer(inputs, training=True)[..., 0]


def shown(values: torch.Tensor) -> torch.Tensor:
    """Where values came through a gate; one that is shut lets 1e-22 of them through."""
    return values > 1e-3


@pytest.mark.parametrize(
    ("make", "gates", "each_step"),
    [
        (lambda: LSTM(1, dropout=0.25, return_sequences=True), 4, True),
        (lambda: GRU(1, dropout=0.25, return_sequences=True), 3, True),
        (lambda: SimpleRNN(1, dropout=0.25, return_sequences=True), 1, False),
        (lambda: LSTM(1, dropout=0.25, return_sequences=True, unroll=True), 4, False),
        (lambda: LSTM(1, dropout=0.25, return_sequences=True, recurrent_dropout=0.1), 4, False),
        (lambda: GRU(1, dropout=0.25, return_sequences=True, reset_after=False), 3, False),
        (lambda: RNN(LSTMCell(1, dropout=0.25), return_sequences=True), 4, False),
        (lambda: RNN([LSTMCell(1, dropout=0.25)], return_sequences=True), 4, False),
        (lambda: RNN(GRUCell(1, dropout=0.25), return_sequences=True), 3, False),
    ],
)
def test_dropout_of_inputs(make: Callable[[], Any], gates: int, each_step: bool) -> None:
    """By each step, or once for all steps, as tf.keras does with the same options; anew in each call."""
    layer = make()
    values = gate_values(layer, gates)
    kept = shown(values)
    assert abs(kept.float().mean() - 0.75) < 0.08
    if gates == 1:
        torch.testing.assert_close(values[kept], torch.full_like(values[kept], np.tanh(1 / 0.75)))
    assert (kept != kept[:, :1]).any().item() is each_step
    assert (kept[:, 0] != shown(layer(torch.ones(400, 8, 1), training=True)[:, 0, 0])).any()
    assert shown(layer(torch.ones(400, 8, 1))).all()


@pytest.mark.parametrize(("implementation", "kept"), [(1, 0.25), (2, 0.5)])
def test_dropout_of_inputs_for_each_gate(implementation: int, kept: float) -> None:
    """Input gate and candidate drop by themselves with implementation 1, together with 2."""
    layer = LSTM(1, dropout=0.5, implementation=implementation, unroll=True)
    inputs = torch.ones(2000, 1, 1)
    layer(inputs)
    layer.set_weights([np.array([[100, 0, 1, 0]]), np.zeros((1, 4)), np.array([-50, 0, 0, 50])])
    assert abs(shown(layer(inputs, training=True)).float().mean() - kept) < 0.05


def test_dropout_of_states() -> None:
    """One choice for all steps: the state grows by 1 / 0.75 in each of them, or vanishes."""
    layer = SimpleRNN(1, activation="linear", recurrent_dropout=0.25, return_sequences=True)
    inputs = torch.zeros(1000, 4, 1)
    layer(inputs)
    layer.set_weights([np.zeros((1, 1)), np.ones((1, 1)), np.zeros(1)])
    values = layer(inputs, initial_state=torch.ones(1000, 1), training=True)[..., 0]
    kept = values[:, 0] != 0
    assert abs(kept.float().mean() - 0.75) < 0.05
    torch.testing.assert_close(values[kept], (1 / 0.75) ** torch.arange(1.0, 5.0).expand(int(kept.sum()), 4))
    assert not values[~kept].any()


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("options", [{}, {"dropout": 0.4}])
def test_dropout_of_states_for_each_gate(kind: str, options: dict[str, float]) -> None:
    """What a gate gets of the state is what the cell computes with the mask of that gate."""
    layer = filled(LAYERS[kind](3, recurrent_dropout=0.4, dtype="float64", **options), torch.randn(2, 4, 3))
    inputs = torch.randn(5, 4, 3, dtype=torch.float64)
    output = layer(inputs, training=True)
    of_inputs, of_state = layer.cell.draw(inputs[:, 0], torch.zeros(5, 3), True)
    gates = layer.cell.gates
    assert of_state.shape == (gates, 5, 3) and len({tuple(mask.flatten().tolist()) for mask in of_state}) == gates
    h = c = torch.zeros(5, 3, dtype=torch.float64)
    kernel, recurrent_kernel, bias = (weight.detach() for weight in layer.weights)
    for step in range(4):
        x = [inputs[:, step] * (1 if of_inputs is None else of_inputs[gate]) for gate in range(gates)]
        of_x = [one @ part for one, part in zip(x, kernel.chunk(gates, 1), strict=True)]
        of_h = [(h * mask) @ part for mask, part in zip(of_state, recurrent_kernel.chunk(gates, 1), strict=True)]
        if kind == "LSTM":
            i, f, g, o = (a + b + d for a, b, d in zip(of_x, of_h, bias.chunk(4), strict=True))
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        else:
            of_x = [a + d for a, d in zip(of_x, bias[0].chunk(3), strict=True)]
            of_h = [b + d for b, d in zip(of_h, bias[1].chunk(3), strict=True)]
            z, r = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
            h = z * h + (1 - z) * (of_x[2] + r * of_h[2]).tanh()
    torch.testing.assert_close(output, h)


# --- stacked and custom cells ---------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [None, *MASKS])
@pytest.mark.parametrize("reverse", [False, True])
def test_stacked_cells_see_whole_sequences_or_steps(masked: str | None, reverse: bool) -> None:
    """One cell after the other over the whole sequence gives what step after step through all cells gives."""
    inputs = torch.randn(4, 5, 3, dtype=torch.float64)
    mask = None if masked is None else torch.from_numpy(mask_array(masked, 4, 5))
    cells = [LSTMCell(4, dtype="float64"), GRUCell(3, dtype="float64"), SimpleRNNCell(2, dtype="float64")]
    stack = StackedRNNCells(cells, reverse_state_order=reverse, dtype="float64")
    layer = filled(RNN(stack, return_sequences=True, return_state=True, dtype="float64"), inputs)
    found = layer(inputs, mask=mask)
    sizes = [[state.shape[1] for state in keras.core.nest.flatten(part)] for part in found[1:]]
    assert sizes == ([[2], [3], [4, 4]] if reverse else [[4, 4], [3], [2]])
    with mock.patch.object(StackedRNNCells, "runs_sequences", lambda self: False):
        wanted = layer(inputs, mask=mask)
    check_equal(keras.core.nest.flatten(found), keras.core.nest.flatten(wanted))


class Counting(LSTMCell):
    """A cell that overrides what a step is."""

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        output, states = super().call(inputs, states, training)
        return output * 2, states


@pytest.mark.parametrize("stacked", [False, True])
def test_overridden_steps_are_taken(stacked: bool) -> None:
    inputs = torch.randn(2, 4, 3)
    layer = filled(RNN([Counting(3)] if stacked else Counting(3)), inputs)
    plain = LSTM(3)
    plain.build(inputs.shape)
    plain.set_weights(layer.get_weights())
    torch.testing.assert_close(layer(inputs), plain(inputs) * 2)


@pytest.mark.parametrize("cell", [LSTMCell, GRUCell, SimpleRNNCell])
def test_hooks_of_a_cell_run_at_each_step(cell: Any) -> None:
    layer, inputs = RNN(cell(3)), torch.randn(2, 4, 3)
    before = layer(inputs)
    seen = []
    handle = layer.cell.register_forward_hook(lambda module, args, output: seen.append(args[0].shape))
    torch.testing.assert_close(layer(inputs), before)
    assert seen == [(2, 3)] * 4
    handle.remove()
    layer(inputs)
    assert len(seen) == 4


class Pair(keras.layers.Layer):
    """A cell of two inputs and of states that are matrices, without weights."""

    state_size = [torch.Size((2, 3)), 1]
    output_size = torch.Size((2, 3))

    def call(self, inputs: Any, states: Any) -> Any:
        rows, scale = inputs
        total, count = states
        total = total + rows * scale[:, :, None]
        return total / (count + 1)[:, :, None], [total, count + 1]

    def get_initial_state(self, batch_size: int) -> list[torch.Tensor]:
        return [torch.ones(batch_size, 2, 3), torch.zeros(batch_size, 1)]


def test_cell_of_several_inputs_and_states_of_any_rank() -> None:
    layer = RNN(Pair(), return_sequences=True, return_state=True)
    rows, scale = torch.randn(4, 5, 2, 3), torch.randn(4, 5, 1)
    outputs, total, count = layer((rows, scale))
    sums = 1 + (rows * scale[..., None]).cumsum(1)
    torch.testing.assert_close(outputs, sums / torch.arange(1.0, 6.0)[:, None, None])
    torch.testing.assert_close(total, sums[:, -1])
    assert count.eq(5).all()
    shapes = layer.compute_output_shape(((None, 7, 2, 3), (None, 7, 1)))
    assert shapes == [(None, 7, 2, 3), (None, 2, 3), (None, 1)]
    model_inputs = (keras.Input((None, 2, 3)), keras.Input((None, 1)))
    model = keras.Model(model_inputs, layer(model_inputs)[0])
    torch.testing.assert_close(model([rows, scale]), outputs)


class PlainCell:
    """A cell that is no layer."""

    state_size = 2

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        total = states[0] + inputs * (2 if training else 1)
        return total, total


def test_cell_that_is_no_layer() -> None:
    layer, inputs = RNN(PlainCell(), return_sequences=True), torch.randn(2, 5, 2)
    torch.testing.assert_close(layer(inputs), inputs.cumsum(1))
    torch.testing.assert_close(layer(inputs, training=True), 2 * inputs.cumsum(1))


def test_initial_weights() -> None:
    layer = LSTM(16)
    layer.build((None, None, 5))
    kernel, recurrent_kernel, bias = layer.get_weights()
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 16))
    np.testing.assert_allclose(recurrent_kernel @ recurrent_kernel.T, np.eye(16), atol=1e-5)
    assert np.abs(kernel).max() <= np.sqrt(6 / (5 + 64)) and kernel.std() > 0.1
    layer = LSTM(3, unit_forget_bias=False, bias_initializer=keras.initializers.Constant(2.0))
    layer.build((None, None, 5))
    np.testing.assert_array_equal(layer.cell.bias.numpy(), np.full(12, 2.0))
    layer = LSTM(2, bias_initializer=keras.initializers.Constant(2.0))
    layer.build((None, None, 5))
    np.testing.assert_array_equal(layer.cell.bias.numpy(), [2, 2, 1, 1, 2, 2, 2, 2])
