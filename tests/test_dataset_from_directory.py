"""Data sets of folders: pictures, bad files, and what is refused."""

from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

import kerastorch as keras
from kerastorch.data import ElementError
from kerastorch.utils import (
    audio_dataset_from_directory,
    image_dataset_from_directory,
    split_dataset,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)


@pytest.fixture
def pets(tmp_path):
    """Five cats of rising brightness and three dogs, of different sizes and kinds."""
    for name, count in (("cats", 5), ("dogs", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = np.full((6 + number, 8, 3), 10 * number + 100 * (name == "dogs"), dtype="uint8")
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    (tmp_path / "cats" / ".note.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def test_pictures_with_their_labels(pets, capsys):
    dataset = image_dataset_from_directory(pets, image_size=(4, 5), batch_size=3, shuffle=False)
    assert capsys.readouterr().out == "Found 8 files belonging to 2 classes.\n"
    assert dataset.class_names == ["cats", "dogs"] and len(dataset) == 3
    assert [os.path.basename(path) for path in dataset.file_paths] == [f"{n}.png" for n in (0, 1, 2, 3, 4, 0, 1, 2)]
    batches = list(dataset)
    assert [x.shape for x, _ in batches] == [(3, 4, 5, 3), (3, 4, 5, 3), (2, 4, 5, 3)]
    assert [y.tolist() for _, y in batches] == [[0, 0, 0], [0, 0, 1], [1, 1]]
    assert np.concatenate([x[:, 0, 0, 0] for x, _ in batches]).tolist() == [0, 10, 20, 30, 40, 100, 110, 120]
    assert str(dataset.element_spec[0].shape) == "(None, 4, 5, 3)" and str(batches[0][0].dtype) == "torch.float32"


def test_parts_with_one_seed_share_no_file(pets, capsys):
    options = {"image_size": (4, 4), "validation_split": 0.25, "seed": 7, "batch_size": 2}
    parts = {s: image_dataset_from_directory(pets, subset=s, **options) for s in ("training", "validation")}
    assert capsys.readouterr().out.splitlines()[1::2] == [
        "Using 6 files for training.",
        "Using 2 files for validation.",
    ]
    paths = [set(part.file_paths) for part in parts.values()]
    assert not paths[0] & paths[1] and len(paths[0] | paths[1]) == 8
    both = image_dataset_from_directory(pets, subset="both", **options)
    assert [set(part.file_paths) for part in both] == paths
    model = keras.Sequential([keras.layers.Flatten(input_shape=(4, 4, 3)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(parts["training"], validation_data=parts["validation"], epochs=1, verbose=0)


@pytest.mark.parametrize(("mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
def test_kinds_of_pictures_become_one(tmp_path, mode, channels):
    folder = tmp_path / "all"
    folder.mkdir()
    square = np.arange(64, dtype="uint8").reshape(8, 8) * 3
    Image.fromarray(square).save(folder / "a_gray.png")
    Image.fromarray((square.astype("uint16") << 8) + 5).save(folder / "b_16_bits.png")
    Image.fromarray(square).convert("P").save(folder / "c_palette.gif")
    Image.fromarray(np.stack([square] * 4, -1), "RGBA").save(folder / "d_alpha.png")
    Image.fromarray(np.stack([square] * 4, -1), "CMYK").save(folder / "e_cmyk.jpg")
    Image.fromarray(square[:1, :1]).save(folder / "f_tiny.bmp")
    dataset = image_dataset_from_directory(tmp_path, color_mode=mode, image_size=(8, 8), label_mode=None, shuffle=False)
    (batch,) = dataset
    assert batch.shape == (6, 8, 8, channels)
    if mode == "grayscale":
        assert np.array_equal(batch[0, ..., 0], square) and np.array_equal(batch[1, ..., 0], square)
    assert float(batch.min()) >= 0 and float(batch.max()) <= 255


def test_the_middle_is_cut_out(tmp_path):
    (tmp_path / "x").mkdir()
    wide = np.zeros((4, 12, 3), "uint8")
    wide[:, 4:8] = 200
    Image.fromarray(wide).save(tmp_path / "x" / "wide.png")
    options = {"image_size": (4, 4), "label_mode": None}
    for cut, lowest in (({"crop_to_aspect_ratio": True}, 200), ({"smart_resize": True}, 200), ({}, 0)):
        (batch,) = image_dataset_from_directory(tmp_path, **options, **cut)
        assert float(batch.min()) == lowest


def test_bad_pictures_are_named_or_skipped(pets, capsys):
    good = (pets / "cats" / "0.png").read_bytes()
    (pets / "cats" / "5.png").write_bytes(good[:40])
    (pets / "dogs" / "text.jpg").write_text("no picture at all")
    with pytest.raises(ElementError, match=r"map: expected element 5 .* received .*5\.png") as caught:
        list(image_dataset_from_directory(pets, image_size=(4, 4), shuffle=False))
    assert caught.value.index == 5
    capsys.readouterr()
    skipping = image_dataset_from_directory(pets, image_size=(4, 4), shuffle=False, on_bad_image="skip", batch_size=3)
    assert [y.tolist() for _, y in skipping] == [[0, 0, 0], [0, 0, 1], [1, 1]]
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Found 10 files belonging to 2 classes."
    assert printed[1].startswith("Skipped 2 of the files, which cannot be read: ") and "5.png" in printed[1]
    assert int(skipping.cardinality()) == -2


REFUSED = {
    "missing": (lambda d: image_dataset_from_directory(d / "no"), FileNotFoundError, "expected a directory; received"),
    "empty": (
        lambda d: image_dataset_from_directory(d / "dogs"),
        ValueError,
        "expected image files in .*; received none",
    ),
    "labels": (
        lambda d: image_dataset_from_directory(d, labels=[1]),
        ValueError,
        "expected one label for each of 8 files",
    ),
    "label kind": (
        lambda d: image_dataset_from_directory(d, labels="all"),
        ValueError,
        "expected labels to be 'inferred'",
    ),
    "own names": (
        lambda d: image_dataset_from_directory(d, labels=[0] * 8, class_names=["a"]),
        ValueError,
        "expected class_names with labels='inferred' alone",
    ),
    "names": (
        lambda d: image_dataset_from_directory(d, class_names=["a"]),
        ValueError,
        r"which are \['cats', 'dogs'\]",
    ),
    "mode": (lambda d: image_dataset_from_directory(d, label_mode="ints"), ValueError, "expected label_mode to be"),
    "binary": (
        lambda d: image_dataset_from_directory(d, labels=list(range(8)), label_mode="binary"),
        ValueError,
        "expected two classes with label_mode='binary'; received 8",
    ),
    "colours": (
        lambda d: image_dataset_from_directory(d, color_mode="bgr"),
        ValueError,
        "expected color_mode to be one",
    ),
    "size": (
        lambda d: image_dataset_from_directory(d, image_size=(3, 3, 3)),
        ValueError,
        "image_size as .height, width",
    ),
    "kernel": (lambda d: image_dataset_from_directory(d, interpolation="cubic"), ValueError, "expected interpolation"),
    "bad": (lambda d: image_dataset_from_directory(d, on_bad_image="no"), ValueError, "expected on_bad_image to be"),
    "argument": (
        lambda d: image_dataset_from_directory(d, colour=1),
        TypeError,
        "the arguments of its signature; received c",
    ),
    "split": (
        lambda d: text_dataset_from_directory(d, validation_split=2, subset="training", seed=1),
        ValueError,
        "between 0",
    ),
    "subset": (
        lambda d: text_dataset_from_directory(d, subset="training"),
        ValueError,
        "validation_split and subset tog",
    ),
    "which": (
        lambda d: text_dataset_from_directory(d, validation_split=0.5, subset="test", seed=1),
        ValueError,
        "expected subset to be 'training', 'validation', 'both' or None; received 'test'",
    ),
    "seed": (
        lambda d: text_dataset_from_directory(d, validation_split=0.5, subset="both"),
        ValueError,
        "expected a seed",
    ),
    "rate": (
        lambda d: audio_dataset_from_directory(d, sampling_rate=-1),
        ValueError,
        "expected sampling_rate as a pos",
    ),
    "ragged": (lambda d: audio_dataset_from_directory(d, ragged=True), ValueError, "expected ragged=False"),
    "no sizes": (lambda d: split_dataset(np.zeros(3)), ValueError, "expected left_size, right_size or both"),
    "large": (lambda d: split_dataset(np.zeros(3), left_size=3), ValueError, "from 1 to 2; received 3"),
    "both large": (lambda d: split_dataset(np.zeros(4), 3, 3), ValueError, "of at most 4 together"),
    "kind": (
        lambda d: split_dataset({"a": 1}, 0.5),
        TypeError,
        "expected an array, a list or tuple of arrays, or a Da",
    ),
    "lengths": (
        lambda d: split_dataset([np.zeros(3), np.zeros(2)], 1),
        ValueError,
        r"arrays of one length; received \[3, 2\]",
    ),
    "none": (lambda d: split_dataset(np.zeros(0), 1), ValueError, "expected data with samples; received none"),
    "step": (
        lambda d: timeseries_dataset_from_array([1, 2], None, 1, 5),
        ValueError,
        "expected sequence_stride from 1 to 1",
    ),
    "start": (
        lambda d: timeseries_dataset_from_array([1, 2], None, 1, start_index=4),
        ValueError,
        "expected start_index",
    ),
    "end": (
        lambda d: timeseries_dataset_from_array([1, 2], None, 1, end_index=0),
        ValueError,
        "expected end_index above",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name, pets):
    call, kind, text = REFUSED[name]
    for path in (pets / "dogs").iterdir() if name == "empty" else ():
        path.unlink()
    with pytest.raises(kind, match=text):
        call(pets)


def test_sounds_of_all_widths_and_rates(tmp_path):
    import wave

    line = np.array([0, 0.5, -0.5, 0.25])
    for width in (1, 2, 3, 4):
        whole = (line * 2 ** (8 * width - 1)).astype("int64") + (128 if width == 1 else 0)
        with wave.open(str(tmp_path / f"{width}.wav"), "wb") as file:
            file.setparams((2, width, 8000, 0, "NONE", ""))
            frames = [int(number).to_bytes(width, "little", signed=width > 1) for number in np.repeat(whole, 2)]
            file.writeframes(b"".join(frames))
    (batch,) = audio_dataset_from_directory(tmp_path, labels=None, shuffle=False)
    assert batch.shape == (4, 4, 2) and np.allclose(batch, np.tile(line[:, None], (4, 1, 2)))
    (batch,) = audio_dataset_from_directory(tmp_path, labels=None, sampling_rate=16000, output_sequence_length=10)
    assert batch.shape == (4, 10, 2) and not batch[:, 8:].any()
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    with pytest.raises(ElementError, match=r"expected a WAV file of whole numbers; received .*bad\.wav"):
        list(audio_dataset_from_directory(tmp_path, labels=None))
