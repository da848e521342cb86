"""Pictures: files, random changes, and batches for training."""

from kerastorch.preprocessing.image.arrays import NumpyArrayIterator
from kerastorch.preprocessing.image.folders import DirectoryIterator
from kerastorch.preprocessing.image.frames import DataFrameIterator
from kerastorch.preprocessing.image.generator import ImageDataGenerator
from kerastorch.preprocessing.image.iterators import BatchFromFilesMixin, Iterator
from kerastorch.preprocessing.image.pictures import array_to_img, img_to_array, load_img, save_img, smart_resize
from kerastorch.preprocessing.image.transforms import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
    random_brightness,
    random_channel_shift,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
)

__all__ = [
    "BatchFromFilesMixin",
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]
