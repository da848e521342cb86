"""What the iterators over pictures share: the order of the samples, and batches made from files."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterable
from collections.abc import Iterator as AbstractIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from kerastorch.core.sequence import Sequence
from kerastorch.preprocessing.image.pictures import COLOR_MODES, array_to_img, check_options, load_img

PICTURE_ENDINGS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
SUBSETS = ("training", "validation")


class Iterator(Sequence):
    """Base of iterators over `n` samples: batches by number, and without end by `next`.

    A subclass defines `_get_batches_of_transformed_samples(index_array)`. With a `seed`, NumPy's generator is seeded
    with it plus the number of batches made so far, before each batch, as in tf.keras.

    >>> class Numbers(Iterator):
    ...     def _get_batches_of_transformed_samples(self, index_array):
    ...         return 10 * index_array
    >>> next(Numbers(n=3, batch_size=2, shuffle=False, seed=None))
    array([ 0, 10])
    """

    white_list_formats = PICTURE_ENDINGS

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        if isinstance(batch_size, bool) or int(batch_size) != batch_size or batch_size < 1:
            raise ValueError(
                f"{type(self).__name__}: expected batch_size as a positive integer; received {batch_size!r}."
            )
        self.n = n
        self.batch_size = int(batch_size)
        self.seed = seed
        self.shuffle = shuffle
        self.batch_index = 0
        self.total_batches_seen = 0
        self.index_array: np.ndarray | None = None
        self.lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lock = threading.Lock()

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _seed(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)

    def __getitem__(self, idx: int) -> Any:
        if not -len(self) <= idx < len(self):
            raise IndexError(
                f"{type(self).__name__}: expected a batch from 0 to {len(self) - 1}; received {idx}. "
                f"There are {self.n} samples in batches of {self.batch_size}."
            )
        with self.lock:
            self._seed()
            self.total_batches_seen += 1
            if self.index_array is None:
                self._set_index_array()
            start = idx % len(self) * self.batch_size
            index_array = self.index_array[start : start + self.batch_size]
        return self._get_batches_of_transformed_samples(index_array)

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def on_epoch_end(self) -> None:
        """Put the samples in a new order where they are shuffled."""
        self._set_index_array()

    def reset(self) -> None:
        """Let `next` begin with the first batch again."""
        self.batch_index = 0

    @property
    def index_generator(self) -> AbstractIterator[np.ndarray]:
        """The samples of the batches to come, without end."""
        while True:
            yield self._next_index_array()

    def _next_index_array(self) -> np.ndarray:
        self._seed()
        if self.batch_index == 0 or self.index_array is None:
            self._set_index_array()
        start = self.batch_index * self.batch_size % self.n if self.n else 0
        self.batch_index = self.batch_index + 1 if self.n > start + self.batch_size else 0
        self.total_batches_seen += 1
        return self.index_array[start : start + self.batch_size]

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self) -> Any:
        """The next batch; after the last one comes the first of a new epoch."""
        with self.lock:
            index_array = self._next_index_array()
        return self._get_batches_of_transformed_samples(index_array)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        """The batch of these samples."""
        raise NotImplementedError(
            f"{type(self).__name__}: expected a method _get_batches_of_transformed_samples(index_array); define it."
        )

    def _save(self, batch: np.ndarray, index_array: np.ndarray, numbers: float) -> None:
        """Write the pictures of a batch into `save_to_dir`, under names with a random number below `numbers`."""
        if not self.save_to_dir:
            return
        for picture, number in zip(batch, index_array, strict=True):
            name = f"{self.save_prefix}_{number}_{np.random.randint(numbers)}.{self.save_format}"
            array_to_img(picture, self.data_format, scale=True).save(os.path.join(self.save_to_dir, name))


class BatchFromFilesMixin:
    """Batches of picture files: `filepaths`, `labels` and `sample_weight` come from the class that mixes it in."""

    on_bad_image = "error"

    def set_processing_attrs(
        self,
        image_data_generator: Any,
        target_size: tuple[int, int],
        color_mode: str,
        data_format: str,
        save_to_dir: Any,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool,
    ) -> None:
        """Set how files become pictures.

        Raises ValueError for a colour mode, an interpolation, a size or a subset that cannot be.

        >>> iterator.set_processing_attrs(  # doctest: +SKIP
        ...     generator, (64, 64), "rgb", "channels_last", None, "", "png", None, "nearest", False)
        """
        caller = type(self).__name__
        check_options(caller, color_mode, interpolation)
        if not isinstance(target_size, list | tuple) or len(target_size) != 2 or not all(n > 0 for n in target_size):
            raise ValueError(f"{caller}: expected target_size as (height, width); received {target_size!r}.")
        self.image_data_generator = image_data_generator
        self.target_size = tuple(target_size)
        self.keep_aspect_ratio = keep_aspect_ratio
        self.color_mode = color_mode
        self.data_format = data_format
        channels = (COLOR_MODES[color_mode],)
        last = data_format == "channels_last"
        self.image_shape = (*self.target_size, *channels) if last else (*channels, *self.target_size)
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.interpolation = interpolation
        self.subset = subset
        self.split = None
        if subset is not None:
            fraction = image_data_generator._validation_split
            self.split = (0, fraction) if check_subset(caller, subset) == "validation" else (fraction, 1)

    def _check_bad_image(self, on_bad_image: Any) -> None:
        if on_bad_image not in ("error", "skip"):
            raise ValueError(
                f"{type(self).__name__}: expected on_bad_image as 'error' or 'skip'; received {on_bad_image!r}."
            )
        self.on_bad_image = on_bad_image
        self._unreadable: dict[str, str] = {}
        self._counted = 0

    def next(self) -> Any:
        """The next batch; after the last one comes the first of a new epoch."""
        batch = super().next()
        if self.batch_index == 0:
            self._warn_of_unreadable()
        return batch

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        batch, index_array = self._read(index_array)
        if self.image_data_generator is not None:
            batch = self.image_data_generator.augment(batch)
        batch = batch.astype(self.dtype, copy=False)
        self._save(batch, index_array, 1e7)
        if self.class_mode is None:
            return batch
        labels = batch.copy() if self.class_mode == "input" else self._labels_of(index_array)
        weights = self.sample_weight
        return (batch, labels) if weights is None else (batch, labels, weights[index_array])

    def _labels_of(self, index_array: np.ndarray) -> Any:
        if self.class_mode == "multi_output":
            return [column[index_array] for column in self.labels]
        if self.class_mode == "raw":
            return self.labels[index_array]
        chosen = [self.labels[number] for number in index_array]
        if self.class_mode in ("binary", "sparse"):
            return np.array(chosen, dtype=self.dtype)
        hot = np.zeros((len(chosen), len(self.class_indices)), dtype=self.dtype)
        for line, label in zip(hot, chosen, strict=True):
            line[label] = 1.0
        return hot

    def _read(self, index_array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The pictures of these files as floats, and the samples that could be read."""
        paths = self.filepaths
        dtype = np.dtype(self.dtype)
        batch = np.empty((len(index_array), *self.image_shape), dtype=dtype if dtype.kind == "f" else "float32")

        def read(place: int) -> bool:
            path = paths[index_array[place]]
            try:
                picture = load_img(
                    path,
                    color_mode=self.color_mode,
                    target_size=self.target_size,
                    interpolation=self.interpolation,
                    keep_aspect_ratio=self.keep_aspect_ratio,
                )
            except (OSError, ValueError) as error:
                if self.on_bad_image == "error":
                    raise
                self._unreadable[path] = str(error)
                return False
            pixels = np.asarray(picture)
            pixels = pixels[..., None] if pixels.ndim == 2 else pixels
            batch[place] = pixels if self.data_format == "channels_last" else pixels.transpose(2, 0, 1)
            return True

        if len(index_array) < 4:
            readable = [read(place) for place in range(len(index_array))]
        else:
            # PIL decodes without the interpreter's lock. The threads end with the batch, so that a forked worker
            # never waits for threads that only its parent has.
            with ThreadPoolExecutor(min(len(index_array), os.cpu_count() or 1, 8)) as pool:
                readable = list(pool.map(read, range(len(index_array))))
        if all(readable):
            return batch, index_array
        if not any(readable):
            raise OSError(
                f"{type(self).__name__}: expected at least one readable picture in a batch; received "
                f"{', '.join(repr(paths[number]) for number in index_array)}. Remove the damaged files."
            )
        return batch[readable], index_array[readable]

    def on_epoch_end(self) -> None:
        """Put the samples in a new order, and say how many could not be read."""
        super().on_epoch_end()
        self._warn_of_unreadable()

    def _warn_of_unreadable(self) -> None:
        count = len(self._unreadable)
        if count > self._counted:
            self._counted = count
            names = sorted(self._unreadable)  # readers find them in any order
            warnings.warn(
                f"{type(self).__name__}: {count} of {self.n} pictures could not be read and were left out: "
                f"{', '.join(names[:5])}{', ...' if count > 5 else ''}.",
                stacklevel=3,
            )


def check_subset(caller: str, subset: Any) -> str:
    """`subset`, or ValueError for one that is none."""
    if subset not in SUBSETS:
        raise ValueError(f"{caller}: expected subset as one of {SUBSETS}; received {subset!r}.")
    return subset


def check_class_mode(caller: str, class_mode: Any, known: Iterable[Any]) -> None:
    """ValueError for a mode that is not among those of the iterator."""
    known = tuple(known)
    if class_mode not in known:
        raise ValueError(f"{caller}: expected class_mode as one of {known}; received {class_mode!r}.")


def say(text: str) -> None:
    """Keras' lines about what was found."""
    sys.stdout.write(text + "\n")
