"""TimeDistributed and Bidirectional in models: masks, states, video, copies, summaries, errors."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

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
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    Lambda,
    Layer,
    MaxPooling2D,
    TimeDistributed,
    Wrapper,
)
from support import normal

WORDS = torch.tensor([[3, 1, 4, 1, 0], [5, 2, 0, 0, 0], [2, 2, 6, 5, 3]])
LENGTHS = (4, 2, 5)
SEQUENCES = torch.from_numpy(normal("sequences", (3, 5, 4)))
VIDEO = torch.from_numpy(normal("video", (4, 3, 8, 8, 2)))


def tagger() -> Any:
    words = Input((None,), dtype="int64")
    x = Embedding(7, 4, mask_zero=True)(words)
    x = Bidirectional(LSTM(3, return_sequences=True))(x)
    return keras.Model(words, TimeDistributed(Dense(2, activation="softmax"))(x))


def video_model() -> Any:
    return keras.Sequential(
        [
            TimeDistributed(Conv2D(3, 3, activation="relu"), input_shape=(None, 8, 8, 2)),
            TimeDistributed(MaxPooling2D()),
            TimeDistributed(Flatten()),
            LSTM(4),
            Dense(2, activation="softmax"),
        ]
    )


def translator() -> Any:
    """An encoder that reads in both directions, and a decoder that starts from its states."""
    source, target = Input((None, 4), name="source"), Input((None, 2), name="target")
    _, *states = Bidirectional(LSTM(3, return_state=True), name="encoder")(source)
    h = Concatenate(name="h")([states[0], states[2]])
    c = Concatenate(name="c")([states[1], states[3]])
    decoded = LSTM(6, return_sequences=True, name="decoder")(target, initial_state=[h, c])
    back = Bidirectional(GRU(2, return_sequences=True), merge_mode="sum", name="back")
    again = back(decoded, initial_state=[h[:, :2], c[:, 2:4]])
    return keras.Model([source, target], TimeDistributed(Dense(2), name="scores")(again))


# --- masks ---------------------------------------------------------------------------------------------


def test_what_stands_behind_padding_does_not_matter() -> None:
    model = tagger()
    found = model(WORDS)
    for row, length in enumerate(LENGTHS):
        same(found[row, :length], model(WORDS[row : row + 1, :length])[0])
    embedding, both, dense = model.layers[1:]
    same(found, dense(both(embedding(WORDS))))
    same(found._keras_mask, WORDS != 0)
    same(both(embedding(WORDS))[0, 4], torch.zeros(6))  # masked steps of sequences are zeros
    assert model.predict(WORDS.numpy(), verbose=0).shape == (3, 5, 2)


def test_masked_steps_take_no_part_in_the_loss() -> None:
    model = tagger()
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.array([[0, 1, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 1, 1, 1]])
    loss = model.evaluate(WORDS.numpy(), labels, verbose=0)
    labels[WORDS.numpy() == 0] = 1
    assert model.evaluate(WORDS.numpy(), labels, verbose=0) == pytest.approx(loss, rel=1e-6)
    labels[0, 0] = 1
    assert model.evaluate(WORDS.numpy(), labels, verbose=0) != pytest.approx(loss, rel=1e-3)


def test_masks_of_words_inside_of_masks_of_sentences() -> None:
    """(batch, sentences, words): words that are padding count neither inside their sentence nor behind it."""
    texts = torch.tensor([[[1, 2, 0], [3, 0, 0], [0, 0, 0]], [[2, 2, 2], [0, 0, 0], [0, 0, 0]]])
    words = Input((None, None), dtype="int64")
    embedded = Embedding(5, 3, mask_zero=True)(words)
    sentences = TimeDistributed(Bidirectional(LSTM(2)))(embedded)
    model = keras.Model(words, [LSTM(2)(sentences), sentences])
    found, vectors = model(texts)
    same(vectors._keras_mask, torch.tensor([[True, True, False], [True, False, False]]))
    for row, count in ((0, 2), (1, 1)):
        same(found[row], model(texts[row : row + 1, :count])[0][0])
    same(model(texts[:1, :1, :2])[1][0, 0], vectors[0, 0])
    inside = keras.Sequential([Embedding(5, 3, mask_zero=True), GlobalAveragePooling1D()])
    averages = TimeDistributed(inside)(texts)
    same(averages[0, 0], inside.layers[0](texts[0, 0, :2]).mean(0))


def test_masks_of_the_inner_layer_come_out() -> None:
    words = torch.tensor([[[1, 2, 0], [3, 0, 0]]])
    found = TimeDistributed(Embedding(5, 3, mask_zero=True))(words)
    same(found._keras_mask, words != 0)
    model = keras.Sequential([TimeDistributed(Embedding(5, 3, mask_zero=True), input_shape=(None, None))])
    same(model(words)._keras_mask, words != 0)
    assert getattr(TimeDistributed(Embedding(5, 3))(words), "_keras_mask", None) is None


# --- TimeDistributed -----------------------------------------------------------------------------------


def test_video_model_learns() -> None:
    model = video_model()
    assert model.output_shape == (None, 2) and model.layers[2].output_shape == (None, None, 27)
    labels = np.array([0, 1, 0, 1])
    model.compile("adam", "sparse_categorical_crossentropy")
    before = [weight.copy() for weight in model.get_weights()]
    history = model.fit(VIDEO.numpy(), labels, epochs=12, batch_size=2, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert all(np.abs(old - new).max() > 0 for old, new in zip(before, model.get_weights(), strict=True))
    same(model(VIDEO[:, :2]), model(VIDEO[:, :2].clone()))  # another length than in training
    convolution = model.layers[0]
    frames = torch.stack([convolution.layer(frame) for frame in VIDEO.unbind(1)], 1)
    same(convolution(VIDEO), frames)


@pytest.mark.parametrize("functional", [False, True])
def test_a_model_as_the_inner_layer(functional: bool) -> None:
    layers = [Conv2D(3, 3, padding="same"), MaxPooling2D(), Flatten(), Dense(4)]
    base = keras.Sequential(layers)
    if functional:
        image = Input((8, 8, 2))
        base = keras.Model(image, keras.Sequential(layers)(image))
    frames = Input((None, 8, 8, 2))
    features = TimeDistributed(base, name="features")(frames)
    assert features.shape == (None, None, 4)
    model = keras.Model(frames, Bidirectional(GRU(3))(features))
    assert model.get_layer("features").count_params() == base.count_params() == 3 * 19 + 4 * 49
    same(model.get_layer("features")(VIDEO)[:, 1], base(VIDEO[:, 1]))
    base.trainable = False
    assert len(model.trainable_weights) == 6
    model.compile("sgd", "mse")
    frozen, free = base.get_weights(), model.layers[-1].get_weights()
    model.fit(VIDEO.numpy(), np.ones((4, 6)), verbose=0)
    assert all(np.array_equal(*pair) for pair in zip(frozen, base.get_weights(), strict=True))
    assert not np.array_equal(free[0], model.layers[-1].get_weights()[0])


def test_several_inputs_and_outputs() -> None:
    a, b = Input((4,), name="a"), Input((2,), name="b")
    inner = keras.Model({"a": a, "b": b}, [Dense(3)(a), Concatenate()([a, b])])
    first, second = SEQUENCES, torch.from_numpy(normal("second", (3, 5, 2)))
    timed = TimeDistributed(inner)
    x, y = timed({"a": first, "b": second})
    same(x[:, 3], inner.layers[2](first[:, 3]))
    same(y, torch.cat((first, second), 2))
    outputs = timed({"a": Input((None, 4)), "b": Input((None, 2))})
    assert [output.shape for output in outputs] == [(None, None, 3), (None, None, 6)]
    assert timed.compute_output_shape({"a": (None, 7, 4), "b": (None, 7, 2)}) == [(None, 7, 3), (None, 7, 6)]


def test_torch_modules_and_functions_inside() -> None:
    module = torch.nn.Linear(4, 2)
    timed = TimeDistributed(module)
    same(timed(SEQUENCES), module(SEQUENCES))
    assert [tuple(weight.shape) for weight in timed.trainable_weights] == [(2, 4), (2,)]
    assert timed(Input((None, 4))).shape == (None, None, 2)
    model = keras.Sequential([TimeDistributed(module, input_shape=(None, 4))])
    twin = keras.models.clone_model(model)
    assert twin.weights[0] is not model.weights[0]
    twin.set_weights(model.get_weights())
    same(twin(SEQUENCES), model(SEQUENCES))
    squares = TimeDistributed(Lambda(lambda x: x.square().sum(1)))
    same(squares(SEQUENCES), SEQUENCES.square().sum(2))
    assert squares(Input((6, 4))).shape == (None, 6)


def test_inner_layers_follow_the_training_argument() -> None:
    ones = torch.ones(50, 4, 10)
    timed = TimeDistributed(Dropout(0.5))
    same(timed(ones), ones)
    dropped = timed(ones, training=True)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(dropped[:, 0], dropped[:, 1])  # every step by itself
    normalized = TimeDistributed(BatchNormalization(momentum=0.0))
    normalized(SEQUENCES, training=True)
    same(normalized.layer.moving_mean, SEQUENCES.mean((0, 1)))


def test_activity_losses_count_once() -> None:
    timed = TimeDistributed(Dense(2, activity_regularizer="l2"))
    output = timed(SEQUENCES)
    same(sum(timed.losses), 0.01 * output.square().sum() / 15)


def test_wrappers_of_others() -> None:
    class Twice(Wrapper):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.layer(self.layer(inputs))

    twice = Twice(Dense(4))
    same(twice(SEQUENCES), twice.layer(twice.layer(SEQUENCES)))
    assert [weight.name for weight in twice.weights] == ["twice/dense/kernel:0", "twice/dense/bias:0"]
    again = Twice.from_config(twice.get_config())
    assert again.layer is not twice.layer and again.layer.units == 4 and again.name == "twice"


# --- Bidirectional -------------------------------------------------------------------------------------


def test_both_directions_by_hand() -> None:
    both = Bidirectional(LSTM(3, return_sequences=True, name="lstm"), name="both")
    found = both(SEQUENCES)
    forward, backward = both.forward_layer, both.backward_layer
    assert (forward.name, backward.name, backward.go_backwards) == ("forward_lstm", "backward_lstm", True)
    same(found, torch.cat((forward(SEQUENCES), backward(SEQUENCES).flip(1)), 2))
    forward_only = LSTM(3, return_sequences=True)
    forward_only(SEQUENCES)
    forward_only.set_weights(backward.get_weights())
    same(found[:, :, 3:], forward_only(SEQUENCES.flip(1)).flip(1))
    names = [f"both/{way}_lstm/lstm_cell/{name}:0" for way in ("forward", "backward") for name in CELL_WEIGHTS]
    assert [weight.name for weight in both.weights] == names
    assert both.count_params() == 2 * 4 * 3 * (4 + 3 + 1)
    assert sorted(both.state_dict()) == sorted(
        f"{way}_layer.cell.{name}" for way in ("forward", "backward") for name in CELL_WEIGHTS
    )


CELL_WEIGHTS = ("kernel", "recurrent_kernel", "bias")


def test_weights_can_be_given_and_frozen() -> None:
    first = Bidirectional(GRU(2))
    first(SEQUENCES)
    second = Bidirectional(GRU(2), weights=first.get_weights())
    same(second(SEQUENCES), first(SEQUENCES))
    assert "weights" not in second.get_config()
    second.trainable = False
    assert second.trainable_weights == [] and not any(weight.requires_grad for weight in second.weights)
    assert Bidirectional(GRU(2, trainable=False)).trainable is False


def test_states_are_kept_and_reset() -> None:
    both = Bidirectional(LSTM(2, stateful=True, return_sequences=True))
    plain = Bidirectional(LSTM(2, return_sequences=True))
    first = both(SEQUENCES)
    plain(SEQUENCES)
    plain.set_weights(both.get_weights())
    states = [state.clone() for layer in (both.forward_layer, both.backward_layer) for state in layer.states]
    same(both(SEQUENCES), plain(SEQUENCES, initial_state=states))
    both.reset_states()
    same(both(SEQUENCES), first)
    both.reset_states([state.numpy() for state in states])
    same(both(SEQUENCES), plain(SEQUENCES, initial_state=states))
    model = keras.Sequential([Bidirectional(GRU(2, stateful=True), batch_input_shape=(3, None, 4))])
    once, twice = model(SEQUENCES), model(SEQUENCES)
    assert (once - twice).abs().max() > 1e-3
    model.reset_states()
    same(model(SEQUENCES), once)


class Leaky(AbstractRNNCell):
    """A cell that is registered nowhere; it takes a constant."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = units
        self.dense = Dense(units)

    def build(self, input_shape: Any) -> None:
        self.dense.build(input_shape[0] if isinstance(input_shape, list) else input_shape)

    def call(self, inputs: torch.Tensor, states: Any, constants: Any = None) -> Any:
        output = 0.5 * states[0] + self.dense(inputs)
        output = output if constants is None else output + constants[0]
        return output, [output]


def test_cells_of_others_and_constants() -> None:
    both = Bidirectional(RNN(Leaky(2), name="leaky"))
    constant = torch.tensor([[1.0, -1.0]] * 3)
    plain, shifted = both(SEQUENCES), both(SEQUENCES, constants=constant)
    amount = sum(0.5**step for step in range(5))
    same(shifted - plain, torch.cat((constant, constant), 1) * amount)
    with keras.utils.custom_object_scope({"Leaky": Leaky}):
        again = Bidirectional.from_config(both.get_config())
    assert both.get_config()["num_constants"] == again.get_config()["num_constants"] == 1
    sequence, value = Input((None, 4)), Input((2,))
    model = keras.Model([sequence, value], both(sequence, constants=[value]))
    same(model([SEQUENCES, constant]), shifted)


def test_the_dtype_is_that_of_the_inner_layer() -> None:
    sequence = Input((None, 4))
    outputs = [Bidirectional(LSTM(2, dtype="float64"))(sequence), TimeDistributed(Dense(2, dtype="float64"))(sequence)]
    assert [output.dtype for output in outputs] == [torch.float64] * 2
    found = keras.Model(sequence, [*outputs, Dense(1)(outputs[0])])(SEQUENCES)
    assert [output.dtype for output in found] == [torch.float64, torch.float64, torch.float32]


def test_initial_states_also_follow_in_the_list() -> None:
    both = Bidirectional(GRU(2))
    states = [torch.from_numpy(normal(f"state{i}", (3, 2))) for i in range(2)]
    found = both(SEQUENCES, initial_state=states)
    same(both([SEQUENCES, *states]), found)
    same(both(SEQUENCES.numpy(), initial_state=[state.numpy() for state in states]), found)
    same(found[:, 2:], both.backward_layer(SEQUENCES, initial_state=states[1]))
    assert (both(SEQUENCES) - found).abs().max() > 1e-3


def test_layers_that_are_no_rnn() -> None:
    class Total(Layer):
        """The running or the whole sum."""

        def __init__(self, return_sequences: bool = False, go_backwards: bool = False, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.return_sequences, self.go_backwards = return_sequences, go_backwards
            self.return_state = self.stateful = False

        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            sums = (inputs.flip(1) if self.go_backwards else inputs).cumsum(1)
            return sums if self.return_sequences else sums[:, -1]

    both = Bidirectional(Total(return_sequences=True), merge_mode="ave")
    same(both(SEQUENCES), (SEQUENCES.sum(1, keepdim=True) + SEQUENCES) / 2)


# --- models --------------------------------------------------------------------------------------------


def test_translator_by_hand() -> None:
    model = translator()
    target = SEQUENCES[:, :4, 2:]
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    _, h1, c1, h2, c2 = encoder(SEQUENCES)
    same(h1, encoder.forward_layer(SEQUENCES)[0])
    same(c2, encoder.backward_layer(SEQUENCES)[2])
    h, c = torch.cat((h1, h2), 1), torch.cat((c1, c2), 1)
    again = model.get_layer("back")(decoder(target, initial_state=[h, c]), initial_state=[h[:, :2], c[:, 2:4]])
    same(model([SEQUENCES, target]), model.get_layer("scores")(again))
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit([SEQUENCES.numpy(), target.numpy()], np.ones((3, 4, 2)), verbose=0)
    changed = [np.abs(old - new).max() > 0 for old, new in zip(before, model.get_weights(), strict=True)]
    assert len(changed) == 6 + 3 + 6 + 2 and all(changed)


@pytest.mark.parametrize(
    "make",
    [
        lambda model: type(model).from_config(model.get_config()),
        lambda model: keras.models.model_from_json(model.to_json()),
        keras.models.clone_model,
        copy.deepcopy,
        lambda model: pickle.loads(pickle.dumps(model)),
    ],
    ids=["from_config", "json", "clone_model", "deepcopy", "pickle"],
)
@pytest.mark.parametrize("build", [tagger, video_model, translator])
def test_copies(build: Callable[[], Any], make: Callable[[Any], Any]) -> None:
    model = build()
    twin = make(model)
    assert [weight.name for weight in twin.weights] == [weight.name for weight in model.weights]
    assert all(a is not b for a, b in zip(model.weights, twin.weights, strict=True))
    twin.set_weights(model.get_weights())
    inputs = {
        tagger: WORDS, video_model: VIDEO, translator: [SEQUENCES, SEQUENCES[:, :, :2]]
    }[build]  # fmt: skip
    same(twin(inputs), model(inputs))
    configs = [twin.get_config(), model.get_config()]
    if build is video_model:  # in JSON only the InputLayer has the shape, as Keras 3 does not read it elsewhere
        for config in configs:
            config["layers"][1]["config"].pop("batch_input_shape", None)
    assert configs[0] == configs[1]


def test_a_backward_layer_of_its_own_is_saved() -> None:
    backward = GRU(2, go_backwards=True, name="gru")
    both = Bidirectional(LSTM(3, name="lstm"), backward_layer=backward)
    assert both.backward_layer is backward and backward.name == "backward_gru"
    again = Bidirectional.from_config(both.get_config())
    assert again.backward_layer.name == "backward_gru" and again.forward_layer.name == "forward_lstm"
    both(SEQUENCES), again(SEQUENCES)
    again.set_weights(both.get_weights())
    same(again(SEQUENCES), both(SEQUENCES))
    assert both(Input((None, 4))).shape == (None, 5)


def test_summary() -> None:
    lines: list[str] = []
    video_model().summary(print_fn=lines.append)
    tagger().summary(print_fn=lines.append)
    text = "\n".join(line.rstrip() for line in lines)
    for expected in (
        " time_distributed (TimeDistr  (None, None, 6, 6, 3)    57\n ibuted)",
        " time_distributed_2 (TimeDis  (None, None, 27)         0\n tributed)",
        " bidirectional (Bidirectiona  (None, None, 6)          192\n l)",
        " time_distributed_3 (TimeDis  (None, None, 2)          14\n tributed)",
    ):
        assert expected in text


# --- errors --------------------------------------------------------------------------------------------

ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "class": (
        lambda: TimeDistributed(Dense),
        "TimeDistributed 'time_distributed': expected layer to be a layer; received",
    ),
    "function": (lambda: Wrapper(len), "Wrapper 'wrapper': expected layer to be a layer; received"),
    "name": (lambda: Bidirectional("lstm"), "received 'lstm' (str). Pass an instance, for example Dense(10)."),
    "backward": (
        lambda: Bidirectional(LSTM(2), backward_layer=3),
        "expected backward_layer to be a layer; received 3 (int)",
    ),
    "no steps": (
        lambda: TimeDistributed(Dense(2))(torch.zeros(2, 3)),
        "expected inputs (batch, steps, ...) of rank 3 at least; received shape (2, 3). Give the input an axis",
    ),
    "other features": (
        lambda: TimeDistributed(Dense(2), input_shape=(None, 3))(torch.zeros(2, 3, 3)) + video_model()(SEQUENCES),
        "expected shape (None, None, 8, 8, 2) for input 'time_distributed_1_input'; received (3, 5, 4)",
    ),
    "merge mode": (
        lambda: Bidirectional(LSTM(2), merge_mode="max"),
        "Bidirectional 'bidirectional': expected merge_mode to be one of ('concat', 'sum', 'mul', 'ave', None); "
        "received merge_mode='max'.",
    ),
    "not recurrent": (
        lambda: Bidirectional(Dense(2)),
        "expected layer to be a recurrent layer such as LSTM; received Dense 'dense', which has no go_backwards",
    ),
    "rank": (
        lambda: Bidirectional(LSTM(2))(torch.zeros(2, 3)),
        "LSTM 'forward_lstm': expected a tensor of rank 3; received shape (2, 3). Add the missing axis",
    ),
    "odd states": (
        lambda: Bidirectional(LSTM(2))(SEQUENCES, initial_state=[torch.zeros(3, 2)] * 3),
        "expected initial_state to list the states of the forward layer, then as many of the backward layer",
    ),
    "too few states": (
        lambda: Bidirectional(LSTM(2))(SEQUENCES, initial_state=[torch.zeros(3, 2)] * 2),
        "LSTM 'forward_lstm': expected 2 initial states of shape (3, 2), (3, 2); received 1.",
    ),
    "same direction": (
        lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2)),
        "expected layer and backward_layer with different go_backwards; received go_backwards=False for both.",
    ),
    "other outputs": (
        lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2, go_backwards=True, return_sequences=True)),
        "expected layer and backward_layer with the same return_sequences; received return_sequences=False and "
        "return_sequences=True.",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str) -> None:
    build, text = ERRORS[case]
    with pytest.raises(ValueError) as raised:
        build()
    assert text in str(raised.value)


def test_stateless_layers_have_no_states_to_reset() -> None:
    with pytest.raises(AttributeError, match="'forward_lstm': expected a stateful layer; received stateful=False"):
        Bidirectional(LSTM(2)).reset_states()
