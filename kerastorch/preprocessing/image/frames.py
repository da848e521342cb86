"""Batches of picture files that a table names."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerastorch.core.errors import describe, did_you_mean
from kerastorch.preprocessing.image.iterators import BatchFromFilesMixin, Iterator, check_class_mode, say

WITHOUT_CLASSES = ("input", "multi_output", "raw", None)


class DataFrameIterator(BatchFromFilesMixin, Iterator):
    """Batches of the pictures that the column `x_col` of a table names, with labels out of `y_col`.

    The table is a data frame, or anything whose columns are found by name, such as a dict of lists; names go with
    `directory`. Lists in `y_col` are several classes of one picture. Other options are those of DirectoryIterator.
    Raises ValueError and TypeError for columns that are missing or do not fit `class_mode`.

    >>> table = {"filename": ["a.png", "b.png"], "class": ["cat", "dog"]}
    >>> DataFrameIterator(table, "pets", ImageDataGenerator()).class_indices  # doctest: +SKIP
    Found 2 validated image filenames belonging to 2 classes.
    {'cat': 0, 'dog': 1}
    """

    allowed_class_modes = {"binary", "categorical", "input", "multi_output", "raw", "sparse", None}

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str = "channels_last",
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = "float32",
        validate_filenames: bool = True,
        on_bad_image: str = "error",
    ) -> None:
        self.set_processing_attrs(
            image_data_generator, target_size, color_mode, data_format, save_to_dir, save_prefix, save_format, subset,
            interpolation, keep_aspect_ratio,
        )  # fmt: skip
        check_class_mode("DataFrameIterator", class_mode, self.allowed_class_modes)
        self._check_bad_image(on_bad_image)
        self.directory = directory or ""
        self.class_mode = class_mode
        self.dtype = dtype
        table = _Table(dataframe)
        names = table.column(x_col)
        if not all(isinstance(name, str) for name in names):
            wrong = next(name for name in names if not isinstance(name, str))
            raise TypeError(f"DataFrameIterator: expected strings in x_col={x_col!r}; received {describe(wrong)}.")
        rows = self._rows_with_files(names, x_col) if validate_filenames else list(range(len(names)))
        labels: list[Any] = []
        if class_mode not in WITHOUT_CLASSES:
            labels = table.column(y_col)
            self._check_labels(labels, y_col, classes)
            rows, labels, found = _with_classes(labels, rows, classes)
            self.class_indices = {name: number for number, name in enumerate(found)}
        elif classes:
            warnings.warn(f"DataFrameIterator: class_mode={class_mode!r} takes no notice of `classes`.", stacklevel=3)
        if not rows:
            raise ValueError(
                f"DataFrameIterator: expected names of picture files in x_col={x_col!r} below {self.directory!r}; "
                f"received {len(names)} rows, none of them usable, such as {names[:1]}. Check `directory`, `classes`."
            )
        if self.split is not None:
            start, stop = (int(edge * len(rows)) for edge in self.split)
            rows = rows[start:stop]
        if labels:
            self.classes = [self._numbers_of(labels[row]) for row in rows]
        self._targets: Any = None
        if class_mode == "multi_output":
            if not isinstance(y_col, list):
                raise TypeError(
                    f"DataFrameIterator: expected a list of columns as y_col for class_mode='multi_output'; received "
                    f"{y_col!r}."
                )
            self._targets = [np.array(table.column(one))[rows] for one in y_col]
        elif class_mode == "raw":
            several = isinstance(y_col, list | tuple)
            self._targets = (
                np.stack([np.asarray(table.column(one))[rows] for one in y_col], axis=1)
                if several
                else np.asarray(table.column(y_col))[rows]
            )
        self._sample_weight = None if weight_col is None else self._weights(table.column(weight_col), weight_col)[rows]
        self.filenames = [names[row] for row in rows]
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.samples = len(self.filenames)
        kind = "validated" if validate_filenames else "non-validated"
        of_classes = "" if class_mode in WITHOUT_CLASSES else f" belonging to {len(self.class_indices)} classes"
        say(f"Found {self.samples} {kind} image filenames{of_classes}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _rows_with_files(self, names: list[str], x_col: str) -> list[int]:
        rows, missing = [], []
        for row, name in enumerate(names):
            path = os.path.join(self.directory, name)
            there = name.lower().endswith(self.white_list_formats) and os.path.isfile(path)
            (rows if there else missing).append(row)
        if missing:
            shown = ", ".join(repr(names[row]) for row in missing[:5])
            warnings.warn(
                f'Found {len(missing)} invalid image filename(s) in x_col="{x_col}". These filename(s) will be '
                f"ignored: {shown}{', ...' if len(missing) > 5 else ''}.",
                stacklevel=4,
            )
        return rows

    def _check_labels(self, labels: list[Any], y_col: Any, classes: Any) -> None:
        kinds = (str, list, tuple) if self.class_mode == "categorical" else (str,)
        wrong = next((label for label in labels if not isinstance(label, kinds)), None)
        if wrong is not None:
            expected = "strings, or lists of them," if len(kinds) > 1 else "strings"
            raise TypeError(
                f"DataFrameIterator: expected {expected} in y_col={y_col!r} for class_mode={self.class_mode!r}; "
                f"received {describe(wrong)}. Convert the column: astype(str), or use class_mode='raw'."
            )
        found = set(classes) if classes else set(labels) if self.class_mode == "binary" else ()
        if self.class_mode == "binary" and len(found) != 2:
            raise ValueError(
                f"DataFrameIterator: expected 2 classes for class_mode='binary'; received {len(found)}: "
                f"{sorted(found)[:5]}. Use class_mode='categorical' or 'sparse'."
            )

    def _numbers_of(self, label: Any) -> Any:
        if isinstance(label, list | tuple):
            return [self.class_indices[one] for one in label]
        return self.class_indices[label]

    @staticmethod
    def _weights(column: list[Any], weight_col: str) -> np.ndarray:
        weights = np.asarray(column)
        if weights.dtype.kind not in "fiu":
            raise TypeError(f"DataFrameIterator: expected numbers in weight_col={weight_col!r}; received {column[:1]}.")
        return weights

    @property
    def filepaths(self) -> list[str]:
        """The paths of all pictures."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """The numbers of the classes, or the values out of `y_col` for 'raw' and 'multi_output'."""
        return self._targets if self.class_mode in ("multi_output", "raw") else self.classes

    @property
    def sample_weight(self) -> Any:
        """The weights out of `weight_col`, None without one."""
        return self._sample_weight


class _Table:
    """The columns of a data frame of any library, or of a dict."""

    def __init__(self, data: Any) -> None:
        columns = list(data) if isinstance(data, Mapping) else getattr(data, "columns", None)
        if columns is None:
            raise TypeError(
                f"DataFrameIterator: expected a data frame or a dict of columns; received {describe(data)}."
            )
        self.data, self.names = data, [str(name) for name in columns]

    def column(self, name: Any) -> list[Any]:
        if not isinstance(name, str) or name not in self.names:
            raise ValueError(
                f"DataFrameIterator: expected the name of a column; received {name!r}. "
                f"{did_you_mean(str(name), self.names)}"
            )
        values = self.data[name]
        return values.tolist() if hasattr(values, "tolist") else list(values)


def _with_classes(labels: list[Any], rows: list[int], classes: Any) -> tuple[list[int], list[Any], list[str]]:
    """The rows that have a class, the labels, and the names of the classes: those given, or all in order."""
    if not classes:
        found = {
            one for row in rows for one in (labels[row] if isinstance(labels[row], list | tuple) else [labels[row]])
        }
        return rows, labels, sorted(found)
    known = list(dict.fromkeys(classes))
    labels = [
        [one for one in label if one in known] if isinstance(label, list | tuple) else label if label in known else None
        for label in labels
    ]
    return [row for row in rows if labels[row]], labels, known
