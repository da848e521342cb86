"""Data sets: what each loader makes of its file, where it looks for one, and what it refuses."""

from __future__ import annotations

import gzip
import hashlib
import inspect
import io
import json
import os
import pickle
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kerastorch.core import config
from kerastorch.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    plain_pickle,
    reuters,
)
from kerastorch.datasets.download import cache_folders, extract_archive, get_file, validate_file


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of its own for each test, no network, no Debian package."""
    folder = tmp_path / "keras_home"
    monkeypatch.setenv("KERAS_HOME", str(folder))
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "debian")

    def refuse(url, timeout=None):
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    return folder


@pytest.fixture
def online(monkeypatch):
    """Lets get_file read file:// addresses through the real opener."""
    monkeypatch.undo()


def put(module, home, name, content, constant="FILE_HASH", monkeypatch=None):
    """Lay `content` into the cache as `name`, and make its hash the one that `module` expects."""
    path = home / "datasets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if monkeypatch is not None:
        monkeypatch.setattr(module, constant, hashlib.sha256(content).hexdigest())
    return path


def npz(**arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def idx(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes())


def lists(*texts):
    array = np.empty(len(texts), dtype=object)
    for row, text in enumerate(texts):
        array[row] = list(text)
    return array


# --- pictures ---------------------------------------------------------------------------------------------


def test_mnist_returns_the_arrays_of_the_file(home, monkeypatch):
    generator = np.random.RandomState(0)
    arrays = {
        "x_train": generator.randint(0, 256, (6, 28, 28)).astype("uint8"),
        "y_train": np.arange(6, dtype="uint8"),
        "x_test": generator.randint(0, 256, (2, 28, 28)).astype("uint8"),
        "y_test": np.array([9, 8], dtype="uint8"),
    }
    put(mnist, home, "mnist.npz", npz(**arrays), monkeypatch=monkeypatch)
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    for name, found in zip(arrays, (x_train, y_train, x_test, y_test), strict=True):
        np.testing.assert_array_equal(found, arrays[name])
        assert found.dtype == np.uint8


FASHION = {
    "train-images-idx3-ubyte.gz": np.arange(3 * 28 * 28, dtype="uint8").reshape(3, 28, 28),
    "train-labels-idx1-ubyte.gz": np.array([4, 0, 9], dtype="uint8"),
    "t10k-images-idx3-ubyte.gz": np.arange(7, 7 + 2 * 28 * 28, dtype=np.int64).astype("uint8").reshape(2, 28, 28),
    "t10k-labels-idx1-ubyte.gz": np.array([1, 2], dtype="uint8"),
}


def put_fashion(folder):
    folder.mkdir(parents=True)
    for name, array in FASHION.items():
        (folder / name).write_bytes(idx(array))


@pytest.mark.parametrize("place", ["keras_home/datasets/fashion-mnist", "debian"])
def test_fashion_mnist_reads_the_idx_files_of_the_cache_or_of_debian(tmp_path, place):
    put_fashion(tmp_path / place)
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    for name, found in zip(FASHION, (x_train, y_train, x_test, y_test), strict=True):
        np.testing.assert_array_equal(found, FASHION[name])
        assert found.dtype == np.uint8
        assert found.flags.writeable


def test_fashion_mnist_takes_the_cache_before_debian(tmp_path):
    put_fashion(tmp_path / "debian")
    put_fashion(tmp_path / "mine/datasets/fashion-mnist")
    labels = np.array([5, 5, 5], dtype="uint8")
    (tmp_path / "mine/datasets/fashion-mnist/train-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    (_, y_train), _ = fashion_mnist.load_data(cache_dir=tmp_path / "mine")
    np.testing.assert_array_equal(y_train, labels)


@pytest.mark.parametrize("content", [b"\0\0\x08\x01\0\0\0\x03\1\2", b"<html>not found</html>", b""])
def test_a_file_that_is_no_idx_file_is_named(tmp_path, content):
    put_fashion(tmp_path / "debian")
    (tmp_path / "debian/train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(content))
    with pytest.raises(
        ValueError,
        match=rf"^File 'train-labels-idx1-ubyte.gz': expected an idx file of bytes "
        rf"with 1 dimensions at .*; received {len(content)} bytes that begin",
    ):
        fashion_mnist.load_data()


@pytest.mark.slow
def test_the_whole_fashion_mnist_of_debian(monkeypatch):
    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        pytest.skip("the Debian package dataset-fashion-mnist is not installed")
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", folder)
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert np.bincount(y_train).tolist() == [6000] * 10 and np.bincount(y_test).tolist() == [1000] * 10
    assert y_train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert x_train.mean() == pytest.approx(72.940, abs=1e-3)


def python2_pickle(value):
    """A pickle as Python 2 wrote it: byte strings, NumPy's old module names."""

    class Writer(pickle._Pickler):
        dispatch = dict(pickle._Pickler.dispatch)

        def save_text(self, text):
            text = text.encode("latin1") if isinstance(text, str) else text
            self.write(pickle.BINSTRING + len(text).to_bytes(4, "little") + text)
            self.memoize(text)

        dispatch[bytes] = dispatch[str] = save_text

    buffer = io.BytesIO()
    Writer(buffer, protocol=2).dump(value)
    return buffer.getvalue().replace(b"numpy._core", b"numpy.core")


def tar_gz(**members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def cifar_batch(seed, **labels):
    pixels = np.random.RandomState(seed).randint(0, 256, (2, 3 * 32 * 32)).astype("uint8")
    return pixels, python2_pickle({"data": pixels, **labels, "batch_label": f"batch {seed}"})


def as_images(pixels):
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def put_cifar10(home, monkeypatch):
    batches = [cifar_batch(i, labels=[i, 9 - i]) for i in range(6)]
    names = ["test_batch", *(f"data_batch_{i}" for i in range(1, 6))]
    members = {f"cifar-10-batches-py/{name}": batch for name, (_, batch) in zip(names, batches, strict=True)}
    put(cifar10, home, "cifar-10-batches-py.tar.gz", tar_gz(**members), monkeypatch=monkeypatch)
    return [pixels for pixels, _ in batches]


def test_cifar10_unpacks_its_archive_and_joins_the_batches(home, monkeypatch):
    pixels = put_cifar10(home, monkeypatch)
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    np.testing.assert_array_equal(x_train, as_images(np.concatenate(pixels[1:])))
    np.testing.assert_array_equal(x_test, as_images(pixels[0]))
    assert y_train.tolist() == [[1], [8], [2], [7], [3], [6], [4], [5], [5], [4]]
    assert y_test.tolist() == [[0], [9]]
    assert x_train.dtype == y_train.dtype == y_test.dtype == np.uint8
    assert x_train.flags.c_contiguous


def test_cifar10_needs_no_archive_once_it_is_unpacked(home, monkeypatch):
    put_cifar10(home, monkeypatch)
    first = cifar10.load_data()
    (home / "datasets/cifar-10-batches-py.tar.gz").unlink()
    np.testing.assert_array_equal(cifar10.load_data()[0][0], first[0][0])
    (home / "datasets/cifar-10-batches-py/data_batch_3").unlink()
    with pytest.raises(
        ValueError,
        match="^File 'data_batch_3': expected a batch of CIFAR in the folder .*"
        "cifar-10-batches-py; received a folder without it. Delete the folder and load again.$",
    ):
        cifar10.load_data()


def test_cifar_images_follow_the_image_data_format(home, monkeypatch):
    pixels = put_cifar10(home, monkeypatch)
    monkeypatch.setattr(config.settings, "image_data_format", "channels_first")
    _, (x_test, _) = cifar10.load_data()
    np.testing.assert_array_equal(x_test, pixels[0].reshape(2, 3, 32, 32))


@pytest.mark.parametrize(("mode", "expected"), [("fine", [[99], [7]]), ("coarse", [[19], [3]])])
def test_cifar100_has_two_kinds_of_labels(home, monkeypatch, mode, expected):
    train, batch = cifar_batch(1, fine_labels=[99, 7], coarse_labels=[19, 3])
    _, test_batch = cifar_batch(2, fine_labels=[1, 2], coarse_labels=[3, 4])
    content = tar_gz(**{"cifar-100-python/train": batch, "cifar-100-python/test": test_batch})
    put(cifar100, home, "cifar-100-python.tar.gz", content, monkeypatch=monkeypatch)
    (x_train, y_train), _ = cifar100.load_data(mode)
    assert y_train.tolist() == expected and y_train.dtype == np.int64
    np.testing.assert_array_equal(x_train, as_images(train))


def test_cifar100_refuses_another_label_mode():
    with pytest.raises(
        ValueError, match="^Dataset 'cifar100': expected label_mode 'fine' or 'coarse'; received 'both'"
    ):
        cifar100.load_data("both")


# --- tables -----------------------------------------------------------------------------------------------


def put_table(module, home, name, monkeypatch, rows=10):
    x = np.arange(rows * 2, dtype="float64").reshape(rows, 2)
    put(module, home, name, npz(x=x, y=x[:, 0] / 2), monkeypatch=monkeypatch)


# The order of ten rows after the shuffle with seed 113, as Keras gives it.
ORDER_113 = [9, 3, 6, 1, 0, 7, 4, 8, 2, 5]


def test_boston_housing_shuffles_by_the_seed_and_splits(home, monkeypatch):
    put_table(boston_housing, home, "boston_housing.npz", monkeypatch)
    (x_train, y_train), (x_test, y_test) = boston_housing.load_data()
    assert y_train.tolist() + y_test.tolist() == ORDER_113
    assert len(y_test) == 2
    np.testing.assert_array_equal(x_test[:, 1], 2 * y_test + 1)
    (_, whole), (_, none) = boston_housing.load_data(test_split=0.0, seed=1)
    assert len(none) == 0 and sorted(whole) == list(range(10)) and whole.tolist() != ORDER_113


def test_california_housing_large_and_small(home, monkeypatch):
    put_table(california_housing, home, "california_housing.npz", monkeypatch, rows=610)
    (x_train, y_train), (x_test, y_test) = california_housing.load_data()
    assert x_train.shape == (488, 2) and sorted([*y_train, *y_test]) == list(range(610))
    (x_train, y_train), (_, y_test) = california_housing.load_data("small", test_split=0.5)
    assert len(y_train) == 300 and sorted([*y_train, *y_test]) == list(range(600))
    np.testing.assert_array_equal(x_train[:, 0], 2 * y_train)


@pytest.mark.parametrize("module", [boston_housing, california_housing])
@pytest.mark.parametrize("share", [1.0, -0.1])
def test_a_share_that_is_no_fraction_is_refused(module, share):
    with pytest.raises(ValueError, match=rf"expected 0 <= test_split < 1; received {share}. Pass a fraction"):
        module.load_data(test_split=share)


def test_california_housing_refuses_another_version():
    with pytest.raises(ValueError, match="expected version 'small' or 'large'; received 'medium'"):
        california_housing.load_data("medium")


# --- texts ------------------------------------------------------------------------------------------------

TEXTS = lists([1, 2], [3, 4, 5], [6], [7, 8, 9, 10], [2, 2])
LABELS = np.array([0, 1, 0, 1, 1])


def put_imdb(home, monkeypatch):
    content = npz(x_train=TEXTS, y_train=LABELS, x_test=TEXTS[::-1], y_test=LABELS[::-1])
    put(imdb, home, "imdb.npz", content, monkeypatch=monkeypatch)


# What tf_keras 2.21 returns for these texts: arguments, then x_train, y_train, x_test, y_test. (Except for
# the last case of IMDB, where tf_keras adds the two arrays up instead of joining them.)
IMDB_CASES = [
    (
        {},
        [[1, 6, 7, 8], [1, 4, 5], [1, 10, 11, 12, 2], [1, 9], [1, 5, 5]],
        [1, 0, 1, 0, 1],
        [[1, 6, 7, 8], [1, 5, 5], [1, 10, 11, 12, 2], [1, 4, 5], [1, 9]],
        [1, 1, 1, 0, 0],
    ),
    (
        {"num_words": 8, "skip_top": 5},
        [[2, 6, 7, 2], [2, 2, 5], [2, 2, 2, 2, 2], [2, 2], [2, 5, 5]],
        [1, 0, 1, 0, 1],
        [[2, 6, 7, 2], [2, 5, 5], [2, 2, 2, 2, 2], [2, 2, 5], [2, 2]],
        [1, 1, 1, 0, 0],
    ),
    ({"maxlen": 4}, [[1, 4, 5], [1, 2], [1, 5, 5]], [0, 0, 1], [[1, 5, 5], [1, 4, 5], [1, 2]], [1, 0, 0]),
    (
        {"start_char": None, "oov_char": None, "num_words": 9, "seed": 7},
        [[4, 5], [], [], [6, 7, 8], [5, 5]],
        [0, 1, 0, 1, 1],
        [[], [], [5, 5], [4, 5], [6, 7, 8]],
        [0, 1, 1, 0, 1],
    ),
    (
        {"start_char": None, "index_from": 0, "num_words": 5, "oov_char": 0},
        [[3, 4, 0], [1, 2], [0, 0, 0, 0], [0], [2, 2]],
        [1, 0, 1, 0, 1],
        [[3, 4, 0], [2, 2], [0, 0, 0, 0], [1, 2], [0]],
        [1, 1, 1, 0, 0],
    ),
]
REUTERS_CASES = [
    ({}, [[1, 6, 7, 8], [1, 4, 5], [1, 10, 11, 12, 2], [1, 9]], [1, 0, 1, 0], [[1, 5, 5]], [1]),
    (
        {"num_words": 8, "skip_top": 5},
        [[2, 6, 7, 2], [2, 2, 5], [2, 2, 2, 2, 2], [2, 2]],
        [1, 0, 1, 0],
        [[2, 5, 5]],
        [1],
    ),
    ({"maxlen": 4}, [[1, 4, 5], [1, 2]], [0, 0], [[1, 5, 5]], [1]),
    (
        {"start_char": None, "oov_char": None, "num_words": 9, "seed": 7},
        [[4, 5], [], [], [6, 7, 8]],
        [0, 1, 0, 1],
        [[5, 5]],
        [1],
    ),
    (
        {"start_char": None, "index_from": 0, "num_words": 5, "oov_char": 0},
        [[3, 4, 0], [1, 2], [0, 0, 0, 0], [0]],
        [1, 0, 1, 0],
        [[2, 2]],
        [1],
    ),
    (
        {"test_split": 0.5},
        [[1, 6, 7, 8], [1, 4, 5]],
        [1, 0],
        [[1, 10, 11, 12, 2], [1, 9], [1, 5, 5]],
        [1, 0, 1],
    ),
]


@pytest.mark.parametrize(("arguments", "x_train", "y_train", "x_test", "y_test"), IMDB_CASES)
def test_imdb_marks_shuffles_and_cuts_like_keras(home, monkeypatch, arguments, x_train, y_train, x_test, y_test):
    put_imdb(home, monkeypatch)
    (a, b), (c, d) = imdb.load_data(**arguments)
    assert [a.tolist(), b.tolist(), c.tolist(), d.tolist()] == [x_train, y_train, x_test, y_test]
    assert a.dtype == c.dtype == object and b.dtype == d.dtype == np.int64


@pytest.mark.parametrize(("arguments", "x_train", "y_train", "x_test", "y_test"), REUTERS_CASES)
def test_reuters_marks_shuffles_and_cuts_like_keras(home, monkeypatch, arguments, x_train, y_train, x_test, y_test):
    put(reuters, home, "reuters.npz", npz(x=TEXTS, y=LABELS), monkeypatch=monkeypatch)
    (a, b), (c, d) = reuters.load_data(**arguments)
    assert [a.tolist(), b.tolist(), c.tolist(), d.tolist()] == [x_train, y_train, x_test, y_test]
    assert a.dtype == c.dtype == object and b.dtype == d.dtype == np.int64


def test_a_maxlen_that_keeps_no_text_is_refused(home, monkeypatch):
    put_imdb(home, monkeypatch)
    with pytest.raises(ValueError, match="^Dataset 'imdb': expected a maxlen that keeps some texts; received 2, "):
        imdb.load_data(maxlen=2)


def test_the_old_name_of_num_words_and_unknown_arguments(home, monkeypatch):
    put_imdb(home, monkeypatch)
    with pytest.warns(UserWarning, match="`nb_words` is now called `num_words`"):
        (x_train, _), _ = imdb.load_data(nb_words=8, skip_top=5)
    assert x_train.tolist() == IMDB_CASES[1][1]
    with pytest.raises(TypeError, match="received num_wordz too"):
        imdb.load_data(num_wordz=8)


@pytest.mark.parametrize("module", [imdb, reuters])
def test_word_indices_are_read_as_utf8(home, monkeypatch, module):
    index = {"the": 1, "café": 2}
    content = json.dumps(index, ensure_ascii=False).encode()
    name = f"{module.__name__.rpartition('.')[2]}_word_index.json"
    put(module, home, name, content, "WORD_INDEX_HASH", monkeypatch)
    assert module.get_word_index() == index


def test_reuters_has_46_topics():
    names = reuters.get_label_names()
    assert len(set(names)) == 46
    assert (names[0], names[3], names[19], names[45]) == ("cocoa", "earn", "money-fx", "lead")


# --- pickles ----------------------------------------------------------------------------------------------


class Command:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_names_a_function_is_refused_and_not_run(tmp_path, protocol):
    target = tmp_path / "made"
    content = pickle.dumps({"data": Command(os.mkdir, str(target))}, protocol=protocol)
    with pytest.raises(
        ValueError,
        match=r"^Pickle 'batch': expected arrays, .*; received a reference to "
        r"(posix|nt)\.mkdir, which it could run. This is not the published file: delete it",
    ):
        plain_pickle.load(io.BytesIO(content), "batch")
    assert not target.exists()


@pytest.mark.parametrize(
    "name", ["builtins eval", "builtins getattr", "numpy load", "os system", "numpy.core.multiarray scalar"]
)
def test_only_five_names_are_known(name):
    module, name = name.split()
    content = f"c{module}\n{name}\n.".encode()
    with pytest.raises(ValueError, match=f"reference to {module}.{name},"):
        plain_pickle.load(io.BytesIO(content), "batch")


def test_object_arrays_in_an_npz_file_go_the_same_way(tmp_path):
    path = tmp_path / "imdb.npz"
    np.savez(path, x_train=lists([1]), y_train=np.array([Command(os.mkdir, str(tmp_path / "made"))], dtype=object))
    with pytest.raises(ValueError, match="^Pickle 'imdb.npz/y_train.npy': .* reference to (posix|nt).mkdir"):
        plain_pickle.load_npz(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="<i8").reshape(2, 3),
        np.arange(6, dtype=">i2").reshape(3, 2),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([True, False]),
        np.array([[0, 255]], dtype="uint8"),
        lists([1, 2], [3]),
        lists([1, 2], [3, 4]).reshape(2, 1),
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
@pytest.mark.parametrize("dump", [python2_pickle, *(lambda v, p=p: pickle.dumps(v, protocol=p) for p in (2, 3, 4))])
def test_arrays_survive(array, dump):
    found = plain_pickle.load(io.BytesIO(dump({"array": array, "labels": [1, 2]})), "batch")
    key = next(iter(found))
    assert found[key].dtype == array.dtype and found[key].shape == array.shape
    assert found[key].tolist() == array.tolist()


def test_bytes_cannot_pass_for_objects():
    # Eight bytes each that the forged dtype calls references; NumPy itself can be made to believe it.
    array = np.arange(2, dtype="int64")
    content = pickle.dumps(array, protocol=2).replace(b"X\x02\x00\x00\x00i8", b"X\x02\x00\x00\x00O8")
    with pytest.raises(ValueError, match="^Pickle 'batch': .* received an array of objects without a list of them"):
        plain_pickle.load(io.BytesIO(content), "batch")


def test_other_dtypes_and_damaged_pickles_are_named():
    content = pickle.dumps(np.array(["a"]), protocol=2)
    with pytest.raises(
        ValueError,
        match="^Pickle 'batch': expected arrays, dicts, .*; received arrays of the type '<U1'. This",
    ):
        plain_pickle.load(io.BytesIO(content), "batch")
    with pytest.raises(ValueError, match="^Pickle 'batch': .* received .*truncated.*: delete it and load again"):
        plain_pickle.load(io.BytesIO(pickle.dumps([1, 2, 3])[:-4]), "batch")


# --- finding and downloading ------------------------------------------------------------------------------

LOADERS = [
    (mnist.load_data, "mnist.npz"),
    (fashion_mnist.load_data, "train-labels-idx1-ubyte.gz"),
    (cifar10.load_data, "cifar-10-batches-py.tar.gz"),
    (cifar100.load_data, "cifar-100-python.tar.gz"),
    (imdb.load_data, "imdb.npz"),
    (imdb.get_word_index, "imdb_word_index.json"),
    (reuters.load_data, "reuters.npz"),
    (reuters.get_word_index, "reuters_word_index.json"),
    (boston_housing.load_data, "boston_housing.npz"),
    (california_housing.load_data, "california_housing.npz"),
]


@pytest.mark.parametrize(("load", "name"), LOADERS, ids=[name for _, name in LOADERS])
def test_offline_the_error_names_the_file_and_the_places(home, tmp_path, capsys, load, name):
    with pytest.raises(FileNotFoundError) as caught:
        load()
    text = str(caught.value)
    folder = home / "datasets"
    origin = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/" + name
    places = f"{folder / name} (no such file)"
    if load is fashion_mnist.load_data:
        folder = folder / "fashion-mnist"
        places = f"{folder / name} (no such file) or {tmp_path / 'debian' / name} (no such file)"
    if "cifar" in name:
        classes = "100" if "100" in name else "10"
        origin = f"https://www.cs.toronto.edu/~kriz/cifar-{classes}-python.tar.gz"
    assert text == (
        f"File '{name}': expected a copy at {places}; received none, and the download from {origin} failed: "
        f"<urlopen error no network here>. Put a copy of the file at {folder / name}, or call again with a "
        "network connection."
    )
    assert capsys.readouterr().out == f"Downloading data from {origin}\n"
    assert list(folder.iterdir()) == []


def test_a_local_file_with_another_hash_is_not_used(home, capsys):
    path = put(mnist, home, "mnist.npz", b"old")
    with pytest.raises(
        FileNotFoundError,
        match=rf"expected a copy at .*mnist.npz \(not the file with the hash "
        rf"{mnist.FILE_HASH}\); received none",
    ):
        mnist.load_data()
    assert capsys.readouterr().out.startswith(f"{path} is incomplete or outdated: its hash is not {mnist.FILE_HASH}.")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (mnist.load_data, "path='mnist.npz' cache_dir=None"),
        (fashion_mnist.load_data, "cache_dir=None"),
        (cifar10.load_data, "cache_dir=None"),
        (cifar100.load_data, "label_mode='fine' cache_dir=None"),
        (boston_housing.load_data, "path='boston_housing.npz' test_split=0.2 seed=113 cache_dir=None"),
        (
            california_housing.load_data,
            "version='large' path='california_housing.npz' test_split=0.2 seed=113",
        ),
        (
            imdb.load_data,
            "path='imdb.npz' num_words=None skip_top=0 maxlen=None seed=113 start_char=1 oov_char=2 "
            "index_from=3 cache_dir=None **kwargs",
        ),
        (
            reuters.load_data,
            "path='reuters.npz' num_words=None skip_top=0 maxlen=None test_split=0.2 seed=113 start_char=1 "
            "oov_char=2 index_from=3 cache_dir=None **kwargs",
        ),
        (imdb.get_word_index, "path='imdb_word_index.json'"),
        (reuters.get_word_index, "path='reuters_word_index.json'"),
        (reuters.get_label_names, ""),
        (
            get_file,
            "fname=None origin=None untar=False md5_hash=None file_hash=None cache_subdir='datasets' "
            "hash_algorithm='auto' extract=False archive_format='auto' cache_dir=None",
        ),
    ],
    ids=lambda value: getattr(value, "__module__", ""),
)
def test_signatures_are_those_of_keras(function, names):
    parameters = inspect.signature(function).parameters.values()
    assert " ".join(str(p.replace(annotation=p.empty)) for p in parameters) == names


def test_get_file_downloads_once_and_checks_the_hash(online, tmp_path, capsys):
    source = tmp_path / "words.txt"
    source.write_bytes(b"one two")
    origin = source.as_uri()
    sha256, md5 = hashlib.sha256(b"one two").hexdigest(), hashlib.md5(b"one two").hexdigest()
    found = get_file(origin=origin, cache_dir=tmp_path / "cache", file_hash=sha256)
    assert found == str(tmp_path / "cache/datasets/words.txt")
    assert Path(found).read_bytes() == b"one two"
    assert capsys.readouterr().out == f"Downloading data from {origin}\n"
    source.unlink()
    for check in (
        {"md5_hash": md5},
        {"file_hash": sha256.upper()},
        {"file_hash": md5, "hash_algorithm": "md5"},
        {},
    ):
        assert get_file("words.txt", origin, cache_dir=tmp_path / "cache", **check) == found
    assert capsys.readouterr().out == ""


def test_a_download_with_another_hash_leaves_the_old_file(online, tmp_path):
    source = tmp_path / "words.txt"
    source.write_bytes(b"new")
    cached = tmp_path / "cache/texts/words.txt"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"old")
    with pytest.raises(
        ValueError,
        match=f"^File 'words.txt': expected the hash {'0' * 32}; received a download from "
        f"file://.* with the hash {hashlib.md5(b'new').hexdigest()}. Call again",
    ):
        get_file(
            "words.txt",
            source.as_uri(),
            md5_hash="0" * 32,
            cache_subdir="texts",
            cache_dir=tmp_path / "cache",
        )
    assert cached.read_bytes() == b"old"
    assert list(cached.parent.iterdir()) == [cached]
    get_file(
        "words.txt",
        source.as_uri(),
        md5_hash=hashlib.md5(b"new").hexdigest(),
        cache_subdir="texts",
        cache_dir=tmp_path / "cache",
    )
    assert cached.read_bytes() == b"new"


class Response(io.BytesIO):
    """A response that promises `promised` bytes, and ends with `failure` if there is one."""

    def __init__(self, content, promised, failure=None):
        super().__init__(content)
        self.headers = {"Content-Length": str(promised)}
        self.failure = failure

    def read(self, count=-1):
        chunk = super().read(count)
        if not chunk and self.failure:
            raise self.failure
        return chunk


@pytest.mark.parametrize(
    ("failure", "raised", "text"),
    [
        (None, FileNotFoundError, "failed: 4 of 9 bytes arrived. Put a copy"),
        (TimeoutError("timed out"), FileNotFoundError, "failed: timed out. Put a copy"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
    ],
)
def test_a_download_that_breaks_off_leaves_nothing(home, monkeypatch, failure, raised, text):
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout=None: Response(b"half", 9, failure))
    with pytest.raises(raised, match=text):
        get_file("words.txt", "https://example.com/words.txt")
    assert list((home / "datasets").iterdir()) == []


def test_the_progress_line_shows_on_a_terminal_only(home, monkeypatch, capsys):
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout=None: Response(b"whole", 5))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    get_file("words.txt", "https://example.com/words.txt")
    lines = capsys.readouterr().out.split("\n")
    assert lines == ["Downloading data from https://example.com/words.txt", f"\r5/5 [{'=' * 30}]", ""]


def test_get_file_needs_an_address_and_a_name():
    with pytest.raises(ValueError, match="^get_file: expected `origin`, the URL of the file; received None. Pass"):
        get_file("words.txt")
    with pytest.raises(ValueError, match="expected a file name at the end of `origin`; received 'https://example.com'"):
        get_file(origin="https://example.com")
    with pytest.raises(ValueError, match="^hash_algorithm: expected 'auto', 'md5' or 'sha256'; received 'sha1'."):
        validate_file(__file__, "0", "sha1")


def test_the_cache_is_keras_home_else_a_folder_at_home(home, tmp_path, monkeypatch):
    assert cache_folders() == [home / "datasets"]
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert cache_folders(cache_subdir="models") == [tmp_path / ".keras/models"]
    assert cache_folders("~/mine") == [tmp_path / "mine/datasets"]


def test_a_cache_that_is_read_only_is_read_and_a_temporary_one_written(home, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    put(None, home, "words.txt", b"words")
    assert get_file("words.txt", "https://example.com/words.txt") == str(home / "datasets/words.txt")
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout=None: Response(b"more", 4))
    assert get_file("more.txt", "https://example.com/more.txt") == str(tmp_path / "tmp/.keras/datasets/more.txt")


# --- archives ---------------------------------------------------------------------------------------------


def make_zip(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_get_file_unpacks_a_zip_beside_itself(online, tmp_path):
    source = make_zip(tmp_path / "pets.zip", **{"pets/": b"", "pets/cats/1.txt": b"cat", "pets/note.txt": b"note"})
    found = get_file("pets.zip", source.as_uri(), extract=True, cache_dir=tmp_path / "cache")
    folder = tmp_path / "cache/datasets"
    assert found == str(folder / "pets.zip")
    assert (folder / "pets/cats/1.txt").read_bytes() == b"cat"
    (folder / "pets/note.txt").write_bytes(b"changed")
    (folder / "pets/mine.txt").write_bytes(b"mine")
    get_file("pets.zip", source.as_uri(), extract=True, cache_dir=tmp_path / "cache")
    assert (folder / "pets/note.txt").read_bytes() == b"note"
    assert (folder / "pets/mine.txt").read_bytes() == b"mine"
    assert sorted(entry.name for entry in folder.iterdir()) == ["pets", "pets.zip"]


@pytest.mark.parametrize("fname", ["flowers", "flowers.tar.gz"])
def test_get_file_untars_into_the_folder_of_that_name(online, tmp_path, fname):
    source = tmp_path / "flowers.tgz"
    source.write_bytes(tar_gz(**{"flowers/rose.txt": b"rose"}))
    found = get_file(fname, source.as_uri(), untar=True, cache_dir=tmp_path / "cache")
    assert found == str(tmp_path / "cache/datasets/flowers")
    assert Path(found, "rose.txt").read_bytes() == b"rose"
    assert (tmp_path / "cache/datasets/flowers.tar.gz").is_file()


def tar_with(path, *members):
    with tarfile.open(path, "w") as archive:
        for name, kind, link, content in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.size = kind, link, len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "folder/../../out.txt"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_no_member_lands_outside_the_folder(tmp_path, name, kind):
    if name.startswith("/"):
        name = str(tmp_path / "out.txt")
    archive = tmp_path / f"bad.{kind}"
    if kind == "tar":
        tar_with(archive, ("good.txt", tarfile.REGTYPE, "", b"good"), (name, tarfile.REGTYPE, "", b"bad"))
    else:
        make_zip(archive, **{"good.txt": b"good", name: b"bad"})
    with pytest.raises(
        ValueError,
        match=f"^Archive 'bad.{kind}': expected members inside the folder it is unpacked "
        f"to; received '{name}'. Nothing was unpacked; do not use this file.$",
    ):
        extract_archive(archive, tmp_path / "a/b")
    assert list((tmp_path / "a/b").iterdir()) == []
    assert not (tmp_path / "out.txt").exists() and not (tmp_path / "a/out.txt").exists()


def test_links_become_copies_and_cannot_lead_out(tmp_path):
    archive = tar_with(
        tmp_path / "links.tar",
        ("data/a.txt", tarfile.REGTYPE, "", b"content"),
        ("data/soft.txt", tarfile.SYMTYPE, "a.txt", b""),
        ("data/hard.txt", tarfile.LNKTYPE, "data/a.txt", b""),
    )
    assert extract_archive(archive, tmp_path / "good")
    for name in ("soft.txt", "hard.txt"):
        path = tmp_path / "good/data" / name
        assert path.read_bytes() == b"content" and not path.is_symlink()

    (tmp_path / "secret").mkdir()
    archive = tar_with(
        tmp_path / "bad.tar",
        ("way", tarfile.SYMTYPE, "../secret", b""),
        ("way/in.txt", tarfile.REGTYPE, "", b"bad"),
    )
    with pytest.raises((ValueError, KeyError)):
        extract_archive(archive, tmp_path / "bad")
    assert list((tmp_path / "secret").iterdir()) == []


def test_a_device_in_an_archive_is_refused(tmp_path):
    archive = tar_with(tmp_path / "bad.tar", ("pipe", tarfile.FIFOTYPE, "", b""))
    with pytest.raises(
        ValueError, match="^Archive 'bad.tar': expected files, folders and links to files; received 'pipe'"
    ):
        extract_archive(archive, tmp_path / "out")


def test_the_formats_that_are_tried(tmp_path):
    archive = make_zip(tmp_path / "a.zip", **{"a.txt": b"a"})
    assert not extract_archive(archive, tmp_path / "out", "tar")
    assert not extract_archive(archive, tmp_path / "out", None)
    assert not (tmp_path / "out").exists()
    assert extract_archive(archive, tmp_path / "out", ["tar", "zip"])
    assert (tmp_path / "out/a.txt").read_bytes() == b"a"
    with pytest.raises(ValueError, match="^archive_format: expected 'auto', 'tar', 'zip' or None; received 'rar'."):
        extract_archive(archive, tmp_path / "out", "rar")


# --- the subset that ships --------------------------------------------------------------------------------


def test_the_shipped_subset_is_balanced_and_real():
    path = Path(__file__).parents[1] / "examples/data/fashion_mnist_12k.npz"
    assert path.stat().st_size < 6_000_000
    with np.load(path, allow_pickle=False) as data:
        x_train, y_train, x_test, y_test = (data[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    assert x_train.shape == (10000, 28, 28) and x_test.shape == (2000, 28, 28)
    assert x_train.dtype == x_test.dtype == y_train.dtype == y_test.dtype == np.uint8
    assert np.bincount(y_train).tolist() == [1000] * 10 and np.bincount(y_test).tolist() == [200] * 10
    assert y_train[:10].tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    digest = hashlib.sha256(x_train.tobytes() + y_train.tobytes() + x_test.tobytes() + y_test.tobytes())
    assert digest.hexdigest() == "d5b91c929ef64cdf3fac6a13820932f698037ef77030a9584f3d6499a1ccee00"
