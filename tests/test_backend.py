"""Every backend function against tf_keras, on tensors, arrays and symbolic tensors; and what tables cannot show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from cases_backend import BACKEND, BackendCase
from kerastorch import backend as K
from kerastorch.core import nest
from support import Golden, assert_close

GOLDEN = Golden("backend")
EVERY = pytest.mark.parametrize("case", BACKEND, ids=[case.id for case in BACKEND])


def check(case: BackendCase, result: Any) -> list[torch.Tensor]:
    outputs = nest.flatten(result)
    for index, output in enumerate(outputs):
        assert_close(output, GOLDEN[f"{case.id}/{index}"], 1e-5, f"output {index}")
    assert f"{case.id}/{len(outputs)}" not in GOLDEN
    return outputs


@EVERY
def test_value_and_gradient(case: BackendCase) -> None:
    inputs = [torch.from_numpy(x) for x in case.inputs]
    watched = [x.requires_grad_() for x in inputs if x.is_floating_point()]
    outputs = check(case, case.call(K, *inputs))
    floating = [(index, y) for index, y in enumerate(outputs) if y.is_floating_point()]
    if not case.gradient or not floating:
        return
    total = sum((y * torch.as_tensor(case.cotangent(i, tuple(y.shape)))).sum() for i, y in floating)
    if total.requires_grad:
        total.backward()
    for index, x in enumerate(watched):
        gradient = torch.zeros_like(x) if x.grad is None else x.grad
        assert_close(gradient, GOLDEN[f"{case.id}/gradient{index}"], 1e-4, f"gradient {index}")


@pytest.mark.parametrize("case", [case for case in BACKEND if case.arrays], ids=lambda case: case.id)
def test_arrays(case: BackendCase) -> None:
    check(case, case.call(K, *case.inputs))


SYMBOLIC = [case for case in BACKEND if case.symbolic]


@pytest.mark.parametrize("case", SYMBOLIC, ids=[case.id for case in SYMBOLIC])
def test_symbolic_tensors(case: BackendCase) -> None:
    tensors = [torch.from_numpy(x) for x in case.inputs]
    first = tensors[: case.symbolic]
    inputs = [keras.Input(x.shape[1:], dtype=x.dtype) for x in first]
    outputs = case.call(K, *inputs, *tensors[case.symbolic :])
    specs = [tuple(output.shape) for output in nest.flatten(outputs)]
    model = keras.Model(inputs, outputs)
    results = check(case, model(first))
    for spec, result in zip(specs, results, strict=True):
        assert len(spec) == result.dim()
        assert all(known in (None, size) for known, size in zip(spec, result.shape, strict=True)), spec


@pytest.mark.parametrize("case", SYMBOLIC[::7], ids=[case.id for case in SYMBOLIC[::7]])
def test_inside_of_a_lambda(case: BackendCase) -> None:
    tensors = [torch.from_numpy(x) for x in case.inputs]
    first = tensors[: case.symbolic]
    inputs = [keras.Input(x.shape[1:], dtype=x.dtype) for x in first]
    constants = tensors[case.symbolic :]
    outputs = keras.layers.Lambda(lambda given: case.call(K, *given, *constants))(inputs)
    check(case, keras.Model(inputs, outputs)(first))


def test_recorded_functions_are_saved_with_the_model() -> None:
    x, y = keras.Input((3, 4)), keras.Input((4, 2))
    model = keras.Model([x, y], K.l2_normalize(K.batch_dot(K.softmax(x, axis=1), y), axis=-1))
    a, b = torch.randn(2, 3, 4), torch.randn(2, 4, 2)
    again = keras.models.model_from_json(model.to_json())
    torch.testing.assert_close(again([a, b]), model([a, b]), rtol=0, atol=0)


# --- variables -------------------------------------------------------------------------------------------------------


def test_variables() -> None:
    x = K.variable(np.array([[1, 2], [3, 4]]), name="x")
    assert isinstance(x, keras.Variable) and x.name == "x" and x.dtype is torch.float32 and x.requires_grad
    assert K.variable([1, 2], dtype="int64").dtype is torch.int64
    assert K.eval(x + 1).tolist() == [[2, 3], [4, 5]]
    K.update_add(x, 1)
    K.update_sub(x, [[0, 0], [1, 1]])
    assert K.get_value(x).tolist() == [[2, 3], [3, 4]]
    K.moving_average_update(x, 0.0, 0.5)
    assert K.get_value(K.update(x, x.detach() * 2)).tolist() == [[2, 3], [3, 4]]
    K.set_value(x, np.zeros((2, 2), "float64"))
    assert K.get_value(x).dtype == np.float32 and K.get_value(x).sum() == 0
    with pytest.raises(ValueError, match=r"Variable 'x': expected a value of shape \(2, 2\); received \(3,\)"):
        K.set_value(x, [1, 2, 3])
    with pytest.raises(TypeError, match=r"K.set_value: expected a variable; received 3. Make one with K.variable"):
        K.set_value(3, 4)
    plain = torch.zeros(2)
    K.batch_set_value([(x, np.ones((2, 2))), (plain, [1, 2])])
    first, second = K.batch_get_value([x, plain])
    assert first.tolist() == [[1, 1], [1, 1]] and second.tolist() == [1, 2]
    assert K.get_value("text") == "text"
    held = K.get_value(x)
    K.set_value(x, np.zeros((2, 2)))
    assert held.sum() == 4, "what was read does not change"


def test_constants_and_new_variables() -> None:
    assert K.constant([1, 2]).dtype is torch.float32 and K.constant(3, dtype="int32").dtype is torch.int32
    assert K.constant(2.0, shape=(2, 2)).tolist() == [[2, 2], [2, 2]]
    assert K.constant([1, 2, 3, 4], shape=(2, 2)).tolist() == [[1, 2], [3, 4]]
    assert K.get_value(K.zeros((2,), dtype="int32")).tolist() == [0, 0] and K.zeros((2,)).trainable is False
    assert K.get_value(K.ones((1, 2))).tolist() == [[1, 1]] and K.eye(2).numpy().tolist() == [[1, 0], [0, 1]]
    assert K.ones_like(K.zeros((2, 3)), dtype="int64").dtype is torch.int64
    assert K.arange(3).dtype is torch.int32 and K.arange(2, 8, 3).tolist() == [2, 5] and K.arange(-1).tolist() == []
    normal = K.random_normal_variable((1000,), 3.0, 0.5, seed=1)
    assert abs(float(normal.detach().mean()) - 3.0) < 0.1 and abs(float(normal.detach().std()) - 0.5) < 0.05
    uniform = K.random_uniform_variable((1000,), -1.0, 3.0, seed=1).detach()
    assert -1 <= float(uniform.min()) < -0.9 and 2.9 < float(uniform.max()) < 3


def test_learning_rates() -> None:
    optimizer = keras.optimizers.SGD(0.5)
    assert K.get_value(optimizer.lr) == np.float32(0.5) and f"{K.get_value(optimizer.learning_rate):.2f}" == "0.50"
    K.set_value(optimizer.lr, K.get_value(optimizer.lr) * 0.5)
    weight = keras.Variable([1.0])
    optimizer.apply_gradients([(torch.ones(1), weight)])
    assert weight.numpy().tolist() == [0.75] and float(optimizer.learning_rate) == 0.25
    scheduled = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(1.0, 1, 0.5))
    for expected in (1.0, 0.5, 0.25):
        scheduled.apply_gradients([(torch.ones(1), weight)])
        assert K.get_value(scheduled.lr) == expected


def test_what_tensors_are() -> None:
    symbolic = keras.Input((None, 4), dtype="int32")
    assert K.int_shape(symbolic) == (None, None, 4) and K.ndim(symbolic) == 3 and K.dtype(symbolic) == "int32"
    x = torch.ones(2, 3)
    assert K.int_shape(x) == K.shape(x) == (2, 3) and K.ndim(x) == 2 and K.dtype(x) == "float32"
    assert K.count_params(K.zeros((2, 3))) == 6
    assert K.is_keras_tensor(symbolic) and not K.is_keras_tensor(x)
    sparse = torch.eye(2).to_sparse()
    assert K.is_sparse(sparse) and not K.is_sparse(x) and not K.is_sparse(symbolic)
    assert K.to_dense(sparse).tolist() == K.eval(sparse).tolist() == [[1, 0], [0, 1]] and K.to_dense(x) is x
    assert K.dot(sparse, torch.tensor([[1.0], [2.0]])).tolist() == [[1], [2]]
    assert K.cast_to_floatx(np.array([1, 2])).dtype == np.float32
    assert K.cast_to_floatx(torch.tensor([1])).dtype is torch.float32
    with pytest.raises(TypeError, match=r"K.eval: expected a tensor with values; received the symbolic .* K.function"):
        K.eval(symbolic)


# --- graphs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def convolutional() -> keras.Model:
    return keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, activation="relu", input_shape=(8, 8, 3), name="first"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(5, 2, activation="relu", name="last"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


def test_functions_of_models(convolutional: keras.Model) -> None:
    data = np.random.rand(2, 8, 8, 3).astype("float32")
    layers = convolutional.layers
    (hidden,) = K.function([convolutional.input], [convolutional.get_layer("first").output])([data])
    np.testing.assert_allclose(hidden, layers[0](torch.from_numpy(data)).detach().numpy(), atol=1e-6)
    single = K.function(convolutional.input, convolutional.output)(data)
    np.testing.assert_allclose(single, convolutional.predict(data, verbose=0), atol=1e-6)
    assert isinstance(hidden, np.ndarray) and isinstance(single, np.ndarray)
    pair = K.function([convolutional.input], [layers[0].output, layers[2].output])([data])
    assert [array.shape for array in pair] == [(2, 6, 6, 4), (2, 2, 2, 5)]
    np.testing.assert_array_equal(pair[0], hidden)
    rest = K.function([layers[1].output], [convolutional.output])([layers[1](torch.from_numpy(hidden))])
    np.testing.assert_allclose(rest[0], single, atol=1e-6)


def test_the_phase_as_an_input(convolutional: keras.Model) -> None:
    data = np.random.rand(4, 8, 8, 3)
    dropped = K.function([convolutional.input, K.learning_phase()], [convolutional.layers[4].output])
    assert (dropped([data, 0])[0] == dropped([data, 0])[0]).all()
    kept = dropped([data, 0])[0]
    trained = dropped([data, 1])[0]
    chosen = trained != 0
    np.testing.assert_allclose(trained[chosen], 2 * kept[chosen], rtol=1e-5)
    assert 0.2 < chosen[kept != 0].mean() < 0.8
    with pytest.raises(ValueError, match="K.function: expected a list of 2 arrays; received 1"):
        dropped([data])
    with pytest.raises(ValueError, match="K.function: expected no updates; received"):
        K.function([convolutional.input], [convolutional.output], updates=[1])


def test_a_filter_is_maximised_as_in_books(convolutional: keras.Model) -> None:
    convolutional.get_layer("last").bias.assign([0.1] * 5)  # no filter is silent, whatever weights were drawn
    layer_output = convolutional.get_layer("last").output
    loss = K.mean(layer_output[:, :, :, 1])
    grads = K.gradients(loss, convolutional.input)[0]
    grads /= K.sqrt(K.mean(K.square(grads))) + 1e-5
    iterate = K.function([convolutional.input], [loss, grads])
    image = np.random.rand(1, 8, 8, 3).astype("float32")
    found_loss, found = iterate([image])

    x = torch.from_numpy(image).requires_grad_()
    expected_loss = keras.Model(convolutional.input, layer_output)(x)[..., 1].mean()
    (gradient,) = torch.autograd.grad(expected_loss, x)
    np.testing.assert_allclose(found_loss, expected_loss.item(), rtol=1e-5)
    expected = gradient / (gradient.square().mean().sqrt() + 1e-5)
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-4, atol=1e-5)
    before = found_loss
    for _ in range(20):
        found_loss, found = iterate([image])
        image += found * 0.1
    assert found_loss > before


def test_gradients_at_an_inner_layer_as_in_books(convolutional: keras.Model) -> None:
    """Class activation maps: the gradient of a class at the output of the last convolution, and at a weight."""
    last = convolutional.get_layer("last")
    chosen = convolutional.output[:, 2]
    gradient, of_kernel = K.gradients(chosen, [last.output, last.kernel])
    assert gradient.shape == (None, 2, 2, 5) and of_kernel.shape == (2, 2, 4, 5)
    pooled = K.mean(gradient, axis=(0, 1, 2))
    image = np.random.rand(1, 8, 8, 3).astype("float32")
    weights, features, found = K.function([convolutional.input], [pooled, last.output[0], of_kernel])([image])

    hidden = keras.Model(convolutional.input, last.output)(torch.from_numpy(image))
    rest = hidden
    for layer in convolutional.layers[3:]:
        rest = layer(rest)
    expected, expected_kernel = torch.autograd.grad(rest[:, 2].sum(), [hidden, last.kernel])
    np.testing.assert_allclose(weights, expected.mean((0, 1, 2)).numpy(), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(features, hidden[0].detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found, expected_kernel.numpy(), rtol=1e-4, atol=1e-7)


def test_gradients_in_a_model_that_predicts() -> None:
    x = keras.Input((3,))
    model = keras.Model(x, K.gradients(K.sum(x**3), x)[0])
    data = np.random.rand(5, 3).astype("float32")
    np.testing.assert_allclose(model.predict(data, verbose=0), 3 * data**2, rtol=1e-5)
    with pytest.raises(NotImplementedError, match="K.gradients: expected a model that is not saved"):
        model.to_json()


def test_gradients_of_real_tensors() -> None:
    x = K.variable([1.0, 2.0])
    y = K.variable([5.0])
    of_x, of_y = K.gradients(K.square(x), [x, y])
    assert of_x.tolist() == [2, 4] and of_y.tolist() == [0]
    assert K.gradients(x * 3, x)[0].tolist() == [3, 3]
    with pytest.raises(ValueError, match=r"K.gradients: expected a symbolic loss, or .* Compute it again after"):
        K.gradients(torch.ones(2), x)


def test_placeholders() -> None:
    x = K.placeholder((None, 3), name="data")
    assert x.shape == (None, 3) and x.name == "data" and K.placeholder(ndim=2, dtype="int32").shape == (None, None)
    (doubled,) = K.function([x], [x * 2])([np.ones((2, 3))])
    assert doubled.tolist() == [[2, 2, 2]] * 2


def test_the_learning_phase() -> None:
    seen = []
    layer = keras.layers.Lambda(lambda x: seen.append(K.learning_phase()) or K.in_train_phase(x * 2, x))
    x = keras.Input((1,))
    model = keras.Model(x, layer(x))
    seen.clear()
    one = torch.ones(1, 1)
    assert [float(model(one, training=training)) for training in (True, False, None)] == [2, 1, 1]
    assert seen == [1, 0, 0] and K.learning_phase() == 0
    K.set_learning_phase(1)
    assert K.learning_phase() == 1 and float(model(one)) == 2 and float(model(one, training=False)) == 1
    with K.learning_phase_scope(0):
        assert float(model(one)) == 1
    assert K.learning_phase() == 1 and float(model.predict(np.ones((1, 1)), verbose=0)[0, 0]) == 1
    assert (keras.layers.Dropout(0.9)(torch.ones(100)) == 0).any()
    K.clear_session()
    assert K.learning_phase() == 0 and float(model(one)) == 1
    with pytest.raises(ValueError, match=r"K.set_learning_phase: expected 0 .* or 1 \(training\); received 2"):
        K.set_learning_phase(2)
    y = keras.Input((1,))
    symbolic = keras.Model(y, K.in_train_phase(y * 3, y))
    assert float(symbolic(one, training=True)) == 3 and float(symbolic(one)) == 1


# --- settings, names, random numbers ---------------------------------------------------------------------------------


def test_settings() -> None:
    assert (K.floatx(), K.epsilon(), K.image_data_format(), K.backend()) == ("float32", 1e-7, "channels_last", "torch")
    K.set_floatx("float64")
    K.set_epsilon(1e-3)
    K.set_image_data_format("channels_first")
    try:
        assert K.constant(1).dtype is K.random_normal((2,)).dtype is K.zeros((1,)).dtype is torch.float64
        assert K.mean([1, 2]).dtype is torch.float64
        assert float(K.categorical_crossentropy([[1.0, 0.0]], [[0.0, 1.0]])) == pytest.approx(-np.log(1e-3))
        assert K.conv2d(torch.ones(1, 3, 5, 5), torch.ones(2, 2, 3, 4)).shape == (1, 4, 4, 4)
        with pytest.warns(UserWarning, match=r"an earlier name. Use K.image_data_format\(\)"):
            assert K.image_dim_ordering() == "th"
        with pytest.warns(UserWarning, match="an earlier name. Use K.set_image_data_format"):
            K.set_image_dim_ordering("tf")
        assert K.image_data_format() == "channels_last"
    finally:
        K.set_floatx("float32")
        K.set_epsilon(1e-7)
        K.set_image_data_format("channels_last")
    with pytest.raises(ValueError, match="K.set_image_dim_ordering: expected 'tf' or 'th'; received 'nchw'"):
        K.set_image_dim_ordering("nchw")
    assert K.experimental.enable_tf_random_generator() is K.experimental.disable_tf_random_generator() is None
    assert K.experimental.is_tf_random_generator_enabled() is False


def test_names_and_sessions() -> None:
    assert [K.get_uid("block") for _ in range(3)] == [1, 2, 3]
    K.reset_uids()
    assert K.get_uid("block") == 1
    K.clear_session()
    assert K.get_uid("block") == 1 and keras.layers.Dense(1).name == "dense"
    with K.name_scope("part") as name:
        assert name == "part"
    K.manual_variable_initialization(True)
    K.set_session(object())
    with pytest.raises(NotImplementedError, match=r"K.get_session: expected code without sessions; .* K.get_value"):
        K.get_session()


def test_random_numbers() -> None:
    for draw, low, high, mean in (
        (lambda **k: K.random_normal((4000,), 2.0, 0.5, **k), -1, 5, 2.0),
        (lambda **k: K.truncated_normal((4000,), 2.0, 0.5, **k), 1.0, 3.0, 2.0),
        (lambda **k: K.random_uniform((4000,), -1.0, 3.0, **k), -1.0, 3.0, 1.0),
        (lambda **k: K.random_binomial((4000,), 0.3, **k), 0, 1, 0.3),
        (lambda **k: K.random_bernoulli((4000,), 0.7, **k), 0, 1, 0.7),
        (lambda **k: K.dropout(torch.ones(4000), 0.3, **k), 0, 1 / 0.7 + 1e-6, 1.0),
    ):
        x = draw(seed=3)
        assert low <= float(x.min()) and float(x.max()) <= high and abs(float(x.mean()) - mean) < 0.1
        assert torch.equal(x, draw(seed=3)) and not torch.equal(x, draw(seed=4)) and not torch.equal(draw(), draw())
        torch.manual_seed(5)
        first = draw()
        torch.manual_seed(5)
        assert torch.equal(first, draw())
    assert K.random_uniform((2,), dtype="float64").dtype is torch.float64
    assert K.random_bernoulli((9,), 1.0, dtype="int32").tolist() == [1] * 9
    rows = K.dropout(torch.ones(50, 4), 0.5, noise_shape=(None, 1))
    assert ((rows == 0).all(1) | (rows == 2).all(1)).all() and 0 < float((rows == 0).float().mean()) < 1


def test_sampling_layer_as_in_books() -> None:
    def sample(args: Any) -> Any:
        mean, log_var = args
        epsilon = K.random_normal(shape=(K.shape(mean)[0], K.int_shape(mean)[1]), mean=0.0, stddev=1.0)
        return mean + K.exp(0.5 * log_var) * epsilon

    mean, log_var = keras.Input((2,)), keras.Input((2,))
    z = keras.layers.Lambda(sample, output_shape=(2,))([mean, log_var])
    drawn = keras.Model([mean, log_var], z)([torch.full((5000, 2), 3.0), torch.full((5000, 2), float(np.log(4.0)))])
    assert z.shape == (None, 2)
    assert abs(float(drawn.mean()) - 3) < 0.1 and abs(float(drawn.std()) - 2) < 0.1
    with pytest.raises(ValueError, match=r"random.normal: expected a shape of known sizes; received \(None, 2\). Make"):
        K.random_normal((K.shape(mean)[0], 2))


def test_print_tensor(capsys: pytest.CaptureFixture[str]) -> None:
    x = torch.arange(20.0)
    assert K.print_tensor(x, "values:") is x
    assert capsys.readouterr().out == "values: [ 0.  1.  2. ... 17. 18. 19.]\n"
    symbolic = keras.Input((2,))
    model = keras.Model(symbolic, K.print_tensor(symbolic, "x"))
    assert capsys.readouterr().out == "", "nothing is known while the model is put together"
    model(torch.ones(1, 2))
    assert capsys.readouterr().out == "x [[1. 1.]]\n"


# --- errors ----------------------------------------------------------------------------------------------------------

A, B = torch.ones(2, 3, 4), torch.ones(2, 4, 5)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: K.batch_dot(A[0, 0], B),
            r"K.batch_dot: expected two tensors \(batch, ...\) .* \(4,\) and \(2, 4, 5\)",
        ),
        (lambda: K.batch_dot(A, B[:1]), r"of the same batch size .* shapes \(2, 3, 4\) and \(1, 4, 5\)"),
        (
            lambda: K.batch_dot(A, B, axes=(0, 1)),
            r"batch_dot: expected axes after the batch axis 0; received axes=\(0, 1\)",
        ),
        (
            lambda: K.batch_dot(A, B, axes=(1, 3)),
            r"batch_dot: expected axes after the batch axis 0; received axes=\(1, 3\)",
        ),
        (lambda: K.batch_dot(A, B, axes=1), r"axes of the same size; received axes=\(1, 1\) of sizes 3 and 4"),
        (
            lambda: K.batch_dot(A, B, axes=((1, 2), 1)),
            r"expected axes=None, one axis or two; received axes=\(\(1, 2\), 1\)",
        ),
        (
            lambda: K.switch(A > 0, A[0, 0], A[0, 0]),
            r"K.switch: expected a condition with at most as many axes .* \(2, 3, 4\)",
        ),
        (lambda: K.repeat(A, 2), r"K.repeat: expected a tensor \(batch, depth\); received shape \(2, 3, 4\)"),
        (
            lambda: K.mean(A, axis=3),
            r"ops.mean: expected axes and indices that exist in shapes \(2, 3, 4\); received: axis 3",
        ),
        (lambda: K.expand_dims(A, 5), r"ops.expand_dims: expected axes .* received: axis 5 of a result with 4 axes"),
        (
            lambda: K.squeeze(A, 1),
            r"ops.squeeze: expected axes of size 1; received axis=1 of a tensor of shape \(2, 3, 4\)",
        ),
        (lambda: K.softmax(A[0, 0]), r"softmax: expected a tensor with at least 2 axes"),
        (
            lambda: K.bias_add(A, A[0, :, :1, None]),
            r"K.bias_add: expected a bias with 1 or 2 axes .* received shape \(3, 1, 1\)",
        ),
        (
            lambda: K.pool2d(A[..., None], (2, 2), pool_mode="sum"),
            r"K.pool2d: expected pool_mode='max' or 'avg'; received 'sum'",
        ),
        (
            lambda: K.conv2d(A[..., None], torch.ones(2, 2, 1, 4), padding="full"),
            r"ops.conv: expected padding=.valid. or .same.",
        ),
        (
            lambda: K.conv2d(A[..., None], torch.ones(2, 2, 3, 4)),
            r"ops.conv: expected inputs with 4 axes and a multiple of 3",
        ),
        (
            lambda: K.resize_images(A[..., None], 2, 2, None, "cubic"),
            r"K.resize_images: expected interpolation to be one of nearest",
        ),
        (lambda: K.ctc_decode(A, torch.tensor([3, 3]), greedy=False), r"K.ctc_decode: expected greedy=True"),
        (
            lambda: K.conv2d_transpose(A[..., None], torch.ones(2, 2, 3, 1), (2, 9, 9, 3)),
            r"K.conv2d_transpose: expected an out",
        ),
        (lambda: K.zeros((None, 2)), r"ops.zeros: expected a shape of known sizes; received \(None, 2\)"),
        (lambda: K.dropout(A, 1.5), r"random.dropout: expected a rate from 0 to 1; received rate=1.5"),
        (lambda: K.categorical_crossentropy(A, B), r"categorical_crossentropy: expected one-hot labels"),
    ],
)
def test_errors(call: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()
