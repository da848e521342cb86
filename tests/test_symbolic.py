"""Symbolic tensors: operators and torch functions on them, shapes, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import kerastorch as keras
from kerastorch.layers import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Lambda,
    Layer,
)
from support import normal

# --- symbolic tensors ----------------------------------------------------------------------------------


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


# --- shape inference -----------------------------------------------------------------------------------


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


def test_keywords_of_recorded_functions_are_the_functions_own() -> None:
    x = keras.Input((3,))
    masked = torch.masked_fill(x, mask=x > 1, value=5.0)
    dropped = torch.dropout(masked, 0.5, train=False)
    by_name = torch.relu(input=dropped)
    normalized = torch.batch_norm(by_name, None, None, torch.zeros(3), torch.ones(3), True, 0.1, 1e-3, False)
    model = keras.Model(x, [masked, by_name, normalized])
    data = torch.tensor([[0.0, 2.0, -1.0], [3.0, 0.5, 1.0]])
    expected = data.masked_fill(data > 1, 5.0)
    found = model(data)
    assert torch.equal(found[0], expected) and torch.equal(found[1], expected.relu())
    hooked = []
    model.layers[1].register_forward_hook(lambda *_: hooked.append(1))
    model(data)
    copy = keras.models.clone_model(model)
    assert torch.equal(copy(data)[0], expected)
    assert hooked == [1]
