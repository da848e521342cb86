"""Small layers beyond the table of cases: Dense, EinsumDense, Embedding, Lambda, Masking, reshaping, torch modules."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from functional_tools import same
from kerastorch.layers import (
    Dense,
    EinsumDense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Identity,
    Input,
    Lambda,
    Masking,
    Permute,
    RepeatVector,
    Reshape,
    TorchModule,
)

# --- EinsumDense ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes"),
    [("abc,cd->abd", (None, 5), "d"), ("...c,cd->...d", 5, "d"), ("...c,cd->...d", 5, None)],
)
def test_einsums_that_are_dense_layers(equation: str, output_shape: Any, bias_axes: str | None) -> None:
    layer = EinsumDense(equation, output_shape, bias_axes=bias_axes, activation="relu")
    x = torch.randn(2, 3, 4)
    found = layer(x)
    bias = layer.bias if bias_axes else 0.0
    same(found, torch.relu(x @ layer.kernel + bias))
    turned = torch.randn(2, 4, 3).mT  # not contiguous
    same(layer(turned), torch.relu(turned @ layer.kernel + bias))
    assert layer.compute_output_shape((None, None, 4)) == (None, None, 5)


def test_an_ellipsis_takes_any_rank() -> None:
    layer = EinsumDense("...c,cde->...de", (2, 3), bias_axes="de")
    assert [layer(torch.zeros(*shape, 4)).shape for shape in ((5,), (5, 6), (5, 6, 7))] == [
        (5, 2, 3),
        (5, 6, 2, 3),
        (5, 6, 7, 2, 3),
    ]
    assert layer.bias.shape == (2, 3)


def test_the_matrix_product_equals_the_einsum() -> None:
    x = torch.randn(2, 3, 4, 5)
    for equation, output_shape, matrix in (
        ("abcd,cdef->abef", (None, 2, 3), True),
        ("abcd,dcef->abef", (None, 2, 3), False),
        ("abcd,cdef->abfe", (None, 3, 2), False),
        ("abcd,cd->ab", (None,), True),
        ("abcd,bd->abc", (None, None), False),
        ("...d,de->...e", 6, True),
        ("abc...,ce->abe...", (None, 6), False),
    ):
        layer = EinsumDense(equation, output_shape)
        found = layer(x)
        assert (layer._contracted is not None) is matrix
        same(found, torch.einsum(equation, x, layer.kernel))


def test_activity_regularizers_of_einsums_count() -> None:
    layer = EinsumDense("ab,bc->ac", 3, activity_regularizer=keras.regularizers.L2(0.5))
    y = layer(torch.randn(4, 2))
    same(layer.losses[0], 0.5 * y.square().sum() / 4)


def test_einsums_in_a_model() -> None:
    x = Input((None, 4))
    model = keras.Model(x, EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de")(x))
    assert model.output_shape == (None, None, 2, 3)
    copied = keras.models.model_from_json(model.to_json())
    copied.set_weights(model.get_weights())
    data = torch.randn(2, 5, 4)
    same(copied(data), model(data))
    assert copied.layers[1].get_config()["output_shape"] == [None, 2, 3]


# --- Embedding -----------------------------------------------------------------------------------------

MATRIX = np.arange(12.0, dtype="float32").reshape(4, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"weights": [MATRIX]},
        {"weights": [MATRIX], "trainable": False, "input_length": 2},
        {"embeddings_initializer": keras.initializers.Constant(MATRIX)},
        {"embeddings_initializer": keras.initializers.Constant(MATRIX), "trainable": False, "mask_zero": True},
    ],
)
def test_embeddings_from_a_matrix(options: dict[str, Any]) -> None:
    layer = Embedding(4, 3, **options)
    same(layer(torch.tensor([[3, 0]])), torch.from_numpy(MATRIX[[3, 0]])[None])
    assert layer.embeddings.requires_grad is options.get("trainable", True)
    model = keras.Sequential([Embedding(4, 3, **options), GlobalAveragePooling1D()])
    same(model(torch.tensor([[1, 3]])), torch.from_numpy(MATRIX[[1, 3]].mean(0))[None])


def test_embeddings_refuse_what_is_outside_of_the_table() -> None:
    layer = Embedding(4, 3, name="words")
    for words in ([[1, 4]], [[-1, 2]]):
        text = (
            f"Embedding 'words': expected integers from 0 to 3; received values from {min(words[0])} to {max(words[0])}"
        )
        with pytest.raises(ValueError, match=f"{text}. Raise input_dim, or limit the vocabulary."):
            layer(torch.tensor(words))
    with pytest.raises(ValueError, match=r"expected shape \(4, 3\) for weight 0"):
        Embedding(4, 3, weights=[MATRIX.T])(torch.tensor([[1]]))


# --- Masking, Identity ---------------------------------------------------------------------------------


def test_masking_feeds_what_follows() -> None:
    x = torch.tensor([[[1.0, 2.0], [-1.0, -1.0], [5.0, 6.0]], [[-1.0, 3.0], [-1.0, -1.0], [-1.0, -1.0]]])
    expected = torch.tensor([[3.0, 4.0], [-1.0, 3.0]])
    for model in (
        keras.Sequential([Masking(-1.0, input_shape=(3, 2)), GlobalAveragePooling1D()]),
        keras.Sequential([Masking(mask_value=-1.0), GlobalAveragePooling1D()]),
    ):
        same(model(x), expected)
    masked = Masking(mask_value=-1.0)(x)
    assert masked._keras_mask.tolist() == [[True, False, True], [True, False, False]]
    assert masked[0, 1].tolist() == [0.0, 0.0]
    assert x[0, 1].tolist() == [-1.0, -1.0]


def test_identity_passes_structures_on() -> None:
    a, b = torch.ones(1, 2), torch.tensor([[3]])
    a._keras_mask = torch.tensor([[True, False]])
    found = Identity()({"a": a, "b": [b]})
    assert found["b"][0].dtype == torch.int64
    same(found["a"], a)
    assert not hasattr(found["a"], "_keras_mask") and hasattr(a, "_keras_mask")
    left, right = Input((2,)), Input((1,), dtype="int64")
    model = keras.Model([left, right], Identity()([left, right]))
    assert [x.dtype for x in model.outputs] == [torch.float32, torch.int64]
    assert [x.tolist() for x in model([a, b])] == [[[1.0, 1.0]], [[3]]]


# --- Lambda --------------------------------------------------------------------------------------------


def scaled(x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
    return x * factor


def test_lambdas_of_several_tensors() -> None:
    x = Input((4,))
    double, first = Lambda(lambda t: (t * 2, t[:, :1]))(x)
    assert (double.shape, first.shape) == ((None, 4), (None, 1))
    model = keras.Model(x, Dense(1)(double + first))
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    data = torch.randn(3, 4)
    same(clone(data), model(data))
    named = Lambda(lambda t: {"sum": t.sum(1), "shape": t[:, None]})(x)
    assert (named["sum"].shape, named["shape"].shape) == ((None,), (None, 1, 4))


def test_lambdas_see_training_and_masks() -> None:
    layer = Lambda(lambda x, training: x + 1 if training else x - 1)
    assert layer(torch.zeros(1)).tolist() == [-1.0]
    assert layer(torch.zeros(1), training=True).tolist() == [1.0]
    words = Input((3,), dtype="int64")
    model = keras.Model(words, Lambda(lambda x, mask: x * mask[..., None])(Embedding(4, 2, mask_zero=True)(words)))
    assert model(torch.tensor([[0, 1, 0]]))[0, 0].tolist() == [0.0, 0.0]


def test_lambdas_may_use_variables_of_others() -> None:
    dense = Dense(3, use_bias=False)
    x = Input((4,))
    model = keras.Model(x, Lambda(lambda t: t @ dense.kernel.T)(dense(x)))
    assert len(model.weights) == 1
    data = torch.randn(2, 4)
    same(model(data), data @ dense.kernel @ dense.kernel.T)
    model(data).sum().backward()
    grown = dense.kernel.grad.clone()
    dense.kernel.grad = None
    (data @ dense.kernel @ dense.kernel.T).sum().backward()
    same(grown, dense.kernel.grad)


@pytest.mark.parametrize(
    ("output_shape", "expected"),
    [
        (3, (None, 3)),
        ((3,), (None, 3)),
        ([2, 5], (None, 2, 5)),
        (lambda shape: (shape[0], shape[1] * 2), (None, 8)),
        ([(2,), (3, 4)], [(None, 2), (None, 3, 4)]),
        (lambda shape: [shape, (shape[0],)], [(None, 4), (None,)]),
    ],
)
def test_output_shapes_of_lambdas(output_shape: Any, expected: Any) -> None:
    layer = Lambda(lambda x: x, output_shape=output_shape)
    assert layer.compute_output_shape((None, 4)) == expected
    outputs = layer(Input((4,)))
    assert ([y.shape for y in outputs] if isinstance(outputs, list) else outputs.shape) == expected


def test_output_shape_of_a_lambda_of_two_inputs() -> None:
    layer = Lambda(lambda pair: pair[0] + pair[1], output_shape=lambda shapes: shapes[1])
    assert layer([Input((1,)), Input((4,))]).shape == (None, 4)
    assert Lambda(lambda pair: pair[0], output_shape=(6,))([Input((1,)), Input((4,))]).shape == (None, 6)


def test_configs_of_lambdas() -> None:
    layer = Lambda(scaled, arguments={"factor": np.array([1.0, 3.0], "float32")}, mask=lambda x, mask: mask)
    copied = Lambda.from_config(layer.get_config())
    same(copied(torch.ones(1, 2)), torch.tensor([[1.0, 3.0]]))
    assert copied.function is scaled and copied.supports_masking
    x = Input((2,))
    text = keras.Model(x, Lambda(scaled, arguments={"factor": 5.0})(x)).to_json()
    loaded = keras.models.model_from_json(text, custom_objects={"scaled": scaled})
    assert loaded(torch.ones(1, 2)).tolist() == [[5.0, 5.0]]
    with pytest.raises(ValueError, match="expected the name of a known Lambda function; received 'scaled'"):
        keras.models.model_from_json(text)
    written_by_keras = {"name": "l", "function": "scaled", "function_type": "function", "module": "m", "arguments": {}}
    with keras.utils.custom_object_scope({"scaled": scaled}):
        assert Lambda.from_config(written_by_keras)(torch.ones(1)).tolist() == [2.0]
    with pytest.raises(TypeError, match="build the model anew and load the weights, or use a named function"):
        Lambda.from_config({**written_by_keras, "function": ["4wEAAAA=", None, None], "function_type": "lambda"})


def test_lambdas_of_functions_without_a_signature() -> None:
    assert Lambda(torch.abs)(torch.tensor([-1.0])).tolist() == [1.0]
    assert Lambda(max)(torch.tensor([1.0, 3.0])).tolist() == 3.0


# --- torch modules -------------------------------------------------------------------------------------


def test_torch_modules_in_a_sequential_model() -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [Dense(8, input_shape=(4,)), torch.nn.BatchNorm1d(8), torch.nn.GELU(), torch.nn.Linear(8, 1)]
    )
    assert isinstance(model.layers[1], TorchModule)
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (6, 2)
    x = np.random.RandomState(0).randn(64, 4).astype("float32")
    model.compile(keras.optimizers.Adam(0.02), "mse")
    losses = model.fit(x, x[:, :1] * x[:, 1:2], epochs=30, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    assert model.layers[1].module.running_mean.abs().sum() > 0
    assert not model.layers[1].module.training
    assert torch.equal(model(torch.ones(2, 4)), model(torch.ones(2, 4)))


def test_torch_modules_of_two_inputs() -> None:
    a, b = Input((3,)), Input((5,))
    model = keras.Model([a, b], TorchModule(torch.nn.Bilinear(3, 5, 2))([a, b]))
    x, y = torch.randn(4, 3), torch.randn(4, 5)
    same(model([x, y]), model.layers[-1].module(x, y))


# --- reshaping -----------------------------------------------------------------------------------------


def test_reshaping_keeps_integers() -> None:
    words = Input((4,), dtype="int64")
    for layer in (Reshape((2, 2)), Flatten(), Permute((1,)), RepeatVector(2)):
        assert layer(words).dtype == torch.int64
        assert layer(torch.arange(4)[None]).dtype == torch.int64
    model = keras.Model(words, Embedding(4, 3)(Reshape((2, 2))(words)))
    assert model.output_shape == (None, 2, 2, 3)


def test_repeated_vectors_feed_a_layer_and_its_gradient() -> None:
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    repeated = RepeatVector(3)(x)
    assert repeated.tolist() == [[[1.0, 2.0]] * 3]
    (Dense(1, kernel_initializer="ones")(repeated) * 2).sum().backward()
    assert x.grad.tolist() == [[6.0, 6.0]]


def test_dense_in_half_precision() -> None:
    layer = Dense(3, dtype="float16", activation="relu")
    x = torch.randn(2, 5, 4, dtype=torch.float16)
    found = layer(x)
    assert found.dtype == torch.float16
    exact = torch.relu(x.double() @ layer.kernel.double())
    assert (found - exact).abs().max() < 5e-3


# --- what is refused -----------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no units": (lambda: Dense(0, name="d"), "Dense 'd': expected units as a positive integer; received units=0."),
    "units below 0": (lambda: Dense(-5), "received units=-5. Pass for example units=32."),
    "half a unit": (lambda: Dense(2.5), "received units=2.5"),
    "input_dim": (lambda: Embedding(0, 3), "expected input_dim as a positive integer; received input_dim=0"),
    "output_dim": (lambda: Embedding(3, -1), "received output_dim=-1"),
    "repeat 0": (lambda: RepeatVector(0, name="r"), "RepeatVector 'r': expected n as a positive integer; received n=0"),
    "repeat below 0": (lambda: RepeatVector(-3), "received n=-3"),
    "repeat by half": (lambda: RepeatVector(1.5), "received n=1.5"),
    "repeat images": (
        lambda: RepeatVector(2)(Input((3, 4))),
        "expected a tensor of rank 2; received shape (None, 3, 4)",
    ),
    "permute from 0": (
        lambda: Permute((0, 1), name="p"),
        "Permute 'p': expected dims with each of 1 to 2 once; received dims=(0, 1). Count the axes from 1; the batch",
    ),
    "permute twice": (lambda: Permute((1, 1)), "received dims=(1, 1)"),
    "permute gap": (lambda: Permute((1, 3)), "received dims=(1, 3)"),
    "permute rank": (lambda: Permute((2, 1))(Input((3,))), "expected a tensor of rank 3; received shape (None, 3)"),
    "reshape": (
        lambda: Reshape((2, 2), name="r")(torch.zeros(3, 5)),
        "Reshape 'r': expected a target_shape with 5 values, as the input shape (3, 5) has; received (2, 2)",
    ),
    "reshape twice": (lambda: Reshape((-1, -1)), "expected sizes of at least 0 and at most one -1 in target_shape"),
    "reshape None": (lambda: Reshape((None, 2)), "received (None, 2). Use -1 for the size that follows"),
    "equation": (
        lambda: EinsumDense("ab,bc", 3, name="e"),
        "EinsumDense 'e': expected an equation such as 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...'; received",
    ),
    "equation with a blank": (lambda: EinsumDense("ab, bc->ac", 3), "received 'ab, bc->ac'"),
    "ellipsis on one side": (lambda: EinsumDense("...b,bc->ac", 3), "received '...b,bc->ac'"),
    "ellipses on both sides": (lambda: EinsumDense("...b...,bc->...c...", 3), "received '...b...,bc->...c...'"),
    "output letter": (
        lambda: EinsumDense("ab,bc->ad", 3),
        "expected the output axis 'd' in the input or the kernel; received 'ab,bc->ad'",
    ),
    "kernel letter": (
        lambda: EinsumDense("ab,bcd->ac", 3),
        "expected the kernel axis 'd' in the input or the output; received 'ab,bcd->ac'",
    ),
    "bias letter": (
        lambda: EinsumDense("ab,bc->ac", 3, bias_axes="b"),
        "expected bias_axes out of 'ac', the axes of the output; received 'b'",
    ),
    "output sizes": (
        lambda: EinsumDense("abc,cd->abd", 3),
        "expected output_shape with a size for each of 'bd'; received [3]",
    ),
    "input rank": (
        lambda: EinsumDense("abc,cd->abd", (None, 3))(torch.zeros(2, 4)),
        "expected an input of rank 3; received (2, 4)",
    ),
    "other size": (
        lambda: EinsumDense("abc,cd->abd", (7, 3))(torch.zeros(2, 5, 4)),
        "expected size 5 for the axis 'b' in output_shape, as in the input; received 7",
    ),
    "unknown size": (
        lambda: EinsumDense("abc,cd->abd", (None, None))(torch.zeros(2, 5, 4)),
        "expected known sizes for the weight 'kernel'; received shape (4, None)",
    ),
    "unknown input": (
        lambda: EinsumDense("abc,cd->abd", (None, 3))(Input((5, None))),
        "expected known sizes for the weight 'kernel'; received shape (None, 3)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    call, text = REFUSED[case]
    with pytest.raises(ValueError, match=re.escape(text)):
        call()


def test_einsums_check_later_inputs() -> None:
    layer = EinsumDense("...c,cd->...d", 3)
    layer(torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"expected size 4 in axis -1; received shape \(2, 8\)"):
        layer(torch.zeros(2, 8))


def test_lambdas_and_modules_of_other_things() -> None:
    with pytest.raises(TypeError, match="Lambda 'lambda': expected a function; received 5."):
        Lambda(5)
    with pytest.raises(TypeError, match="expected a torch.nn.Module; received 'linear'"):
        TorchModule("linear")
