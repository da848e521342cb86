"""`ops` against NumPy on tensors, arrays and symbolic tensors, against Keras 3, and what the table cannot show."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
import oracle
from cases_ops import OPS, OpsCase
from kerastorch import ops, random
from kerastorch.core import nest
from support import GOLDEN, assert_close

EVERY = pytest.mark.parametrize("case", OPS, ids=[case.id for case in OPS])


def check(case: OpsCase, result: Any, expected: Any = None) -> list[Any]:
    outputs = nest.flatten(result)
    wanted = nest.flatten(case.expected(*case.inputs) if expected is None else expected)
    assert len(outputs) == len(wanted)
    for index, (output, value) in enumerate(zip(outputs, wanted, strict=True)):
        assert isinstance(output, torch.Tensor)
        assert_close(output, value, case.tolerance, f"output {index}")
    return outputs


@EVERY
def test_tensors(case: OpsCase) -> None:
    check(case, case.call(ops, *(torch.from_numpy(x) for x in case.inputs)))


@EVERY
def test_arrays(case: OpsCase) -> None:
    check(case, case.call(ops, *case.inputs))


SYMBOLIC = [case for case in OPS if case.symbolic and case.inputs]


@pytest.mark.parametrize("case", SYMBOLIC, ids=[case.id for case in SYMBOLIC])
def test_symbolic_tensors(case: OpsCase) -> None:
    tensors = [torch.from_numpy(x) for x in case.inputs]
    first = tensors[: case.symbolic]
    inputs = [keras.Input(x.shape[1:], dtype=x.dtype) for x in first]
    outputs = case.call(ops, *inputs, *tensors[case.symbolic :])
    flat = nest.flatten(outputs)
    model = keras.Model(inputs, list(flat) if len(flat) > 1 else flat[0])
    results = check(case, model(first))
    for output, result in zip(flat, results, strict=True):
        assert len(output.shape) == result.dim() and output.dtype is result.dtype
        assert all(known in (None, size) for known, size in zip(output.shape, result.shape, strict=True)), output.shape


@pytest.mark.parity
def test_keras_3_gives_the_same(tmp_path: Path) -> None:
    oracle.require("keras, tensorflow")
    oracle.run(GOLDEN / "make_ops.py", tmp_path / "ops.npz")
    wrong = []
    with np.load(tmp_path / "ops.npz") as theirs:
        for case in OPS:
            expected = [theirs[f"{case.id}/{i}"] for i in range(len(theirs.files)) if f"{case.id}/{i}" in theirs]
            try:
                assert bool(expected) is case.keras
                check(case, case.call(ops, *case.inputs), expected or None)
            except AssertionError as error:
                wrong.append(f"{case.id}: {str(error).splitlines()[0]}")
    assert wrong == []


# --- every function ---------------------------------------------------------------------------------------------------


def test_every_function_of_the_table_and_no_other_is_public() -> None:
    tested = {case.id.split("-")[0] for case in OPS} | {"dot_product_attention", "where", "reshape"}
    apart = {
        "bitwise_left_shift", "bitwise_right_shift", "convert_to_numpy", "ctc_decode", "ctc_loss", "custom_gradient",
        "dtype", "empty", "empty_like", "image", "is_tensor", "linalg", "ndim", "nn", "numpy", "shape", "size",
    }  # fmt: skip
    assert sorted(set(ops.__all__) - tested - apart) == []
    assert len(set(ops.__all__)) == len(ops.__all__)
    assert ops.numpy.mean is ops.mean and ops.nn.relu is ops.relu and ops.linalg.norm is ops.norm


def test_functions_know_their_names_and_can_be_pickled() -> None:
    for name in ops.__all__:
        function = getattr(ops, name)
        if callable(function):
            assert pickle.loads(pickle.dumps(function)) is function
            assert function.__doc__, name


def test_gradients_are_those_of_torch() -> None:
    x = torch.tensor([[1.0, -2.0, 2.0]], requires_grad=True)
    ops.sum(ops.relu(ops.multiply(x, 3))).backward()
    assert x.grad.tolist() == [[3, 0, 3]]
    y = torch.tensor([0.0, 4.0], requires_grad=True)
    ops.sum(ops.divide_no_nan(1.0, y)).backward()
    assert y.grad.tolist() == [0, -1 / 16]
    z = torch.tensor([1.0, 1.0, 0.0], requires_grad=True)
    ops.max(z).backward()
    assert z.grad.tolist() == [0.5, 0.5, 0]
    ops.sum(z * ops.stop_gradient(z)).backward()
    assert z.grad.tolist() == [1.5, 1.5, 0]


def test_dtypes() -> None:
    assert ops.convert_to_tensor([1.0]).dtype is torch.float32 and ops.convert_to_tensor([1]).dtype is torch.int64
    assert ops.convert_to_tensor(np.ones(1)).dtype is torch.float64 and ops.convert_to_tensor(True).dtype is torch.bool
    half, double = torch.ones(2, dtype=torch.float16), torch.ones(2, dtype=torch.float64)
    assert ops.add(half, 1.5).dtype is ops.add(1.5, half).dtype is torch.float16
    assert ops.maximum(double, 0.1).tolist() == [1.0, 1.0] and ops.add(0.1, double)[0].item() == 1.1
    assert ops.multiply(torch.ones(2, dtype=torch.int32), 2).dtype is torch.int32
    assert ops.multiply(torch.ones(2, dtype=torch.int32), 0.5).dtype is torch.float32
    assert ops.mean(torch.ones(2, dtype=torch.bool)).dtype is torch.float32
    assert ops.dtype(half) == "float16" and ops.dtype(1.0) == "float32" and ops.dtype(keras.Input((1,))) == "float32"
    assert ops.zeros((1,), "int8").dtype is torch.int8 and ops.one_hot([1], 2).dtype is torch.float32
    assert ops.zeros_like(half, dtype="int32").dtype is torch.int32
    keras.backend.set_floatx("float64")
    try:
        assert ops.ones((1,)).dtype is ops.convert_to_tensor(1.5).dtype is ops.mean([1, 2]).dtype is torch.float64
    finally:
        keras.backend.set_floatx("float32")


def test_what_tensors_are() -> None:
    x = keras.Input((None, 3))
    assert ops.shape(x) == (None, None, 3) and ops.ndim(x) == 3 and ops.size(x) is None and ops.is_tensor(x)
    y = torch.ones(2, 3)
    assert ops.shape(y) == (2, 3) and ops.shape([[1, 2]]) == (1, 2) and ops.ndim(5) == 0 and ops.size(y) == 6
    assert ops.is_tensor(y) and not ops.is_tensor(np.ones(2))
    assert ops.empty((2, 3)).shape == ops.empty_like(y).shape == (2, 3)
    array = ops.convert_to_numpy(y.requires_grad_())
    assert isinstance(array, np.ndarray) and array.sum() == 6 and ops.convert_to_numpy([1]).tolist() == [1]
    assert ops.convert_to_tensor([y, y]).shape == (2, 2, 3) and ops.convert_to_tensor(y) is y
    backwards = np.arange(3.0)[::-1]
    assert ops.convert_to_tensor(backwards).tolist() == [2, 1, 0]
    fixed = np.ones(2, "float32")
    fixed.flags.writeable = False
    assert ops.add(fixed, 1).tolist() == [2, 2]
    with pytest.raises(TypeError, match="convert_to_tensor: expected numbers; received 'text'"):
        ops.abs("text")


def test_segments_that_are_empty() -> None:
    data, ids = torch.tensor([1.0, 5.0, 2.0]), [0, 0, 2]
    assert ops.segment_sum(data, ids).tolist() == [6, 0, 2] and ops.segment_prod(data, ids, 4).tolist() == [5, 1, 2, 1]
    assert ops.segment_max(data, ids).tolist() == [5, -np.inf, 2]
    assert ops.segment_min(data.int(), ids).tolist() == [1, 2**31 - 1, 2]


def test_custom_gradients() -> None:
    @ops.custom_gradient
    def log1pexp(x: torch.Tensor) -> Any:
        e = ops.exp(x)

        def gradient(*args: Any, upstream: Any = None) -> Any:
            if upstream is None:
                (upstream,) = args
            return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

        return ops.log(1 + e), gradient

    x = torch.tensor([100.0, 0.0], requires_grad=True)
    y = log1pexp(x)
    y[1].backward()
    assert x.grad.tolist() == [0.0, 0.5]

    @ops.custom_gradient
    def both(x: torch.Tensor, y: torch.Tensor) -> Any:
        return x * y, lambda upstream: (upstream * 10, upstream * 20)

    a, b = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    both(a, b).sum().backward()
    assert a.grad.tolist() == [10] and b.grad.tolist() == [20]


def test_ctc() -> None:
    """Against the sum over all ways to read two labels in three steps; class 2 is the blank."""
    logits = torch.randn(1, 3, 3, dtype=torch.float64)
    p = torch.softmax(logits[0], -1).numpy()
    readings = [(0, 1, 2), (0, 2, 1), (2, 0, 1), (0, 0, 1), (0, 1, 1)]
    expected = -np.log(sum(np.prod([p[step, label] for step, label in enumerate(way)]) for way in readings))
    loss = ops.ctc_loss(np.array([[0, 1]]), logits, np.array([2]), np.array([3]), mask_index=2)
    np.testing.assert_allclose(loss.numpy(), [expected], rtol=1e-6)
    scores = np.full((2, 6, 3), -1.0, "float32")
    for row, path in enumerate(([1, 1, 0, 1, 2, 2], [0, 2, 2, 0, 1, 1])):
        scores[row, range(6), path] = 5.0
    decoded, total = ops.ctc_decode(scores, np.array([6, 4]), mask_index=0)
    assert decoded.tolist() == [[[1, 1, 2, -1, -1, -1], [2, -1, -1, -1, -1, -1]]] and total.tolist() == [[-30], [-20]]
    apart, _ = ops.ctc_decode(scores, np.array([6, 4]), merge_repeated=False)
    assert apart[0, 0].tolist() == [1, 1, 1, 2, 2, -1]
    x = keras.Input((5, 4))
    assert keras.layers.Lambda(lambda t: ops.ctc_loss(ops.ones((t.shape[0], 2), "int64"), t, *(ops.full((t.shape[0],), n) for n in (2, 5))))(x).shape == (None,)  # fmt: skip # noqa: E501


def test_images() -> None:
    image = torch.arange(12.0).reshape(1, 2, 2, 3)
    assert ops.image.resize(image, (4, 6), interpolation="nearest")[0, :, :, 0].tolist() == [
        [0, 0, 0, 3, 3, 3],
        [0, 0, 0, 3, 3, 3],
        [6, 6, 6, 9, 9, 9],
        [6, 6, 6, 9, 9, 9],
    ]
    assert ops.image.resize(image[0], (4, 4))[:, 0, 0].tolist() == [0, 1.5, 4.5, 6]
    grey = ops.image.rgb_to_grayscale(image)
    np.testing.assert_allclose(grey[0, 0, 0].numpy(), [0.587 + 2 * 0.114], rtol=1e-6)
    first = ops.image.rgb_to_grayscale(image.permute(0, 3, 1, 2), data_format="channels_first")
    assert first.shape == (1, 1, 2, 2) and torch.equal(first[:, 0], grey[..., 0])
    assert ops.image.resize(keras.Input((None, None, 3)), (8, 9)).shape == (None, 8, 9, 3)
    with pytest.raises(ValueError, match="ops.image.resize: expected interpolation to be one of nearest, bilinear"):
        ops.image.resize(image, (4, 4), interpolation="cubic")


# --- symbolic tensors -------------------------------------------------------------------------------------------------


def test_sizes_that_are_not_known_stay_so() -> None:
    x, y = keras.Input((None, 6)), keras.Input((None, 6))
    assert ops.concatenate([x, y], axis=1).shape == (None, None, 6)
    assert ops.concatenate([x, y], axis=-1).shape == (None, None, 12)
    assert ops.stack([x, y], axis=1).shape == (None, 2, None, 6)
    assert ops.reshape(x, (-1, 3)).shape == (None, 3)
    assert ops.mean(x, axis=1, keepdims=True).shape == (None, 1, 6)
    assert ops.expand_dims(x, 0).shape == (1, None, None, 6)
    assert ops.pad(x, ((0, 0), (1, 1), (2, 0))).shape == (None, None, 8)
    assert ops.conv(x, torch.ones(3, 6, 2), strides=2, padding="same").shape == (None, None, 2)
    assert ops.max_pool(keras.Input((9, None, 3)), 2).shape == (None, 4, None, 3)
    assert ops.one_hot(ops.argmax(x, axis=-1), 6).shape == (None, None, 6)
    assert [part.shape for part in ops.split(x, 3, axis=2)] == [(None, None, 2)] * 3
    assert ops.top_k(x, 2)[1].dtype is torch.int64
    assert ops.sum(x).shape == ()


def test_a_call_is_one_node_and_is_saved() -> None:
    x = keras.Input((3, 4), name="x")
    y = ops.layer_normalization(x=x, axis=-1) + ops.var(x, axis=-1, keepdims=True)
    scaled = ops.where(ops.greater(y, 0), y, ops.multiply(y, 0.1))
    model = keras.Model(x, ops.concatenate([scaled, ops.one_hot(ops.argmax(x, -1), 2)], axis=-1))
    names = [type(layer).__name__ for layer in model.layers]
    assert names == ["InputLayer", *["TorchOp"] * (len(names) - 1)] and len(names) == 10
    data = torch.randn(2, 3, 4)
    again = keras.models.model_from_json(model.to_json())
    torch.testing.assert_close(again(data), model(data), rtol=0, atol=0)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]


def test_models_of_operations_train() -> None:
    x = keras.Input((4,))
    hidden = ops.relu(keras.layers.Dense(8)(x))
    outputs = ops.sigmoid(keras.layers.Dense(1)(ops.concatenate([hidden, ops.square(x)], axis=1)))
    model = keras.Model(x, outputs)
    model.compile(keras.optimizers.Adam(0.05), "mse")
    data = np.random.rand(64, 4).astype("float32")
    target = (data.sum(1, keepdims=True) > 2).astype("float32")
    history = model.fit(data, target, epochs=12, verbose=0).history["loss"]
    assert history[-1] < history[0] * 0.8
    data_after = model.predict(data[:3], verbose=0)
    np.testing.assert_allclose(data_after, pickle.loads(pickle.dumps(model)).predict(data[:3], verbose=0))


def test_operations_in_layers() -> None:
    class Attend(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.weight = self.add_weight(name="weight", shape=(input_shape[-1], 1))

        def call(self, x: torch.Tensor) -> torch.Tensor:
            scores = ops.softmax(ops.matmul(x, self.weight), axis=1)
            batch = ops.shape(x)[0]
            return ops.reshape(ops.sum(ops.multiply(x, scores), axis=1), (batch, -1))

    layer, x = Attend(), keras.Input((None, 6))
    outputs = keras.layers.Lambda(lambda t: ops.clip(t, -1, 1))(layer(x))
    assert outputs.shape == (None, 6)
    data = torch.randn(2, 5, 6)
    scores = torch.softmax(data @ layer.weight, 1)
    expected = (data * scores).sum(1).clamp(-1, 1)
    torch.testing.assert_close(keras.Model(x, outputs)(data), expected)


def test_control_flow_on_symbolic_values_names_the_layer() -> None:
    x = keras.Input((3,))
    with pytest.raises(ValueError, match=r"expected code whose output shape follows from input shapes \(\)"):
        ops.cond(ops.sum(x) > 0, lambda: 1.0, lambda: 2.0)


# --- errors -----------------------------------------------------------------------------------------------------------

A = torch.ones(2, 3, 4)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: ops.sum(A, axis=3),
            r"ops.sum: expected axes and indices that exist in shapes \(2, 3, 4\); received: axis 3",
        ),
        (lambda: ops.max(A, axis=(0, -4)), r"ops.max: expected axes .* received: axis -4 of a tensor with 3 axes"),
        (lambda: ops.argmax(A, axis=7), r"ops.argmax: expected axes .* Count axes from 0, or from -1 backwards"),
        (lambda: ops.softmax(A, axis=3), r"ops.softmax: expected axes .* \(2, 3, 4\)"),
        (lambda: ops.transpose(A, (0, 1, 5)), r"ops.transpose: expected axes"),
        (lambda: ops.take(A, [3], axis=1), r"ops.take: expected axes and indices"),
        (lambda: ops.expand_dims(A, 4), r"ops.expand_dims: expected axes .* axis 4 of a result with 4 axes"),
        (
            lambda: ops.squeeze(A, 1),
            r"ops.squeeze: expected axes of size 1; received axis=1 of a tensor of shape \(2, 3, 4\)",
        ),
        (
            lambda: ops.split(A, 2, axis=1),
            r"ops.split: expected a number of parts that divides the axis' size 3; received",
        ),
        (
            lambda: ops.pad(A, 1, mode="reflect", constant_values=1),
            r"ops.pad: expected constant_values with mode='constant'",
        ),
        (
            lambda: ops.zeros((None, 2)),
            r"ops.zeros: expected a shape of known sizes; received \(None, 2\). Make the tensor",
        ),
        (lambda: ops.reshape(A, (None, 12)), r"ops.reshape: expected a shape of known sizes"),
        (
            lambda: ops.conv(A, torch.ones(2, 3, 5)),
            r"ops.conv: expected inputs with 3 axes and a multiple of 3 channels",
        ),
        (
            lambda: ops.conv(A, torch.ones(2, 4, 5), padding="causal"),
            r"ops.conv: expected padding='valid' or 'same'; .*causal",
        ),
        (lambda: ops.max_pool(A, 2, padding="full"), r"ops.max_pool: expected padding='valid' or 'same'"),
        (lambda: ops.moments(A, 0, synchronized=True), r"ops.moments: expected synchronized=False"),
        (
            lambda: ops.scatter_update(A, [[0]], [1.0], reduction="mul"),
            r"ops.scatter_update: expected reduction=None or 'add'",
        ),
        (lambda: ops.scan(lambda c, x: (c, x), 0.0), r"ops.scan: expected xs or length; received neither"),
        (
            lambda: ops.categorical_crossentropy(A, A[0]),
            r"ops.categorical_crossentropy: expected a target of shape \(3, 4\)",
        ),
        (
            lambda: ops.sparse_categorical_crossentropy(A, A),
            r"ops.sparse_categorical_crossentropy: expected a target of shape",
        ),
        (lambda: ops.binary_crossentropy(A[0], A), r"ops.binary_crossentropy: expected a target of shape \(2, 3, 4\)"),
        (lambda: ops.ctc_decode(A, [3, 3], strategy="beam"), r"ops.ctc_decode: expected strategy='greedy'; received"),
        (
            lambda: random.normal((2,), dtype="int32"),
            r"random.normal: expected a floating point dtype; received torch.int32",
        ),
        (lambda: random.dropout(A, -0.1), r"random.dropout: expected a rate from 0 to 1; received rate=-0.1"),
        (lambda: random.SeedGenerator(-1), r"SeedGenerator: expected a whole number of at least 0; received seed=-1"),
    ],
)
def test_errors(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()


# --- random -----------------------------------------------------------------------------------------------------------

SIZE = (5000,)
LOGITS = np.log(np.tile(np.float32([[0.2, 0.8]]), (2, 1)))
DRAWS: dict[str, tuple[Any, float, float, float, float]] = {
    # lowest, highest, mean, standard deviation
    "normal": (lambda seed: random.normal(SIZE, 2.0, 0.5, seed=seed), -1, 5, 2.0, 0.5),
    "truncated_normal": (lambda seed: random.truncated_normal(SIZE, 2.0, 0.5, seed=seed), 1, 3, 2.0, 0.44),
    "uniform": (lambda seed: random.uniform(SIZE, -1.0, 3.0, seed=seed), -1, 3, 1.0, 1.155),
    "uniform-whole": (lambda seed: random.uniform(SIZE, 0, 4, dtype="int32", seed=seed), 0, 3, 1.5, 1.118),
    "randint": (lambda seed: random.randint(SIZE, -2, 3, seed=seed), -2, 2, 0.0, 1.414),
    "categorical": (lambda seed: random.categorical(LOGITS, 2500, seed=seed), 0, 1, 0.8, 0.4),
    "binomial": (lambda seed: random.binomial(SIZE, 10, 0.3, seed=seed), 0, 10, 3.0, 1.449),
    "gamma": (lambda seed: random.gamma(SIZE, 4.0, seed=seed), 0, 50, 4.0, 2.0),
    "beta": (lambda seed: random.beta(SIZE, 2.0, 3.0, seed=seed), 0, 1, 0.4, 0.2),
    "shuffle": (lambda seed: random.shuffle(torch.arange(5000.0), seed=seed), 0, 4999, 2499.5, 1443.5),
    "dropout": (lambda seed: random.dropout(torch.ones(5000), 0.2, seed=seed), 0, 1.25, 1.0, 0.5),
}


@pytest.mark.parametrize("name", DRAWS)
def test_random(name: str) -> None:
    draw, lowest, highest, mean, deviation = DRAWS[name]
    x = draw(7)
    assert x.numel() == 5000 and lowest <= float(x.min()) and float(x.max()) <= highest + 1e-6
    assert abs(float(x.double().mean()) - mean) < 0.06 * deviation
    assert abs(float(x.double().std()) - deviation) < 0.06 * deviation
    assert torch.equal(x, draw(7)) and not torch.equal(x, draw(8))
    assert not torch.equal(draw(None), draw(None))
    keras.utils.set_random_seed(3) if hasattr(keras.utils, "set_random_seed") else torch.manual_seed(3)
    first = draw(None)
    torch.manual_seed(3)
    assert torch.equal(first, draw(None))
    source, again = random.SeedGenerator(7), random.SeedGenerator.from_config({"seed": 7})
    one, two = draw(source), draw(source)
    assert not torch.equal(one, two) and torch.equal(one, draw(again)) and torch.equal(two, draw(again))


def test_random_shapes_and_types() -> None:
    assert random.randint((2,), 0, 5).dtype is torch.int32 and random.categorical(LOGITS, 3).shape == (2, 3)
    assert random.normal(3, dtype="float16").dtype is torch.float16
    rows = random.shuffle(torch.arange(12).reshape(3, 4), axis=1, seed=2)
    assert (
        sorted(rows[0].tolist()) == [0, 1, 2, 3] and (rows[1] - rows[0] == 4).all() and rows[0].tolist() != [0, 1, 2, 3]
    )
    shared = random.dropout(torch.ones(40, 5), 0.5, noise_shape=(None, 1), seed=1)
    assert (shared == shared[:, :1]).all() and {0.0, 2.0} == set(shared.flatten().tolist())
    assert random.dropout(torch.ones(3), 1.0).tolist() == [0, 0, 0]
    assert random.SeedGenerator(5).get_config() == {"seed": 5} and random.SeedGenerator().seed >= 0
    x = keras.Input((4,))
    drawing = keras.layers.Lambda(lambda t: t + random.normal(ops.shape(t), seed=1))
    assert drawing(x).shape == (None, 4) and random.shuffle(x, axis=1).shape == (None, 4)
