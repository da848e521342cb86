"""Layers that move images at random in training: shifts, rotations and zooms."""

from __future__ import annotations

import math
from typing import Any

import torch

from kerastorch.core.errors import did_you_mean
from kerastorch.layers.preprocessing.random_images import RandomImageLayer
from kerastorch.ops import transforms


class RandomMap(RandomImageLayer):
    """Base of layers that see each image through an affine map; a subclass defines `maps`."""

    def use_filling(self, fill_mode: str, interpolation: str, fill_value: float) -> None:
        """Keep how places outside of the image and between pixels get their values; ValueError for unknown names."""
        for option, value, known in (
            ("fill_mode", fill_mode, transforms.FILL_MODES),
            ("interpolation", interpolation, ("nearest", "bilinear")),
        ):
            if value not in known:
                raise ValueError(
                    f"{type(self).__name__} '{self.name}': expected {option} as one of {known}; received {value!r}. "
                    f"{did_you_mean(str(value), known)}"
                )
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = fill_value

    def changed(self, images: torch.Tensor) -> torch.Tensor:
        maps = self.maps(*images.shape[:3], images.device)
        planes = images.permute(0, 3, 1, 2)
        exact = planes.float() if planes.dtype in (torch.float16, torch.bfloat16) else planes
        moved = torch.empty_like(exact)

        def move(part: slice) -> None:
            options = self.interpolation, self.fill_mode, self.fill_value
            moved[part] = transforms.project(exact[part].contiguous(), maps[part], *options)

        transforms.in_parts(exact, move)
        return moved.to(planes.dtype).permute(0, 2, 3, 1)

    def maps(self, count: int, height: int, width: int, device: torch.device) -> torch.Tensor:
        """Random maps (batch, 2, 3) for images of this size."""
        raise NotImplementedError(f"{type(self).__name__}: expected a method `maps`; define it.")


class RandomTranslation(RandomMap):
    """Each image shifted down and right by random parts of its height and width.

    A factor is (lower, upper), or a number for both sides, from -1 to 1; negative ones shift up and left.
    `fill_mode` is 'reflect', 'wrap', 'nearest' or 'constant' (with `fill_value`), `interpolation` 'bilinear' or
    'nearest'. Input and output have the same shape. Raises ValueError for other options.

    >>> RandomTranslation(0.1, 0.1)(torch.ones(2, 8, 8, 3), training=True).mean()
    tensor(1.)
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_bounds = self.bounds("height_factor", height_factor, -1.0, 1.0)
        self.width_bounds = self.bounds("width_factor", width_factor, -1.0, 1.0)
        self.use_filling(fill_mode, interpolation, fill_value)
        self.seed = seed

    def maps(self, count: int, height: int, width: int, device: torch.device) -> torch.Tensor:
        rows = self.uniform((count,), self.height_bounds, device) * height
        return transforms.translations(rows, self.uniform((count,), self.width_bounds, device) * width)


class RandomRotation(RandomMap):
    """Each image rotated about its middle by a random part of a full turn; positive ones turn counter-clockwise.

    `factor` is (lower, upper), or a number for both sides; the other options are those of RandomTranslation.
    Input and output have the same shape. Raises ValueError for other options.

    >>> RandomRotation(0.1)(torch.ones(2, 8, 8, 3), training=True).shape
    torch.Size([2, 8, 8, 3])
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.factor = factor
        self.lower, self.upper = self.bounds("factor", factor, -math.inf, math.inf)
        self.use_filling(fill_mode, interpolation, fill_value)
        self.seed = seed

    def maps(self, count: int, height: int, width: int, device: torch.device) -> torch.Tensor:
        turn = 2.0 * math.pi
        return transforms.rotations(
            self.uniform((count,), (self.lower * turn, self.upper * turn), device), height, width
        )


class RandomZoom(RandomMap):
    """Each image zoomed about its middle: out by positive factors, in by negative ones.

    A factor is (lower, upper), or a number for both sides; without `width_factor` the proportions stay. The other
    options are those of RandomTranslation. Input and output have the same shape. Raises ValueError for other options.

    >>> RandomZoom((-0.2, 0.3))(torch.ones(2, 8, 8, 3), training=True).shape
    torch.Size([2, 8, 8, 3])
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_bounds = self.bounds("height_factor", height_factor, -1.0, 1.0)
        self.width_bounds = None
        if width_factor is not None:
            self.width_bounds = self.bounds("width_factor", width_factor, -1.0, math.inf)
        self.use_filling(fill_mode, interpolation, fill_value)
        self.seed = seed

    def maps(self, count: int, height: int, width: int, device: torch.device) -> torch.Tensor:
        rows = 1.0 + self.uniform((count,), self.height_bounds, device)
        columns = rows if self.width_bounds is None else 1.0 + self.uniform((count,), self.width_bounds, device)
        return transforms.zooms(rows, columns, height, width)
