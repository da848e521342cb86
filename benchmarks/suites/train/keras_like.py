"""The same steps in Keras' words: ours, Keras 3 on torch, tf_keras."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.meters import Piece
from benchmarks.suites.train.callbacks import fit_with_callback
from benchmarks.suites.train.metrics import fit_with_metrics
from benchmarks.suites.train.table import RULES, shapes

__all__ = ["fit_with_callback", "fit_with_metrics", "optimizer_step"]


def optimizer_step(keras: ModuleType, name: str, model: str, steps: int) -> Piece:
    kind, options = RULES[name].keras
    optimizer = getattr(keras.optimizers, kind)(learning_rate=1e-3, **options)
    runner = {"keras": _of_keras_3, "tf_keras": _of_tensorflow}.get(keras.__name__, _ours)
    return runner(keras, optimizer, model, steps)


def _ours(keras: ModuleType, optimizer: Any, model: str, steps: int) -> Piece:
    """As in `fit`: weights of layers in Keras' shape, whose gradients lie in memory as they do."""
    hand = importlib.import_module("benchmarks.suites.train.hand")
    variables = importlib.import_module("kerastorch.core.variable")

    def placed(tensor: Any) -> tuple[Any, tuple[int, ...] | None]:
        """The tensor with its axes as Keras has them, and where they lie in memory."""
        if tensor.dim() == 4:
            return tensor.contiguous(memory_format=hand.torch.channels_last).permute(2, 3, 1, 0), (3, 0, 1, 2)
        return (tensor.t(), (1, 0)) if tensor.dim() == 2 else (tensor, None)

    weights = [variables.Variable(value, memory_order=order) for value, order in map(placed, hand.drawn(model, 0))]
    turns = [[placed(gradient)[0] for gradient in turn] for turn in hand.gradients(model)]

    def run() -> None:
        for step in range(steps):
            for weight, gradient in zip(weights, turns[step % 2], strict=True):
                weight.grad = gradient
            optimizer.update([weight.grad for weight in weights], weights)

    return run


def _arrays(model: str, seed: int) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    keras_shapes = [(*shape[2:], *shape[1::-1]) for shape in shapes(model)]
    return [generator.standard_normal(shape, dtype=np.float32) for shape in keras_shapes]


def _of_keras_3(keras: ModuleType, optimizer: Any, model: str, steps: int) -> Piece:
    variables = [keras.Variable(array) for array in _arrays(model, 0)]
    turns = [[keras.ops.convert_to_tensor(array) for array in _arrays(model, seed)] for seed in (1, 2)]
    optimizer.build(variables)
    return lambda: [optimizer.apply(turns[step % 2], variables) for step in range(steps)]


def _of_tensorflow(keras: ModuleType, optimizer: Any, model: str, steps: int) -> Piece:
    tensorflow = importlib.import_module("tensorflow")
    variables = [tensorflow.Variable(array) for array in _arrays(model, 0)]
    turns = [[tensorflow.constant(array) for array in _arrays(model, seed)] for seed in (1, 2)]
    optimizer.build(variables)

    @tensorflow.function
    def update(gradients: list[Any]) -> None:
        optimizer.apply_gradients(zip(gradients, variables, strict=True))

    return lambda: [update(turns[step % 2]) for step in range(steps)]
