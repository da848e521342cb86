"""Pictures in files, as PIL images and as arrays."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kerastorch.core.config import floatx, normalize_data_format
from kerastorch.core.errors import describe
from kerastorch.ops import images as image_ops

if TYPE_CHECKING:
    from PIL.Image import Image

COLOR_MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}
FILE_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")

# Formats that PIL has another program draw, which no file gets to start that is named .jpg.
_DRAWN_BY_PROGRAMS = ("EPS",)

# What PIL raises, besides OSError, for files that are no pictures or damaged ones.
_DAMAGED = (
    *(SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, AttributeError, RuntimeError),
    *(MemoryError, struct.error, zlib.error),
)


def load_img(
    path: Any,
    grayscale: bool = False,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """The picture in a file as a PIL image in `color_mode`, resized to `target_size` (height, width).

    `color_mode` is 'rgb', 'rgba' or 'grayscale', which keeps 16 and 32 bits; `interpolation` one of 'nearest',
    'bilinear', 'bicubic', 'hamming', 'box' and 'lanczos'. With `keep_aspect_ratio` the middle is cut out first.
    Raises OSError, which names the file, for one that cannot be read; ValueError for one with too many pixels.

    >>> load_img("cat.jpg", target_size=(224, 224)).size
    (224, 224)
    """
    from PIL import Image, UnidentifiedImageError

    if grayscale:
        warnings.warn("load_img: expected color_mode='grayscale'; received grayscale=True.", stacklevel=2)
        color_mode = "grayscale"
    check_options("load_img", color_mode, interpolation)
    source, name = _source(path)
    try:
        picture = Image.open(source)
        if picture.format in _DRAWN_BY_PROGRAMS:
            raise OSError(f"{picture.format} files are programs for Ghostscript")
        if color_mode != "grayscale":
            picture = picture if picture.mode == color_mode.upper() else picture.convert(color_mode.upper())
        elif picture.mode not in ("L", "I;16", "I"):
            picture = picture.convert("L")
        picture.load()  # the decoder meets a damaged end here, where the name of the file is known
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"load_img: expected a picture of at most {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels; received {name}: "
            f"{error}. Raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file."
        ) from error
    except UnidentifiedImageError as error:
        raise UnidentifiedImageError(
            f"load_img: expected a picture; received {name}, whose content is none that PIL knows. "
            "Delete the file, or save it anew as PNG or JPEG."
        ) from error
    except (OSError, *_DAMAGED) as error:
        raise OSError(
            f"load_img: expected a whole picture; received {name}, which cannot be decoded: {error}. "
            "Delete the file, or fetch it again."
        ) from error
    if target_size is None or picture.size == (target_size[1], target_size[0]):
        return picture
    height, width = target_size
    box = None
    if keep_aspect_ratio:
        box_width = min(picture.width, picture.height * width // height)
        box_height = min(picture.height, picture.width * height // width)
        left, top = (picture.width - box_width) // 2, (picture.height - box_height) // 2
        box = (left, top, left + box_width, top + box_height)
    return picture.resize((width, height), Image.Resampling[interpolation.upper()], box=box)


def check_options(caller: str, color_mode: Any, interpolation: Any = "nearest") -> None:
    """ValueError for a colour mode or an interpolation that there is not."""
    for option, value, known in (
        ("color_mode", color_mode, (*COLOR_MODES,)),
        ("interpolation", interpolation, FILE_INTERPOLATIONS),
    ):
        if value not in known:
            raise ValueError(f"{caller}: expected {option} as one of {known}; received {value!r}.")


def _source(path: Any) -> tuple[io.BytesIO, str]:
    """The bytes of a file, and how errors call it."""
    if isinstance(path, io.BytesIO):
        return path, "a BytesIO"
    if not isinstance(path, str | bytes | os.PathLike):
        raise TypeError(f"load_img: expected a path or an io.BytesIO; received {describe(path)}.")
    with open(path, "rb") as file:  # a missing or unreadable file is an OSError that names it
        return io.BytesIO(file.read()), repr(os.fsdecode(path))


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """A PIL image as an array (height, width, channels), or (channels, height, width), of floats.

    Raises ValueError for anything that is no picture of rank 2 or 3.

    >>> img_to_array(load_img("cat.jpg", target_size=(224, 224))).shape
    (224, 224, 3)
    """
    data_format = normalize_data_format(data_format)
    array = np.asarray(img, dtype=floatx() if dtype is None else dtype)
    if array.ndim not in (2, 3):
        raise ValueError(
            f"img_to_array: expected a picture of rank 2 or 3; received one of shape {array.shape}. Pass one picture."
        )
    if array.ndim == 2:
        array = array[..., None]
    return array.transpose(2, 0, 1) if data_format == "channels_first" else array


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Image:
    """An array of rank 3 as a PIL image; with `scale` its values are stretched to 0 to 255.

    1, 3 and 4 channels become 'L' (or 'I', for values above 255), 'RGB' and 'RGBA'.
    Raises ValueError for other ranks and numbers of channels.

    >>> array_to_img(np.zeros((2, 3, 1))).size
    (3, 2)
    """
    from PIL import Image

    data_format = normalize_data_format(data_format)
    array = np.asarray(x, dtype=floatx() if dtype is None else dtype)
    if array.ndim != 3:
        raise ValueError(
            f"array_to_img: expected one picture of rank 3; received shape {array.shape}. "
            "Take one out of a batch: array_to_img(batch[0])."
        )
    if data_format == "channels_first":
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - np.min(array)
        largest = np.max(array)
        if largest != 0:
            array /= largest
        array *= 255
    channels = array.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(
            f"array_to_img: expected 1, 3 or 4 channels; received {channels}, in {data_format} shape "
            f"{np.shape(x)}. Pass the data_format of the array."
        )
    if channels == 1:
        array = array[:, :, 0]
        if np.max(array) > 255:
            return Image.fromarray(array.astype("int32"))
    return Image.fromarray(array.astype("uint8"))


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Write an array of rank 3 to a picture file; what `array_to_img` refuses is refused.

    `file_format` is that of the name's ending where it is None; further keywords go to PIL.

    >>> save_img("grey.png", np.zeros((8, 8, 1)))
    """
    picture = array_to_img(x, data_format=data_format, scale=scale)
    if picture.mode == "RGBA" and file_format in ("jpg", "jpeg"):
        warnings.warn("save_img: JPEG files have no transparency; the picture is saved without it.", stacklevel=2)
        picture = picture.convert("RGB")
    picture.save(path, format="jpeg" if file_format == "jpg" else file_format, **kwargs)


def smart_resize(x: Any, size: Any, interpolation: str = "bilinear") -> Any:
    """The largest part in the middle with the proportions of `size`, resized to it: nothing is distorted.

    `x` is (height, width, channels) or (batch, height, width, channels), an array or a tensor, and so is the result.
    Raises ValueError for other ranks and sizes.

    >>> smart_resize(np.zeros((340, 500, 3)), (200, 200)).shape
    (200, 200, 3)
    """
    if len(size) != 2:
        raise ValueError(f"smart_resize: expected size as (height, width); received {size!r}.")
    images = x if isinstance(x, torch.Tensor) else torch.as_tensor(np.asarray(x))
    if images.dim() not in (3, 4):
        raise ValueError(
            f"smart_resize: expected a picture of rank 3 or a batch of rank 4; received shape {tuple(images.shape)}."
        )
    image_ops.check_interpolation("smart_resize", interpolation)
    resized = image_ops.crop_and_resize(images, size, interpolation)
    return resized if isinstance(x, torch.Tensor) else resized.numpy()
