"""A small residual network, built with the functional API: the graph branches and joins again.

Run it: python examples/residual_functional.py
In a clone without installing: python -m examples.residual_functional
"""

import argparse
from pathlib import Path

import numpy as np

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="A residual network on Fashion-MNIST.")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--samples", type=int, help="train on this many images only")
args = parser.parse_args()


def convolution(x, filters, size=3, strides=1):
    x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def residual_block(x, filters, strides=1):
    """Two convolutions, and a shortcut around them."""
    shortcut = x if strides == 1 else convolution(x, filters, size=1, strides=strides)
    x = layers.ReLU()(convolution(x, filters, strides=strides))
    x = convolution(x, filters)
    return layers.ReLU()(layers.add([x, shortcut]))


with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"] / 255.0, data["y_test"]
print(f"Data: examples/data/{SUBSET.name}: {len(x_train):,} training and {len(x_test):,} test images\n")

keras.utils.set_random_seed(1)
inputs = keras.Input(shape=(28, 28, 1), name="image")
x = layers.ReLU()(convolution(inputs, 16, strides=2))
x = residual_block(x, 16)
x = residual_block(x, 32, strides=2)
x = layers.GlobalAveragePooling2D(name="features")(x)
outputs = layers.Dense(10, activation="softmax")(x)

model = keras.Model(inputs, outputs, name="residual_network")
model.summary()
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=1e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=32, epochs=args.epochs, validation_data=(x_test, y_test))
model.evaluate(x_test, y_test)

# A second model over the same layers returns what the last one sees: 32 numbers for an image
feature_extractor = keras.Model(model.input, model.get_layer("features").output)
features = feature_extractor.predict(x_test, verbose=0)
print(f"Features of the test images: shape {features.shape}, {features.min():.2f} to {features.max():.2f}")
