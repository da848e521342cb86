"""Data sets of the files in a folder tree: pictures, texts and sounds."""

from __future__ import annotations

import os
import wave
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from kerastorch.core.strings import StringTensor, as_strings
from kerastorch.data import Dataset
from kerastorch.ops import images as image_ops
from kerastorch.preprocessing.image import load_img
from kerastorch.preprocessing.image.pictures import COLOR_MODES
from kerastorch.utils.directory_files import DirectoryLoader

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    on_bad_image: str = "error",
    **kwargs: Any,
) -> Any:
    """A Dataset of the pictures in a folder tree, (batch, height, width, channels) from 0 to 255, with labels.

    Each folder in `directory` is a class, in alphabetical order or that of `class_names`. `label_mode` 'int' gives
    numbers (batch,), 'binary' (batch, 1), 'categorical' rows (batch, classes), None pictures alone.
    `subset` takes the 'training' or 'validation' part of a `validation_split`, or 'both' as two data sets.
    `on_bad_image='skip'` leaves out files that cannot be read, and says at the end how many.
    The result has `class_names` and `file_paths`. Raises ElementError, which names the file, for a bad picture.

    >>> image_dataset_from_directory("pets", image_size=(180, 180)).class_names  # doctest: +SKIP
    ['cats', 'dogs']
    """
    caller = "image_dataset_from_directory"
    if kwargs.pop("smart_resize", False):
        crop_to_aspect_ratio = True
    if kwargs:
        raise TypeError(f"{caller}: expected the arguments of its signature; received {', '.join(sorted(kwargs))}.")
    if color_mode not in COLOR_MODES:
        raise ValueError(f"{caller}: expected color_mode to be one of {(*COLOR_MODES,)}; received {color_mode!r}.")
    if on_bad_image not in ("error", "skip"):
        raise ValueError(f"{caller}: expected on_bad_image to be 'error' or 'skip'; received {on_bad_image!r}.")
    if len(image_size) != 2:
        raise ValueError(f"{caller}: expected image_size as (height, width); received {image_size!r}.")
    interpolation = image_ops.check_interpolation(caller, interpolation)

    def load(path: str) -> torch.Tensor:
        array = np.array(load_img(path, color_mode=color_mode))
        array = (array >> 8).astype("uint8") if array.dtype in ("uint16", "int32") else array  # 16 bits a channel
        image = torch.from_numpy(array if array.ndim == 3 else array[..., None])
        if interpolation != "nearest":  # which alone leaves whole numbers as they are
            image = image.float()
        if crop_to_aspect_ratio:
            return image_ops.crop_and_resize(image, image_size, interpolation)
        if tuple(image.shape[:2]) == tuple(image_size):
            return image
        return image_ops.resize(image, image_size, interpolation)

    loader = DirectoryLoader(
        caller, "image", PICTURES, load, labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, skips=on_bad_image == "skip",
    )  # fmt: skip
    return loader.datasets(directory)


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
) -> Any:
    """A Dataset of the contents of the .txt files in a folder tree, strings (batch,), with labels.

    `max_length` cuts each text after so many bytes; the other arguments are those of `image_dataset_from_directory`.

    >>> text_dataset_from_directory("aclImdb/train", validation_split=0.2, subset="training", seed=1)  # doctest: +SKIP
    """

    def load(path: str) -> StringTensor:
        with open(path, "rb") as file:
            return as_strings(file.read(-1 if max_length is None else max_length))

    loader = DirectoryLoader(
        "text_dataset_from_directory", "text", (".txt",), load, labels=labels, label_mode=label_mode,
        class_names=class_names, batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split,
        subset=subset, follow_links=follow_links,
    )  # fmt: skip
    return loader.datasets(directory)


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
) -> Any:
    """A Dataset of the .wav files in a folder tree, (batch, samples, channels) from -1 to 1, with labels.

    Sounds are cut and padded to `output_sequence_length`, or padded to the longest of their batch; `sampling_rate`
    brings them to one rate. The other arguments are those of `image_dataset_from_directory`.
    Raises ElementError, which names the file, for one that is no WAV of whole numbers.
    """
    caller = "audio_dataset_from_directory"
    if ragged:
        raise ValueError(f"{caller}: expected ragged=False, as torch has no ragged tensors; received True.")
    if sampling_rate is not None and (not isinstance(sampling_rate, int) or sampling_rate <= 0):
        raise ValueError(f"{caller}: expected sampling_rate as a positive integer; received {sampling_rate!r}.")

    def load(path: str) -> torch.Tensor:
        sound, rate = read_wave(path)
        if sampling_rate is not None and sampling_rate != rate:
            count = max(1, round(len(sound) * sampling_rate / rate))
            line = sound.t().unsqueeze(0)
            sound = torch.nn.functional.interpolate(line, size=count, mode="linear")[0].t()
        if output_sequence_length is None:
            return sound
        missing = max(0, output_sequence_length - len(sound))
        return torch.nn.functional.pad(sound[:output_sequence_length], (0, 0, 0, missing))

    loader = DirectoryLoader(
        caller, "audio", (".wav",), load, labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links,
    )  # fmt: skip

    def padded(dataset: Dataset) -> Dataset:
        return dataset.padded_batch(batch_size)

    return loader.datasets(directory, padded if output_sequence_length is None else None)


def read_wave(path: Any) -> tuple[torch.Tensor, int]:
    """The samples (samples, channels) of a WAV file of 8, 16, 24 or 32 bits, from -1 to 1, and their rate."""
    try:
        with wave.open(os.fspath(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = np.frombuffer(file.readframes(file.getnframes()), dtype=np.uint8)
    except (wave.Error, EOFError) as error:
        raise ValueError(
            f"audio_dataset_from_directory: expected a WAV file of whole numbers; received {os.fspath(path)!r} "
            f"({error}). Convert it to 16 bits."
        ) from error
    samples = data[: len(data) // width * width].reshape(-1, width)
    if width == 1:
        values = samples[:, 0].astype("float32") / 128 - 1
    else:
        whole = np.zeros((len(samples), 4), dtype=np.uint8)
        whole[:, 4 - width :] = samples
        values = whole.view("<i4")[:, 0] / np.float32(2**31)
    usable = len(values) // channels * channels
    return torch.from_numpy(values[:usable].reshape(-1, channels).astype("float32")), rate
