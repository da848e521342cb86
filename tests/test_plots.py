"""Pictures of models and of training: what is in them, and the files that they are written to."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import kerastorch as keras
from kerastorch.layers import LSTM, Add, Bidirectional, Conv2D, Dense, Flatten, Input, MaxPooling2D, concatenate
from kerastorch.models import Model, Sequential
from kerastorch.utils import model_to_dot, plot_history, plot_model
from kerastorch.utils.drawing import Drawing
from kerastorch.utils.graph_layout import Layout

SVG = "{http://www.w3.org/2000/svg}"


def words(picture: Drawing) -> list[str]:
    """The texts of a picture, in order; the SVG is read back by a parser of XML."""
    return [element.text for element in ElementTree.fromstring(picture.svg()).iter(f"{SVG}text")]


def arrows(picture: Drawing) -> int:
    return len(list(ElementTree.fromstring(picture.svg()).iter(f"{SVG}polygon")))


def stack() -> Any:
    return Sequential(
        [
            Conv2D(3, 3, activation="relu", input_shape=(8, 8, 1), name="conv"),
            MaxPooling2D(name="pool"),
            Flatten(name="flat"),
            Dense(2, activation="softmax", name="out"),
        ]
    )


def test_names_classes_and_arrows() -> None:
    picture = plot_model(stack(), to_file=None)
    assert words(picture) == [
        "conv_input: InputLayer",
        "conv: Conv2D",
        "pool: MaxPooling2D",
        "flat: Flatten",
        "out: Dense",
    ]
    assert arrows(picture) == 4
    assert words(plot_model(stack(), None, show_layer_names=False))[1:3] == ["Conv2D", "MaxPooling2D"]


def test_shapes_dtypes_activations_and_trainable() -> None:
    model = stack()
    model.layers[0].trainable = False
    texts = words(plot_model(model, None, True, show_dtype=True, show_layer_activations=True, show_trainable=True))
    assert texts[:5] == [
        "conv_input: InputLayer",
        "dtype: float32",
        "input: [(None, 8, 8, 1)]",
        "output: [(None, 8, 8, 1)]",
        "trainable",
    ]
    assert texts[5:10] == [
        "conv: Conv2D | relu",
        "dtype: float32",
        "input: (None, 8, 8, 1)",
        "output: (None, 6, 6, 3)",
        "not trainable",
    ]


def branching() -> Any:
    inputs = Input((4,), name="first"), Input((4,), name="second")
    shared = Dense(3, name="shared")
    both = concatenate([shared(inputs[0]), shared(inputs[1])], name="both")
    return Model(inputs, [Dense(1, name="one")(both), Add(name="sum")([both, Dense(6, name="six")(both)])])


def test_a_graph_has_each_layer_once_and_each_arrow() -> None:
    picture = plot_model(branching(), None, show_shapes=True)
    titles = [text for text in words(picture) if not re.match("input|output", text)]
    assert sorted(titles) == sorted(
        ["first: InputLayer", "second: InputLayer", "shared: Dense", "both: Concatenate", "one: Dense", "six: Dense"]
        + ["sum: Add"]
    )
    assert arrows(picture) == 7
    assert "input: [(None, 3), (None, 3)]" in words(picture)


def places(picture: Drawing) -> dict[str, tuple[float, float]]:
    return {options["words"].split(":")[0]: options["place"] for kind, options in picture.shapes if kind == "text"}


@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_arrows_go_one_way(rankdir: str) -> None:
    picture = plot_model(branching(), None, rankdir=rankdir)
    axis, sign = (1 if rankdir in ("TB", "BT") else 0), (1 if rankdir in ("TB", "LR") else -1)
    found = places(picture)
    order = [sign * found[name][axis] for name in ("first", "shared", "both", "six", "sum")]
    assert order == sorted(order) and len(set(order)) == 5
    for _, options in picture.shapes:
        for x, y in options.get("points", [options.get("place", options.get("start"))]):
            assert 0 <= x <= picture.width and 0 <= y <= picture.height


def boxes(picture: Drawing) -> list[tuple[float, float, float, float]]:
    return [
        (*options["start"], *options["end"])
        for kind, options in picture.shapes
        if kind == "rectangle" and options["fill"] != "none"
    ]


def test_boxes_do_not_touch_and_hold_their_words() -> None:
    base = keras.applications.MobileNetV2(weights=None, alpha=0.35, include_top=False, input_shape=(32, 32, 3))
    for model in (branching(), base):
        picture = plot_model(model, None, show_shapes=True)
        found = boxes(picture)
        assert len(found) == len(model.layers)
        for place, (x0, y0, x1, y1) in enumerate(found):
            for a0, b0, a1, b1 in found[:place]:
                assert x1 < a0 or a1 < x0 or y1 < b0 or b1 < y0
        for kind, options in picture.shapes:
            if kind == "text":
                x, y = options["place"]
                assert any(x0 < x < x1 and y0 < y < y1 for x0, y0, x1, y1 in found)


def test_models_inside_are_one_box_or_a_frame_of_boxes() -> None:
    model = Sequential([stack(), Dense(1, name="last")])
    model.layers[0]._name = "base"
    inner = model.layers[0]
    assert f"{inner.name}: Sequential" in words(plot_model(model, None))
    texts = words(plot_model(model, None, expand_nested=True))
    assert inner.name in texts and f"{inner.name}: Sequential" not in texts
    assert {"conv: Conv2D", "flat: Flatten", "out: Dense", "last: Dense"} <= set(texts)


def test_wrappers_say_what_they_hold_and_ranges_cut() -> None:
    model = Sequential([Bidirectional(LSTM(2), input_shape=(3, 4), name="both"), Dense(2, name="out")])
    assert words(plot_model(model, None))[1] == "both: Bidirectional(LSTM)"
    assert words(plot_model(stack(), None, layer_range=["pool", "flat"])) == ["pool: MaxPooling2D", "flat: Flatten"]


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    picture = plot_model(stack(), show_shapes=True)
    with Image.open("model.png") as image:
        assert image.size == (round(picture.width), round(picture.height))
        pixels = np.asarray(image)
        assert (pixels == [207, 230, 255]).all(-1).sum() > 500  # the box of the convolution
        assert pixels.min() < 60  # words
    plot_model(stack(), "twice.png", show_shapes=True, dpi=192)
    with Image.open("twice.png") as image:
        assert image.size == pytest.approx((2 * picture.width, 2 * picture.height), abs=1)
    plot_model(stack(), tmp_path / "model.svg", show_shapes=True)
    assert Path("model.svg").read_text() == picture.svg() == picture._repr_svg_()
    plot_model(stack(), "model.pdf")
    assert Path("model.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match="expected a file name that ends with '.svg', '.png', '.jpg' or '.pdf'; recei"):
        plot_model(stack(), "model.docx")


def test_without_a_font_an_svg_lies_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def image(self: Drawing, dpi: int) -> None:
        raise ImportError("The _imagingft C module is not installed")

    monkeypatch.setattr(Drawing, "image", image)
    monkeypatch.chdir(tmp_path)
    plot_model(stack())
    assert (
        capsys.readouterr().out == "plot_model: model.png needs Pillow 10.1 or later; model.svg has the same picture.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["model.svg"]


def test_the_old_path_and_what_is_refused() -> None:
    assert keras.utils.vis_utils.plot_model is plot_model
    with pytest.raises(
        ValueError, match="Sequential 'empty': expected a model that is built; received one whose layer"
    ):
        plot_model(Sequential([Dense(2)], name="empty"), None)
    with pytest.raises(ValueError, match="expected rankdir to be 'TB', 'LR', 'BT' or 'RL'; received rankdir='UP'"):
        plot_model(stack(), None, rankdir="UP")
    with pytest.raises(ValueError, match="expected layer_range to name layers of the model; received 'nope'"):
        plot_model(stack(), None, layer_range=["nope", "flat"])


def test_a_model_that_defines_call_is_one_box() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__(name="own")
            self.dense = Dense(2)

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs)

    model = Own()
    model(np.zeros((1, 3), "float32"))
    assert words(plot_model(model, None)) == ["own: Own"]


def test_layouts_of_long_edges_go_past_boxes() -> None:
    sizes = dict.fromkeys("abcd", (40.0, 20.0))
    layout = Layout(sizes, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    way = layout.paths["a", "d"]
    for one in "bc":
        (x, y), (wide, high) = layout.places[one], sizes[one]
        beside = [px for px, py in way if abs(py - y) <= high / 2]
        assert beside and all(abs(px - x) > wide / 2 for px in beside)


@pytest.mark.skipif(importlib.util.find_spec("pydot") is None, reason="needs pydot")
def test_model_to_dot() -> None:
    dot = model_to_dot(stack(), show_shapes=True)
    assert [(edge.get_source(), edge.get_destination()) for edge in dot.get_edges()] == [
        ('"conv_input"', '"conv"'), ('"conv"', '"pool"'), ('"pool"', '"flat"'), ('"flat"', '"out"'),
    ]  # fmt: skip
    assert "{conv: Conv2D|input: (None, 8, 8, 1)|output: (None, 6, 6, 3)}" in dot.to_string()


@pytest.mark.skipif(importlib.util.find_spec("pydot") is not None, reason="pydot is here")
def test_model_to_dot_needs_pydot() -> None:
    with pytest.raises(ImportError, match="model_to_dot: expected pydot, whose objects it returns; received no such p"):
        model_to_dot(stack())


# --- training --------------------------------------------------------------------------------------------------------

LOGS = {"loss": [2.0, 1.0, 0.5], "accuracy": [0.25, 0.5, 0.75], "val_loss": [2.0, 1.5, float("nan")]}


def curves(picture: Drawing) -> list[list[tuple[float, float]]]:
    return [options["points"] for kind, options in picture.shapes if kind == "line" and options["weight"] == 2.0]


def test_history_has_a_panel_for_each_name_with_its_validation(tmp_path: Path) -> None:
    picture = plot_history(LOGS, to_file=tmp_path / "history.png")
    texts = words(picture)
    assert [texts.count(name) for name in ("loss", "accuracy", "validation", "training", "epoch")] == [1, 1, 1, 1, 2]
    loss, label, val_loss, _, accuracy = curves(picture)
    assert [len(curve) for curve in (loss, val_loss, accuracy)] == [3, 2, 3]
    heights = [y for _, y in loss]
    assert heights == sorted(heights)  # y goes down as the loss does
    assert (heights[1] - heights[0]) == pytest.approx(2 * (heights[2] - heights[1]))
    assert [y for _, y in accuracy] == sorted((y for _, y in accuracy), reverse=True)
    with Image.open(tmp_path / "history.png") as image:
        assert image.size == (760, 260)


def test_history_of_fit_and_chosen_names() -> None:
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(np.ones((4, 2)), np.ones(4), epochs=1, verbose=0)
    assert "mae" in words(plot_history(history))
    assert "mae" not in words(plot_history(history, ["loss"]))
    with pytest.raises(ValueError, match=r"expected names among \['loss', 'mae'\]; received 'acc'"):
        plot_history(history, ["acc"])
    with pytest.raises(ValueError, match="expected the history of at least one epoch; received an empty one"):
        plot_history({"loss": []})
