"""Weights, gradients and optimizers for the tests of optimizers."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from kerastorch.core.variable import Variable
from kerastorch.optimizers import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
    legacy,
)

KERNEL_ORDER = (3, 0, 1, 2)


def make_variables() -> list[Variable]:
    generator = torch.Generator().manual_seed(3)
    kernel = Variable(torch.randn(3, 3, 2, 4, generator=generator), name="conv/kernel:0", memory_order=KERNEL_ORDER)
    return [kernel, Variable(torch.randn(5, generator=generator), name="dense/bias:0")]


def make_gradients(variables: list[torch.Tensor], seed: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(v.shape, generator=generator, dtype=v.dtype) for v in variables]


def train(optimizer: Optimizer, variables: list[torch.Tensor], steps: int = 5) -> list[np.ndarray]:
    for step in range(steps):
        optimizer.update(make_gradients(variables, step), variables)
    return [variable.detach().numpy().copy() for variable in variables]


def one_step(optimizer: Optimizer, value: list[float], gradient: list[float], **options: object) -> list[float]:
    variable = Variable(torch.tensor(value), **options)
    optimizer.apply_gradients([(torch.tensor(gradient), variable)])
    return variable.tolist()


def loop_version(kind: type[Optimizer]) -> type[Optimizer]:
    """`kind` with its rule for one weight, which turns the fused path off."""

    def update_step(self: Optimizer, gradient: torch.Tensor, variable: nn.Parameter) -> None:
        kind.update_step(self, gradient, variable)

    return type(kind.__name__, (kind,), {"update_step": update_step})


KINDS = [
    (SGD, {"learning_rate": 0.1}),
    (SGD, {"learning_rate": 0.1, "momentum": 0.9}),
    (SGD, {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    (Adam, {"learning_rate": 0.1}),
    (Adam, {"learning_rate": 0.1, "amsgrad": True, "epsilon": 0.01, "adaptive_epsilon": True}),
    (AdamW, {"learning_rate": 0.1, "weight_decay": 0.3, "clipnorm": 0.5}),
    (RMSprop, {"learning_rate": 0.1, "momentum": 0.5, "centered": True}),
    (Nadam, {"learning_rate": 0.1}),
    (Nadam, {"learning_rate": 0.1, "beta_1": 0.0, "epsilon": 0.1}),
    (Adamax, {"learning_rate": 0.1}),
    (Adagrad, {"learning_rate": 0.1}),
    (Adagrad, {"learning_rate": 0.1, "epsilon": 0.1}),
    (Adadelta, {"learning_rate": 1.0}),
    (Ftrl, {"learning_rate": 0.1, "l1_regularization_strength": 0.1, "beta": 0.1}),
    (Lion, {"learning_rate": 0.1, "use_ema": True}),
    (legacy.RMSprop, {"learning_rate": 0.1, "centered": True}),
    (legacy.Adagrad, {"learning_rate": 0.1, "decay": 0.1}),
    (legacy.Nadam, {"learning_rate": 0.1}),
]
# What has a rule for one weight only.
SINGLE = [(Adafactor, {"learning_rate": 0.1}), (SGD, {"learning_rate": 0.1, "gradient_accumulation_steps": 2})]
