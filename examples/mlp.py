"""A network of dense layers on Fashion-MNIST, with dropout and a loss on logits.

Run it: python examples/mlp.py
In a clone without installing: python -m examples.mlp
"""

import argparse
from pathlib import Path

import numpy as np

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="A network of dense layers on Fashion-MNIST.")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--samples", type=int, help="train on this many images only")
args = parser.parse_args()

with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"] / 255.0, data["y_test"]
print(f"Data: examples/data/{SUBSET.name}: {len(x_train):,} training and {len(x_test):,} test images\n")

keras.utils.set_random_seed(1)
model = keras.models.Sequential(
    [
        layers.Flatten(input_shape=(28, 28)),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10),
    ]
)
model.compile(
    optimizer="adam",
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.summary()

# The last tenth of the training images is held back, and tells after each epoch how training goes.
history = model.fit(x_train, y_train, epochs=args.epochs, validation_split=0.1)
print("Validation accuracy by epoch:", [round(value, 3) for value in history.history["val_accuracy"]])

loss, accuracy = model.evaluate(x_test, y_test, verbose=2)

# A model that returns probabilities, made of the trained one
probability_model = keras.Sequential([model, layers.Softmax()])
classes = probability_model.predict(x_test[:10], verbose=0).argmax(axis=-1)
print(f"Test accuracy {accuracy:.4f}. The first test images: classes {y_test[:10]}, predicted {classes}")
