"""Fashion-MNIST: 70,000 grey pictures of clothes, made to replace MNIST."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

from kerastorch.datasets.arrays import Split
from kerastorch.datasets.download import KERAS_FILES, cache_folders, find_or_download

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def load_data(cache_dir: str | os.PathLike[str] | None = None) -> Split:
    """Fashion-MNIST as `(x_train, y_train), (x_test, y_test)`.

    Images: uint8, (60000, 28, 28) and (10000, 28, 28), (sample, row, column), 0 to 255. Labels: uint8,
    0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag, 9 ankle boot.
    The four .gz files come from Keras' cache, from Debian's package dataset-fashion-mnist, or a download.
    Raises FileNotFoundError without any of these. By Zalando SE, MIT licence.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    """
    folders = cache_folders(cache_dir, Path("datasets", "fashion-mnist"))

    def read(name: str, dimensions: int) -> np.ndarray:
        path = find_or_download(name, KERAS_FILES + name, folders, also_in=[DEBIAN_FOLDER])
        return read_idx(path, dimensions)

    y_train = read("train-labels-idx1-ubyte.gz", 1)
    x_train = read("train-images-idx3-ubyte.gz", 3)
    y_test = read("t10k-labels-idx1-ubyte.gz", 1)
    x_test = read("t10k-images-idx3-ubyte.gz", 3)
    return (x_train, y_train), (x_test, y_test)


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array of a gzipped idx file: 0 0 8 <dimensions>, each size as 4 bytes, then the values.

    Raises ValueError for a file of another kind or length.
    """
    with gzip.open(path, "rb") as file:
        content = file.read()
    start = 4 + 4 * dimensions
    shape = tuple(np.frombuffer(content[4:start], ">u4").tolist())
    if content[:4] != bytes([0, 0, 8, dimensions]) or len(content) != start + int(np.prod(shape)):
        raise ValueError(
            f"File '{path.name}': expected an idx file of bytes with {dimensions} dimensions at {path}; "
            f"received {len(content)} bytes that begin with {content[:start].hex()}. Delete the file and "
            "load again."
        )
    # A copy, because what lies over bytes is read-only, which torch warns of.
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
