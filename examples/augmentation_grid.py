"""What ImageDataGenerator does to a picture: a grid with a row for each kind of change.

Run it: python examples/augmentation_grid.py [picture.jpg]
In a clone without installing: python -m examples.augmentation_grid
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from kerastorch.preprocessing.image import ImageDataGenerator, img_to_array, load_img, save_img

CAT = Path(__file__).parent / "data" / "chelsea.jpg"
CHANGES = {
    "rotation_range=40": {"rotation_range": 40},
    "shifts of 0.2": {"width_shift_range": 0.2, "height_shift_range": 0.2},
    "shear_range=30": {"shear_range": 30},
    "zoom_range=0.4": {"zoom_range": 0.4},
    "brightness_range=(0.4, 1.6)": {"brightness_range": (0.4, 1.6)},
    "channel_shift_range=80": {"channel_shift_range": 80.0},
    "fill_mode='reflect'": {"rotation_range": 90, "fill_mode": "reflect"},
    "all of it": {
        "rotation_range": 40,
        "width_shift_range": 0.2,
        "height_shift_range": 0.2,
        "shear_range": 15,
        "zoom_range": 0.2,
        "brightness_range": (0.7, 1.3),
        "horizontal_flip": True,
    },
}

parser = argparse.ArgumentParser(description="A grid of changed pictures.")
parser.add_argument("picture", nargs="?", default=CAT)
parser.add_argument("--columns", type=int, default=6)
parser.add_argument("--size", type=int, default=128)
parser.add_argument("--to", default=Path(tempfile.gettempdir()) / "augmentation_grid.png")
args = parser.parse_args()

picture = load_img(args.picture, target_size=(args.size, args.size), interpolation="bilinear", keep_aspect_ratio=True)
batch = np.repeat(img_to_array(picture)[None], args.columns - 1, axis=0)

rows = []
for name, options in CHANGES.items():
    changed = ImageDataGenerator(**options).flow(batch, batch_size=len(batch), seed=1)[0]
    rows.append(np.concatenate([batch[0], *changed], axis=1))
    print(f"row {len(rows)}: {name}, mean change {np.abs(changed - batch).mean():.1f} of 255")

grid = np.concatenate(rows)
save_img(args.to, grid, scale=False)
print(f"A grid of {grid.shape[1]} x {grid.shape[0]} pixels is in {args.to}; its first column is the picture itself.")
