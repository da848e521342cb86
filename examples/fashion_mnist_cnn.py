"""A convolutional network on Fashion-MNIST, the first program of many courses.

    python examples/fashion_mnist_cnn.py            the 12,000 images that ship with the examples
    python examples/fashion_mnist_cnn.py --full     all 70,000 images: a local copy, or a download

In a clone without installing: python -m examples.fashion_mnist_cnn
"""

import argparse
from pathlib import Path

import numpy as np

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"
CLASSES = "T-shirt Trouser Pullover Dress Coat Sandal Shirt Sneaker Bag Boot".split()

parser = argparse.ArgumentParser(description="A convolutional network on Fashion-MNIST.")
parser.add_argument("--full", action="store_true", help="train on all of Fashion-MNIST")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--samples", type=int, help="train on this many images only")
args = parser.parse_args()

# Data: grey pictures of clothes, uint8 from 0 to 255, shape (samples, 28, 28); labels from 0 to 9
if args.full:
    (x_train, y_train), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    source = "the full Fashion-MNIST"
else:
    with np.load(SUBSET) as data:
        x_train, y_train, x_test, y_test = (data[k] for k in ("x_train", "y_train", "x_test", "y_test"))
    source = f"examples/data/{SUBSET.name}, a part of Fashion-MNIST"
x_train, y_train = x_train[: args.samples], y_train[: args.samples]
print(f"Data: {source}: {len(x_train):,} training and {len(x_test):,} test images\n")

x_train = x_train[..., np.newaxis].astype("float32") / 255
x_test = x_test[..., np.newaxis].astype("float32") / 255

# Model
keras.utils.set_random_seed(1)  # the same numbers in every run on the same machine
model = keras.Sequential(
    [
        layers.Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1)),
        layers.MaxPooling2D(),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.summary()

# Training
model.fit(x_train, y_train, epochs=args.epochs, batch_size=32, validation_data=(x_test, y_test))

# Evaluation
loss, accuracy = model.evaluate(x_test, y_test)
print(f"\nTest accuracy {accuracy:.4f}, test loss {loss:.4f}")

probabilities = model.predict(x_test[:5], verbose=0)
for row, label in zip(probabilities, y_test, strict=False):
    guess = row.argmax()
    print(f"A picture of class {CLASSES[label]:8s} looks like {CLASSES[guess]:8s} ({row[guess]:.0%} sure)")
