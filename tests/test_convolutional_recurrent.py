"""ConvLSTM layers: both data formats, dropout, masks and unknown sizes in models, states, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import same
from kerastorch.layers import (
    BatchNormalization,
    Bidirectional,
    Conv3D,
    ConvLSTM1D,
    ConvLSTM2D,
    ConvLSTM3D,
    Dense,
    GlobalAveragePooling2D,
    Input,
    TimeDistributed,
)
from support import normal

VIDEO = torch.from_numpy(normal("video", (2, 4, 6, 5, 3)))
LAYERS = {1: ConvLSTM1D, 2: ConvLSTM2D, 3: ConvLSTM3D}


def channels_moved(tensor: torch.Tensor, rank: int, last: bool) -> torch.Tensor:
    return tensor.movedim(-1 - rank, -1) if last else tensor.movedim(-1, -1 - rank)


@pytest.mark.parametrize("options", [{}, {"strides": 2, "padding": "same"}, {"dilation_rate": 2}], ids=str)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_channels_first_is_channels_last_transposed(rank: int, options: dict[str, Any]) -> None:
    """TensorFlow has no channels_first on the CPU; that of channels_last is checked against it."""
    shape = (2, 3, *(5, 4, 6)[:rank], 2)
    arguments = dict(filters=3, kernel_size=2, return_sequences=True, return_state=True, **options)
    last, first = LAYERS[rank](**arguments), LAYERS[rank](**arguments, data_format="channels_first")
    x = torch.from_numpy(normal("x", shape)).requires_grad_()
    y = channels_moved(x.detach(), rank, last=False).requires_grad_()
    assert y.shape == (2, 3, 2, *shape[2:-1])
    last(x), first(y)
    first.set_weights(last.get_weights())
    states = [torch.from_numpy(normal(f"state{i}", tuple(last(x)[1].shape))) for i in range(2)]
    mask = torch.tensor([[True, True, False], [True, False, True]])
    expected = last(x, initial_state=states, mask=mask)
    found = first(y, initial_state=[channels_moved(state, rank, last=False) for state in states], mask=mask)
    assert first.compute_output_shape(tuple(y.shape)) == [tuple(tensor.shape) for tensor in found]
    for one, other in zip(found, expected, strict=True):
        same(channels_moved(one, rank, last=True), other)
        (other * other.detach()).sum().backward(retain_graph=True)
        (one * one.detach()).sum().backward(retain_graph=True)
    same(channels_moved(y.grad, rank, last=True), x.grad)
    for one, other in zip(first.weights, last.weights, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)
    unknown = (None,) * rank
    assert first(Input((None, 2, *unknown)))[0].shape == (None, None, 3, *unknown)


@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5), (0.4, 0.3)], ids=str)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_dropout_masks_hold_for_all_steps(rates: tuple[float, float], data_format: str) -> None:
    """Each gate drops other values of inputs and state, the same ones in each step."""
    dropout, recurrent_dropout = rates
    layer = ConvLSTM2D(
        2, 3, padding="same", data_format=data_format, dropout=dropout, recurrent_dropout=recurrent_dropout
    )
    video = VIDEO if data_format == "channels_last" else VIDEO.movedim(-1, 2)
    plain = layer(video)
    same(layer(video, training=False), plain)
    dropped = layer(video, training=True)
    assert (dropped - plain).abs().max() > 1e-3
    masks = layer.cell.draw(video[:, 0], plain, True)  # those of the last run
    scales = [{0.0, 1 / (1 - rate)} if rate else None for rate in rates]
    found = [None if mask is None else set(np.unique(mask.numpy().astype("float64")).round(6)) for mask in masks]
    assert found == [None if scale is None else {round(value, 6) for value in scale} for scale in scales]
    same(by_hand(layer, video, masks), dropped)
    assert (layer(video, training=True) - dropped).abs().max() > 1e-3


def by_hand(layer: Any, video: torch.Tensor, masks: Any) -> torch.Tensor:
    """The last h of a ConvLSTM2D with padding 'same', gate by gate."""
    first = layer.data_format == "channels_first"
    kernels, recurrent, biases = (weight.chunk(4, -1) for weight in layer.weights)

    def convolve(images: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        images = images if first else images.permute(0, 3, 1, 2)
        found = torch.conv2d(images, kernel.permute(3, 2, 0, 1), padding=1)
        return found if first else found.permute(0, 2, 3, 1)

    h = c = torch.zeros_like(layer(video))
    shape = (-1, 1, 1) if first else (-1,)
    for image in video.unbind(1):
        gates = []
        for gate in range(4):
            x = image if masks[0] is None else image * masks[0][gate]
            state = h if masks[1] is None else h * masks[1][gate]
            gates.append(convolve(x, kernels[gate]) + convolve(state, recurrent[gate]) + biases[gate].view(shape))
        i, f, o = ((0.2 * gates[gate] + 0.5).clamp(0, 1) for gate in (0, 1, 3))
        c = f * c + i * gates[2].tanh()
        h = o * c.tanh()
    return h


def test_unknown_sizes_and_masks_in_a_model() -> None:
    frames, valid = Input((None, None, None, 3)), Input((None,), dtype="bool")
    x = ConvLSTM2D(2, 3, return_sequences=True, name="first")(frames, mask=valid)
    assert x.shape == (None, None, None, None, 2)
    x = ConvLSTM2D(2, 2, padding="same", name="second")(x)
    model = keras.Model([frames, valid], Dense(1)(GlobalAveragePooling2D()(x)))
    mask = torch.tensor([[True, True, False, False], [True, True, True, True]])
    found = model([VIDEO, mask])
    same(found[0], model([VIDEO[:1, :2], mask[:1, :2]])[0])  # padding does not count
    same(found[1], model([VIDEO[1:], mask[1:]])[0])
    first, second = model.get_layer("first"), model.get_layer("second")
    masked = first(VIDEO, mask=mask)
    same(masked[0, 3], masked[0, 1])  # a masked step repeats the last output
    same(masked._keras_mask, mask)
    same(second(masked), second(masked + 0, mask=mask))
    larger = torch.from_numpy(normal("larger", (1, 2, 9, 7, 3)))
    assert model([larger, mask[:1, :2]]).shape == (1, 1)


def test_states_are_kept_until_they_are_reset() -> None:
    layer = ConvLSTM2D(2, 3, stateful=True, return_sequences=True)
    whole = ConvLSTM2D(2, 3, return_sequences=True)
    whole(VIDEO)
    start = layer(VIDEO[:, :2])
    whole.set_weights(layer.get_weights())
    expected = whole(VIDEO)
    same(start, expected[:, :2])
    same(layer(VIDEO[:, 2:]), expected[:, 2:])
    layer.reset_states()
    same(layer(VIDEO), expected)
    states = [normal(f"state{i}", (2, 4, 3, 2)) for i in range(2)]
    layer.reset_states(states)
    same(layer(VIDEO), whole(VIDEO, initial_state=[torch.from_numpy(state) for state in states]))


def test_next_frames_are_learned() -> None:
    """The model of the next-frame tutorial: a moving dot."""
    videos = np.zeros((8, 5, 6, 6, 1), "float32")
    for sample in range(8):
        for step in range(5):
            videos[sample, step, (sample + step) % 6, sample % 6] = 1.0
    model = keras.Sequential(
        [
            Input((None, 6, 6, 1)),
            ConvLSTM2D(4, 3, padding="same", return_sequences=True, activation="relu"),
            BatchNormalization(),
            Bidirectional(ConvLSTM2D(2, 3, padding="same", return_sequences=True)),
            Conv3D(1, 3, padding="same", activation="sigmoid"),
        ]
    )
    assert model.output_shape == (None, None, 6, 6, 1)
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    losses = model.fit(videos[:, :-1], videos[:, 1:], epochs=8, batch_size=4, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(
        twin.predict(videos[:2], verbose=0), model.predict(videos[:2], verbose=0), rtol=1e-5, atol=1e-6
    )


def test_attributes_and_names() -> None:
    layer = ConvLSTM2D(2, 3, strides=2, dropout=0.1, name="frames")
    layer(VIDEO)
    assert [weight.name for weight in layer.weights] == [
        f"frames/conv_lstm_cell/{name}:0" for name in ("kernel", "recurrent_kernel", "bias")
    ]
    assert (layer.filters, layer.kernel_size, layer.strides, layer.dilation_rate) == (2, (3, 3), (2, 2), (1, 1))
    assert (layer.padding, layer.data_format, layer.dropout) == ("valid", "channels_last", 0.1)
    assert layer.recurrent_activation is keras.activations.hard_sigmoid
    same(layer.cell.bias.detach(), torch.tensor([0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]))
    assert layer.count_params() == 8 * (9 * (3 + 2) + 1)
    timed = TimeDistributed(ConvLSTM1D(2, 3))  # (batch, films, steps, length, channels)
    same(timed(VIDEO)[:, 1], timed.layer(VIDEO[:, 1]))


ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "filters": (
        lambda: ConvLSTM2D(0, 3),
        "ConvLSTMCell 'conv_lstm_cell': expected filters as a positive integer; received filters=0.",
    ),
    "kernel size": (
        lambda: ConvLSTM2D(2, (3, 3, 3)),
        "expected kernel_size as an integer of at least 1 or a tuple of 2",
    ),
    "strides and dilation": (
        lambda: ConvLSTM1D(2, 3, strides=2, dilation_rate=2),
        "expected strides or dilation_rate above 1, not both; received strides=(2,) and dilation_rate=(2,).",
    ),
    "padding": (
        lambda: ConvLSTM1D(2, 3, padding="causal"),
        "expected padding to be one of ('valid', 'same'); received padding='causal'.",
    ),
    "dropout": (lambda: ConvLSTM2D(2, 3, dropout=1.5), "expected dropout from 0 to 1; received dropout=1.5."),
    "unroll": (lambda: ConvLSTM2D(2, 3, unroll=True), "ConvLSTM2D 'conv_lst_m2d': expected inputs (batch, steps, ...)"),
    "rank": (
        lambda: ConvLSTM2D(2, 3)(VIDEO[:, 0]),
        "ConvLSTM2D 'conv_lst_m2d': expected a tensor of rank 5; received shape (2, 6, 5, 3). Add the missing axis",
    ),
    "small images": (
        lambda: ConvLSTM2D(2, 6)(VIDEO),
        "expected images at least as large as the kernel (6, 6) (dilation (1, 1)); received shape (2, 6, 5, 3).",
    ),
    "unknown channels": (
        lambda: ConvLSTM2D(2, 3)(Input((None, 6, 5, None))),
        "expected a known number of channels; received input shape (None, 6, 5, None).",
    ),
    "number of states": (
        lambda: ConvLSTM2D(2, 3)(VIDEO, initial_state=[torch.zeros(2, 4, 3, 2)]),
        "expected 2 initial states of shape (2, 4, 3, 2), (2, 4, 3, 2); received 1.",
    ),
    "size of states": (
        lambda: ConvLSTM2D(2, 3)(VIDEO, initial_state=[torch.zeros(2, 6, 5, 2)] * 2),
        "expected shape (2, 4, 3, 2) for initial state 0; received (2, 6, 5, 2).",
    ),
    "stateful without sizes": (
        lambda: ConvLSTM2D(2, 3, stateful=True)(Input(batch_shape=(2, None, None, None, 3))),
        "expected images of known size, as stateful=True; received states of shape (2, None, None, 2).",
    ),
    "stateful without a batch": (
        lambda: ConvLSTM2D(2, 3, stateful=True)(Input((None, 6, 5, 3))),
        "expected a known batch size, as stateful=True; received None.",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case: str) -> None:
    build, text = ERRORS[case]
    with pytest.raises(ValueError) as raised:
        build()
    assert text in str(raised.value)
