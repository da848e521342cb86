"""Fine-tuning: a base trained on five kinds of clothes serves five others, first frozen, then with its last block free.

Run it: python examples/fine_tuning.py
In a clone without installing: python -m examples.fine_tuning
"""

import argparse
from pathlib import Path

import numpy as np

import kerastorch as keras
from kerastorch import layers

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="Freeze, train, unfreeze, train on.")
parser.add_argument("--epochs", type=int, default=3, help="of each of the three trainings")
parser.add_argument("--samples", type=int, default=10_000)
args = parser.parse_args()

with np.load(SUBSET) as data:
    x, y = data["x_train"][: args.samples, ..., None] / 255.0, data["y_train"][: args.samples]
    x_test, y_test = data["x_test"][..., None] / 255.0, data["y_test"]
first, first_test = y < 5, y_test < 5

keras.utils.set_random_seed(1)
conv_base = keras.Sequential(name="conv_base")
for number, filters in enumerate((16, 32, 32), 1):
    conv_base.add(layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"block{number}_conv"))
    conv_base.add(layers.BatchNormalization(momentum=0.9, name=f"block{number}_bn"))
    conv_base.add(layers.ReLU(name=f"block{number}_relu"))
    conv_base.add(layers.MaxPooling2D(name=f"block{number}_pool"))
conv_base.build((None, 28, 28, 1))


def classifier():
    return keras.Sequential([conv_base, layers.Flatten(), layers.Dropout(0.3), layers.Dense(5, activation="softmax")])


def train(model, rate, what):
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    trained = sum(weight.numel() for weight in model.trainable_weights)
    print(f"\n{what}: {trained:,} parameters are trained")
    return model.fit(*train_data, epochs=args.epochs, validation_data=test_data, verbose=2).history


train_data, test_data = (x[first], y[first]), (x_test[first_test], y_test[first_test])
train(classifier(), 1e-3, "The base, on T-shirt, trouser, pullover, dress, coat")

train_data = (x[~first][:500], y[~first][:500] - 5)  # of the other kinds there are few pictures
test_data = (x_test[~first_test], y_test[~first_test] - 5)
conv_base.trainable = False
model = classifier()
frozen = train(model, 1e-3, "The new end, on sandal, shirt, sneaker, bag, boot")

conv_base.trainable = True
for layer in conv_base.layers[:-4]:
    layer.trainable = False
tuned = train(model, 1e-4, "The new end and the last block")
print(f"\nTest accuracy {frozen['val_accuracy'][-1]:.4f} frozen, {tuned['val_accuracy'][-1]:.4f} fine-tuned")
