"""The networks of `kerastorch.applications`: what they are made of, their numbers, arguments and messages."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kerastorch.applications import imagenet_utils
from kerastorch.applications.convnext import StochasticDepth

import kerastorch as keras
from cases_applications import NETWORKS, NUMBERS, TRAINED, case_key, cases, describe, formula_weights, numbers
from kerastorch import applications
from kerastorch.core.naming import names
from kerastorch.engine.context import call_context
from kerastorch.layers import Dense, Dropout, Flatten, GlobalAveragePooling2D, Input
from support import GOLDEN, normal

EXPECTED = json.loads((GOLDEN / "applications.json").read_text())
COUNTS = [line.split("\t") for line in (GOLDEN / "applications.tsv").read_text().splitlines()[1:]]
MODULES = {
    "vgg16": "caffe",
    "vgg19": "caffe",
    "resnet": "caffe",
    "resnet50": "caffe",
    "resnet_v2": "tf",
    "inception_v3": "tf",
    "inception_resnet_v2": "tf",
    "xception": "tf",
    "mobilenet": "tf",
    "mobilenet_v2": "tf",
    "mobilenet_v3": None,
    "densenet": "torch",
    "efficientnet": None,
    "efficientnet_lite": "tf",
    "efficientnet_v2": None,
    "nasnet": "tf",
    "convnext": None,
    "regnet": None,
    "resnet_rs": None,
}


@contextlib.contextmanager
def without_values() -> Iterator[None]:
    """Make weights without initial values, as a model from a file is made: the memory is never touched."""
    before, call_context.weights_left = call_context.weights_left, 10**12
    try:
        yield
    finally:
        call_context.weights_left = before


def build(name: str, **options: Any) -> Any:
    with without_values():
        return getattr(applications, name)(weights=None, **options)


# --- structure -----------------------------------------------------------------------------------------------------


def in_parity(name: str, options: dict[str, Any]) -> bool:
    """Whether `make parity` alone builds a case: without a classifier, networks whose family has another one here."""
    return options == {"include_top": False} and name not in NUMBERS


@pytest.mark.parametrize(
    ("name", "options"),
    [pytest.param(*case, id=case_key(*case), marks=[pytest.mark.parity] * in_parity(*case)) for case in cases()],
)
def test_the_same_layers_graph_options_and_weights(name: str, options: dict[str, Any]) -> None:
    names.reset()
    with keras.device("meta"):  # shapes without memory: the largest networks have a gigabyte of weights
        model = build(name, **options)
    assert describe(model) == EXPECTED["structures"][case_key(name, options)]
    if set(options) == {"include_top"}:
        (row,) = [row for row in COUNTS if row[:2] == [name, str(int(options["include_top"]))]]
        counts = [
            sum(weight.numel() for weight in weights)
            for weights in (model.weights, model.trainable_weights, model.non_trainable_weights)
        ]
        assert [*counts, len(model.layers)] == [int(value) for value in row[2:6]]
        assert [str(list(shape)) for shape in (model.input_shape, model.output_shape)] == row[6:8]


def test_every_network_of_the_reference_is_there() -> None:
    assert sorted({row[0] for row in COUNTS}) == sorted(NETWORKS)
    assert set(NETWORKS) <= set(applications.__all__)


def transfer(base: Any) -> Any:
    for layer in base.layers:
        layer.trainable = False
    x = Dense(1024, activation="relu")(Flatten()(base.output))
    return keras.Model(base.input, Dense(10, activation="softmax")(Dropout(0.5)(x)))


def nested(base: Any) -> Any:
    base.trainable = False
    return keras.Sequential([base, GlobalAveragePooling2D(), Dropout(0.2), Dense(1)])


SUMMARIES = {
    "vgg16": lambda: build("VGG16"),
    "resnet50": lambda: build("ResNet50"),
    "efficientnet_b0": lambda: build("EfficientNetB0"),
    "densenet121_notop": lambda: build("DenseNet121", include_top=False),
    "inception_v3_transfer": lambda: transfer(build("InceptionV3", include_top=False, input_shape=(84, 84, 3))),
    "mobilenet_v2_nested": lambda: nested(build("MobileNetV2", include_top=False, input_shape=(96, 96, 3))),
}


@pytest.mark.parametrize("name", SUMMARIES)
def test_summary(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    names.reset()
    model = SUMMARIES[name]()
    capsys.readouterr()
    model.summary()
    assert capsys.readouterr().out == (GOLDEN / "summaries" / f"{name}.txt").read_text()


# --- numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.parity] * slow) for name, (_, _, slow) in NUMBERS.items()]
)
def test_the_same_features(name: str) -> None:
    with without_values():
        features = numbers(keras, name)
    expected = EXPECTED["numbers"][name]
    kept = features[:, :: max(1, features.shape[1] // 40)]
    assert np.abs(kept - np.array(expected["features"])).max() <= 1e-4 * expected["largest"]
    assert np.ptp(kept, axis=0).max() > 1e-3 * expected["largest"]  # the pictures make a difference


def test_weights_in_a_file(tmp_path: Path) -> None:
    arguments = {"alpha": 0.25, "input_shape": (32, 32, 3), "classes": 3}
    first = build("MobileNet", **arguments)
    first.set_weights(formula_weights(first))
    first.save_weights(tmp_path / "w.h5")
    second = applications.MobileNet(weights=str(tmp_path / "w.h5"), **arguments)
    for mine, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(ValueError, match=r"(?s)\(3, 3, 3, 8\).*'conv1'.*\(3, 3, 3, 16\)|'conv1'.*\(3, 3, 3, 8\)"):
        applications.MobileNet(weights=str(tmp_path / "w.h5"), **{**arguments, "alpha": 0.5})


def test_the_layers_of_its_own_are_read_from_a_config() -> None:
    for name in ("ConvNeXtTiny", "RegNetY002", "MobileNetV3Small", "InceptionResNetV2"):
        model = build(name, include_top=False, input_shape=(96, 96, 3))
        with without_values():
            again = keras.models.model_from_json(model.to_json())
        assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
        model.set_weights(formula_weights(model))
        again.set_weights(model.get_weights())
        x = normal("config", (1, 96, 96, 3))
        np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_stochastic_depth_drops_whole_samples() -> None:
    keras.utils.set_random_seed(0)
    y = StochasticDepth(0.25)(torch.ones(400, 3), training=True)
    assert y.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert (y == y[:, :1]).all()
    assert 60 < int((y[:, 0] == 0).sum()) < 140


# --- pictures in, names out ----------------------------------------------------------------------------------------

COLOURS = np.array([[[0.0, 100.0, 255.0], [50.0, 150.0, 200.0]]], "float32")  # (1, 2, 3)
PREPROCESSED = {
    "tf": COLOURS / 127.5 - 1.0,
    "torch": (COLOURS / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225],
    "caffe": COLOURS[..., ::-1] - [103.939, 116.779, 123.68],
}


@pytest.mark.parametrize("kind", ["array", "integers", "tensor", "batch", "symbolic"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("mode", PREPROCESSED)
def test_preprocess_input(mode: str, data_format: str, kind: str) -> None:
    expected, x = PREPROCESSED[mode], COLOURS.copy()
    if data_format == "channels_first":
        expected, x = (np.moveaxis(value, -1, 0).copy() for value in (expected, x))
    if kind == "integers":
        x = x.astype("uint8")
    if kind in ("batch", "symbolic"):
        expected, x = expected[None], x[None]
    if kind == "symbolic":
        inputs = Input(x.shape[1:])
        model = keras.Model(inputs, imagenet_utils.preprocess_input(inputs, data_format, mode))
        y = model(torch.from_numpy(x))
    else:
        y = imagenet_utils.preprocess_input(torch.from_numpy(x) if kind == "tensor" else x, data_format, mode)
    assert isinstance(y, np.ndarray) is (kind in ("array", "integers", "batch"))
    np.testing.assert_allclose(np.asarray(y), expected, rtol=1e-5, atol=1e-4)


def test_preprocess_input_writes_over_arrays_of_floats_alone() -> None:
    floats, integers, tensor = COLOURS.copy(), COLOURS.astype("uint8"), torch.from_numpy(COLOURS.copy())
    assert imagenet_utils.preprocess_input(floats, mode="tf") is floats
    for x in (integers, tensor):
        before = np.asarray(x).copy()
        imagenet_utils.preprocess_input(x, mode="torch")
        np.testing.assert_array_equal(np.asarray(x), before)


@pytest.mark.parametrize(("module", "mode"), MODULES.items())
def test_every_module_has_its_preprocessing(module: str, mode: str | None) -> None:
    found = importlib.import_module(f"kerastorch.applications.{module}")
    assert found.decode_predictions is imagenet_utils.decode_predictions
    y = found.preprocess_input(COLOURS.copy())
    np.testing.assert_allclose(y, PREPROCESSED[mode] if mode else COLOURS, rtol=1e-5, atol=1e-4)


def test_decode_predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = {str(place): [f"n{place:08}", f"thing_{place}"] for place in range(1000)}
    path = tmp_path / "imagenet_class_index.json"
    path.write_text(json.dumps(index))
    monkeypatch.setattr(imagenet_utils, "get_file", lambda *args: str(path))
    scores = np.zeros((2, 1000), "float32")
    scores[0, [3, 5, 7]] = 0.2, 0.5, 0.3
    scores[1, 999] = 1.0
    for predictions in (scores, torch.from_numpy(scores)):
        first, second = imagenet_utils.decode_predictions(predictions, top=3)
        assert [(row[0], row[1]) for row in first] == [(f"n{place:08}", f"thing_{place}") for place in (5, 7, 3)]
        assert [row[2] for row in first] == pytest.approx([0.5, 0.3, 0.2])
        assert second[0][1] == "thing_999"
    for wrong in (np.zeros((2, 10)), np.zeros(1000)):
        with pytest.raises(ValueError, match=r"expected a batch of predictions, .*\(samples, 1000\); received shape"):
            imagenet_utils.decode_predictions(wrong)


# --- pretrained weights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "file"),
    [
        ("VGG16", {}, "vgg16_weights_tf_dim_ordering_tf_kernels.h5"),
        ("VGG19", {"include_top": False}, "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("ResNet50", {"include_top": False}, "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("InceptionV3", {"include_top": False}, "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"),
        ("MobileNet", {"alpha": 0.25, "input_shape": (128, 128, 3)}, "mobilenet_2_5_128_tf.h5"),
        (
            "MobileNetV2",
            {"input_shape": (96, 96, 3), "include_top": False},
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top.h5",
        ),
        ("MobileNetV3Small", {"input_shape": (224, 224, 3)}, "weights_mobilenet_v3_small_224_1.0_float.h5"),
        ("EfficientNetB0", {}, "efficientnetb0.h5"),
        ("EfficientNetV2B0", {"include_top": False}, "efficientnetv2-b0_notop.h5"),
        ("NASNetMobile", {}, "nasnet_mobile.h5"),
        ("ConvNeXtTiny", {}, "convnext_tiny.h5"),
        ("RegNetX002", {}, "regnetx002.h5"),
        ("ResNetRS50", {}, "resnet-rs-50-i160.h5"),
        ("ResNetRS101", {"weights": "imagenet-i160", "include_top": False}, "resnet-rs-101-i160_notop.h5"),
    ],
)
def test_pretrained_weights_come_from_the_cache(
    name: str, options: dict[str, Any], file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def get_file(fname: str, origin: str, file_hash: str | None, cache_subdir: str) -> str:
        asked.append((fname, file_hash, cache_subdir))
        assert origin.startswith("https://storage.googleapis.com/")
        raise FileNotFoundError(fname)

    monkeypatch.setattr(applications.builder, "get_file", get_file)
    with pytest.raises(FileNotFoundError), without_values():
        getattr(applications, name)(**options)
    ((fname, file_hash, folder),) = asked
    assert (fname, folder) == (file, "models")
    assert file_hash is None or len(file_hash) in (32, 64)
    assert (file_hash is None) is (name in ("MobileNet", "MobileNetV2"))  # tf.keras knows no hashes of these


def test_pretrained_efficientnet_has_a_layer_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    scratch = build("EfficientNetB0", include_top=False, input_shape=(64, 64, 3))
    scratch.set_weights(formula_weights(scratch))
    scratch.save_weights(tmp_path / "w.h5")
    monkeypatch.setattr(applications.builder, "get_file", lambda *args, **kwargs: tmp_path / "w.h5")
    with without_values():
        model = applications.EfficientNetB0(include_top=False, input_shape=(64, 64, 3))
    assert len(model.layers) == len(scratch.layers) + 1
    names.reset()
    x = normal("x", (1, 64, 64, 3), scale=50.0) + 120.0
    normalized = keras.Model(model.input, model.layers[2].output)(torch.from_numpy(x))
    scaled = keras.Model(model.input, model.layers[3].output)(torch.from_numpy(x))
    ratio = (scaled / normalized).detach().numpy()
    np.testing.assert_allclose(ratio[0, 0, 0], np.array([0.229, 0.224, 0.225]) ** -0.5, rtol=1e-4)


# --- arguments -----------------------------------------------------------------------------------------------------


def test_signatures() -> None:
    standard = ["include_top", "weights", "input_tensor", "input_shape", "pooling", "classes", "classifier_activation"]
    preprocessing = ["model_name", "include_top", "include_preprocessing", *standard[1:]]
    found = {name: list(inspect.signature(getattr(applications, name)).parameters) for name in NETWORKS}
    assert found["VGG16"] == found["ResNet50"] == found["InceptionV3"] == found["DenseNet121"] == standard
    assert found["EfficientNetV2S"] == [*standard, "include_preprocessing"]
    assert found["ConvNeXtTiny"] == found["RegNetX002"] == preprocessing
    assert found["MobileNetV2"][:4] == ["input_shape", "alpha", "include_top", "weights"]
    assert found["NASNetLarge"][0] == "input_shape"
    assert all(getattr(applications, name).__doc__ for name in NETWORKS)


def test_input_tensor() -> None:
    inputs = Input((40, 48, 3), name="photo")
    flipped = keras.layers.Lambda(lambda x: x.flip(2))(inputs)
    model = build("MobileNet", alpha=0.25, include_top=False, input_tensor=flipped, pooling="avg")
    assert model.input_shape == (None, 40, 48, 3)
    assert [layer.name for layer in model.layers][0] == "photo"
    with pytest.raises(ValueError, match=r"VGG16: expected input_tensor to be a symbolic tensor; received Tensor"):
        build("VGG16", input_tensor=torch.zeros(1, 224, 224, 3))
    with pytest.raises(ValueError, match="MobileNetV2: expected input_tensor and input_shape of the same size"):
        build("MobileNetV2", input_tensor=inputs, input_shape=(96, 96, 3))


def test_channels_first() -> None:
    first = keras.backend.image_data_format()
    keras.backend.set_image_data_format("channels_first")
    try:
        model = build("ResNet50", include_top=False, input_shape=(3, 64, 32), pooling="avg")
        assert model.get_layer("conv5_block3_out").output_shape == (None, 2048, 2, 1)
        assert build("MobileNetV2", input_shape=(3, 64, 64), classes=4).output_shape == (None, 4)
        assert build("EfficientNetB0", input_shape=(3, 64, 64), classes=4).output_shape == (None, 4)
    finally:
        keras.backend.set_image_data_format(first)


REFUSED = [
    (
        "InceptionV3",
        {"input_shape": (74, 84, 3), "include_top": False},
        "InceptionV3: expected an input size of at least 75x75; received input_shape=(74, 84, 3). Resize or repeat",
    ),
    ("VGG16", {"input_shape": (31, 31, 3), "include_top": False}, "VGG16: expected an input size of at least 32x32"),
    ("Xception", {"input_shape": (70, 71, 3)}, "Xception: expected an input size of at least 71x71"),
    ("MobileNetV3Small", {"input_shape": (31, 64, 3)}, "MobileNetV3Small: expected an input size of at least 32x32"),
    ("ResNet50", {"input_shape": (64, 64)}, "ResNet50: expected input_shape to be a tuple of three integers"),
    ("ResNet50", {"input_shape": (None, 64, 3)}, "ResNet50: expected a static input_shape with include_top=True"),
    (
        "ResNet50",
        {"weights": "imagenet", "input_shape": (64, 64, 1), "include_top": False},
        "ResNet50: expected an input of 3 channels with weights='imagenet'; received input_shape=(64, 64, 1)",
    ),
    (
        "VGG16",
        {"weights": "imagenet", "input_shape": (64, 64, 3)},
        "VGG16: expected input_shape=(224, 224, 3) with include_top=True and weights='imagenet'; received",
    ),
    (
        "VGG16",
        {"weights": "imagenet", "classes": 10},
        "VGG16: expected classes=1000 with weights='imagenet' and include_top=True; received classes=10",
    ),
    (
        "DenseNet121",
        {"weights": "imagenet", "classifier_activation": "relu"},
        "DenseNet121: expected classifier_activation to be 'softmax' or None with pretrained weights",
    ),
    (
        "ResNet50",
        {"weights": "imagnet"},
        "ResNet50: expected weights to be None (random initialization), 'imagenet' (pre-training on ImageNet), or the "
        "path to an existing weights file; received weights='imagnet'. Did you mean 'imagenet'?",
    ),
    ("ResNetRS101", {"weights": "imagenet-i1"}, "'imagenet' or 'imagenet-i160' or 'imagenet-i192'"),
    ("VGG19", {"weights": "/no/such/file.h5"}, "the path to an existing weights file; received weights='/no/such"),
    (
        "NASNetMobile",
        {"pooling": "average", "include_top": False},
        "NASNetMobile: expected pooling to be None, 'avg' or 'max'; received pooling='average'. Did you mean 'avg'?",
    ),
    ("EfficientNetB0", {"pooling": 1}, "expected pooling to be None, 'avg' or 'max'; received pooling=1."),
    (
        "MobileNet",
        {"weights": "imagenet", "alpha": 0.3},
        "MobileNet: expected alpha to be one of (0.25, 0.5, 0.75, 1.0) with weights='imagenet'; received alpha=0.3",
    ),
    (
        "MobileNet",
        {"weights": "imagenet", "depth_multiplier": 2},
        "MobileNet: expected depth_multiplier=1 with weights='imagenet'",
    ),
    (
        "MobileNetV2",
        {"weights": "imagenet", "alpha": 2.0},
        "expected alpha to be one of (0.35, 0.5, 0.75, 1.0, 1.3, 1.",
    ),
    ("MobileNetV3Large", {"weights": "imagenet", "alpha": 0.5}, "expected alpha to be one of (0.75, 1.0)"),
    ("MobileNetV3Large", {"weights": "imagenet", "minimalistic": True, "alpha": 0.75}, "one of (1.0,)"),
    (
        "NASNetLarge",
        {"weights": "imagenet", "include_top": False, "input_shape": (None, None, 3)},
        "NASNetLarge: expected a static input_shape with weights='imagenet'",
    ),
]


@pytest.mark.parametrize(("name", "options", "text"), REFUSED)
def test_refused(name: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        getattr(applications, name)(**{"weights": None, **options})


def test_unusual_channels_warn() -> None:
    with pytest.warns(UserWarning, match=r"VGG16: expected 1 or 3 input channels; received .* with 5") as caught:
        build("VGG16", include_top=False, input_shape=(32, 32, 5))
    assert len(caught) == 1
    build("VGG16", include_top=False, input_shape=(32, 32, 1))


@pytest.mark.parametrize("mode", ["tf2", None])
def test_preprocess_input_refuses(mode: Any) -> None:
    with pytest.raises(ValueError, match="expected mode to be one of 'caffe', 'tf' or 'torch'; received mode="):
        imagenet_utils.preprocess_input(COLOURS, mode=mode)
    with pytest.raises(ValueError, match="expected data_format to be 'channels_first' or 'channels_last'"):
        imagenet_utils.preprocess_input(COLOURS, data_format="last")
    with pytest.raises(ValueError, match=r"expected pictures of three colours, channels_last; received ndarray"):
        imagenet_utils.preprocess_input(np.zeros((2, 28, 28, 1)))


def test_the_report_of_numbers_has_every_network() -> None:
    text = (Path(__file__).parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert tuple(row[0] for row in rows[2:]) == NETWORKS
    for name, double, single, theirs, trained in rows[2:]:
        assert (
            float(double) < 1e-9 and float(single) < max(1e-4, 3 * float(theirs)) and bool(trained) is (name in TRAINED)
        )
    assert sum(bool(row[4]) for row in rows[2:]) >= 10
