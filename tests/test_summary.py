"""Summaries, byte for byte."""

from __future__ import annotations

import pytest

import kerastorch as keras
from cases_models import SUMMARIES
from support import GOLDEN

EVERY = pytest.mark.parametrize("name", SUMMARIES)


def golden_text(name: str) -> str:
    return (GOLDEN / "summaries" / f"{name}.txt").read_text()


@EVERY
def test_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = SUMMARIES[name](keras)
    capsys.readouterr()
    assert model.summary() is None
    assert capsys.readouterr().out == golden_text(name)


@EVERY
def test_print_fn_gets_the_lines(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    SUMMARIES[name](keras).summary(print_fn=lines.append)
    assert "\n".join(lines) + "\n" == golden_text(name)
    assert capsys.readouterr().out == ""


def test_line_length() -> None:
    lines: list[str] = []
    SUMMARIES["course_cnn"](keras).summary(line_length=100, print_fn=lines.append)
    text = "\n".join(lines)
    assert lines[1] == "_" * 100
    # Wider columns leave the long names whole.
    assert " max_pooling2d_1 (MaxPooling2D)" in text
    assert len([line for line in lines if line.startswith(" ") and line.strip()]) == 8


def test_unbuilt_model_says_what_to_do() -> None:
    model = keras.Sequential([keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="build"):
        model.summary()


def test_frozen_layers_count_as_non_trainable() -> None:
    model = SUMMARIES["course_cnn"](keras)
    model.layers[0].trainable = False
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert lines[-4:-1] == ["Total params: 113,386", "Trainable params: 113,066", "Non-trainable params: 320"]


def test_show_trainable_and_nested() -> None:
    inner = keras.Sequential([keras.layers.Dense(3, input_shape=(2,))], name="inner")
    inner.trainable = False
    model = keras.Sequential([inner, keras.layers.Dense(1)], name="outer")
    lines: list[str] = []
    model.summary(print_fn=lines.append, expand_nested=True, show_trainable=True)
    text = "\n".join(lines)
    assert lines[0] == 'Model: "outer"'
    assert "Trainable" in lines[2]
    assert [line.split()[-1] for line in lines if line.startswith((" inner", " dense_1"))] == ["N", "Y"]
    assert any(line.startswith("|") and "dense (Dense)" in line for line in lines), text
