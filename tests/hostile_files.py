"""The table of hostile and broken files: who makes each, and what its refusal says.

A row makes a file in a folder and returns its path. `TABLE` maps its name to the maker and the texts of the error.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import marshal
import os
import pickle
import stat
import struct
import tempfile
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

import kerastorch as keras
from kerastorch.saving.hdf5_writer import Array, Group, Hdf5Writer

Maker = Callable[[Path], Path]
TABLE: dict[str, tuple[Maker, tuple[str, ...]]] = {}


def row(name: str, make: Maker, *texts: str) -> None:
    TABLE[name] = (make, texts)


# --- the model that is made hostile ----------------------------------------------------------------------------------


@lru_cache
def good_files() -> dict[str, bytes]:
    """A small compiled model in every format."""
    keras.backend.clear_session()
    inputs = keras.Input((3,), name="in")
    hidden = keras.layers.Dense(4, activation="relu", name="hidden")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(keras.layers.Dropout(0.5, name="drop")(hidden)))
    model.compile("adam", "mse", metrics=["mae"])
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".keras", ".h5", ".pt", ".safetensors"):
            path = Path(folder) / f"good{suffix}"
            model.save(path)
            found[suffix] = path.read_bytes()
            keras.models.load_model(path)  # everything that is imported on demand is imported now
    return found


def members(data: bytes | None = None) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data or good_files()[".keras"])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def config() -> dict[str, Any]:
    return json.loads(members()["config.json"])


def h5_config() -> dict[str, Any]:
    with h5py.File(io.BytesIO(good_files()[".h5"])) as file:
        return json.loads(file.attrs["model_config"])


def layer_in(model: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in model["config"]["layers"] if entry["name"] == name)


def archive(folder: Path, parts: dict[str, bytes], **options: Any) -> Path:
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", **options) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return path


def with_config(value: Any) -> Maker:
    """An archive with another config."""
    text = value if isinstance(value, str) else json.dumps(value)
    return lambda folder: archive(folder, {**members(), "config.json": text.encode()})


def with_layer(change: Callable[[dict[str, Any]], Any], name: str = "hidden") -> Maker:
    """An archive in which one layer's entry is changed, or replaced by what is returned."""

    def make(folder: Path) -> Path:
        model = config()
        entry = layer_in(model, name)
        new = change(entry)
        if new is not None:
            entry.update(new)
        return with_config(model)(folder)

    return make


def with_option(key: str, value: Any, name: str = "hidden") -> Maker:
    return with_layer(lambda entry: entry["config"].update({key: value}), name)


def with_layer_h5(new: dict[str, Any], name: str = "drop") -> Maker:
    def make(folder: Path) -> Path:
        model = h5_config()
        layer_in(model, name).update(new)
        return hdf5(lambda file: file.attrs.update({"model_config": json.dumps(model)}))(folder)

    return make


def compiled_with(key: str, value: Any) -> Maker:
    def make(folder: Path) -> Path:
        model = config()
        model["compile_config"][key] = value
        return with_config(model)(folder)

    return make


def hdf5(change: Callable[[Any], Any]) -> Maker:
    """The h5 file after a change by h5py."""

    def make(folder: Path) -> Path:
        path = folder / "model.h5"
        path.write_bytes(good_files()[".h5"])
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return make


KERNEL = "model_weights/hidden/hidden/kernel:0"
BIAS = "model_weights/hidden/hidden/bias:0"


def instead(make: Callable[[Any, str], Any], name: str = KERNEL) -> Maker:
    """The h5 file with something else in the place of an array."""

    def change(file: Any) -> None:
        del file[name]
        make(file, name)

    return hdf5(change)


def raw(name: str, content: bytes) -> Maker:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def damaged(suffix: str, change: Callable[[bytes], bytes]) -> Maker:
    def make(folder: Path) -> Path:
        path = folder / f"model{suffix}"
        path.write_bytes(change(good_files()[suffix]))
        return path

    return make


# --- code ------------------------------------------------------------------------------------------------------------


def byte_code() -> str:
    def hostile(x: Any) -> Any:
        return os.system("true") or x

    return base64.encodebytes(marshal.dumps(hostile.__code__)).decode()


CODE = byte_code()
KERAS_3 = {"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}
TF_KERAS = {"function": [CODE, None, None], "function_type": "lambda", "module": "__main__"}
OF_TF_KERAS_ARCHIVE = {"class_name": "__tuple__", "items": [CODE, None, None]}


def a_lambda(**options: Any) -> dict[str, Any]:
    return {"class_name": "Lambda", "config": {"name": "drop", "trainable": True, "dtype": "float32", **options}}


NO_CODE = ("byte code", "safe_mode=False", "custom_objects")
row("lambda of Keras 3", with_layer(lambda _: a_lambda(function=KERAS_3), "drop"), *NO_CODE)
row("lambda of tf_keras", with_layer(lambda _: a_lambda(**TF_KERAS), "drop"), *NO_CODE)
row("lambda of tf_keras' archive", with_layer(lambda _: a_lambda(function=OF_TF_KERAS_ARCHIVE), "drop"), *NO_CODE)
row("lambda in h5", with_layer_h5(a_lambda(**TF_KERAS)), *NO_CODE)
row("lambda of Keras 3 in h5", with_layer_h5(a_lambda(function=KERAS_3)), *NO_CODE)
row("lambda as output shape", with_layer(lambda _: a_lambda(function="x", output_shape=KERAS_3), "drop"), *NO_CODE)
row("lambda as mask", with_layer(lambda _: a_lambda(function="x", mask=KERAS_3), "drop"), *NO_CODE)
row("lambda as activation", with_option("activation", KERAS_3), *NO_CODE)
row("lambda as initializer", with_option("kernel_initializer", KERAS_3), *NO_CODE)
row("marshalled activation", with_option("activation", {"class_name": "__marshal__", "config": CODE}), *NO_CODE)
row("lambda as loss", compiled_with("loss", KERAS_3), *NO_CODE)
row(
    "lambda in a wrapper",
    with_layer(lambda _: {"class_name": "TimeDistributed", "config": {"layer": a_lambda(function=KERAS_3)}}, "drop"),
    *NO_CODE,
)
row("lambda by name", with_layer(lambda _: a_lambda(function="system"), "drop"), "Lambda function", "'system'")
row(
    "lambda that names os.system",
    with_layer(lambda _: a_lambda(function={"class_name": "function", "config": "system", "module": "os"}), "drop"),
    "Lambda function",
    "'system'",
)

# --- names -----------------------------------------------------------------------------------------------------------
UNKNOWN = "expected the name of a known layer"


def stranger(
    module: str, name: str, options: dict[str, Any] | None = None, registered: str | None = None
) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": options or {}, "registered_name": registered}


for _module, _name, _options in (
    ("os", "system", {"command": "true"}),
    ("builtins", "eval", {"source": "1"}),
    ("subprocess", "Popen", {"args": ["true"]}),
    ("keras.utils", "get_file", {"fname": "x", "origin": "http://127.0.0.1:9/x"}),
    ("keras.layers", "TFSMLayer", {"filepath": "/tmp/x"}),
    ("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
    ("keras.layers", "TextVectorization", {"vocabulary": "http://127.0.0.1:9/words"}),
    ("keras.config", "enable_unsafe_deserialization", {}),
    ("pickle", "loads", {"data": "x"}),
    ("kerastorch.saving.code", "load", {}),
    ("keras", "deserialize", {}),
    ("builtins", "__import__", {"name": "hostile_module"}),
):
    _entry = stranger(_module, _name, _options)
    row(f"layer {_module}.{_name}", with_layer(lambda _, new=_entry: new, "drop"), _name)
    row(f"whole model {_module}.{_name}", with_config(_entry), _name)
row(
    "class of a module that is not loaded",
    with_layer(lambda _: stranger("hostile_module", "Hostile", {}, "hostile>Hostile"), "drop"),
    UNKNOWN,
    "'Hostile'",
)
row(
    "function of os as activation",
    with_option(
        "activation", {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
    ),
    "activation",
    "'system'",
)
row("activation by a path", with_option("activation", "os.system"), "activation", "'os.system'")
row("optimizer of another module", compiled_with("optimizer", stranger("os", "system")), "'system'")
row("loss of another module", compiled_with("loss", stranger("os", "system")), "'system'")
row("metric of another module", compiled_with("metrics", [stranger("os", "system")]), "'system'")
row(
    "unsafe loading and a lambda",
    compiled_with("loss", [stranger("keras.config", "enable_unsafe_deserialization"), KERAS_3]),
    *NO_CODE,
)
row(
    "torch optimizer of another module",
    compiled_with(
        "optimizer", {"class_name": "TorchOptimizer", "config": {"torch_class": "lr_scheduler", "defaults": {}}}
    ),
    "torch.optim",
)


def operation(function: str, *args: Any, **kwargs: Any) -> Maker:
    """A model in which a function of torch is called on the output of `hidden` and on constants."""

    def make(folder: Path) -> Path:
        model = config()
        layer_in(model, "drop").update(class_name="TorchOp", config={"name": "drop", "function": function})
        call = [["_CONSTANT_VALUE", -1, None, {"args": list(args), **kwargs}]]
        layer_in(model, "drop")["inbound_nodes"] = [call]
        return with_config(model)(folder)

    return make


HIDDEN = ["hidden", 0, 0]
row("torch.load as a function", operation("torch.load", "/etc/passwd"), "name of a torch function", "torch.load")
row("torch.save as a function", operation("torch.save", HIDDEN, "/tmp/x"), "name of a torch function", "torch.save")
row("a function of os", operation("os.system", "true"), "name of a torch function", "os.system")
row("a function without tensors", operation("Tensor.repeat", [1], 10**9), "on tensors of the model", "'drop'")
row("a function on another device", operation("torch.zeros_like", HIDDEN, device="cpu"), "any device", "zeros_like")
row("a function in place", operation("Tensor.resize_", HIDDEN, [10**12]), "in place", "resize_")
row(
    "code as the name of a keyword",
    operation("torch.clamp", HIDDEN, **{"min=0) or __import__('os').system('true'), (max": 1}),
    "on tensors of the model",
)


def many_parts(folder: Path) -> Path:
    model = config()
    big = copy.deepcopy(layer_in(model, "in"))
    big["name"] = big["config"]["name"] = "big"
    big["config"]["batch_input_shape"] = [None, 10**8]
    layer_in(model, "drop").update(class_name="TorchOp", config={"name": "drop", "function": "Tensor.unbind"})
    layer_in(model, "drop")["inbound_nodes"] = [[["_CONSTANT_VALUE", -1, None, {"args": [["big", 0, 0], 1]}]]]
    model["config"]["layers"].append(big)
    return with_config(model)(folder)


row("a function that makes 10**8 tensors", many_parts, "few tensors", "unbind")

# --- sizes -----------------------------------------------------------------------------------------------------------
MORE = ("more than all numbers in it", "'hidden'")
row("a thousand million units", with_option("units", 10**9), *MORE)
row("10**18 units", with_option("units", 10**18), *MORE)
row("10**30 units", with_option("units", 10**30), *MORE)
row("negative units", with_option("units", -1), "Dense 'hidden'", "-1")
row("half a unit", with_option("units", 1.5), "Dense 'hidden'", "1.5")
row("no number of units", with_option("units", float("nan")), "Dense 'hidden'", "nan")
row("infinite units", with_option("units", float("inf")), "Dense 'hidden'", "inf")
row("units as text", with_option("units", "4"), "Dense 'hidden'", "'4'")
row("units as list", with_option("units", [4]), "Dense 'hidden'", "[4]")
row("no units", with_option("units", None), "Dense 'hidden'", "None")
row("another number of units", with_option("units", 3), "'layers/dense'", "(3, 3)", "(3, 4)")
row("a huge input", with_option("batch_input_shape", [None, 10**18], "in"), *MORE)
row("a negative input", with_option("batch_input_shape", [None, -3], "in"), "InputLayer", "-3")
row("an input of text", with_option("batch_input_shape", "(3,)", "in"), "InputLayer")
row("a huge batch", with_option("batch_input_shape", [10**9, 3], "in"), "batches of at most 65536")
row("a huge type", with_option("dtype", "S1000000000"), "S1000000000")
row("a type of another kind", with_option("dtype", "__class__"), "__class__")
row(
    "an array of huge texts",
    with_option("kernel_initializer", {"class_name": "__numpy__", "config": {"value": [1], "dtype": "S1000000000"}}),
    "expected numbers",
)


def metric(name: str, **options: Any) -> Maker:
    return compiled_with("metrics", [{"class_name": name, "config": options}])


USUAL = "metrics of a usual size"
row("AUC with 10**9 thresholds", metric("AUC", num_thresholds=10**9), USUAL, "1000000000")
row("AUC with many labels", metric("AUC", num_thresholds=10**4, multi_label=True, num_labels=10**5), USUAL)
row("precision at 10**9 thresholds", metric("PrecisionAtRecall", recall=0.5, num_thresholds=10**9), USUAL)
row("a confusion matrix of 10**5 classes", metric("MeanIoU", num_classes=10**5), USUAL, "100000")
row(
    "a thousand large metrics",
    compiled_with("metrics", [{"class_name": "MeanIoU", "config": {"num_classes": 2000}}] * 1000),
    USUAL,
)
row("a metric without its argument", metric("MeanIoU"), "MeanIoU")
row("a negative number of classes", metric("MeanIoU", num_classes=-1), "expected")


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


row("deep JSON", with_config('{"class_name": ' + "[" * 100_000), "config.json", "JSON")
row("a deep config", with_option("kernel_initializer", nested(100)), "at most 60 levels")
row("models in models", lambda folder: with_config(models_in_models(100))(folder), "at most 60 levels")


def models_in_models(depth: int) -> dict[str, Any]:
    model = config()
    for _ in range(depth):
        model = {"class_name": "Sequential", "config": {"name": "s", "layers": [model]}}
    return model


row("a JSON of millions of values", with_config("[" + "1," * 5_000_000 + "1]"), "larger one")

# --- kinds of values -------------------------------------------------------------------------------------------------
BUILT = "expected"
for _label, _value in (
    ("null", None),
    ("number", 3),
    ("text", "Sequential"),
    ("list", []),
    ("empty object", {}),
    ("a layer", {"class_name": "Dense", "config": {"units": 2}}),
    ("without config", {"class_name": "Functional"}),
    ("config as text", {"class_name": "Functional", "config": "x"}),
    ("class name as list", {"class_name": ["Functional"], "config": {}}),
    ("sequential of numbers", {"class_name": "Sequential", "config": {"name": "s", "layers": [1, 2]}}),
    ("sequential of text", {"class_name": "Sequential", "config": {"name": "s", "layers": "ab"}}),
    ("sequential without layers", {"class_name": "Sequential", "config": {"name": "s"}}),
):
    row(f"config: {_label}", with_config(_value), BUILT, "received")


def changed(*path: Any, value: Any) -> Maker:
    def make(folder: Path) -> Path:
        model = config()
        found: Any = model
        for step in path[:-1]:
            found = found[step]
        found[path[-1]] = value
        return with_config(model)(folder)

    return make


for _value in (None, 3, "x", {}, {"a": 1}, [3], [[]], [None]):
    row(f"layers: {_value!r}", changed("config", "layers", value=_value), BUILT)
    row(f"output_layers: {_value!r}", changed("config", "output_layers", value=_value), BUILT)
row("a call of itself", with_layer(lambda entry: {"inbound_nodes": [[["hidden", 0, 0, {}]]]}), "inputs", "do not")
row("a call of nothing", with_layer(lambda entry: {"inbound_nodes": [[["nobody", 0, 0, {}]]]}), BUILT)
row("a call on values", with_layer(lambda entry: {"inbound_nodes": [{"args": [[1.0]], "kwargs": {}}]}), "on tensors")
row("an output out of range", changed("config", "output_layers", value=[["out", 0, 7]]), BUILT)
row("a layer twice", lambda folder: with_config(twice())(folder), "different names", "'hidden'")
row("no name", with_layer(lambda entry: entry["config"].update(name=[])), BUILT)
row("the loss as number", compiled_with("loss", 3), BUILT)
row("the optimizer as number", compiled_with("optimizer", 3), BUILT)
row("an unknown loss", compiled_with("loss", "nonsense"), "loss 'nonsense'")
row("a rate as text", lambda folder: with_rate("fast")(folder), "learning_rate", "'fast'")


def twice() -> dict[str, Any]:
    model = config()
    model["config"]["layers"].append(copy.deepcopy(layer_in(model, "hidden")))
    return model


def with_rate(value: Any) -> Maker:
    optimizer = config()["compile_config"]["optimizer"]
    optimizer["config"]["learning_rate"] = value
    return compiled_with("optimizer", optimizer)


# --- archives --------------------------------------------------------------------------------------------------------
def with_member(name: str, content: bytes = b"x") -> Maker:
    return lambda folder: archive(folder, {**members(), name: content})


for _name in ("../outside", "a/../../outside", "/etc/outside", "\\outside", "c:\\outside", "..\\outside"):
    row(f"member {_name}", with_member(_name), "members inside the archive", "outside")


def duplicated(folder: Path) -> Path:
    path = archive(folder, members())
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr("config.json", json.dumps(stranger("os", "system")))
    return path


def linked(folder: Path) -> Path:
    parts = members()
    del parts["model.weights.h5"]
    path = archive(folder, parts)
    info = zipfile.ZipInfo("model.weights.h5")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(info, "/etc/passwd")
    return path


def bomb(folder: Path) -> Path:
    return archive(
        folder,
        {**members(), "model.weights.h5": bytes(64 << 20)},
        compression=zipfile.ZIP_DEFLATED,
    )


def lying(compressed: int | None, size: int | None) -> Maker:
    """The config's entry in the directory with other sizes than the member has."""

    def make(folder: Path) -> Path:
        path = archive(folder, members(), compression=zipfile.ZIP_DEFLATED)
        data = bytearray(path.read_bytes())
        place = data.rindex(b"PK\x01\x02", 0, data.rindex(b"config.json"))
        for offset, value in ((20, compressed), (24, size)):
            if value is not None:
                data[place + offset : place + offset + 4] = struct.pack("<I", value)
        path.write_bytes(bytes(data))
        return path

    return make


def encrypted(data: bytes) -> bytes:
    """Every member marked as encrypted, in its own header and in the directory."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            changed[place + offset] |= 1
            place = data.find(mark, place + 1)
    return bytes(changed)


def without(name: str) -> Maker:
    return lambda folder: archive(folder, {key: part for key, part in members().items() if key != name})


row("a member twice", duplicated, "different names", "'config.json' twice")
row("a link as weights", linked, "the link 'model.weights.h5'")
row("a member of 1000:1", bomb, "at most 200 bytes out of one")
row("a member longer than the file", lying(0xFF000000, None), "'config.json' of 4278190080 bytes")
row("a member that unpacks to more than it says", lying(None, 100), "cut off or damaged")
row("a config of 4 GB", lying(None, 0xFF000000), "at most 200 bytes out of one")
row("encrypted members", damaged(".keras", encrypted), "encrypted")
row("too many members", lambda folder: archive(folder, {str(i): b"" for i in range(10_001)}), "at most 10000 members")
row("no config", without("config.json"), "config.json", "without it")
row("no weights", without("model.weights.h5"), "model.weights.h5", "without it")
row("an archive of nothing", lambda folder: archive(folder, {}), "config.json", "without it")
row("weights of no kind", lambda folder: archive(folder, {**members(), "model.weights.h5": b"x" * 999}), "HDF5 file")
row("weights as a page", lambda folder: archive(folder, {**members(), "model.weights.h5": b"<html>" * 99}), "HDF5 file")
row(
    "weights cut off",
    lambda folder: archive(folder, {**members(), "model.weights.h5": members()["model.weights.h5"][:-900]}),
    "cut off or damaged",
)

# --- HDF5 ------------------------------------------------------------------------------------------------------------
SHAPE = (3, 4)
row(
    "external link",
    instead(lambda file, name: file.__setitem__(name, h5py.ExternalLink("/etc/passwd", "/x"))),
    "a group with links",
)
row("soft link", instead(lambda file, name: file.__setitem__(name, h5py.SoftLink(f"/{name}"))), "a link", "kernel:0")
row(
    "soft link loop",
    hdf5(lambda file: file["model_weights"].__setitem__("loop", h5py.SoftLink("/model_weights/loop"))),
    "a link",
)
row(
    "external storage",
    instead(lambda file, name: file.create_dataset(name, SHAPE, "f4", external=[("/etc/passwd", 0, 48)])),
    "external storage",
)


def virtual(file: Any, name: str) -> None:
    layout = h5py.VirtualLayout(SHAPE, "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", SHAPE)
    file.create_virtual_dataset(name, layout)


row("a virtual array", instead(virtual), "virtual array")
row(
    "an array of chunks",
    instead(lambda file, name: file.create_dataset(name, data=np.ones(SHAPE), compression="gzip")),
    "in chunks",
)
row(
    "a bomb of chunks",
    instead(lambda file, name: file.create_dataset(name, (10**6, 10**6), "f4", chunks=(1000, 1000))),
    "in chunks",
)
row(
    "an array without numbers",
    instead(lambda file, name: file.create_dataset(name, (10**6, 10**6), "f4")),
    "0 bytes of 4000000000000",
)
row(
    "an array of texts",
    instead(lambda file, name: file.create_dataset(name, data="text")),
    "an array of numbers",
    "kernel:0",
)
row("an array of pairs", instead(lambda file, name: file.create_dataset(name, SHAPE, [("a", "f4")])), "an array")
row("a group as array", instead(lambda file, name: file.create_group(name), BIAS), "an array of numbers", "a group")
row("no array", instead(lambda file, name: None, BIAS), "an array of numbers", "none")
row(
    "an array of another shape",
    instead(lambda file, name: file.create_dataset(name, data=np.ones((4, 3), "f4"))),
    "'hidden'",
    "(3, 4)",
    "(4, 3)",
)
row(
    "a group that contains itself",
    hdf5(
        lambda file: (
            file["model_weights"].__setitem__("hidden/self", file["model_weights"])
            or file.attrs.__delitem__("model_config")
        )
    ),
    "weights alone",
)
row(
    "a config of numbers",
    hdf5(lambda file: file.attrs.__setitem__("model_config", 3)),
    "text as attribute 'model_config'",
)
row("a config that is a list", hdf5(lambda file: file.attrs.__setitem__("model_config", ["{}"])), "text as attribute")
row("a config that is no JSON", hdf5(lambda file: file.attrs.__setitem__("model_config", "{")), "model_config", "JSON")
row(
    "names of numbers",
    hdf5(lambda file: file["model_weights"].attrs.__setitem__("layer_names", [1, 2])),
    "names as attribute",
)
row(
    "names of nothing",
    hdf5(lambda file: file["model_weights"].attrs.__setitem__("layer_names", [b"nobody"])),
    "layer 'nobody'",
)
row(
    "names outside",
    hdf5(lambda file: file["model_weights"].attrs.__setitem__("layer_names", [b"../hidden", b"out"])),
    "'../hidden'",
)
row(
    "fewer layers",
    hdf5(lambda file: file["model_weights"].attrs.__setitem__("layer_names", [b"hidden"])),
    "weights for 2 layers",
    "one with 1",
)
row("weights alone", hdf5(lambda file: file.attrs.__delitem__("model_config")), "weights alone", "load_weights")
row("no model", lambda folder: another_hdf5(folder), "weights alone")


def another_hdf5(folder: Path, **options: Any) -> Path:
    path = folder / "data.h5"
    with h5py.File(path, "w", **options) as file:
        file["x"] = np.arange(10)
    return path


row(
    "HDF5 of a later form",
    lambda folder: another_hdf5(folder, libver="latest"),
    "form that Keras writes",
    "libver='latest'",
)


class OnePlace(Hdf5Writer):
    """Puts all arrays into the same place."""

    place: int | None = None

    def _put(self, piece: Any) -> int:
        if self.place is None or not isinstance(piece, Array):
            place = super()._put(piece)
            self.place = place if isinstance(piece, Array) else self.place
            return place
        return self.place


def same_bytes(folder: Path) -> Path:
    """A hundred arrays whose numbers together are more than the file holds."""
    root = Group()
    root.attributes["model_config"] = json.dumps(h5_config())
    for number in range(100):
        root.put(f"model_weights/{number}", Array(np.zeros(50_000, "f4")))
    with (folder / "model.h5").open("wb") as file:
        OnePlace(root).write(file)
    return folder / "model.h5"


row("arrays in the same place", same_bytes, "arrays of at most", "bytes, as the file has")
row("an attribute that is larger than the file", damaged(".h5", lambda data: huge_text(data)), "damaged")


def huge_text(data: bytes) -> bytes:
    """The length of the model's config, which stands in an attribute, as four thousand million."""
    place = data.index(b"model_config\0")
    start = data.index(struct.pack("<I", len(json.dumps(h5_config()))), place)
    return data[:start] + struct.pack("<I", 2**32 - 1) + data[start + 4 :]


def loops(data: bytes) -> bytes:
    """A tree of a group that is its own child."""
    place = data.rindex(b"TREE")
    changed = bytearray(data)
    changed[place + 5] = 1
    changed[place + 32 : place + 40] = struct.pack("<Q", place)
    return bytes(changed)


row("a tree that contains itself", damaged(".h5", loops), "damaged")

# --- torch and safetensors -------------------------------------------------------------------------------------------


class Hostile:
    def __reduce__(self) -> Any:
        return os.system, ("true",)


def saved(value: Any, **options: Any) -> Maker:
    def make(folder: Path) -> Path:
        torch.save(value, folder / "model.pt", **options)
        return folder / "model.pt"

    return make


def repacked(change: Callable[[bytes], bytes]) -> Maker:
    """A .pt file of one tensor with another pickle."""

    def make(folder: Path) -> Path:
        torch.save({"x": torch.zeros(3)}, folder / "model.pt")
        parts = members((folder / "model.pt").read_bytes())
        name = next(name for name in parts if name.endswith("data.pkl"))
        parts[name] = change(parts[name])
        return archive(folder, parts).rename(folder / "model.pt")

    return make


row("a pickled module", saved(torch.nn.Linear(2, 2)), "pickle of other objects", "state_dict")
row("a pickle that runs a command", saved({"x": Hostile()}), "pickle of other objects", "system")
row(
    "a pickle in the old form", saved(torch.nn.Linear(2, 2), _use_new_zipfile_serialization=False), "could run any code"
)
row("a bare pickle", raw("model.pt", pickle.dumps(Hostile())), "could run any code")
row(
    "a pickle of bytes without end",
    repacked(lambda _: b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R."),
    "bytearray",
)
row("a pickle without end", repacked(lambda data: data[:-9]), "damaged")
row("no pickle", repacked(lambda data: b"hello"), "damaged")
row("tensors of another file", saved({"x": torch.zeros(3)}), "weights alone", "load_weights")
row("no tensors", saved([1, 2]), "tensors by name")
row("tensors without bytes", saved({"x": torch.zeros(1).expand(10**9)}), "tensors of at most")
row("tensors by number", saved(OrderedDict({1: torch.zeros(2)})), "tensors by name")


def safetensors(header: Any, data: bytes = b"") -> Maker:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return raw("model.safetensors", len(text).to_bytes(8, "little") + text + data)


def entry(start: int, end: int, shape: Any = (2,), dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape) if isinstance(shape, tuple) else shape, "data_offsets": [start, end]}


WRONG = ("safetensors file", "damaged")
row(
    "a header of 2**31 bytes",
    raw("x.safetensors", (2**31).to_bytes(8, "little") + b'{"a": 1}' * 9),
    "a header of 2147483648",
)
row("a header of no JSON", safetensors(b'{"a": ' + b"x" * 40), "JSON")
row("a header that is a list", safetensors(b'{"a": [1, 2]}' + b" " * 9), *WRONG)
row("tensors that overlap", safetensors({"a": entry(0, 8), "b": entry(4, 12)}, bytes(12)), *WRONG, "'b'")
row("a gap between tensors", safetensors({"a": entry(4, 12)}, bytes(12)), *WRONG)
row("a tensor behind the end", safetensors({"a": entry(0, 4 * 10**9, (10**9,))}, bytes(8)), *WRONG)
row("a tensor of negative size", safetensors({"a": entry(0, 8, (-2,))}, bytes(8)), *WRONG)
row("a tensor of half a size", safetensors({"a": entry(0, 8, [2.0])}, bytes(8)), *WRONG)
row("a tensor of no type", safetensors({"a": entry(0, 8, (2,), "OBJECT")}, bytes(8)), *WRONG, "OBJECT")
row("a tensor of 10**10 sizes", safetensors({"a": entry(0, 8, (1,) * 1000)}, bytes(8)), *WRONG)
row("a tensor of negative offsets", safetensors({"a": entry(-8, 0)}, bytes(8)), *WRONG)
row("safetensors of weights alone", safetensors({"a": entry(0, 8)}, bytes(8)), "weights alone")

# --- other things ----------------------------------------------------------------------------------------------------
for _suffix in (".keras", ".h5", ".pt", ".safetensors"):
    row(f"the first half of {_suffix}", damaged(_suffix, lambda data: data[: len(data) // 2]), "expected")
    row(f"{_suffix} without the end", damaged(_suffix, lambda data: data[:-1]), "expected")
    row(f"the first bytes of {_suffix}", damaged(_suffix, lambda data: data[:12]), "expected")
    row(f"an empty {_suffix}", raw(f"model{_suffix}", b""), "an empty file", "again")
    row(
        f"a page as {_suffix}",
        raw(f"model{_suffix}", b"\n<!DOCTYPE html><html>404</html>"),
        "HTML or XML page",
        "download",
    )
    row(f"text as {_suffix}", raw(f"model{_suffix}", b"version https://git-lfs.github.com/spec/v1\n"), "another kind")
row("JSON", raw("model.keras", b'{"class_name": "Sequential"}'), "another kind")


def folder(path: Path) -> Path:
    (path / "model").mkdir()
    return path / "model"


def saved_model(path: Path) -> Path:
    (folder(path) / "saved_model.pb").write_bytes(b"x")
    return path / "model"


def pipe(path: Path) -> Path:
    os.mkfifo(path / "model.h5")
    return path / "model.h5"


row("an empty folder", folder, "a folder without model.keras")
row("a SavedModel", saved_model, "a TensorFlow SavedModel")
row("a pipe", pipe, "a pipe or a device")
