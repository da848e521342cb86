"""Batches of picture files that lie in one folder for each class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator as AbstractIterator
from typing import Any

import numpy as np

from kerastorch.core.config import floatx, normalize_data_format
from kerastorch.preprocessing.image.iterators import BatchFromFilesMixin, Iterator, check_class_mode, say


class DirectoryIterator(BatchFromFilesMixin, Iterator):
    """Batches of the pictures below a folder; each folder in it is a class, in the order of the alphabet.

    Pictures lie at any depth in the folder of their class and go by the ending of their name. Files and folders whose
    name begins with a dot are left out. Without 'error' in `on_bad_image` files that cannot be read are left out too.
    Raises OSError for a folder that is none, ValueError for one without pictures and for options that cannot be.

    >>> DirectoryIterator("pets", ImageDataGenerator(), target_size=(64, 64)).class_indices  # doctest: +SKIP
    Found 100 images belonging to 2 classes.
    {'cats': 0, 'dogs': 1}
    """

    allowed_class_modes = {"categorical", "binary", "sparse", "input", None}
    sample_weight = None

    def __init__(
        self,
        directory: Any,
        image_data_generator: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
        on_bad_image: str = "error",
    ) -> None:
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, normalize_data_format(data_format), save_to_dir,
            save_prefix, save_format, subset, interpolation, keep_aspect_ratio,
        )  # fmt: skip
        check_class_mode("DirectoryIterator", class_mode, self.allowed_class_modes)
        self._check_bad_image(on_bad_image)
        self.directory = directory
        self.class_mode = class_mode
        self.dtype = floatx() if dtype is None else dtype
        names = list(classes) if classes else _folders_in(directory)
        self.num_classes = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        files = {name: self._part(list(pictures_below(os.path.join(directory, name), follow_links))) for name in names}
        empty = [os.path.join(directory, name) for name, found in files.items() if not found]
        if len(empty) == len(names):
            part = "" if subset is None else f" in the {subset} part of validation_split={self.split}"
            raise ValueError(
                f"DirectoryIterator: expected pictures ({', '.join(self.white_list_formats)}) in the folders of "
                f"{os.fspath(directory)!r}, one folder for each class; received {len(names)} folders without one"
                f"{part}. Move the pictures into folders, or pass the folder above."
            )
        if empty:
            warnings.warn(
                f"DirectoryIterator: expected pictures for each class; found none in {', '.join(map(repr, empty))}.",
                stacklevel=3,
            )
        self.filenames = [os.path.join(name, file) for name, found in files.items() for file in found]
        self.classes = np.repeat(np.arange(len(names), dtype="int32"), [len(found) for found in files.values()])
        self.samples = len(self.filenames)
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]
        if any(name.lower().endswith(".tiff") for name in self.filenames):
            warnings.warn("DirectoryIterator: .tiff files of several bands lose some. Look at what comes out.", None, 3)
        say(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _part(self, files: list[str]) -> list[str]:
        """The files of the subset: of each class the first ones are for validation."""
        if self.split is None:
            return files
        start, stop = (int(edge * len(files)) for edge in self.split)
        return files[start:stop]

    @property
    def filepaths(self) -> list[str]:
        """The paths of all pictures."""
        return self._filepaths

    @property
    def labels(self) -> np.ndarray:
        """The number of the class of each picture."""
        return self.classes


def _folders_in(directory: Any) -> list[str]:
    if not os.path.isdir(directory):
        kind = NotADirectoryError if os.path.exists(directory) else FileNotFoundError
        raise kind(
            f"DirectoryIterator: expected the path of a folder; received {os.fspath(directory)!r}, which is "
            f"{'a file' if kind is NotADirectoryError else 'not there'}. The current folder is {os.getcwd()!r}."
        )
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def pictures_below(folder: str, follow_links: bool = False) -> AbstractIterator[str]:
    """The names of all picture files below a folder, folder by folder in the order of their paths."""
    for root, folders, files in sorted(os.walk(folder, followlinks=follow_links), key=lambda found: found[0]):
        inside = os.path.relpath(root, folder)
        if any(part.startswith(".") and part != "." for part in inside.split(os.sep)):
            continue
        del folders
        for name in sorted(files):
            if name.lower().endswith(Iterator.white_list_formats) and not name.startswith("."):
                yield os.path.normpath(os.path.join(inside, name))
