"""A layer and a model of one's own: weights in build, a penalty with add_loss, and layers in a list.

Run it: python examples/custom_layer_and_model.py
In a clone without installing: python -m examples.custom_layer_and_model
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="A layer and a model of one's own.")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--samples", type=int, help="train on this many images only")
args = parser.parse_args()


class QuietDense(layers.Layer):
    """A dense layer with relu that pays for every output that is not zero."""

    def __init__(self, units, price=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.price = price

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units), initializer="he_normal", trainable=True
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        outputs = torch.relu(inputs @ self.kernel + self.bias)
        self.add_loss(self.price * outputs.mean())
        return outputs


class Classifier(keras.Model):
    """Quiet layers of the given widths, then one output a class."""

    def __init__(self, widths, classes, **kwargs):
        super().__init__(**kwargs)
        self.flatten = layers.Flatten()
        self.hidden = [QuietDense(width) for width in widths]
        self.dropout = layers.Dropout(0.1)
        self.classify = layers.Dense(classes, activation="softmax")

    def call(self, inputs, training=None):
        x = self.flatten(inputs)
        for layer in self.hidden:
            x = layer(x)
        return self.classify(self.dropout(x, training=training))


with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"] / 255.0, data["y_test"]
print(f"Data: examples/data/{SUBSET.name}: {len(x_train):,} training and {len(x_test):,} test images\n")

keras.utils.set_random_seed(1)
model = Classifier(widths=[128, 64], classes=10)
model.build(input_shape=(None, 28, 28))
model.summary()
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, epochs=args.epochs, validation_data=(x_test, y_test))

probabilities = model(x_test[:100])
print("The weights:", [weight.name for weight in model.trainable_weights])
print("The penalties on 100 test images:", [f"{loss:.6f}" for loss in model.losses])
