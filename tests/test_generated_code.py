"""The generated forward is what runs, for graphs of every kind."""

from __future__ import annotations

import copy
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import kerastorch as keras
from kerastorch.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Lambda,
    MaxPooling2D,
    Reshape,
)
from support import normal

# --- the generated forward -----------------------------------------------------------------------------


def execute(model: Any, *inputs: torch.Tensor) -> Any:
    """Run the text of `model.code` with nothing but the model's layers."""
    namespace: dict[str, Any] = {"torch": torch}
    exec(model.code, namespace)

    class Layers:
        def __getattr__(self, name: str) -> Any:
            return next(layer for layer in model.layers if layer.name.replace("/", "_").replace(".", "_") == name)

    return namespace["forward"](Layers(), *inputs)


def test_code_is_what_runs() -> None:
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    x = Dense(4, activation="tanh", name="hidden")(Concatenate(name="both")([a, b]))
    model = keras.Model([a, b], Add(name="sum")([x, Dense(4, name="again")(x)]))
    assert model.code == (
        "def forward(self, a, b, training=False):\n"
        "    both = self.both([a, b]); a = b = None\n"
        "    hidden = self.hidden(both); both = None\n"
        "    again = self.again(hidden)\n"
        "    sum = self.sum([hidden, again]); hidden = again = None\n"
        "    return sum\n"
    )
    inputs = torch.from_numpy(normal("a", (2, 3))), torch.from_numpy(normal("b", (2, 3)))
    torch.testing.assert_close(execute(model, *inputs), model(list(inputs)), rtol=0, atol=0)


def test_code_passes_training_and_frees_values() -> None:
    model = keras.Sequential([Dense(4, input_shape=(3,)), Dropout(0.5), BatchNormalization(), Dense(1)])
    assert model.code.splitlines()[1:] == [
        "    dense = self.dense(dense_input); dense_input = None",
        "    dropout = self.dropout(dense, training=training); dense = None",
        "    batch_normalization = self.batch_normalization(dropout, training=training); dropout = None",
        "    dense_1 = self.dense_1(batch_normalization); batch_normalization = None",
        "    return dense_1",
    ]


def test_code_with_odd_names() -> None:
    x = keras.Input((3,), name="class")
    y = Dense(2, name="conv1/bn")(x)
    z = Dense(2, name="1x1.reduce")(y)
    model = keras.Model(x, torch.cat([y, z, Dense(1, name="self")(z), Dense(1, name="training")(z)], 1))
    value = model(torch.ones(2, 3))
    assert value.shape == (2, 6)
    first = model.get_layer("conv1/bn")(torch.ones(2, 3))
    torch.testing.assert_close(value[:, :2], first)
    assert "conv1_bn" in model.code


def test_masks_are_written_into_the_code() -> None:
    x = keras.Input((5,), dtype="int32", name="words")
    model = keras.Model(x, GlobalAveragePooling1D()(Embedding(10, 3, mask_zero=True)(x)))
    assert "compute_mask" in model.code and "mask=" in model.code
    unmasked = keras.Model(x, Flatten()(Embedding(10, 3, mask_zero=True)(x)))
    assert "mask" not in unmasked.code  # nobody asks for it


def test_tracebacks_show_the_generated_line() -> None:
    import traceback

    def broken(inputs: torch.Tensor) -> torch.Tensor:
        if inputs.device.type != "meta":
            raise ZeroDivisionError
        return inputs

    x = keras.Input((3,))
    model = keras.Model(x, Lambda(broken, name="broken")(x))
    try:
        model(torch.ones(1, 3))
    except ZeroDivisionError as error:
        text = "".join(traceback.format_exception(error))
    assert "broken = self.broken(input_1)" in text


# --- random graphs -------------------------------------------------------------------------------------


STEPS = {
    "dense": lambda values, i: Dense(3, activation="tanh"),
    "shared": lambda values, i: "shared",
    "add": lambda values, i: Add(),
    "concatenate": lambda values, i: "concatenate",
    "activation": lambda values, i: Activation("sigmoid"),
    "operator": lambda values, i: "operator",
    "function": lambda values, i: "function",
    "nested": lambda values, i: "nested",
}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12
    ),
    st.integers(1, 3),
)
def test_random_graphs_compute_what_their_layers_compute(steps: list[tuple[str, int, int]], outputs: int) -> None:
    inputs = [keras.Input((3,)), keras.Input((3,))]
    arrays = [torch.from_numpy(normal("left", (2, 3))), torch.from_numpy(normal("right", (2, 3)))]
    shared = Dense(3)
    inner = keras.Input((3,))
    nested = keras.Model(inner, Dense(3)(inner) * 2.0)
    reduce = Dense(3)
    symbolic, actual = list(inputs), list(arrays)
    for kind, first, second in steps:
        i, j = first % len(symbolic), second % len(symbolic)
        step = STEPS[kind](symbolic, i)
        for values in (symbolic, actual):
            a, b = values[i], values[j]
            if step == "shared":
                result = shared(a)
            elif step == "concatenate":
                result = reduce(Concatenate()([a, b]))
            elif step == "operator":
                result = a * 0.5 - b
            elif step == "function":
                result = torch.tanh(torch.stack([a, b], 1)).amax(1)
            elif step == "nested":
                result = nested(a)
            elif kind == "add":
                result = step([a, b])
            else:
                result = step(a)
            values.append(result)
    count = min(outputs, len(steps))
    model = keras.Model(inputs, symbolic[-count:])
    again = keras.Model.from_config(model.get_config())
    clone = keras.models.clone_model(model)
    again.set_weights(model.get_weights())
    clone.set_weights(model.get_weights())
    for twin in (model, again, clone, copy.deepcopy(model)):
        found = twin(arrays)
        found = [found] if count == 1 else found
        for value, expected in zip(found, actual[-count:], strict=True):
            torch.testing.assert_close(value, expected, rtol=1e-6, atol=1e-6)


LAYERS = st.one_of(
    st.builds(
        Dense, st.integers(1, 5), activation=st.sampled_from([None, "relu", "softmax", "tanh"]), use_bias=st.booleans()
    ),
    st.builds(Activation, st.sampled_from(["relu", "sigmoid", "swish"])),
    st.builds(Dropout, st.floats(0, 0.9)),
    st.builds(BatchNormalization, momentum=st.floats(0.1, 0.99), center=st.booleans(), scale=st.booleans()),
    st.builds(Conv2D, st.integers(1, 3), st.integers(1, 3), padding=st.just("same"), strides=st.integers(1, 2)),
    st.builds(MaxPooling2D, st.integers(1, 2), padding=st.just("same")),
    st.builds(Flatten),
    st.builds(keras.layers.LeakyReLU, st.floats(0, 1)),
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(LAYERS, min_size=1, max_size=6))
def test_random_stacks_survive_json(layers: list[Any]) -> None:
    stack, flat = [], False
    for layer in layers:
        if flat and type(layer) in (Conv2D, MaxPooling2D):
            continue
        flat = flat or type(layer) is Flatten
        stack.append(layer)
    model = keras.Sequential([keras.Input((4, 5, 2)), *stack])
    text = model.to_json()
    again = keras.models.model_from_json(text)
    assert again.to_json() == text
    again.set_weights(model.get_weights())
    x = torch.from_numpy(normal("x", (3, 4, 5, 2)))
    torch.testing.assert_close(again(x), model(x), rtol=0, atol=0)
    assert [tuple(layer.output_shape) for layer in again.layers] == [
        tuple(layer.output_shape) for layer in model.layers
    ]


def test_reshape_of_unknown_sizes() -> None:
    x = keras.Input((None, 4))
    assert Reshape((-1, 2))(x).shape == (None, None, 2)
