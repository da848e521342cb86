"""The sampling of pictures under affine maps: exact cases, borders, and batches done in parts by threads."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from kerastorch.ops import transforms
from kerastorch.preprocessing.image import ImageDataGenerator
from support import normal, uniform

PICTURES = torch.from_numpy(normal("transforms", (2, 3, 9, 11), "float64"))
IDENTITY = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], dtype=torch.float64).expand(2, 2, 3)
ORDERS = range(6)


def shifted(rows: float, columns: float) -> torch.Tensor:
    return IDENTITY + torch.tensor([[0.0, 0.0, rows], [0.0, 0.0, columns]], dtype=torch.float64)


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    torch.set_num_threads(before)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("fill_mode", transforms.FILL_MODES)
def test_splines_give_the_pixels_back(order: int, fill_mode: str) -> None:
    found = transforms.affine_transform(PICTURES, IDENTITY, order, fill_mode)
    torch.testing.assert_close(found, PICTURES, rtol=0, atol=1e-5 if order > 3 else 1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_whole_shifts_take_pixels_of_the_filled_picture(order: int) -> None:
    line = torch.arange(1.0, 5.0, dtype=torch.float64).view(1, 1, 1, 4).expand(2, 1, 4, 4)
    wanted = {
        "constant": [-7.0, -7.0, 1.0, 2.0],
        "nearest": [1.0, 1.0, 1.0, 2.0],
        "reflect": [2.0, 1.0, 1.0, 2.0],
        "wrap": [2.0, 3.0, 1.0, 2.0],  # scipy's period is one less than the size
    }
    for fill_mode, values in wanted.items():
        found = transforms.affine_transform(line, shifted(0, -2), order, fill_mode, cval=-7.0)
        torch.testing.assert_close(found[0, 0, 1], torch.tensor(values, dtype=torch.float64), atol=1e-3, rtol=0)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_a_slope_stays_a_slope(order: int) -> None:
    rows = torch.arange(40.0, dtype=torch.float64).view(1, 1, 40, 1).expand(2, 1, 40, 40)
    found = transforms.affine_transform(rows, shifted(0.3, 0.6), order, "reflect")
    torch.testing.assert_close(found[:, :, 15:25, 15:25], rows[:, :, 15:25, 15:25] + 0.3, atol=1e-3, rtol=0)


def test_one_pixel_stays_itself_under_every_map() -> None:
    dot = torch.full((2, 1, 1, 1), 5.0, dtype=torch.float64)
    for fill_mode in ("nearest", "reflect", "wrap"):
        for order in ORDERS:
            found = transforms.affine_transform(dot, shifted(0.4, -3.2), order, fill_mode)
            torch.testing.assert_close(found, dot, msg=f"{fill_mode}, {order}")
        for interpolation in ("nearest", "bilinear"):
            torch.testing.assert_close(transforms.project(dot, shifted(0.4, -3.2), interpolation, fill_mode), dot)


def test_both_rules_agree_inside() -> None:
    maps = transforms.rotations(torch.tensor([0.1, -0.2], dtype=torch.float64), 9, 11)
    ours = transforms.affine_transform(PICTURES, maps)
    for fill_mode in transforms.FILL_MODES:
        found = transforms.project(PICTURES, maps, fill_mode=fill_mode)
        torch.testing.assert_close(found[:, :, 3:6, 3:8], ours[:, :, 3:6, 3:8])


def test_maps_do_what_they_say() -> None:
    zero = torch.zeros(1, dtype=torch.float64)
    for maps, row, column in (
        (transforms.translations(zero + 2, zero - 3), -2, 3),
        (transforms.zooms(zero + 2, zero + 0.5, 9, 11), -4, 2.5),
        (transforms.rotations(zero + np.pi, 9, 11), 8, 10),
    ):
        torch.testing.assert_close(maps[0, :, 2], torch.tensor([row, column], dtype=torch.float64))


# --- parts -------------------------------------------------------------------------------------------------------


def test_parts_by_threads_give_what_the_whole_batch_gives(threads: int) -> None:
    x = uniform("parts", (40, 60, 50, 3), 0, 255)
    options = {"rotation_range": 30, "brightness_range": (0.5, 1.5), "channel_shift_range": 9.0, "fill_mode": "wrap"}
    parts = []
    transforms.in_parts(torch.from_numpy(x), parts.append)
    assert [part.start for part in sorted(parts, key=lambda part: part.start)] == list(range(0, 40, 14))
    torch.set_num_threads(1)
    wanted = ImageDataGenerator(**options).flow(x, batch_size=40, seed=1)[0]
    torch.set_num_threads(threads)
    np.testing.assert_array_equal(ImageDataGenerator(**options).flow(x, batch_size=40, seed=1)[0], wanted)
    assert torch.get_num_threads() == threads


def test_an_error_in_a_part_is_raised(threads: int) -> None:
    def fail(part: slice) -> None:
        if part.start:
            raise ValueError(f"part {part.start}")

    with pytest.raises(ValueError, match="part 5"):
        transforms.in_parts(torch.zeros(40, 100, 100, 3), fail)
    assert torch.get_num_threads() == threads


def test_small_batches_and_gradients_stay_whole(threads: int) -> None:
    for images in (
        torch.zeros(4, 10, 10, 3),
        torch.zeros(0, 10, 10, 3),
        torch.zeros(40, 99, 99, 3, requires_grad=True),
    ):
        parts: list[slice] = []
        transforms.in_parts(images, parts.append)
        assert parts == [slice(None)]
