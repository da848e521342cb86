"""Layers that change images at random in training: flips, crops, colours and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from kerastorch.engine.context import call_context
from kerastorch.layers.preprocessing.resizing import ImageLayer, SizedImages, check_images, checked_size
from kerastorch.layers.regularization import RandomLayer
from kerastorch.ops import images as image_ops


class RandomImageLayer(ImageLayer, RandomLayer):
    """A layer that changes images (batch, height, width, channels), or one of rank 3, at random.

    It acts in training, and, as in tf.keras, where a call outside of `fit`, `evaluate` and `predict` does not say
    whether it is training; `model.eval()` says that it is not. Inputs become floats of the layer's type.
    """

    preserves_shape = False  # integers become floats
    supports_masking = False
    _mode_was_said = False

    def __init__(self, rng_type: str = "stateful", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rng_type = rng_type  # a word of Keras' configs, without meaning here

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rng_type": self.rng_type}

    def call(self, inputs: torch.Tensor, training: bool | None = None) -> torch.Tensor:
        check_images(self, inputs)
        images = inputs.to(self._dtype)
        undecided = not (self._mode_was_said or call_context.training_was_said)
        if inputs.is_meta or not (training or undecided):
            return self.unchanged(images)
        if images.dim() == 3:
            return self.changed(images.unsqueeze(0)).squeeze(0)
        return self.changed(images)

    def changed(self, images: torch.Tensor) -> torch.Tensor:
        """A batch of images in training; every layer defines it."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method `changed(images)`; define it.")

    def unchanged(self, images: torch.Tensor) -> torch.Tensor:
        """The images in inference."""
        return images

    def train(self, mode: bool = True) -> RandomImageLayer:
        """torch's switch between training and inference."""
        if not call_context.training_was_said:  # by `fit`, which switches back
            self.__dict__["_mode_was_said"] = True
        return super().train(mode)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def uniform(self, shape: Sequence[int], bounds: Sequence[float], device: torch.device) -> torch.Tensor:
        """Random numbers between two bounds."""
        return torch.empty(shape, device=device).uniform_(*bounds, generator=self.generator(device))

    def bounds(
        self, option: str, value: Any, lowest: float, highest: float, symmetric: bool = True
    ) -> tuple[float, float]:
        """The two ends of a range, of which one number may stand for both.

        Raises ValueError, which names layer and option, for ends out of order or outside of `lowest` to `highest`.
        """
        pair = value if isinstance(value, list | tuple) else (-value if symmetric else value, value)
        if len(pair) != 2 or not all(lowest <= end <= highest for end in pair) or (symmetric and pair[0] > pair[1]):
            raise ValueError(
                f"{type(self).__name__} '{self.name}': expected {option} as a number, or as (lower, upper), from "
                f"{lowest} to {highest}; received {value!r}. Pass 0.2, say."
            )
        return float(pair[0]), float(pair[1])


class RandomCrop(RandomImageLayer, SizedImages):
    """A part of `height` x `width` at a random place, the same for all images of a batch.

    In inference, and for images that are smaller, the largest part in the middle with these proportions is resized.
    Raises ValueError for sizes that are no positive integers.

    >>> RandomCrop(2, 2)(torch.ones(1, 4, 4, 1), training=True).shape
    torch.Size([1, 2, 2, 1])
    """

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        checked_size(self, height=height, width=width)
        self.height = height
        self.width = width
        self.seed = seed

    compute_output_shape = SizedImages.compute_output_shape

    def changed(self, images: torch.Tensor) -> torch.Tensor:
        rows, columns = images.shape[1] - self.height, images.shape[2] - self.width
        if rows < 0 or columns < 0:
            return self.cut_and_resized(images)
        top, left = (
            int(torch.randint(count + 1, (), generator=self.generator(torch.device("cpu"))))
            for count in (rows, columns)
        )
        return images[:, top : top + self.height, left : left + self.width]

    def unchanged(self, images: torch.Tensor) -> torch.Tensor:
        return self.cut_and_resized(images)


class RandomFlip(RandomImageLayer):
    """Each image flipped, or not, with equal chances; `mode` is 'horizontal', 'vertical' or both.

    Input and output have the same shape. Raises ValueError for another mode.

    >>> RandomFlip("horizontal")(torch.ones(2, 4, 4, 3), training=True).shape
    torch.Size([2, 4, 4, 3])
    """

    axes = {"vertical": (1,), "horizontal": (2,), "horizontal_and_vertical": (2, 1)}

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mode not in self.axes:
            raise ValueError(
                f"RandomFlip '{self.name}': expected mode as one of {sorted(self.axes)}; received {mode!r}."
            )
        self.mode = mode
        self.seed = seed

    def changed(self, images: torch.Tensor) -> torch.Tensor:
        for axis in self.axes[self.mode]:
            flips = self.uniform((len(images), 1, 1, 1), (0, 1), images.device) < 0.5
            images = torch.where(flips, images.flip(axis), images)
        return images


class RandomContrast(RandomImageLayer):
    """`(x - mean) * factor + mean` for each channel of each image, cut off at 0 and 255.

    One factor a batch is drawn from 1 - lower to 1 + upper, where `factor` is (lower, upper) or a number for both.
    Input and output have the same shape. Raises ValueError for negative factors, and for a lower one above 1.

    >>> RandomContrast(0.5)(torch.ones(2, 4, 4, 3), training=True).mean()
    tensor(1.)
    """

    words_of_keras_3 = {**ImageLayer.words_of_keras_3, "value_range": [0, 255]}

    def __init__(self, factor: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor
        self.lower, self.upper = self.bounds("factor", factor, 0.0, float("inf"), symmetric=False)
        self.bounds("factor", self.lower, 0.0, 1.0, symmetric=False)
        self.seed = seed

    def changed(self, images: torch.Tensor) -> torch.Tensor:
        factor = self.uniform((), (1.0 - self.lower, 1.0 + self.upper), images.device)
        mean = images.mean((1, 2), keepdim=True)
        return ((images - mean) * factor + mean).clamp(0, 255)


class RandomBrightness(RandomImageLayer):
    """A number added to each image: a random part, out of `factor`, of the width of `value_range`, which cuts off.

    `factor` is (lower, upper), or a number for both sides, from -1 to 1. Input and output have the same shape.
    Raises ValueError for other factors and for a range that is no pair.

    >>> RandomBrightness((0.5, 0.5), value_range=(0, 1))(torch.zeros(1, 1, 1, 1), training=True).item()
    0.5
    """

    def __init__(
        self, factor: Any, value_range: Sequence[float] = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        ordered = sorted(factor) if isinstance(factor, list | tuple) else abs(factor)
        self.factor = list(self.bounds("factor", ordered, -1.0, 1.0))
        if not isinstance(value_range, list | tuple) or len(value_range) != 2:
            raise ValueError(
                f"RandomBrightness '{self.name}': expected value_range as a pair of numbers; received {value_range!r}. "
                "Pass (0, 255) or (0, 1)."
            )
        self.value_range = sorted(value_range)
        self.seed = seed

    def changed(self, images: torch.Tensor) -> torch.Tensor:
        low, high = self.value_range
        added = self.uniform((len(images), 1, 1, 1), self.factor, images.device) * (high - low)
        return (images + added.to(images.dtype)).clamp(low, high)


class RandomSize(RandomImageLayer):
    """Base of layers that resize one axis of a batch by a random factor."""

    axis: int

    def __init__(self, factor: Any, interpolation: str = "bilinear", seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor
        self.lower, self.upper = self.bounds("factor", factor, -1.0, float("inf"))
        self.interpolation = image_ops.check_interpolation(f"{type(self).__name__} '{self.name}'", interpolation)
        self.seed = seed

    def changed(self, images: torch.Tensor) -> torch.Tensor:
        size = list(images.shape[1:3])
        factor = self.uniform((), (1.0 + self.lower, 1.0 + self.upper), torch.device("cpu"))
        size[self.axis] = max(int(factor * size[self.axis]), 1)
        return image_ops.resize(images, size, self.interpolation).to(self._dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        shape[self.axis - 3] = None
        return tuple(shape)


class RandomHeight(RandomSize):
    """Images of a height that is drawn for each batch, from (1 + lower) to (1 + upper) times their own.

    `factor` is (lower, upper), or a number for both sides; `interpolation` as in Resizing.
    Raises ValueError for factors below -1.

    >>> RandomHeight((0.5, 0.5))(torch.ones(1, 4, 4, 3), training=True).shape
    torch.Size([1, 6, 4, 3])
    """

    axis = 0


class RandomWidth(RandomSize):
    """Images of a width that is drawn for each batch, from (1 + lower) to (1 + upper) times their own.

    `factor` is (lower, upper), or a number for both sides; `interpolation` as in Resizing.
    Raises ValueError for factors below -1.

    >>> RandomWidth((0.5, 0.5))(torch.ones(1, 4, 4, 3), training=True).shape
    torch.Size([1, 4, 6, 3])
    """

    axis = 1
