"""Image layers: when they act, what they draw, saving, and options that cannot be. Values are in the golden rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import kerastorch as keras
from kerastorch import layers
from kerastorch.ops import transforms
from support import normal, uniform

IMAGES = torch.from_numpy(uniform("image layers", (6, 8, 10, 3), 0.0, 255.0))
RANDOM: dict[str, dict[str, Any]] = {
    "RandomFlip": {},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.4, "width_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomContrast": {"factor": 0.5},
    "RandomBrightness": {"factor": 0.4},
    "RandomCrop": {"height": 5, "width": 6},
    "RandomHeight": {"factor": 0.4},
    "RandomWidth": {"factor": 0.4},
}
each_random = pytest.mark.parametrize("name", RANDOM)


def make(name: str, **options: Any) -> Any:
    return getattr(layers, name)(**{**RANDOM[name], **options})


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)


@each_random
def test_it_acts_in_training_and_where_nobody_says(name: str) -> None:
    torch.manual_seed(0)
    layer = make(name)
    still = layer(IMAGES, training=False)
    assert same(still, layer(IMAGES, training=False))
    for options in ({"training": True}, {}):
        changed = [layer(IMAGES, **options) for _ in range(4)]
        assert not all(same(one, changed[0]) for one in changed[1:]) and not same(changed[0], still)
    layer.eval()
    assert same(layer(IMAGES), still)
    layer.train()
    assert not same(layer(IMAGES), layer(IMAGES))


def test_it_acts_in_fit_and_in_a_direct_call_of_the_model_alone() -> None:
    """As in tf.keras, predict and evaluate leave images alone, and so does a call that says training=False."""
    torch.manual_seed(0)
    seen = []

    class Seen(layers.Layer):
        def call(self, inputs: torch.Tensor) -> torch.Tensor:
            if not inputs.is_meta:
                seen.append(inputs.detach().clone())
            return inputs

    model = keras.Sequential(
        [keras.Input((8, 10, 3)), layers.RandomFlip("vertical"), Seen(), layers.Flatten(), layers.Dense(1)]
    )
    model.compile("sgd", "mse")

    def changed() -> bool:
        inputs = torch.cat(seen)
        seen.clear()
        return not same(inputs, IMAGES[: len(inputs)])

    x, y = IMAGES.numpy(), np.zeros((6, 1))
    model.predict(x, verbose=0)
    assert not changed()
    model.evaluate(x, y, verbose=0)
    model.test_on_batch(x, y)
    model.predict_on_batch(x)
    assert all(same(inputs, IMAGES) for inputs in seen)
    seen.clear()
    model(IMAGES, training=False)
    assert not changed()
    model(IMAGES)
    assert changed()
    model(IMAGES, training=True)
    assert changed()
    model.fit(x, y, shuffle=False, verbose=0)
    assert changed()
    model(IMAGES)  # after fit it is as before
    assert changed()
    model.eval()
    model(IMAGES)
    assert not changed()


@each_random
def test_seeds(name: str) -> None:
    first, second, other = make(name, seed=3), make(name, seed=3), make(name, seed=4)
    drawn = [first(IMAGES, training=True) for _ in range(4)]
    assert all(same(one, second(IMAGES, training=True)) for one in drawn)
    assert not all(same(one, other(IMAGES, training=True)) for one in drawn)
    assert not same(drawn[0], drawn[1]) or not same(drawn[1], drawn[2])


@each_random
def test_one_image_and_bytes(name: str) -> None:
    layer = make(name)
    one = layer(IMAGES[0], training=True)
    assert one.dim() == 3 and one.shape[2] == 3
    whole = layer(IMAGES.to(torch.uint8), training=True)
    assert whole.dtype == torch.float32 and 0 <= whole.min() and whole.max() <= 255.5
    half = make(name, dtype="float16")(IMAGES, training=True)
    assert half.dtype == torch.float16


@each_random
def test_a_model_is_saved_and_loaded(name: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 10, 3)), make(name, seed=1), layers.GlobalAveragePooling2D()])
    for ending in ("keras", "h5"):
        model.save(tmp_path / f"model.{ending}")
        loaded = keras.models.load_model(tmp_path / f"model.{ending}")
        assert loaded.layers[0].get_config() == model.layers[0].get_config()
        np.testing.assert_array_equal(loaded.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0))


def test_each_image_is_changed_in_its_own_way() -> None:
    torch.manual_seed(0)
    alike = IMAGES[:1].expand(6, -1, -1, -1)
    for name in ("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomBrightness"):
        changed = make(name)(alike, training=True)
        assert len({one.numpy().tobytes() for one in changed}) > 1, name
    for name in ("RandomContrast", "RandomCrop", "RandomHeight", "RandomWidth"):
        changed = make(name)(alike, training=True)
        assert all(same(one, changed[0]) for one in changed), name


def test_half_of_the_images_are_flipped() -> None:
    torch.manual_seed(0)
    images = IMAGES[:1].expand(2000, -1, -1, -1)
    flipped = layers.RandomFlip()(images, training=True)
    kinds = [images[0], images[0].flip(0), images[0].flip(1), images[0].flip(0, 1)]
    counts = [sum(torch.equal(one, kind) for one in flipped) for kind in kinds]
    assert sum(counts) == 2000 and all(430 < count < 570 for count in counts)
    sideways = layers.RandomFlip("horizontal")(images[:50], training=True)
    assert all(torch.equal(one, images[0]) or torch.equal(one, kinds[2]) for one in sideways)


def test_factors_are_drawn_from_the_whole_range() -> None:
    torch.manual_seed(0)
    black = torch.zeros(4000, 1, 1, 1)
    added = layers.RandomBrightness((0.1, 0.3), value_range=(-1, 1))(black, training=True).flatten()
    assert 0.2 <= added.min() < 0.21 and 0.59 < added.max() <= 0.6 and abs(added.mean() - 0.4) < 0.01
    ramp = torch.arange(100.0).view(1, 1, 100, 1).expand(1000, -1, -1, -1)
    shifted = layers.RandomTranslation(0.0, (-0.1, 0.2), fill_mode="nearest")(ramp, training=True)[:, 0, 50, 0] - 50
    assert -20 <= shifted.min() < -19 and 9 < shifted.max() <= 10 and abs(shifted.mean() + 5) < 0.7
    sizes = {layers.RandomHeight((-0.5, 1.0))(IMAGES, training=True).shape[1] for _ in range(300)}
    assert sizes == set(range(4, 16))
    grey = IMAGES / 4 + 90
    spread = [(layers.RandomContrast((0.5, 1.0))(grey, training=True).std() / grey.std()).item() for _ in range(200)]
    assert 0.5 <= min(spread) < 0.53 and 1.9 < max(spread) < 2.0001


def test_places_are_drawn_from_all_that_fit() -> None:
    torch.manual_seed(0)
    numbers = torch.arange(20.0).view(1, 4, 5, 1)
    crop = layers.RandomCrop(3, 3)
    corners = {crop(numbers, training=True)[0, 0, 0, 0].item() for _ in range(200)}
    assert corners == {0.0, 1.0, 2.0, 5.0, 6.0, 7.0}
    torch.testing.assert_close(crop(numbers[:, :2], training=True), crop(numbers[:, :2], training=False))


def test_a_quarter_turn() -> None:
    square = IMAGES[:, :, :8]
    turned = layers.RandomRotation((0.25, 0.25))(square, training=True)
    torch.testing.assert_close(turned, square.rot90(dims=(1, 2)), atol=1e-2, rtol=0)


def test_gradients_go_through_the_pictures() -> None:
    for name in RANDOM:
        images = (IMAGES / 500 + 100).double().requires_grad_()
        make(name, dtype="float64")(images, training=True).sum().backward()
        assert images.grad is not None and images.grad.abs().sum() > 0, name
    images = torch.from_numpy(normal("maps", (2, 2, 5, 6), "float64")).requires_grad_()
    maps = transforms.rotations(torch.tensor([0.3, 1.0], dtype=torch.float64), 5, 6)
    for fill_mode in transforms.FILL_MODES:
        assert torch.autograd.gradcheck(lambda x, mode=fill_mode: transforms.project(x, maps, fill_mode=mode), [images])
        for order in (0, 1, 3):
            assert torch.autograd.gradcheck(
                lambda x, mode=fill_mode, order=order: transforms.affine_transform(x, maps, order, mode), [images]
            )


def test_shapes_inside_of_models() -> None:
    inputs = keras.Input((None, None, 3), dtype="uint8")
    x = layers.RandomZoom(0.1)(layers.RandomWidth(0.2)(layers.RandomHeight(0.2)(inputs)))
    outputs = layers.CenterCrop(4, 5)(layers.Resizing(8, 6)(x))
    model = keras.Model(inputs, outputs)
    assert model.output_shape == (None, 4, 5, 3)
    assert model.predict(IMAGES.to(torch.uint8), verbose=0).shape == (6, 4, 5, 3)
    fixed = layers.RandomHeight(0.2)(keras.Input((8, 9, 1)))
    assert fixed.shape == (None, None, 9, 1)


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("Resizing", {"height": 0, "width": 4}, "Resizing 'one': expected height as a positive integer; received 0"),
        ("Resizing", {"height": 4, "width": 2.5}, "expected width as a positive integer; received 2.5"),
        (
            "Resizing",
            {"height": 4, "width": 4, "interpolation": "bilinaer"},
            "received 'bilinaer'. Did you mean 'bilin",
        ),
        ("CenterCrop", {"height": True, "width": 4}, "CenterCrop 'one': expected height as a positive integer"),
        ("RandomCrop", {"height": 4, "width": None}, "RandomCrop 'one': expected width as a positive integer"),
        ("RandomFlip", {"mode": "both"}, r"RandomFlip 'one': expected mode as one of \['horizontal'.*received 'both'"),
        ("RandomRotation", {"factor": (0.3, 0.1)}, r"RandomRotation 'one': expected factor .*received \(0.3, 0.1\)"),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "mirror"}, "expected fill_mode as one of .*'mirror'"),
        ("RandomZoom", {"height_factor": -1.5}, "RandomZoom 'one': expected height_factor .* from -1.0 to 1.0"),
        ("RandomZoom", {"height_factor": 0.1, "interpolation": "cubic"}, "expected interpolation as one of"),
        ("RandomTranslation", {"height_factor": 0.1, "width_factor": 2}, "expected width_factor .* received 2"),
        ("RandomContrast", {"factor": (1.5, 0.1)}, "RandomContrast 'one': expected factor .* from 0.0 to 1.0"),
        ("RandomContrast", {"factor": -0.1}, "expected factor .*received -0.1"),
        ("RandomBrightness", {"factor": 1.5}, "RandomBrightness 'one': expected factor .* from -1.0 to 1.0"),
        ("RandomBrightness", {"factor": (1, 2, 3)}, "expected factor as a number, or as"),
        ("RandomBrightness", {"factor": 0.1, "value_range": 255}, "expected value_range as a pair .*received 255"),
        ("RandomHeight", {"factor": (-2, 0)}, "RandomHeight 'one': expected factor .* from -1.0 to inf"),
        ("RandomWidth", {"factor": 0.1, "interpolation": "box"}, "RandomWidth 'one': expected interpolation as one of"),
    ],
)
def test_options_that_cannot_be(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        getattr(layers, name)(**options, name="one")


@pytest.mark.parametrize("name", ["Resizing", "CenterCrop", "RandomCrop", "RandomFlip"])
def test_inputs_that_are_no_images(name: str) -> None:
    sizes = {} if name == "RandomFlip" else {"height": 2, "width": 2}
    layer = getattr(layers, name)(**sizes, name="one")
    with pytest.raises(ValueError, match=rf"{name} 'one': expected images of shape .*received shape \(4, 5\)"):
        layer(torch.ones(4, 5))


KERAS_3: dict[str, dict[str, Any]] = {
    "Resizing": {"pad_to_aspect_ratio": False, "fill_mode": "constant", "fill_value": 0.0, "antialias": False},
    "CenterCrop": {},
    "RandomContrast": {"value_range": [0, 255]},
    "RandomRotation": {},
    "RandomCrop": {},
}


@pytest.mark.parametrize("name", KERAS_3)
def test_configs_of_keras_3(name: str) -> None:
    arguments = RANDOM.get(name, {"height": 2, "width": 3})
    layer = getattr(layers, name).from_config({**arguments, **KERAS_3[name], "data_format": "channels_last"})
    own = getattr(layers, name)(**arguments)
    assert same(layer(IMAGES, training=False), own(IMAGES, training=False))
    assert layer.get_config().keys() == own.get_config().keys()
    with pytest.raises(
        ValueError, match=f"{name} 'one': expected data_format='channels_last'; received 'channels_first'"
    ):
        getattr(layers, name)(**arguments, data_format="channels_first", name="one")


def test_what_only_keras_3_does_is_refused() -> None:
    with pytest.raises(ValueError, match="Resizing 'one': expected pad_to_aspect_ratio=False; received True"):
        layers.Resizing(2, 2, pad_to_aspect_ratio=True, name="one")
    with pytest.raises(TypeError, match="received heigth=3. Did you mean 'height'?"):
        layers.CenterCrop(2, 2, heigth=3)


def test_rescaling_has_numbers_of_single_precision_in_float64_too() -> None:
    """As TensorFlow has them: tf.cast makes single precision of a Python number first, and of an array not."""
    x = np.array([[1.0, 2.0, 255.0]])
    single = np.float64(np.float32(1 / 255))
    for scale, expected in ((1 / 255, single), ([1 / 255] * 3, single), (np.full(3, 1 / 255), 1 / 255)):
        scaled = layers.Rescaling(scale, offset=-0.1, dtype="float64")(torch.from_numpy(x)).numpy()
        np.testing.assert_array_equal(scaled, x * expected + np.float64(np.float32(-0.1)))
