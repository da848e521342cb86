"""ImageDataGenerator against tf_keras: the same random numbers, orders, labels and pictures; and what is our own."""

from __future__ import annotations

import gc
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cases_images as cases
import kerastorch as keras
from kerastorch.preprocessing import image
from support import Golden

ImageDataGenerator = image.ImageDataGenerator
GOLDEN = Golden("images")
# the golden pictures have half the precision; 1/255 of the range would be 0.004
TOLERANCE = 1.5e-3


def check(section: str, found: dict[str, Any], steps: int = 0) -> None:
    """Labels, orders and parameters are equal; pictures are so up to the tolerance and `steps` of 1/255."""
    start = f"{section}/"
    assert {start + key for key in found} == {key for key in GOLDEN if key.startswith(start)}
    for key, value in found.items():
        value, expected = np.asarray(value), GOLDEN[start + key]
        assert value.shape == expected.shape, start + key
        if expected.dtype != "float16":
            np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7, err_msg=start + key)
            continue
        scale = max(float(np.abs(expected).max()), 1e-3)
        worst = float(np.abs(value.astype("float64") - expected).max())
        assert worst <= scale * (TOLERANCE + steps / 255), f"{start + key}: {worst:.4g} of {scale:.4g}"


@pytest.mark.parametrize("name", cases.GENERATORS)
def test_flow(name: str) -> None:
    found = cases.flow(image, cases.GENERATORS[name], "channels_last")
    check(f"{name}/channels_last", found)
    assert all(found[key].dtype == "float32" for key in found if key.startswith("x"))


@pytest.mark.parametrize("name", cases.LAST_ONLY)
def test_brightness(name: str) -> None:
    """Bytes are cut off behind the spline, so that a last bit may become a whole step."""
    last = cases.flow(image, cases.LAST_ONLY[name], "channels_last")
    check(f"{name}/channels_last", last, steps=1)
    first = cases.flow(image, cases.LAST_ONLY[name], "channels_first")
    np.testing.assert_allclose(first["x0"], cases.channels_first(last["x0"]), atol=1e-4)


@pytest.mark.parametrize("name", sorted({key.split("/")[0] for key in GOLDEN if "/channels_first/" in key}))
def test_flow_with_channels_first(name: str) -> None:
    check(f"{name}/channels_first", cases.flow(image, cases.GENERATORS[name], "channels_first"))


@pytest.mark.parametrize("name", cases.FITTED)
def test_fitted_statistics(name: str) -> None:
    check(name, cases.fitted(image, cases.FITTED[name]))


def test_functions_and_methods_for_one_picture() -> None:
    check("single", cases.single_pictures(image), steps=1)


def test_inputs_weights_subsets_and_epochs() -> None:
    check("arrays", cases.array_options(image))


def test_flow_from_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts, arrays = cases.folders(image, cases.make_tree(tmp_path))
    assert facts == GOLDEN.facts["folders"]
    check("folders", arrays, steps=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Found 8 images belonging to 3 classes."
    assert lines[2] == "Found 7 images belonging to 2 classes."


@pytest.mark.filterwarnings("ignore:Found 2 invalid image filename")
def test_flow_from_dataframe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts, arrays = cases.frames(image, cases.make_tree(tmp_path), dict)
    assert facts == GOLDEN.facts["frames"]
    check("frames", arrays)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Found 6 validated image filenames belonging to 3 classes."
    assert lines[5] == "Found 6 validated image filenames."


def test_files_as_arrays(tmp_path: Path) -> None:
    check("loaded", cases.loaded(image, cases.make_tree(tmp_path)), steps=1)


# --- what is our own ---------------------------------------------------------------------------------------------


def test_the_array_is_not_copied() -> None:
    x = np.zeros((50, 40, 40, 3), "uint8")
    iterator = ImageDataGenerator(rotation_range=10).flow(x, batch_size=4)
    assert np.shares_memory(iterator.x, x)
    assert next(iterator).dtype == "float32"
    half = ImageDataGenerator(validation_split=0.5).flow(x, subset="validation")
    assert np.shares_memory(half.x, x) and half.n == 25


def test_the_array_stays_as_it_is() -> None:
    x = cases.SIX.copy()
    generator = ImageDataGenerator(
        rescale=0.5,
        samplewise_center=True,
        horizontal_flip=True,
        preprocessing_function=lambda one: np.multiply(one, 2, out=one),
    )
    batch = generator.flow(x, batch_size=6, shuffle=False)[0]
    assert np.abs(batch.mean((1, 2, 3))).max() < 1e-4
    generator.apply_transform(x[0], {"flip_vertical": True})
    generator.random_transform(x[0], seed=1)
    np.testing.assert_array_equal(x, cases.SIX)


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_float_types(dtype: str) -> None:
    options = {"rotation_range": 30, "zoom_range": 0.2, "horizontal_flip": True, "channel_shift_range": 10.0}
    wanted = ImageDataGenerator(**options).flow(cases.SIX, batch_size=6, seed=1)[0]
    found = ImageDataGenerator(**options, dtype=dtype).flow(cases.SIX, batch_size=6, seed=1)[0]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, wanted, atol=0.3 if dtype == "float16" else 1e-3)


def test_own_methods_of_subclasses_are_used() -> None:
    class Darker(ImageDataGenerator):
        def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
            return super().apply_transform(x, transform_parameters) * 0.5

    class Quarter(ImageDataGenerator):
        def get_random_transform(self, img_shape: Any, seed: int | None = None) -> dict[str, Any]:
            return {**super().get_random_transform(img_shape, seed), "theta": 90}

    dark = Darker(rescale=0.1).flow(cases.SIX, batch_size=6, shuffle=False)[0]
    np.testing.assert_allclose(dark, cases.SIX * 0.05, rtol=1e-6)
    square = cases.SIX[:, :7, :7]
    turned = Quarter().flow(square, batch_size=6, shuffle=False)[0]
    np.testing.assert_allclose(turned, np.rot90(square, axes=(1, 2)), atol=1e-2)


def test_iterators_are_sequences_that_can_be_pickled() -> None:
    iterator = ImageDataGenerator(rotation_range=20).flow(cases.SIX, np.arange(6), batch_size=4, seed=3)
    assert isinstance(iterator, keras.utils.Sequence) and len(iterator) == 2
    next(iterator)
    copy = pickle.loads(pickle.dumps(iterator))
    for mine, other in zip(next(iterator), next(copy), strict=True):
        np.testing.assert_array_equal(mine, other)
    with pytest.raises(IndexError, match="NumpyArrayIterator: expected a batch from 0 to 1; received 2"):
        iterator[2]


def test_iterators_go_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        iterator = ImageDataGenerator(rotation_range=20).flow(cases.SIX, batch_size=2)
        next(iterator), iterator[1], next(iterator.index_generator)
        gone = weakref.ref(iterator)
        del iterator
        assert gone() is None
    finally:
        gc.enable()


def test_pictures_are_saved(tmp_path: Path) -> None:
    iterator = ImageDataGenerator().flow(cases.SIX, batch_size=3, shuffle=False, save_to_dir=tmp_path, save_prefix="a")
    next(iterator)
    files = sorted(tmp_path.iterdir())
    assert [file.name.split("_")[:2] for file in files] == [["a", "0"], ["a", "1"], ["a", "2"]]
    stretched = np.asarray(image.array_to_img(cases.SIX[1]))
    np.testing.assert_array_equal(np.asarray(image.load_img(files[1])), stretched)


@pytest.mark.parametrize("workers", [{}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}])
def test_training_on_every_iterator(tmp_path: Path, workers: dict[str, Any]) -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    root = cases.make_tree(tmp_path)
    generator = ImageDataGenerator(rescale=1 / 255, rotation_range=20, horizontal_flip=True)
    flow = generator.flow_from_directory(root, target_size=(8, 8), batch_size=3)
    model = keras.Sequential([keras.layers.Flatten(input_shape=(8, 8, 3)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(flow, epochs=2, validation_data=flow, verbose=0, **workers).history
    assert np.isfinite(history["loss"]).all() and len(history["val_loss"]) == 2
    assert model.predict(flow, verbose=0, **workers).shape == (8, 3)
    assert np.isfinite(model.evaluate(flow, verbose=0, **workers)).all()


# --- what cannot be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"fill_mode": "nearst"}, "expected fill_mode as one of .*; received 'nearst'. Did you mean 'nearest'"),
        ({"interpolation_order": 7}, "expected an order of interpolation from 0 to 5; received 7"),
        ({"validation_split": 1.5}, "expected validation_split between 0 and 1; received 1.5"),
        ({"zoom_range": (1, 2, 3)}, "expected zoom_range as a pair of numbers; received"),
        ({"brightness_range": 0.3}, "expected brightness_range as a pair of numbers; received 0.3"),
        ({"data_format": "last"}, "data_format: expected 'channels_last' or 'channels_first'; received 'last'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ImageDataGenerator(**options)


def test_options_that_switch_others() -> None:
    with pytest.warns(UserWarning, match="zca_whitening=True sets featurewise_center to True"):
        assert ImageDataGenerator(zca_whitening=True).featurewise_center
    with pytest.warns(UserWarning, match="samplewise_std_normalization=True sets samplewise_center to True"):
        assert ImageDataGenerator(samplewise_std_normalization=True).samplewise_center
    generator = ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match="expected statistics for featurewise_center; received none"):
        np.testing.assert_array_equal(generator.flow(cases.SIX, shuffle=False)[0], cases.SIX)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"x": cases.SIX[0]}, r"expected pictures as numbers of rank 4; received ndarray of shape \(7, 9, 3\)"),
        (
            {"x": [np.ones((2, 2, 1)), np.ones((3, 2, 1))]},
            r"expected pictures of one shape; received the shapes \[\(2, 2, 1\), \(3, 2, 1\)",
        ),
        ({"x": np.full((2, 2, 2, 1), "a")}, "expected pictures as numbers of rank 4; received ndarray"),
        ({"x": cases.SIX, "y": np.arange(5)}, "expected y as long as the 6 pictures; received 5 entries"),
        ({"x": (cases.SIX, np.arange(4))}, r"expected x\[1\] as long as the 6 pictures; received 4 entries"),
        ({"x": cases.SIX, "sample_weight": [1.0]}, "expected sample_weight as long as the 6 pictures"),
        (
            {"x": cases.SIX, "subset": "test"},
            r"expected subset as one of \('training', 'validation'\); received 'test'",
        ),
        ({"x": cases.SIX, "y": np.arange(6), "subset": "training"}, "expected the same classes in both subsets"),
        ({"x": cases.SIX, "batch_size": 0}, "expected batch_size as a positive integer; received 0"),
    ],
)
def test_arrays_that_cannot_be(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"NumpyArrayIterator: {text}"):
        ImageDataGenerator(validation_split=0.5).flow(**arguments)


def test_fit_refuses_what_has_no_statistics() -> None:
    generator = ImageDataGenerator(featurewise_center=True)
    with pytest.raises(ValueError, match=r"expected pictures of rank 4; received shape \(7, 9, 3\)"):
        generator.fit(cases.SIX[0])
    with pytest.raises(ValueError, match="expected finite values; received NaN or infinity"):
        generator.fit(np.full((1, 2, 2, 1), np.nan))
    with pytest.warns(UserWarning, match=r"expected 1, 3 or 4 channels in axis 3, .* received shape \(2, 3, 3, 2\)"):
        generator.fit(np.ones((2, 3, 3, 2)))


def test_a_function_must_keep_the_shape() -> None:
    flow = ImageDataGenerator(preprocessing_function=lambda x: x[:3]).flow(cases.SIX)
    with pytest.raises(ValueError, match=r"expected preprocessing_function to return a picture of shape \(7, 9, 3\)"):
        next(flow)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"channel_axis": 1, "row_axis": 0}, "expected the axes 0, 1 and 2, channels first or last"),
        ({"row_axis": 2}, "expected the axes 0, 1 and 2"),
        ({"x": np.ones((4, 4))}, r"expected one picture of rank 3; received shape \(4, 4\)"),
        ({"fill_mode": "mirror"}, "apply_affine_transform: expected fill_mode as one of"),
    ],
)
def test_affine_arguments_that_cannot_be(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        image.apply_affine_transform(**{"x": np.ones((3, 4, 4)), "theta": 10, **arguments})


def test_pairs_that_are_none() -> None:
    with pytest.raises(ValueError, match=r"random_zoom: expected zoom_range as a pair of numbers; received \(1,\)"):
        image.random_zoom(cases.SIX[0], (1,))
    with pytest.raises(ValueError, match="random_brightness: expected brightness_range as a pair"):
        image.random_brightness(cases.SIX[0], 0.5)
