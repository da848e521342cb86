"""Picture files that are damaged, odd or missing: each error names the file."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

import cases_images as cases
import kerastorch as keras
from kerastorch.preprocessing import image
from kerastorch.preprocessing.image import DirectoryIterator, ImageDataGenerator, img_to_array, load_img

PIXELS = cases.SIX[0].astype("uint8")


def written(path: Path, picture: Image.Image | None = None, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (picture or Image.fromarray(np.kron(PIXELS, np.ones((9, 9, 1), "uint8")))).save(path, **options)
    return path


def truncated(path: Path) -> Path:
    content = written(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(path: Path, width: int = 60_000, height: int = 60_000) -> Path:
    """A PNG of a few bytes that says that it is very large."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b""))
    return path


# --- one file ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["half.png", "half.jpg"])
def test_truncated_files(tmp_path: Path, name: str) -> None:
    path = truncated(tmp_path / name)
    with pytest.raises(OSError, match=f"expected a whole picture; received '.*{name}', which cannot be decoded"):
        load_img(path)


@pytest.mark.parametrize("content", [b"", b"this is a text\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"\0" * 30])
def test_files_that_are_no_pictures(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.jpg"
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"load_img: expected a (whole )?picture; received '.*text\.jpg'"):
        load_img(path)


def test_the_errors_of_pil_are_caught_as_before(tmp_path: Path) -> None:
    path = tmp_path / "text.jpg"
    path.write_text("no picture")
    with pytest.raises(UnidentifiedImageError, match="received '.*text.jpg', whose content is none that PIL knows"):
        load_img(path)


@pytest.mark.filterwarnings("ignore")  # PIL warns of some of them
def test_damaged_bytes_never_bring_another_error(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for ending in ("png", "jpg", "gif", "bmp", "tiff", "webp", "ppm"):
        whole = written(tmp_path / f"whole.{ending}").read_bytes()
        path = tmp_path / f"damaged.{ending}"
        for _ in range(40):
            content = bytearray(whole)
            for place in generator.integers(0, len(content), 8):
                content[place] = generator.integers(0, 256)
            path.write_bytes(content[: generator.integers(1, len(content) + 1)])
            try:
                load_img(path)
            except OSError as error:
                assert f"damaged.{ending}" in str(error)
            except ValueError as error:
                assert "at most" in str(error)


def test_decompression_bombs_are_refused_before_decoding(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.png")
    with pytest.raises(ValueError, match=r"expected a picture of at most [\d,]+ pixels; received '.*bomb\.png'"):
        load_img(path, target_size=(8, 8))


def test_no_file_starts_another_program(tmp_path: Path) -> None:
    path = tmp_path / "drawing.jpg"
    Image.fromarray(PIXELS).save(path, "EPS")
    with pytest.raises(OSError, match=r"received '.*drawing\.jpg', which cannot be decoded: EPS files are programs"):
        load_img(path)


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent.png"):
        load_img(tmp_path / "absent.png")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        load_img(tmp_path)
    locked = written(tmp_path / "locked.png")
    locked.chmod(0)
    if not os.access(locked, os.R_OK):  # it is readable for root
        with pytest.raises(PermissionError, match="locked.png"):
            load_img(locked)


def test_what_is_no_path() -> None:
    with pytest.raises(TypeError, match="load_img: expected a path or an io.BytesIO; received 3"):
        load_img(3)
    with pytest.raises(ValueError, match=r"expected color_mode as one of .*; received 'bgr'"):
        load_img("a.png", color_mode="bgr")
    with pytest.raises(ValueError, match=r"expected interpolation as one of .*; received 'cubic'"):
        load_img("a.png", interpolation="cubic")
    with pytest.warns(UserWarning, match="expected color_mode='grayscale'; received grayscale=True"):
        buffer = io.BytesIO()
        Image.fromarray(PIXELS).save(buffer, "png")
        assert load_img(buffer, grayscale=True).mode == "L"


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_paths_of_every_kind(tmp_path: Path, kind: Any) -> None:
    np.testing.assert_array_equal(
        img_to_array(load_img(kind(str(written(tmp_path / "ü.bmp", Image.fromarray(PIXELS)))))), PIXELS
    )


# --- odd pictures, as tf.keras reads them ------------------------------------------------------------------------


def test_modes_become_rgb(tmp_path: Path) -> None:
    grey = Image.fromarray(PIXELS[:, :, 0])
    for name, picture in {
        "grey.png": grey,
        "palette.png": Image.fromarray(PIXELS).quantize(16),
        "cmyk.jpg": Image.fromarray(PIXELS).convert("CMYK"),
        "clear.png": Image.fromarray(PIXELS).convert("RGBA"),
        "one.gif": Image.fromarray(PIXELS),
        "bits.png": grey.convert("1"),
    }.items():
        path = written(tmp_path / name, picture)
        with Image.open(path) as opened:
            wanted = np.asarray(opened.convert("RGB"))
        np.testing.assert_array_equal(img_to_array(load_img(path)), wanted, err_msg=name)


def test_a_moving_gif_gives_its_first_picture(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    path = written(tmp_path / "moving.gif", frames[0], save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(img_to_array(load_img(path))[0, 0], [255, 0, 0])


def test_16_bits_stay_in_grey(tmp_path: Path) -> None:
    deep = np.array([[0, 255], [256, 65535]], "uint16")
    path = written(tmp_path / "deep.png", Image.fromarray(deep))
    np.testing.assert_array_equal(img_to_array(load_img(path, color_mode="grayscale"))[..., 0], deep)
    assert img_to_array(load_img(path)).max() <= 255


def test_cameras_rotation_is_not_applied(tmp_path: Path) -> None:
    picture = Image.fromarray(PIXELS)
    exif = picture.getexif()
    exif[0x0112] = 6
    assert load_img(written(tmp_path / "turned.jpg", picture, exif=exif)).size == picture.size


def test_one_pixel(tmp_path: Path) -> None:
    written(tmp_path / "a" / "dot.png", Image.new("RGB", (1, 1), (10, 20, 30)))
    flow = ImageDataGenerator(rotation_range=90, zoom_range=0.5, width_shift_range=0.5).flow_from_directory(
        tmp_path, target_size=(1, 1), class_mode=None
    )
    np.testing.assert_allclose(next(flow)[0, 0, 0], [10, 20, 30], atol=1e-4)
    assert ImageDataGenerator().flow_from_directory(tmp_path, target_size=(5, 3), class_mode=None)[0].shape == (
        1,
        5,
        3,
        3,
    )


def test_round_trip_of_save_img(tmp_path: Path) -> None:
    image.save_img(tmp_path / "a.png", cases.SIX[0].astype("uint8"), scale=False)
    np.testing.assert_array_equal(img_to_array(load_img(tmp_path / "a.png")), PIXELS)
    with pytest.warns(UserWarning, match="save_img: JPEG files have no transparency"):
        image.save_img(tmp_path / "b.jpg", np.ones((4, 4, 4)), file_format="jpg")
    with pytest.raises(ValueError, match=r"array_to_img: expected 1, 3 or 4 channels; received 9"):
        image.array_to_img(cases.channels_first(cases.SIX)[0])
    with pytest.raises(ValueError, match=r"expected one picture of rank 3; received shape \(6, 7, 9, 3\)"):
        image.array_to_img(cases.SIX)
    with pytest.raises(ValueError, match=r"img_to_array: expected a picture of rank 2 or 3; received one of shape"):
        img_to_array(np.ones((1, 2, 2, 1)))


def test_smart_resize_of_tensors_and_errors() -> None:
    import torch

    found = image.smart_resize(torch.from_numpy(cases.SIX), (4, 4))
    assert isinstance(found, torch.Tensor)
    np.testing.assert_array_equal(found.numpy(), image.smart_resize(cases.SIX, (4, 4)))
    for arguments, text in (
        ((cases.SIX, (4,)), r"expected size as \(height, width\)"),
        ((np.ones(3), (4, 4)), "of rank 3 or a batch of rank 4"),
        ((cases.SIX, (4, 4), "cubic"), "smart_resize: expected interpolation as one of"),
    ):
        with pytest.raises(ValueError, match=text):
            image.smart_resize(*arguments)


# --- folders -----------------------------------------------------------------------------------------------------


def test_hidden_files_and_folders_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("cats/a.png", "cats/._a.png", "cats/.copies/a.png", "dogs/b.png", ".checkpoints/c.png"):
        written(tmp_path / name)
    flow = ImageDataGenerator().flow_from_directory(tmp_path)
    assert flow.filenames == [os.path.join("cats", "a.png"), os.path.join("dogs", "b.png")]
    assert capsys.readouterr().out == "Found 2 images belonging to 2 classes.\n"


def test_folders_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected pictures .* received 0 folders without one"):
        ImageDataGenerator().flow_from_directory(tmp_path)
    written(tmp_path / "a.png")
    with pytest.raises(ValueError, match="one folder for each class; received 0 folders .* pass the folder above"):
        ImageDataGenerator().flow_from_directory(tmp_path)
    (tmp_path / "empty").mkdir()
    written(tmp_path / "cats" / "a.png")
    with pytest.warns(UserWarning, match="expected pictures for each class; found none in '.*empty'"):
        assert ImageDataGenerator().flow_from_directory(tmp_path).class_indices == {"cats": 0, "empty": 1}
    with pytest.raises(
        FileNotFoundError, match="expected the path of a folder; received '.*absent', which is not there"
    ):
        ImageDataGenerator().flow_from_directory(tmp_path / "absent")
    with pytest.raises(NotADirectoryError, match="received '.*a.png', which is a file"):
        ImageDataGenerator().flow_from_directory(tmp_path / "a.png")


def test_links_are_followed_where_they_should_be(tmp_path: Path) -> None:
    written(tmp_path / "elsewhere" / "b.png")
    written(tmp_path / "pets" / "cats" / "a.png")
    (tmp_path / "pets" / "cats" / "link").symlink_to(tmp_path / "elsewhere")
    counts = [
        ImageDataGenerator().flow_from_directory(tmp_path / "pets", follow_links=follow).samples
        for follow in (False, True)
    ]
    assert counts == [1, 2]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"class_mode": "one-hot"}, "expected class_mode as one of .*; received 'one-hot'"),
        ({"target_size": 64}, r"expected target_size as \(height, width\); received 64"),
        ({"color_mode": "hsv"}, "expected color_mode as one of .*; received 'hsv'"),
        ({"interpolation": "cubic"}, "expected interpolation as one of"),
        ({"subset": "test"}, "expected subset as one of"),
        ({"on_bad_image": "ignore"}, "expected on_bad_image as 'error' or 'skip'; received 'ignore'"),
    ],
)
def test_folder_options_that_cannot_be(tmp_path: Path, options: dict[str, Any], text: str) -> None:
    written(tmp_path / "cats" / "a.png")
    with pytest.raises(ValueError, match=f"DirectoryIterator: {text}"):
        ImageDataGenerator(validation_split=0.5).flow_from_directory(tmp_path, **options)


def damaged_tree(root: Path) -> Path:
    for number in range(9):
        written(root / ("cats", "dogs")[number % 2] / f"{number}.png")
    truncated(root / "cats" / "2.png")
    (root / "dogs" / "3.jpg").write_text("no picture")
    bomb(root / "dogs" / "4.png")
    return root


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    flow = ImageDataGenerator().flow_from_directory(damaged_tree(tmp_path), batch_size=11, shuffle=False)
    with pytest.raises(OSError, match=r"received '.*2\.png', which cannot be decoded"):
        flow[0]
    model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(OSError, match=r"DirectoryIterator: batch 0 could not be made: .*2\.png"):
        model.fit(flow, verbose=0)
    with pytest.raises(OSError, match=r"DirectoryIterator: batch 0 could not be made: .*2\.png"):
        model.fit(flow, verbose=0, workers=2, use_multiprocessing=True)


def test_damaged_files_are_skipped_and_counted(tmp_path: Path) -> None:
    root = damaged_tree(tmp_path)
    flow = ImageDataGenerator().flow_from_directory(
        root, batch_size=6, shuffle=False, target_size=(8, 8), class_mode="sparse", on_bad_image="skip"
    )
    assert flow.samples == 11
    x, y = flow[0]
    assert x.shape == (5, 8, 8, 3) and y.tolist() == [0, 0, 0, 0, 1]
    assert flow[1][1].tolist() == [1, 1, 1]
    with pytest.warns(UserWarning, match=r"3 of 11 pictures could not be read and were left out: .*2\.png, .*3\.jpg, "):
        flow.on_epoch_end()
    flow[0]
    flow.on_epoch_end()  # they are counted once


def test_a_batch_of_damaged_files_alone_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / "cats" / name).write_text("")
    flow = ImageDataGenerator().flow_from_directory(tmp_path, on_bad_image="skip")
    with pytest.raises(OSError, match=r"expected at least one readable picture in a batch; received '.*a\.png'"):
        next(flow)


def test_formats_that_are_not_listed_are_left_out(tmp_path: Path) -> None:
    written(tmp_path / "cats" / "a.gif")
    written(tmp_path / "cats" / "b.png")
    with pytest.warns(UserWarning, match=".tiff files of several bands"):
        written(tmp_path / "cats" / "c.tiff")
        assert len(DirectoryIterator(tmp_path, ImageDataGenerator()).filenames) == 2


# --- tables ------------------------------------------------------------------------------------------------------


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return cases.make_tree(tmp_path)


def test_missing_files_are_named(pets: Path) -> None:
    generator = ImageDataGenerator()
    table = cases.table(dict)
    with pytest.warns(UserWarning, match=r"Found 2 invalid image filename\(s\) in x_col=\"file\".*'cats/absent.png'"):
        assert generator.flow_from_dataframe(table, pets, x_col="file", y_col="kind").samples == 6
    flow = generator.flow_from_dataframe(
        table, pets, x_col="file", y_col="kind", validate_filenames=False, shuffle=False
    )
    assert flow.samples == 8
    with pytest.raises(FileNotFoundError, match="cats/absent.png"):
        flow[0]
    skipping = generator.flow_from_dataframe(
        table, pets, "file", "kind", validate_filenames=False, on_bad_image="skip", weight_col="weight", shuffle=False
    )
    x, y, w = skipping[0]
    assert len(x) == len(y) == 6 and w.tolist() == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"x_col": "names"}, ValueError, "expected the name of a column; received 'names'. Known: age, file"),
        ({"x_col": "age"}, TypeError, "expected strings in x_col='age'; received 1.5"),
        ({"y_col": "age"}, TypeError, "expected strings, or lists of them, in y_col='age'"),
        ({"y_col": "kinds", "class_mode": "sparse"}, TypeError, "expected strings in y_col='kinds'"),
        ({"class_mode": "binary"}, ValueError, "expected 2 classes for class_mode='binary'; received 3: .*'bird'"),
        ({"class_mode": "multi_output"}, TypeError, "expected a list of columns as y_col"),
        ({"weight_col": "kind"}, TypeError, "expected numbers in weight_col='kind'"),
        ({"class_mode": "labels"}, ValueError, "expected class_mode as one of"),
        ({"directory": "nowhere"}, ValueError, "expected names of picture files in x_col='file' below 'nowhere'"),
        ({"dataframe": 3}, TypeError, "expected a data frame or a dict of columns; received 3"),
        ({"has_extension": True}, TypeError, r"expected arguments that it knows; received \['has_extension'\]"),
    ],
)
@pytest.mark.filterwarnings("ignore:Found .* invalid image filename")
def test_tables_that_cannot_be(pets: Path, options: dict[str, Any], kind: type, text: str) -> None:
    given = {"dataframe": cases.table(dict), "directory": pets, "x_col": "file", "y_col": "kind", **options}
    with pytest.raises(kind, match=text):
        ImageDataGenerator().flow_from_dataframe(**given)


@pytest.mark.filterwarnings("ignore:Found .* invalid image filename")
def test_earlier_words_of_tables(pets: Path) -> None:
    table = cases.table(dict)
    with pytest.warns(DeprecationWarning, match="expected class_mode='raw'; received 'other'"):
        flow = ImageDataGenerator().flow_from_dataframe(table, pets, "file", "age", class_mode="other")
    assert flow.class_mode == "raw"
    with pytest.warns(DeprecationWarning, match="expected no has_ext; it does nothing"):
        ImageDataGenerator().flow_from_dataframe(table, pets, "file", "kind", has_ext=True)
    with pytest.warns(UserWarning, match="class_mode=None takes no notice of `classes`"):
        ImageDataGenerator().flow_from_dataframe(table, pets, "file", classes=["cat"], class_mode=None)
