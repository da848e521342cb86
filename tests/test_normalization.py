"""Normalisation layers: statistics, masks, adapt, several processes, and what they refuse."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import multiprocessing
from torch.utils.data import DataLoader, TensorDataset

import kerastorch as keras
from cases_functions import ADAPTED
from kerastorch import layers
from support import Golden, assert_close, normal

GOLDEN = Golden("functions")
DATA = normal("normalization/data", (10, 3)) * 2 + 1


def statistics(layer: Any) -> list[np.ndarray]:
    mean, variance, count = layer.get_weights()
    assert count == len(DATA)
    return [mean, variance]


# --- Normalization -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ADAPTED)
def test_adapt(name: str) -> None:
    case = ADAPTED[name]
    layer = case.layer(keras)
    for part, weight in zip(("mean", "variance", "count"), layer.get_weights(), strict=True):
        assert_close(weight, GOLDEN[f"adapted/{name}/{part}"], 1e-5, part)
    output = layer(np.asarray(case.data("first"))[:4])
    assert_close(output, GOLDEN[f"adapted/{name}/output"], 2e-5, "output")


class Batches(keras.utils.Sequence):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> np.ndarray:
        return DATA[index * 3 : index * 3 + 3]


KINDS: dict[str, Callable[[], Any]] = {
    "array": lambda: DATA,
    "tensor": lambda: torch.from_numpy(DATA),
    "float64 array": lambda: DATA.astype("float64"),
    "nested list": lambda: DATA.tolist(),
    "list of rows": lambda: list(DATA),
    "list of batches": lambda: [DATA[:4], DATA[4:]],
    "tuple of tensors": lambda: (torch.from_numpy(DATA[:4]), torch.from_numpy(DATA[4:])),
    "generator": lambda: (DATA[i : i + 3] for i in range(0, 10, 3)),
    "generator of lists": lambda: ([DATA[i : i + 3]] for i in range(0, 10, 3)),
    "data loader": lambda: DataLoader(TensorDataset(torch.from_numpy(DATA)), batch_size=4),
    "sequence": Batches,
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_data(kind: str) -> None:
    layer = layers.Normalization()
    layer.adapt(KINDS[kind]())
    assert layer.is_adapted
    for found, wanted in zip(statistics(layer), (DATA.mean(0), DATA.var(0)), strict=True):
        assert_close(found, wanted, 1e-5)
    assert_close(layer(DATA), (DATA - DATA.mean(0)) / DATA.std(0), 1e-5)


def test_steps_limit_an_endless_iterable() -> None:
    def endless() -> Any:
        while True:
            yield DATA[:5]

    layer = layers.Normalization()
    layer.adapt(endless(), steps=3)
    assert int(layer.count) == 15
    assert_close(layer.adapt_mean, DATA[:5].mean(0), 1e-5)


def test_before_adapt_nothing_changes() -> None:
    layer = layers.Normalization()
    assert layer.mean is None and not layer.is_adapted
    np.testing.assert_array_equal(layer(DATA).numpy(), DATA)
    assert [weight.name.split("/")[-1] for weight in layer.weights] == ["mean:0", "variance:0", "count:0"]
    assert [str(weight.dtype) for weight in layer.weights] == ["torch.float32", "torch.float32", "torch.int64"]
    assert layer.trainable_weights == []
    assert layer.mean.shape == layer.variance.shape == (1, 3)


def test_reset_and_update_state() -> None:
    layer = layers.Normalization()
    layer.update_state(DATA[:6])
    layer.update_state(DATA[6:])
    layer.update_state(DATA[:0])
    for found, wanted in zip(statistics(layer), (DATA.mean(0), DATA.var(0)), strict=True):
        assert_close(found, wanted, 1e-5)
    layer.reset_state()
    np.testing.assert_array_equal(layer(DATA).numpy(), DATA)


def test_as_the_first_layer_of_a_model(tmp_path: Path) -> None:
    """A Sequential that starts with an adapted layer is built, trains, and its weights come back."""
    first = layers.Normalization()
    first.adapt(DATA)
    model = keras.Sequential([first, layers.Dense(1)])
    assert model.built and model.count_params() == 7 + 4 and model.output_shape == (None, 1)
    model.compile("sgd", "mse")
    before = first.get_weights()
    model.fit(DATA, DATA[:, :1], epochs=2, verbose=0)
    for weight, value in zip(first.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, value)
    keras.backend.clear_session()
    other = keras.Sequential([layers.Normalization(input_shape=(3,)), layers.Dense(1)])
    other.set_weights(model.get_weights())
    assert_close(other.predict(DATA, verbose=0), model.predict(DATA, verbose=0), 1e-6)
    model.save_weights(tmp_path / "weights.h5")
    loaded = keras.Sequential.from_config(model.get_config())
    loaded.load_weights(tmp_path / "weights.h5")
    assert int(loaded.layers[0].count) == len(DATA)
    assert_close(loaded.predict(DATA, verbose=0), model.predict(DATA, verbose=0), 1e-6)
    another = keras.Sequential.from_config(model.get_config())
    another.load_state_dict(model.state_dict())
    assert_close(another.predict(DATA, verbose=0), model.predict(DATA, verbose=0), 1e-6)


def test_a_model_sees_a_later_adapt() -> None:
    inputs = keras.Input((3,))
    layer = layers.Normalization()
    model = keras.Model(inputs, layer(inputs))
    np.testing.assert_array_equal(model.predict(DATA, verbose=0), DATA)
    layer.adapt(DATA)
    assert_close(model.predict(DATA, verbose=0), (DATA - DATA.mean(0)) / DATA.std(0), 1e-5)
    undo = layers.Normalization(mean=layer.adapt_mean.numpy(), variance=layer.adapt_variance, invert=True)
    assert_close(undo(layer(DATA)), DATA, 1e-5)
    config = undo.get_config()
    assert_close(config["mean"], DATA.mean(0), 1e-5)
    assert_close(config["variance"], DATA.var(0), 1e-5)
    assert_close(layers.Normalization.from_config(config)(layer(DATA)), DATA, 1e-5)


def test_given_statistics_are_no_weights_and_follow_the_layer() -> None:
    layer = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=4.0)
    layer.build((None, 3))
    assert layer.weights == [] and layer.state_dict() == {}
    double = copy.deepcopy(layer).double()
    output = double(DATA.astype("float64"))
    assert output.dtype == torch.float64
    assert_close(output, (DATA.astype("float64") - [1.0, 2.0, 3.0]) / 2.0, 1e-12)


# --- batch normalisation -------------------------------------------------------------------------------


def test_moving_averages_arrive_at_the_statistics() -> None:
    x = normal("moving", (64, 4)) * 3 + 2
    model = keras.Sequential([layers.BatchNormalization(momentum=0.5, input_shape=(4,))])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    model.fit(x, x, batch_size=64, epochs=30, verbose=0)
    assert_close(model.layers[0].moving_mean, x.mean(0), 1e-5)
    assert_close(model.layers[0].moving_variance, x.var(0), 1e-5)
    assert_close(model.predict(x, verbose=0), (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), 1e-5)


def test_a_frozen_layer_stays_in_inference() -> None:
    x = torch.from_numpy(normal("frozen", (8, 4, 4, 3)))
    layer = layers.BatchNormalization(trainable=False)
    assert_close(layer(x, training=True), (x / np.sqrt(1.001)).numpy(), 1e-6)
    assert_close(layer.moving_mean, np.zeros(3), 0.0)


def masked_sequence() -> tuple[np.ndarray, Any, Any]:
    """Word numbers with zeros, and a model that masks them and normalises their vectors."""
    words = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [5, 6, 0, 0]])
    inputs = keras.Input((4,))
    embedding = layers.Embedding(7, 3, mask_zero=True)
    layer = layers.BatchNormalization(momentum=0.0)
    return words, embedding, keras.Model(inputs, layer(embedding(inputs)))


def test_masks_reach_the_statistics_through_models() -> None:
    words, embedding, model = masked_sequence()
    outputs = model(words, training=True)
    vectors = embedding.get_weights()[0][words]
    valid = vectors[words > 0]
    assert_close(model.layers[-1].moving_mean, valid.mean(0), 1e-5)
    assert_close(model.layers[-1].moving_variance, valid.var(0), 1e-5)
    assert_close(outputs, (vectors - valid.mean(0)) / np.sqrt(valid.var(0) + 1e-3), 1e-5)
    np.testing.assert_array_equal(outputs._keras_mask.numpy(), words > 0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_keeps_its_weights_in_single_precision(dtype: str) -> None:
    layer = layers.BatchNormalization(dtype=dtype)
    x = torch.from_numpy(normal("half", (16, 3))).to(getattr(torch, dtype))
    for training in (True, False):
        output = layer(x, training=training)
        assert output.dtype == x.dtype
        assert torch.isfinite(output).all()
    assert {weight.dtype for weight in layer.weights} == {torch.float32}
    assert_close(layer.moving_mean, 0.01 * x.float().mean(0).numpy(), 1e-2)


def test_masked_statistics_of_half_precision_are_computed_in_single_precision() -> None:
    x = torch.from_numpy(normal("half mask", (4, 50, 3)) + 300).half()
    mask = torch.arange(50)[None, :] < torch.tensor([50, 20, 10, 1])[:, None]
    layer = layers.BatchNormalization(momentum=0.0, dtype="float16")
    assert layer(x, training=True, mask=mask).dtype == torch.float16
    valid = x[mask].float().numpy()
    assert_close(layer.moving_mean, valid.mean(0), 1e-5)
    assert_close(layer.moving_variance, valid.var(0), 1e-4)


def test_old_name_of_synchronized() -> None:
    layer = layers.SyncBatchNormalization(momentum=0.5)
    assert layer.synchronized and layer.name == "sync_batch_normalization"
    config = layer.get_config()
    assert "synchronized" not in config and config["momentum"] == 0.5
    assert type(layer).from_config(config).synchronized
    assert layers.BatchNormalization.from_config(layers.BatchNormalization(synchronized=True).get_config()).synchronized


SHAPES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "features": ((6, 3), {}),
    "images": ((6, 2, 2, 3), {"center": False}),
    "sequences with a mask": ((6, 4, 3), {}),
    "channels first": ((6, 3, 2), {"axis": 1, "scale": False}),
}


def step_of_batch_normalization(name: str, part: slice, synchronized: bool) -> list[np.ndarray]:
    """Output, gradients and moving averages of a step on a part of the batch."""
    shape, config = SHAPES[name]
    x = torch.from_numpy(normal(f"synchronized/{name}", shape))[part].requires_grad_()
    cotangent = torch.from_numpy(normal(f"synchronized/{name}/cotangent", shape))[part]
    mask = torch.arange(4)[None, :] < torch.tensor([4, 1, 2, 3, 4, 2])[:, None]
    arguments = {"mask": mask[part]} if "mask" in name else {}
    layer = layers.BatchNormalization(momentum=0.5, synchronized=synchronized, fused=False, **config)
    output = layer(x, training=True, **arguments)
    (output * cotangent).sum().backward()
    gradients = [weight.grad for weight in layer.trainable_weights]
    return [t.detach().numpy() for t in (output, x.grad, *layer.non_trainable_weights, *gradients)]


def process_of_batch_normalization(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    part = slice(0, 2) if rank == 0 else slice(2, 6)  # batches of different sizes
    found = {
        f"{name}/{i}": array
        for name in SHAPES
        for i, array in enumerate(step_of_batch_normalization(name, part, synchronized=True))
    }
    np.savez(f"{folder}/{rank}.npz", **found)
    torch.distributed.destroy_process_group()


def test_synchronized_over_two_processes(tmp_path: Path) -> None:
    """Outputs, gradients and moving averages are those of one process that sees the whole batch."""
    multiprocessing.spawn(process_of_batch_normalization, (str(tmp_path),), nprocs=2)
    first, second = (np.load(tmp_path / f"{rank}.npz") for rank in (0, 1))
    for name in SHAPES:
        whole = step_of_batch_normalization(name, slice(None), synchronized=False)
        for i, wanted in enumerate(whole):
            parts = [first[f"{name}/{i}"], second[f"{name}/{i}"]]
            if i < 2:  # output and its gradient, a part in each process
                assert_close(np.concatenate(parts), wanted, 1e-5, f"{name} {i}")
            elif i < 4:  # moving averages, the same everywhere
                assert_close(parts[0], wanted, 1e-5, f"{name} {i}")
                np.testing.assert_array_equal(parts[0], parts[1])
            else:  # of gamma and beta each process has a share
                assert_close(parts[0] + parts[1], wanted, 1e-5, f"{name} {i}")


# --- group, layer, unit normalisation ------------------------------------------------------------------


def test_group_normalization_leaves_masked_steps_out() -> None:
    x = torch.from_numpy(normal("group mask", (3, 5, 4)))
    lengths = [5, 3, 1]
    mask = torch.arange(5)[None, :] < torch.tensor(lengths)[:, None]
    layer = layers.GroupNormalization(2)
    masked = layer(x, mask=mask)
    for sample, length in enumerate(lengths):
        assert_close(masked[sample, :length], layer(x[sample : sample + 1, :length])[0].detach().numpy(), 1e-5)
    np.testing.assert_array_equal(masked._keras_mask.numpy(), mask.numpy())


def test_group_normalization_of_a_whole_mask_is_that_of_none() -> None:
    x = torch.from_numpy(normal("group mask", (3, 2, 5, 4)))
    layer = layers.GroupNormalization(2)
    assert_close(layer(x, mask=torch.ones(3, 2, dtype=torch.bool)), layer(x).detach().numpy(), 1e-5)


@pytest.mark.parametrize(
    "layer",
    [layers.BatchNormalization(), layers.GroupNormalization(2), layers.LayerNormalization(), layers.PReLU()],
    ids=lambda layer: type(layer).__name__,
)
def test_images_stay_in_their_memory_order(layer: Any) -> None:
    """No layer turns (batch, height, width, channels) memory, which would cost the next convolution a copy."""
    x = torch.from_numpy(normal("memory", (2, 3, 4, 6))).requires_grad_()
    output = layer(x, training=True)
    assert output.is_contiguous()
    (gradient,) = torch.autograd.grad(output.sum(), x)
    assert gradient.is_contiguous()


def test_unit_normalization_of_zeros() -> None:
    x = torch.zeros(1, 3, requires_grad=True)
    output = layers.UnitNormalization()(x)
    output.sum().backward()
    assert output.tolist() == [[0.0, 0.0, 0.0]]
    assert x.grad[0].tolist() == pytest.approx([1e6] * 3)


# --- spectral normalisation ----------------------------------------------------------------------------


def singular_value(kernel: torch.Tensor) -> float:
    return torch.linalg.matrix_norm(kernel.detach().reshape(-1, kernel.shape[-1]), 2).item()


def test_spectral_normalization_makes_the_largest_singular_value_one() -> None:
    layer = layers.SpectralNormalization(layers.Conv2D(4, 3, kernel_initializer="he_normal"), power_iterations=5)
    x = torch.from_numpy(normal("spectral", (2, 6, 6, 3)))
    layer(x)
    start = layer.get_weights()
    layer(x)
    for weight, value in zip(layer.get_weights(), start, strict=True):
        np.testing.assert_array_equal(weight, value)
    strides = layer.layer.kernel.stride()
    for _ in range(20):
        layer(x, training=True)
    assert singular_value(layer.kernel) == pytest.approx(1.0, abs=1e-4)
    assert layer.layer.kernel.stride() == strides
    assert [weight.name.split("/")[-1] for weight in layer.weights] == ["kernel:0", "bias:0", "vector_u:0"]
    assert [tuple(weight.shape) for weight in layer.non_trainable_weights] == [(1, 4)]


def test_spectral_normalization_twice_before_one_backward() -> None:
    """As discriminators are trained: on real and on generated samples, then one gradient of both losses."""
    torch.manual_seed(1)
    layer = layers.SpectralNormalization(layers.Dense(3, use_bias=False))
    real, fake = torch.from_numpy(DATA[:5]), torch.from_numpy(DATA[5:])
    layer(real)
    first = layer(real, training=True)
    second = layer(fake, training=True)
    (first.square().sum() + second.sum()).backward()
    wanted = 2 * real.t() @ first.detach() + fake.sum(0)[:, None]
    assert_close(layer.kernel.grad, wanted.numpy(), 1e-5)


def test_spectral_normalization_leaves_zeros_alone() -> None:
    layer = layers.SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    layer.build((None, 2))
    vector = layer.vector_u.numpy()
    assert layer(torch.ones(1, 2), training=True).tolist() == [[0.0, 0.0, 0.0]]
    assert layer.kernel.abs().sum() == 0
    np.testing.assert_array_equal(layer.vector_u.numpy(), vector)


def test_spectral_normalization_in_fit() -> None:
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer=keras.initializers.Constant(3.0)))
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    model.fit(DATA, DATA[:, :2], epochs=3, batch_size=5, verbose=0)
    assert singular_value(layer.kernel) < 1.2  # of a matrix of threes: 7.3
    again = keras.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert_close(again.predict(DATA, verbose=0), model.predict(DATA, verbose=0), 1e-6)


# --- what they refuse ----------------------------------------------------------------------------------


X = np.zeros((2, 3, 4), "float32")
REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "batch: axis out of range": (
        lambda: layers.BatchNormalization(axis=3)(X),
        ValueError,
        r"BatchNormalization 'batch_normalization': expected different axes of an input of rank 3; received axis=3",
    ),
    "batch: axis twice": (lambda: layers.BatchNormalization(axis=[2, -1])(X), ValueError, r"received axis=\[2, -1\]"),
    "batch: no axis": (lambda: layers.BatchNormalization(axis=[]), TypeError, r"received axis=\[\]"),
    "batch: unknown channels": (
        lambda: layers.BatchNormalization()(keras.Input((3, None))),
        ValueError,
        r"expected a known size of axis 2; received input shape \(None, 3, None\)",
    ),
    "batch: other channels": (
        lambda: built(layers.BatchNormalization())(X[..., :2]),
        ValueError,
        r"expected size 4 in axis 2; received shape \(2, 3, 2\)",
    ),
    "batch: negative epsilon": (
        lambda: layers.BatchNormalization(epsilon=-1.0),
        ValueError,
        r"expected epsilon of at least 0; received epsilon=-1.0. Pass a small positive number",
    ),
    "batch: renorm": (lambda: layers.BatchNormalization(renorm=True), ValueError, r"received renorm=True. Leave"),
    "batch: virtual batches": (
        lambda: layers.BatchNormalization(virtual_batch_size=2),
        ValueError,
        r"received virtual_batch_size=2",
    ),
    "batch: fused rank 3": (lambda: layers.BatchNormalization(fused=True)(X), ValueError, r"received rank 3, axis=-1"),
    "batch: fused and synchronized": (
        lambda: layers.BatchNormalization(fused=True, synchronized=True),
        ValueError,
        r"expected fused=True or synchronized=True, not both",
    ),
    "layer: no number as axis": (
        lambda: layers.LayerNormalization(axis=1.5),
        TypeError,
        r"LayerNormalization '.*': expected axis as an integer or a list of integers; received axis=1.5",
    ),
    "layer: axis out of range": (
        lambda: layers.LayerNormalization(axis=[1, 4])(X),
        ValueError,
        r"received axis=\[1, 4\]. Pass values from -3 to 2",
    ),
    "layer: unknown size": (
        lambda: layers.LayerNormalization(axis=1)(keras.Input((None, 4))),
        ValueError,
        r"expected a known size of axis 1; received input shape \(None, None, 4\). Give the Input a fixed size there",
    ),
    "group: do not divide": (
        lambda: layers.GroupNormalization(3)(X),
        ValueError,
        r"GroupNormalization '.*': expected groups that divide the 4 channels; received groups=3. Change",
    ),
    "group: more than channels": (lambda: layers.GroupNormalization()(X), ValueError, r"received groups=32"),
    "group: none": (lambda: layers.GroupNormalization(0), ValueError, r"positive integer or -1; received groups=0"),
    "group: batch axis": (lambda: layers.GroupNormalization(1, axis=0)(X), ValueError, r"received axis=0, the batch"),
    "group: two axes": (lambda: layers.GroupNormalization(1, axis=[1, 2]), TypeError, r"received axis=\[1, 2\]"),
    "group: negative epsilon": (lambda: layers.GroupNormalization(1, epsilon=-1), ValueError, "received epsilon=-1"),
    "unit: axis out of range": (lambda: layers.UnitNormalization(axis=-4)(X), ValueError, r"received axis=-4"),
    "spectral: no kernel": (
        lambda: layers.SpectralNormalization(layers.Flatten())(X),
        ValueError,
        r"expected a layer with a weight `kernel` or `embeddings`; received Flatten 'flatten'. Wrap",
    ),
    "spectral: no steps": (
        lambda: layers.SpectralNormalization(layers.Dense(1), power_iterations=0),
        ValueError,
        r"expected power_iterations as a positive integer; received power_iterations=0",
    ),
    "spectral: no layer": (lambda: layers.SpectralNormalization("dense"), ValueError, r"expected layer to be a layer"),
    "normalization: mean alone": (
        lambda: layers.Normalization(mean=1.0),
        ValueError,
        r"Normalization '.*': expected both mean and variance, or neither; received mean=1.0 and variance=None. Pass",
    ),
    "normalization: axis out of range": (
        lambda: layers.Normalization(axis=3)(X),
        ValueError,
        r"expected different axes of known size in the input's shape \(2, 3, 4\); received axis=\(3,\)",
    ),
    "normalization: batch axis": (
        lambda: layers.Normalization().adapt([1.0, 2.0]),
        ValueError,
        r"in the input's shape \(None,\); received axis=\(-1,\). Pass axis=None",
    ),
    "normalization: adapt to another rank": (
        lambda: adapted().adapt(X[0]),
        ValueError,
        r"expected data of shape \(None, None, 4\); received shape \(3, 4\). Adapt to data like the layer's input",
    ),
    "normalization: adapt to other features": (
        lambda: adapted().adapt(X[..., :2]),
        ValueError,
        r"expected data of shape \(None, None, 4\); received shape \(2, 3, 2\)",
    ),
    "normalization: adapt with given statistics": (
        lambda: layers.Normalization(mean=1.0, variance=2.0).adapt(X),
        ValueError,
        r"received one made with mean=1.0. Leave out mean and variance to adapt it",
    ),
    "normalization: adapt to nothing": (
        lambda: layers.Normalization().adapt(iter([])),
        ValueError,
        r"expected data; received none",
    ),
    "normalization: adapt to text": (
        lambda: layers.Normalization().adapt(np.array(["a", "b"])),
        TypeError,
        r"expected numbers; received ndarray of shape \(2,\)",
    ),
    "normalization: adapt to a number": (lambda: layers.Normalization().adapt(3), TypeError, r"received 3 \(int\)"),
    "normalization: adapt with labels": (
        lambda: layers.Normalization().adapt((x, x) for x in X),
        ValueError,
        r"expected batches of inputs alone; received 2 parts. Drop the labels",
    ),
}


def built(layer: Any) -> Any:
    layer(X)
    return layer


def adapted() -> Any:
    layer = layers.Normalization()
    layer.adapt(X)
    return layer


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, kind, text = REFUSED[name]
    with pytest.raises(kind, match=text) as caught:
        call()
    assert "expected" in str(caught.value) and "received" in str(caught.value)
