"""A callback of one's own: end the training as soon as the accuracy is good enough.

Run it: python examples/stop_when_good_enough.py
In a clone without installing: python -m examples.stop_when_good_enough
"""

import argparse
from pathlib import Path

import numpy as np

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="End the training as soon as the accuracy is good enough.")
parser.add_argument("--accuracy", type=float, default=0.85, help="what is good enough")
parser.add_argument("--epochs", type=int, default=20, help="give up after as many")
parser.add_argument("--samples", type=int, help="train on this many images only")
args = parser.parse_args()


class StopWhenGoodEnough(keras.callbacks.Callback):
    def __init__(self, accuracy):
        super().__init__()
        self.accuracy = accuracy

    def on_epoch_end(self, epoch, logs=None):
        if logs["accuracy"] >= self.accuracy:
            print(f"Epoch {epoch + 1} reached {logs['accuracy']:.1%} accuracy: good enough.")
            self.model.stop_training = True


with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"] / 255.0, data["y_test"]
print(f"Data: examples/data/{SUBSET.name}: {len(x_train):,} training and {len(x_test):,} test images\n")

keras.utils.set_random_seed(1)
model = keras.models.Sequential()
model.add(layers.Flatten(input_shape=(28, 28)))
model.add(layers.Dense(128, activation="relu"))
model.add(layers.Dense(10, activation="softmax"))
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

history = model.fit(x_train, y_train, epochs=args.epochs, callbacks=[StopWhenGoodEnough(args.accuracy)])
model.evaluate(x_test, y_test)
print(f"Trained for {len(history.epoch)} of at most {args.epochs} epochs.")
