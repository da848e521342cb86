"""Recurrent layers in models: encoders and decoders, masks, stateful training, copies, old names, errors."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import same
from kerastorch.layers import (
    GRU,
    LSTM,
    RNN,
    AbstractRNNCell,
    CuDNNGRU,
    CuDNNLSTM,
    Dense,
    Dropout,
    Embedding,
    GRUCell,
    Input,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
)
from kerastorch.layers.recurrent.cudnn import from_cudnn

LAYERS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": SimpleRNN}
each_layer = pytest.mark.parametrize("kind", LAYERS)
WORDS = np.array([[3, 1, 4, 0, 0, 0], [1, 5, 9, 2, 6, 0], [5, 0, 0, 0, 0, 0], [3, 5, 8, 9, 7, 9]])


def padded(lengths: list[int], steps: int) -> np.ndarray:
    words = np.random.RandomState(1).randint(1, 10, (len(lengths), steps))
    return np.where(np.arange(steps) < np.array(lengths)[:, None], words, 0)


# --- functional models ----------------------------------------------------------------------------------


def translator(kind: str, listed: bool = False) -> tuple[Any, Any, Any]:
    """An encoder whose last states start a decoder, as Keras' examples of translation have it."""
    encoder_inputs, decoder_inputs = Input((None, 3)), Input((None, 2))
    _, *states = LAYERS[kind](4, return_state=True)(encoder_inputs)
    decoder = LAYERS[kind](4, return_sequences=True, return_state=True)
    decoded = decoder([decoder_inputs, *states]) if listed else decoder(decoder_inputs, initial_state=states)
    outputs = Dense(5, activation="softmax")(decoded[0])
    return keras.Model([encoder_inputs, decoder_inputs], outputs), decoder, states


@each_layer
@pytest.mark.parametrize("listed", [False, True])
def test_decoder_starts_from_the_states_of_the_encoder(kind: str, listed: bool) -> None:
    model, decoder, states = translator(kind, listed)
    assert [tuple(state.shape) for state in states] == [(None, 4)] * len(states)
    source, target = torch.randn(2, 6, 3), torch.randn(2, 4, 2)
    dense = model.layers[-1]
    encoder = next(layer for layer in model.layers if isinstance(layer, LAYERS[kind]) and layer is not decoder)
    _, *last = encoder(source)
    same(model([source, target]), dense(decoder(target, initial_state=last)[0]))
    assert len(decoder.input) == 1 + len(states)
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    before = encoder.get_weights()
    history = model.fit([source, target], np.ones((2, 4)), epochs=30, verbose=0)
    assert history.history["loss"][-1] < 0.9 * history.history["loss"][0]
    assert all((a != b).any() for a, b in zip(before, encoder.get_weights(), strict=True))


@each_layer
def test_translator_from_its_config(kind: str) -> None:
    model, *_ = translator(kind)
    source, target = torch.randn(2, 6, 3), torch.randn(2, 4, 2)
    for config in (model.get_config(), json.loads(json.dumps(model.get_config()))):
        keras.backend.clear_session()
        twin = keras.Model.from_config(config)
        twin.set_weights(model.get_weights())
        same(twin([source, target]), model([source, target]))
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    same(twin([source, target]), model([source, target]))


def test_decoder_of_its_own_goes_step_by_step() -> None:
    """The inference models of Keras' translation example: the decoder's states come in and go out."""
    model, decoder, states = translator("LSTM")
    encoder = keras.Model(model.inputs[0], states)
    state_inputs = [Input((4,)), Input((4,))]
    outputs, *new_states = decoder(model.inputs[1], initial_state=state_inputs)
    stepper = keras.Model([model.inputs[1], *state_inputs], [model.layers[-1](outputs), *new_states])
    source, target = np.random.normal(size=(2, 6, 3)), np.random.normal(size=(2, 4, 2)).astype("float32")
    values = encoder.predict(source.astype("float32"), verbose=0)
    found = []
    for step in range(4):
        output, *values = stepper.predict([target[:, step : step + 1], *values], verbose=0)
        found.append(output)
    wanted = model.predict([source.astype("float32"), target], verbose=0)
    np.testing.assert_allclose(np.concatenate(found, 1), wanted, rtol=1e-5, atol=1e-6)


class Attending(AbstractRNNCell):
    """A cell that looks at a memory (batch, places, units), which is the same in all steps."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = units
        self.dense = Dense(units)

    def build(self, input_shape: Any) -> None:
        self.dense.build((None, input_shape[-1] + 2 * self.units))

    def call(self, inputs: Any, states: Any, constants: Any = None) -> Any:
        (memory,), (state,) = constants, states
        weights = torch.softmax((memory * state[:, None]).sum(-1), 1)
        context = (weights[..., None] * memory).sum(1)
        output = torch.tanh(self.dense(torch.cat([inputs, context, state], 1)))
        return output, [output]


@pytest.mark.parametrize("initial", [False, True])
def test_constants_reach_every_step(initial: bool) -> None:
    sequence, memory, start = Input((None, 3)), Input((5, 4)), Input((4,))
    layer = RNN(Attending(4), return_sequences=True)
    outputs = layer(sequence, constants=memory, initial_state=start if initial else None)
    assert outputs.shape == (None, None, 4)
    model = keras.Model([sequence, memory, *([start] if initial else [])], outputs)
    values = [torch.randn(2, 6, 3), torch.randn(2, 5, 4), torch.randn(2, 4)][: 3 if initial else 2]
    state, wanted = values[2] if initial else torch.zeros(2, 4), []
    for step in range(6):
        output, [state] = layer.cell(values[0][:, step], [state], constants=[values[1]])
        wanted.append(output)
    same(model(values), torch.stack(wanted, 1))
    assert layer.get_config()["num_constants"] == 1
    with keras.utils.custom_object_scope({"Attending": Attending}):
        twin = keras.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    same(twin(values), model(values))


def test_shapes_are_found_without_running_anything() -> None:
    with mock.patch.object(torch._VF, "lstm", side_effect=AssertionError), torch.device("meta"):
        sequence = Input((None, 8))
        first = LSTM(32, return_sequences=True)(sequence)
        last, h, c = LSTM(16, return_state=True)(first)
        stacked = RNN([LSTMCell(4), GRUCell(5)], return_sequences=True, return_state=True)(first)
    assert [tensor.shape for tensor in (first, last, h, c)] == [(None, None, 32), *[(None, 16)] * 3]
    assert [tensor.shape for tensor in stacked[1]] == [(None, 4), (None, 4)]
    assert stacked[0].shape == (None, None, 5) and stacked[2].shape == (None, 5)


@pytest.mark.parametrize("steps", [1, 3, 20])
def test_unknown_lengths(steps: int) -> None:
    model = keras.Sequential([LSTM(4, return_sequences=True, input_shape=(None, 3)), GRU(2)])
    x = np.random.normal(size=(5, steps, 3)).astype("float32")
    first, second = model.layers
    same(torch.from_numpy(model.predict(x, verbose=0)), second(first(torch.from_numpy(x))))


def test_input_size_by_older_arguments() -> None:
    for options in ({"input_dim": 3}, {"input_dim": 3, "input_length": 7}, {"input_shape": (7, 3)}):
        model = keras.Sequential([LSTM(4, **options)])
        assert model.input_shape == (None, options.get("input_length") or (7 if "input_shape" in options else None), 3)


# --- masks in models ------------------------------------------------------------------------------------


@each_layer
@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_does_not_change_predictions(kind: str, side: str) -> None:
    lengths, steps = [6, 3, 1, 4], 6
    words = padded(lengths, steps)
    words = words if side == "right" else words[:, ::-1].copy()
    model = keras.Sequential(
        [Embedding(10, 4, mask_zero=True), LAYERS[kind](5, return_sequences=True), LAYERS[kind](3), Dense(1)]
    )
    found = model.predict(words, verbose=0)
    for row, one in zip(words, found, strict=True):
        np.testing.assert_allclose(model.predict(row[row > 0][None], verbose=0)[0], one, rtol=1e-4, atol=1e-6)
    assert "mask" in model.code


@each_layer
def test_masks_reach_what_follows(kind: str) -> None:
    words = torch.from_numpy(WORDS)
    embedded = Embedding(10, 4, mask_zero=True)(words)
    sequences = LAYERS[kind](3, return_sequences=True)(embedded)
    assert torch.equal(sequences._keras_mask, words != 0)
    assert not hasattr(LAYERS[kind](3)(embedded), "_keras_mask")
    outputs = LAYERS[kind](3, return_sequences=True, return_state=True)(embedded)
    assert torch.equal(outputs[0]._keras_mask, words != 0)
    assert not any(hasattr(state, "_keras_mask") for state in outputs[1:])


def test_mask_of_a_listed_input() -> None:
    layer = LSTM(3)
    embedded, states = torch.randn(4, 6, 2), [torch.randn(4, 3), torch.randn(4, 3)]
    mask = torch.from_numpy(WORDS != 0)
    same(layer([embedded, *states], mask=[mask, None, None]), layer(embedded, mask=mask, initial_state=states))
    assert layer.compute_mask([embedded, *states], [mask, None, None]) is None


@each_layer
def test_sentiment_model_learns(kind: str) -> None:
    """Whether a word occurs before the padding: the shape of every course's IMDB model."""
    words = padded(list(np.random.RandomState(0).randint(3, 9, 256)), 8)
    labels = (words == 7).any(1).astype("float32")
    model = keras.Sequential(
        [Embedding(10, 8, mask_zero=True), LAYERS[kind](16, dropout=0.05), Dense(1, activation="sigmoid")]
    )
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(words, labels, epochs=12, batch_size=32, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    assert model.evaluate(words, labels, verbose=0)[1] > 0.95


def test_regularizers_and_constraints_act_in_training() -> None:
    layer = LSTM(
        3,
        kernel_regularizer=keras.regularizers.L2(0.1),
        recurrent_regularizer=keras.regularizers.L1(0.2),
        bias_regularizer="l2",
        kernel_constraint="non_neg",
        recurrent_constraint=keras.constraints.MaxNorm(0.5),
        input_shape=(4, 2),
    )
    model = keras.Sequential([layer])
    kernel, recurrent_kernel, bias = (weight.detach().double() for weight in layer.weights)
    wanted = 0.1 * (kernel**2).sum() + 0.2 * recurrent_kernel.abs().sum() + 0.01 * (bias**2).sum()
    assert abs(sum(float(loss.detach()) for loss in model.losses) - float(wanted)) < 1e-5
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4, 2)), np.ones((8, 3)), verbose=0)
    assert layer.cell.kernel.min() >= 0
    assert (layer.cell.recurrent_kernel**2).sum(0).sqrt().max() <= 0.5 + 1e-6


# --- stateful models ------------------------------------------------------------------------------------


def counter(kind: str) -> Any:
    return keras.Sequential([LAYERS[kind](6, stateful=True, batch_input_shape=(4, None, 2)), Dense(1)])


@each_layer
def test_stateful_model_trains_with_resets(kind: str) -> None:
    model = counter(kind)
    assert model.stateful
    model.compile("adam", "mse")
    x, y = np.random.normal(size=(12, 3, 2)), np.random.normal(size=(12, 1))
    seen = []
    reset = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append([bool(state.any()) for state in model.layers[0].states]),
        on_epoch_end=lambda epoch, logs: model.reset_states(),
    )
    model.fit(x, y, batch_size=4, epochs=3, shuffle=False, callbacks=[reset], verbose=0)
    assert seen == [[False] * len(model.layers[0].states)] * 3
    model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    assert all(state.any() for state in model.layers[0].states)


@each_layer
def test_stateful_model_predicts_batch_after_batch(kind: str) -> None:
    """No batches are put together: each goes on where the one before it ended."""
    model = counter(kind)
    x = np.random.normal(size=(4, 15, 2)).astype("float32")
    parts = np.concatenate(np.split(x, 5, axis=1))
    found = model.predict(parts, batch_size=4, verbose=0)
    plain = LAYERS[kind](6, return_sequences=True)
    plain.build((None, None, 2))
    plain.set_weights(model.layers[0].get_weights())
    wanted = model.layers[1](plain(torch.from_numpy(x))[:, 2::3])
    np.testing.assert_allclose(found.reshape(5, 4), wanted.detach()[..., 0].t(), rtol=1e-4, atol=1e-6)


@each_layer
def test_copies_have_states_of_their_own(kind: str) -> None:
    model = counter(kind)
    x = torch.randn(4, 3, 2)
    model(x)
    memory = io.BytesIO()
    torch.save(model, memory)
    memory.seek(0)
    twins = [copy.deepcopy(model), torch.load(memory, weights_only=False)]
    wanted = model(x)
    for twin in twins:
        same(twin(x), wanted)
        assert twin.layers[0].states[0] is not model.layers[0].states[0]
    model.reset_states()
    assert all(state.any() for twin in twins for state in twin.layers[0].states)


@each_layer
def test_copies_of_layers_with_dropout(kind: str) -> None:
    layer = LAYERS[kind](3, dropout=0.2, recurrent_dropout=0.5)
    layer(torch.randn(2, 4, 3), training=True)
    twin = copy.deepcopy(layer)
    x = torch.randn(2, 4, 3)
    same(twin(x), layer(x))
    assert "_drawn" not in vars(twin.cell)


def test_same_seed_same_dropout() -> None:
    layer, x = LSTM(3, dropout=0.2, recurrent_dropout=0.5), torch.randn(2, 4, 3)
    layer(x)
    keras.utils.set_random_seed(3)
    first = layer(x, training=True)
    assert not torch.equal(layer(x, training=True), first)
    keras.utils.set_random_seed(3)
    same(layer(x, training=True), first)


# --- names ----------------------------------------------------------------------------------------------


def test_weights_have_tf_keras_names() -> None:
    names = {
        LSTM: "lstm/lstm_cell",
        GRU: "gru/gru_cell",
        SimpleRNN: "simple_rnn/simple_rnn_cell",
    }
    for layer, prefix in names.items():
        made = layer(3)
        made.build((None, 4, 2))
        assert [weight.name for weight in made.weights] == [
            f"{prefix}/{name}:0" for name in ("kernel", "recurrent_kernel", "bias")
        ]
    stack = RNN([LSTMCell(2), LSTMCell(3, use_bias=False)], name="two")
    stack(torch.zeros(1, 2, 3))
    assert [weight.name for weight in stack.weights] == [
        *(f"two/stacked_rnn_cells/lstm_cell/{name}:0" for name in ("kernel", "recurrent_kernel", "bias")),
        *(f"two/stacked_rnn_cells/lstm_cell_1/{name}:0" for name in ("kernel", "recurrent_kernel")),
    ]


@each_layer
def test_options_are_attributes_of_the_layer(kind: str) -> None:
    layer = LAYERS[kind](3, dropout=0.25, activation="relu", kernel_regularizer="l2")
    assert (layer.units, layer.dropout, layer.cell.units) == (3, 0.25, 3)
    assert layer.activation is keras.activations.relu and layer.kernel_regularizer is layer.cell.kernel_regularizer
    assert layer.states == [None] * (2 if kind == "LSTM" else 1)
    assert layer.cell.state_size == ([3, 3] if kind == "LSTM" else 3)
    layer.trainable = False
    layer.build((None, 4, 2))
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 3
    assert hasattr(layer, "recurrent_activation") is (kind != "SimpleRNN")


def test_old_module_path() -> None:
    assert keras.layers.recurrent.LSTM is LSTM and keras.layers.recurrent.RNN is RNN


@pytest.mark.parametrize(("old", "new", "gates"), [(CuDNNLSTM, LSTM, 4), (CuDNNGRU, GRU, 3)])
def test_layers_of_cudnn(old: Any, new: Any, gates: int) -> None:
    """Their configs lack activations and dropout; NVIDIA's layout of the weights is understood."""
    x = torch.randn(2, 5, 3)
    layer, today = old(4, return_sequences=True), new(4, return_sequences=True)
    layer(x), today(x)
    config = layer.get_config()
    assert not {"activation", "recurrent_activation", "dropout", "unroll", "reset_after"} & set(config)
    assert old.from_config(config).get_config() == config
    kernel, recurrent_kernel, bias = layer.get_weights()
    today.set_weights([kernel, recurrent_kernel, bias])
    same(layer(x), today(x))
    # the matrices of each gate, transposed and then read row by row
    parts = np.split(kernel, gates, axis=1)
    stored = np.concatenate([part.T.reshape(3, 4) for part in parts], 1)
    stored_recurrent = np.concatenate([part.T for part in np.split(recurrent_kernel, gates, axis=1)], 1)
    other = np.random.normal(size=4 * gates).astype("float32")
    biases = [bias - other, other] if gates == 4 else list(bias)
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    layer.set_weights([stored, stored_recurrent, np.concatenate(biases)])
    for found, wanted in zip(layer.get_weights(), (kernel, recurrent_kernel, bias), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert from_cudnn([kernel, recurrent_kernel], gates) == [kernel, recurrent_kernel]


# --- errors ---------------------------------------------------------------------------------------------

X = np.zeros((2, 5, 3), "float32")


class Broken(keras.layers.Layer):
    """No cell: it does not say how large its state is."""

    def call(self, inputs: Any, states: Any) -> Any:
        return inputs, states


class NoConstants(AbstractRNNCell):
    state_size = 3

    def call(self, inputs: Any, states: Any) -> Any:
        return inputs, states


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "negative units": (
        lambda: LSTM(-4),
        "LSTMCell 'lstm_cell': expected units as a positive integer; received units=-4",
    ),
    "units of a cell": (
        lambda: GRUCell(0),
        "GRUCell 'gru_cell': expected units as a positive integer; received units=0",
    ),
    "dropout": (lambda: GRU(4, dropout=1.5), "expected dropout from 0 to 1; received dropout=1.5. Pass the fraction"),
    "recurrent dropout": (lambda: LSTM(4, recurrent_dropout=-1), "received recurrent_dropout=-1. Pass the fraction"),
    "no cell": (lambda: RNN(Dense(3)), "RNN 'rnn': expected a cell with `call` and `state_size`; received"),
    "no state size": (lambda: RNN(Broken()), "expected a cell with `call` and `state_size`"),
    "no cell in a list": (lambda: RNN([LSTMCell(2), Dense(3)]), "StackedRNNCells 'stacked_rnn_cells': expected cells"),
    "unknown option": (lambda: LSTM(4, return_sequence=True), "received return_sequence=True. Did you mean"),
    "rank 2": (
        lambda: LSTM(4)(X[0]),
        "LSTM 'lstm': expected a tensor of rank 3; received shape (5, 3). Add the missing",
    ),
    "rank 4": (lambda: GRU(4)(X[..., None]), "GRU 'gru': expected a tensor of rank 3; received shape (2, 5, 3, 1)"),
    "symbolic rank": (lambda: LSTM(4)(Input((3,))), "expected a tensor of rank 3; received shape (None, 3)"),
    "other features": (
        lambda: _called(LSTM(4), X)(X[..., :2]),
        "LSTM 'lstm': expected size 3 in axis 2 (shape (None, None, 3)); received shape (2, 5, 2)",
    ),
    "unknown features": (lambda: LSTM(4)(Input((5, None))), "expected known sizes for the weight 'kernel'; received"),
    "one state of two": (
        lambda: LSTM(4)(X, initial_state=[X[:, 0]]),
        "LSTM 'lstm': expected 2 initial states of shape (2, 4), (2, 4); received 1. Pass one tensor per state",
    ),
    "two states of one": (
        lambda: GRU(4)(X, initial_state=[np.zeros((2, 4))] * 2),
        "GRU 'gru': expected 1 initial state of shape (2, 4); received 2. Pass one tensor per state",
    ),
    "symbolic states": (
        lambda: LSTM(4)(Input((5, 3)), initial_state=[Input((4,))]),
        "LSTM 'lstm': expected 2 initial states of shape (None, 4), (None, 4); received 1",
    ),
    "size of a state": (
        lambda: LSTM(4)(X, initial_state=[np.zeros((2, 4)), np.zeros((2, 5))]),
        "expected shape (2, 4) for initial state 1; received (2, 5). Make the state as large",
    ),
    "symbolic size": (
        lambda: GRU(4)(Input((5, 3)), initial_state=Input((3,))),
        "expected shape (None, 4) for initial state 0; received (None, 3)",
    ),
    "batch of a state": (
        lambda: GRU(4)(X, initial_state=np.zeros((1, 4))),
        "expected shape (2, 4) for initial state 0",
    ),
    "states twice": (
        lambda: LSTM(4)([X, X[:, 0], X[:, 0]], initial_state=[X[:, 0]] * 2),
        "LSTM 'lstm': expected states in the list of inputs or as initial_state; received both",
    ),
    "constants": (
        lambda: RNN(NoConstants())(X, constants=[X]),
        "RNN 'rnn': expected a cell whose `call` takes `constants`; received NoConstants and 1 constants",
    ),
    "no batch size": (
        lambda: keras.Sequential([LSTM(4, stateful=True, input_shape=(5, 3))]),
        "LSTM 'lstm': expected a known batch size, as stateful=True; received None. Give the first layer batch_input",
    ),
    "another batch size": (
        lambda: _called(LSTM(4, stateful=True), X)(X[:1]),
        "LSTM 'lstm': expected batches of 2 samples, as stateful=True; received 1. Choose batch_size",
    ),
    "last batch": (
        lambda: _fitted(keras.Sequential([GRU(1, stateful=True, batch_input_shape=(3, 5, 3))]), np.zeros((4, 5, 3))),
        "GRU 'gru': expected batches of 3 samples, as stateful=True; received 1. Choose batch_size",
    ),
    "states to reset": (
        lambda: _called(LSTM(4, stateful=True), X).reset_states([np.zeros((2, 4))]),
        "expected 2 initial states of shape (2, 4), (2, 4); received 1",
    ),
    "unroll": (
        lambda: LSTM(4, unroll=True)(Input((None, 3))),
        "LSTM 'lstm': expected a known number of steps, as unroll=True; received input shape (None, None, 3). Give",
    ),
    "no steps": (lambda: LSTM(4)(X[:, :0]), "LSTM 'lstm': expected at least one step; received shape (2, 0, 3)"),
}


def _called(layer: Any, inputs: Any) -> Any:
    layer(inputs)
    return layer


def _fitted(model: Any, x: np.ndarray) -> Any:
    model.compile("sgd", "mse")
    return model.fit(x, np.zeros((len(x), 1)), batch_size=3, verbose=0)


@pytest.mark.parametrize("case", REFUSED)
def test_errors_say_what_does_not_fit(case: str) -> None:
    call, text = REFUSED[case]
    with pytest.raises((ValueError, TypeError)) as raised:
        call()
    assert text in str(raised.value)


def test_only_stateful_layers_are_reset() -> None:
    with pytest.raises(AttributeError, match=r"LSTM 'lstm': expected a stateful layer; received stateful=False"):
        LSTM(4).reset_states()


def test_failed_call_leaves_states_alone() -> None:
    layer = _called(LSTM(4, stateful=True), X + 1)
    before = [state.numpy() for state in layer.states]
    with pytest.raises(ValueError, match="expected batches of 2"):
        layer(X[:1])
    assert all((state.numpy() == one).all() for state, one in zip(layer.states, before, strict=True))


def test_stacked_cells_from_their_config() -> None:
    stack = StackedRNNCells([LSTMCell(2), SimpleRNNCell(3, activation="relu")])
    twin = StackedRNNCells.from_config(stack.get_config())
    assert twin.get_config() == stack.get_config() and twin.state_size == ([2, 2], 3) and twin.output_size == 3
    stack.build((None, 4))
    assert [tuple(weight.shape) for weight in stack.cells[1].weights] == [(2, 3), (3, 3), (3,)]


def test_dropout_between_layers_keeps_the_mask() -> None:
    model = keras.Sequential(
        [Embedding(10, 4, mask_zero=True), Dropout(0.5), LSTM(3, return_sequences=True), Dropout(0.5), GRU(2)]
    )
    found = model.predict(WORDS, verbose=0)
    np.testing.assert_allclose(found[2], model.predict(WORDS[2:3, :1], verbose=0)[0], rtol=1e-5, atol=1e-6)
