"""The same work in plain torch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch

from benchmarks.meters import Piece
from benchmarks.suites.data.inputs import pixels
from benchmarks.suites.data.pipelines import rows_by_hand

rows = rows_by_hand

BATCH = 64


def flow(_: ModuleType, batches: int, options: dict[str, Any]) -> Piece | None:
    """affine_grid and grid_sample on a batch, as one writes them; only for what they can do."""
    if not {"rotation_range", "width_shift_range", "zoom_range"} <= set(options) or "interpolation_order" in options:
        return None
    x = torch.from_numpy(pixels(BATCH * 4))
    angle, shift, zoom = (options.get(key, 0) for key in ("rotation_range", "width_shift_range", "zoom_range"))

    def batch() -> torch.Tensor:
        images = x[torch.randint(len(x), (BATCH,))].permute(0, 3, 1, 2)
        theta = torch.deg2rad((torch.rand(BATCH) * 2 - 1) * angle)
        scale = 1 + (torch.rand(BATCH, 2) * 2 - 1) * zoom
        maps = torch.zeros(BATCH, 2, 3)
        maps[:, 0, 0], maps[:, 0, 1] = theta.cos() * scale[:, 0], -theta.sin() * scale[:, 1]
        maps[:, 1, 0], maps[:, 1, 1] = theta.sin() * scale[:, 0], theta.cos() * scale[:, 1]
        maps[:, :, 2] = (torch.rand(BATCH, 2) * 2 - 1) * 2 * shift
        grid = torch.nn.functional.affine_grid(maps, list(images.shape), align_corners=True)
        moved = torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=True)
        return moved.permute(0, 2, 3, 1).contiguous()

    return lambda: [batch() for _ in range(batches)][-1]
