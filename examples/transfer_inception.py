"""InceptionV3 as a frozen base on Fashion-MNIST, as courses do it: pictures repeated to 84 x 84 x 3.

What the frozen layers make of the pictures is computed once and kept, so that later epochs take next to no time.
Run it: python examples/transfer_inception.py [--weights imagenet]
In a clone without installing: python -m examples.transfer_inception
"""

import argparse
from pathlib import Path

import numpy as np
from kerastorch.applications.inception_v3 import InceptionV3

import kerastorch as keras
from kerastorch.layers import Dense, Dropout, Flatten
from kerastorch.models import Model

SUBSET = Path(__file__).parent / "data" / "fashion_mnist_12k.npz"

parser = argparse.ArgumentParser(description="Transfer learning with InceptionV3.")
parser.add_argument("--weights", default=None, help="'imagenet' downloads 88 MB; without it the base is random")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--samples", type=int, default=2000)
args = parser.parse_args()

with np.load(SUBSET) as data:
    x_train, y_train = data["x_train"][: args.samples], data["y_train"][: args.samples]
    x_test, y_test = data["x_test"][: args.samples // 4], data["y_test"][: args.samples // 4]


def enlarged(x):
    """28 x 28 grey values as 84 x 84 colours of -1 to 1."""
    x = x.repeat(3, axis=1).repeat(3, axis=2)[..., None].repeat(3, axis=3)
    return x.astype("float32") / 127.5 - 1


keras.utils.set_random_seed(1)
conv_base = InceptionV3(weights=args.weights, include_top=False, input_shape=(84, 84, 3))
if args.weights is None:  # random filters are of some use where their outputs are scaled by the pictures
    for layer in conv_base.layers:
        layer.momentum = 0.0  # only BatchNormalization looks at it
    conv_base(enlarged(x_train[:128]), training=True)
for layer in conv_base.layers:
    layer.trainable = False

x = Flatten()(conv_base.output)
x = Dense(1024, activation="relu")(x)
x = Dropout(0.5)(x)
out = Dense(10, activation="softmax")(x)
model = Model(conv_base.input, out)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

trainable = sum(weight.numel() for weight in model.trainable_weights)
print(f"{len(conv_base.layers)} frozen layers, {trainable:,} of {model.count_params():,} parameters are trained")
history = model.fit(
    enlarged(x_train), y_train, batch_size=64, epochs=args.epochs, validation_data=(enlarged(x_test), y_test)
)
accuracy = history.history["val_accuracy"][-1]
hint = "" if args.weights else " on features of a random base; --weights imagenet downloads 88 MB and has real ones"
print(f"Test accuracy {accuracy:.4f}{hint}")
