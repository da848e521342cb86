"""The files under a directory whose folders are classes: their order, their labels, and their parts."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from kerastorch.core.errors import describe
from kerastorch.core.strings import as_strings
from kerastorch.data import AUTOTUNE, Dataset
from kerastorch.data.threads import Map


class Files(NamedTuple):
    """Files in the order in which they are taken, with the number of the class of each."""

    paths: list[str]
    labels: Any
    class_names: list[Any]


class DirectoryLoader:
    """What the `*_dataset_from_directory` functions share; `load` makes a tensor of the path of a file.

    Raises ValueError for options that do not go together, and where there are no files; FileNotFoundError for a
    missing directory.
    """

    def __init__(
        self,
        caller: str,
        kind: str,
        suffixes: tuple[str, ...],
        load: Callable[[str], torch.Tensor],
        *,
        labels: Any,
        label_mode: str | None,
        class_names: Sequence[str] | None,
        batch_size: int | None,
        shuffle: bool,
        seed: int | None,
        validation_split: float | None,
        subset: str | None,
        follow_links: bool,
        skips: bool = False,
    ) -> None:
        self.caller, self.kind, self.suffixes, self.load, self.skips = caller, kind, suffixes, load, skips
        self.labels, self.label_mode, self.class_names = labels, label_mode, class_names
        self.batch_size, self.shuffle, self.follow_links = batch_size, shuffle, follow_links
        self.validation_split, self.subset = validation_split, subset
        self._check(seed)
        if labels is None or label_mode is None:
            self.labels = self.label_mode = None
        self.seed = int(np.random.randint(10**6)) if seed is None else seed

    def _check(self, seed: int | None) -> None:
        if self.labels not in ("inferred", None):
            if not isinstance(self.labels, list | tuple):
                raise ValueError(
                    f"{self.caller}: expected labels to be 'inferred', None, or a list with one number a file; "
                    f"received {describe(self.labels)}."
                )
            if self.class_names:
                raise ValueError(
                    f"{self.caller}: expected class_names with labels='inferred' alone; received "
                    f"{list(self.class_names)} with own labels. Leave out one of them."
                )
        if self.label_mode not in ("int", "categorical", "binary", None):
            raise ValueError(
                f"{self.caller}: expected label_mode to be 'int', 'categorical', 'binary' or None; received "
                f"{self.label_mode!r}."
            )
        split, subset = self.validation_split, self.subset
        if split and not 0 < split < 1:
            raise ValueError(f"{self.caller}: expected validation_split between 0 and 1; received {split!r}.")
        if bool(split) is not bool(subset):
            raise ValueError(
                f"{self.caller}: expected validation_split and subset together; received validation_split={split!r} "
                f"and subset={subset!r}."
            )
        if subset not in ("training", "validation", "both", None):
            raise ValueError(
                f"{self.caller}: expected subset to be 'training', 'validation', 'both' or None; received {subset!r}."
            )
        if split and self.shuffle and seed is None:
            raise ValueError(
                f"{self.caller}: expected a seed with validation_split, so that no file is in both parts; received "
                "None. Pass the same seed for both subsets, or shuffle=False."
            )

    # --- files ----------------------------------------------------------------------------------------------------

    def files(self, directory: Any) -> Files:
        """All files, in their final order, counted on the screen."""
        root = os.fspath(directory)
        if not os.path.isdir(root):
            raise FileNotFoundError(
                f"{self.caller}: expected a directory; received {root!r}, which is none. Check the path and the "
                "working directory."
            )
        inferred = self.labels == "inferred"
        folders = self._folders(root) if inferred else [""]
        names = (list(self.class_names) if self.class_names else folders) if inferred else [""]
        if inferred and set(names) != set(folders):
            raise ValueError(
                f"{self.caller}: expected class_names to be the folders in {root!r}, which are {folders}; received "
                f"{names}."
            )
        number = {name: place for place, name in enumerate(names)}
        paths: list[str] = []
        found: list[int] = []
        for folder in folders:
            added = list(self._inside(os.path.join(root, folder)))
            paths += added
            found += [number[folder]] * len(added)
        labels: Any = np.array(found, dtype="int32")
        if self.labels not in ("inferred", None):
            if len(self.labels) != len(paths):
                raise ValueError(
                    f"{self.caller}: expected one label for each of {len(paths)} files in {root!r}; received "
                    f"{len(self.labels)}."
                )
            labels, names = list(self.labels), sorted(set(self.labels))
        sys.stdout.write(f"Found {len(paths)} files belonging to {len(names)} classes.\n")
        if self.shuffle:
            for items in (paths, labels):
                np.random.RandomState(self.seed).shuffle(items)
        return Files(paths, labels, names)

    def _folders(self, root: str) -> list[str]:
        return sorted(
            name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name)) and not name.startswith(".")
        )

    def _inside(self, folder: str) -> Iterator[str]:
        """Files at every depth, folder by folder in alphabetical order."""
        walk = os.walk(folder, followlinks=self.follow_links)
        for root, _, names in sorted(walk, key=lambda entry: entry[0]):
            for name in sorted(names):
                if name.lower().endswith(self.suffixes):
                    yield os.path.join(folder, os.path.relpath(os.path.join(root, name), folder))

    def part(self, files: Files, subset: str | None) -> Files:
        """The files of a subset: validation takes the last ones."""
        if subset is None:
            return files
        count = int(self.validation_split * len(files.paths))
        used = count if subset == "validation" else len(files.paths) - count
        chosen = slice(-count, None) if subset == "validation" else slice(None, -count)
        sys.stdout.write(f"Using {used} files for {subset}.\n")
        return Files(files.paths[chosen], files.labels[chosen], files.class_names)

    # --- data sets ------------------------------------------------------------------------------------------------

    def datasets(self, directory: Any, batch: Callable[[Dataset], Dataset] | None = None) -> Any:
        """The data set of the files, or with subset='both' two of them. `batch` may say how elements are grouped."""
        files = self.files(directory)
        if self.label_mode == "binary" and len(files.class_names) != 2:
            raise ValueError(
                f"{self.caller}: expected two classes with label_mode='binary'; received {len(files.class_names)}: "
                f"{files.class_names}. Use 'int' or 'categorical'."
            )
        if self.subset == "both":
            parts = [self.part(files, subset) for subset in ("training", "validation")]
            made = [self._dataset(directory, part, batch, self.shuffle and not n) for n, part in enumerate(parts)]
            return made
        return self._dataset(directory, self.part(files, self.subset), batch, self.shuffle)

    def _dataset(
        self, directory: Any, files: Files, batch: Callable[[Dataset], Dataset] | None, shuffle: bool
    ) -> Dataset:
        if not files.paths:
            raise ValueError(
                f"{self.caller}: expected {self.kind} files in {os.fspath(directory)!r} for "
                f"subset={self.subset!r}; received none. Their names end with {', '.join(self.suffixes)}."
            )
        paths = Dataset.from_tensor_slices(as_strings(files.paths))
        if self.label_mode is None:
            loaded = self._loaded(paths, lambda path: self.load(path.item()))
        else:
            labels = self._labels(files)
            both = Dataset.zip((paths, Dataset.from_tensor_slices(labels)))
            loaded = self._loaded(both, lambda path, label: (self.load(path.item()), label))
        if shuffle:
            loaded = loaded.shuffle(1024 if self.batch_size is None else self.batch_size * 8, self.seed)
        if self.batch_size is not None:
            loaded = loaded.batch(self.batch_size) if batch is None else batch(loaded)
        dataset = loaded.prefetch(AUTOTUNE)
        dataset.class_names = files.class_names
        dataset.file_paths = files.paths
        return dataset

    def _loaded(self, dataset: Dataset, function: Callable[..., Any]) -> Dataset:
        if not self.skips:
            return dataset.map(function, AUTOTUNE)
        return Dataset(Map(dataset.node, function, AUTOTUNE, skips=(OSError, ValueError), report=self._report))

    def _report(self, errors: list[BaseException]) -> None:
        sys.stdout.write(f"Skipped {len(errors)} of the files, which cannot be read: {errors[0]}\n")

    def _labels(self, files: Files) -> torch.Tensor:
        labels = torch.as_tensor(np.asarray(files.labels))
        if self.label_mode == "binary":
            return labels.float().unsqueeze(-1)
        if self.label_mode == "categorical":
            return torch.nn.functional.one_hot(labels.long(), len(files.class_names)).float()
        return labels.int()
