"""Heat maps, saliency, pictures that excite a filter, and predictions averaged over changed pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kerastorch as keras
from kerastorch import explain
from kerastorch.layers import Activation, Conv2D, Dense, Flatten, GlobalAveragePooling2D, Input, MaxPooling2D
from kerastorch.models import Model, Sequential
from kerastorch.preprocessing.image import ImageDataGenerator
from kerastorch.utils import predict_tta
from support import normal

X = normal("explained", (3, 8, 8, 3))


def classifier(frozen: bool = False) -> Any:
    """Features of a convolution, their means, and a softmax: Grad-CAM has a closed form."""
    keras.utils.set_random_seed(1)
    model = Sequential([Conv2D(5, 3, padding="same", activation="relu", name="features", input_shape=(8, 8, 3))])
    model.add(GlobalAveragePooling2D())
    model.add(Dense(4, activation="softmax", name="scores"))
    model.trainable = not frozen
    return model


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("classes", [2, [0, 1, 2], None])
def test_grad_cam_of_mean_features_is_the_class_activation_map(classes: Any, frozen: bool) -> None:
    model = classifier(frozen)
    features = Model(model.input, model.get_layer("features").output).predict(X, verbose=0)
    chosen = model.predict(X, verbose=0).argmax(-1) if classes is None else np.broadcast_to(classes, 3)
    weights = model.get_layer("scores").get_weights()[0][:, chosen].T
    expected = np.maximum((features * weights[:, None, None]).sum(-1), 0)
    expected /= expected.max((1, 2), keepdims=True)
    before = model.predict(X, verbose=0)
    np.testing.assert_allclose(explain.grad_cam(model, X, classes), expected, atol=1e-5)
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    assert all(weight.grad is None for weight in model.weights)


def test_grad_cam_has_the_size_of_the_images_and_finds_layers_inside() -> None:
    base = Sequential([Conv2D(3, 3, activation="relu", input_shape=(8, 8, 3), name="inner"), MaxPooling2D()])
    base.trainable = False
    model = Sequential([base, Flatten(), Dense(2)])
    heat = explain.grad_cam(model, X)
    assert heat.shape == (3, 8, 8) and heat.max() == 1.0 and heat.min() >= 0.0
    named = explain.grad_cam(model, X, layer="inner")
    assert named.shape == (3, 8, 8) and np.abs(named - heat).max() > 0.01
    np.testing.assert_array_equal(explain.grad_cam(model, X, layer=base.layers[0]), named)
    model.compile("sgd", "mse")
    base.trainable = True
    model.compile("sgd", "mse")
    model.fit(X, np.ones((3, 2)), verbose=0)  # the model trains as before


def test_where_a_bright_spot_is() -> None:
    images = np.zeros((2, 8, 8, 1), "float32")
    images[0, 1, 2], images[1, 6, 5] = 1.0, 1.0
    kernel = np.zeros((3, 3, 1, 1), "float32")
    kernel[1, 1] = 1.0
    model = Sequential([Conv2D(1, 3, padding="same", input_shape=(8, 8, 1)), Flatten(), Dense(1)])
    model.set_weights([kernel, np.zeros(1), np.ones((64, 1)), np.zeros(1)])
    heat = explain.grad_cam(model, images)
    assert [np.unravel_index(one.argmax(), one.shape) for one in heat] == [(1, 2), (6, 5)]


def test_saliency_of_a_linear_model_is_its_weights() -> None:
    model = Sequential([Flatten(input_shape=(8, 8, 3)), Dense(3, activation="softmax")])
    kernel = model.get_weights()[0].reshape(8, 8, 3, 3)
    expected = np.abs(kernel[..., 1]).max(-1)
    for samples in (1, 3):
        found = explain.saliency(model, X, classes=1, samples=samples)
        np.testing.assert_allclose(found, np.broadcast_to(expected / expected.max(), (3, 8, 8)), rtol=1e-5)


def test_maximize_filter_finds_what_the_filter_looks_for() -> None:
    kernel = np.zeros((1, 2, 3, 2), "float32")
    kernel[0, 0, 0, 1], kernel[0, 1, 0, 1] = -1.0, 1.0  # filter 1: red that grows to the right
    model = Sequential([Conv2D(2, (1, 2), input_shape=(None, None, 3), name="conv")])
    model.set_weights([kernel, np.zeros(2)])
    picture = explain.maximize_filter(model, "conv", 1, size=(6, 16))
    assert picture.shape == (6, 16, 3) and picture.min() >= 0.0 and picture.max() <= 1.0
    assert (picture[:, -1, 0] > picture[:, 0, 0] + 0.2).all()
    np.testing.assert_array_equal(explain.maximize_filter(model, "conv", 1, size=(6, 16)), picture)
    with pytest.raises(ValueError, match="expected a filter below 2 of layer 'conv'; received filter_index=2"):
        explain.maximize_filter(model, "conv", 2, size=8)


def test_overlay_colours_what_is_hot() -> None:
    images = np.full((1, 2, 2, 3), 0.5, "float32")
    heat = np.array([[[0.0, 1.0], [0.5, 0.0]]])
    picture = explain.overlay(images, heat)
    assert picture.dtype == np.uint8
    assert picture[0, 0, 0].tolist() == [127, 127, 127]
    assert picture[0, 0, 1].tolist() == [127, 63, 63]  # towards red
    np.testing.assert_array_equal(explain.overlay(255 * images, heat), picture)


def test_bad_input() -> None:
    model = classifier()
    with pytest.raises(ValueError, match=r"expected a batch of images of 4 axes; received shape \(8, 8, 3\)"):
        explain.grad_cam(model, X[0])
    with pytest.raises(ValueError, match="expected classes below 4; received 4"):
        explain.saliency(model, X, 4)
    with pytest.raises(ValueError, match="expected the name of a layer; received 'featres'. Did you mean 'features'"):
        explain.grad_cam(model, X, layer="featres")
    flat = Sequential([Flatten(input_shape=(8, 8, 3)), Dense(3)])
    with pytest.raises(ValueError, match=r"expected a layer with output \(batch, height, width, channels\)"):
        explain.grad_cam(flat, X)
    inputs = Input((8, 8, 3))
    with pytest.raises(ValueError, match=r"expected outputs \(batch, classes\); received shape \(3, 8, 8, 3\)"):
        explain.saliency(Model(inputs, Activation("relu")(inputs)), X)


# --- predictions averaged over changed pictures ----------------------------------------------------------------------


def test_tta_is_the_mean_over_what_the_generator_makes() -> None:
    model, x = classifier(), normal("tta", (40, 8, 8, 3))
    plain = model.predict(x, verbose=0)
    np.testing.assert_allclose(predict_tta(model, x, ImageDataGenerator(), rounds=3), plain, rtol=1e-5)
    generator = ImageDataGenerator(horizontal_flip=True)
    flipped = model.predict(x[:, :, ::-1], verbose=0)
    mean = predict_tta(model, x, generator, rounds=8, batch_size=16, seed=3)
    share = ((mean - plain) / (flipped - plain)).mean(-1)  # of the rounds in which a picture was flipped
    np.testing.assert_allclose(share * 8, np.round(share * 8), atol=0.02)
    assert len(set(np.round(share * 8))) > 3 and 0.3 < share.mean() < 0.7
    np.testing.assert_array_equal(predict_tta(model, x, generator, rounds=8, batch_size=16, seed=3), mean)


def test_tta_refuses() -> None:
    with pytest.raises(ValueError, match="predict_tta: expected rounds of at least 1; received rounds=0"):
        predict_tta(classifier(), X, ImageDataGenerator(), rounds=0)
    with pytest.raises(TypeError, match="predict_tta: expected an ImageDataGenerator; received ndarray"):
        predict_tta(classifier(), X, X)
