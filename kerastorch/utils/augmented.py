"""Predictions averaged over changed copies of each picture."""

from __future__ import annotations

from typing import Any

import numpy as np


def predict_tta(
    model: Any,
    x: Any,
    generator: Any,
    rounds: int = 10,
    batch_size: int = 32,
    seed: int | None = None,
    verbose: int | str = 0,
) -> np.ndarray:
    """The mean of `rounds` predictions for pictures that an `ImageDataGenerator` changes anew each time.

    `x` (samples, height, width, channels); the result has the shape of `model.predict(x)`. With a `seed` the pictures
    are changed in the same ways again. Raises ValueError for fewer rounds than one.

    >>> predict_tta(model, x_test, ImageDataGenerator(horizontal_flip=True), rounds=4)  # doctest: +SKIP
    """
    if not isinstance(rounds, int) or rounds < 1:
        raise ValueError(f"predict_tta: expected rounds of at least 1; received rounds={rounds!r}.")
    if not hasattr(generator, "flow"):
        raise TypeError(
            f"predict_tta: expected an ImageDataGenerator; received {type(generator).__name__}. Pass the generator "
            "itself, not what its flow() returns."
        )
    total = None
    for number in range(rounds):
        draws = None if seed is None else seed + number
        flow = generator.flow(x, batch_size=batch_size, shuffle=False, seed=draws)
        scores = model.predict(flow, steps=len(flow), verbose=verbose)
        total = scores if total is None else total + scores
    return total / np.asarray(rounds, total.dtype)
