"""A training step of one's own, with torch's autograd: clip the gradients and report their norm.

Run it: python examples/custom_train_step.py
In a clone without installing: python -m examples.custom_train_step
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="A training step of one's own.")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--samples", type=int, help="train on this many images only")
args = parser.parse_args()


class ClippedModel(keras.Model):
    """A model whose gradients are scaled down to a norm of at most 1."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.norm_tracker = keras.metrics.Mean(name="gradient_norm")

    def train_step(self, data):
        x, y = data

        y_pred = self(x, training=True)
        loss = self.compiled_loss(y, y_pred, regularization_losses=self.losses)

        # In TensorFlow: with tf.GradientTape() as tape: ...; tape.gradient(loss, self.trainable_variables)
        gradients = torch.autograd.grad(loss, self.trainable_variables)
        norm = torch.sqrt(sum((gradient**2).sum() for gradient in gradients))
        gradients = [gradient / torch.clamp(norm, min=1.0) for gradient in gradients]
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))

        self.norm_tracker.update_state(norm)
        self.compiled_metrics.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data):
        x, y = data
        y_pred = self(x, training=False)
        self.compiled_loss(y, y_pred, regularization_losses=self.losses)
        self.compiled_metrics.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics if metric is not self.norm_tracker}


with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"] / 255.0, data["y_test"]
print(f"Data: examples/data/{SUBSET.name}: {len(x_train):,} training and {len(x_test):,} test images\n")

keras.utils.set_random_seed(1)
inputs = keras.Input(shape=(28, 28))
x = layers.Flatten()(inputs)
x = layers.Dense(128, activation="relu")(x)
outputs = layers.Dense(10, activation="softmax")(x)

model = ClippedModel(inputs, outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train, epochs=args.epochs, validation_data=(x_test, y_test))
print("Mean norm of the gradients by epoch:", [round(norm, 2) for norm in history.history["gradient_norm"]])
