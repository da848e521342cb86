"""Variables, symbolic tensors, shape inference and the generated forward."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import kerastorch as keras
from kerastorch import Variable
from kerastorch.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Lambda,
    Layer,
    MaxPooling2D,
    Reshape,
)
from support import normal

# --- Variable --------------------------------------------------------------------------------------------


def test_a_variable_is_a_parameter() -> None:
    v = Variable([1.0, 2.0], name="scale")
    assert isinstance(v, torch.nn.Parameter) and isinstance(v, torch.Tensor)
    assert v.name == "scale" and v.trainable and v.requires_grad and v.is_leaf
    assert v.dtype is torch.float32 and tuple(v.shape) == (2,)
    (v * 3).sum().backward()
    assert v.grad.tolist() == [3.0, 3.0]
    counter = Variable(0, dtype="int64")
    assert counter.dtype is torch.int64 and not counter.requires_grad and not counter.trainable
    assert Variable(lambda: [1.0, 2.0]).numpy().tolist() == [1.0, 2.0]
    assert not Variable([1.0], trainable=False).requires_grad


def test_numpy_gives_a_copy() -> None:
    v = Variable([1.0, 2.0])
    array = v.numpy()
    array[0] = 9.0
    assert v.numpy().tolist() == [1.0, 2.0]
    assert np.asarray(v).tolist() == [1.0, 2.0]
    assert np.asarray(v, dtype="int32").dtype == np.int32
    source = np.ones(2, "float32")
    v = Variable(source)
    source[0] = 5.0
    assert v.numpy().tolist() == [1.0, 1.0]
    assert repr(v) == "<Variable 'Variable:0' shape=(2,) dtype=float32, numpy=array([1., 1.], dtype=float32)>"


def test_assignment() -> None:
    v = Variable([1.0, 2.0], name="v")
    assert v.assign([3.0, 4.0]) is v and v.tolist() == [3.0, 4.0]
    assert v.assign_add([1.0, 1.0]).tolist() == [4.0, 5.0]
    assert v.assign_sub(np.array([4.0, 4.0])).tolist() == [0.0, 1.0]
    assert v.assign(torch.tensor([7, 8])).tolist() == [7.0, 8.0]
    assert v.grad_fn is None and v.requires_grad
    for method in (v.assign, v.assign_add, v.assign_sub):
        text = r"Variable 'v': expected a value of shape \(2,\); received \(3,\). Reshape the value"
        with pytest.raises(ValueError, match=text):
            method([1.0, 2.0, 3.0])
        with pytest.raises(ValueError, match=r"received \(2, 1\)"):
            method(torch.zeros(2, 1))
    assert v.tolist() == [7.0, 8.0]
    pointer = v.data_ptr()
    v.assign([0.0, 0.0])
    assert v.data_ptr() == pointer


def test_value_shares_memory_and_takes_part_in_gradients() -> None:
    v = Variable([1.0, 2.0])
    value = v.value()
    assert type(value) is torch.Tensor and not value.is_leaf
    assert value.data_ptr() == v.data_ptr()
    value.square().sum().backward()
    assert v.grad.tolist() == [2.0, 4.0]
    assert v.read_value().tolist() == [1.0, 2.0]


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (3, 3, 1, 8), (3, 3, 4, 1), (1, 1, 4, 8), (3, 3, 1, 1), (1, 5, 1, 2)])
def test_kernels_lie_in_memory_as_torch_wants_them(shape: tuple[int, ...]) -> None:
    values = normal("kernel", shape)
    v = Variable(values, memory_order=(3, 0, 1, 2))
    height, width, channels, filters = shape
    assert tuple(v.shape) == shape
    np.testing.assert_array_equal(v.numpy(), values)
    assert v.numpy().flags.c_contiguous
    # exactly the strides of a channels_last (out, in, height, width) weight, also where sizes are 1
    weight = v.permute(3, 2, 0, 1)
    assert weight.stride() == (height * width * channels, 1, width * channels, channels)
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert v.memory_view().is_contiguous()
    assert v.memory_view().data_ptr() == v.data_ptr()


@pytest.mark.parametrize("channels", [1, 2])
def test_images_stay_channels_last(channels: int) -> None:
    """A stray contiguous() on a kernel with one channel would turn outputs, and all that follows, to channels first."""
    model = keras.Sequential(
        [
            Conv2D(4, 3, padding="same", activation="relu", input_shape=(8, 6, channels)),
            DepthwiseConv2D(3, padding="same"),
            BatchNormalization(),
            MaxPooling2D(2),
            Conv2D(1, 3, padding="same"),
            Conv2D(3, 1),
        ]
    )
    for image_copy in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), keras.models.clone_model(model)):
        image_copy.set_weights([np.abs(normal(str(i), w.shape)) for i, w in enumerate(model.weights)])
        x = torch.from_numpy(normal("image", (2, 8, 6, channels)))
        for layer in image_copy.layers:
            x = layer(x)
            n, h, w, c = x.shape
            assert x.stride() == (h * w * c, w * c, c, 1), layer.name
            assert x.permute(0, 3, 1, 2).is_contiguous(memory_format=torch.channels_last)
    gradient = torch.autograd.grad(model(torch.ones(2, 8, 6, channels)).sum(), model.trainable_weights)
    for one, weight in zip(gradient, model.trainable_weights, strict=True):
        assert one.shape == weight.shape


COPIES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda v: pickle.loads(pickle.dumps(v)),
    "old pickle": lambda v: pickle.loads(pickle.dumps(v, protocol=2)),
    "torch.save": lambda v: _saved_and_loaded(v),
}


def _saved_and_loaded(value: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=False)


@pytest.mark.parametrize("way", COPIES)
def test_copies_of_variables_are_whole(way: str) -> None:
    v = Variable(
        normal("v", (3, 3, 1, 2)),
        name="conv/kernel:0",
        memory_order=(3, 0, 1, 2),
        constraint=keras.constraints.NonNeg(),
        regularizer=keras.regularizers.L2(0.1),
    )
    v.requires_grad_(False)
    twin = COPIES[way](v)
    assert type(twin) is Variable and twin.name == "conv/kernel:0" and twin.trainable and not twin.requires_grad
    assert twin.memory_order == (3, 0, 1, 2) and twin.stride() == v.stride()
    assert isinstance(twin.constraint, keras.constraints.NonNeg) and twin.regularizer.l2 == pytest.approx(0.1)
    np.testing.assert_array_equal(twin.numpy(), v.numpy())
    twin.assign_add(np.ones((3, 3, 1, 2)))
    assert np.abs(twin.numpy() - v.numpy()).min() > 0.9


def test_variables_shared_by_layers_stay_shared_in_copies() -> None:
    model = keras.Sequential([Dense(3, input_shape=(3,)), Dense(3)])
    model.layers[1].kernel = model.layers[0].kernel
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert twin.layers[0].kernel is twin.layers[1].kernel
        assert twin.layers[0].kernel is not model.layers[0].kernel
        assert len(twin.weights) == 3


# --- symbolic tensors ------------------------------------------------------------------------------------

A = normal("a", (2, 3, 4))
B = normal("b", (2, 3, 4))
OPERATIONS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "add number": lambda a, b: 1 + a + 2,
    "subtract": lambda a, b: 3 - a - b,
    "multiply": lambda a, b: a * b * 0.5,
    "divide": lambda a, b: a / (b.abs() + 1.0),
    "divide number": lambda a, b: 2.0 / (a.abs() + 1),
    "floor divide": lambda a, b: a // 0.5,
    "modulo": lambda a, b: a % 0.7,
    "power": lambda a, b: a**2,
    "power of number": lambda a, b: 2.0**a,
    "matmul": lambda a, b: a @ b.transpose(1, 2),
    "negative": lambda a, b: -a,
    "absolute": lambda a, b: abs(a),
    "greater": lambda a, b: torch.where(a > b, a, b),
    "logic": lambda a, b: ((a > 0) & (b > 0) | ~(a >= b)).float(),
    "comparisons": lambda a, b: (a < b).float() + (a <= 0.0).float(),
    "index": lambda a, b: a[:, 0],
    "slices": lambda a, b: a[:, 1:, ::2],
    "new axis": lambda a, b: a[:, None] * b[..., None, :],
    "ellipsis": lambda a, b: a[..., -1],
    "list index": lambda a, b: a[:, [0, 2]],
    "tensor method": lambda a, b: a.sigmoid().mean(dim=1, keepdim=True),
    "torch function": lambda a, b: torch.exp(a) + torch.logaddexp(a, b),
    "functional": lambda a, b: F.relu(a) + F.softplus(b),
    "concatenate": lambda a, b: torch.cat([a, b], dim=-1),
    "stack": lambda a, b: torch.stack((a, b), dim=1),
    "einsum": lambda a, b: torch.einsum("bij,bkj->bik", a, b),
    "several outputs": lambda a, b: torch.split(a, 2, dim=2)[1],
    "named tuple": lambda a, b: torch.max(a, dim=1).values,
    "named tuple unpacked": lambda a, b: sum(torch.aminmax(a, dim=1)),
    "max of two": lambda a, b: torch.maximum(a, b),
    "constant array": lambda a, b: a + torch.tensor([1.0, 2.0, 3.0, 4.0]),
    "reshape": lambda a, b: a.reshape(-1, 12),
    "flatten": lambda a, b: torch.flatten(a, 1),
    "permute": lambda a, b: a.permute(0, 2, 1),
    "cast": lambda a, b: a.to(torch.float64) * 2,
    "scalar functions": lambda a, b: torch.clamp(a, min=-0.5, max=0.5),
    "norm": lambda a, b: torch.linalg.norm(a, dim=-1),
    "iterate": lambda a, b: sum(part for part in torch.unbind(a, dim=1)),
    "keras layer": lambda a, b: Add()([a, b]),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operations_on_symbolic_tensors(name: str) -> None:
    operation = OPERATIONS[name]
    a, b = keras.Input((3, 4), name="a"), keras.Input((3, 4), name="b")
    outputs = operation(a, b)
    model = keras.Model([a, b], outputs)
    expected = operation(torch.from_numpy(A), torch.from_numpy(B))
    found = model([torch.from_numpy(A), torch.from_numpy(B)])
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    assert found.dtype == expected.dtype == outputs.dtype
    assert tuple(outputs.shape) in {(None, *expected.shape[1:]), tuple(expected.shape)}
    np.testing.assert_allclose(model.predict([A, B], verbose=0), expected.numpy(), rtol=1e-6, atol=1e-6)
    if name != "keras layer":
        again = keras.models.model_from_json(model.to_json())
        torch.testing.assert_close(again([torch.from_numpy(A), torch.from_numpy(B)]), expected, rtol=1e-6, atol=1e-6)


def test_operations_know_their_shapes_and_types() -> None:
    x = keras.Input((None, 6))
    assert x.shape == (None, None, 6) and x.ndim == 3 and x.dtype is torch.float32
    assert (x + 1).shape == (None, None, 6)
    assert x.mean(dim=1).shape == (None, 6)
    assert x.reshape(-1, 6).shape == (None, 6)
    assert torch.cat([x, x], dim=1).shape == (None, None, 6)
    assert (x > 0).dtype is torch.bool
    assert torch.cat([x, x], dim=2).shape == (None, None, 12)
    assert x[:, 2].shape == (None, 6)
    assert repr(x) == "<KerasTensor: shape=(None, None, 6) dtype=float32 (created by layer 'input_1')>"
    fixed = keras.Input((4,), batch_size=3)
    assert fixed.shape == (3, 4) and [row.shape for row in fixed] == [(4,)] * 3


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda x: x.add_(1), "add_"),
        (lambda x: x.relu_(), "relu_"),
        (lambda x: torch.relu_(x), "relu_"),
        (lambda x: F.relu_(x), "relu_"),
        (lambda x: x.__setitem__(0, 1.0), r"x\[...\]"),
        (lambda x: x.copy_(x), "copy_"),
    ],
)
def test_operations_in_place_are_refused(change: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"expected an operation that returns a new tensor; received .*{name}"):
        change(keras.Input((3,)))


def test_augmented_assignment_makes_new_tensors() -> None:
    x = inputs = keras.Input((3,))
    x += 1
    x *= 2
    x -= 0.5
    x /= 4
    model = keras.Model(inputs, x)
    assert model(torch.ones(1, 3)).tolist() == [[0.875] * 3]


@pytest.mark.parametrize("use", [bool, float, int, len, np.asarray, lambda x: [1, 2][x], lambda x: 3 if x else 4])
def test_values_of_symbolic_tensors_are_refused(use: Any) -> None:
    with pytest.raises(TypeError, match=r"KerasTensor of layer 'data': expected a symbolic use; .* torch.where"):
        use(keras.Input((3,), name="data"))


def test_unknown_attributes_of_symbolic_tensors() -> None:
    x = keras.Input((3,))
    with pytest.raises(AttributeError, match="expected the name of a tensor method; received 'summ'"):
        x.summ()
    assert not hasattr(x, "__array_interface__")
    assert hasattr(x, "sum")
    with pytest.raises(TypeError, match="expected a known first axis to iterate over"):
        list(x)


def test_sizes_that_are_not_known() -> None:
    x = keras.Input((3, 4))
    assert x.reshape(-1, 12).shape == (None, 12)
    for use in (lambda: x.view(x.size(0), -1), lambda: x.reshape(x.shape[0], 12), lambda: x.expand(x.shape)):
        with pytest.raises(TypeError, match="expected known sizes; received None, which stands for .* Use -1 for it"):
            use()


def test_input_spellings() -> None:
    assert keras.Input(3).shape == (None, 3)
    assert keras.Input(shape=[28, 28]).shape == (None, 28, 28)
    assert keras.Input((), name="scalar").shape == (None,)
    assert keras.Input(batch_shape=(2, 3)).shape == (2, 3)
    assert keras.Input((3,), dtype="int32").dtype is torch.int32
    x = keras.Input((2,), name="x")
    assert keras.Input(tensor=x) is x
    assert keras.backend.is_keras_tensor(x) and not keras.backend.is_keras_tensor(torch.ones(1))
    with pytest.raises(ValueError, match="Input: expected a shape; received none"):
        keras.Input()


# --- shape inference -------------------------------------------------------------------------------------


def test_shapes_of_lambdas() -> None:
    x = keras.Input((6, 4))
    assert Lambda(lambda t: t.mean(1))(x).shape == (None, 4)
    assert Lambda(lambda t: t.reshape(t.shape[0], -1))(x).shape == (None, 24)
    assert Lambda(lambda t: t.reshape(-1, 8))(x).shape == (None, 8)
    assert Lambda(lambda t: (t, t.sum(-1)))(x)[1].shape == (None, 6)
    split = Lambda(lambda t: {"mean": t.mean((1, 2)), "first": t[:, 0]})(x)
    assert split["first"].shape == (None, 4) and split["mean"].shape == (None,)
    value = keras.Model(x, split)(torch.ones(2, 6, 4))
    assert value["first"].shape == (2, 4) and value["mean"].tolist() == [1.0, 1.0]
    first = keras.Model(x, split["first"] * 2)(torch.ones(2, 6, 4))
    assert first.tolist() == [[2.0] * 4] * 2
    assert Lambda(lambda t: torch.nn.functional.one_hot(t.argmax(-1), 7))(x).shape == (None, 6, 7)
    assert Lambda(lambda t: t.long())(x).dtype is torch.int64
    unknown = keras.Input((None, None, 3))
    assert Lambda(lambda t: t[:, ::2])(unknown).shape == (None, None, None, 3)
    assert Lambda(lambda t: t.mean((1, 2)))(unknown).shape == (None, 3)
    pooled = Lambda(lambda t: F.avg_pool2d(t.permute(0, 3, 1, 2), 8))(unknown)
    assert pooled.shape == (None, 3, None, None)
    assert Lambda(lambda t: t.repeat(1, 2), output_shape=(12,))(keras.Input((6,))).shape == (None, 12)


@pytest.mark.parametrize(
    "function",
    [
        lambda t: t if t.sum() > 0 else -t,
        lambda t: t * t.max().item(),
        lambda t: t[t > 0],
        lambda t: torch.from_numpy(t.numpy() * 2),
        lambda t: t * float(t[0, 0]),
    ],
    ids=["if", "item", "mask", "numpy", "float"],
)
def test_code_that_depends_on_values_names_the_layer(function: Any) -> None:
    text = r"'switch': expected code whose output shape follows from input shapes \(None, 3\).*compute_output_shape"
    with pytest.raises(ValueError, match=text):
        Lambda(function, name="switch")(keras.Input((3,)))

    class Switch(Layer):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return function(inputs)

    with pytest.raises(ValueError, match=text):
        Switch(name="switch")(keras.Input((3,)))


def test_code_that_depends_on_values_works_with_a_shape() -> None:
    class Switch(Layer):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs if inputs.sum() > 0 else -inputs

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    x = keras.Input((2,))
    model = keras.Model(x, Switch()(x))
    assert model(torch.tensor([[1.0, 2.0]])).tolist() == [[1.0, 2.0]]
    assert model(torch.tensor([[-1.0, -2.0]])).tolist() == [[1.0, 2.0]]


def test_shapes_that_do_not_fit_name_the_layer() -> None:
    with pytest.raises(ValueError, match=r"'joined': expected code whose output shape .*\(None, 3\), \(None, 4\)"):
        Lambda(lambda pair: pair[0] + pair[1], name="joined")([keras.Input((3,)), keras.Input((4,))])


def test_layers_made_and_built_while_shapes_are_found_are_real() -> None:
    class Lazy(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = Dense(4)
            self.norm = BatchNormalization()

        def call(self, inputs: torch.Tensor, training: bool = False) -> torch.Tensor:
            return self.norm(self.hidden(inputs), training=training)

    x = keras.Input((3,))
    layer = Lazy()
    outputs = layer(x)
    assert outputs.shape == (None, 4)
    assert [w.name for w in layer.weights][:2] == ["lazy/dense/kernel:0", "lazy/dense/bias:0"]
    assert all(w.device.type != "meta" and torch.isfinite(w).all() for w in layer.weights)
    assert float(layer.hidden.kernel.detach().abs().sum()) > 0
    np.testing.assert_array_equal(layer.norm.moving_mean.numpy(), np.zeros(4))  # finding shapes trains nothing
    value = keras.Model(x, outputs)(torch.ones(2, 3))
    expected = layer.hidden(torch.ones(2, 3)) / np.sqrt(1.001)
    torch.testing.assert_close(value, expected)


def test_random_numbers_are_not_spent_on_shapes() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    Lambda(lambda t: t + torch.rand(4))(keras.Input((4,)))
    np.testing.assert_array_equal(torch.rand(2), expected)


def test_compute_output_shape_of_any_layer() -> None:
    assert Dense(5).compute_output_shape((None, 3)) == (None, 5)
    assert Conv2D(4, 3).compute_output_shape((None, 8, 8, 1)) == (None, 6, 6, 4)
    assert Dropout(0.5).compute_output_shape((2, 7)) == (2, 7)
    assert tuple(Lambda(lambda t: t.mean(1)).compute_output_shape((None, 3, 4))) == (None, 4)


# --- the generated forward -------------------------------------------------------------------------------


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


# --- random graphs ---------------------------------------------------------------------------------------

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
