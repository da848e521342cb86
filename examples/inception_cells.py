"""A network of Inception cells: convolutions of several sizes side by side, joined along the channels.

Szegedy et al., "Going Deeper with Convolutions", 2014, https://arxiv.org/abs/1409.4842
Run it: python examples/inception_cells.py
In a clone without installing: python -m examples.inception_cells
"""

import argparse
from pathlib import Path

import numpy as np

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="Inception cells on Fashion-MNIST.")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--samples", type=int, help="train on this many images only")
args = parser.parse_args()


def convolution(filters, size):
    return layers.Conv2D(filters, size, padding="same", activation="relu")


def inception_cell(x, filters):
    """Four branches of `filters` channels each; 1x1 convolutions make the wide ones cheap."""
    branches = [
        convolution(filters, 1)(x),
        convolution(filters, 3)(convolution(filters // 2, 1)(x)),
        convolution(filters, 5)(convolution(filters // 2, 1)(x)),
        convolution(filters, 1)(layers.MaxPooling2D(3, strides=1, padding="same")(x)),
    ]
    x = layers.concatenate(branches)
    return layers.BatchNormalization(momentum=0.9)(x)


with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"] / 255.0, data["y_test"]
print(f"Data: examples/data/{SUBSET.name}: {len(x_train):,} training and {len(x_test):,} test images\n")

keras.utils.set_random_seed(1)
inputs = keras.Input(shape=(28, 28, 1))
x = inception_cell(inputs, 8)
x = layers.MaxPooling2D()(x)
x = inception_cell(x, 16)
x = layers.GlobalAveragePooling2D()(x)
outputs = layers.Dense(10, activation="softmax")(x)

model = keras.Model(inputs, outputs)
model.summary()
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=2e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=32, epochs=args.epochs, validation_data=(x_test, y_test))
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test accuracy {accuracy:.4f} with {model.count_params():,} parameters")
