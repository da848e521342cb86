"""The same work in Keras' words: ours, Keras 3 on torch, tf_keras."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from benchmarks.meters import Piece
from benchmarks.suites.layers.data import WORDS, mask, sentences, values
from benchmarks.suites.layers.table import LAYERS


def step(keras: ModuleType, name: str) -> Piece:
    """Forward and backward, to the input too where it has a gradient."""
    entry = LAYERS[name]
    kind, options = entry.keras
    layer = getattr(keras.layers, kind)(**options)
    runner = _tensorflow_step if keras.__name__ == "tf_keras" else _torch_step
    return runner(layer, kind, entry)


def _arguments(kind: str, entry: Any, x: Any, place: Any) -> tuple[list[Any], dict[str, Any]]:
    options = dict(entry.options)
    if entry.mask:
        options["mask"] = place(mask(entry))
    return [x, x] if kind == "MultiHeadAttention" else [x], options


def _torch_step(layer: Any, kind: str, entry: Any) -> Piece:
    torch = importlib.import_module("torch")
    device = importlib.import_module("benchmarks.suites.layers.hand").DEVICE
    x = torch.from_numpy(values(entry)).to(device)
    x.requires_grad_(x.is_floating_point())
    args, options = _arguments(kind, entry, x, lambda array: torch.from_numpy(array).to(device))
    gradient = torch.ones_like(layer(*args, **options))
    weights = [v if isinstance(v, torch.Tensor) else v.value for v in layer.trainable_variables]
    variables = [x, *weights]

    def run() -> Any:
        for _ in range(entry.calls):
            for variable in variables:
                variable.grad = None
            y = layer(*args, **options)
            y.backward(gradient)
        return y

    return run


def _tensorflow_step(layer: Any, kind: str, entry: Any) -> Piece:
    tensorflow = importlib.import_module("tensorflow")
    x = tensorflow.constant(values(entry))
    args, options = _arguments(kind, entry, x, tensorflow.constant)

    @tensorflow.function
    def gradients() -> Any:
        with tensorflow.GradientTape() as tape:
            tape.watch(x)
            y = layer(*args, **options)
        return tape.gradient(y, [x, *layer.trainable_variables])

    return lambda: [gradients() for _ in range(entry.calls)][-1]


def fit(keras: ModuleType, cell: str, steps: int) -> Piece:
    layers = keras.layers
    inputs = keras.Input((None,), dtype="int64")
    x = layers.Embedding(WORDS, 32)(inputs)
    outputs = layers.Dense(1, activation="sigmoid")(getattr(layers, cell)(32)(x))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer="adam", loss="binary_crossentropy")
    words, labels = sentences(32 * steps)
    return lambda: model.fit(words, labels, batch_size=32, epochs=1, verbose=0)
