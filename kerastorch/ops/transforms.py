"""Pictures under affine maps: each place of the output takes the value at another place of the input.

Tensors are (batch, channels, height, width), in any memory order. A map (2, 3) turns a row and a column of the output
into those of the input: `(row, column) = map @ (i, j, 1)`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch.nn import functional as F

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
# What splines of order 2 and more see beyond the border where 'nearest' repeats the edge for ever.
_REPEATED = 12
_CACHED = 700_000  # bytes of pictures for each thread, with as much again for places and results


def affine_transform(
    images: torch.Tensor, maps: torch.Tensor, order: int = 1, fill_mode: str = "nearest", cval: float = 0.0
) -> torch.Tensor:
    """The pictures under `maps` (batch, 2, 3), by splines of `order` 0 to 5 as `scipy.ndimage` defines them.

    Outside of the picture 'nearest' repeats the edge, 'reflect' mirrors behind the edge, 'wrap' starts anew with the
    period size - 1, and 'constant' gives `cval`.
    """
    height, width = images.shape[2:]
    maps = maps.to(device=images.device, dtype=torch.float64)
    if order == 1 and fill_mode in ("nearest", "reflect"):
        return _interpolated_directly(images, maps, fill_mode)
    rows, columns = places(maps, height, width)
    outside = None
    if fill_mode == "constant":
        outside = (rows < 0) | (rows > height - 1) | (columns < 0) | (columns > width - 1)
    if order == 1:
        found = _bilinear(images, _folded(rows, height, fill_mode), _folded(columns, width, fill_mode))
    else:
        found = _spline(images, rows, columns, order, fill_mode)
    return found if outside is None else found.masked_fill_(outside.unsqueeze(1), cval)


def project(
    images: torch.Tensor,
    maps: torch.Tensor,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> torch.Tensor:
    """The pictures under `maps` (batch, 2, 3), as TensorFlow's image transformation defines it.

    Other than in `affine_transform`, 'constant' mixes the edge with `fill_value`, and 'wrap' has the period size.
    """
    height, width = images.shape[2:]
    if interpolation == "bilinear" and fill_mode in ("nearest", "reflect"):
        return _interpolated_directly(images, maps, fill_mode)
    rows, columns = places(maps, height, width)
    if fill_mode == "constant":
        if interpolation == "bilinear":
            padded = F.pad(images, (1, 1, 1, 1), value=fill_value)
            return _bilinear(padded, (rows + 1).clamp(0, height + 1), (columns + 1).clamp(0, width + 1))
        rows, columns = _rounded(rows), _rounded(columns)
        outside = (rows < 0) | (rows > height - 1) | (columns < 0) | (columns > width - 1)
        found = _taken(images, rows.clamp(0, height - 1).long(), columns.clamp(0, width - 1).long())
        return torch.where(outside.unsqueeze(1), fill_value, found)
    rows, columns = _folded_whole(rows, height, fill_mode), _folded_whole(columns, width, fill_mode)
    if interpolation == "bilinear":
        return _bilinear(images, rows, columns)
    return _taken(images, _rounded(rows).long(), _rounded(columns).long())


def in_parts(images: torch.Tensor, function: Callable[[slice], object]) -> None:
    """Call `function` for parts of a batch that stay in the caches of a processor from step to step.

    As many threads as torch uses take the parts in turn: none of them waits for another after each step.
    """
    size = images[0].numel() * images.element_size() if len(images) else 0
    threads = torch.get_num_threads()
    if images.device.type != "cpu" or images.requires_grad or size * len(images) <= _CACHED:
        function(slice(None))
        return
    length = max(min(_CACHED // size, -(-len(images) // threads)), 1)
    parts = [slice(start, start + length) for start in range(0, len(images), length)]
    if threads == 1:
        for part in parts:
            function(part)
        return
    # torch's setting is that of the thread; the last line makes it the one of threads to come again
    with ThreadPoolExecutor(min(threads, len(parts)), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        done = [pool.submit(function, part) for part in parts]
    torch.set_num_threads(threads)
    for one in done:
        one.result()


def places(maps: torch.Tensor, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns (batch, height, width) of the input that the places of the output take their values from."""
    rows = torch.arange(height, dtype=maps.dtype, device=maps.device)
    columns = torch.arange(width, dtype=maps.dtype, device=maps.device)
    found = (
        (one[:, 1, None] * columns + one[:, 2, None]).unsqueeze(1) + (one[:, 0, None] * rows).unsqueeze(2)
        for one in maps.unbind(1)
    )
    return next(found), next(found)


def _interpolated_directly(images: torch.Tensor, maps: torch.Tensor, fill_mode: str) -> torch.Tensor:
    """Bilinear values where torch's kernel treats the outside as wanted: it wants the map in units of the picture."""
    sizes = maps.new_tensor(images.shape[2:]).view(1, 2, 1)
    if fill_mode == "nearest":
        scale = 2 / (sizes - 1).clamp(min=1)
        shift = -1.0
    else:
        scale = 2 / sizes
        shift = 1 / sizes - 1
    maps = maps * scale
    maps[:, :, 2:] += shift
    mode = "border" if fill_mode == "nearest" else "reflection"
    return _grid_sample(images, *places(maps.to(images.dtype), *images.shape[2:]), mode)


def _bilinear(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Values between four neighbours, at rows and columns inside of the picture."""
    height, width = images.shape[2:]
    rows = rows * (2 / max(height - 1, 1)) - 1
    columns = columns * (2 / max(width - 1, 1)) - 1
    return _grid_sample(images, rows, columns, "border")


def _grid_sample(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, padding_mode: str) -> torch.Tensor:
    grid = torch.empty((*rows.shape, 2), dtype=images.dtype, device=images.device)
    grid[..., 0] = columns
    grid[..., 1] = rows
    return F.grid_sample(images, grid, padding_mode=padding_mode, align_corners=padding_mode == "border")


def _rounded(places: torch.Tensor) -> torch.Tensor:
    """The nearest whole number, away from zero in the middle."""
    return torch.trunc(places + torch.copysign(places.new_tensor(0.5), places))


def _folded(places: torch.Tensor, size: int, fill_mode: str) -> torch.Tensor:
    """Places outside of the picture as places inside, by scipy's rules."""
    last = size - 1
    if fill_mode == "reflect":
        places = (places + 0.5).remainder(2 * size)
        return torch.where(places >= size, 2 * size - places, places) - 0.5
    if fill_mode == "wrap" and last:
        before = places + last * (torch.trunc(-places / last) + 1)
        behind = places - last * torch.trunc(places / last)
        return torch.where(places < 0, before, torch.where(places > last, behind, places))
    return places.clamp(0, last)


def _folded_whole(places: torch.Tensor, size: int, fill_mode: str) -> torch.Tensor:
    """Places outside of the picture as places inside, by TensorFlow's rules."""
    last = size - 1
    if fill_mode == "reflect" and last:
        before = places + 2 * size * torch.trunc(-places / (2 * size))
        before = torch.where(before < -size, before + 2 * size, -before - 1)
        behind = places - 2 * size * torch.trunc(places / (2 * size))
        behind = torch.where(behind >= size, 2 * size - behind - 1, behind)
        places = torch.where(places < 0, before, torch.where(places > last, behind, places))
    elif fill_mode == "wrap" and last:
        before = places + size * torch.trunc(-places / last + 1)
        behind = places - size * torch.trunc(places / last)
        places = torch.where(places < 0, before, torch.where(places > last, behind, places))
    return places.clamp(0, last)


def _taken(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """The values at whole rows and columns (batch, height, width)."""
    batch, channels, _, width = images.shape
    index = (rows * width + columns).view(batch, 1, -1).expand(-1, channels, -1)
    return images.flatten(2).gather(2, index).view(batch, channels, *rows.shape[1:])


def _spline(
    images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, order: int, fill_mode: str
) -> torch.Tensor:
    """Sums of B-splines of `order` whose coefficients give the pixels back at whole places."""
    if order == 0:
        chosen = (
            _folded(one, size, fill_mode).add(0.5).floor().long().clamp(0, size - 1)
            for one, size in zip((rows, columns), images.shape[2:], strict=True)
        )
        return _taken(images, *chosen)
    if fill_mode == "nearest":
        images = F.pad(images, (_REPEATED,) * 4, mode="replicate")
        rows, columns = rows + _REPEATED, columns + _REPEATED
    height, width = images.shape[2:]
    fold = _indices_behind_the_edge(fill_mode)
    images = _coefficients(images, order, fold)
    margin = order // 2 + 1
    for axis in (2, 3):
        around = torch.arange(-margin, images.shape[axis] + margin, device=images.device)
        images = images.index_select(axis, fold(around, images.shape[axis]))
    pairs = [_pairs(_folded(one, size, fill_mode), order) for one, size in ((rows, height), (columns, width))]
    total = torch.zeros((), dtype=images.dtype, device=images.device)
    for row, row_weight in pairs[0]:
        for column, column_weight in pairs[1]:
            values = _bilinear(images, (row + margin).to(images.dtype), (column + margin).to(images.dtype))
            total = total + values * (row_weight * column_weight).to(images.dtype).unsqueeze(1)
    return total


def _pairs(places: torch.Tensor, order: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Places between two neighbours each, and weights: their linear interpolations add up to the spline."""
    first = torch.floor(places if order % 2 else places + 0.5)
    weights = _spline_weights(places - first + (0.0 if order % 2 else 0.5), order)
    first = first - order // 2
    if order % 2 == 0:
        weights.append(torch.zeros_like(first))
    found = []
    for tap in range(0, len(weights), 2):
        both = weights[tap] + weights[tap + 1]
        found.append((first + tap + weights[tap + 1] / both.clamp(min=1e-30), both))
    return found


def _spline_weights(fraction: torch.Tensor, order: int) -> list[torch.Tensor]:
    """The B-splines of `order` that are not zero between two knots, by Cox and de Boor's recursion."""
    weights = [torch.ones_like(fraction)]
    for degree in range(1, order + 1):
        raised = [torch.zeros_like(fraction) for _ in range(degree + 1)]
        for place, weight in enumerate(weights):
            raised[place] += (place + 1 - fraction) / degree * weight
            raised[place + 1] += (fraction + (degree - place - 1)) / degree * weight
        weights = raised
    return weights


def _mirrored(index: torch.Tensor, size: int) -> torch.Tensor:
    """d c b | a b c d | c b a"""
    period = max(2 * size - 2, 1)
    index = index.remainder(period)
    return torch.where(index >= size, period - index, index)


def _reflected(index: torch.Tensor, size: int) -> torch.Tensor:
    """d c b a | a b c d | d c b a"""
    index = index.remainder(2 * size)
    return torch.where(index >= size, 2 * size - 1 - index, index)


def _indices_behind_the_edge(fill_mode: str) -> Callable[[torch.Tensor, int], torch.Tensor]:
    return _reflected if fill_mode in ("nearest", "reflect") else _mirrored


def _coefficients(images: torch.Tensor, order: int, fold: Callable[[torch.Tensor, int], torch.Tensor]) -> torch.Tensor:
    height, width = images.shape[2:]
    rows, columns = (
        torch.from_numpy(_coefficients_of_pixels(size, order, fold)).to(images) for size in (height, width)
    )
    return torch.matmul(torch.matmul(rows, images), columns.t())


@functools.lru_cache(maxsize=32)
def _coefficients_of_pixels(size: int, order: int, fold: Callable[[torch.Tensor, int], torch.Tensor]) -> np.ndarray:
    """(size, size): the matrix that turns the pixels of a line into the coefficients of its spline."""
    pixels = torch.zeros(size, size, dtype=torch.float64)
    whole = torch.arange(size)
    at_whole = _spline_weights(torch.tensor(0.0 if order % 2 else 0.5, dtype=torch.float64), order)
    for tap, weight in enumerate(at_whole):
        pixels[whole, fold(whole + tap - order // 2, size)] += weight
    return torch.linalg.inv(pixels).numpy()


def rotations(angles: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Maps (batch, 2, 3) that turn pictures counter-clockwise by `angles` about their middle."""
    cosine, sine = angles.cos(), angles.sin()
    column = ((width - 1) - (cosine * (width - 1) - sine * (height - 1))) / 2.0
    row = ((height - 1) - (sine * (width - 1) + cosine * (height - 1))) / 2.0
    return _stacked((cosine, sine, row), (-sine, cosine, column))


def translations(rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Maps (batch, 2, 3) that move pictures down by `rows` and right by `columns` pixels."""
    one, zero = torch.ones_like(rows), torch.zeros_like(rows)
    return _stacked((one, zero, -rows), (zero, one, -columns))


def zooms(rows: torch.Tensor, columns: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Maps (batch, 2, 3) that show `rows` times the height and `columns` times the width about the middle."""
    zero = torch.zeros_like(rows)
    row, column = (height - 1.0) / 2.0 * (1.0 - rows), (width - 1.0) / 2.0 * (1.0 - columns)
    return _stacked((rows, zero, row), (zero, columns, column))


def _stacked(*lines: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack([torch.stack(list(line), -1) for line in lines], 1)
