"""ImageDataGenerator: batches of pictures, each changed at random and brought to the range that a model wants."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from kerastorch.core.config import floatx, normalize_data_format
from kerastorch.core.errors import describe
from kerastorch.ops.transforms import affine_transform, in_parts
from kerastorch.preprocessing.image.arrays import NumpyArrayIterator, warn_of_channels
from kerastorch.preprocessing.image.folders import DirectoryIterator
from kerastorch.preprocessing.image.frames import DataFrameIterator
from kerastorch.preprocessing.image.transforms import (
    affine_maps,
    check_fill_mode,
    checked_pair,
    flipped_maps,
    shift_brightness,
    shift_channels,
)

# Parameters of a transformation with the value that changes nothing, in the order in which they are drawn.
UNCHANGED = {
    "theta": 0,
    "tx": 0,
    "ty": 0,
    "shear": 0,
    "zx": 1,
    "zy": 1,
    "flip_horizontal": False,
    "flip_vertical": False,
    "channel_shift_intensity": None,
    "brightness": None,
}
Parameters = dict[str, Any]


class ImageDataGenerator:
    """Makes batches of pictures that are rotated, shifted, zoomed, flipped and coloured at random, and normalised.

    The ranges are those of tf.keras: degrees for rotation and shear, fractions, pixels or lists for shifts, factors
    for zoom and brightness. With the same seed NumPy's generator draws the same parameters as there, and a whole batch
    is transformed at once. `fit` takes the statistics that the featurewise options and ZCA whitening need.
    Raises ValueError for options that cannot be.

    >>> generator = ImageDataGenerator(rotation_range=30, horizontal_flip=True, rescale=1 / 255)
    >>> x, y = next(generator.flow(np.ones((8, 32, 32, 3)), np.arange(8), batch_size=4))
    >>> x.shape
    (4, 32, 32, 3)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: tuple[float, float] | None = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        check_fill_mode("ImageDataGenerator", fill_mode, interpolation_order)
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.shear_range = shear_range
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.interpolation_order = interpolation_order
        self.dtype = floatx() if dtype is None else dtype
        self.data_format = normalize_data_format(data_format)
        self.channel_axis, self.row_axis, self.col_axis = (
            (3, 1, 2) if self.data_format == "channels_last" else (1, 2, 3)
        )
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                "ImageDataGenerator: expected validation_split between 0 and 1; received "
                f"{validation_split!r}. Pass the fraction of pictures to keep for validation."
            )
        self._validation_split = validation_split
        self.mean = self.std = self.zca_whitening_matrix = None
        if isinstance(zoom_range, int | float):
            zoom_range = [1 - zoom_range, 1 + zoom_range]
        self.zoom_range = list(checked_pair("ImageDataGenerator", "zoom_range", zoom_range))
        if brightness_range is not None:
            checked_pair("ImageDataGenerator", "brightness_range", brightness_range)
        self.brightness_range = brightness_range
        self._settle_normalization()

    def _settle_normalization(self) -> None:
        """Switch on what an option includes, and off what it replaces."""
        for option, other, wanted in (
            ("zca_whitening", "featurewise_center", True),
            ("zca_whitening", "featurewise_std_normalization", False),
            ("featurewise_std_normalization", "featurewise_center", True),
            ("samplewise_std_normalization", "samplewise_center", True),
        ):
            if getattr(self, option) and bool(getattr(self, other)) is not wanted:
                setattr(self, other, wanted)
                warnings.warn(f"ImageDataGenerator: {option}=True sets {other} to {wanted}.", stacklevel=3)

    # --- where the batches come from -----------------------------------------------------------------------------

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Batches from pictures (samples, height, width, channels), or from (pictures, other inputs).

        Raises ValueError for other ranks, for lengths that differ, and for an unknown subset.

        >>> ImageDataGenerator().flow(np.ones((8, 4, 4, 1)), batch_size=3)[2].shape
        (2, 4, 4, 1)
        """
        return NumpyArrayIterator(
            x, y, self, batch_size=batch_size, shuffle=shuffle, sample_weight=sample_weight, seed=seed,
            data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix, save_format=save_format,
            subset=subset, ignore_class_split=ignore_class_split, dtype=self.dtype,
        )  # fmt: skip

    def flow_from_directory(
        self,
        directory: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        on_bad_image: str = "error",
    ) -> DirectoryIterator:
        """Batches from picture files in one folder for each class.

        `class_mode` is 'categorical', 'binary', 'sparse', 'input' or None. A file that cannot be read is an error that
        names it; with on_bad_image='skip' it is left out, and a warning at the end of the epoch counts them.
        Raises OSError and ValueError for folders without pictures and for options that cannot be.

        >>> ImageDataGenerator(rescale=1 / 255).flow_from_directory("pets", target_size=(150, 150))  # doctest: +SKIP
        Found 100 images belonging to 2 classes.
        """
        return DirectoryIterator(
            directory, self, target_size=target_size, color_mode=color_mode, classes=classes, class_mode=class_mode,
            batch_size=batch_size, shuffle=shuffle, seed=seed, data_format=self.data_format, save_to_dir=save_to_dir,
            save_prefix=save_prefix, save_format=save_format, follow_links=follow_links, subset=subset,
            interpolation=interpolation, keep_aspect_ratio=keep_aspect_ratio, dtype=self.dtype,
            on_bad_image=on_bad_image,
        )  # fmt: skip

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
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
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
        on_bad_image: str = "error",
        **kwargs: Any,
    ) -> DataFrameIterator:
        """Batches from the picture files that a table names: a data frame, or a dict of columns.

        `class_mode` is 'categorical', 'binary', 'sparse', 'input', 'multi_output', 'raw' or None; `on_bad_image` as in
        `flow_from_directory`. Names without a file are warned of and left out.
        Raises ValueError and TypeError for columns that do not fit the mode.

        >>> table = {"filename": ["a.png", "b.png"], "class": ["cat", "dog"]}
        >>> ImageDataGenerator().flow_from_dataframe(table, "pets")  # doctest: +SKIP
        Found 2 validated image filenames belonging to 2 classes.
        """
        for old in ("has_ext", "sort", "drop_duplicates"):
            if kwargs.pop(old, None) is not None:
                warnings.warn(
                    f"flow_from_dataframe: expected no {old}; it does nothing. Change the table itself.",
                    DeprecationWarning,
                    stacklevel=2,
                )
        if kwargs:
            raise TypeError(f"flow_from_dataframe: expected arguments that it knows; received {sorted(kwargs)}.")
        if class_mode == "other":
            warnings.warn("flow_from_dataframe: expected class_mode='raw'; received 'other'.", DeprecationWarning, 2)
            class_mode = "raw"
        return DataFrameIterator(
            dataframe, directory, self, x_col=x_col, y_col=y_col, weight_col=weight_col, target_size=target_size,
            color_mode=color_mode, classes=classes, class_mode=class_mode, batch_size=batch_size, shuffle=shuffle,
            seed=seed, data_format=self.data_format, save_to_dir=save_to_dir, save_prefix=save_prefix,
            save_format=save_format, subset=subset, interpolation=interpolation, dtype=self.dtype,
            validate_filenames=validate_filenames, on_bad_image=on_bad_image,
        )  # fmt: skip

    # --- one picture ---------------------------------------------------------------------------------------------

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> Parameters:
        """The random parameters of one transformation of a picture of `img_shape`.

        >>> ImageDataGenerator(rotation_range=10).get_random_transform((8, 8, 3), seed=0)["theta"].__round__(3)
        0.976
        """
        if seed is not None:
            np.random.seed(seed)
        uniform = np.random.uniform
        drawn = dict(UNCHANGED)
        if self.rotation_range:
            drawn["theta"] = uniform(-self.rotation_range, self.rotation_range)
        for key, axis, shifts in (("tx", 0, self.height_shift_range), ("ty", 1, self.width_shift_range)):
            if not _is_zero(shifts):
                if _is_choice(shifts):
                    drawn[key] = np.random.choice(shifts) * np.random.choice([-1, 1])
                else:
                    drawn[key] = uniform(-shifts, shifts)
                if np.max(shifts) < 1:
                    drawn[key] *= img_shape[(self.row_axis, self.col_axis)[axis] - 1]
        if self.shear_range:
            drawn["shear"] = uniform(-self.shear_range, self.shear_range)
        if self._zooms():
            drawn["zx"], drawn["zy"] = uniform(*self.zoom_range, 2)
        drawn["flip_horizontal"] = (np.random.random() < 0.5) * self.horizontal_flip
        drawn["flip_vertical"] = (np.random.random() < 0.5) * self.vertical_flip
        if self.channel_shift_range:
            drawn["channel_shift_intensity"] = uniform(-self.channel_shift_range, self.channel_shift_range)
        if self.brightness_range is not None:
            drawn["brightness"] = uniform(*self.brightness_range)
        return drawn

    def apply_transform(self, x: np.ndarray, transform_parameters: Parameters) -> np.ndarray:
        """The picture under a transformation: parameters as `get_random_transform` returns them, some or all.

        >>> ImageDataGenerator().apply_transform(np.arange(3.0).reshape(1, 3, 1), {"flip_horizontal": True}).ravel()
        array([2., 1., 0.])
        """
        x = np.array(x)
        if x.dtype.kind != "f":
            x = x.astype(self.dtype)
        return self._transformed(x[None], _stacked([{**UNCHANGED, **transform_parameters}]))[0]

    def random_transform(self, x: np.ndarray, seed: int | None = None) -> np.ndarray:
        """The picture under a random transformation.

        >>> ImageDataGenerator(rotation_range=10).random_transform(np.ones((4, 4, 3))).shape
        (4, 4, 3)
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """The picture preprocessed, rescaled and normalised, in place where it can be.

        >>> ImageDataGenerator(rescale=0.5).standardize(np.ones((1, 1, 2)))
        array([[[0.5, 0.5]]])
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        return self._normalized(x, None)

    # --- a batch -------------------------------------------------------------------------------------------------

    def augment(self, batch: np.ndarray) -> np.ndarray:
        """Pictures (batch, ...) under random transformations, and normalised; the array itself may change."""
        own = [getattr(getattr(self, name), "__func__", None) for name in _OF_ONE_PICTURE]
        if own != [getattr(ImageDataGenerator, name) for name in _OF_ONE_PICTURE]:
            for number in range(len(batch)):  # a subclass has its own way with pictures
                self._augment_one(batch, number)
            return batch
        if self.preprocessing_function is None or not len(batch):
            return self._normalized(self._transformed(batch, self._draw(batch.shape)), (1, 2, 3))
        # a function that draws random numbers finds the stream where it would be picture by picture
        parameters = self._draw((1, *batch.shape[1:]))
        before = np.random.get_state(legacy=False)["state"]
        batch[0] = self._preprocessed(self._transformed(batch[:1], parameters)[0])
        after = np.random.get_state(legacy=False)["state"]
        if before["pos"] != after["pos"] or not np.array_equal(before["key"], after["key"]):
            self._normalized(batch[:1], (1, 2, 3))
            for number in range(1, len(batch)):
                self._augment_one(batch, number)
            return batch
        batch[1:] = self._transformed(batch[1:], self._draw((len(batch) - 1, *batch.shape[1:])))
        for number in range(1, len(batch)):
            batch[number] = self._preprocessed(batch[number])
        return self._normalized(batch, (1, 2, 3))

    def _augment_one(self, batch: np.ndarray, number: int) -> None:
        x = batch[number]
        x = self.apply_transform(x, self.get_random_transform(x.shape))
        batch[number] = _checked_shape(self.standardize(x), batch[number].shape)

    def _preprocessed(self, x: np.ndarray) -> np.ndarray:
        return _checked_shape(self.preprocessing_function(x), x.shape)

    def _zooms(self) -> bool:
        return not self.zoom_range[0] == self.zoom_range[1] == 1

    def _draw(self, shape: Any) -> Parameters:
        """The parameters of `get_random_transform` for a batch of `shape`, each an array, from the same stream."""
        shifts = (self.height_shift_range, self.width_shift_range)
        if any(not _is_zero(one) and _is_choice(one) for one in shifts):
            return _stacked([self.get_random_transform(shape[1:]) for _ in range(shape[0])])
        ranges: list[tuple[str, float, float]] = []
        if self.rotation_range:
            ranges.append(("theta", -self.rotation_range, self.rotation_range))
        ranges += [(key, -one, one) for key, one in zip(("tx", "ty"), shifts, strict=True) if one]
        if self.shear_range:
            ranges.append(("shear", -self.shear_range, self.shear_range))
        if self._zooms():
            ranges += [("zx", *self.zoom_range), ("zy", *self.zoom_range)]
        ranges += [("flip_horizontal", 0, 1), ("flip_vertical", 0, 1)]
        if self.channel_shift_range:
            ranges.append(("channel_shift_intensity", -self.channel_shift_range, self.channel_shift_range))
        if self.brightness_range is not None:
            ranges.append(("brightness", *self.brightness_range))
        numbers = np.random.random_sample((shape[0], len(ranges)))
        drawn = {key: low + (high - low) * numbers[:, place] for place, (key, low, high) in enumerate(ranges)}
        for key, one, axis in (("tx", shifts[0], self.row_axis), ("ty", shifts[1], self.col_axis)):
            if key in drawn and one < 1:
                drawn[key] *= shape[axis]
        for key in ("flip_horizontal", "flip_vertical"):
            drawn[key] = (drawn[key] < 0.5) & bool(getattr(self, key.split("_")[1] + "_flip"))
        return {**UNCHANGED, **drawn}

    def _transformed(self, batch: np.ndarray, drawn: Parameters) -> np.ndarray:
        """Pictures under parameters that `_draw` returned, in the same array."""
        moved = any(np.any(drawn[key] != UNCHANGED[key]) for key in _MOVING)
        flips = {key: np.broadcast_to(drawn[key], len(batch)).astype(bool) for key in _FLIPS}
        if not moved:
            for axis, where in zip((self.row_axis, self.col_axis), flips.values(), strict=True):
                for number in np.flatnonzero(where):
                    batch[number] = np.flip(batch[number], axis - 1)
        if moved or drawn["channel_shift_intensity"] is not None or drawn["brightness"] is not None:
            images = torch.from_numpy(batch)
            drawn = {**drawn, **flips}

            def change(part: slice) -> None:
                of_part = {key: value[part] if isinstance(value, np.ndarray) else value for key, value in drawn.items()}
                images[part] = self._changed(images[part], of_part, moved)

            in_parts(images, change)
        return batch

    def _changed(self, images: torch.Tensor, drawn: Parameters, moved: bool) -> torch.Tensor:
        images = images if images.dtype in (torch.float32, torch.float64) else images.float()
        planes = images.permute(0, 3, 1, 2) if self.channel_axis == 3 else images
        if moved:
            rows, columns = planes.shape[2:]
            maps = affine_maps(*(drawn[key] for key in _MOVING), rows, columns)
            maps = np.array(np.broadcast_to(maps, (len(planes), 2, 3)))
            for axis, (size, key) in enumerate(zip((rows, columns), _FLIPS, strict=True)):
                flipped_maps(maps, size, axis, drawn[key])
            maps = torch.from_numpy(maps)
            planes = affine_transform(planes.contiguous(), maps, self.interpolation_order, self.fill_mode, self.cval)
        if drawn["channel_shift_intensity"] is not None:
            planes = shift_channels(planes, torch.as_tensor(drawn["channel_shift_intensity"]))
        if drawn["brightness"] is not None:
            planes = shift_brightness(planes, torch.as_tensor(drawn["brightness"]), scale=False, channels_axis=1)
        return planes.permute(0, 2, 3, 1) if self.channel_axis == 3 else planes

    def _normalized(self, x: np.ndarray, axes: Any) -> np.ndarray:
        """Pictures rescaled, centred and whitened as the options say; `axes` are those of one sample."""
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, axis=axes, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, axis=axes, keepdims=True) + 1e-6
        if self.featurewise_center and self._is_fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._is_fitted("featurewise_std_normalization", self.std):
            x /= self.std + 1e-6
        if self.zca_whitening and self._is_fitted("zca_whitening", self.zca_whitening_matrix):
            flat = x.reshape(-1, np.prod(x.shape[-3:]))
            x = (flat @ self.zca_whitening_matrix).reshape(x.shape).astype(x.dtype, copy=False)
        return x

    def _is_fitted(self, option: str, statistic: Any) -> bool:
        if statistic is None:
            warnings.warn(
                f"ImageDataGenerator: expected statistics for {option}; received none, so pictures stay as they are. "
                "Call fit(pictures) first.",
                stacklevel=5,
            )
        return statistic is not None

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Take the mean, deviation and whitening matrix from pictures (samples, height, width, channels).

        With `augment` they are those of `rounds` random transformations of each picture.
        Raises ValueError for other ranks and for values that are not finite.

        >>> generator = ImageDataGenerator(featurewise_center=True)
        >>> generator.fit(np.ones((2, 4, 4, 1)))
        >>> generator.mean.ravel()
        array([1.], dtype=float32)
        """
        x = np.array(x, dtype=self.dtype)  # a copy, which is changed below
        if x.ndim != 4 or not len(x):
            raise ValueError(
                f"ImageDataGenerator.fit: expected pictures of rank 4; received shape {x.shape}. "
                "Pass (samples, height, width, channels): add an axis for grey pictures, x[..., None]."
            )
        if not np.isfinite(x).all():
            raise ValueError(
                "ImageDataGenerator.fit: expected finite values; received NaN or infinity. Clean the data."
            )
        warn_of_channels("ImageDataGenerator.fit", x.shape, self.channel_axis, self.data_format)
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            one_by_one = getattr(self.random_transform, "__func__", None) is not ImageDataGenerator.random_transform
            x = np.concatenate(
                [
                    np.stack([self.random_transform(one) for one in x])
                    if one_by_one
                    else self._transformed(x.copy(), self._draw(x.shape))
                    for _ in range(rounds)
                ]
            )
        axes, shape = (0, self.row_axis, self.col_axis), [1, 1, 1]
        shape[self.channel_axis - 1] = x.shape[self.channel_axis]
        if self.featurewise_center:
            self.mean = np.mean(x, axis=axes).reshape(shape)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=axes).reshape(shape)
            x /= self.std + 1e-6
        if self.zca_whitening:
            directions, values, _ = np.linalg.svd(x.reshape(len(x), -1).T, full_matrices=False)
            scales = np.sqrt(len(x)) / (values + self.zca_epsilon)
            self.zca_whitening_matrix = (directions * scales) @ directions.T


_MOVING = ("theta", "tx", "ty", "shear", "zx", "zy")
_FLIPS = ("flip_vertical", "flip_horizontal")
_OF_ONE_PICTURE = ("get_random_transform", "apply_transform", "standardize")


def _stacked(several: list[Parameters]) -> Parameters:
    """The parameters of several transformations as one array each; None stays None."""
    return {
        key: value if several[0][key] is None else np.array([one[key] for one in several])
        for key, value in UNCHANGED.items()
    }


def _is_zero(shifts: Any) -> bool:
    return not (len(shifts) if np.ndim(shifts) else shifts)


def _is_choice(shifts: Any) -> bool:
    """Whether a shift is one of several numbers: a list, or a whole number of pixels; not the end of an interval."""
    if np.ndim(shifts):
        return True
    try:
        return operator.index(shifts) > 0
    except TypeError:
        return False


def _checked_shape(x: Any, shape: tuple[int, ...]) -> np.ndarray:
    if np.shape(x) != shape:
        raise ValueError(
            f"ImageDataGenerator: expected preprocessing_function to return a picture of shape {shape}, as it gets; "
            f"received {describe(x)}."
        )
    return x
