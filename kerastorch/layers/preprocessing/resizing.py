"""Layers that bring images to a fixed height and width."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from kerastorch.engine.layer import Layer
from kerastorch.ops import images as image_ops


def checked_size(layer: Layer, **sizes: Any) -> None:
    """ValueError, which names the layer, for a height or width that is no positive integer."""
    for name, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(
                f"{type(layer).__name__} '{layer.name}': expected {name} as a positive integer; received {size!r}. "
                "Pass the number of pixels."
            )


def check_images(layer: Layer, inputs: torch.Tensor) -> None:
    """ValueError, which names the layer, for what is neither an image nor a batch of images."""
    if inputs.dim() not in (3, 4):
        raise ValueError(
            f"{type(layer).__name__} '{layer.name}': expected images of shape (batch, height, width, channels), or one "
            f"of rank 3; received shape {tuple(inputs.shape)}. Add an axis for the channels: x[..., None]."
        )


class ImageLayer(Layer):
    """Base of image layers: further words of Keras 3's configs are accepted where they say what is done anyway."""

    words_of_keras_3: Mapping[str, Any] = {"data_format": "channels_last"}

    def __init__(self, **kwargs: Any) -> None:
        words = {name: kwargs.pop(name) for name in self.words_of_keras_3 if name in kwargs}
        super().__init__(**kwargs)
        for name, value in words.items():
            value = list(value) if isinstance(value, tuple) else value
            if value is not None and value != self.words_of_keras_3[name]:
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected {name}={self.words_of_keras_3[name]!r}; received "
                    f"{value!r}, which only Keras 3 has. Leave it out."
                )


class SizedImages(ImageLayer):
    """Base of layers whose output is `height` x `width`; `get_config` and shapes are theirs."""

    height: int
    width: int

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-3], self.height, self.width, input_shape[-1])

    def cut_and_resized(self, images: torch.Tensor) -> torch.Tensor:
        """The largest part in the middle that has the proportions of the output, resized."""
        return image_ops.crop_and_resize(images.float(), (self.height, self.width)).to(self._dtype)


class Resizing(SizedImages):
    """Images (batch, height, width, channels), or one of rank 3, resized to `height` x `width`.

    `interpolation` is 'bilinear', 'nearest', 'bicubic', 'area', 'lanczos3', 'lanczos5', 'gaussian' or
    'mitchellcubic'. With `crop_to_aspect_ratio` the middle is cut out first, so that nothing is distorted.
    Raises ValueError for other interpolations and sizes.

    >>> Resizing(2, 3)(torch.ones(1, 4, 4, 1)).shape
    torch.Size([1, 2, 3, 1])
    """

    words_of_keras_3 = {
        **ImageLayer.words_of_keras_3,
        "pad_to_aspect_ratio": False,
        "antialias": False,
        "fill_mode": "constant",
        "fill_value": 0.0,
    }

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        checked_size(self, height=height, width=width)
        self.height = height
        self.width = width
        self.interpolation = image_ops.check_interpolation(f"Resizing '{self.name}'", interpolation)
        self.crop_to_aspect_ratio = crop_to_aspect_ratio

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        check_images(self, inputs)
        images = inputs.to(self._dtype if self.interpolation == "nearest" else torch.float32)
        resize = image_ops.crop_and_resize if self.crop_to_aspect_ratio else image_ops.resize
        return resize(images, (self.height, self.width), self.interpolation).to(self._dtype)


class CenterCrop(SizedImages):
    """The middle of images (batch, height, width, channels), or of one of rank 3, `height` x `width` large.

    Of images that are smaller, the largest part with these proportions is enlarged.
    Raises ValueError for sizes that are no positive integers.

    >>> CenterCrop(2, 2)(torch.arange(16.0).reshape(1, 4, 4, 1)).flatten()
    tensor([ 5.,  6.,  9., 10.])
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        checked_size(self, height=height, width=width)
        self.height = height
        self.width = width

    def call(self, inputs: torch.Tensor) -> torch.Tensor:
        check_images(self, inputs)
        images = inputs.to(self._dtype)
        top, left = (images.shape[-3] - self.height) // 2, (images.shape[-2] - self.width) // 2
        if top < 0 or left < 0:
            return self.cut_and_resized(images)
        return images[..., top : top + self.height, left : left + self.width, :]
