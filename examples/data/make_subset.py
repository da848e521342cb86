"""Makes fashion_mnist_12k.npz: 10,000 training and 2,000 test images of Fashion-MNIST.

    python examples/data/make_subset.py

Takes the full set from where `kerastorch.datasets.fashion_mnist` finds it; on Debian, the package
dataset-fashion-mnist has it.
"""

from pathlib import Path

import numpy as np

from kerastorch.datasets import fashion_mnist

TARGET = Path(__file__).with_name("fashion_mnist_12k.npz")
CLASSES = 10


def first_of_each_class(x, y, count):
    """The first `count` samples of each class, in the order of the full set."""
    rows = np.sort(np.concatenate([np.flatnonzero(y == label)[:count] for label in range(CLASSES)]))
    return x[rows], y[rows]


(x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
x_train, y_train = first_of_each_class(x_train, y_train, 1000)
x_test, y_test = first_of_each_class(x_test, y_test, 200)
np.savez_compressed(TARGET, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
print(f"{TARGET.name}: {len(x_train)} + {len(x_test)} images, {TARGET.stat().st_size:,} bytes")
