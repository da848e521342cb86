"""Pictures as arrays, moved and coloured: whole batches inside, one picture in the functions of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from kerastorch.core.errors import did_you_mean
from kerastorch.ops.transforms import FILL_MODES, affine_transform

Number = float | np.ndarray  # one for all pictures, or one for each


def affine_maps(
    theta: Number,
    tx: Number,
    ty: Number,
    shear: Number,
    zx: Number,
    zy: Number,
    height: int,
    width: int,
    columns_last: bool = True,
) -> np.ndarray:
    """Maps (batch, 2, 3) from places of the output to places of the input: rotation, shift, shear, zoom.

    As in tf.keras since 2.9, `tx` moves columns and `ty` rows, and each axis turns about the middle of the other one:
    pictures that are not square move a little.
    """
    theta, tx, ty, shear, zx, zy = (
        np.atleast_1d(np.asarray(one, dtype=float)) for one in (theta, tx, ty, shear, zx, zy)
    )
    theta, shear = np.deg2rad(theta), np.deg2rad(shear)
    cosine, sine = np.cos(theta), np.sin(theta)
    matrix = np.empty((max(len(one) for one in (theta, tx, ty, shear, zx, zy)), 2, 3))
    matrix[:, 0, 0] = cosine * zx
    matrix[:, 0, 1] = (-cosine * np.sin(shear) - sine * np.cos(shear)) * zy
    matrix[:, 1, 0] = sine * zx
    matrix[:, 1, 1] = (-sine * np.sin(shear) + cosine * np.cos(shear)) * zy
    first, second = height / 2 - 0.5, width / 2 - 0.5
    matrix[:, 0, 2] = cosine * tx - sine * ty + first - matrix[:, 0, 0] * first - matrix[:, 0, 1] * second
    matrix[:, 1, 2] = sine * tx + cosine * ty + second - matrix[:, 1, 0] * first - matrix[:, 1, 1] * second
    return np.ascontiguousarray(matrix[:, ::-1][:, :, [1, 0, 2]]) if columns_last else matrix


def flipped_maps(maps: np.ndarray, size: int, axis: int, where: np.ndarray) -> np.ndarray:
    """`maps` followed by a flip of the rows (axis 0) or columns (axis 1) of the output, for the pictures in `where`."""
    maps[where, :, 2] += maps[where, :, axis] * (size - 1)
    maps[where, :, axis] *= -1
    return maps


def shift_channels(images: torch.Tensor, intensities: torch.Tensor) -> torch.Tensor:
    """Pictures (batch, ...) with a number added to each, cut off at their own smallest and largest value."""
    axes = tuple(range(1, images.dim()))
    low, high = images.amin(axes, keepdim=True), images.amax(axes, keepdim=True)
    return torch.minimum(torch.maximum(images + _for_each(intensities, images), low), high)


def shift_brightness(
    images: torch.Tensor, factors: torch.Tensor, scale: bool = True, channels_axis: int = -1
) -> torch.Tensor:
    """Pictures (batch, ...) times a factor each, in whole steps of 0 to 255, as PIL multiplies.

    Values outside of 0 to 255 are stretched to it, and back unless `scale` asks to stretch all of them.
    """
    axes = tuple(range(1, images.dim()))
    low, high = images.amin(axes, keepdim=True), images.amax(axes, keepdim=True)
    outside = (low < 0) | (high > 255)
    span = high - low
    stretched = (images - low) / torch.where(span == 0, 1, span) * 255
    whole = (stretched if scale else torch.where(outside, stretched, images)).trunc()
    bright = (whole * _for_each(factors, images)).clamp(0, 255).trunc()
    if images.shape[channels_axis] == 4:
        bright.select(channels_axis, 3).copy_(whole.select(channels_axis, 3))  # transparency stays
    return bright if scale else torch.where(outside, bright / 255 * span + low, bright)


def _for_each(numbers: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return numbers.to(images).view(-1, *(1,) * (images.dim() - 1))


def check_fill_mode(caller: str, fill_mode: Any, order: Any) -> None:
    """ValueError for a fill mode or an order of interpolation that there is not."""
    if fill_mode not in FILL_MODES:
        raise ValueError(
            f"{caller}: expected fill_mode as one of {FILL_MODES}; received {fill_mode!r}. "
            f"{did_you_mean(str(fill_mode), FILL_MODES)}"
        )
    if isinstance(order, bool) or order not in range(6):
        raise ValueError(f"{caller}: expected an order of interpolation from 0 to 5; received {order!r}.")


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:
    """A picture of rank 3 rotated by `theta` degrees, shifted, sheared by `shear` degrees and zoomed.

    `order` is that of the spline between pixels, 0 to 5; `fill_mode` one of 'constant' (with `cval`), 'nearest',
    'reflect' and 'wrap'. The result has the shape and dtype of `x`.
    Raises ValueError for other ranks, axes, modes and orders.

    >>> apply_affine_transform(np.arange(3.0).reshape(1, 1, 3), tx=1)
    array([[[1., 2., 2.]]])
    """
    if sorted((row_axis, col_axis, channel_axis)) != [0, 1, 2] or channel_axis == 1:
        raise ValueError(
            "apply_affine_transform: expected the axes 0, 1 and 2, channels first or last; received "
            f"row_axis={row_axis}, col_axis={col_axis}, channel_axis={channel_axis}."
        )
    x = np.asarray(x)
    if x.ndim != 3:
        raise ValueError(
            f"apply_affine_transform: expected one picture of rank 3; received shape {x.shape}. "
            "Add an axis for the channels, or take one picture out of the batch."
        )
    check_fill_mode("apply_affine_transform", fill_mode, order)
    if theta == tx == ty == shear == 0 and zx == zy == 1:
        return x
    columns_last = col_axis > row_axis
    maps = affine_maps(theta, tx, ty, shear, zx, zy, x.shape[row_axis], x.shape[col_axis], columns_last)
    images = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, channel_axis, 0)))
    exact = images.float() if images.dtype in (torch.float16, torch.bfloat16) else images
    exact = exact if exact.is_floating_point() else exact.double()
    moved = affine_transform(exact.unsqueeze(0), torch.from_numpy(maps), order, fill_mode, cval).squeeze(0)
    if not images.is_floating_point():
        limits = torch.iinfo(images.dtype)
        moved = (moved + torch.copysign(moved.new_tensor(0.5), moved)).trunc().clamp(limits.min, limits.max)
    return np.moveaxis(moved.to(images.dtype).numpy(), 0, channel_axis)


def random_rotation(
    x: np.ndarray,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture rotated by up to `rg` degrees to either side; the other arguments as in `apply_affine_transform`.

    >>> random_rotation(np.ones((1, 4, 4)), 30).shape
    (1, 4, 4)
    """
    theta = np.random.uniform(-rg, rg)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, theta, 0, 0, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_shift(
    x: np.ndarray,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture shifted by up to the fractions `wrg` and `hrg` of its size; the others as in `apply_affine_transform`.

    >>> random_shift(np.ones((1, 4, 4)), 0.2, 0.2).shape
    (1, 4, 4)
    """
    tx = np.random.uniform(-hrg, hrg) * x.shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * x.shape[col_axis]
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture sheared by up to `intensity` degrees; the other arguments as in `apply_affine_transform`.

    >>> random_shear(np.ones((1, 4, 4)), 10).shape
    (1, 4, 4)
    """
    shear = np.random.uniform(-intensity, intensity)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, 0, 0, shear, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_zoom(
    x: np.ndarray,
    zoom_range: tuple[float, float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
) -> np.ndarray:
    """A picture with each axis zoomed by a number of `zoom_range`; the others as in `apply_affine_transform`.

    Raises ValueError for a range that is no pair.

    >>> random_zoom(np.ones((1, 4, 4)), (0.8, 1.2)).shape
    (1, 4, 4)
    """
    low, high = checked_pair("random_zoom", "zoom_range", zoom_range)
    zx, zy = (1, 1) if low == high == 1 else np.random.uniform(low, high, 2)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, *axes, fill_mode, cval, interpolation_order)


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """A picture with `intensity` added, cut off at its smallest and largest value; all channels are treated alike.

    >>> apply_channel_shift(np.array([[[1.0, 5.0]]]), 2.0)
    array([[[3., 5.]]])
    """
    shifted = shift_channels(torch.from_numpy(np.array(x)).unsqueeze(0), torch.tensor([intensity], dtype=torch.float64))
    return shifted.squeeze(0).numpy()


def random_channel_shift(x: np.ndarray, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """A picture with a random number of up to `intensity_range` added, cut off as in `apply_channel_shift`.

    >>> random_channel_shift(np.ones((1, 4, 4)), 20.0).shape
    (1, 4, 4)
    """
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def apply_brightness_shift(x: np.ndarray, brightness: float, scale: bool = True) -> np.ndarray:
    """A picture (height, width, channels) times `brightness`, in whole steps of 0 to 255.

    With `scale`, or where values lie outside of 0 to 255, it is stretched to 0 to 255 first; without, it keeps its
    range. A fourth channel is transparency, and stays.

    >>> apply_brightness_shift(np.full((1, 1, 1), 100.0), 0.5, scale=False)
    array([[[50.]]], dtype=float32)
    """
    images = torch.from_numpy(np.array(x, dtype="float32")).unsqueeze(0)
    return shift_brightness(images, torch.tensor([brightness]), scale).squeeze(0).numpy()


def random_brightness(x: np.ndarray, brightness_range: tuple[float, float], scale: bool = True) -> np.ndarray:
    """A picture times a random factor out of `brightness_range`, as `apply_brightness_shift` does it.

    Raises ValueError for a range that is no pair.

    >>> random_brightness(np.ones((4, 4, 3)), (0.5, 1.5)).shape
    (4, 4, 3)
    """
    low, high = checked_pair("random_brightness", "brightness_range", brightness_range)
    return apply_brightness_shift(x, np.random.uniform(low, high), scale)


def checked_pair(caller: str, name: str, value: Any) -> tuple[float, float]:
    """The two numbers of a range; ValueError for anything else."""
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        raise ValueError(f"{caller}: expected {name} as a pair of numbers; received {value!r}. Pass (low, high).")
    return value[0], value[1]
