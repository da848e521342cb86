"""Test-time augmentation: the mean over several shifted and turned copies of a picture is a better prediction.

Run it: python examples/test_time_augmentation.py
In a clone without installing: python -m examples.test_time_augmentation
"""

import argparse
from pathlib import Path

import numpy as np

import kerastorch as keras
from kerastorch import layers
from kerastorch.preprocessing.image import ImageDataGenerator
from kerastorch.utils import plot_history, predict_tta

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="Predict the mean over changed copies.")
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--samples", type=int, default=4000)
parser.add_argument("--rounds", type=int, default=8, help="copies of each picture")
parser.add_argument("--plot", help="a file for the curves of training, such as history.png")
args = parser.parse_args()

with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples, ..., None] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"][..., None] / 255.0, data["y_test"]

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        layers.Conv2D(16, 3, activation="relu", input_shape=(28, 28, 1)),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
generator = ImageDataGenerator(
    rotation_range=5, width_shift_range=0.05, height_shift_range=0.05, horizontal_flip=True, fill_mode="nearest"
)
history = model.fit(generator.flow(x_train, y_train, batch_size=32, seed=1), epochs=args.epochs, verbose=2)
if args.plot:
    plot_history(history, to_file=args.plot)

looks = {
    "the picture as it is": model.predict(x_test, verbose=0),
    "one changed copy": predict_tta(model, x_test, generator, rounds=1, seed=1),
    f"the mean of {args.rounds} copies": predict_tta(model, x_test, generator, rounds=args.rounds, seed=1),
}
for name, scores in looks.items():
    likelihood = np.log(scores[np.arange(len(y_test)), y_test] + 1e-9).mean()
    print(f"Test accuracy {(scores.argmax(-1) == y_test).mean():.4f}, log-likelihood {likelihood:.4f}: {name}")
