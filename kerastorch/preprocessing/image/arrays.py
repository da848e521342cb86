"""Batches of pictures that lie in an array."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from kerastorch.core.config import floatx, normalize_data_format
from kerastorch.core.errors import describe
from kerastorch.preprocessing.image.iterators import Iterator, check_subset


class NumpyArrayIterator(Iterator):
    """Batches of the pictures in an array, changed by an ImageDataGenerator; the array is never copied.

    `x` may be (pictures, other) or (pictures, [other, ...]), whose other arrays go along unchanged.
    Raises ValueError for arrays of another rank, for lengths that differ, and for an unknown subset.

    >>> iterator = NumpyArrayIterator(np.ones((5, 4, 4, 3)), np.arange(5), ImageDataGenerator(), batch_size=2)
    >>> len(iterator), iterator[2][0].shape
    (3, (1, 4, 4, 3))
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: Any = None,
    ) -> None:
        self.dtype = floatx() if dtype is None else dtype
        self.data_format = normalize_data_format(data_format)
        others: list[np.ndarray] = []
        if isinstance(x, tuple | list) and len(x) == 2 and np.ndim(x[0]) == 4:
            others = [np.asarray(other) for other in (x[1] if isinstance(x[1], list) else [x[1]])]
            x = x[0]
        x = _as_array(x)
        y = None if y is None else np.asarray(y)
        sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        for name, array in (*(("x[1]", other) for other in others), ("y", y), ("sample_weight", sample_weight)):
            if array is not None and len(array) != len(x):
                raise ValueError(
                    f"NumpyArrayIterator: expected {name} as long as the {len(x)} pictures; received {len(array)} "
                    f"entries. Pass one for each picture."
                )
        if subset is not None:
            part = self._part(len(x), y, image_data_generator, subset, ignore_class_split)
            x, others = x[part], [other[part] for other in others]
            y = None if y is None else y[part]
            sample_weight = None if sample_weight is None else sample_weight[part]
        warn_of_channels(
            "NumpyArrayIterator", x.shape, 3 if self.data_format == "channels_last" else 1, self.data_format
        )
        self.x, self.x_misc, self.y, self.sample_weight = x, others, y, sample_weight
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        super().__init__(len(x), batch_size, shuffle, seed)

    @staticmethod
    def _part(count: int, y: Any, generator: Any, subset: str, ignore_class_split: bool) -> slice:
        """The samples of a subset: those for validation come first."""
        split = int(count * generator._validation_split)
        wanted = slice(split) if check_subset("NumpyArrayIterator", subset) == "validation" else slice(split, None)
        if y is not None and not ignore_class_split and not np.array_equal(np.unique(y[:split]), np.unique(y[split:])):
            raise ValueError(
                f"NumpyArrayIterator: expected the same classes in both subsets; received {len(np.unique(y[:split]))} "
                f"among the first {split} samples and {len(np.unique(y[split:]))} among the others. Shuffle sorted "
                "arrays first, or pass ignore_class_split=True where y holds no classes."
            )
        return wanted

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        # a new array, which the generator may change
        batch = np.take(self.x, index_array, axis=0).astype(self.dtype, copy=False)
        batch = self.image_data_generator.augment(batch)
        self._save(batch, index_array, 1e4)
        inputs = [batch, *(other[index_array] for other in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return inputs
        if self.sample_weight is None:
            return inputs, self.y[index_array]
        return inputs, self.y[index_array], self.sample_weight[index_array]


def _as_array(x: Any) -> np.ndarray:
    shapes = {np.shape(one) for one in x} if isinstance(x, list | tuple) else ()
    if len(shapes) > 1:
        raise ValueError(
            f"NumpyArrayIterator: expected pictures of one shape; received the shapes {sorted(shapes)[:5]}. "
            "Resize them first, or use flow_from_directory, which does."
        )
    x = np.asarray(x)
    if x.ndim != 4 or x.dtype.kind not in "fiub":
        raise ValueError(
            f"NumpyArrayIterator: expected pictures as numbers of rank 4; received {describe(x)}. "
            "Pass (samples, height, width, channels): add an axis for grey pictures, x[..., None]."
        )
    return x


def warn_of_channels(caller: str, shape: tuple[int, ...], axis: int, data_format: str) -> None:
    """Warn of a number of channels that no picture has."""
    if shape[axis] not in (1, 3, 4):
        warnings.warn(
            f"{caller}: expected 1, 3 or 4 channels in axis {axis}, as data_format is '{data_format}'; received shape "
            f"{shape}. Pass the data_format of the array if it is another one.",
            stacklevel=4,
        )
